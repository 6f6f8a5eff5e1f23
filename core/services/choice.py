"""Which trades are meant, and what there is to choose from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from core.services.performed import leg_kind
from core.services.traded import EventFacts, Traded
from core.units import BoolArray


@dataclass(frozen=True, slots=True)
class Choice:
    """Which trades are meant; None: all. `window`: the newest so many decided events of those."""

    desk: str | None = None
    station_code: str | None = None
    venue: str | None = None
    lead: int | None = None  # days before the event day
    side: str | None = None
    strategy: str | None = None
    regime: str | None = None
    symbol: str | None = None
    extreme: str | None = None
    first: date | None = None  # event days, both included
    last: date | None = None
    days: int | None = None  # up to the newest event day that was decided
    window: int | None = None

    @property
    def of_desk(self) -> bool:
        """Whether all trades of a desk are meant, of which there is an equity."""
        return replace(self, desk=None, days=None) == Choice()


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose from, of everything that was traded."""

    desks: tuple[str, ...]
    stations: tuple[str, ...]
    venues: tuple[str, ...]
    strategies: tuple[str, ...]
    regimes: tuple[str, ...]
    symbols: tuple[str, ...]
    leads: tuple[int, ...]


def chosen(traded: Traded, choice: Choice) -> BoolArray:
    """Return which executions a choice is about, shape (n,)."""
    newest = max((facts.day for facts, at in zip(traded.facts, traded.final_at.tolist(), strict=True) if at), default=None)
    wanted = np.array([_fits(facts, choice, newest) for facts in traded.facts], np.bool_)
    rows: BoolArray = wanted[traded.columns["event"]]
    return rows if choice.side is None else rows & leg_kind(traded, "side", choice.side)


def _fits(facts: EventFacts, choice: Choice, newest: date | None) -> bool:
    same = (
        (choice.desk, facts.desk), (choice.station_code, facts.station), (choice.venue, facts.venue), (choice.lead, facts.lead),
        (choice.strategy, facts.strategy), (choice.regime, facts.regime), (choice.symbol, facts.symbol),
        (choice.extreme, facts.extreme),
    )  # fmt: skip
    recent = choice.days is None or newest is None or (newest - facts.day).days < choice.days
    inside = (choice.first or facts.day) <= facts.day <= (choice.last or facts.day)
    return recent and inside and all(asked in (None, own) for asked, own in same)


def choices_of(traded: Traded | None) -> Choices:
    """Return what can be chosen of all that was traded."""
    facts = traded.facts if traded else ()

    def named(name: str) -> tuple[str, ...]:
        return tuple(sorted({str(getattr(one, name)) for one in facts if getattr(one, name)}))

    return Choices(
        named("desk"), named("station"), named("venue"), named("strategy"), named("regime"), named("symbol"),
        tuple(sorted({one.lead for one in facts})),
    )  # fmt: skip
