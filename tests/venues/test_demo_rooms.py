"""Zeus, the weather service, the archive, ensembles and earlier runs of the demo world, as a desk meets them."""

from __future__ import annotations

import csv
import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import requests

from core.wiring.sources import DEMO_PREFIXES, demo_addresses
from tests.venues.demo_requests import HEADERS, iso, requests_of
from venues.demo.answers import Answer
from venues.demo.faults import SERVICES
from venues.demo.forecasts import MODELS
from venues.demo.places import BY_CODE, DEFAULT
from venues.demo.server import DemoServer
from venues.demo.transport import DemoAdapter
from venues.demo.weather import whole_fahrenheit
from venues.demo.world import INSTANT_HEADER, START, World

WORLD = World(7)
DAY = timedelta(days=1)
KLGA, EGLC, KNYC = (BY_CODE[code] for code in ("KLGA", "EGLC", "KNYC"))
AT_KLGA = "latitude=40.7795&longitude=-73.8803"
SYSTEMS = {"gfs_seamless": ("ncep_gefs_seamless", 30), "ecmwf_ifs025": ("ecmwf_ifs025_ensemble", 50),
           "icon_seamless": ("icon_seamless_eps", 39)}  # fmt: skip


def said(target: str, at: datetime = START, headers: dict[str, str] | None = None) -> Answer:
    return WORLD.answer("GET", target, b"", at.isoformat().replace("+00:00", "Z"), HEADERS if headers is None else headers)


def asked(target: str, at: datetime = START) -> Any:
    answer = said(target, at)
    assert answer.status == 200, answer
    return json.loads(answer.body)


# zeus


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer "}, {"Authorization": "Bearer other"}])
def test_zeus_wants_a_key(headers: dict[str, str]) -> None:
    assert said(f"/zeus/forecast?{AT_KLGA}", headers=headers).status == 401
    assert said("/zeus/api-keys/usage", headers=headers).status == 401


def test_zeus_gives_kelvin_by_the_hour_in_local_time_with_a_space() -> None:
    start = quote("2026-06-01T00:00:00-04:00")

    body = asked(f"/zeus/forecast?{AT_KLGA}&variable=2m_temperature&start_time={start}&predict_hours=72")

    assert list(body) == ["2m_temperature", "time"]
    assert body["2m_temperature"]["unit"] == "K"
    assert body["time"]["unit"] == "ISO 8601"
    assert body["time"]["data"][0] == "2026-06-01 00:00:00-04:00"
    times = [datetime.fromisoformat(text) for text in body["time"]["data"]]
    assert {after - before for before, after in pairwise(times)} == {timedelta(hours=1)}
    assert len(times) == len(body["2m_temperature"]["data"]) == 72
    assert all(270 < value < 315 for value in body["2m_temperature"]["data"])


def test_zeus_reads_a_start_whose_plus_was_not_escaped_and_an_end() -> None:
    common = f"/zeus/forecast?{AT_KLGA}&start_time=2026-06-01T12:00:00"

    bare = asked(f"{common}+00:00&predict_hours=6")

    assert asked(f"{common}{quote('+00:00')}&end_time=2026-06-01T18:00:00{quote('+00:00')}") == bare


def test_zeus_writes_its_past_anew() -> None:
    target = f"/zeus/forecast?{AT_KLGA}&start_time=2026-06-01T00:00:00&predict_hours=12"

    later = [asked(target, START + hours * timedelta(hours=1))["2m_temperature"]["data"] for hours in (0, 1, 20, 48, 200)]

    for before, after in pairwise(later[1:]):
        assert before != after
        assert np.abs(np.array(before) - np.array(after)).max() < 3.0


def test_zeus_is_biased_by_its_cell_and_flatter_than_a_station() -> None:
    biases, swings = [], []
    for code in DEFAULT:
        station = BY_CODE[code]
        first = int(START.timestamp()) // 3600 - 240
        query = f"latitude={station.lat}&longitude={station.lon}&start_time={iso(first * 3_600_000)}&predict_hours=240"
        field = np.array(asked(f"/zeus/forecast?{query}")["2m_temperature"]["data"]) - 273.15
        truth = WORLD.weather.predictable(station, (first + np.arange(240)) * 60)
        biases.append(float(np.mean(field - truth)))
        swings.append(float(np.std(field) / np.std(truth)))

    assert np.std(biases) > 0.5
    assert np.mean(swings) < 0.97


def test_zeus_refuses_what_it_does_not_have() -> None:
    assert said(f"/zeus/forecast?{AT_KLGA}&variable=surface_pressure").status == 404
    assert said(f"/zeus/forecast?{AT_KLGA}&predict_hours=1000").status == 422
    assert said("/zeus/forecast?latitude=0&longitude=-140").status == 404
    assert said("/zeus/forecast?latitude=x&longitude=0").status == 422
    usage = asked("/zeus/api-keys/usage")
    assert usage["credits_used"] + usage["credits_remaining"] == usage["credits_limit"]


# the weather service


def test_the_weather_service_wants_to_know_who_asks() -> None:
    answer = said("/nws/points/40.7795,-73.8803", headers={})

    assert (answer.status, answer.kind) == (403, "application/problem+json")


def test_a_point_leads_to_its_grid_and_a_long_one_to_a_shorter_one() -> None:
    session = requests.Session()
    session.mount("http://", DemoAdapter(WORLD))

    point = session.get(
        "http://demo.invalid/nws/points/40.77950,-73.88030", headers={INSTANT_HEADER: iso(int(START.timestamp()) * 1000)}
    )

    assert [answer.status_code for answer in point.history] == [301]
    grid = point.json()["properties"]
    assert grid["timeZone"] == "America/New_York"
    assert grid["forecastGridData"].endswith(f"/gridpoints/{grid['gridId']}/{grid['gridX']},{grid['gridY']}")
    assert said(f"/nws/gridpoints/{grid['gridId']}/{grid['gridX']},{grid['gridY']}").status == 200


@pytest.mark.parametrize(
    "path", ["points/51.505,0.055", "points/22.302,114.174", "gridpoints/XXX/1,1", "stations/EGLC/observations", "alerts"]
)
def test_what_is_not_american_is_a_problem_of_404(path: str) -> None:
    answer = said(f"/nws/{path}")
    problem = json.loads(answer.body)

    assert (answer.status, answer.kind) == (404, "application/problem+json")
    assert {"correlationId", "title", "type", "status", "detail"} <= set(problem)


def test_a_layer_has_intervals_of_many_lengths_that_agree_with_the_hourly_forecast() -> None:
    layer = asked("/nws/gridpoints/OKX/37,39")["properties"]["temperature"]
    hourly = asked("/nws/gridpoints/OKX/37,39/forecast/hourly")["properties"]["periods"]

    hours: dict[datetime, float] = {}
    lengths = set()
    for row in layer["values"]:
        start, _, length = row["validTime"].partition("/")
        count = int(re.fullmatch(r"PT(\d+)H", length)[1])  # type: ignore[index]
        lengths.add(count)
        hours |= {datetime.fromisoformat(start) + n * timedelta(hours=1): row["value"] for n in range(count)}
    assert len(lengths) > 2
    assert [after - before for before, after in pairwise(hours)] == [timedelta(hours=1)] * (len(hours) - 1)
    for period in hourly:
        at = datetime.fromisoformat(period["startTime"])
        assert at.utcoffset() == timedelta(hours=-4)
        assert hours[at.astimezone(UTC)] * 1.8 + 32 == pytest.approx(period["temperature"], abs=1e-9)


def test_observations_mix_reports_with_whole_degrees_of_five_minutes() -> None:
    features = asked("/nws/stations/KLGA/observations?limit=200")["features"]
    rows = [feature["properties"] for feature in features]

    times = [row["timestamp"] for row in rows]
    assert len(rows) == 200
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == 200
    reports = {row["timestamp"]: row for row in rows if row["rawMessage"]}
    between = [row["temperature"]["value"] for row in rows if not row["rawMessage"]]
    assert len(between) > 10 * len(reports)
    assert all(value == int(value) for value in between)
    listed = {r.valid: r for r in WORLD.reports.between(KLGA, int(START.timestamp()) - 86_400, int(START.timestamp()))}
    for text, row in reports.items():
        report = listed[int(datetime.fromisoformat(text).timestamp())]
        assert row["temperature"]["value"] == (None if report.tenths is None else report.tenths / 10)
        assert row["rawMessage"].startswith("KLGA ")


def span(start: datetime, end: datetime) -> str:
    """Return the part of a question that names a time."""
    return f"start={iso(int(start.timestamp()) * 1000)}&end={iso(int(end.timestamp()) * 1000)}"


def test_five_minute_values_mislead_a_maximum_in_fahrenheit() -> None:
    wrong = 0
    for n in range(1, 6):
        begin = datetime(2026, 6, n, 5, tzinfo=UTC)
        halves = [(begin, begin + DAY / 2), (begin + DAY / 2, begin + DAY)]
        rows = [
            row
            for half in halves
            for row in asked(f"/nws/stations/KNYC/observations?{span(*half)}", begin + 2 * DAY)["features"]
        ]
        values = [row["properties"]["temperature"]["value"] for row in rows]
        mixed = int(whole_fahrenheit(np.array([v for v in values if v is not None])).max())
        highest, _ = WORLD.weather.official_of_span(KNYC, *KNYC.standard_window(date(2026, 6, n)))
        wrong += mixed != highest

    assert wrong > 0


def test_the_latest_observation_is_the_first_of_the_list_and_old_ones_are_gone() -> None:
    latest = asked("/nws/stations/KMIA/observations/latest")
    listed = asked("/nws/stations/KMIA/observations?limit=1")["features"][0]
    long_ago = asked(f"/nws/stations/KMIA/observations?{span(START - 20 * DAY, START - 9 * DAY)}")

    assert latest["properties"] == listed["properties"]
    assert long_ago["features"] == []
    assert said("/nws/stations/KMIA/observations?limit=501").status == 400


# the archive


def reports_of(query: str, at: datetime = START) -> list[list[str]]:
    answer = said(f"/iem/cgi-bin/request/asos.py?{query}", at)
    assert (answer.status, answer.kind) == (200, "text/plain")
    return list(csv.reader(StringIO(answer.body.decode())))


def test_the_archive_has_every_report_back_to_the_middle_of_march() -> None:
    rows = reports_of("station=LGA&data=metar&sts=2026-03-16T04:00Z&ets=2026-03-17T04:00Z&format=onlycomma")

    start = int(datetime(2026, 3, 16, 4, tzinfo=UTC).timestamp())
    expected = sorted({r.valid for r in WORLD.reports.between(KLGA, start, start + 86_400)})
    assert rows[0] == ["station", "valid", "metar"]
    assert [row[1] for row in rows[1:]] == [f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M}" for second in expected]
    assert all(row[0] == "LGA" and row[2].startswith("KLGA ") for row in rows[1:])


def test_the_archive_tells_routine_special_and_five_minute_reports_apart() -> None:
    common = "station=LGA&data=tmpc&data=metar&sts=2026-05-20T00:00Z&ets=2026-05-30T00:00Z&missing=empty&report_type="

    routine, special, five, both = (reports_of(common + kinds)[1:] for kinds in ("3", "4", "1", "3&report_type=4"))

    assert len(routine) == 240
    assert special
    assert len(five) > 2_800
    assert sorted(routine + special) == sorted(both)
    assert all(float(row[2]) == int(float(row[2])) and row[3] == "" for row in five)


def test_the_archive_prints_its_notes_and_another_zone_where_asked() -> None:
    answer = said(
        "/iem/cgi-bin/request/asos.py?station=EGLC&data=tmpc&year1=2026&month1=5&day1=31&year2=2026&month2=6&day2=1&tz=Europe/London&format=tdf"
    )

    lines = answer.body.decode().splitlines()
    assert [line.startswith("#DEBUG: ") for line in lines[:6]] == [True] * 5 + [False]
    assert lines[5] == "station\tvalid\ttmpc"
    assert lines[6].startswith("EGLC\t2026-05-31 00:20\t")
    assert len(lines) == 6 + 48


def test_the_archive_knows_nothing_of_the_future_nor_of_what_it_never_heard() -> None:
    assert reports_of("station=LGA&data=metar&sts=2026-06-02T00:00Z&ets=2026-06-05T00:00Z") == [["station", "valid", "metar"]]
    assert reports_of("station=HKO&station=KLGA&data=metar&sts=2026-05-02T00:00Z&ets=2026-05-05T00:00Z") == [
        ["station", "valid", "metar"]
    ]
    assert said("/iem/cgi-bin/request/asos.py?data=metar&sts=2026-05-02T00:00Z&ets=2026-05-05T00:00Z").status == 422
    assert said("/iem/cgi-bin/request/asos.py?station=LGA&data=metar").status == 422


def test_of_a_corrected_report_the_archive_keeps_the_correction() -> None:
    report = next(r for d in range(90) for r in WORLD.reports.of_day(KLGA, int(START.timestamp()) // 86_400 - d) if r.corrected)
    span = f"sts={iso(report.valid * 1000)}&ets={iso((report.valid + 60) * 1000)}"

    before, after = (
        reports_of(f"station=LGA&data=metar&{span}", datetime.fromtimestamp(report.received / 1000 + seconds, UTC))
        for seconds in (0, 120)
    )

    assert len(before) == len(after) == 2
    assert " COR " in after[1][2]
    assert " COR " not in before[1][2]


def climate(code: str, at: datetime) -> dict[str, dict[str, Any]]:
    body = asked(f"/iem/json/cli.py?station={code}&year=2026", at)
    return {row["valid"]: row for row in body["results"]}


@pytest.mark.parametrize("code", ["KNYC", "KMDW", "KDEN", "KLAX"])
def test_a_climate_report_is_the_official_extreme_of_the_standard_time_day(code: str) -> None:
    rows = climate(code, START)

    assert min(rows) == "2026-03-16"
    assert len(rows) >= 77
    for text, row in list(rows.items())[:-1]:
        day = date.fromisoformat(text)
        station = BY_CODE[code]
        assert (row["high"], row["low"]) == WORLD.weather.official_of_span(station, *station.standard_window(day))


def test_a_climate_report_is_preliminary_in_the_evening_and_final_the_next_morning() -> None:
    midnight = datetime(2026, 6, 3, 5, tzinfo=UTC)  # in New York's standard time

    rows = [climate("KNYC", midnight + hours * timedelta(hours=1)).get("2026-06-03") for hours in (16.4, 17, 24.5, 30)]
    issued = [None if row is None else datetime.strptime(row["product"][:12], "%Y%m%d%H%M").replace(tzinfo=UTC) for row in rows]

    assert rows[0] is None
    assert rows[1] == rows[2]
    assert issued[1] is not None
    assert issued[1] < midnight + DAY
    assert issued[3] is not None
    assert issued[3] > midnight + DAY
    assert rows[1]
    assert rows[3]
    assert rows[1]["high"] <= rows[3]["high"]
    assert rows[1]["low"] >= rows[3]["low"]
    assert rows[1]["snow"] == "M"


def test_there_are_no_climate_reports_of_other_countries() -> None:
    assert climate("EGLC", START) == {}


# ensembles and earlier runs


def columns(body: dict[str, Any]) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    return {name: np.array(values, float) for name, values in body["hourly"].items() if name != "time"}


def test_each_ensemble_has_a_control_and_its_members_under_its_resolved_name() -> None:
    models = ",".join(SYSTEMS)

    body = asked(
        f"/open-meteo-ensemble/v1/ensemble?{AT_KLGA}&hourly=temperature_2m&models={models}&timeformat=unixtime&forecast_days=3"
    )

    assert "generationtime_ms" not in body
    for resolved, members in SYSTEMS.values():
        mine = [name for name in body["hourly"] if name.endswith(resolved)]
        assert mine == [
            f"temperature_2m_{resolved}",
            *(f"temperature_2m_member{n:02d}_{resolved}" for n in range(1, members + 1)),
        ]
    assert len(body["hourly"]) == 1 + 31 + 51 + 40
    assert set(body["hourly_units"]) == set(body["hourly"])


def test_a_single_ensemble_carries_no_name() -> None:
    body = asked(
        f"/open-meteo-ensemble/v1/ensemble?{AT_KLGA}&hourly=temperature_2m,wind_gusts&models=ecmwf_ifs025&forecast_days=1"
    )

    assert list(body["hourly"])[:3] == ["time", "temperature_2m", "temperature_2m_member01"]
    assert body["hourly_units"]["wind_gusts_member01"] == "undefined"
    assert said(f"/open-meteo-ensemble/v1/ensemble?{AT_KLGA}&models=none").status == 400


def test_members_spread_as_far_as_forecasts_of_their_lead_err() -> None:
    spreads, errors = np.zeros(4), np.zeros(4)
    for n in range(40):
        at = START + n * DAY
        truth = None
        body = asked(
            f"/open-meteo-ensemble/v1/ensemble?{AT_KLGA}&hourly=temperature_2m&models=gfs_seamless&forecast_days=7&timeformat=unixtime",
            at,
        )
        found = columns(body)
        members = np.array([values for name, values in found.items() if "member" in name])
        truth = WORLD.weather.predictable(KLGA, np.array(body["hourly"]["time"]) // 60)
        for i, hour in enumerate((30, 54, 102, 150)):
            spreads[i] += members[:, hour].var() / 40
            errors[i] += (members[:, hour].mean() - truth[hour]) ** 2 / 40

    ratios = np.sqrt(spreads / errors)
    assert np.all(np.diff(spreads) > 0)
    # 40 days: a standard error of an eighth of the ratio, and the model's own bias is part of the error
    assert np.all((ratios > 0.45) & (ratios < 1.5))


@pytest.mark.parametrize("model", sorted(MODELS))
def test_an_earlier_run_is_what_the_forecast_service_said_then(model: str) -> None:
    query = f"{AT_KLGA}&models={model}&timeformat=unixtime&hourly="
    days = "temperature_2m_previous_day1,temperature_2m_previous_day2,temperature_2m_previous_day5"
    body = asked(f"/open-meteo-previous-runs/v1/forecast?{query}{days}&start_date=2026-05-28&end_date=2026-05-29")["hourly"]

    for before in (1, 2, 5):
        for place in range(0, 48, 5):
            hour = body["time"][place] // 3600
            run = hour // 6 * 6 - 24 * before
            seen = datetime.fromtimestamp(run * 3600 + MODELS[model].delay_seconds, UTC)
            then = asked(f"/open-meteo/v1/forecast?{query}temperature_2m&forecast_days=8", seen)["hourly"]

            assert (
                body[f"temperature_2m_previous_day{before}"][place] == then["temperature_2m"][then["time"].index(hour * 3600)]
            )


def test_days_are_asked_for_from_one_to_another() -> None:
    common = f"/open-meteo-previous-runs/v1/forecast?{AT_KLGA}&hourly=temperature_2m&models=gfs_seamless"

    body = asked(f"{common}&start_date=2026-03-16&end_date=2026-05-31")

    assert (body["hourly"]["time"][0], body["hourly"]["time"][-1]) == ("2026-03-16T00:00", "2026-05-31T23:00")
    for wrong in ("start_date=2026-03-16", "start_date=2026-03-16&end_date=2027-01-01", "start_date=x&end_date=2026-03-16",
                  "start_date=2026-03-18&end_date=2026-03-16", "start_date=2026-03-16&end_date=2026-03-17&past_days=1"):  # fmt: skip
        assert said(f"{common}&{wrong}").status == 400


# all of them


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    server = DemoServer(World(7), 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("service", SERVICES)
def test_the_same_bytes_and_headers_come_over_a_socket_and_without_one(service: str, served: str) -> None:
    near, far = requests.Session(), requests.Session()
    near.mount("http://", DemoAdapter(World(7)))

    for minutes in (0, 1000):
        at = int(START.timestamp()) * 1000 + minutes * 60_000
        for method, target, body in requests_of(WORLD, service, at)[:4]:
            answers = [
                session.request(method, base + target, data=body, headers={**HEADERS, INSTANT_HEADER: iso(at)})
                for session, base in ((near, "http://demo.invalid"), (far, served))
            ]
            assert answers[0].status_code == answers[1].status_code == 200
            assert answers[0].content == answers[1].content
            for name in ("Content-Type", "Date", "Cache-Control", "Content-Length"):
                assert answers[0].headers.get(name) == answers[1].headers.get(name)


def test_forty_requests_at_once_are_answered(served: str) -> None:
    at = int(START.timestamp()) * 1000
    targets = [target for service in SERVICES for method, target, _ in requests_of(WORLD, service, at) if method == "GET"]

    begun = time.monotonic()
    with ThreadPoolExecutor(40) as pool:
        answers = list(
            pool.map(
                lambda target: (
                    requests.get(served + target, headers={**HEADERS, INSTANT_HEADER: iso(at)}, timeout=60).status_code
                ),
                (targets * 3)[:80],
            )
        )

    assert answers == [200] * 80
    assert time.monotonic() - begun < 60


def test_every_service_of_the_contract_has_its_address() -> None:
    addresses = demo_addresses("http://demo.invalid")

    assert {prefix.split("/")[1] for prefix in DEMO_PREFIXES.values()} == set(SERVICES)
    assert addresses["zeus"] == {"base_url": "http://demo.invalid/zeus", "key": "demo"}
    assert addresses["kalshi"]["base_url"].endswith("/kalshi/trade-api/v2")
