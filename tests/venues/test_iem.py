from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from core.clock import SteppedClock
from core.errors import SourceRefusedError, WireError
from core.model.record import Ask, Kind, Record
from core.registry import load_stations
from core.settings import Settings, SourceSettings
from core.units import MISSING, instant, micros, parse_iso
from tests.venues.servers import Script, Scripted, reply, serving
from venues.iem.client import Iem
from venues.iem.wire import (
    climate_record,
    parse_network,
    parse_reports,
    past_climate,
    past_reports,
    read_climate,
    read_reports,
    read_table,
)

CVG = {"CVG": "KCVG"}
HEARD = datetime(2024, 3, 2, 0, 30, tzinfo=UTC)
NOW = datetime(2026, 6, 3, 12, 0, tzinfo=UTC)


@pytest.fixture
def fixtures(captures: Path) -> Path:
    return captures / "fixtures" / "iem"


# Reports


def test_a_day_of_routine_reports_is_a_row_an_hour_with_tenths_and_six_hour_groups(fixtures: Path) -> None:
    """KCVG 2024-03-01: 24 reports at minute 52; the 05:52Z one holds T00061083 10033 21006."""
    (record,) = parse_reports((fixtures / "asos_cvg_routine_2024-03-01.tsv").read_bytes(), CVG, HEARD, "METAR")

    assert (record.source, record.kind, record.subject, record.received_at) == ("iem", Kind.METAR, "KCVG", HEARD)
    assert [instant(at).minute for at in record.rows["valid_at"].tolist()] == [52] * 24
    assert set(record.rows["report"]) == {"METAR"}
    assert record.rows["tenths"].tolist()[:6] == [28, 17, 6, 0, 0, 6]
    assert [record.rows[name][5] for name in ("exact", "max6", "min6")] == [True, 33, -6]
    assert record.rows["tenths"].tolist()[9] == -6  # M01 of the body, T10061083
    assert record.facts == {}


def test_specials_are_specials_because_they_were_asked_for_as_such(fixtures: Path) -> None:
    """Six special reports of the same day, none with a prefix of its own."""
    (record,) = parse_reports((fixtures / "asos_cvg_specials_2024-03-01.tsv").read_bytes(), CVG, HEARD, "SPECI")

    assert set(record.rows["report"]) == {"SPECI"}
    assert record.rows["tenths"].tolist() == [44, 44, 67, 50, 44, 39]


def test_a_stations_raw_is_the_header_and_its_own_lines_and_reads_the_same(fixtures: Path) -> None:
    raw = (fixtures / "asos_cvg_routine_2024-03-01.tsv").read_bytes()
    (record,) = parse_reports(raw, CVG, HEARD, "METAR")
    (again,) = parse_reports(record.raw, CVG, HEARD, "METAR")

    assert record.raw == b"\n".join(line for line in raw.split(b"\n") if not line.startswith(b"#"))
    assert again.rows["tenths"].tolist() == record.rows["tenths"].tolist()


def test_an_empty_result_is_a_header_and_a_station_without_reports(fixtures: Path) -> None:
    raw = (fixtures / "asos_empty_result.tsv").read_bytes()
    (record,) = parse_reports(raw, CVG, HEARD, "METAR")

    assert read_table(raw).rows == ()
    assert (len(record.rows["tenths"]), record.error, record.facts) == (0, None, {})
    assert past_reports(raw, CVG, HEARD, "METAR") == []


def test_a_table_of_temperatures_alone_is_a_table_but_no_reports(fixtures: Path) -> None:
    """VOHY, March 2014: `tmpf` is converted from whole Celsius; without the report's text it is not evidence."""
    raw = (fixtures / "asos_all_columns_trimmed.tsv").read_bytes()
    table = read_table(raw)

    assert len(table.rows) == 34
    assert table.rows[0][1] == {
        "station": "VOHY", "valid": "2014-03-01 00:40", "lon": "78.4676", "lat": "17.4531", "elevation": "545.00", "tmpf": "69.80",
    }  # fmt: skip
    assert {round((float(cells["tmpf"]) - 32) / 1.8, 6) % 1 for _, cells in table.rows} == {0.0}
    with pytest.raises(WireError, match="no metar column"):
        read_reports(raw, {"VOHY": "VOHY"}, "METAR")


def test_london_city_reports_at_the_minutes_that_the_registry_gives(fixtures: Path) -> None:
    """2026-07-12: 48 reports, the warmest 28 °C; rewritten by its collector, so put back into the table it came from."""
    observations = json.loads((fixtures / "asos_eglc_tmpc_2026-07-12_extracted.json").read_text("utf-8"))["observations"]
    lines = [f"EGLC,{parse_iso(each['valid']):%Y-%m-%d %H:%M},{each['tmpc']:.2f}" for each in observations]
    table = read_table("\n".join(["station,valid,tmpc", *lines, ""]).encode())

    minutes = {int(cells["valid"].rpartition(":")[2]) for _, cells in table.rows}
    assert minutes == set(load_stations()["EGLC"].report_minutes)
    assert (len(table.rows), max(float(cells["tmpc"]) for _, cells in table.rows)) == (48, 28.0)


def table(*lines: str, mark: str = "\t") -> bytes:
    return "\n".join([mark.join(("station", "valid", "metar")), *(line.replace("|", mark) for line in lines), ""]).encode()


LGA = {"LGA": "KLGA"}
GOOD = "LGA|2026-06-03 10:51|KLGA 031051Z 20005KT 10SM CLR 21/15 A3004 RMK AO2 T02110150"


def test_commas_divide_as_well_as_tabs_and_one_in_a_report_belongs_to_it() -> None:
    raw = table(f"{GOOD} PRESFR, LAST", mark=",")
    (record,) = parse_reports(raw, LGA, NOW, "METAR")

    assert record.rows["tenths"].tolist() == [211]
    assert record.rows["raw"].tolist()[0].endswith("T02110150 PRESFR, LAST")


def test_rows_without_a_report_say_nothing() -> None:
    (record,) = parse_reports(table(GOOD, "LGA|2026-06-03 10:55|M", "LGA|2026-06-03 11:00|"), LGA, NOW, "METAR")

    assert record.rows["tenths"].tolist() == [211]
    assert record.facts == {}


def test_a_report_that_cannot_be_read_or_be_true_is_named_and_spoils_no_other() -> None:
    raw = table(
        GOOD,
        "LGA|2026-06-03 09:51|NIL",
        "LGA|2026-06-03 09:51|KJFK 030951Z 21/15",
        "LGA|2026-06-03 08:51|KLGA 030851Z 81/15",
        "LGA|2026-06-03 18:51|KLGA 031851Z 21/15",
        "LGA|2026-05-01 08:51|KLGA 010851Z 21/15",
    )
    (record,) = parse_reports(raw, LGA, NOW, "METAR", oldest=timedelta(hours=36))

    assert record.rows["tenths"].tolist() == [211]
    assert len(record.facts["unread"]) == 2
    assert [sentence.partition(": ")[2] for sentence in record.facts["quarantined"]] == [
        "81.0 °C is no temperature on Earth",
        "2026-06-03T18:51:00Z was still to come at 2026-06-03T12:00:00Z",
        "it is 795 hours old, 36 at most",
    ]
    assert raw == record.raw


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "no table of stations"),
        (b"ERROR: server over capacity", "no table of stations but b'ERROR: server over capacity'"),
        (b"station,valid\n", "no metar column"),
        (b"station\tvalid\tmetar\nLGA\t2026-06-03 10:51\n", "2 of 3 columns"),
        (b"station\tvalid\tvalid\n", "valid stands 2 times"),
        (table("JFK|2026-06-03 10:51|KJFK 031051Z 21/15"), "not asked for"),
    ],
)
def test_what_is_no_table_of_reports_is_a_wire_error(raw: bytes, why: str) -> None:
    with pytest.raises(WireError, match=why):
        parse_reports(raw, LGA, NOW, "METAR")


def test_a_report_of_the_past_is_known_five_minutes_after_its_time(fixtures: Path) -> None:
    records = past_reports((fixtures / "asos_cvg_routine_2024-03-01.tsv").read_bytes(), CVG, HEARD, "METAR")

    assert len(records) == 24
    for record in records:
        assert micros(record.received_at) == record.rows["valid_at"][0] + 5 * 60_000_000
        assert record.raw.count(b"\n") == 2  # the header and its own line: nothing of later hours
    assert [record.received_at for record in records] == sorted(record.received_at for record in records)


def test_what_nobody_can_have_known_is_in_a_record_of_now_without_rows() -> None:
    raw = table(GOOD, "LGA|2026-06-03 18:51|KLGA 031851Z 21/15", "LGA|2026-06-03 09:51|NIL")
    good, now = past_reports(raw, LGA, NOW, "METAR")

    assert (good.received_at, good.rows["tenths"].tolist()) == (datetime(2026, 6, 3, 10, 56, tzinfo=UTC), [211])
    assert (now.received_at, len(now.rows["tenths"])) == (NOW, 0)
    assert len(now.facts["unread"]) == len(now.facts["quarantined"]) == 1


# Climate reports


def climate(
    day: str = "2026-06-02", high: Any = 84, low: Any = 66, product: str = "202606030617-KOKX-CDUS41-CLINYC"
) -> dict[str, Any]:
    return {
        "station": "KNYC", "valid": day, "state": "NY", "wfo": "OKX", "product": product, "name": "CENTRAL PARK NY", "high": high,
        "high_time": "251 PM", "low": low, "precip": "T", "snow": "M",
    }  # fmt: skip


def year(*elements: object) -> bytes:
    return json.dumps({"results": list(elements), "generated_at": "2026-06-03T12:00:00Z"}, indent=1).encode()


KNYC = load_stations()["KNYC"]


def climate_of(*elements: object) -> Record:
    return climate_record("KNYC", read_climate(year(*elements), KNYC), NOW)


def test_a_climate_report_is_whole_fahrenheit_and_its_product() -> None:
    record = climate_of(climate())

    assert (record.source, record.kind, record.subject) == ("iem", Kind.CLIMATE, "KNYC")
    assert {name: column.tolist() for name, column in record.rows.items()} == {
        "event_day": ["2026-06-02"], "high_f": [84], "low_f": [66], "preliminary": [False],
        "product": ["202606030617-KOKX-CDUS41-CLINYC"],
    }  # fmt: skip
    assert record.issued_at == datetime(2026, 6, 3, 6, 17, tzinfo=UTC)
    assert json.loads(record.raw) == [climate()]
    assert record.raw[1:-1] in year(climate())  # byte for byte


def test_a_report_issued_before_its_standard_time_day_was_over_is_preliminary() -> None:
    """New York's day of June 2 ends 2026-06-03 05:00Z by standard time, an hour after the clock's midnight."""
    issued = ["202606022032", "202606030459", "202606030500"]
    elements = [climate(product=f"{at}-KOKX-CDUS41-CLINYC") for at in issued]

    assert [climate_of(element).rows["preliminary"].tolist() for element in elements] == [[True], [True], [False]]
    assert climate_of(climate(product="")).rows["preliminary"].tolist() == [True]  # it does not say when


def test_a_missing_temperature_is_missing_and_a_trace_of_rain_is_none_of_ours() -> None:
    record = climate_of(climate(high="M", low=None))

    assert (record.rows["high_f"].tolist(), record.rows["low_f"].tolist()) == ([MISSING], [MISSING])


def test_a_climate_report_that_cannot_be_true_is_quarantined_with_its_bytes() -> None:
    bad = [
        climate("2026-05-30", high=190),
        climate("2026-05-31", high=60, low=70),
        climate("2026-06-01", product="202606101200-KOKX-CDUS41-CLINYC"),
    ]
    record = climate_of(climate(), *bad)

    assert record.rows["event_day"].tolist() == ["2026-06-02"]
    assert record.facts["quarantined"] == [
        "KNYC 2026-05-30: 190 °F, 87.8 °C is no temperature on Earth",
        "KNYC 2026-05-31: a low of 70 °F lies above a high of 60 °F",
        "KNYC 2026-06-01: 2026-06-10T12:00:00Z was still to come at 2026-06-03T12:00:00Z",
    ]
    assert sorted(json.loads(record.raw), key=str) == sorted([climate(), *bad], key=str)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"[]", "iem cli"),
        (b"{}", "it has no results"),
        (b'{"results": {}}', "not a JSON array"),
        (year(climate(), climate()), "2026-06-02 stands 2 times"),
        (year({**climate(), "station": "KLGA"}), "no climate report of KNYC"),
        (year(climate(day="today")), "'today' is no day"),
        (year(climate(high="T")), "'T' is no whole degree"),
        (year(climate(high=84.5)), "84.5 is no whole degree"),
        (year(7), "no climate report of KNYC"),
    ],
)
def test_what_is_no_year_of_climate_reports_is_a_wire_error(raw: bytes, why: str) -> None:
    with pytest.raises(WireError, match=why):
        read_climate(raw, KNYC)


def test_a_climate_report_of_the_past_is_known_a_quarter_of_an_hour_after_its_issue() -> None:
    reports = read_climate(year(climate("2026-06-01", product="202606020617-KOKX-CDUS41-CLINYC"), climate()), KNYC)

    assert [record.received_at for record in past_climate(KNYC, reports, NOW)] == [
        datetime(2026, 6, 2, 6, 32, tzinfo=UTC), datetime(2026, 6, 3, 6, 32, tzinfo=UTC),
    ]  # fmt: skip
    assert past_climate(KNYC, read_climate(year(climate(product="")), KNYC), NOW) == []


# Networks


def test_a_network_is_stations_with_zone_and_place(fixtures: Path) -> None:
    found = parse_network((fixtures / "network_IN__ASOS_trimmed.json").read_bytes())

    assert len(found) == 4
    agartala = found[0]
    assert (agartala.code, agartala.name, agartala.tz, agartala.elevation_metres) == ("VEAT", "Agartala", "Asia/Kolkata", 16.0)
    assert (agartala.latitude, agartala.longitude) == (23.88698, 91.24045)
    assert (agartala.archive_begin, agartala.online) == ("1945-01-10T00:00:00Z", True)
    with pytest.raises(WireError, match="is no station"):
        parse_network(b'{"data": [{"id": "LGA"}]}')


# The client


def source(server: Scripted, now: datetime = NOW) -> Iem:
    own = SourceSettings(base_url=server.url, timeout_seconds=5)
    return Iem(Settings(_env_file=None, sources={"iem": own}), SteppedClock(now), simulated=True)


def by_type(routine: Script, special: Script) -> Script:
    def answer(handler: Any) -> None:
        (routine if parse_qs(urlsplit(handler.path).query)["report_type"] == ["3"] else special)(handler)

    return answer


def text(body: bytes) -> Script:
    return reply(200, body, "text/plain")


def queries(server: Scripted) -> list[dict[str, list[str]]]:
    return [parse_qs(urlsplit(path).query) for path in server.paths]


SPECIAL = "EGLC|2026-06-03 11:07|EGLC 031107Z 20005KT 9999 FEW030 16/11 Q1016"
DAY = (date(2026, 6, 3),)


def test_a_gap_of_several_stations_is_two_questions() -> None:
    """The day of New York began at 04:00Z, that of London at 23:00Z the day before: the earlier one for both."""
    with serving(by_type(text(table(GOOD)), text(table(SPECIAL)))) as server:
        asks = [Ask(Kind.METAR, "KLGA", DAY), Ask(Kind.METAR, "EGLC", DAY), Ask(Kind.METAR, "HKO", DAY)]
        records = list(source(server).fetch(asks))

    assert [(query["station"], query["report_type"]) for query in queries(server)] == [
        (["LGA", "EGLC"], ["3"]), (["LGA", "EGLC"], ["4"]),
    ]  # fmt: skip
    assert {query["sts"][0] for query in queries(server)} == {"2026-06-02T23:00:00Z"}
    assert queries(server)[0]["data"] == ["metar"]
    rows = [(record.subject, record.rows["report"].tolist(), record.rows["tenths"].tolist()) for record in records]
    assert rows == [("KLGA", ["METAR"], [211]), ("EGLC", [], []), ("KLGA", [], []), ("EGLC", ["SPECI"], [160])]


def test_a_question_about_now_is_left_to_the_airports_service_unless_it_names_the_archive() -> None:
    with serving(text(table(GOOD))) as server:
        assert list(source(server).fetch([Ask(Kind.METAR, "KLGA"), Ask(Kind.BOOKS, "KLGA")])) == []
        assert server.paths == []
        list(source(server).fetch([Ask(Kind.METAR, "KLGA", source="iem")]))

    assert queries(server)[0]["sts"] == ["2026-06-03T09:00:00Z"]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (
            reply(422, b"ERROR: requested period is too long", "text/plain"),
            "answered 422 (ERROR: requested period is too long)",
        ),
        (reply(200, b"<html>busy</html>", "text/html"), "text/html in place of JSON or text/plain or csv"),
        (reply(200, b"", "text/plain"), "an empty answer"),
        (text(b"Server over capacity"), "no table of stations"),
    ],
)
def test_a_gap_that_cannot_be_filled_is_a_record_that_says_why(script: Script, why: str) -> None:
    with serving(script) as server:
        records = list(source(server).fetch([Ask(Kind.METAR, "KLGA", DAY)]))

    assert all(why in (record.error or "") for record in records)
    assert len(records) == 2


def test_an_overloaded_archive_says_so_in_its_own_words() -> None:
    with serving(reply(503, b"Simultaneous requests exceeded", "text/plain")) as server:
        (record,) = source(server).fetch([Ask(Kind.CLIMATE, "KNYC")])

    assert "answered 503 (Simultaneous requests exceeded); try again later" in (record.error or "")


def test_a_live_world_is_asked_once_a_second_without_a_burst() -> None:
    slept: list[float] = []
    with serving(text(table())) as server:
        own = SourceSettings(base_url=server.url, timeout_seconds=5)
        iem = Iem(Settings(_env_file=None, sources={"iem": own}), SteppedClock(NOW))
        iem._http._sleep, iem._http._seconds = slept.append, lambda: 100.0
        list(iem.fetch([Ask(Kind.METAR, "KLGA", DAY)]))

    assert slept == [pytest.approx(1.0)]  # before the second of its two questions


def test_climate_is_asked_for_by_year_and_given_for_the_days_asked_for() -> None:
    with serving(reply(200, json.loads(year(climate(), climate("2026-05-01"))))) as server:
        asks = [Ask(Kind.CLIMATE, "KNYC", (date(2026, 6, 2),)), Ask(Kind.CLIMATE, "EGLC", (date(2026, 6, 2),))]
        (record,) = source(server).fetch(asks)
        (recent,) = source(server).fetch([Ask(Kind.CLIMATE, "KNYC")])

    assert queries(server) == [{"station": ["KNYC"], "year": ["2026"]}] * 2
    assert urlsplit(server.paths[0]).path == "/json/cli.py"
    assert record.rows["event_day"].tolist() == recent.rows["event_day"].tolist() == ["2026-06-02"]


def test_past_reports_come_in_the_order_in_which_they_were_known_and_the_same_again() -> None:
    special = "LGA|2026-06-03 10:20|KLGA 031020Z 20005KT 10SM CLR 20/15 A3004"
    with serving(by_type(text(table(GOOD)), text(table(special)))) as server:
        iem = source(server)
        first = list(iem.past(Ask(Kind.METAR, "KLGA", DAY)))
        again = list(iem.past(Ask(Kind.METAR, "KLGA", DAY)))

    assert [record.rows["report"].tolist() for record in first] == [["SPECI"], ["METAR"]]
    assert [(record.received_at, record.raw) for record in first] == [(record.received_at, record.raw) for record in again]
    assert queries(server)[0]["ets"] == ["2026-06-03T12:00:00Z"]  # the day still runs
    assert iem.health["iem"].successes == 4


def test_a_long_past_is_asked_a_month_at_a_time() -> None:
    days = tuple(date(2026, 3, 16) + timedelta(days=n) for n in range(60))
    with serving(text(table())) as server:
        assert list(source(server).past(Ask(Kind.METAR, "KLGA", days))) == []

    spans = [(parse_iso(query["sts"][0]), parse_iso(query["ets"][0])) for query in queries(server)][::2]
    assert spans[0][0] == datetime(2026, 3, 16, 4, tzinfo=UTC)
    assert spans[-1][1] == datetime(2026, 5, 15, 5, tzinfo=UTC)  # standard time ends an hour after the clock's day
    assert all(end - start <= timedelta(days=31) for start, end in spans)
    assert [start for start, _ in spans[1:]] == [end for _, end in spans[:-1]]


def test_past_climate_and_what_has_no_past() -> None:
    with serving(reply(200, json.loads(year(climate())))) as server:
        iem = source(server)
        (record,) = iem.past(Ask(Kind.CLIMATE, "KNYC", (date(2026, 6, 2),)))
        others = [
            Ask(Kind.CLIMATE, "EGLC", DAY),
            Ask(Kind.METAR, "46692", DAY),
            Ask(Kind.METAR, "KLGA"),
            Ask(Kind.BOOKS, "x", DAY),
        ]
        assert [list(iem.past(ask)) for ask in others] == [[]] * 4

    assert record.received_at == datetime(2026, 6, 3, 6, 32, tzinfo=UTC)
    assert len(server.paths) == 1


def test_a_past_that_fails_is_a_record_of_now() -> None:
    with serving(reply(404, {"detail": "gone"})) as server:
        iem = source(server)
        records = [*iem.past(Ask(Kind.METAR, "KLGA", DAY)), *iem.past(Ask(Kind.CLIMATE, "KNYC", DAY))]

    assert len(records) == 3
    assert all("answered 404 (gone)" in (record.error or "") and record.received_at == NOW for record in records)


def test_a_network_is_had_by_its_name(fixtures: Path) -> None:
    body = json.loads((fixtures / "network_IN__ASOS_trimmed.json").read_bytes())
    with serving(reply(200, body), reply(404, {"detail": "unknown network"})) as server:
        iem = source(server)
        found = iem.network("IN__ASOS")
        with pytest.raises(SourceRefusedError, match="unknown network"):
            iem.network("XX")

    assert server.paths[0] == "/api/1/network/IN__ASOS.json"
    assert np.allclose([each.latitude for each in found], [each["latitude"] for each in body["data"]])
