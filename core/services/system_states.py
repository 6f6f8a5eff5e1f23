"""The state of a desk in one word: which of seven, and what has to be true for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.control.beats import SILENT_SECONDS
from core.model.account import Account
from core.model.orders import FINAL, Status
from core.services.journal_rows import JournalRows
from core.services.money import accounts_of, marks_of
from core.services.processes import LOST, STARTING, EngineState, is_silent
from core.services.risk import RiskState
from core.services.shelves import Present, Shelves
from core.units import micros

RECORDED = "replay"  # mode of faces over a session that is over
INFRASTRUCTURE = "infrastructure"  # the tripwire of what the desk runs on
NOT_SENT = frozenset({Status.NEW, Status.APPROVED, Status.SUBMITTING})
WORKS = frozenset(Status) - NOT_SENT - FINAL


@dataclass(frozen=True, slots=True)
class Known:
    """What heartbeats and journal tell of a desk at this moment."""

    runs: bool  # the engine lives and has not said goodbye
    phase: str  # its last word
    broken: bool  # it is gone without a word, or lives and has long said none
    sick: bool  # the tripwire of what it runs on holds, and no other
    stopped: bool  # a tripwire holds under which nothing new is bought
    begun: bool  # a cycle was begun, by this engine or by one before
    intended: bool  # orders are written down and not sent yet
    traded: bool  # an order works, or the newest cycle filled one


@dataclass(frozen=True, slots=True)
class SystemWord:
    """One of the seven states, and when it is said."""

    name: str
    when: str
    holds: Callable[[Known], bool]


STATES: tuple[SystemWord, ...] = (
    SystemWord(
        "error", f"the engine is gone without a word, or lives and has said none for {SILENT_SECONDS:.0f} s",
        lambda known: known.broken,
    ),
    SystemWord("paused", "no engine runs", lambda known: not known.runs),
    SystemWord(
        "initializing", "the engine starts, or waits for its first cycle of all",
        lambda known: known.phase == STARTING or not known.begun,
    ),
    SystemWord("error", "what the desk runs on is sick: nothing new is bought until it is well", lambda known: known.sick),
    SystemWord("paused", "a tripwire holds under which nothing new is bought", lambda known: known.stopped),
    SystemWord("signal_generated", "the newest cycle wrote down orders that are not sent yet", lambda known: known.intended),
    SystemWord(
        "analyzing", "a cycle is under way: it asks or evaluates", lambda known: known.phase in ("collecting", "evaluating")
    ),
    SystemWord("trading", "an order works, or the newest cycle filled one", lambda known: known.traded),
    SystemWord("ready", "the engine waits for its next cycle", lambda known: True),
)  # fmt: skip
"""What is asked, in this order: the first that holds is said (TRANSMISSION 1.1)."""


def system_word(known: Known) -> str:
    """Return the state of a desk in one word."""
    return next(word.name for word in STATES if word.holds(known))


def known_of(shelves: Shelves, present: Present, engine: EngineState, risk: RiskState, desk: str | None) -> Known:
    """Return what is known of a desk, of all for None."""
    statuses = {Status(int(status)) for account in accounts_of(shelves, desk) for status in _working(account)}
    stopped, recorded = risk.state in ("pause", "flat"), shelves.settings.mode == RECORDED
    facts = present.beat.facts if present.beat else {}
    return Known(
        runs=engine.running, phase=engine.phase, broken=not recorded and _broken(engine, present), stopped=stopped,
        sick=stopped and set(risk.tripped) == {INFRASTRUCTURE}, begun="cycle" in facts or risk.state != "unknown",
        intended=bool(statuses & NOT_SENT), traded=bool(statuses & WORKS) or _filled(shelves, desk),
    )  # fmt: skip


def _broken(engine: EngineState, present: Present) -> bool:
    """Return whether an engine cannot be relied on."""
    return engine.phase == LOST or is_silent(present, engine)


def _working(account: Account) -> list[int]:
    found: list[int] = account.working.status[account.working.run == 0].tolist()
    return found


def _filled(shelves: Shelves, desk: str | None) -> bool:
    """Return whether the newest cycle of a desk, of any for None, filled an order."""
    journal = shelves.journal()
    if journal is None:
        return False
    return journal.keep(
        ("filled", desk), lambda: any(_fills(journal, line.desk, micros(line.scheduled_at)) for line in marks_of(shelves, desk))
    )


def _fills(journal: JournalRows, desk: str, scheduled_at: int) -> bool:
    return bool(journal.traded_after(desk, (scheduled_at, -1)))
