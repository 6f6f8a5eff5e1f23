"""The only module that turns the text of `venues.SOURCES` into objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from importlib import import_module
from pathlib import Path

import numpy as np
from requests.adapters import BaseAdapter

from agents.research.rivals import Truth
from core.clock import Clock
from core.errors import NotAllowedError, SettingsError
from core.ports import Source
from core.settings import Settings
from venues import SOURCES, history
from venues.history import ImportReport
from venues.history.importer import read_manifest
from venues.history.sets import LEARNING, SETS, SPANS, cities_of
from venues.history.truth import read_truth

DEMO_PREFIXES: Mapping[str, str] = {
    "polymarket_gamma": "/gamma",
    "polymarket_clob": "/clob",
    "metar": "/awc",
    "open_meteo": "/open-meteo",
}


def build_sources(
    settings: Settings, clock: Clock, *, adapter: BaseAdapter | None = None, simulated: bool = False
) -> Mapping[str, Source]:
    """Return every enabled source by its name."""
    return {
        name: _class_of(line)(settings, clock, adapter, simulated=simulated)
        for name, line in SOURCES.items()
        if settings.source(name).enabled
    }


def demo_addresses(base_url: str) -> dict[str, dict[str, str]]:
    """Return the `sources` settings that point every service at a demo world."""
    return {source: {"base_url": base_url + prefix} for source, prefix in DEMO_PREFIXES.items()}


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
    """Return some sets and the one from which the model learns first."""
    return tuple(dict.fromkeys((*names, LEARNING)))


def span_of(name: str) -> tuple[date, date]:
    """Return first and last event day of a set."""
    return SPANS[name]


def truth_of(real_dir: Path, data_dir: Path, name: str) -> Mapping[str, Truth]:
    """Return for each station of a set what was forecast and what came; from the files, as scores alone may know it."""
    found = {}
    for city in cities_of(name):
        days, sources, official = read_truth(real_dir, data_dir, city)
        found[city.settles_on] = Truth(tuple(days), np.array(sources, np.float64), np.array(official, np.float64))
    return found
