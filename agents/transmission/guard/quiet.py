"""Minutes in which news of a station may come at any moment: what rests in the book then is bought by whoever reads it first.

A resting order lives until the next quiet minutes begin; one that would begin within them does not rest at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache

import numpy as np

from agents.transmission.guard.draft import Draft
from agents.transmission.limits import NOTHING, Limit, pass_or_refuse
from core.days import standard_offset
from core.model.station import Station
from core.registry import load_stations
from core.settings import Settings

Span = tuple[datetime, datetime]

RUNS_EVERY = timedelta(hours=6)  # 00, 06, 12 and 18 UTC
RELEASES: Mapping[str, timedelta] = {
    "icon": timedelta(hours=4, minutes=12),
    "gfs": timedelta(hours=6),
    "ecmwf": timedelta(hours=7, minutes=54),
    "gem": timedelta(hours=16),
    "jma": timedelta(hours=9, minutes=36),
    "ukmo": timedelta(hours=8, minutes=42),
    "cma": timedelta(hours=8, minutes=18),
    "meteofrance": timedelta(hours=4, minutes=24),
}
"""From the start of a model's run until it can be had, by the first word of its name: as measured on the service's own list."""
CLIMATE_REPORTS = (time(1, 30), time(16, 35))
"""When the climate report of a day comes, by the station's standard time: the last one after midnight, one of the afternoon."""
CLIMATE_SLACK = timedelta(minutes=40)  # its offices differ
LOOK = timedelta(days=1)


def quiet_spans(at: datetime, station: Station, settings: Settings, *, climate: bool = False) -> tuple[Span, ...]:
    """Return the quiet minutes [start, end) from those that hold at `at` on, for a day, merged and in order.

    Args:
        climate: the event is settled by the station's climate report.
    """
    guard = settings.guard
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    spans = _spans(
        hour, station.report_minutes, station.tz if climate else "", settings.weather.forecast_models,
        guard.quiet_before_minutes, guard.quiet_after_minutes,
    )  # fmt: skip
    return tuple(span for span in spans if span[1] > at)


def next_quiet(at: datetime, station: Station, settings: Settings, *, climate: bool = False) -> datetime:
    """Return when the next quiet minutes begin, `at` itself when they hold."""
    spans = quiet_spans(at, station, settings, climate=climate)
    return max(at, spans[0][0]) if spans else at + LOOK


def quiet_minutes(draft: Draft, settings: Settings) -> Limit:
    """Refuse to let a purchase rest into minutes that are quiet already; value: minutes until they begin."""
    standing, rests = draft.standing, draft.rests
    if rests is None or not rests.any():
        return NOTHING
    left, stations = np.full(standing.n, np.nan), load_stations()
    for place in np.flatnonzero(rests).tolist():
        instrument = standing.axis.instruments[int(standing.own[place])]
        climate = is_climate(instrument.settlement_source)
        begins = next_quiet(draft.cycle.fill_at, stations[instrument.station], settings, climate=climate)
        left[place] = (begins - draft.cycle.fill_at).total_seconds() / 60.0
    return Limit(left, np.where(rests, 0.0, np.nan), np.where(rests, pass_or_refuse(left > 0), np.nan))


def is_climate(source: str) -> bool:
    """Return whether a settlement source is a climate report."""
    return "climate" in source


@lru_cache(maxsize=4_096)
def _spans(hour: datetime, minutes: tuple[int, ...], tz: str, models: str, before: float, after: float) -> tuple[Span, ...]:
    ahead, behind = timedelta(minutes=before), timedelta(minutes=after)
    expected = [*_reports(hour, minutes), *_releases(hour, models)]
    found = [(at - ahead, at + behind) for at in expected]
    found += [(at - CLIMATE_SLACK - ahead, at + CLIMATE_SLACK + behind) for at in _climate(hour, tz)]
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return tuple(merged)


def _reports(hour: datetime, minutes: tuple[int, ...]) -> Iterator[datetime]:
    for i in range(-1, 26):
        yield from (hour + timedelta(hours=i, minutes=minute) for minute in minutes)


def _releases(hour: datetime, models: str) -> Iterator[datetime]:
    """Yield when the runs of the models that are asked for come out around a day."""
    day = hour.replace(hour=0)
    words = {name.split("_")[0] for name in models.split(",")}
    for lag in (lag for word, lag in RELEASES.items() if word in words):
        yield from (day + i * RUNS_EVERY + lag for i in range(-4, 8))


def _climate(hour: datetime, tz: str) -> Iterator[datetime]:
    if not tz:
        return
    offset = standard_offset(tz, hour.year)
    for i in range(-1, 3):
        day = hour.date() + timedelta(days=i)
        yield from (datetime.combine(day, clock, UTC) - offset for clock in CLIMATE_REPORTS)
