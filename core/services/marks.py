"""What a share could be traded at, and what mean the books implied, around a trade and at the declared checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.metrics.netting import UNKNOWN
from core.services.values import in_fahrenheit
from core.store.evaluations import EvaluationStore
from core.units import MICRO, micros

MINUTE = 60_000_000  # [µs]
HORIZONS = (1, 5, 60)  # minutes after a fill
CHECKPOINT_HOUR = 9  # of the event day in the station's own time, for what was traded the day before or earlier
OLDEST = 60 * MINUTE  # of the quote that stands for a checkpoint
LOOK_AHEAD = HORIZONS[-1] * MINUTE * 3 // 2
Quote = tuple[int, float | None, float | None]  # cycle [µs], bid, ask
Known = tuple[int, int]  # cycle [µs], what was known in it
HALF_READING = 0.5  # a bracket ends that far beyond its first and its last reading
NOWHERE = -(2**62)  # of a temperature: nobody knows it, or a bracket is open below
ABOVE_ALL = 2**62  # edge of a bracket that is open above


@dataclass(slots=True)
class Mark:
    """Around one execution [micro-USD per share]; `UNKNOWN` where nobody quoted, or not yet."""

    mid: int = UNKNOWN  # of the decision
    touch: int = UNKNOWN
    after: tuple[int, ...] = (UNKNOWN,) * len(HORIZONS)
    closing: int = UNKNOWN  # at the checkpoint


@dataclass(frozen=True, slots=True)
class Shift:
    """Where the books put the event around one execution, and the edges of its bracket [micro-°F]."""

    implied: int = NOWHERE  # mean, by the newest look up to the execution; NOWHERE: they said nothing
    implied_later: int = NOWHERE  # at the checkpoint
    edge_below: int = NOWHERE
    edge_above: int = ABOVE_ALL


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which execution a mark is wanted."""

    event_id: str
    bracket: int
    side: str
    bought: bool
    ordered_at: int  # cycle of the decision [µs]
    at: int  # of the execution [µs]
    checkpoint: int  # [µs]
    lower: float | None = None  # first and last reading of the bracket, rule's unit; None: open
    upper: float | None = None

    @property
    def ahead(self) -> bool:
        """Whether it is held against the morning of the event day."""
        return self.checkpoint != self.at + HORIZONS[-1] * MINUTE


def checkpoint_of(tz: str, event_day: date, at: int, ahead: bool) -> int:
    """Return when an execution is held against the market: 09:00 of the event day for day-ahead ones, else an hour later [µs].

    Declared before any outcome, since the last price is the outcome (SCIENCE 5.4).
    """
    if not ahead:
        return at + HORIZONS[-1] * MINUTE
    return micros(datetime(event_day.year, event_day.month, event_day.day, CHECKPOINT_HOUR, tzinfo=ZoneInfo(tz)))


def lead_days(tz: str, event_day: date, at: datetime) -> int:
    """Return how many days before the event day, in the station's own time, an instant lies; 0: on the day itself or later."""
    return max((event_day - at.astimezone(ZoneInfo(tz)).date()) // timedelta(days=1), 0)


def mark(store: EvaluationStore | None, asked: Asked) -> Mark:
    """Return the quotes around an execution, by the books that each cycle saw."""
    if store is None:
        return Mark()
    end = asked.at + LOOK_AHEAD
    quotes = store.quotes_between(asked.event_id, asked.bracket, asked.side, asked.ordered_at, end)
    mids = [(quote[0], _bounded(*quote[1:])) for quote in quotes]
    found = Mark(after=tuple(_near(mids, asked.at, minutes * MINUTE, UNKNOWN) for minutes in HORIZONS))
    decided = next((quote for quote in quotes if quote[0] == asked.ordered_at), None)
    if decided is not None:
        found.mid, found.touch = _between(*decided[1:]), _whole(decided[2] if asked.bought else decided[1])
    found.closing = found.after[-1]
    if asked.ahead:
        before = store.quotes_between(asked.event_id, asked.bracket, asked.side, *_before(asked))
        found.closing = _newest([(quote[0], _bounded(*quote[1:])) for quote in before], UNKNOWN)
    return found


def shift(store: EvaluationStore | None, asked: Asked) -> Shift:
    """Return the means that the books implied at an execution and at its checkpoint, the looks chosen as for quotes."""
    if store is None:
        return Shift()
    looks = store.implied_between(asked.event_id, asked.ordered_at, asked.at + LOOK_AHEAD)
    if not looks:
        return Shift()
    unit, means = looks[0][2], _means(looks)
    if asked.ahead:
        later = _newest(_means(store.implied_between(asked.event_id, *_before(asked))), NOWHERE)
    else:
        later = _near(means, asked.at, HORIZONS[-1] * MINUTE, NOWHERE)
    return Shift(
        _newest([known for known in means if known[0] <= asked.at], NOWHERE), later,
        NOWHERE if asked.lower is None else _degrees(asked.lower - HALF_READING, unit),
        ABOVE_ALL if asked.upper is None else _degrees(asked.upper + HALF_READING, unit),
    )  # fmt: skip


def _before(asked: Asked) -> tuple[int, int]:
    """Return the span of the looks that may stand for a checkpoint [µs]."""
    return max(asked.checkpoint - OLDEST, asked.at), asked.checkpoint


def _near(known: Sequence[Known], at: int, horizon: int, nothing: int) -> int:
    """Return what the look nearest to a horizon knew, within half of it: an older or younger one says something else."""
    wanted = at + horizon
    near = [(abs(when - wanted), value) for when, value in known if abs(when - wanted) <= horizon // 2]
    return next((value for _, value in sorted(near) if value != nothing), nothing)


def _newest(known: Sequence[Known], nothing: int) -> int:
    return next((value for _, value in reversed(known) if value != nothing), nothing)


def _means(looks: Sequence[tuple[int, float, str]]) -> list[Known]:
    return [(at, _degrees(mean, unit)) for at, mean, unit in looks]


def _degrees(value: float, unit: str) -> int:
    """Return a temperature of a rule's unit [micro-°F]."""
    return round((in_fahrenheit(value, unit) or 0.0) * MICRO)


def _between(bid: float | None, ask: float | None) -> int:
    return UNKNOWN if bid is None or ask is None else round((bid + ask) / 2 * MICRO)


def _bounded(bid: float | None, ask: float | None) -> int:
    """Return the mid; where one side is empty, 0 or 1 stands for it (SCIENCE 3.3)."""
    return UNKNOWN if bid is None and ask is None else _between(bid or 0.0, 1.0 if ask is None else ask)


def _whole(price: float | None) -> int:
    return UNKNOWN if price is None else round(price * MICRO)
