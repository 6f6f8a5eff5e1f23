"""What a person asks of a desk: checked here, left in control.db, carried out by the engine; its result is the activity row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import orjson

from core.clock import wall_now
from core.control.commands import Commands
from core.errors import NotAllowedError, StoreError, UnknownIdError
from core.model.command import KILL_FILE, Caller, Command, Scope, To, Verb
from core.model.ids import CommandId
from core.services.shelves import START, Shelves
from core.units import instant

SOURCE = "control.db: commands; journal: activity"
LEAST_REASON, MOST_REASON = 3, 200
LEVELS = (1, 2, 3, 4, 5)
PENDING, TAKEN, DONE = "pending", "taken", "done"
Arguments = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Result:
    """What an engine said when it carried the command out."""

    seq: int
    timestamp: datetime  # the world's
    desk: str
    level: str
    message: str


@dataclass(frozen=True, slots=True)
class CommandState:
    """`state` is "pending" (nobody took it up), "taken" (its cycle runs) or "done"; `heard` whether an engine runs to hear it."""

    command_id: str
    verb: str
    to: str
    arguments: Arguments
    by: str
    asked_at: datetime  # the machine's
    state: str
    heard: bool
    message: str  # in words
    taken_at: Mapping[str, datetime]  # by desk, the world's
    results: tuple[Result, ...]
    also: tuple[str, ...] = ()  # commands that were left together with it


@dataclass(frozen=True, slots=True)
class CommandStates:
    as_of: datetime
    source: str
    n: int
    total: int
    limit: int
    offset: int
    commands: tuple[CommandState, ...]  # newest first
    missing: str = ""


class OperatorService:
    """Leaves commands; the only thing that a face writes."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def ask(self, verb: str, arguments: Arguments, by: Caller, command_id: str | None = None) -> CommandState:
        """Leave a command and return it at once; the same id again is the same command.

        Raises:
            NotAllowedError: the caller may not, the verb is none, or an argument is malformed; `field` names it.
            StoreError: there is no data folder.
        """
        if Scope.CONTROL not in by.scopes:
            raise NotAllowedError(f"{by.name} may read and not command: the scope {Scope.CONTROL} is needed", "scope")
        if verb not in VERBS:
            raise NotAllowedError(f"verb {verb[:40]!r} is none of {', '.join(VERBS)}", "verb")
        rule = VERBS[verb]
        checked = rule.check(arguments, self._shelves)
        first, *rest = rule.leaves
        own = command_id or uuid4().hex
        names = {one: f"{own}-{one}" for one in rest}
        store, text = self._store(), orjson.dumps(checked, option=orjson.OPT_SORT_KEYS).decode()
        left = {names.get(one, own): one for one in (*rest, first)}  # the kill before the sale: no moment allows new risk
        for each, one in left.items():
            known = store.command(each)
            if known is not None and (known.verb, known.arguments) != (one, text):
                raise NotAllowedError(f"command {each} was left before, as another one", "command_id")
        for each, one in left.items():
            store.post(Command(CommandId(each), To.ENGINE, one, text, by.name, wall_now()))
        return self._state(store, own, also=tuple(names.values()))

    def command(self, command_id: str) -> CommandState:
        """Return what became of a command; UnknownIdError for one that was never left."""
        store = self._store()
        if store.command(command_id) is None:
            raise UnknownIdError(f"no command {command_id} was left in {self._shelves.data_dir}")
        return self._state(store, command_id)

    def commands(self, limit: int = 20, offset: int = 0) -> CommandStates:
        """Return the commands to engines, newest first."""
        now = self._shelves.present().now
        if not (self._shelves.data_dir / "control.db").exists():
            return CommandStates(now, SOURCE, 0, 0, limit, offset, (), self._shelves.missing())
        store = self._store()
        total = store.count()
        found = tuple(self._state(store, str(one.command_id)) for one in store.newest(limit, offset))
        return CommandStates(now, SOURCE, total, total, limit, offset, found)

    def _store(self) -> Commands:
        folder = self._shelves.data_dir
        if not folder.is_dir():
            raise StoreError(f"there is no data folder {folder}, and no desk in it; {START} makes it")
        return self._shelves.commands()

    def _state(self, store: Commands, command_id: str, also: tuple[str, ...] = ()) -> CommandState:
        command = store.command(command_id)
        assert command is not None
        taken, results = store.takers(command_id), self._results(command_id)
        state = DONE if results else TAKEN if taken else PENDING
        heard = self._shelves.engine_runs()
        return CommandState(
            command_id=command_id, verb=str(command.verb), to=str(command.to), arguments=orjson.loads(command.arguments or "{}"),
            by=command.by, asked_at=command.at, state=state, heard=heard, message=_words(command, state, results, heard=heard),
            taken_at=taken, results=results, also=also,
        )  # fmt: skip

    def _results(self, command_id: str) -> tuple[Result, ...]:
        journal = self._shelves.journal()
        rows = journal.answers(command_id) if journal else ()
        return tuple(Result(row["seq"], instant(row["at"]), row["desk"], row["severity"], row["message"]) for row in rows)


def _words(command: Command, state: str, results: tuple[Result, ...], *, heard: bool) -> str:
    if state == DONE:
        return "; ".join(dict.fromkeys(result.message for result in results))
    if state == TAKEN:
        return f"{command.verb} was taken up: its cycle is not complete yet"
    when = "it is carried out at the desk's next look" if heard else "no engine runs: it is obeyed when one starts"
    return f"{command.verb} was left; {when}"


@dataclass(frozen=True, slots=True)
class Ask:
    """What one may ask for: the commands that are left, the first of them named in the answer, and how arguments are checked."""

    leaves: tuple[Verb, ...]
    check: Callable[[Arguments, Shelves], Arguments]


def _only(arguments: Arguments, *names: str) -> None:
    for name in arguments:
        if name not in names:
            raise NotAllowedError(f"unknown argument {name[:40]!r}; this takes {', '.join(names) or 'none'}", name[:40])


def _reason(arguments: Arguments, *, needed: bool) -> dict[str, object]:
    text = arguments.get("reason")
    if text is None and not needed:
        return {}
    words = " ".join(text.split()) if isinstance(text, str) else ""
    if not LEAST_REASON <= len(words) <= MOST_REASON or not words.isprintable():
        raise NotAllowedError(f"a reason in words is needed, {LEAST_REASON} to {MOST_REASON} characters", "reason")
    return {"reason": words}


def _with_reason(arguments: Arguments, shelves: Shelves) -> Arguments:
    _only(arguments, "reason")
    return _reason(arguments, needed=True)


def _at_will(arguments: Arguments, shelves: Shelves) -> Arguments:
    _only(arguments, "reason")
    return _reason(arguments, needed=False)


def _lifted(arguments: Arguments, shelves: Shelves) -> Arguments:
    file = shelves.data_dir / KILL_FILE
    if file.exists():
        raise NotAllowedError(f"{file} is there: the desk stays paused until it is removed; remove it, then lift again")
    _only(arguments, "reason", "tripwire")
    name, known = arguments.get("tripwire"), [wire.name for wire in shelves.tripwires.values()]
    if name is not None and name not in known:
        raise NotAllowedError(f"tripwire {str(name)[:40]!r} is none of {', '.join(known)}", "tripwire")
    return {**({} if name is None else {"tripwire": name}), **_reason(arguments, needed=False)}


def _dialled(arguments: Arguments, shelves: Shelves) -> Arguments:
    _only(arguments, "level", "reason")
    level = arguments.get("level")
    if not isinstance(level, int) or isinstance(level, bool) or level not in LEVELS:
        raise NotAllowedError(f"a level is a whole number from {LEVELS[0]} (pause) to {LEVELS[-1]} (full size)", "level")
    return {"level": level, **_reason(arguments, needed=False)}


VERBS: Mapping[str, Ask] = {
    "kill": Ask((Verb.KILL,), _at_will),
    "lift": Ask((Verb.LIFT,), _lifted),
    "dial": Ask((Verb.DIAL,), _dialled),
    "rebase": Ask((Verb.REBASE,), _with_reason),
    "flatten": Ask((Verb.FLATTEN, Verb.KILL), _with_reason),
}
"""What a person may ask of the desks of a folder."""
