from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from core.clock import SteppedClock
from core.errors import WireError
from core.model.record import Ask, Kind, Record
from core.model.station import ReportPrecision, Station
from core.registry import load_stations
from core.settings import Settings, SourceSettings
from core.units import MISSING, micros
from tests.venues.servers import Script, Scripted, reply, serving
from venues.nws.client import Nws
from venues.nws.wire import GridCell, parse_gridpoint, parse_hourly, parse_observations, parse_point, point_path

GRID_HEARD = datetime(2022, 2, 4, 3, 20, tzinfo=UTC)
NOW = datetime(2026, 6, 1, 17, 0, tzinfo=UTC)
GEO = "application/geo+json"
HOUR = 3_600_000_000


@pytest.fixture
def fixtures(captures: Path) -> Path:
    return captures / "fixtures" / "nws"


def station(code: str, *minutes: int) -> Station:
    return Station(code, code, "", "US", 26.07, -80.15, 3.0, "America/New_York", minutes or (53,), ReportPrecision.TENTHS, "x")


def properties(**said: Any) -> bytes:
    return json.dumps({"type": "Feature", "properties": said}).encode()


def layer(*values: tuple[str, float | None], uom: str = "wmoUnit:degC") -> dict[str, Any]:
    return {"uom": uom, "values": [{"validTime": span, "value": value} for span, value in values]}


def cell(*values: tuple[str, float | None], uom: str = "wmoUnit:degC", **said: Any) -> Record:
    return parse_gridpoint(properties(temperature=layer(*values, uom=uom), **said), "KLGA", NOW)


# What came


def test_a_point_names_its_grid_cell(fixtures: Path) -> None:
    found = parse_point((fixtures / "points_30_-85.json").read_bytes())

    assert found == GridCell("TAE", 58, 65)
    assert found.path == "/gridpoints/TAE/58,65"


def test_a_recorded_cell_is_hours_in_celsius_from_its_temperature_layer_alone(fixtures: Path) -> None:
    """`updateTime` 2022-02-04T03:15:41; the first hour 21:00Z the day before at 22.78 °C; intervals of 1 to 3 hours."""
    raw = (fixtures / "gridpoint_raw_2022-02-04_trimmed.json").read_bytes()
    values = json.loads(raw)["properties"]["temperature"]["values"]
    record = parse_gridpoint(raw, "KLGA", GRID_HEARD)

    assert record.issued_at == datetime(2022, 2, 4, 3, 15, 41, tzinfo=UTC)
    assert (set(record.rows["model"]), set(record.rows["variable"])) == ({"nws"}, {"hourly"})
    assert record.rows["valid_at"][0] == micros(datetime(2022, 2, 3, 21, tzinfo=UTC))
    assert record.rows["celsius"][0] == pytest.approx(22.777, abs=1e-3)
    assert set(np.diff(record.rows["valid_at"]).tolist()) == {HOUR}  # no gap, no overlap
    assert len(record.rows["celsius"]) == sum(int(v["validTime"].partition("PT")[2].rstrip("H")) for v in values)
    assert len(record.rows["celsius"]) > len(values)


def test_a_list_of_stations_holds_neither_a_cell_nor_an_observation(fixtures: Path) -> None:
    raw = (fixtures / "gridpoint_stations_trimmed.json").read_bytes()

    with pytest.raises(WireError, match="has no properties"):
        parse_point(raw)
    with pytest.raises(WireError, match="is no observation"):
        parse_observations(raw, station("KCMH"), NOW)


def test_a_recorded_observation_is_read_from_its_report_not_from_its_fields(fixtures: Path) -> None:
    """KFLL 2022-03-02 23:53Z: T02280183, six-hour groups 10244 and 20228; `value` 22.8 says only the first."""
    raw = (fixtures / "station_observation_latest_kfll_2022-03-02.json").read_bytes()
    record = parse_observations(raw, station("KFLL"), datetime(2022, 3, 3, tzinfo=UTC), oldest=timedelta(hours=36))

    assert (record.source, record.kind, record.subject, record.raw) == ("nws", Kind.METAR, "KFLL", raw)
    assert record.rows["valid_at"].tolist() == [micros(datetime(2022, 3, 2, 23, 53, tzinfo=UTC))]
    assert [record.rows[name].tolist() for name in ("tenths", "exact", "max6", "min6")] == [[228], [True], [244], [228]]
    assert record.rows["report"].tolist() == ["METAR"]  # 53 is a routine minute
    assert record.facts == {}


# Forecasts


@pytest.mark.parametrize(
    ("degrees", "short"), [(40.7792, "40.7792"), (40.77, "40.77"), (-85.0, "-85"), (30.10001, "30.1"), (-0.00001, "-0")]
)
def test_a_point_has_four_decimals_at_most_and_no_trailing_zeros(degrees: float, short: str) -> None:
    assert point_path(degrees, degrees) == f"/points/{short},{short}"


def test_an_interval_of_any_length_is_its_hours() -> None:
    record = cell(
        ("2026-06-01T16:00:00+00:00/PT1H", 20.0), ("2026-06-01T17:00:00+00:00/PT3H", 21.0),
        ("2026-06-01T20:00:00+00:00/P1DT1H", 22.0),
    )  # fmt: skip

    assert record.rows["celsius"].tolist() == [20.0, *[21.0] * 3, *[22.0] * 25]
    assert np.diff(record.rows["valid_at"]).tolist() == [HOUR] * 28
    assert record.issued_at is None


def test_an_offset_is_time_and_fahrenheit_is_converted() -> None:
    record = cell(("2026-06-01T14:00:00-04:00/PT1H", 50.0), ("2026-06-01T15:00:00-04:00/PT1H", None), uom="wmoUnit:degF")

    assert record.rows["valid_at"].tolist() == [micros(datetime(2026, 6, 1, 18, tzinfo=UTC))]
    assert record.rows["celsius"].tolist() == [10.0]


def test_a_value_that_is_no_temperature_is_left_out_and_named() -> None:
    record = cell(("2026-06-01T17:00:00+00:00/PT2H", 20.0), ("2026-06-01T19:00:00+00:00/PT1H", 777.0))

    assert record.rows["celsius"].tolist() == [20.0, 20.0]
    assert record.facts["quarantined"] == ["KLGA nws hourly: 1 of 3 values are left out, 777.0 °C is no temperature on Earth"]


LATER = ("2026-06-01T18:00:00+00:00/PT1H", 20.0)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "no temperature layer"),
        ({"temperature": layer(LATER, uom="wmoUnit:K")}, "in 'wmoUnit:K', neither"),
        ({"temperature": layer()}, "nothing after"),
        ({"temperature": layer(("2026-06-01T10:00:00+00:00/PT2H", 20.0))}, "nothing after 2026-06-01T17:00:00Z"),
        ({"temperature": layer(("2026-06-01T18:00:00+00:00/PT3H", 20.0), ("2026-06-01T20:00:00+00:00/PT1H", 1.0))}, "overlap"),
        ({"temperature": layer(("2026-06-01T18:00:00/PT1H", 20.0))}, "no time with an offset"),
        ({"temperature": layer(("9999-12-31T18:00:00+00:00/PT9H", 20.0))}, "no time with an offset"),
        ({"temperature": layer(("2026-06-01T18:00:00+00:00", 20.0))}, "no start and duration"),
        ({"temperature": layer(("2026-06-01T18:00:00+00:00/PT", 20.0))}, "lasts no time"),
        ({"temperature": layer(("2026-06-01T18:00:00+00:00/P400D", 20.0))}, "more than 15 days"),
        ({"temperature": {"uom": "wmoUnit:degC", "values": [7]}}, "no start and duration"),
        ({"temperature": layer(("2026-06-01T18:00:00+00:00/PT1H", "warm"))}, "is no number"),  # type: ignore[arg-type]
        ({"temperature": layer(("2026-06-01T18:00:00+00:00/PT1H", 290.0))}, "no temperature on Earth"),
        ({"temperature": layer(LATER), "updateTime": "2026-06-02T17:00:00+00:00"}, "cannot be of its updateTime"),
    ],
)
def test_a_cell_that_contradicts_itself_is_a_wire_error(said: dict[str, Any], why: str) -> None:
    with pytest.raises(WireError, match=why):
        parse_gridpoint(properties(**said), "KLGA", NOW)


def period(start: str, temperature: Any, unit: str | None = "F") -> dict[str, Any]:
    return {"startTime": start, "temperature": temperature, "temperatureUnit": unit}


def test_an_hourly_forecast_is_whole_fahrenheit_at_local_hours() -> None:
    periods = [
        period("2026-06-01T13:00:00-04:00", 77), period("2026-06-01T14:00:00-04:00", 80),
        period("2026-06-01T15:00:00-04:00", {"unitCode": "wmoUnit:degC", "value": 27.0}, None),
    ]  # fmt: skip
    record = parse_hourly(properties(periods=periods, updateTime="2026-06-01T16:00:00+00:00"), "KLGA", NOW)

    assert record.rows["celsius"] == pytest.approx([25.0, 26.6667, 27.0], abs=1e-3)
    assert record.rows["valid_at"][0] == micros(datetime(2026, 6, 1, 17, tzinfo=UTC))
    assert record.issued_at == datetime(2026, 6, 1, 16, tzinfo=UTC)


@pytest.mark.parametrize("periods", [None, [7], [period("2026-06-01T18:00:00-04:00", 77, "K")], [period("noon", 77)], []])
def test_an_hourly_forecast_without_hours_is_a_wire_error(periods: Any) -> None:
    with pytest.raises(WireError, match="nws"):
        parse_hourly(properties(periods=periods), "KLGA", NOW)


# Observations


def observation(text: str | None, at: str = "2026-06-01T16:51:00+00:00", celsius: float = 21.0) -> dict[str, Any]:
    return {"properties": {"timestamp": at, "rawMessage": text, "temperature": {"unitCode": "wmoUnit:degC", "value": celsius}}}


def observed(*features: dict[str, Any]) -> Record:
    raw = json.dumps({"type": "FeatureCollection", "features": list(features)}).encode()
    return parse_observations(raw, station("KLGA", 51), NOW, oldest=timedelta(hours=36))


def test_five_minute_values_without_a_report_are_no_rows_and_counted() -> None:
    record = observed(
        observation("", "2026-06-01T16:55:00+00:00", 25.0),
        observation("KLGA 011651Z 20005KT 10SM CLR 21/15 A3004 RMK AO2 T02110150"),
        observation(None, "2026-06-01T16:45:00+00:00", 25.0),
    )

    assert record.rows["tenths"].tolist() == [211]
    assert record.facts == {"without_report": 2}


def test_rows_are_oldest_first_and_an_hour_that_is_not_routine_is_a_special() -> None:
    record = observed(
        observation("KLGA 011651Z 20005KT 10SM CLR 21/15 A3004"),
        observation("KLGA 011620Z 20005KT 10SM CLR 22/15 A3004", "2026-06-01T16:20:00+00:00"),
        observation("KLGA 011551Z COR 20005KT 10SM CLR 20/15 A3004", "2026-06-01T15:51:00+00:00"),
        observation("KLGA 011551Z 20005KT 10SM CLR //15 A3004", "2026-06-01T15:51:00+00:00"),
    )

    assert record.rows["report"].tolist() == ["METAR", "METAR", "SPECI", "METAR"]
    assert record.rows["tenths"].tolist() == [MISSING, 200, 220, 210]  # a correction lies behind what it corrects


def test_observations_that_cannot_be_read_or_be_true_are_named_and_spoil_no_other() -> None:
    record = observed(
        observation("KLGA 011651Z 20005KT 10SM CLR 21/15 A3004"),
        observation("KJFK 011651Z 20005KT 10SM CLR 21/15 A3004"),
        observation("KLGA 011851Z 20005KT 10SM CLR 21/15 A3004", "2026-06-01T18:51:00+00:00"),
        observation("KLGA 011551Z 20005KT 10SM CLR 81/15 A3004", "2026-06-01T15:51:00+00:00"),
        observation("KLGA 011551Z 20005KT 10SM CLR 21/15 A3004", "2026-05-01T15:51:00+00:00"),
    )

    assert record.rows["tenths"].tolist() == [210]
    assert ["KJFK" in sentence for sentence in record.facts["unread"]] == [True]
    assert [sentence.partition(": ")[2] for sentence in record.facts["quarantined"]] == [
        "2026-06-01T18:51:00Z was still to come at 2026-06-01T17:00:00Z",
        "81.0 °C is no temperature on Earth",
        "it is 745 hours old, 36 at most",
    ]


# The client


def source(server: Scripted, clock: SteppedClock) -> Nws:
    own = SourceSettings(base_url=server.url, timeout_seconds=5)
    settings = Settings(_env_file=None, sources={"nws": own}, user_agent="hermes-desk/1.0 (desk@example.org)")
    return Nws(settings, clock, simulated=True)


def by_path(**scripts: Script) -> Script:
    """Answer by the part of the path that names what is asked: points, gridpoints, hourly, observations."""

    def answer(handler: Any) -> None:
        path = urlsplit(handler.path).path
        kinds = ("observations", "hourly", "gridpoints", "points")
        scripts[next(kind for kind in kinds if kind in path)](handler)

    return answer


def geo(body: bytes, max_age: int = 900) -> Script:
    return reply(200, body, GEO, Cache_Control=f"public, max-age={max_age}, s-maxage=3600")


POINT = geo(properties(gridId="OKX", gridX=37, gridY=39), 86_400)
GRID = geo(properties(temperature=layer(("2026-06-01T17:00:00+00:00/PT72H", 20.0))))
HOURLY = geo(properties(periods=[period("2026-06-01T14:00:00-04:00", 77)]))
PROBLEM = reply(
    500, {"title": "Unexpected Problem", "status": 500, "detail": "An unexpected problem"}, "application/problem+json"
)
ASK = [Ask(Kind.FORECAST, "KLGA")]


def paths(server: Scripted) -> list[str]:
    return [urlsplit(path).path for path in server.paths]


def test_a_forecast_is_a_point_once_and_a_cell_each_time() -> None:
    clock = SteppedClock(NOW)
    with serving(by_path(points=POINT, gridpoints=GRID)) as server:
        nws = source(server, clock)
        (first,) = nws.fetch(ASK)
        clock.wait_until(NOW + timedelta(minutes=15))
        (second,) = nws.fetch(ASK)

    found = load_stations()["KLGA"]
    assert paths(server) == [point_path(found.latitude, found.longitude), *["/gridpoints/OKX/37,39"] * 2]
    assert server.headers[0]["User-Agent"] == "hermes-desk/1.0 (desk@example.org)"
    assert server.headers[0]["Accept"] == "application/geo+json"
    assert (first.error, second.error) == (None, None)
    assert len(first.rows["celsius"]) == 72
    assert nws.health["nws"].healthy


@pytest.mark.parametrize(("max_age", "asked_at_59", "asked_at_60"), [(7200, 1, 2), (600, 2, 2), (0, 2, 2)])
def test_what_the_service_calls_fresh_stands_for_an_hour_at_most(max_age: int, asked_at_59: int, asked_at_60: int) -> None:
    """A forecast counts as unconfirmed after 90 minutes: our own politeness must not bring that about."""
    clock = SteppedClock(NOW)
    with serving(by_path(points=POINT, gridpoints=geo(properties(temperature=layer(LATER)), max_age))) as server:
        nws = source(server, clock)
        assert len(list(nws.fetch(ASK))) == 1
        clock.wait_until(NOW + timedelta(minutes=59))
        early = list(nws.fetch(ASK))
        asked_early = sum("gridpoints" in path for path in server.paths)
        clock.wait_until(NOW + timedelta(minutes=60))
        list(nws.fetch(ASK))

    assert (len(early), asked_early) == (asked_at_59 - 1, asked_at_59)
    assert sum("gridpoints" in path for path in server.paths) >= asked_at_60


def test_where_the_cell_fails_the_hourly_forecast_stands_in() -> None:
    with serving(by_path(points=POINT, gridpoints=geo(b'{"properties": {}}'), hourly=HOURLY)) as server:
        (record,) = source(server, SteppedClock(NOW)).fetch(ASK)

    assert record.error is None
    assert record.rows["celsius"].tolist() == [25.0]
    assert paths(server)[-1] == "/gridpoints/OKX/37,39/forecast/hourly"


def test_where_both_fail_the_record_says_why_and_the_next_look_asks_again() -> None:
    with serving(by_path(points=POINT, gridpoints=reply(404, {"title": "Not Found"}), hourly=PROBLEM)) as server:
        nws = source(server, SteppedClock(NOW))
        (first,) = nws.fetch(ASK)
        asked = len(server.paths)
        (second,) = nws.fetch(ASK)

    assert "answered 404 (Not Found)" in (first.error or "")
    assert (second.error or "").startswith("nws:")
    assert "points" in server.paths[asked]  # the cell is no more: the point is looked up anew


def test_a_host_that_says_nothing_is_not_asked_for_the_other_form() -> None:
    def hang_up(handler: Any) -> None:
        handler.close_connection = True

    with serving(by_path(points=POINT, gridpoints=hang_up, hourly=HOURLY)) as server:
        (record,) = source(server, SteppedClock(NOW)).fetch(ASK)

    assert "no answer from" in (record.error or "")
    assert not any("hourly" in path for path in paths(server))


def test_a_problem_is_named_by_its_own_detail() -> None:
    with serving(by_path(points=PROBLEM)) as server:
        (record,) = source(server, SteppedClock(NOW)).fetch(ASK)

    assert "answered 500 (An unexpected problem); try again later" in (record.error or "")
    assert b"Unexpected Problem" in record.raw


def test_other_countries_are_not_asked_about() -> None:
    with serving(reply(404)) as server:
        asks = [Ask(Kind.FORECAST, "EGLC"), Ask(Kind.METAR, "RJTT", (date(2026, 6, 1),)), Ask(Kind.FORECAST, "XXXX")]
        assert list(source(server, SteppedClock(NOW)).fetch(asks)) == []

    assert server.paths == []


def test_reports_are_given_where_a_day_is_to_be_filled_or_where_they_are_asked_for_by_name() -> None:
    body = json.dumps({"features": [observation("KLGA 011651Z 20005KT 10SM CLR 21/15 A3004")]}).encode()
    with serving(by_path(observations=geo(body))) as server:
        nws = source(server, SteppedClock(NOW))
        plain = list(nws.fetch([Ask(Kind.METAR, "KLGA")]))
        (named,) = nws.fetch([Ask(Kind.METAR, "KLGA", source="nws")])
        (day,) = nws.fetch([Ask(Kind.METAR, "KLGA", (date(2026, 6, 1),))])

    asked = [parse_qs(urlsplit(path).query) for path in server.paths]
    assert plain == []
    assert [query["start"] for query in asked] == [["2026-06-01T14:00:00Z"], ["2026-06-01T04:00:00Z"]]
    assert [query["end"] for query in asked] == [["2026-06-01T17:00:00Z"]] * 2
    assert named.rows["tenths"].tolist() == day.rows["tenths"].tolist() == [210]


def test_days_that_hold_more_than_one_answer_may_are_several_questions() -> None:
    with serving(by_path(observations=geo(b'{"features": []}'))) as server:
        records = list(source(server, SteppedClock(NOW)).fetch([Ask(Kind.METAR, "KLGA", (date(2026, 5, 1),))]))

    asked = [parse_qs(urlsplit(path).query) for path in server.paths]
    assert len(records) == len(asked) == 5  # seven days are kept, 36 hours an answer
    assert asked[0]["start"] == ["2026-05-25T17:00:00Z"]
    assert [query["start"] for query in asked[1:]] == [query["end"] for query in asked[:-1]]
    assert all(len(record.rows["tenths"]) == 0 and record.error is None for record in records)
