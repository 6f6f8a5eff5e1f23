"""The only module that turns the text of `venues.SOURCES` into objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from typing import TypeGuard

import numpy as np
from requests.adapters import BaseAdapter

from agents.backfill import AGAIN_AFTER, Backfill, Backfilled, HasPast, Shelving, Step
from agents.research.rivals import Truth
from core.clock import Clock
from core.errors import NotAllowedError, SettingsError
from core.model.station import Station
from core.ports import Source
from core.registry import load_series
from core.settings import Settings
from core.settings.demo import DEMO_PREFIXES, demo_addresses
from venues import SOURCES, history
from venues.history import ImportReport
from venues.history.importer import read_manifest
from venues.history.sets import LEARNING, SETS, SPRING_2025, cities_of, stations_of
from venues.history.truth import read_daily_summary, read_settled_readings, read_truth

__all__ = [
    "DEMO_PREFIXES",
    "Backfilled",
    "Step",
    "backfill",
    "build_sources",
    "close_all",
    "daily_summary_of",
    "demo_addresses",
    "grade_of",
    "has_forecasts",
    "import_history",
    "in_process",
    "is_imported",
    "names_of",
    "past_sources",
    "reporters_of",
    "span_of",
    "truth_of",
    "with_learning",
]  # fmt: skip

IN_PROCESS = "http://demo.invalid"
PAST_TIMEOUT = 30.0  # seconds: two months of a station's reports are one answer
_NOTHING = Truth((), np.empty((0, 1)), np.empty(0))


def build_sources(
    settings: Settings, clock: Clock, *, adapter: BaseAdapter | None = None, simulated: bool = False
) -> Mapping[str, Source]:
    """Return every enabled source by its name."""
    return {
        name: _class_of(line)(settings, clock, adapter, simulated=simulated)
        for name, line in SOURCES.items()
        if settings.source(name).enabled
    }


def in_process(settings: Settings) -> Settings:
    """Return the settings with every service in a demo world that answers inside this process, as fast as it is asked."""
    reached = {
        name: settings.source(name).model_copy(update=address | {"requests_per_minute": 60_000})
        for name, address in demo_addresses(IN_PROCESS).items()
    }
    return settings.model_copy(update={"sources": {**settings.sources, **reached}})


def past_sources(
    settings: Settings, clock: Clock, *, adapter: BaseAdapter | None = None, simulated: bool = False
) -> tuple[HasPast, ...]:
    """Return the sources that know what was; they may take longer over an answer than inside a cycle."""
    settings = settings if adapter is None else in_process(settings)
    patient = {
        name: settings.source(name).model_copy(
            update={"timeout_seconds": max(PAST_TIMEOUT, settings.source(name).timeout_seconds)}
        )
        for name in {*SOURCES, *DEMO_PREFIXES, *settings.sources}
    }
    found = build_sources(settings.model_copy(update={"sources": patient}), clock, adapter=adapter, simulated=simulated)
    return tuple(source for source in found.values() if _has_past(source))


def close_all(sources: Mapping[str, object]) -> None:
    """Give back what sources hold open: connections, and the thread of a stream."""
    for source in sources.values():
        if close := getattr(source, "close", None):
            close()


def _has_past(source: object) -> TypeGuard[HasPast]:
    return bool(getattr(source, "gives_past", None))


def backfill(
    sources: Sequence[HasPast], data_dir: Path, stations: Sequence[Station], n_days: int, now: datetime,
    *, watch: Callable[[Step], None], stopping: Callable[[], bool], simulated: bool,
    recorded_until: datetime | None = None,
) -> Backfilled:  # fmt: skip
    """Fetch the settled history of some stations that is not in the archive yet."""
    shelving = Shelving(data_dir, now, recorded_until)
    try:
        again = 0.0 if simulated else AGAIN_AFTER
        run = Backfill(sources, shelving, now, watch=watch, stopping=stopping, again_seconds=again)
        return run.run(stations, load_series(), n_days)
    finally:
        shelving.close()


def _class_of(line: str) -> type:
    module, _, name = line.partition(":")
    try:
        found: type = getattr(import_module(module), name)
    except ImportError as error:
        raise SettingsError(f"source {line} cannot be loaded: {error}; install its library or disable it") from error
    return found


def import_history(
    real_dir: Path, data_dir: Path, sets: Sequence[str], progress: Callable[[str, int, int], None]
) -> ImportReport:
    """Turn sets of real history into archive records."""
    return history.import_history(real_dir, data_dir, sets, progress)


def is_imported(data_dir: Path) -> bool:
    """Return whether the archive of a data folder came out of real history."""
    return bool(read_manifest(data_dir))


def names_of(sets: str) -> tuple[str, ...]:
    """Return the sets of real history that a person named, with commas; NotAllowedError for one that there is not."""
    names = tuple(dict.fromkeys(name.strip().upper() for name in sets.split(",") if name.strip()))
    unknown = [name for name in names if name not in SETS]
    if unknown or not names:
        raise NotAllowedError(f"no set {', '.join(unknown) or 'named'}; there are {', '.join(SETS)}", "sets")
    return names


def with_learning(names: Sequence[str]) -> tuple[str, ...]:
    """Return some sets, and where one of them has forecasts of Kalshi stations the one from which the model learns first."""
    learns = any(city.forecasts for name in names for city in cities_of(name))
    return tuple(dict.fromkeys((*names, *((LEARNING,) if learns else ()))))


def span_of(name: str) -> tuple[date, date]:
    """Return first and last event day of a set."""
    return SETS[name].first, SETS[name].last


def grade_of(name: str) -> str:
    """Return what a set is good for."""
    return SETS[name].grade


def has_forecasts(name: str) -> bool:
    """Return whether a set holds forecasts of the stations that settle it."""
    return any("forecasts" in part.what for part in SETS[name].parts)


def truth_of(real_dir: Path, data_dir: Path, name: str) -> Mapping[str, Truth]:
    """Return for each station of a set what was forecast and what came; from the files, as scores alone may know it."""
    found = dict.fromkeys(stations_of(name), _NOTHING)
    if name == SPRING_2025.name:
        settled = sorted(read_settled_readings(real_dir, data_dir, SPRING_2025).items())
        values = np.array([value for _, value in settled], np.float64)
        silent = np.full((len(settled), 1), np.nan)
        found[SPRING_2025.towns[0].station] = Truth(tuple(day for day, _ in settled), silent, values, settles=True)
    for city in cities_of(name):
        if city.forecasts:
            days, sources, official = read_truth(real_dir, data_dir, city)
            found[city.settles_on] = Truth(tuple(days), np.array(sources, np.float64), np.array(official, np.float64))
    return found


def reporters_of(name: str) -> Mapping[str, str]:
    """Return whose reports there are for each station of a set: its own, or those of a neighbour."""
    neighbours = {city.settles_on: city.reports_of for city in cities_of(name) if city.reports_of}
    return neighbours or {code: code for code in stations_of(name)}


def daily_summary_of(real_dir: Path, data_dir: Path, station: str) -> Mapping[date, int]:
    """Return the official daily maxima of a station [degrees Fahrenheit], empty where there are none."""
    return read_daily_summary(real_dir, data_dir, station)
