"""Sets D and F to J: every line of real history read, each trap of its README avoided. Counts: README and MANIFEST."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson
import pytest

from core.days import settlement_window
from core.errors import LadderError
from core.events import event_of
from core.model.record import Kind, Record
from core.model.rule import DayWindow, Grade, Precision, Rounding, Statistic
from core.readings import fahrenheit_from_tenths
from core.registry import load_stations
from core.units import MICRO, MISSING, Unit, instant, micros, parse_iso
from venues.history import import_history
from venues.history.forms import inferred_rule, text_of
from venues.history.listings import read_listings
from venues.history.moments import read_fetched_forecasts, read_moment_forecasts, read_page_readings
from venues.history.points import market_id, points_of, read_inferred_listings, read_points, read_quotes
from venues.history.prints import read_prints
from venues.history.rows import Found, History
from venues.history.sets import (
    AUGUST_2026,
    AUSTIN,
    DENVER,
    FEBRUARY_2026,
    FOURTEEN,
    HOURLY_2026,
    JUNE_2026,
    LIVE_FORECASTS,
    NYC,
    SETS,
    SPRING_2025,
    PriceSet,
)  # fmt: skip
from venues.history.truth import read_settled_readings

PRICED = (SPRING_2025, AUGUST_2026, HOURLY_2026, JUNE_2026, FEBRUARY_2026)


@pytest.fixture
def history(captures: Path, tmp_path: Path) -> History:
    return History(captures / "real", tmp_path / "quarantine")


def csv_rows(history: History, file: str) -> Iterator[dict[str, str]]:
    with gzip.open(history.real_dir / file, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def listings_of(found: Found) -> list[Record]:
    return [record for record in found.records if record.kind is Kind.EVENTS]


def outcomes_of(found: Found) -> list[Record]:
    return [record for record in found.records if record.kind is Kind.OUTCOMES]


@pytest.mark.parametrize(
    ("prices", "events", "settled", "points"),
    [
        (SPRING_2025, 28, 28, 72_735), (AUGUST_2026, 70, 70, 27_137), (HOURLY_2026, 280, 280, 163_447),
        (JUNE_2026, 36, 0, 5_654), (FEBRUARY_2026, 13, 13, 1_958),
    ],
    ids=lambda given: given.name if isinstance(given, PriceSet) else "",
)  # fmt: skip
def test_every_price_of_a_set_is_a_point_of_an_event_that_is_listed(
    history: History, prices: PriceSet, events: int, settled: int, points: int
) -> None:
    listed, found = read_inferred_listings(history, prices), read_points(history, prices)

    assert (len(listings_of(listed)), len(outcomes_of(listed)), len(found)) == (events, settled, points)
    assert history.messages == []
    markets = {market for record in listings_of(listed) for market in record.rows["market_id"].tolist()}
    assert found.table is not None
    assert set(found.table.rows["market_id"].tolist()) == markets


@pytest.mark.parametrize("prices", PRICED, ids=lambda prices: prices.name)
def test_a_point_is_no_trade_and_knows_no_outcome(history: History, prices: PriceSet) -> None:
    """H and J name the winner in the line of each price: it must not come in with it."""
    table = read_points(history, prices).table

    assert table is not None
    assert not table.rows["size_micro"].any()
    assert set(table.rows["taker"].tolist()) == {""}
    assert (table.rows["yes_price_micro"] > 0).all()
    assert (table.rows["yes_price_micro"] < MICRO).all()
    assert (table.received_at == table.rows["valid_at"]).all()
    assert not any(word in raw for raw in table.raw[::97] for word in (b"resolved", b"winner"))


def test_the_file_of_2025_holds_the_price_of_no(history: History) -> None:
    """README, trap 1: the seven prices of a moment sum to about 6, those of YES to 1 and a spread; the winner ends near 1."""
    sums, last = Counter[tuple[str, int]](), {}
    for point in points_of(history, SPRING_2025):
        sums[point.event_id, point.at] += point.yes_micro
        last[point.event_id, point.label] = point.yes_micro
    winners = {(record.subject, record.facts["winner"]) for record in outcomes_of(read_inferred_listings(history, SPRING_2025))}

    assert 1.0 < np.median(np.array(list(sums.values()))) / MICRO < 1.25
    dearest = {slug: max((price, label) for (event, label), price in last.items() if event == slug)[1] for slug, _ in winners}
    assert {(slug, market_id(slug, label)) for slug, label in dearest.items()} == winners


@pytest.mark.parametrize("prices", PRICED, ids=lambda prices: prices.name)
def test_each_listing_is_inferred_known_from_its_first_price_and_says_on_what_evidence(
    history: History, prices: PriceSet
) -> None:
    first: dict[str, int] = {}
    for point in points_of(history, prices):
        first[point.event_id] = min(point.at, first.get(point.event_id, point.at))

    for record in listings_of(read_inferred_listings(history, prices)):
        event = event_of(record.facts, record.rows)
        assert event.rule.grade is Grade.INFERRED
        assert "no text in the data" in record.facts["evidence"]
        assert micros(record.received_at) == first[record.subject]
        assert len(event.ladder) in (7, 9, 11)  # of 2025, of early March 2026, since


@pytest.mark.parametrize("prices", PRICED, ids=lambda prices: prices.name)
def test_an_outcome_is_known_the_day_after_when_the_day_is_over_everywhere(history: History, prices: PriceSet) -> None:
    found = read_inferred_listings(history, prices)
    rules = {record.subject: event_of(record.facts, record.rows) for record in listings_of(found)}

    for record in outcomes_of(found):
        event = rules[record.subject]
        end = settlement_window(event.rule, load_stations()[event.rule.station].tz, event.event_day)[1]
        assert record.received_at == datetime.combine(event.event_day + timedelta(days=1), datetime.min.time(), UTC).replace(
            hour=13
        )
        assert record.received_at > end
        assert record.rows["won"].sum() == 1
        assert record.facts["evidence"]


def test_the_winners_are_the_brackets_that_the_files_name(history: History) -> None:
    """All 280 of H, resolved by the venue: the label stands in the ladder as it is printed."""
    found = read_inferred_listings(history, HOURLY_2026)
    labels = {
        (record.subject, market): label
        for record in listings_of(found)
        for market, label in zip(record.rows["market_id"].tolist(), record.rows["label"].tolist(), strict=True)
    }
    told = {row["slug"]: row["winning_bucket"] for row in csv_rows(history, HOURLY_2026.winners)}

    assert {record.subject: labels[record.subject, record.facts["winner"]] for record in outcomes_of(found)} == told


def test_the_series_of_set_h_end_at_noon_and_hold_nothing_later(history: History) -> None:
    """README: each series stops at 12:00 UTC of the target day (one price of an hour later is in it)."""
    late = 0
    for point in points_of(history, HOURLY_2026):
        late += instant(point.at) > datetime(point.day.year, point.day.month, point.day.day, 12, 1, tzinfo=UTC)
    assert late == 1


def test_only_the_forecasts_that_were_fetched_come_in(history: History) -> None:
    """Neither reanalysis nor stitched history is a forecast (traps 3 and 6)."""
    found = read_fetched_forecasts(history, JUNE_2026)
    forecasts = [row for row in csv_rows(history, LIVE_FORECASTS) if row["kind"] == "weather-forecast"]
    nameless = [row for row in forecasts if not row["unit"]]
    files = {file for real in SETS.values() for part in real.parts for file in part.files}

    assert (len(forecasts), len(nameless), history.bad_rows) == (3_110, 6, 6)
    assert sum(len(record.rows["celsius"]) for record in found.records) == 2 * (3_110 - 6)
    assert "3,666 rows of reanalysis" in " ".join(history.messages)
    assert not any("stitched" in file for file in files)
    assert {record.source for record in found.records} == {"openmeteo_daily"}
    new_york = next(record for record in found.records if record.subject == "KLGA")
    assert new_york.rows["celsius"].max() < 45  # the file has it in Fahrenheit


def test_the_models_of_set_g_are_known_when_they_were_read_and_about_the_civil_day(history: History) -> None:
    found = read_moment_forecasts(history, AUGUST_2026)
    first = next(record for record in found.records if record.subject == "KLGA")
    row = next(row for row in csv_rows(history, AUGUST_2026.prices) if row["city"] == "New York")

    assert first.received_at == parse_iso(row["time_utc"])
    assert first.rows["model"].tolist()[:2] == ["ecmwf", "gfs"]
    assert first.rows["celsius"][0] == float(row["ecmwf_max_c"])
    day = date.fromisoformat(row["target_date"])
    assert first.rows["valid_at"][0] == micros(datetime(day.year, day.month, day.day, 4, tzinfo=UTC))  # summer time
    assert {record.subject for record in found.records} == {town.station for town in FOURTEEN}
    assert len({(record.subject, record.received_at) for record in found.records}) == len(found.records)
    assert {name for record in found.records for name in record.rows["model"]} == {
        "ecmwf", "gfs", "icon", "ukmo", "meteofrance", "jma"
    }  # fmt: skip


def test_quotes_have_no_sizes_and_an_empty_side_is_none(history: History) -> None:
    """An empty side stands as the price 0 or 1 in the file (1,298 rows by the book, 1,252 by the listing read before it)."""
    found = read_quotes(history, JUNE_2026)
    bid, ask, mid = (
        np.concatenate([record.rows[name] for record in found.records]) for name in ("bid_micro", "ask_micro", "mid_micro")
    )

    assert {record.kind for record in found.records} == {Kind.QUOTES}
    assert len(bid) == 5_654
    assert ((bid == MISSING) | (ask == MISSING)).sum() == 1_298
    both = (bid != MISSING) & (ask != MISSING)
    assert (bid[both] < ask[both]).all()
    apart = np.abs(mid[both] - (bid[both] + ask[both]) / 2) > 600  # they are read one after another: seldom does a quote move
    assert apart.mean() < 0.005


def test_the_readings_of_the_page_come_back_as_the_degrees_it_listed(history: History) -> None:
    table = read_page_readings(history, FEBRUARY_2026).table
    listed = [int(row["temp_f"]) for row in csv_rows(history, "observations/wunderground_KLGA_2026-02.csv.gz")]

    assert table is not None
    assert fahrenheit_from_tenths(table.rows["tenths"]).tolist() == listed
    assert len(listed) == 327
    assert (table.received_at > table.rows["valid_at"]).all()
    assert set(table.rows["max6"].tolist()) == {MISSING}  # the page lists no groups


def test_the_settled_readings_of_2025_lie_in_the_winning_brackets(history: History, tmp_path: Path) -> None:
    readings = read_settled_readings(history.real_dir, tmp_path, SPRING_2025)
    found = read_inferred_listings(history, SPRING_2025)
    events = {record.subject: event_of(record.facts, record.rows) for record in listings_of(found)}

    assert len(readings) == 28
    for record in outcomes_of(found):
        event = events[record.subject]
        assert event.winner_of(int(readings[event.event_day])).market_id == record.facts["winner"]


@pytest.mark.parametrize(("city", "trades", "events"), [(AUSTIN, 196_299, 177), (DENVER, 126_240, 81)])
def test_set_d_is_listed_without_the_column_that_gives_the_winner_away(
    history: History, city: object, trades: int, events: int
) -> None:
    """README, trap 8: strike_type is missing on winners alone; here it is not read at all."""
    found = read_listings(history, city)  # type: ignore[arg-type]

    assert (len(listings_of(found)), len(outcomes_of(found))) == (events, events)
    assert len(read_prints(history, city)) == trades  # type: ignore[arg-type]
    assert all(b"strike_type" not in record.raw and b"result" not in record.raw for record in listings_of(found))
    assert history.messages == []


@pytest.mark.parametrize(
    ("day", "cutoff", "words"),
    [
        (date(2025, 4, 1), "finalized", "once information is finalized"),
        (date(2026, 5, 26), "finalized", "by the Forecast"),
        (date(2026, 5, 27), "first_next_day_point", "first data point for the following date"),
        (date(2026, 8, 15), "first_next_day_point", "Daily Observations"),
    ],
)
def test_a_form_is_that_of_its_time(day: date, cutoff: str, words: str) -> None:
    rule = inferred_rule(NYC, day)

    assert words in rule.text
    assert rule.revision_cutoff == cutoff
    assert (rule.station, rule.source, rule.unit) == ("KLGA", "wunderground", Unit.FAHRENHEIT)
    assert (rule.statistic, rule.window, rule.rounding) == (Statistic.MAX_LISTED_REPORT, DayWindow.CIVIL, Rounding.HALF_UP)
    assert rule.grade is Grade.INFERRED


@pytest.mark.parametrize("town", FOURTEEN, ids=lambda town: town.slug)
def test_each_city_of_august_has_its_own_rule(town: object) -> None:
    rule = inferred_rule(town, date(2026, 8, 15))  # type: ignore[arg-type]

    assert rule.station == town.station  # type: ignore[attr-defined]
    observatory = rule.station == "HKO"
    assert rule.precision is (Precision.TENTH if observatory else Precision.WHOLE)
    assert rule.rounding is (Rounding.FLOOR if observatory else Rounding.HALF_UP)
    assert town.place in text_of(town, date(2026, 8, 15))  # type: ignore[attr-defined, arg-type]


@pytest.mark.parametrize(
    ("label", "slug"),
    [
        ("50-51°F", "e-50-51f"), ("24°C", "e-24c"), ("6°C or below", "e-6corbelow"), ("57°F or higher", "e-57forhigher"),
        ("-5°C", "e-neg-5c"), ("-5°C or below", "e-neg-5corbelow"),
    ],
)  # fmt: skip
def test_a_market_is_named_as_the_venue_names_it(label: str, slug: str) -> None:
    """Forms seen in market slugs of the wallets' fills, also `neg-5c`."""
    assert market_id("e", label) == slug


def test_market_names_are_those_of_the_recorded_fills(history: History) -> None:
    ours = {
        market
        for record in listings_of(read_inferred_listings(history, HOURLY_2026))
        for market in record.rows["market_id"].tolist()
    }
    fills = list(csv_rows(history, "markets/polymarket_wallet_prints_2026.csv.gz"))

    assert sum(row["market_slug"] in ours for row in fills) > 500


def test_what_is_no_bracket_has_no_name() -> None:
    with pytest.raises(LadderError, match="neither a range"):
        market_id("e", "about 20")


def test_a_bad_line_is_kept_aside_and_the_others_come_in(tmp_path: Path) -> None:
    """A price of 1, an unknown city, a bracket in the wrong unit, a day outside the set."""
    lines = [
        "city,target_date,bucket,time_utc,yes_price,resolved_yes",
        "london,2026-03-01,6°C or below,2026-02-27T12:00:52Z,0.25,0",
        "london,2026-03-01,7°C or higher,2026-02-27T12:00:52Z,0.75,1",
        "london,2026-03-01,7°C or higher,2026-02-27T13:00:52Z,1.0,1",
        "atlantis,2026-03-01,7°C or higher,2026-02-27T13:00:52Z,0.5,1",
        "tokyo,2026-03-01,50°F or below,2026-02-27T13:00:52Z,0.5,1",
        "tokyo,2026-03-01,51°F or higher,2026-02-27T13:00:52Z,0.5,1",
    ]
    winners = "city,target_date,winning_bucket\nlondon,2026-03-01,7°C or higher\n"
    for file, text in ((HOURLY_2026.prices, "\n".join(lines) + "\n"), (HOURLY_2026.winners, winners)):
        (tmp_path / "real" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "real" / file).write_bytes(gzip.compress(text.encode()))

    report = import_history(tmp_path / "real", tmp_path / "data", ["H"])

    assert report.rows == {"inferred listings H": 2, "price points H": 4}
    assert report.bad_rows == 2
    assert "1.0 is no price" in " ".join(report.messages)
    assert "'atlantis' is no city of set H" in " ".join(report.messages)
    assert "is not in °C; it is left out" in " ".join(report.messages)


def test_each_set_names_its_grade_in_the_manifest(captures: Path, tmp_path: Path) -> None:
    report = import_history(captures / "real", tmp_path, ["J"])
    manifest = orjson.loads((tmp_path / "archive" / "imported.json").read_bytes())

    assert {part["grade"] for part in manifest.values()} == {SETS["J"].grade}
    assert f"set J: {SETS['J'].grade}" in report.lines()
    assert len({real.grade for real in SETS.values()}) == len(SETS)
