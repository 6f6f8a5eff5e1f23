from __future__ import annotations

import csv
import gzip
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from core.errors import HermesError, RuleError
from core.model.rule import DayWindow, Grade, Precision, Rounding, SettlementRule, Statistic
from core.units import Unit
from tests.venues.texts import KALSHI_SWAPS, Text, alterations, captured_texts
from venues.kalshi.rules import parse_rule, parse_strike

HIGH, LOW = Statistic.OFFICIAL_MAX, Statistic.OFFICIAL_MIN
NWS, TWC = "nws_climate_report", "weather_company"
OKX, MTR, LOT, HGX = (f"https://www.weather.gov/wrh/Climate?wfo={office}" for office in ("okx", "mtr", "lot", "hgx"))

# Read by hand from each text: station, source, statistic, bracket, address, cut-off, no data.
MEANING: dict[str, tuple[str, str, Statistic, tuple[int | None, int | None], str, str, str]] = {
    "kalshi_nws-high_KXHIGHTSFO-26JUN03-B72.5": ("KSFO", NWS, HIGH, (72, 73), MTR, "latest_version", ""),
    "kalshi_nws-low_KXLOWTCHI-26MAY22-B46.5": ("KMDW", NWS, LOW, (46, 47), LOT, "", ""),
    "kalshi_nws-low_KXLOWTHOU-26MAY22-B72.5": ("KHOU", NWS, LOW, (72, 73), HGX, "", ""),
    "kalshi_nws-low_KXLOWTNYC-26AUG06": ("KNYC", NWS, LOW, (None, 67), "", "", ""),
    "kalshi_nws-low_KXLOWTNYC-26MAY22-T56": ("KNYC", NWS, LOW, (57, None), OKX, "", ""),
    "kalshi_twc-high_KXHIGHCHI-26SEP15-T87": ("KMDW", TWC, HIGH, (88, None), "", "", ""),
    "kalshi_twc-high_KXHIGHNY-26OCT06-B69.5": (
        "KNYC", TWC, HIGH, (69, 70), "https://weather.com/kalshi", "first_publication", "last_fair_price",
    ),
    "kalshi_twc-high_KXHIGHNY-26OCT06-T63": (
        "KNYC", TWC, HIGH, (None, 62), "https://weather.com/kalshi", "first_publication", "last_fair_price",
    ),
    "kalshi_twc-high_KXHIGHNY-26OCT06-T70": (
        "KNYC", TWC, HIGH, (71, None), "https://weather.com/kalshi", "first_publication", "last_fair_price",
    ),
    "kalshi_twc-low_KXLOWTLAX-26SEP25-B68.5": ("KLAX", TWC, LOW, (68, 69), "", "", ""),
}  # fmt: skip


def read(text: Text) -> SettlementRule:
    return parse_rule(text.primary, text.secondary, event_day=text.event_day, ticker=text.ticker)


@pytest.fixture(scope="module")
def texts(captures: Path) -> dict[str, Text]:
    return {text.name: text for text in captured_texts(captures, "kalshi")}


@pytest.mark.parametrize("name", MEANING)
def test_a_captured_text_means_what_it_says(texts: dict[str, Text], name: str) -> None:
    rule = read(texts[name])

    station, source, statistic, bracket, address, cutoff, no_data = MEANING[name]
    assert (rule.station, rule.source, rule.statistic) == (station, source, statistic)
    assert parse_strike(texts[name].primary) == bracket
    assert (rule.source_url, rule.revision_cutoff, rule.no_data) == (address, cutoff, no_data)
    assert (rule.unit, rule.precision, rule.rounding) == (Unit.FAHRENHEIT, Precision.WHOLE, Rounding.AS_PRINTED)
    assert (rule.window, rule.grade) == (DayWindow.STANDARD_TIME, Grade.CAPTURED)


def test_every_captured_text_has_its_meaning_written_down(texts: dict[str, Text]) -> None:
    assert set(texts) == set(MEANING)


def test_no_alteration_of_a_captured_text_keeps_rule_and_bracket(captures: Path) -> None:
    altered = 0
    for text in captured_texts(captures, "kalshi"):
        original = (replace(read(text), text="", sha256=""), parse_strike(text.primary))
        for label, changed in alterations(text, KALSHI_SWAPS):
            altered += 1
            try:
                meaning = (replace(read(changed), text="", sha256=""), parse_strike(changed.primary))
            except HermesError:
                continue
            assert meaning != original, label

    assert altered >= 100


def test_the_source_changed_on_the_14th_of_august_2026(texts: dict[str, Text]) -> None:
    """FACTS I.1: NWS to event date 2026-08-13, The Weather Company from 08-14. Neither is understood on the other's days."""
    weather_company = texts["kalshi_twc-high_KXHIGHCHI-26SEP15-T87"].primary.replace("Sep 15", "Aug 13")
    climate_report = texts["kalshi_nws-low_KXLOWTNYC-26AUG06"].primary.replace("Aug 6", "Aug 14")

    with pytest.raises(RuleError, match=r"has no meaning in settlement_sources\.csv on 2026-08-13"):
        parse_rule(weather_company, event_day=date(2026, 8, 13))
    with pytest.raises(RuleError, match=r"has no meaning in settlement_sources\.csv on 2026-08-14"):
        parse_rule(climate_report, event_day=date(2026, 8, 14))


def test_a_notice_of_the_series_is_no_rule(captures: Path) -> None:
    notice = (captures / "fixtures" / "rules" / "kalshi_twc_series-notice_2026-08-14.json").read_text("utf-8")

    with pytest.raises(RuleError, match="not understood"):
        parse_rule(notice, event_day=date(2026, 8, 14))


def test_other_venues_terms_are_no_rule(captures: Path) -> None:
    terms = (captures / "fixtures" / "rules" / "forecastex_u-contract-terms_2026-01-23_fragments.json").read_text("utf-8")

    with pytest.raises(RuleError, match="not understood"):
        parse_rule(terms, event_day=date(2026, 1, 23))


def test_history_of_2024_and_2025_is_read_and_graded_inferred(captures: Path) -> None:
    """4,734 brackets of 789 events; their texts name no unit, so the unit is concluded from the climate report."""
    stations: Counter[str] = Counter()
    with gzip.open(captures / "real" / "markets" / "kalshi_markets.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            day = date.fromisoformat(row["target_date"])
            rule = parse_rule(row["rules_primary"], event_day=day, ticker=row["ticker"])
            lower, upper = parse_strike(row["rules_primary"])
            stations[rule.station] += 1

            assert (rule.source, rule.statistic, rule.grade) == (NWS, HIGH, Grade.INFERRED)
            if row["result"] == "yes" and row["expiration_value"]:
                value = float(row["expiration_value"].split(". ")[0])  # one, of 2024-11-05, explains itself
                assert (lower is None or lower <= value, upper is None or value <= upper) == (True, True)

    assert stations == {"KNYC": 1062, "KMDW": 1062, "KMIA": 1062, "KAUS": 1062, "KDEN": 486}


@pytest.mark.parametrize(
    ("ticker", "why"),
    [
        ("KXHIGHNY-26OCT07-T70", "is about 2026-10-07"),
        ("KXLOWTNYC-26OCT06-T70", "is about a low"),
        ("KXHIGHNY-26OCT06-T71", "is not the bracket 71 to None"),
        ("KXHIGHNY-26OCT06-B70.5", "is not the bracket"),
        ("KXRAINNY-26OCT06-T70", "not of a temperature series"),
    ],
)
def test_a_ticker_that_contradicts_its_text_is_refused(texts: dict[str, Text], ticker: str, why: str) -> None:
    text = texts["kalshi_twc-high_KXHIGHNY-26OCT06-T70"]

    with pytest.raises(RuleError, match=why):
        parse_rule(text.primary, text.secondary, event_day=text.event_day, ticker=ticker)
