"""What venues accept, by token and moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.market_rules import fees_on, grid_of, least_sizes, pausing
from core.errors import StoreError
from core.model.event import FeeRounding, Fees
from core.registry import REGISTRY, Pausing, load_fees, load_pauses
from core.units import MICRO, micro


def shares(size: str) -> int:
    return micro(size)


@pytest.mark.parametrize(
    ("tick", "size", "limit", "rests", "fault"),
    [
        ("0.01", "5", "0.33", True, ""),
        ("0.01", "4.99", "0.33", True, "minimum_size"),
        ("0.01", "5.005", "0.33", True, "off_lot"),
        ("0.01", "5", "0.335", True, "off_tick"),
        ("0.001", "5", "0.335", True, ""),
        ("0.001", "5", "0.999", True, ""),
        ("0.001", "5", "0.9995", True, "off_tick"),
        ("0.01", "5", "1", True, "price_range"),
        ("0.01", "5", "0", True, "price_range"),
        ("0.001", "1000", "0.001", False, ""),
        ("0.001", "999.99", "0.001", False, "minimum_notional"),
        ("0.01", "5", "0.19", False, "minimum_notional"),  # 95 cents
        ("0.01", "5", "0.20", False, ""),
        ("0.01", "-5", "0.01", False, ""),  # only purchases must be worth something
    ],
)
def test_polymarket_takes_what_its_grid_allows(tick: str, size: str, limit: str, rests: bool, fault: str) -> None:
    """FACTS II 3.6: tick <= p <= 1 - tick, sizes of two decimals, 5 shares, a dollar for a purchase that takes."""
    grid = grid_of("polymarket", micro(tick), shares("5"))

    assert grid.fault(shares(size), micro(limit), rests=rests) == fault


@pytest.mark.parametrize(
    ("size", "limit", "fault"),
    [("1", "0.02", ""), ("1.5", "0.02", "off_lot"), ("0.5", "0.02", "minimum_size"), ("7", "0.025", "off_tick")],
)
def test_kalshi_takes_whole_contracts(size: str, limit: str, fault: str) -> None:
    assert grid_of("kalshi", micro("0.01"), MICRO).fault(shares(size), micro(limit), rests=False) == fault


def test_contracts_that_may_be_divided_are() -> None:
    assert grid_of("kalshi", 1_000, 10_000).fault(shares("0.55"), micro("0.025"), rests=False) == ""


def test_the_least_purchase_follows_the_price() -> None:
    """A dollar at 0.07 is 14.29 shares; at 0.30 the minimum of 5 is worth more; Kalshi asks for one contract."""
    limit = np.array([[70_000, 300_000, 0, 70_000]])

    least = least_sizes(["polymarket", "polymarket", "polymarket", "kalshi"], limit, np.array([5, 5, 5, 1]) * MICRO)

    assert (least / MICRO).tolist() == [[14.29, 5.0, 5.0, 1.0]]


@pytest.mark.parametrize(
    ("venue", "day", "fees"),
    [
        ("polymarket", date(2025, 12, 31), Fees(0.0)),
        ("polymarket", date(2026, 1, 1), Fees(0.05)),
        ("kalshi", date(2024, 8, 16), Fees(0.07, rounding=FeeRounding.UP_CENT)),
        ("kalshi", date(2026, 4, 2), Fees(0.07, rounding=FeeRounding.UP_CENT)),
    ],
)
def test_where_a_listing_says_nothing_the_table_of_dates_does(venue: str, day: date, fees: Fees) -> None:
    assert fees_on(venue, datetime(day.year, day.month, day.day, 12, tzinfo=UTC)) == fees


def test_a_venue_without_a_schedule_is_an_error() -> None:
    with pytest.raises(StoreError, match="no fee of nowhere is known on 2026-01-01"):
        fees_on("nowhere", datetime(2026, 1, 1, tzinfo=UTC))


def test_two_schedules_of_one_day_are_refused(tmp_path: Path) -> None:
    rows = (REGISTRY / "fees.csv").read_text("utf-8")
    (tmp_path / "fees.csv").write_text(rows + "kalshi,2026-05-01,,0.09,1,up_cent,0,a second one,captured\n", "utf-8")

    with pytest.raises(StoreError, match="kalshi has two fee schedules on 2026-05-01"):
        load_fees(tmp_path)


@pytest.mark.parametrize(
    ("venue", "at", "state"),
    [
        ("kalshi", datetime(2026, 11, 12, 8, 0, tzinfo=UTC), Pausing.HALTED),  # Thursday 03:00 in New York, winter
        ("kalshi", datetime(2026, 11, 12, 7, 59, 59, tzinfo=UTC), None),
        ("kalshi", datetime(2026, 11, 12, 10, 0, tzinfo=UTC), None),
        ("kalshi", datetime(2026, 7, 9, 7, 0, tzinfo=UTC), Pausing.HALTED),  # the same clock in summer
        ("kalshi", datetime(2026, 11, 11, 8, 0, tzinfo=UTC), None),  # Wednesday
        ("polymarket", datetime(2026, 11, 10, 12, 0, tzinfo=UTC), Pausing.HALTED),
        ("polymarket", datetime(2026, 11, 10, 12, 1, 29, tzinfo=UTC), Pausing.HALTED),
        ("polymarket", datetime(2026, 11, 10, 12, 1, 30, tzinfo=UTC), Pausing.POST_ONLY),
        ("polymarket", datetime(2026, 11, 10, 12, 3, 30, tzinfo=UTC), None),
    ],
)
def test_venues_take_less_at_times_of_the_week(venue: str, at: datetime, state: Pausing | None) -> None:
    assert pausing(venue, at) == state


def test_every_stretch_of_a_week_lies_within_its_day() -> None:
    for pause in load_pauses():
        start = datetime.combine(date(2026, 1, 1), pause.starts)
        assert (start + timedelta(seconds=pause.seconds)).date() == start.date()
