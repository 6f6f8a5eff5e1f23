from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from core.errors import RuleError
from core.model.rule import DayWindow, Grade, Precision, Rounding, SettlementRule, Statistic
from core.units import Unit
from tests.venues.texts import POLYMARKET_SWAPS, Text, alterations, captured_texts
from venues.polymarket.rules import parse_rule

HIGHEST, LOWEST = Statistic.MAX_LISTED_REPORT, Statistic.MIN_LISTED_REPORT
HOURLY, EXTRACT = Statistic.MAX_HOURLY_READING, Statistic.DAILY_EXTRACT
F, C = Unit.FAHRENHEIT, Unit.CELSIUS
NEXT, FINAL, FIRST = "first_next_day_point", "finalized", "first_publication"
WU, NOAA = "wunderground", "weather.gov"

# Read by hand from each text (fixtures/rules/README.md): station, source, statistic, unit, cut-off, fallback, no data.
MEANING: dict[str, tuple[str, str, Statistic, Unit, str, str, str]] = {
    "polymarket_cwa_taipei_high_2026-03-17": ("46692", "cwa", EXTRACT, C, FINAL, "", ""),
    "polymarket_hko_hong-kong_high_2026-03-16": ("HKO", "hko", EXTRACT, C, FINAL, "", ""),
    "polymarket_hko_hong-kong_high_2026-06-10": ("HKO", "hko", EXTRACT, C, FIRST, "", ""),
    "polymarket_hko_hong-kong_high_2026-09-28": ("HKO", "hko", EXTRACT, C, FIRST, "", "lowest_bracket"),
    "polymarket_hko_hong-kong_low_2026-06-10": ("HKO", "hko", Statistic.DAILY_EXTRACT_MIN, C, FIRST, "", ""),
    "polymarket_noaa-intl-finalized_tel-aviv_high_2026-03-23": ("LLBG", NOAA, HIGHEST, C, FINAL, "", ""),
    "polymarket_noaa-intl_istanbul_high_2026-06-10": ("LTFM", NOAA, HIGHEST, C, NEXT, "", ""),
    "polymarket_noaa-intl_london_high_2026-09-28": ("EGLC", NOAA, HIGHEST, C, NEXT, WU, "lowest_bracket"),
    "polymarket_noaa-intl_london_low_2026-09-28": ("EGLC", NOAA, LOWEST, C, NEXT, WU, "lowest_bracket"),
    "polymarket_noaa-intl_moscow_high_2026-06-10": ("UUWW", NOAA, HIGHEST, C, NEXT, "", ""),
    "polymarket_noaa-intl_sao-paulo_high_2026-08-29": ("SBGR", NOAA, HIGHEST, C, NEXT, WU, ""),
    "polymarket_noaa-intl_tel-aviv_high_2026-06-10": ("LLBG", NOAA, HIGHEST, C, NEXT, "", ""),
    "polymarket_noaa-intl_tel-aviv_high_2026-09-28": ("LLBG", NOAA, HIGHEST, C, NEXT, WU, "lowest_bracket"),
    "polymarket_noaa-us_nyc_high_2026-08-24": ("KLGA", NOAA, HOURLY, F, NEXT, "", ""),
    "polymarket_noaa-us_nyc_high_2026-09-28": ("KLGA", NOAA, HOURLY, F, NEXT, WU, "lowest_bracket"),
    "polymarket_noaa-us_nyc_high_2026-10-05": ("KLGA", NOAA, HOURLY, F, NEXT, WU, "lowest_bracket"),
    "polymarket_noaa-us_san-francisco_high_2026-10-07": ("KSFO", NOAA, HOURLY, F, NEXT, WU, "lowest_bracket"),
    "polymarket_noaa-us_seattle_high_2026-08-29": ("KSEA", NOAA, HOURLY, F, NEXT, WU, ""),
    "polymarket_wu-daily-observations_ankara_high_2026-08-20": ("LTAC", WU, HIGHEST, C, NEXT, "", ""),
    "polymarket_wu-daily-observations_jinan_low_2026-09-28": ("ZSJN", WU, LOWEST, C, NEXT, "", "lowest_bracket"),
    "polymarket_wu-high-finalized_hong-kong-vhhh_2026-03-13": ("VHHH", WU, HIGHEST, C, FINAL, "", ""),
    "polymarket_wu-high-finalized_jinan_2026-05-20": ("ZSJN", WU, HIGHEST, C, FINAL, "", ""),
    "polymarket_wu-high-finalized_london_2026-03-17": ("EGLC", WU, HIGHEST, C, FINAL, "", ""),
    "polymarket_wu-high-finalized_nyc_2025-02-10": ("KLGA", WU, HIGHEST, F, FINAL, "", ""),
    "polymarket_wu-high-finalized_nyc_2025-04-06": ("KLGA", WU, HIGHEST, F, FINAL, "", ""),
    "polymarket_wu-high-finalized_nyc_2025-05-25": ("KLGA", WU, HIGHEST, F, FINAL, "", ""),
    "polymarket_wu-high-finalized_nyc_2026-03-17": ("KLGA", WU, HIGHEST, F, FINAL, "", ""),
    "polymarket_wu-high-finalized_seoul_2026-03-17": ("RKSI", WU, HIGHEST, C, FINAL, "", ""),
    "polymarket_wu-high-mixed-revisions_london_2026-05-27": ("EGLC", WU, HIGHEST, C, FINAL, "", ""),
    "polymarket_wu-high_seoul_2026-06-11": ("RKSI", WU, HIGHEST, C, NEXT, "", ""),
    "polymarket_wu-low_london_2026-06-10": ("EGLC", WU, LOWEST, C, NEXT, "", ""),
    "polymarket_wu-low_miami_2026-06-10": ("KMIA", WU, LOWEST, F, NEXT, "", ""),
    "polymarket_wu-low_nyc_2026-06-10": ("KLGA", WU, LOWEST, F, NEXT, "", ""),
    "polymarket_wu-low_seoul_2026-06-10": ("RKSI", WU, LOWEST, C, NEXT, "", ""),
}


def read(text: Text) -> SettlementRule:
    return parse_rule(text.primary, event_day=text.event_day, resolution_source=text.resolution_source)


@pytest.fixture(scope="module")
def texts(captures: Path) -> dict[str, Text]:
    return {text.name: text for text in captured_texts(captures, "polymarket")}


@pytest.mark.parametrize("name", MEANING)
def test_a_captured_text_means_what_it_says(texts: dict[str, Text], name: str) -> None:
    rule = read(texts[name])

    said = (rule.station, rule.source, rule.statistic, rule.unit, rule.revision_cutoff, rule.fallback_source, rule.no_data)
    assert said == MEANING[name]
    assert rule.window is DayWindow.CIVIL
    assert rule.text == texts[name].primary
    assert len(rule.sha256) == 64


@pytest.mark.parametrize("name", MEANING)
def test_observatories_print_tenths_that_only_an_inference_puts_into_whole_brackets(texts: dict[str, Text], name: str) -> None:
    """FACTS I.1: no captured text says how 0.1 °C becomes a bracket, so HKO and CWA stay inferred."""
    rule = read(texts[name])

    tenths = (Precision.TENTH, Rounding.FLOOR, Grade.INFERRED)
    whole = (Precision.WHOLE, Rounding.HALF_UP, Grade.CAPTURED)
    assert (rule.precision, rule.rounding, rule.grade) == (tenths if rule.source in ("hko", "cwa") else whole)


def test_every_captured_text_has_its_meaning_written_down(texts: dict[str, Text]) -> None:
    assert set(texts) == set(MEANING)


def test_no_alteration_of_a_captured_text_keeps_its_rule(captures: Path) -> None:
    """Station, unit, source, day, precision, revisions: each altered text reads differently or is refused."""
    altered = refused = 0
    for text in captured_texts(captures, "polymarket"):
        original = replace(read(text), text="", sha256="")
        for label, changed in alterations(text, POLYMARKET_SWAPS):
            altered += 1
            try:
                rule = read(changed)
            except RuleError:
                refused += 1
            else:
                assert replace(rule, text="", sha256="") != original, label

    assert altered >= 200
    assert refused > 0.9 * altered


def test_a_station_moved_everywhere_in_the_text_is_another_station(texts: dict[str, Text]) -> None:
    text = texts["polymarket_wu-low_nyc_2026-06-10"].primary
    moved = text.replace("LaGuardia Airport", "Miami Intl Airport").replace("us/ny/new-york-city/KLGA", "us/fl/miami/KMIA")

    assert parse_rule(moved, event_day=date(2026, 6, 10)).station == "KMIA"


def test_dropping_the_hourly_button_counts_all_reports_again(texts: dict[str, Text]) -> None:
    text = texts["polymarket_noaa-us_nyc_high_2026-10-05"].primary
    without = text.replace(
        'This market will resolve off of the Hourly Data provided using the "Show Hourly Data" button.\n\n', ""
    )

    assert parse_rule(text, event_day=date(2026, 10, 5)).statistic is Statistic.MAX_HOURLY_READING
    assert parse_rule(without, event_day=date(2026, 10, 5)).statistic is Statistic.MAX_LISTED_REPORT


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("KLGA", "KJFK", "its address"),
        ("LaGuardia Airport", "Gotham Airport", "not in venue_stations.csv"),
        ("on 10 Jun '26", "on 11 Jun '26", "the event about 2026-06-10"),
        ("on 10 Jun '26", "on 31 Jun '26", "is no date"),
        ("specifically the lowest", "specifically the highest", "highest and lowest"),
        ("(eg, 21°F)", "(eg, 21°C)", "names its unit"),
        ("on this day for the LaGuardia", "on this day for the Miami Intl", "names the station"),
        ("This market can not resolve until", "All bets are off until", "a sentence is not understood"),
    ],
)
def test_a_refusal_names_what_is_wrong(texts: dict[str, Text], before: str, after: str, why: str) -> None:
    text = texts["polymarket_wu-low_nyc_2026-06-10"].primary
    count = 1 if why == "names the station" else text.count(before)

    with pytest.raises(RuleError, match=why):
        parse_rule(text.replace(before, after, count), event_day=date(2026, 6, 10))


def test_the_listing_may_not_name_another_address_than_its_text(texts: dict[str, Text]) -> None:
    text = texts["polymarket_wu-low_nyc_2026-06-10"]

    with pytest.raises(RuleError, match="the listing"):
        parse_rule(text.primary, event_day=text.event_day, resolution_source="https://www.weather.gov/wrh/timeseries?site=klga")


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(RuleError, match="lacks its subject clause"):
        parse_rule("", event_day=date(2026, 6, 10))


def test_a_sentence_said_twice_is_refused(texts: dict[str, Text]) -> None:
    text = texts["polymarket_wu-low_nyc_2026-06-10"]

    with pytest.raises(RuleError, match="says twice"):
        parse_rule(f"{text.primary}\n\n{text.primary}", event_day=text.event_day)


def test_line_breaks_do_not_change_a_rule_but_its_hash(texts: dict[str, Text]) -> None:
    """Tel Aviv of 2026-03-23 came as one paragraph, all others with blank lines."""
    text = texts["polymarket_wu-low_nyc_2026-06-10"]
    flat = parse_rule(text.primary.replace("\n\n", " "), event_day=text.event_day)

    assert replace(flat, text="", sha256="") == replace(read(text), text="", sha256="")
    assert flat.sha256 != read(text).sha256
