"""The only module that turns the text of `venues.SOURCES` into objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from requests.adapters import BaseAdapter

from core.clock import Clock
from core.errors import SettingsError
from core.ports import Source
from core.settings import Settings
from venues import SOURCES, history
from venues.history import ImportReport
from venues.history.importer import read_manifest

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
