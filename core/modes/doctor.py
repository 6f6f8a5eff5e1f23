"""Is everything as it should be? One line each; a wrong one makes the exit code 1."""

from __future__ import annotations

import argparse
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy.exc import SQLAlchemyError

from core.clock import wall_now
from core.control.beats import SILENT_SECONDS, Beats
from core.control.lock import Lock
from core.errors import HermesError
from core.journal.proof import Proof, prove
from core.journal.reader import JournalReader
from core.journal.trade_copies import FOLDER, TradeCopies
from core.journal.writing import bring_forward
from core.modes.where import journal_folder
from core.registry import load_stations
from core.settings import Settings
from core.store.catalogue import Catalogue
from core.store.track import TrackStore
from core.supervisor.world import service_state
from core.units import Columns, decimal_of, instant
from core.wiring.desk import journal_address, made_again

FAULT = 1
STATES_MADE_AGAIN = ("pool_weight", "recalibration", "shrinkage", "gate")  # the filter's are told by the first look of a day


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor."""

    name: str
    well: bool
    words: str


def doctor(settings: Settings, given: argparse.Namespace) -> int:
    """Print every finding; 0 only when all are well."""
    data_dir = journal_folder(settings, given)
    asked = (
        (given.upgrade, UPGRADE_ONLY), (given.ledger, LEDGER_ONLY), (given.learned, LEARNED_ONLY), (given.copies, COPIES_ONLY),
    )  # fmt: skip
    checks = next((checks for wanted, checks in asked if wanted), ALL)
    findings = [finding for check in checks for finding in _guarded(check, settings, data_dir)]
    for finding in findings:
        print(f"{'ok  ' if finding.well else 'FAIL'} {finding.name:10} {finding.words}", flush=True)
    return 0 if all(finding.well for finding in findings) else FAULT


def _guarded(check: Callable[[Settings, Path], Iterator[Finding]], settings: Settings, data_dir: Path) -> Iterator[Finding]:
    try:
        yield from check(settings, data_dir)
    except (HermesError, OSError, SQLAlchemyError, sqlite3.Error, ValueError, TypeError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        yield Finding(check.__name__.strip("_"), False, f"{words}; restore the file from a backup")


def _settings(settings: Settings, data_dir: Path) -> Iterator[Finding]:
    stations = load_stations()
    unknown = [code for code in settings.stations if code not in stations]
    yield Finding("settings", not unknown, f"unknown stations {unknown}" if unknown else f"{len(stations)} stations known")


def _data(settings: Settings, data_dir: Path) -> Iterator[Finding]:
    if not data_dir.is_dir():
        yield Finding("data", False, f"{data_dir} is not there; ./start_all.sh makes it")
        return
    yield Finding("data", os.access(data_dir, os.W_OK), f"{data_dir}, {_free_gigabytes(data_dir):.1f} GB free")
    broken = list((data_dir / "quarantine").rglob("*")) if (data_dir / "quarantine").is_dir() else []
    yield Finding(
        "snapshots", not broken, f"{len(broken)} damaged files in {data_dir / 'quarantine'}" if broken else "none damaged"
    )


def _free_gigabytes(folder: Path) -> float:
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize / 1e9


def _sources(settings: Settings, data_dir: Path) -> Iterator[Finding]:
    if settings.mode == "demo" or JournalReader(journal_address(settings, data_dir)).world().startswith("demo"):
        yield Finding("sources", True, "demo world: no public service is needed")
        return
    for name, up in service_state(settings).items():
        yield Finding("source", up, f"{name} {'answers' if up else 'cannot be reached; the others go on without it'}")


def _engine(settings: Settings, data_dir: Path) -> Iterator[Finding]:
    beat = Beats(data_dir).read("engine") if (data_dir / "control.db").exists() else None
    if beat is None:
        yield Finding("engine", True, "has not run here yet")
        return
    age = wall_now() - beat.said_at
    late = beat.state != "stopped" and age.total_seconds() > SILENT_SECONDS
    yield Finding("engine", not late, f"{beat.state}, last heard {age.total_seconds():.0f} s ago")


def _ledger(settings: Settings, data_dir: Path) -> Iterator[Finding]:
    address = journal_address(settings, data_dir)
    if not settings.database_url and not (data_dir / "hermes.db").exists():
        yield Finding("ledger", False, f"no journal in {data_dir}; ./start_all.sh makes one")
        return
    reader = JournalReader(address)
    if not reader.desks():
        damaged = not reader.world() or reader.count_fills() > 0
        words = "the journal holds no schema or no account: it is damaged, restore it from a backup"
        yield Finding("ledger", not damaged, words if damaged else "nothing was booked yet")
    for desk in reader.desks():
        proof = prove(reader, desk)
        yield Finding("ledger", proof.proven, f"{desk}: {_proven(proof)}")
        for fault in proof.faults:
            yield Finding("ledger", False, fault)


def _upgrade(settings: Settings, data_dir: Path) -> Iterator[Finding]:
    """Bring the journal of an earlier Hermes forward; its engine must be stopped."""
    if not settings.database_url and not (data_dir / "hermes.db").exists():
        yield Finding("journal", False, f"no journal in {data_dir}; ./start_all.sh makes one")
        return
    with Lock(data_dir / "engine.lock"):
        had, has = bring_forward(journal_address(settings, data_dir))
    yield Finding("journal", True, f"schema {had} brought to {has}" if had < has else f"schema {has}, nothing to bring forward")


def _copies(settings: Settings, data_dir: Path) -> Iterator[Finding]:
    """Make the daily files of the trades again where one is missing or not as the journal says."""
    reader = JournalReader(journal_address(settings, data_dir))
    if not data_dir.is_dir() or not reader.world():
        yield Finding("copies", False, f"no journal in {data_dir}; ./start_all.sh makes one")
        return
    days, written = TradeCopies(data_dir).again(reader)
    again = f"written again: {', '.join(map(str, written))}" if written else "all as the journal says"
    yield Finding("copies", True, f"{len(days)} days with trades in {data_dir / FOLDER}; {again}")


def _learned(settings: Settings, data_dir: Path) -> Iterator[Finding]:
    """Make again from the archive what was learned, and compare it with what was kept."""
    if not data_dir.is_dir():
        yield Finding("learned", False, f"{data_dir} is not there; ./start_all.sh makes it")
        return
    kept = TrackStore(data_dir, "weather", readonly=True).track()
    if not len(kept["event_id"]):
        yield Finding("learned", True, "nothing was settled and scored here yet")
        return
    world = JournalReader(journal_address(settings, data_dir)).world() or settings.mode
    until = instant(int(kept["since"].max()))
    maker, track, states = made_again(settings, data_dir, world, until)
    own = kept["maker"] == maker
    if not own.any():
        yield Finding("learned", True, f"{len(own)} rows are of another version or other settings: they will be made again")
        return
    yield _same(
        "settled looks", {name: column[own] for name, column in kept.items()}, track, ("event_id", "since", "look"), all_of=True
    )
    known = TrackStore(data_dir, "weather", readonly=True).states()
    mine = (known["maker"] == maker) & np.isin(known["kind"].astype(str), STATES_MADE_AGAIN)
    yield _same(
        "states", {name: column[mine] for name, column in known.items()}, states, ("kind", "subject", "day"), all_of=False
    )


def _same(what: str, kept: Columns, again: Columns, key: tuple[str, ...], *, all_of: bool) -> Finding:
    """Return whether kept rows are as those made again, value by value; `all_of`: every kept one is made again."""
    rows = {_key(again, key, i): i for i in range(len(again[key[0]]))}
    asked = [i for i in range(len(kept[key[0]])) if all_of or _key(kept, key, i) in rows]
    different = [i for i in asked if (other := rows.get(_key(kept, key, i))) is None or not _equal(kept, i, again, other)]
    words = f"{len(different)} differ, first {_key(kept, key, different[0])}" if different else "identical"
    return Finding("learned", not different, f"{len(asked)} {what} made again from the archive: {words}")


def _equal(kept: Columns, i: int, again: Columns, other: int) -> bool:
    pairs = ((kept[name][i], again[name][other]) for name in kept)
    return all(one == two or (one != one and two != two) for one, two in pairs)  # no number equals no number


def _key(rows: Columns, key: tuple[str, ...], i: int) -> tuple[object, ...]:
    return tuple(rows[name][i] for name in key)


def _index(settings: Settings, data_dir: Path) -> Iterator[Finding]:
    if (data_dir / "snapshots").is_dir():
        yield Finding("catalogue", True, f"{Catalogue(data_dir, readonly=True).count()} records indexed")


def _proven(proof: Proof) -> str:
    money = f"cash {decimal_of(sum(proof.cash_micro)):.2f} $, fees {decimal_of(sum(proof.fees_micro)):.2f} $"
    return f"{proof.fills} fills, {proof.settlements} settlements, {proof.ledger_lines} ledger lines, {money}"


LEDGER_ONLY = (_ledger,)
LEARNED_ONLY = (_learned,)
COPIES_ONLY = (_copies,)
UPGRADE_ONLY = (_upgrade, _ledger)
ALL = (_settings, _data, _index, _sources, _engine, _ledger)
