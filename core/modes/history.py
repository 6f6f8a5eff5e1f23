"""Real history: into the archive, and the desk over it."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from core.clock import monotonic_seconds
from core.control.lock import Lock
from core.errors import NotAllowedError, StoreError
from core.journal.reader import JournalReader
from core.modes.lines import money_lines
from core.registry import load_stations
from core.settings import Settings
from core.supervisor.prepare import prepare
from core.wiring.research import backtest_days
from core.wiring.sources import import_history, is_imported

DESCRIPTIVE = "prints only, descriptive"
JOURNAL_FILES = ("hermes.db", "hermes.db-wal", "hermes.db-shm")


def import_sets(settings: Settings, given: argparse.Namespace) -> int:
    """Import `--set` of `--real-data` into the data folder."""
    if given.real_data is None:
        raise NotAllowedError("--real-data DIR is missing: the folder with the real history", "real_data")
    data_dir = prepare(settings, "archive")
    load_history(given, data_dir)
    return 0


def load_history(given: argparse.Namespace, data_dir: Path) -> None:
    """Import the sets that were asked for; what is there already is not read again."""
    names = tuple(name.strip().upper() for name in given.sets.split(",") if name.strip())
    report = import_history(given.real_data, data_dir, names, _say)
    for line in report.lines():
        print(line, flush=True)


def backtest(settings: Settings, given: argparse.Namespace) -> int:
    """Run the engine's own cycle over archived days; the result is opened by the faces like any other data folder."""
    data_dir = prepare(settings, "archive")
    if given.real_data is not None:
        load_history(given, data_dir)
    start, end = _span(given)
    if is_imported(data_dir):
        # Texts of 2024 say "84°" and leave the unit to be concluded: too little for a live desk, enough where nothing is risked.
        settings = settings.model_copy(update={"weather": settings.weather.model_copy(update={"inferred_rules": True})})
    stations = [station for code, station in load_stations().items() if not settings.stations or code in settings.stations]
    with Lock(data_dir / "engine.lock"):
        _retire(data_dir)
        begun, n_cycles = monotonic_seconds(), 0
        for day, n in backtest_days(settings, data_dir, data_dir, "archive", stations, start, end):
            n_cycles += n
            print(f"{day}  {n_cycles} cycles", end="\r", flush=True)
    seconds = monotonic_seconds() - begun
    print(f"{n_cycles} cycles in {seconds:.1f} s, {DESCRIPTIVE}, data in {data_dir}", flush=True)
    for line in money_lines(JournalReader(f"sqlite:///{data_dir / 'hermes.db'}")):
        print(line, flush=True)
    return 0


def _span(given: argparse.Namespace) -> tuple[datetime, datetime]:
    if given.start is None or given.end is None:
        raise NotAllowedError("--start and --end are needed, both YYYY-MM-DD", "start")
    if given.end < given.start:
        raise NotAllowedError(f"--end {given.end} lies before --start {given.start}", "end")
    return _midnight(given.start), _midnight(given.end) + timedelta(days=1)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _retire(data_dir: Path) -> None:
    """Move the journal and evaluations of an earlier backtest to `runs/`; refuse to touch a journal of another world."""
    journal = data_dir / JOURNAL_FILES[0]
    if not journal.exists():
        return
    world = JournalReader(f"sqlite:///{journal}").world()
    if world != "archive":
        raise StoreError(f"{data_dir} holds the journal of world {world}; give another --data for a backtest")
    number = len(list((data_dir / "runs").glob("backtest-*"))) + 1
    folder = data_dir / "runs" / f"backtest-{number:03d}"
    folder.mkdir(parents=True)
    for name in JOURNAL_FILES:
        if (data_dir / name).exists():
            (data_dir / name).rename(folder / name)
    if (data_dir / "evaluations").exists():
        (data_dir / "evaluations").rename(folder / "evaluations")


def _say(what: str, done: int, of: int) -> None:
    print(f"{what}: {done} of {of}", flush=True)
