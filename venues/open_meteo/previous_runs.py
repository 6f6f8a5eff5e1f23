"""Open-Meteo's previous runs: what was forecast days before, made into what one would have held at a moment of the past."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any

import numpy as np
import orjson

from core.days import ONE_DAY
from core.model.record import Record
from core.units import FloatArray, IntArray, micros
from venues.open_meteo.wire import (
    OTHER,
    answer_of,
    celsius_values,
    grid_point,
    hours_of,
    parse_forecast,
    timed_columns,
    zone_of,
)

PREVIOUS_RUNS = "https://previous-runs-api.open-meteo.com"
MOST_DAYS = 7  # of previous_dayN
COLUMNS = ("temperature_2m", *(f"temperature_2m_previous_day{days}" for days in range(1, MOST_DAYS + 1)))
TIMES = tuple(time(hour, 30) for hour in (0, 6, 12, 18))  # of a day's vintages, UTC
PUBLISHED_AFTER = timedelta(hours=8)  # the slowest of the usual models; FACTS I.7
HORIZON = timedelta(hours=72)
_COLUMN = re.compile(r"temperature_2m(?:_previous_day(?P<days>\d+))?(?:_(?P<model>.+))?")
_HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True)
class PreviousRuns:
    """What each model said of each hour, by how many days before.

    The value of an hour under `days` = n is of a run 24 n hours before it, and was known eight hours after that.
    """

    latitude: float
    longitude: float
    hours: IntArray  # (n_hours,) ascending
    celsius: Mapping[str, FloatArray]  # model → (MOST_DAYS + 1, n_hours), NaN where nothing is known


def parse_previous_runs(raw: bytes, *, model: str = "best_match") -> PreviousRuns:
    """Return the columns of an answer; `model` names the one whose columns carry no suffix. WireError as for a forecast."""
    body = answer_of(raw)
    columns, units = timed_columns(body, "hourly")
    hours = hours_of(columns["time"], units.get("time"), zone_of(body))
    found: dict[str, FloatArray] = {}
    for key in columns:
        column = _COLUMN.fullmatch(key)
        if column is None or (column["model"] and OTHER.fullmatch(column["model"])):
            continue
        days = int(column["days"] or 0)
        if days <= MOST_DAYS:
            mine = found.setdefault(column["model"] or model, np.full((MOST_DAYS + 1, len(hours)), np.nan))
            mine[days] = celsius_values(key, columns[key], units.get(key), len(hours))
    return PreviousRuns(**grid_point(body), hours=np.array(hours, np.int64), celsius=found)


def known_at(runs: PreviousRuns, at: datetime) -> tuple[IntArray, Mapping[str, FloatArray]]:
    """Return the hours of a vintage, from the start of the UTC day before, and the newest value of each known at `at`.

    Of an hour h the newest run is the smallest n with h - 24 n hours + 8 hours <= `at`; where the service has no value of
    it, an older one stands in, as it did then.
    """
    now = micros(at)
    first = micros(datetime.combine(at.date() - ONE_DAY, time(), at.tzinfo))
    start, stop = np.searchsorted(runs.hours, [first, now + HORIZON // timedelta(microseconds=1) + 1]).tolist()
    hours = runs.hours[start:stop]
    lead = hours - now + PUBLISHED_AFTER // timedelta(microseconds=1)
    newest = np.maximum(0, -(-lead // (24 * _HOUR)))
    if not runs.celsius:
        return hours, {}
    celsius = np.stack([column[:, start:stop] for column in runs.celsius.values()])
    usable = np.isfinite(celsius) & (np.arange(MOST_DAYS + 1)[:, None] >= newest)
    chosen = np.take_along_axis(celsius, usable.argmax(axis=1)[:, None], axis=1)[:, 0]
    values: FloatArray = np.where(usable.any(axis=1), chosen, np.nan)
    return hours, dict(zip(runs.celsius, values, strict=True))


def vintages(runs: PreviousRuns, station: str, instants: Sequence[datetime]) -> Iterator[Record]:
    """Yield the `forecast` record of each instant, in the form of a live one; none where nothing of the future was known."""
    for at in instants:
        hours, values = known_at(runs, at)
        ahead = hours > micros(at)
        if any(np.isfinite(celsius[ahead]).any() for celsius in values.values()):
            yield _vintage(runs, station, at, hours, values)


def _vintage(runs: PreviousRuns, station: str, at: datetime, hours: IntArray, values: Mapping[str, FloatArray]) -> Record:
    # The raw holds what was known then and not a byte more: an archive of the past must not know its future.
    keys = {model: f"temperature_2m_{model}" for model in values}
    body: dict[str, Any] = {
        "latitude": runs.latitude, "longitude": runs.longitude, "utc_offset_seconds": 0, "timezone": "GMT",
        "hourly_units": {"time": "unixtime", **dict.fromkeys(keys.values(), "°C")},
        "hourly": {
            "time": hours // 1_000_000,
            **{key: values[model] for model, key in keys.items()},
        },
    }  # fmt: skip
    record = parse_forecast(orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY), station, at)
    return replace(record, facts={**record.facts, "backfilled": True})


def vintage_instants(start: datetime, end: datetime) -> list[datetime]:
    """Return when vintages are taken for a window: from three days before it until its end."""
    first = (start - HORIZON).date()
    days = [first + n * ONE_DAY for n in range((end.date() - first).days + 1)]
    taken = [datetime.combine(day, at, start.tzinfo) for day in days for at in TIMES]
    return [at for at in taken if start - HORIZON <= at < end]


def spans_of(instants: Sequence[datetime], longest: timedelta) -> Iterator[list[datetime]]:
    """Yield runs of instants that one question can cover, none longer than `longest`."""
    chunk: list[datetime] = []
    for at in instants:
        if chunk and at - chunk[0] > longest:
            yield chunk
            chunk = []
        chunk.append(at)
    if chunk:
        yield chunk
