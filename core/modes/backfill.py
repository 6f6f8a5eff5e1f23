"""Settled history for a new installation: what was listed, traded, forecast and observed on the last days."""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import orjson

from core.clock import Clock, SteppedClock, SystemClock, monotonic_seconds
from core.control.lock import Lock
from core.errors import SettingsError, StoreError
from core.journal.reader import JournalReader
from core.modes.stopping import Stopping
from core.settings import Settings
from core.supervisor.prepare import prepare
from core.units import iso
from core.wiring.desk import active_stations, demo_adapter, journal_address, learn, world_start
from core.wiring.sources import Backfilled, Step, past_sources
from core.wiring.sources import backfill as fetch_past

INCOMPLETE = 1
MOST_TOLD = 8  # failures; where a host is down they are all alike


def backfill(settings: Settings, given: argparse.Namespace) -> int:
    """Fetch the last `--days` settled days of the active stations; what is there already is not fetched again."""
    simulated = given.world == "demo"
    data_dir = prepare(settings, "demo" if simulated else "live")
    recorded_until = _recorded(settings, data_dir, f"demo:{settings.seed}" if simulated else "live")
    clock: Clock = SteppedClock(recorded_until or world_start()) if simulated else SystemClock()
    served = bool(settings.source("polymarket_gamma").base_url)
    adapter = demo_adapter(settings.seed) if simulated and not served else None
    sources = past_sources(settings, clock, adapter=adapter, simulated=simulated)
    if not sources:
        raise SettingsError("no enabled source knows what was; enable polymarket, kalshi, iem or open_meteo")
    stations = list(active_stations(settings, "demo" if simulated else "live").values())
    n_days, begun, stopping = math.ceil(given.days), monotonic_seconds(), Stopping()
    print(f"{n_days} settled days of {len(stations)} stations from {', '.join(source.name for source in sources)}", flush=True)
    if recorded_until is not None:
        print(
            f"a desk recorded here until {iso(recorded_until)}: what was known before is left out, its replay stays the same",
            flush=True,
        )
    with Lock(data_dir / "engine.lock"):
        result = fetch_past(
            sources, data_dir, stations, n_days, clock.now(), watch=_say, stopping=stopping, simulated=simulated,
            recorded_until=recorded_until,
        )  # fmt: skip
        if not stopping():
            print("scoring what was settled", flush=True)
            world = f"demo:{settings.seed}" if simulated else "live"
            scored = learn(settings, data_dir, world, clock.now(), watch=_say_scored, stopping=stopping)
            left = "; stopped: the desk scores the rest when it starts" if stopping() else ""
            print(f"{scored:,} settled events scored{left}", flush=True)
    seconds = monotonic_seconds() - begun
    _summary(result, data_dir, seconds)
    if given.json is not None:
        report = asdict(result) | {"days": n_days, "stations": [station.code for station in stations], "seconds": seconds}
        _write(given.json, report)
    return INCOMPLETE if result.failed or result.stopped or stopping() else 0


def _recorded(settings: Settings, data_dir: Path, world: str) -> datetime | None:
    """Return until when the folder's desk recorded, None before its first cycle; StoreError for a desk of another world."""
    if not settings.database_url and not (data_dir / "hermes.db").exists():
        return None
    journal = JournalReader(journal_address(settings, data_dir))
    try:
        kept = journal.world()
        if kept not in ("", world):
            raise StoreError(
                f"{data_dir} belongs to world {kept!r}, this backfill asks {world!r}: "
                "give another --data (HERMES_DATA_DIR), or ask that world"
            )
        last = journal.last_cycle("weather")
    finally:
        journal.close()
    return None if last is None else last.cycle.sealed_at


def _say(step: Step) -> None:
    piece = step.piece
    span = f"{piece.days[0]} to {piece.days[-1]}"
    told = f"{step.records:6,} records" if not step.errors else f"failed: {step.errors[0]}"
    print(
        f"{piece.source:12} {piece.station:5} {piece.kind!s:8} {piece.subject:36} {span}  {told}  "
        f"{step.done} of {step.of}, {_left(step.left_seconds)} left",
        flush=True,
    )


def _left(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _summary(result: Backfilled, data_dir: Path, seconds: float) -> None:
    kept = ", ".join(f"{count:,} {kind}" for kind, count in sorted(result.kept.items())) or "nothing new"
    print(f"{kept} in {seconds:.1f} s, data in {data_dir}", flush=True)
    if result.already:
        print(f"{result.already} questions were answered by an earlier run", flush=True)
    if result.before:
        print(
            f"{result.before:,} records were left out: they were known before the last recorded cycle, whose replay would see them; "
            "give another --data for a history from before",
            flush=True,
        )
    for piece, reason in list(result.failed.items())[:MOST_TOLD]:
        print(f"failed: {piece}: {reason}", flush=True)
    if len(result.failed) > MOST_TOLD:
        print(f"failed: {len(result.failed) - MOST_TOLD} more", flush=True)
    if result.failed or result.stopped:
        print("not all of it is there: run it again, and it goes on where it stands", flush=True)


def _write(target: Path, report: object) -> None:
    try:
        target.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror}; give another --json") from None


def _say_scored(n: int) -> None:
    print(f"{n:,} events so far", flush=True)
