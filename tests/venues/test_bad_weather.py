"""Whatever is changed in an answer of a weather service, its decoder understands it or says WireError: nothing else escapes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import WireError
from core.registry import load_stations
from tests.venues.test_iem import LGA, climate, table, year
from tests.venues.test_nws import LATER, layer, observation, period, properties
from tests.venues.test_open_meteo_ensemble import several
from tests.venues.test_open_meteo_previous_runs import body
from tests.venues.test_zeus import PUBLISHED
from venues.iem.wire import climate_record, parse_network, parse_reports, past_reports, read_climate
from venues.metar.wire import parse_metars
from venues.nws.wire import parse_gridpoint, parse_hourly, parse_observations, parse_point
from venues.open_meteo.ensemble import parse_ensemble
from venues.open_meteo.previous_runs import parse_previous_runs, vintages
from venues.open_meteo.wire import parse_forecast
from venues.zeus import wire as zeus

NOW = datetime(2026, 6, 1, 17, tzinfo=UTC)
DAYS = timedelta(hours=36)
STATIONS = load_stations()
NOTHING = object()
STRANGE: tuple[Any, ...] = (
    NOTHING, None, True, 0, -1, 1e308, float("nan"), float("inf"), 10**40, -(10**40), 2**63, "", "x", "M", "\0", [], {}, [None],
    "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00", "9999-12-31", "0001-01-01", "99999999999999999999",
)  # fmt: skip
PLACE = {"id": "LGA", "name": "New York", "country": "US", "tzname": "America/New_York", "latitude": 40.8, "longitude": -73.9}
REPORT = {"icaoId": "KLGA", "obsTime": 1780332660, "metarType": "METAR", "rawOb": "METAR KLGA 011651Z 21/15"}

DECODERS: dict[str, tuple[Any, Callable[[bytes], object]]] = {
    "zeus": (PUBLISHED, lambda raw: zeus.parse_forecast(raw, "KLGA", datetime(2026, 1, 22, 21, tzinfo=UTC))),
    "nws point": (json.loads(properties(gridId="OKX", gridX=37, gridY=39)), parse_point),
    "nws cell": (
        json.loads(properties(temperature=layer(LATER), updateTime="2026-06-01T16:00:00+00:00")),
        lambda raw: parse_gridpoint(raw, "KLGA", NOW),
    ),
    "nws hourly": (
        json.loads(properties(periods=[period("2026-06-01T14:00:00-04:00", 77)])), lambda raw: parse_hourly(raw, "KLGA", NOW),
    ),
    "nws observations": (
        {"features": [observation("KLGA 011651Z 21/15")]}, lambda raw: parse_observations(raw, STATIONS["KLGA"], NOW, oldest=DAYS),
    ),
    "iem climate": (
        json.loads(year(climate(), climate("2026-05-01"))),
        lambda raw: climate_record("KNYC", read_climate(raw, STATIONS["KNYC"]), NOW),
    ),
    "iem network": ({"data": [PLACE]}, parse_network),
    "metar": ([REPORT], lambda raw: parse_metars(raw, NOW, oldest=DAYS)),
    "open_meteo": (
        {
            "latitude": 40.7, "longitude": -73.8, "timezone": "America/New_York", "utc_offset_seconds": -14400,
            "daily_units": {"time": "iso8601", "temperature_2m_max": "°F"},
            "daily": {"time": ["2026-06-01", "2026-06-02"], "temperature_2m_max": [80.1, None]},
        },
        lambda raw: parse_forecast(raw, "KLGA", NOW),
    ),
    "open_meteo ensemble": (json.loads(several()), lambda raw: parse_ensemble(raw, "KLGA", NOW)),
    "open_meteo previous runs": (
        body(models=("a",), hours=96), lambda raw: list(vintages(parse_previous_runs(raw), "KLGA", [NOW - timedelta(days=6)])),
    ),
}  # fmt: skip


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    parts = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*at, key))


def with_strange(whole: Any, place: tuple[Any, ...], strange: Any) -> Any:
    changed = copy.deepcopy(whole)
    part = changed
    for key in place[:-1]:
        part = part[key]
    if strange is NOTHING:
        del part[place[-1]]
    else:
        part[place[-1]] = strange
    return changed


@pytest.mark.parametrize("name", DECODERS)
def test_an_answer_with_one_strange_part_is_understood_or_refused(name: str) -> None:
    whole, decode = DECODERS[name]
    decode(json.dumps(whole).encode())  # as it is it is an answer
    refused = 0
    for place in places(whole):
        for strange in STRANGE if place else STRANGE[1:]:
            try:
                decode(json.dumps(with_strange(whole, place, strange) if place else strange).encode())
            except WireError:
                refused += 1

    assert refused > 5


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_table_with_damaged_bytes_is_understood_or_refused(data: st.DataObject) -> None:
    raw = table(
        "LGA|2026-06-01 16:51|KLGA 011651Z 20005KT 10SM CLR 21/15 A3004 RMK AO2 T02110150 10244 20100",
        "LGA|2026-06-01 16:20|KLGA 011620Z COR 20005KT 10SM CLR 21/15 A3004",
    )
    at = data.draw(st.integers(0, len(raw) - 1))
    damaged = raw[:at] + data.draw(st.binary(max_size=4)) + raw[at + data.draw(st.integers(0, 4)) :]
    for decode in (past_reports, parse_reports):
        try:
            records = (
                past_reports(damaged, LGA, NOW, "METAR")
                if decode is past_reports
                else parse_reports(damaged, LGA, NOW, "METAR", oldest=DAYS)
            )
        except WireError:
            continue
        assert all(record.received_at <= NOW and record.subject == "KLGA" for record in records)
