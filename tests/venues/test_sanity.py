from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.errors import WireError
from core.units import MISSING
from venues.sanity import (
    MOST_NAMED,
    age_fault,
    believable,
    believable_part,
    crossed_fault,
    future_fault,
    level_fault,
    number_or_none,
    price_fault,
    quarantine,
    refuse_repeated,
    report_fault,
    temperature_fault,
    tenths_fault,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("celsius", [-90.0, -89.2, 0.0, 56.7, 60.0])  # Vostok 1983 and Death Valley 1913 are the records
def test_a_temperature_that_was_measured_on_earth_passes(celsius: float) -> None:
    assert temperature_fault(celsius) == ""


@pytest.mark.parametrize("celsius", [-90.1, 60.1, 71.0, 9999.0, math.inf, -math.inf, math.nan])
def test_a_temperature_that_nowhere_is_has_a_sentence(celsius: float) -> None:
    assert temperature_fault(celsius).endswith(("is no temperature on Earth", "is no number"))


def test_a_missing_temperature_is_no_fault_and_a_wrong_one_beside_it_is() -> None:
    assert tenths_fault(211, MISSING, -400) == ""
    assert tenths_fault(MISSING, 710) == "71.0 °C is no temperature on Earth"


def test_a_column_keeps_what_can_be_and_one_sentence_says_what_cannot() -> None:
    celsius = np.array([20.0, np.nan, 61.0, -5.0])
    kept, sentence = believable_part(celsius, "KLGA gfs hourly")

    assert believable(celsius).tolist() == kept.tolist() == [True, False, False, True]
    assert sentence == "KLGA gfs hourly: 2 of 4 values are left out, nan is no number"
    assert believable_part(np.array([1.0]), "KLGA")[1] == ""


def test_what_lies_ten_minutes_ahead_may_be_two_clocks_and_more_is_a_lie() -> None:
    assert future_fault(NOON + timedelta(minutes=10), NOON) == ""
    assert future_fault(NOON + timedelta(minutes=11), NOON) == "2026-06-01T12:11:00Z was still to come at 2026-06-01T12:00:00Z"


def test_a_report_of_a_month_ago_is_no_report_of_now() -> None:
    assert age_fault(NOON - timedelta(hours=36), NOON) == ""
    assert age_fault(NOON - timedelta(days=30), NOON) == "it is 720 hours old, 36 at most"
    assert age_fault(NOON - timedelta(days=2), NOON, timedelta(days=3)) == ""


def test_a_report_is_named_by_station_and_time() -> None:
    at, heard = datetime(2026, 6, 1, 17, 51, tzinfo=UTC), datetime(2026, 6, 1, 17, 55, tzinfo=UTC)

    assert report_fault("KLGA", at, [211, MISSING], heard) == ""
    assert report_fault("KLGA", at, [710], heard) == "KLGA 2026-06-01T17:51Z: 71.0 °C is no temperature on Earth"
    assert "still to come" in report_fault("KLGA", at + timedelta(hours=1), [211], heard)
    assert "720 hours old" in report_fault("KLGA", heard - timedelta(days=30), [211], heard)
    assert report_fault("KLGA", heard - timedelta(days=30), [211], heard, None) == ""


@pytest.mark.parametrize(
    ("value", "number"), [(1, 1.0), (2.5, 2.5), (10**400, math.inf), (True, None), ("1", None), (None, None)]
)
def test_a_number_of_json_is_a_float_or_nothing(value: object, number: float | None) -> None:
    assert number_or_none(value) == number


@pytest.mark.parametrize(
    ("price", "size", "fault"),
    [
        (1, 1, ""),
        (999_999, 5_000_000, ""),
        (0, 5_000_000, "a price of 0 is none"),
        (1_000_000, 5_000_000, "a price of 1 is none"),
        (-10_000, 1, "a price of -0.01 is none"),
        (500_000, 0, "a size of 0 is none"),
        (500_000, -1_000_000, "a size of -1 is none"),
    ],
)
def test_a_level_needs_a_price_between_nothing_and_certainty_and_a_size(price: int, size: int, fault: str) -> None:
    assert level_fault(price, size) == fault
    assert price_fault(price) == (fault if "price" in fault else "")


def test_a_book_crosses_when_its_best_bid_reaches_its_best_ask() -> None:
    assert crossed_fault([450_000, 440_000], [460_000]) == ""
    assert crossed_fault([440_000, 460_000], [470_000, 460_000]) == "the book crosses: bid 0.46, ask 0.46"
    assert crossed_fault([], [10_000]) == crossed_fault([990_000], []) == ""


def test_what_identifies_stands_once() -> None:
    refuse_repeated("market", ["a", "b"])

    with pytest.raises(WireError, match="market b stands 2 times in one answer"):
        refuse_repeated("market", ["a", "b", "b"])


def test_facts_name_what_was_left_out_only_when_something_was() -> None:
    assert quarantine([]) == {}
    assert quarantine(["one"]) == {"quarantined": ["one"]}
    assert quarantine(["x"] * (MOST_NAMED + 3))["quarantined"][-1] == "and 3 more"
