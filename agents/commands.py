"""What people ask of a desk: recorded like any outside answer, obeyed from the record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np

from agents.transmission.tripwires import KILL
from core.journal.changes import Obedience
from core.model.account import Account
from core.model.activity import Action, Activity, Severity
from core.model.command import KILL_FILE, Command, Verb
from core.model.cycle import Cycle
from core.model.record import Kind, Record
from core.store.archive import View

BY_FILE = "file"


def commands_record(desk: str, pending: Sequence[Command], kill_file: bool, account: Account, at: datetime) -> Record | None:
    """Return the record of what people want now, or None when they want nothing.

    The file `data/KILL` counts as a command for as long as it is there and the switch is not thrown.
    """
    wishes = [(str(each.command_id), str(each.verb), each.arguments, each.by) for each in pending]
    if kill_file and not bool((account.tripped & KILL).all()):
        wishes.append((f"{BY_FILE}-{at:%Y%m%dT%H%M%S}", str(Verb.KILL), "{}", f"data/{KILL_FILE}"))
    if not wishes:
        return None
    columns = zip(*wishes, strict=True)
    rows = {
        name: np.array(list(column), dtype=object)
        for name, column in zip(("command_id", "verb", "arguments", "by"), columns, strict=True)
    }
    return Record("operator", Kind.COMMANDS, desk, at, None, b"", rows, {"kill_file": kill_file})


def obey(cycle: Cycle, account: Account, view: View, since: datetime) -> Iterator[Obedience]:
    """Yield what the commands received after `since` change."""
    stack = view.stack(Kind.COMMANDS, cycle.desk, since)
    for index in range(len(stack)):
        rows, kill_file = stack.rows(index), bool(stack.facts[index].get("kill_file"))
        for i in range(len(rows["verb"])):
            verb, by = Verb(rows["verb"][i]), str(rows["by"][i])
            tripped, message = _effect(verb, by, account, kill_file)
            if tripped is not None:
                account_tripped = tripped
                yield Obedience(
                    str(rows["command_id"][i]), account_tripped,
                    (_line(cycle, str(rows["command_id"][i]), verb, message, Severity.WARNING),),
                )  # fmt: skip
            else:
                yield Obedience(
                    str(rows["command_id"][i]), None, (_line(cycle, str(rows["command_id"][i]), verb, message, Severity.INFO),)
                )


def _effect(verb: Verb, by: str, account: Account, kill_file: bool) -> tuple[np.ndarray | None, str]:
    if verb is Verb.KILL:
        return account.tripped | KILL, f"kill switch thrown by {by}: exits only"
    if verb is Verb.LIFT and kill_file:
        return None, f"kill switch not lifted for {by}: data/{KILL_FILE} is still there, remove it first"
    if verb is Verb.LIFT:
        return account.tripped & ~KILL, f"kill switch lifted by {by}"
    return None, f"{verb} by {by}"


def _line(cycle: Cycle, command_id: str, verb: Verb, message: str, severity: Severity) -> Activity:
    return Activity(
        at=cycle.sealed_at, action=Action.RISK, message=message, severity=severity, type="risk_update",
        data={"command_id": command_id, "verb": str(verb)},
    )  # fmt: skip
