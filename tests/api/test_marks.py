"""Quotes around a trade: by the decision, after it, and at the checkpoint that was declared before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from core.metrics.netting import UNKNOWN
from core.services.marks import ABOVE_ALL, MINUTE, NOWHERE, Asked, Shift, checkpoint_of, lead_days, mark, shift
from core.units import micros

AT = micros(datetime(2026, 12, 8, 18, tzinfo=UTC))


class Quotes:
    """A store of cycles: minutes after the decision, bid, ask."""

    def __init__(self, *rows: tuple[int, float | None, float | None]) -> None:
        self._rows = [(AT + minutes * MINUTE, bid, ask) for minutes, bid, ask in rows]

    def quotes_between(self, event_id: str, bracket: int, side: str, start: int, end: int) -> Sequence[Any]:
        return [row for row in self._rows if start <= row[0] <= end]


def asked(*, bought: bool = True, checkpoint: int = AT + 60 * MINUTE) -> Asked:
    return Asked(
        "e", 1, "YES", bought, AT, AT + 2_000_000, checkpoint + 2_000_000 if checkpoint == AT + 60 * MINUTE else checkpoint
    )


def test_the_decision_is_priced_at_its_mid_and_its_touch() -> None:
    store: Any = Quotes((0, 0.20, 0.22))

    assert (mark(store, asked()).mid, mark(store, asked()).touch) == (210_000, 220_000)
    assert mark(store, asked(bought=False)).touch == 200_000


def test_a_one_sided_book_has_no_mid_at_the_decision() -> None:
    """Trap: half way to a dollar would call an empty side a spread."""
    store: Any = Quotes((0, None, 0.22))

    assert (mark(store, asked()).mid, mark(store, asked()).touch) == (UNKNOWN, 220_000)


def test_a_markout_is_the_quote_nearest_to_its_time_within_half_of_it() -> None:
    """Cycles at 15, 45 and 75 minutes: nothing near 1 or 5, and 75 is as near to 60 as 45 is; the earlier one stands."""
    store: Any = Quotes((0, 0.2, 0.2), (15, 0.3, 0.3), (45, 0.4, 0.4), (80, 0.5, 0.5))

    assert mark(store, asked()).after == (UNKNOWN, UNKNOWN, 400_000)


def test_the_book_of_the_decision_is_no_markout() -> None:
    """Trap: the last known book a minute after a fill is the one that was bought from."""
    store: Any = Quotes((0, 0.2, 0.22))

    assert mark(store, asked()).after == (UNKNOWN,) * 3


def test_later_an_empty_side_counts_as_nothing_or_a_dollar() -> None:
    store: Any = Quotes((60, 0.9, None))

    assert mark(store, asked()).after[-1] == 950_000


def test_a_day_ahead_entry_is_held_against_nine_in_the_morning() -> None:
    nine = checkpoint_of("America/New_York", date(2026, 12, 9), AT, ahead=True)
    store: Any = Quotes((0, 0.2, 0.2), ((nine - AT) // MINUTE - 15, 0.3, 0.3), ((nine - AT) // MINUTE + 15, 0.9, 0.9))

    assert nine == micros(datetime(2026, 12, 9, 14, tzinfo=UTC))
    assert mark(store, asked(checkpoint=nine)).closing == 300_000  # what came later is not known at nine


def test_an_old_quote_does_not_stand_for_a_checkpoint() -> None:
    nine = checkpoint_of("America/New_York", date(2026, 12, 9), AT, ahead=True)
    store: Any = Quotes(((nine - AT) // MINUTE - 90, 0.3, 0.3))

    assert mark(store, asked(checkpoint=nine)).closing == UNKNOWN


@pytest.mark.parametrize(
    ("tz", "at", "lead"),
    [
        ("America/New_York", datetime(2026, 12, 9, 4, tzinfo=UTC), 1), ("America/New_York", datetime(2026, 12, 9, 6, tzinfo=UTC), 0),
        ("Asia/Tokyo", datetime(2026, 12, 8, 16, tzinfo=UTC), 0), ("Asia/Tokyo", datetime(2026, 12, 12, tzinfo=UTC), 0),
        ("Europe/London", datetime(2026, 12, 6, 23, tzinfo=UTC), 3),
    ],
)  # fmt: skip
def test_the_lead_counts_days_of_the_station(tz: str, at: datetime, lead: int) -> None:
    assert lead_days(tz, date(2026, 12, 9), at) == lead


def test_without_evaluations_nothing_is_known() -> None:
    assert mark(None, asked()).closing == UNKNOWN


# The mean that the books implied


class Implied:
    """A store of looks: minutes after the decision, implied mean in the rule's unit."""

    def __init__(self, *rows: tuple[int, float], unit: str = "F") -> None:
        self._rows = [(AT + minutes * MINUTE, mean, unit) for minutes, mean in rows]

    def implied_between(self, event_id: str, start: int, end: int) -> Sequence[Any]:
        return [row for row in self._rows if start <= row[0] <= end]


def placed(lower: float | None, upper: float | None, checkpoint: int = AT + 60 * MINUTE) -> Asked:
    return replace(asked(checkpoint=checkpoint), lower=lower, upper=upper)


def test_an_hour_on_the_implied_mean_is_that_of_the_nearest_look_within_half_of_it() -> None:
    store: Any = Implied((0, 45.0), (15, 45.5), (45, 46.0), (80, 47.0))

    assert shift(store, placed(42, 43)) == Shift(45_000_000, 46_000_000, 41_500_000, 43_500_000)
    assert shift(Implied((0, 45.0), (15, 45.5)), placed(42, 43)).implied_later == NOWHERE  # type: ignore[arg-type]


def test_a_day_ahead_entry_is_held_against_the_implied_mean_at_nine() -> None:
    nine = checkpoint_of("America/New_York", date(2026, 12, 9), AT, ahead=True)
    until = (nine - AT) // MINUTE
    store: Any = Implied((0, 45.0), (60, 45.2), (until - 15, 46.5), (until + 15, 49.0))

    assert shift(store, placed(None, 43, nine)) == Shift(45_000_000, 46_500_000, NOWHERE, 43_500_000)


def test_degrees_celsius_are_told_in_fahrenheit() -> None:
    """7.0 °C is 44.6 °F, 8.0 °C 46.4; the bracket 9 °C or higher begins at 8.5 °C, 47.3 °F."""
    store: Any = Implied((0, 7.0), (60, 8.0), unit="C")

    assert shift(store, placed(9, None)) == Shift(44_600_000, 46_400_000, 47_300_000, ABOVE_ALL)


def test_entry_is_the_newest_look_up_to_the_execution() -> None:
    """An order of 18:00 that rested until 18:20 met the market of 18:15."""
    store: Any = Implied((0, 45.0), (15, 45.5), (30, 46.0), (75, 47.0))
    rested = replace(placed(42, 43), at=AT + 20 * MINUTE, checkpoint=AT + 80 * MINUTE)

    assert shift(store, rested).implied == 45_500_000
    assert shift(store, rested).implied_later == 47_000_000


def test_without_looks_the_books_implied_nothing() -> None:
    assert shift(None, placed(42, 43)) == Shift()
    assert shift(Implied(), placed(42, 43)) == Shift()  # type: ignore[arg-type]
