"""What a share could be traded at around a trade: at the decision, some time after it, and at the declared checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.metrics.netting import UNKNOWN
from core.store.evaluations import EvaluationStore
from core.units import MICRO, micros

MINUTE = 60_000_000  # [µs]
HORIZONS = (1, 5, 60)  # minutes after a fill
CHECKPOINT_HOUR = 9  # of the event day in the station's own time, for what was traded the day before or earlier
OLDEST = 60 * MINUTE  # of the quote that stands for a checkpoint
LOOK_AHEAD = HORIZONS[-1] * MINUTE * 3 // 2
Quote = tuple[int, float | None, float | None]  # cycle [µs], bid, ask


@dataclass(slots=True)
class Mark:
    """Around one execution [micro-USD per share]; `UNKNOWN` where nobody quoted, or not yet."""

    mid: int = UNKNOWN  # of the decision
    touch: int = UNKNOWN
    after: tuple[int, ...] = (UNKNOWN,) * len(HORIZONS)
    closing: int = UNKNOWN  # at the checkpoint


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
    found = Mark(after=tuple(_near(quotes, asked.at, minutes * MINUTE) for minutes in HORIZONS))
    decided = next((quote for quote in quotes if quote[0] == asked.ordered_at), None)
    if decided is not None:
        found.mid, found.touch = _between(*decided[1:]), _whole(decided[2] if asked.bought else decided[1])
    found.closing = found.after[-1]
    if asked.checkpoint != asked.at + HORIZONS[-1] * MINUTE:
        first = max(asked.checkpoint - OLDEST, asked.at)
        before = store.quotes_between(asked.event_id, asked.bracket, asked.side, first, asked.checkpoint)
        found.closing = next((value for quote in reversed(before) if (value := _bounded(*quote[1:])) != UNKNOWN), UNKNOWN)
    return found


def _near(quotes: Sequence[Quote], at: int, horizon: int) -> int:
    """Return the mid of the quote nearest to a horizon, within half of it: an older or younger one says something else."""
    wanted = at + horizon
    known = [(abs(quote[0] - wanted), _bounded(*quote[1:])) for quote in quotes if abs(quote[0] - wanted) <= horizon // 2]
    return next((value for _, value in sorted(known) if value != UNKNOWN), UNKNOWN)


def _between(bid: float | None, ask: float | None) -> int:
    return UNKNOWN if bid is None or ask is None else round((bid + ask) / 2 * MICRO)


def _bounded(bid: float | None, ask: float | None) -> int:
    """Return the mid; where one side is empty, 0 or 1 stands for it (SCIENCE 3.3)."""
    return UNKNOWN if bid is None and ask is None else _between(bid or 0.0, 1.0 if ask is None else ask)


def _whole(price: float | None) -> int:
    return UNKNOWN if price is None else round(price * MICRO)
