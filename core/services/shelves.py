"""Where the services read: journal, evaluations, archive, heartbeats. Opened when first asked, absent while not made."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from core.clock import FollowingClock, wall_now
from core.control.beats import Beat, Beats
from core.control.commands import Commands
from core.errors import NotAllowedError, StoreError, UnknownIdError
from core.journal.address import is_file, url_of
from core.journal.lines import CycleLine
from core.model.command import To
from core.model.station import Station
from core.registry import load_series, load_stations, load_venue_stations
from core.services.believed import Believed, Mark, mark_of
from core.services.journal_rows import JournalRows, Row
from core.settings import Settings
from core.store.archive import Archive
from core.store.catalogue import Catalogue
from core.store.evaluations import EvaluationStore
from core.store.layout import ARCHIVE, CATALOGUE, SNAPSHOTS
from core.store.track import TrackStore

DESK = "weather"
RESEARCH = "research"  # verify and backtests, of a folder that no desk has traded in
START = "./start_all.sh"
AT_WORK = frozenset({"collecting", "evaluating", "starting"})  # simulated time stands still

Shelf = TypeVar("Shelf")


@dataclass(frozen=True, slots=True)
class Wire:
    """A bit of an account's `tripped` in words."""

    name: str
    action: str  # "PAUSE" or "FLAT"
    ends: str


@dataclass(frozen=True, slots=True)
class Present:
    """What time it is in the world, and what the engine last said."""

    now: datetime  # the world's
    wall: datetime  # the machine's
    world: str
    simulated: bool
    beat: Beat | None
    next_due: datetime | None


class Shelves:
    """The stores of one data folder, read-only. A file that was replaced is opened anew."""

    def __init__(self, settings: Settings, tripwires: Mapping[int, Wire] | None = None) -> None:
        self.settings, self.tripwires, self.data_dir = settings, dict(tripwires or {}), settings.data_dir
        self.desk = DESK
        self._lock = threading.RLock()
        self._opened: dict[str, tuple[tuple[int, int], object]] = {}
        self._believed: tuple[Mark, EvaluationStore, Believed] | None = None

    def journal(self) -> JournalRows | None:
        """Return the journal, None before an engine made one."""
        where = self.settings.database_url or str(self.data_dir / "hermes.db")
        if not is_file(url_of(where)):
            return self._open("journal", None, lambda: JournalRows(where))
        path = Path(str(url_of(where).database))
        journal = self._open("journal", path, lambda: JournalRows(where))
        return journal if journal and journal.world() else None

    def evaluations(self) -> EvaluationStore | None:
        """Return what the desk believed, None before its first cycle."""
        path = self.data_dir / "evaluations" / f"{DESK}.db"
        return self._open("evaluations", path, lambda: EvaluationStore(self.data_dir, DESK, readonly=True))

    def track(self) -> TrackStore | None:
        """Return what settled events taught: the desk's own record, else that of verify and backtests; None before there is one."""
        paths = {name: self.data_dir / "evaluations" / f"{name}-track.db" for name in (DESK, RESEARCH)}
        name = next((name for name, path in paths.items() if path.exists()), DESK)
        path = paths[name]
        return self._open("track", path, lambda: TrackStore(self.data_dir, name, readonly=True))

    def believed(self) -> Believed | None:
        """Return the newest evaluation of each event, read once for each state of the store; None before the first."""
        store, mark = self.evaluations(), mark_of(self.data_dir / "evaluations" / f"{DESK}.db")
        if store is None:
            return None
        with self._lock:
            kept = self._believed
            if kept is None or kept[0] != mark or kept[1] is not store:
                self._believed = kept = (mark, store, Believed(store))
            return kept[2]

    def archive(self) -> Archive | None:
        """Return the records of the world, None before the first was kept."""
        folder = next((self.data_dir / name for name in (SNAPSHOTS, ARCHIVE) if (self.data_dir / name).is_dir()), None)
        return None if folder is None else self._open("archive", folder, lambda: Archive(self.data_dir))

    def catalogue(self) -> Catalogue | None:
        """Return the index of the snapshots, None before there is one."""
        return self._open("catalogue", self.data_dir / CATALOGUE, lambda: Catalogue(self.data_dir, readonly=True))

    def beat(self, process: str = "engine") -> Beat | None:
        """Return the last heartbeat of a process, None if there never was one."""
        beats = self._open("beats", self.data_dir / "control.db", lambda: Beats(self.data_dir))
        return beats.read(process) if beats else None

    def beats(self) -> tuple[Beat, ...]:
        """Return the last heartbeat of every process."""
        beats = self._open("beats", self.data_dir / "control.db", lambda: Beats(self.data_dir))
        return beats.all() if beats else ()

    def say(self, process: str, state: str, facts: Mapping[str, object]) -> None:
        """Leave the heartbeat of a face beside those of the others; nothing where control.db was never made."""
        beats = self._open("beats", self.data_dir / "control.db", lambda: Beats(self.data_dir))
        if beats:
            beats.beat(process, wall_now(), state, wall_at=None, **facts)

    def commands(self) -> Commands:
        """Return what people asked, to be read and added to; control.db is made where there is none."""
        path = self.data_dir / "control.db"
        if not path.exists():
            path.touch()
        found = self._open("commands", path, lambda: Commands(self.data_dir))
        assert found is not None
        return found

    def waiting(self) -> int | None:
        """Return how many commands no engine of this desk has taken up, None without a control.db."""
        if not (self.data_dir / "control.db").exists():
            return None
        return len(self.commands().pending(To.ENGINE, taker=self.desk))

    def engine_runs(self) -> bool:
        """Return whether an engine lives that has not said goodbye."""
        beat = self.beat()
        return beat is not None and beat.state != "stopped" and beat.pid > 0 and lives(beat.pid)

    def stations(self) -> Mapping[str, Station]:
        """Return the registry of stations."""
        return load_stations()

    def check_station(self, code: str | None) -> None:
        """UnknownIdError for a station that the registry does not know."""
        if code is not None and code not in self.stations():
            raise UnknownIdError(f"station {code} is not in data/registry/stations.csv")

    def check_desk(self, name: str | None) -> None:
        """UnknownIdError for a desk that has no account; the weather desk is known before its first cycle."""
        journal = self.journal()
        known = dict.fromkeys((self.desk, *(journal.desks() if journal else ())))
        if name is not None and name not in known:
            raise UnknownIdError(f"desk {name[:40]} has no account here; there is {', '.join(known)}")

    def check_venue(self, name: str | None) -> None:
        """NotAllowedError for a venue that the registry does not know."""
        known = {row.venue for row in load_venue_stations().rows} | {row.venue for row in load_series()}
        if name is not None and name not in known:
            raise NotAllowedError(f"venue {name[:40]!r} is none of {', '.join(sorted(known))}", "venue")

    def present(self) -> Present:
        """Return the world's now: the machine's on a live world, the engine's beat carried on in a simulated one.

        An archive world stands still at its last cycle, and no other is due.
        """
        wall, beat, journal = wall_now(), self.beat(), self.journal()
        world = journal.world() if journal else str(beat.facts.get("world", "")) if beat else ""
        cycle = journal.newest_cycle() if journal else None
        if world.startswith(ARCHIVE):
            return Present(cycle.cycle.sealed_at if cycle else wall, wall, world, False, beat, None)
        due = self._next_due(beat, cycle)
        if not world.startswith("demo"):
            return Present(wall, wall, world, self.settings.mode == "demo", beat, due)
        return Present(_followed(beat, cycle, due) or wall, wall, world, True, beat, due)

    def held(self) -> Mapping[str, int]:
        """Return the micro-shares held of each token, all desks together."""
        held: dict[str, int] = {}
        journal = self.journal()
        for account in journal.accounts() if journal else ():
            for token, column in account.column().items():
                held[token] = held.get(token, 0) + int(account.held_micro[0, column])
        return held

    def rulings(self, scheduled_at: datetime) -> Mapping[str, Mapping[str, Row]]:
        """Return the journal's decisions of one cycle by event and token."""
        journal = self.journal()
        return journal.rulings(scheduled_at) if journal else {}

    def missing(self) -> str:
        """Return what is not there yet and the command that makes it; "" when all is there."""
        if not self.data_dir.is_dir():
            return f"There is no data folder {self.data_dir} yet. {START} makes it."
        if self.journal() is None:
            return f"No engine has run in {self.data_dir} yet. {START} starts one."
        if self.evaluations() is None:
            return f"No cycle is complete in {self.data_dir} yet. {START} starts an engine; its first cycle takes seconds."
        return ""

    def _next_due(self, beat: Beat | None, cycle: CycleLine | None) -> datetime | None:
        if beat and beat.next_due:
            return beat.next_due
        told = beat.facts.get("interval_seconds") if beat else None
        every = timedelta(seconds=told if isinstance(told, int | float) else self.settings.interval_seconds)
        return cycle.cycle.scheduled_at + every if cycle else None

    def _open(self, name: str, path: Path | None, opener: Callable[[], Shelf]) -> Shelf | None:
        """Return the store behind `path`, opened once for as long as the file is the same."""
        try:
            state = path.stat() if path else None
        except OSError:
            self._opened.pop(name, None)
            return None
        mark = (state.st_dev, state.st_ino) if state else (0, 0)
        with self._lock:
            kept = self._opened.get(name)
            if kept is None or kept[0] != mark:
                try:
                    self._opened[name] = kept = (mark, opener())
                except StoreError:
                    if path is None or path.exists():
                        raise
                    return None
            shelf: Shelf = kept[1]  # type: ignore[assignment]  # one name, one kind of store
            return shelf


def lives(pid: int) -> bool:
    """Return whether a process of that id exists: a paced engine may be silent for long."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _followed(beat: Beat | None, cycle: CycleLine | None, due: datetime | None) -> datetime | None:
    if beat is None:
        return cycle.cycle.sealed_at if cycle else None
    if beat.state in AT_WORK or beat.state == "stopped" or due is None:
        return beat.at
    now: datetime = FollowingClock(beat.at, beat.wall_at, beat.speed, due).now()
    return now
