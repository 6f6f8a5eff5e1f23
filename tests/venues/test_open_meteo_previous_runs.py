from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import SteppedClock
from core.errors import WireError
from core.model.record import Ask, Kind, Record
from core.settings import Settings, SourceSettings
from core.units import instant, micros
from tests.venues.servers import Scripted, reply, serving
from venues.open_meteo.client import OpenMeteo
from venues.open_meteo.previous_runs import PreviousRuns, known_at, parse_previous_runs, vintage_instants, vintages

START = datetime(2026, 5, 25, tzinfo=UTC)
NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)
T = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
N_HOURS = 24 * 16


def value(day: int, hour: int) -> float:
    """Say in one number how many days before, and which hour after START: 2.017 is hour 17 as of two days before."""
    return day + hour / 1000


def body(models: tuple[str, ...] = ("gfs", "icon"), hours: int = N_HOURS, start: datetime = START) -> dict[str, Any]:
    columns = {
        f"temperature_2m{f'_previous_day{day}' if day else ''}_{model}": [value(day, hour) for hour in range(hours)]
        for model in models
        for day in range(8)
    }
    return {
        "latitude": 40.75, "longitude": -73.875, "utc_offset_seconds": 0, "timezone": "GMT",
        "hourly_units": {"time": "unixtime", **dict.fromkeys(columns, "°C")},
        "hourly": {"time": [int(start.timestamp()) + 3600 * hour for hour in range(hours)], **columns},
    }  # fmt: skip


def runs(**options: Any) -> PreviousRuns:
    return parse_previous_runs(json.dumps(body(**options)).encode())


def hour_of(at: int) -> int:
    return int((instant(at) - START) / HOUR)


def test_columns_are_models_by_days_before() -> None:
    found = runs()

    assert sorted(found.celsius) == ["gfs", "icon"]
    assert found.celsius["gfs"].shape == (8, N_HOURS)
    assert [found.celsius["icon"][day, 5] for day in (0, 1, 7)] == [0.005, 1.005, 7.005]
    assert (found.latitude, found.longitude) == (40.75, -73.875)


def test_one_model_alone_has_no_suffix_and_null_is_nothing() -> None:
    alone = body(models=("x",), hours=2)
    for part in ("hourly", "hourly_units"):
        alone[part] = {key.removesuffix("_x"): column for key, column in alone[part].items()}
    alone["hourly"]["temperature_2m_previous_day1"] = [None, 3.0]
    found = parse_previous_runs(json.dumps(alone).encode(), model="ecmwf_ifs025")

    assert list(found.celsius) == ["ecmwf_ifs025"]
    assert np.isnan(found.celsius["ecmwf_ifs025"][1]).tolist() == [True, False]


def test_a_vintage_takes_of_each_hour_the_newest_run_that_was_published() -> None:
    """A run is named by 24 h x n before the hour and known 8 h later: 16 h ahead is of one day before, 17 h of two."""
    hours, values = known_at(runs(), T)
    day_of = {hour_of(at): int(found) for at, found in zip(hours.tolist(), values["gfs"].tolist(), strict=True)}
    ahead = {lead: day_of[int((T - START) / HOUR) + lead] for lead in (-30, -8, -7, 1, 16, 17, 40, 41, 64, 65, 72)}

    assert ahead == {-30: 0, -8: 0, -7: 1, 1: 1, 16: 1, 17: 2, 40: 2, 41: 3, 64: 3, 65: 4, 72: 4}
    assert instant(int(hours[0])) == datetime(2026, 5, 31, tzinfo=UTC)  # yesterday too, as a live answer
    assert instant(int(hours[-1])) == T + 71 * HOUR + timedelta(minutes=30)


def test_where_the_newest_run_has_no_value_an_older_one_stands_in() -> None:
    holed = body()
    holed["hourly"]["temperature_2m_previous_day1_gfs"] = [None] * N_HOURS
    holed["hourly"]["temperature_2m_gfs"] = [None] * N_HOURS
    hours, values = known_at(parse_previous_runs(json.dumps(holed).encode()), T)

    next_hour = hours.tolist().index(micros(T + timedelta(minutes=30)))
    assert int(values["gfs"][next_hour]) == 2
    assert int(values["icon"][next_hour]) == 1


@settings(max_examples=60, deadline=None)
@given(
    minutes=st.integers(2 * 24 * 60, 12 * 24 * 60),
    holes=st.lists(st.tuples(st.integers(0, 7), st.integers(0, N_HOURS - 1)), max_size=40),
)
def test_no_vintage_knows_a_run_before_it_was_published_and_none_overlooks_a_newer_one(
    minutes: int, holes: list[tuple[int, int]]
) -> None:
    at = START + timedelta(minutes=minutes)
    whole = runs()
    for day, hour in holes:
        whole.celsius["gfs"][day, hour] = np.nan
    hours, values = known_at(whole, at)

    for valid, found in zip(hours.tolist(), values["gfs"].tolist(), strict=True):
        published = [
            day
            for day in range(8)
            if instant(valid) - 24 * HOUR * day + 8 * HOUR <= at and not np.isnan(whole.celsius["gfs"][day, hour_of(valid)])
        ]
        if published:
            assert found == value(min(published), hour_of(valid))
        else:
            assert np.isnan(found)


def test_a_vintage_is_a_record_as_a_live_one_and_its_bytes_know_nothing_of_what_came_later() -> None:
    (record,) = vintages(runs(), "KLGA", [T])

    assert (record.source, record.kind, record.subject, record.received_at) == ("open_meteo", Kind.FORECAST, "KLGA", T)
    assert set(record.rows["model"]) == {"gfs", "icon"}
    assert set(record.rows["variable"]) == {"hourly"}
    assert record.facts == {"latitude": 40.75, "longitude": -73.875, "backfilled": True}
    raw = json.loads(record.raw)
    assert max(raw["hourly"]["time"]) <= (T + 72 * HOUR).timestamp()
    assert set(raw["hourly"]) == {"time", "temperature_2m_gfs", "temperature_2m_icon"}
    later = body()
    for day in range(8):
        known = [24 * day - 8 + int((T - START) / HOUR) >= hour for hour in range(N_HOURS)]
        key = f"temperature_2m{f'_previous_day{day}' if day else ''}_gfs"
        later["hourly"][key] = [old if keep else 45.0 for old, keep in zip(later["hourly"][key], known, strict=True)]
    (same,) = vintages(parse_previous_runs(json.dumps(later).encode()), "KLGA", [T])
    assert same.raw == record.raw  # everything that was published after T may be rewritten


def test_nothing_of_the_future_known_is_no_vintage() -> None:
    assert list(vintages(runs(hours=24), "KLGA", [START + timedelta(days=2)])) == []


def test_vintages_are_four_a_day_from_three_days_before_a_window_to_its_end() -> None:
    found = vintage_instants(datetime(2026, 6, 1, 4, tzinfo=UTC), datetime(2026, 6, 2, 5, tzinfo=UTC))

    assert (found[0], found[-1]) == (datetime(2026, 5, 29, 6, 30, tzinfo=UTC), datetime(2026, 6, 2, 0, 30, tzinfo=UTC))
    assert {later - earlier for earlier, later in pairwise(found)} == {6 * HOUR}


@pytest.mark.parametrize(
    ("raw", "why"),
    [(b"", "no JSON"), (b'{"error": true, "reason": "nope"}', "nope"), (b'{"latitude": 1}', "hourly has no times")],
)
def test_what_is_no_answer_is_a_wire_error(raw: bytes, why: str) -> None:
    with pytest.raises(WireError, match=why):
        parse_previous_runs(raw)


# The client


def answering(handler: Any) -> None:
    query = parse_qs(urlsplit(handler.path).query)
    first, last = (date.fromisoformat(query[name][0]) for name in ("start_date", "end_date"))
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    reply(200, body(hours=24 * ((last - first).days + 1), start=start))(handler)


def source(server: Scripted) -> OpenMeteo:
    own = SourceSettings(base_url=server.url, timeout_seconds=5)
    chosen = Settings(_env_file=None, sources={"open_meteo_previous_runs": own})
    return OpenMeteo(chosen, SteppedClock(NOW), simulated=True)


def past(server: Scripted, *days: date, station: str = "KLGA") -> list[Record]:
    return list(source(server).past(Ask(Kind.FORECAST, station, days)))


def test_a_past_day_is_asked_of_the_host_of_previous_runs_with_all_that_its_vintages_need() -> None:
    with serving(answering) as server:
        records = past(server, date(2026, 6, 1))

    (query,) = [parse_qs(urlsplit(path).query) for path in server.paths]
    assert urlsplit(server.paths[0]).path == "/v1/forecast"
    assert query["hourly"][0].split(",") == ["temperature_2m", *(f"temperature_2m_previous_day{n}" for n in range(1, 8))]
    assert (query["start_date"], query["end_date"]) == (["2026-05-28"], ["2026-06-05"])
    assert len(records) == 16
    assert [record.received_at for record in records] == sorted(record.received_at for record in records)
    assert all(record.error is None for record in records)


def test_days_together_and_days_alone_give_the_same_records() -> None:
    """The hours of a stub are numbered from the first that is asked for; here its values are the same whatever was asked."""

    def steady(handler: Any) -> None:
        query = parse_qs(urlsplit(handler.path).query)
        first, last = (date.fromisoformat(query[name][0]) for name in ("start_date", "end_date"))
        start = datetime(first.year, first.month, first.day, tzinfo=UTC)
        answer = body(hours=24 * ((last - first).days + 1), start=start)
        columns = answer["hourly"]
        for key in columns.keys() - {"time"}:
            columns[key] = [(second // 3600) % 37 + len(key) / 100 for second in columns["time"]]
        reply(200, answer)(handler)

    with serving(steady) as server:
        together = {(record.received_at, record.raw) for record in past(server, date(2026, 6, 1), date(2026, 6, 2))}
        alone = {(r.received_at, r.raw) for day in (1, 2) for r in past(server, date(2026, 6, day))}

    assert together == alone


def test_a_day_that_still_runs_has_no_vintage_to_come() -> None:
    with serving(answering) as server:
        records = past(server, date(2026, 6, 10))

    assert max(record.received_at for record in records) == datetime(2026, 6, 10, 6, 30, tzinfo=UTC)


def test_a_long_past_is_several_questions() -> None:
    with serving(answering) as server:
        records = past(server, *(date(2026, 4, 1) + timedelta(days=n) for n in range(60)))

    assert len(server.paths) == 3
    assert len({record.received_at for record in records}) == len(records) >= 60 * 4


def test_what_fails_is_a_record_of_now_and_what_is_not_given_is_none() -> None:
    with serving(reply(400, {"error": True, "reason": "too far back"})) as server:
        meteo = source(server)
        (refused,) = meteo.past(Ask(Kind.FORECAST, "KLGA", (date(2026, 6, 1),)))
        (unknown,) = meteo.past(Ask(Kind.FORECAST, "XXXX", (date(2026, 6, 1),)))
        assert list(meteo.past(Ask(Kind.FORECAST, "KLGA"))) == list(meteo.past(Ask(Kind.METAR, "KLGA", (NOW.date(),)))) == []

    assert "too far back" in (refused.error or "")
    assert refused.received_at == NOW
    assert "not in stations.csv" in (unknown.error or "")
    assert set(meteo.health) == {"open_meteo", "open_meteo_previous_runs"}
