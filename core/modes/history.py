"""Real history: into the archive, and the desk over it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from core.clock import monotonic_seconds
from core.control.lock import Lock
from core.errors import NotAllowedError, StoreError
from core.journal.reader import JournalReader
from core.model.station import Station
from core.modes.lines import money_lines, verdict_lines
from core.registry import load_stations
from core.services.status import DESCRIPTIVE
from core.settings import Settings
from core.store.layout import ARCHIVE, SNAPSHOTS
from core.supervisor.prepare import prepare
from core.wiring.research import LEARNED, backtest_days
from core.wiring.sources import import_history, is_imported, names_of, with_learning

JOURNAL_FILES = ("hermes.db", "hermes.db-wal", "hermes.db-shm")


def import_sets(settings: Settings, given: argparse.Namespace) -> int:
    """Import `--set` of `--real-data` into the data folder."""
    names, real_dir = names_of(given.sets), real_folder(given)
    load_history(real_dir, prepare(settings, "archive"), names)
    return 0


def real_folder(given: argparse.Namespace) -> Path:
    """Return the folder of `--real-data`; NotAllowedError when it was not given."""
    if given.real_data is None:
        raise NotAllowedError("--real-data DIR is missing: the folder with the real history", "real_data")
    real_dir: Path = given.real_data
    return real_dir


def load_history(real_dir: Path, data_dir: Path, names: Sequence[str]) -> None:
    """Import sets; what is there already is not read again. StoreError when a part of them could not be read."""
    with Lock(data_dir / "import.lock"):
        report = import_history(real_dir, data_dir, names, _say)
    for line in report.lines():
        print(line, flush=True)
    if report.failed:
        why = next((message for message in report.messages if message.endswith("left out")), "it cannot be read")
        raise StoreError(f"{', '.join(report.failed)} could not be imported: {why}")


def backtest(settings: Settings, given: argparse.Namespace) -> int:
    """Run the engine's own cycle over archived days; the result is opened by the faces like any other data folder."""
    start, end = _span(given)
    data_dir = prepare(settings, "archive")
    if given.real_data is not None:
        load_history(given.real_data, data_dir, with_learning(names_of(given.sets)))
    if not any((data_dir / name).is_dir() for name in (SNAPSHOTS, ARCHIVE)):
        raise StoreError(f"{data_dir} holds no records; give --real-data DIR, or the --data folder of a recorded session")
    if is_imported(data_dir):
        # Texts of 2024 say "84°" and leave the unit to be concluded: too little for a live desk, enough where nothing is risked.
        settings = settings.model_copy(update={"weather": settings.weather.model_copy(update={"inferred_rules": True})})
    stations = _stations(settings)
    with Lock(data_dir / "engine.lock"):
        _retire(data_dir)
        begun, n_cycles = monotonic_seconds(), 0
        for day, n in backtest_days(settings, data_dir, data_dir, "archive", stations, start, end):
            n_cycles += n
            print(f"{day}  {n_cycles} cycles", end="\r", flush=True)
    seconds = monotonic_seconds() - begun
    print(f"{n_cycles} cycles in {seconds:.1f} s, {DESCRIPTIVE}, data in {data_dir}", flush=True)
    reader = JournalReader(f"sqlite:///{data_dir / 'hermes.db'}")
    for line in (*money_lines(reader), *verdict_lines(reader)):
        print(line, flush=True)
    print(f"open it: ./start_all.sh --mode replay --data {data_dir}", flush=True)
    return 0


def _stations(settings: Settings) -> list[Station]:
    known = load_stations()
    unknown = [code for code in settings.stations if code not in known]
    if unknown:
        raise NotAllowedError(f"no station {', '.join(unknown)}; data/registry/stations.csv lists those there are", "stations")
    return [known[code] for code in settings.stations] if settings.stations else list(known.values())


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
        (data_dir / "evaluations").mkdir()
        for path in (folder / "evaluations").glob(f"{LEARNED}-track.db*"):  # what follows from the archive alone stays
            path.rename(data_dir / "evaluations" / path.name)


def _say(what: str, done: int, of: int) -> None:
    print(f"{what}: {done} of {of}", flush=True)
