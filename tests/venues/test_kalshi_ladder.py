from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from core.days import window_of
from core.errors import LadderError, RuleError, WireError
from core.model.event import Bracket, FeeRounding, checked_ladder
from core.model.rule import DayWindow, Extreme
from core.prices import fee_micro
from venues.kalshi.fees import STANDARD, series_fees
from venues.kalshi.ladder import bracket_of, check_strike, parse_ticker
from venues.kalshi.rules import parse_strike


def test_strikes_are_exclusive_and_ranges_inclusive() -> None:
    """FACTS I.3: `B74.5` = {74, 75}; "less than 95" pays at <= 94; "greater than 90" at >= 91."""
    assert bracket_of("between", 74, 75) == (74, 75)
    assert bracket_of("less", None, 95) == (None, 94)
    assert bracket_of("greater", 90, None) == (91, None)


@pytest.mark.parametrize(
    ("kind", "floor", "cap"), [("less", 95, None), ("greater", None, 90), ("between", 75, 74), ("above", 1, 2)]
)
def test_a_strike_without_its_number_is_refused(kind: str, floor: int | None, cap: int | None) -> None:
    with pytest.raises(LadderError):
        bracket_of(kind, floor, cap)


def test_a_ticker_names_series_day_and_strike_but_not_the_side() -> None:
    ticker = parse_ticker("KXHIGHNY-26AUG06-T95")

    assert (ticker.series, ticker.event_day, ticker.kind, ticker.strike) == ("KXHIGHNY", date(2026, 8, 6), "T", Decimal(95))
    assert ticker.extreme is Extreme.HIGH
    assert parse_ticker("KXLOWTNYC-26MAY22-B46.5").extreme is Extreme.LOW
    check_strike(ticker, 96, None)
    check_strike(ticker, None, 94)
    with pytest.raises(RuleError):
        check_strike(ticker, None, 95)


def test_the_captured_settled_market_closes_with_its_standard_time_day(captures: Path) -> None:
    """KXHIGHNY-26AUG06-T95 lists 04:59Z; the day in Eastern standard time ends at 05:00Z, summer or not."""
    market = json.loads(
        (captures / "fixtures" / "kalshi" / "kxhighny_settled_market_2026-08-07_selected_fields.json").read_text()
    )
    ticker = parse_ticker(market["ticker"])
    start, end = window_of(DayWindow.STANDARD_TIME, "America/New_York", ticker.event_day)

    assert market["event_ticker"] == f"{ticker.series}-26AUG06"
    assert (start, end) == (datetime(2026, 8, 6, 5, tzinfo=UTC), datetime(2026, 8, 7, 5, tzinfo=UTC))
    assert (end - datetime.fromisoformat(market["close_time"])).total_seconds() == 60
    assert ">95" in market["title"]  # greater than 95: pays at 96 and above; the result is no
    assert (market["result"], bracket_of("greater", 95, None)) == ("no", (96, None))


def test_every_historical_event_is_a_ladder_of_six(captures: Path) -> None:
    events: dict[str, list[Bracket]] = {}
    with gzip.open(captures / "real" / "markets" / "kalshi_markets.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            lower, upper = parse_strike(row["rules_primary"])
            check_strike(parse_ticker(row["ticker"]), lower, upper)
            events.setdefault(row["event_ticker"], []).append(Bracket(lower, upper, row["ticker"], row["ticker"], "y", "n"))

    assert len(events) == 789
    assert {len(checked_ladder(tuple(brackets))) for brackets in events.values()} == {6}


def test_fees_round_up_to_the_cent_once_per_execution() -> None:
    """FACTS II 6.5: 100 at 0.50 cost 1.75 USD; 10 at 0.05 cost 0.04 (0.03325 up)."""

    def fee(price: float, contracts: int) -> int:
        return fee_micro(np.array([round(price * 1_000_000)]), np.array([contracts * 1_000_000]), STANDARD)

    assert STANDARD.rounding is FeeRounding.UP_CENT
    assert fee(0.50, 100) == 1_750_000
    assert fee(0.05, 10) == 40_000


def test_a_series_may_multiply_the_fee_but_not_change_its_form() -> None:
    assert series_fees() == STANDARD
    assert series_fees({"fee_type": "quadratic_with_maker_fees", "fee_multiplier": 0.5}).rate == pytest.approx(0.035)
    assert series_fees({"fee_type": "quadratic_with_maker_fees", "fee_multiplier": 0.5}).maker_rate == pytest.approx(0.00875)
    with pytest.raises(WireError, match="flat"):
        series_fees({"ticker": "KXHIGHNY", "fee_type": "flat"})
