"""Real history comes in once, whole, and known when it was known. Counts and traps: README of the real history."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson
import pytest

from core.errors import NotAllowedError, StoreError
from core.events import event_of
from core.model.event import FeeRounding
from core.model.record import Kind, Record
from core.model.rule import DayWindow, Grade, Statistic
from core.store.archive import Archive, Stack
from core.units import Unit, instant, micros, parse_iso
from tests.store.samples import files_under
from venues.history import ImportReport, import_history
from venues.history.listings import derived_ladder, read_derived_listings, read_listings
from venues.history.prints import event_of as event_of_ticker
from venues.history.prints import prints_of, read_early_prints, read_prints
from venues.history.rows import History
from venues.history.sets import CHICAGO, MIAMI, NEW_YORK, City
from venues.history.weather import read_forecasts, read_reports

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
AFTER = datetime(2025, 6, 1, tzinfo=UTC)
CITIES = (MIAMI, NEW_YORK, CHICAGO)


@pytest.fixture(scope="module")
def real(captures: Path) -> Path:
    return captures / "real"


@pytest.fixture(scope="module")
def imported(real: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ImportReport]:
    """Set A: every trade and report of Miami."""
    data_dir = tmp_path_factory.mktemp("imported")
    return data_dir, import_history(real, data_dir, ["A"])


@pytest.fixture(scope="module")
def archive(imported: tuple[Path, ImportReport]) -> Archive:
    return Archive(imported[0])


@pytest.fixture
def history(real: Path, tmp_path: Path) -> History:
    return History(real, tmp_path / "quarantine")


def stack(archive: Archive, kind: Kind, subject: str, at: datetime = AFTER) -> Stack:
    return archive.as_of([at]).stack(kind, subject, LONG_AGO)


def csv_rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def test_set_a_is_imported_to_the_last_row(imported: tuple[Path, ImportReport]) -> None:
    """MANIFEST: 31,465 reports; 177 days of 6 brackets; 133,521 of the 157,899 trades are of listed events."""
    _, report = imported

    assert report.rows == {"forecasts KMIA": 1131, "reports KMIA": 31_465, "listings HIGHMIA": 354, "prints HIGHMIA": 133_521}
    assert (report.bad_rows, report.failed, report.messages, report.quarantine) == (0, (), (), None)


@pytest.mark.parametrize(
    ("city", "trades", "early"), [(MIAMI, 157_899, 24_378), (NEW_YORK, 256_820, 34_220), (CHICAGO, 208_815, 32_479)]
)
def test_every_trade_is_of_a_listed_day_or_an_early_one(history: History, city: City, trades: int, early: int) -> None:
    assert len(read_early_prints(history, city)) == early
    assert len(read_prints(history, city)) == trades - early
    assert history.messages == []


@pytest.mark.parametrize(("city", "reports"), [(NEW_YORK, 32_934), (CHICAGO, 34_551)])
def test_every_report_is_decoded_in_its_own_month(history: History, city: City, reports: int) -> None:
    table = read_reports(history, city).table

    assert table is not None
    assert len(table.raw) == reports
    valid = [micros(parse_iso(row["valid_utc"])) for row in csv_rows(history.real_dir / city.reports)]
    assert (table.rows["valid_at"] == valid).mean() > 0.9999  # README: text time = valid_utc but for one row in 731,000
    assert (table.received_at >= table.rows["valid_at"] + 300_000_000).all()


def test_a_report_is_known_five_minutes_after_its_time(archive: Archive) -> None:
    at = datetime(2022, 1, 1, 0, 53, tzinfo=UTC)  # first line of the file: T02390206

    assert len(stack(archive, Kind.METAR, "KMIA", at + timedelta(seconds=299))) == 0
    known = stack(archive, Kind.METAR, "KMIA", at + timedelta(minutes=5))
    assert (known.columns["tenths"].tolist(), known.columns["exact"].tolist()) == ([239], [True])
    assert known.columns["valid_at"].tolist() == [micros(at)]


def test_a_forecast_is_known_from_five_in_the_afternoon_utc_of_the_day_before(archive: Archive, real: Path) -> None:
    knows = datetime(2024, 7, 3, 17, 0, tzinfo=UTC)
    before = stack(archive, Kind.FORECAST, "KMIA", knows - timedelta(microseconds=1))
    after = stack(archive, Kind.FORECAST, "KMIA", knows)

    assert len(after) == len(before) + 1
    # 4 July in standard time starts at 05:00Z, one hour after the clock's midnight
    assert {instant(at) for at in after.rows(-1)["valid_at"]} == {datetime(2024, 7, 4, 5, 0, tzinfo=UTC)}
    assert after.rows(-1)["model"].tolist() == ["gfs", "nam"]
    assert instant(after.issued_at[-1]) == datetime(2024, 7, 3, 12, 0, tzinfo=UTC)
    row = next(row for row in csv_rows(real / MIAMI.forecasts) if row["target_date_local"] == "2024-07-04")
    np.testing.assert_allclose(after.rows(-1)["celsius"] * 1.8 + 32, [float(row["gfs_n_x_max"]), float(row["nam_n_x_max"])])


def test_no_raw_forecast_knows_the_outcome(history: History) -> None:
    """The source carries `actual_tmax_f` in the same line."""
    for city in CITIES:
        records = read_forecasts(history, city).records
        assert len(records) > 1100
        assert not any(b"actual" in record.raw for record in records)


def test_a_listing_is_an_event_from_its_opening_on(archive: Archive) -> None:
    opens = datetime(2024, 8, 15, 14, 0, tzinfo=UTC)
    assert len(stack(archive, Kind.EVENTS, "HIGHMIA-24AUG16", opens - timedelta(seconds=1))) == 0

    listing = stack(archive, Kind.EVENTS, "HIGHMIA-24AUG16", opens)
    event = event_of(listing.facts[0], listing.rows(0))

    assert (event.venue, event.rule.station, event.event_day) == ("kalshi", "KMIA", date(2024, 8, 16))
    assert (event.rule.statistic, event.rule.window) == (Statistic.OFFICIAL_MAX, DayWindow.STANDARD_TIME)
    assert event.rule.unit is Unit.FAHRENHEIT
    assert event.closes_at == datetime(2024, 8, 17, 3, 59, tzinfo=UTC)
    assert (event.fees.rate, event.fees.rounding, event.tick_micro, event.min_size_micro) == (
        0.07, FeeRounding.UP_CENT, 10_000, 1_000_000,
    )  # fmt: skip
    assert [bracket.yes for bracket in event.ladder] == [f"{bracket.market_id}:YES" for bracket in event.ladder]
    assert len(event.ladder) == 6


def test_miami_on_27_november_2024_settled_against_the_weather(archive: Archive) -> None:
    """Trap 4: Kalshi 84, every report and the climate report 81."""
    known = datetime(2024, 11, 28, 13, 0, tzinfo=UTC)
    assert len(stack(archive, Kind.OUTCOMES, "KXHIGHMIA-24NOV27", known - timedelta(seconds=1))) == 0

    outcome = stack(archive, Kind.OUTCOMES, "KXHIGHMIA-24NOV27", known)

    assert (outcome.facts[0]["winner"], outcome.facts[0]["value"]) == ("KXHIGHMIA-24NOV27-T83", 84.0)
    assert int(outcome.columns["won"].sum()) == 1


def test_miami_on_5_november_2024_has_a_winner_and_no_value(archive: Archive) -> None:
    """Trap 4: what stands in place of a value is a sentence."""
    outcome = stack(archive, Kind.OUTCOMES, "KXHIGHMIA-24NOV05")

    assert (outcome.facts[0]["winner"], outcome.facts[0]["value"]) == ("KXHIGHMIA-24NOV05-B84.5", None)


def test_prints_are_known_when_they_were_made(archive: Archive, real: Path) -> None:
    prints = stack(archive, Kind.PRINTS, "HIGHMIA-24AUG16")
    rows = [row for row in csv_rows(real / MIAMI.trades) if row["ticker"].startswith("HIGHMIA-24AUG16")]

    assert len(prints) == len(rows)
    assert sorted(prints.columns["yes_price_micro"]) == sorted(int(row["yes_price_cents"]) * 10_000 for row in rows)
    assert prints.columns["size_micro"].sum() == sum(int(row["count"]) for row in rows) * 1_000_000
    assert prints.received_at.tolist() == prints.columns["valid_at"].tolist()
    assert instant(prints.received_at[0]) == parse_iso(rows[0]["created_time_utc"])


def _without(columns: tuple[str, ...], text: str) -> str:
    rows = list(csv.DictReader(io.StringIO(text)))
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows({name: "" if name in columns else value for name, value in row.items()} for row in rows)
    return out.getvalue()


def _same_records(one: list[Record], other: list[Record]) -> None:
    assert [(r.kind, r.subject, r.received_at, r.raw, r.facts) for r in one] == [
        (r.kind, r.subject, r.received_at, r.raw, r.facts) for r in other
    ]
    for left, right in zip(one, other, strict=True):
        for name, values in left.rows.items():
            np.testing.assert_array_equal(values, right.rows[name])


def test_a_missing_strike_type_betrays_no_winner(history: History, tmp_path: Path) -> None:
    """Trap 8: all 120 rows without it won. Ladders come from ticker and text, so that blanking it changes nothing."""
    records = list(read_listings(history, NEW_YORK).records)
    text = history.text("markets/kalshi_markets.csv.gz")
    blank = tmp_path / "markets"
    blank.mkdir()
    columns = ("strike_type", "floor_strike", "cap_strike", "subtitle", "volume", "last_price_cents", "status")
    (blank / "kalshi_markets.csv.gz").write_bytes(gzip.compress(_without(columns, text).encode(), 1))

    _same_records(list(read_listings(History(tmp_path, tmp_path), NEW_YORK).records), records)

    for record in records:
        if record.kind is Kind.EVENTS:
            assert not {"result", "expiration_value", "strike_type"} & set(orjson.loads(record.raw)[0])


def test_labels_and_winners_are_those_of_the_venue(history: History) -> None:
    rows = {row["ticker"]: row for row in csv_rows(history.real_dir / "markets/kalshi_markets.csv.gz")}
    days = {
        (row["series"], row["target_date"]): row for row in csv_rows(history.real_dir / "aligned/kalshi_station_days.csv.gz")
    }
    seen = 0
    for city in CITIES:
        records = list(read_listings(history, city).records)
        for listing, outcome in zip(records[::2], records[1::2], strict=True):
            event = event_of(listing.facts, listing.rows)
            assert [bracket.label for bracket in event.ladder] == [
                rows[bracket.market_id]["subtitle"] for bracket in event.ladder
            ]
            day = days[city.series, event.event_day.isoformat()]
            assert outcome.facts["winner"] == day["winner_ticker"]
            if outcome.facts["value"] is not None:
                assert event.winner_of(int(outcome.facts["value"])).market_id == outcome.facts["winner"]
            seen += 1
    assert seen == 531
    assert history.messages == []


@pytest.mark.parametrize(("city", "events"), [(MIAMI, 232), (NEW_YORK, 233), (CHICAGO, 234)])
def test_early_events_are_derived_from_what_traded(history: History, city: City, events: int) -> None:
    """Set E: 235 days a city; on six of them the traded tickers fit several ladders, and no listing is made up."""
    records = list(read_derived_listings(history, city).records)
    listings = [record for record in records if record.kind is Kind.EVENTS]
    outcomes = {record.subject: record.facts["winner"] for record in records if record.kind is Kind.OUTCOMES}

    assert len(listings) == len(outcomes) == events
    assert len(history.messages) == 235 - events
    assert all("left out" in message and "several" not in message for message in history.messages)
    last: dict[str, dict[str, int]] = {}
    for each in prints_of(history, city, early=True):
        last.setdefault(event_of_ticker(each.ticker), {})[each.ticker] = each.cents
    # one event of all, HIGHMIA-24APR29, ended with the market sure of another bracket than the climate report's
    sure = [
        e
        for e, won in outcomes.items()
        if max(last[e].values()) >= 90 and last[e].get(won, 0) <= 10 and max(last[e], key=last[e].__getitem__) != won
    ]
    assert sure == (["HIGHMIA-24APR29"] if city is MIAMI else [])
    rules = [record.facts["rule"] for record in listings]
    assert {rule["station"] for rule in rules} == {city.settles_on}
    assert {rule["grade"] for rule in rules} == {Grade.INFERRED}


def test_the_derived_ladder_is_the_listed_one_wherever_both_are_known(history: History) -> None:
    checked = 0
    for city in CITIES:
        listed = {
            record.subject: {str(ticker) for ticker in record.rows["market_id"]}
            for record in read_listings(history, city).records
            if record.kind is Kind.EVENTS
        }
        traded: dict[str, set[str]] = {}
        days: dict[str, date] = {}
        for each in prints_of(history, city, early=False):
            traded.setdefault(event_of_ticker(each.ticker), set()).add(each.ticker)
            days[event_of_ticker(each.ticker)] = date.fromisoformat(each.day)
        for event_id, tickers in traded.items():
            if len(tickers) >= 5:
                ladder = derived_ladder(event_id, days[event_id], tickers, "{date} {strike}")
                assert {market.ticker for market in ladder} == listed[event_id]
                checked += 1
    assert checked > 500


def test_a_ticker_below_zero_keeps_its_event() -> None:
    assert event_of_ticker("HIGHCHI-24JAN14-B-1.5") == event_of_ticker("HIGHCHI-24JAN14-T-2") == "HIGHCHI-24JAN14"
    markets = derived_ladder(
        "HIGHCHI-24JAN14", date(2024, 1, 14), {"HIGHCHI-24JAN14-T-2", "HIGHCHI-24JAN14-T5"}, "{date}{strike}"
    )

    assert [market.ticker.removeprefix("HIGHCHI-24JAN14-") for market in markets] == [
        "T-2",
        "B-1.5",
        "B0.5",
        "B2.5",
        "B4.5",
        "T5",
    ]
    assert [(market.lower, market.upper) for market in markets] == [(None, -3), (-2, -1), (0, 1), (2, 3), (4, 5), (6, None)]


def test_a_second_import_says_so_and_changes_nothing(real: Path, imported: tuple[Path, ImportReport]) -> None:
    data_dir, first = imported
    before = {path: path.stat().st_mtime_ns for path in files_under(data_dir)}

    again = import_history(real, data_dir, ["A"])

    assert again.rows == {}
    assert again.already == tuple(first.rows)
    assert "already imported" in again.lines()[0]
    assert {path: path.stat().st_mtime_ns for path in files_under(data_dir)} == before


# A small folder of the same form, made up: 20 degrees, two traded brackets.
_TRADES = """target_date,ticker,created_time_utc,yes_price_cents,count,taker_side
2024-08-16,HIGHMIA-24AUG16-B84.5,2024-08-15T17:39:10.48Z,15,6,no
2024-08-16,HIGHMIA-24AUG16-B84.5,2024-08-15T17:39:10.48Z,15,6,no
2024-08-16,HIGHMIA-24AUG16-T80,2024-08-15T18:00:00Z,cheap,1,yes
2024-08-16,HIGHNY-24AUG16-T80,2024-08-15T18:00:00Z,50,1,yes
2024-08-16,HIGHMIA-24AUG16-T80
"""
_REPORTS = """valid_utc,report_type,temp_c,temp_qc,dewpoint_c,dewpoint_qc,raw
2024-01-31T23:53Z,FM-15,20.0,5,,,METAR KMIA 312353Z 11006KT 10SM 20/15 A3010 RMK AO2 T02000150
2024-02-01T00:53Z,FM-15,20.0,5,,,METAR KMIA 999999Z 11006KT
2024-02-01T00:53Z,FM-15,20.0,5,,,METAR KORD 010053Z 11006KT 10SM 20/15 A3010
"""
_FORECASTS = """station_id,target_date_local,asof_utc,gfs_n_x_max,nam_n_x_max,actual_tmax_f
KMIA,2024-08-16,2024-08-15T12:00:00Z,90.0,999.0,95.0
KMIA,2024-08-17,2024-08-16T12:00:00Z,999,,95.0
KMIA,2024-08-18,2024-08-17T12:00:00Z,warm,88,95.0
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    for file, text in ((MIAMI.trades, _TRADES), (MIAMI.reports, _REPORTS), (MIAMI.forecasts, _FORECASTS)):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(gzip.compress(text.encode()))
    return folder


def test_bad_rows_are_told_with_file_and_line_and_the_rest_goes_on(small: Path, tmp_path: Path) -> None:
    report = import_history(small, tmp_path / "data", ["A"])

    assert report.rows == {"forecasts KMIA": 1, "reports KMIA": 1, "prints HIGHMIA": 2}
    assert report.failed == ("listings HIGHMIA",)
    assert report.bad_rows == 6
    told = "\n".join(report.messages)
    for place in (f"{MIAMI.trades} line 4", f"{MIAMI.trades} line 5", f"{MIAMI.trades} line 6", f"{MIAMI.forecasts} line 4",
                  f"{MIAMI.reports} line 3", f"{MIAMI.reports} line 4"):  # fmt: skip
        assert told.count(place) == 1
    assert "kalshi_markets.csv.gz cannot be read" in told
    assert report.quarantine is not None
    assert sum(len(path.read_text().splitlines()) for path in files_under(report.quarantine)) == 6
    archive = Archive(tmp_path / "data")
    assert stack(archive, Kind.METAR, "KMIA").columns["valid_at"].tolist() == [
        micros(datetime(2024, 1, 31, 23, 53, tzinfo=UTC))
    ]
    assert stack(archive, Kind.FORECAST, "KMIA").columns["model"].tolist() == ["gfs"]  # 999 is no temperature
    assert len(stack(archive, Kind.PRINTS, "HIGHMIA-24AUG16")) == 2  # two equal trades of one instant are two


def test_a_file_that_came_later_is_imported_then(small: Path, tmp_path: Path) -> None:
    import_history(small, tmp_path / "data", ["A"])
    (small / MIAMI.trades).write_bytes(gzip.compress(_TRADES.replace("cheap", "5").encode()))

    report = import_history(small, tmp_path / "data", ["A"])

    assert report.already == ("forecasts KMIA", "reports KMIA")
    assert len(stack(Archive(tmp_path / "data"), Kind.PRINTS, "HIGHMIA-24AUG16")) == 3


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"no gzip at all", lambda b: gzip.compress(b"a,b\n1,2\n")]
)
def test_a_damaged_or_foreign_file_costs_its_own_rows_only(
    small: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = small / MIAMI.reports
    path.write_bytes(damage(path.read_bytes()))

    report = import_history(small, tmp_path / "data", ["A"])

    assert any(MIAMI.reports in message and "line 1" in message for message in report.messages)
    assert report.rows["prints HIGHMIA"] == 2


def test_a_folder_of_something_else_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not a folder of real history"):
        import_history(tmp_path, tmp_path / "data", ["A"])
    with pytest.raises(StoreError, match="is no folder"):
        import_history(tmp_path / "nowhere", tmp_path / "data", ["A"])
    with pytest.raises(NotAllowedError, match="no set Z; there are A, B, C, D, E, F, G, H, I, J"):
        import_history(tmp_path, tmp_path / "data", ["Z"])
