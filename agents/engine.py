"""The engine: one process and one sub-account per desk; the only writer of that desk's money."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from agents.collect import collect
from agents.commands import commands_record, obey
from agents.cycle import catch_up, close, execute, look, news, step
from agents.paper import GRACE
from agents.probe import Probe
from core.clock import Clock, monotonic_seconds
from core.control.commands import Commands
from core.errors import StoreError
from core.failpoints import failpoint
from core.journal.lines import CycleLine
from core.model.account import Account
from core.model.command import KILL_FILE, To, Verb
from core.model.cycle import Cycle, Phase
from core.model.record import Kind, Record
from core.model.station import Station
from core.ports import Broker, Desk, Journal, Schedule, Source
from core.settings import Settings
from core.store.archive import Archive, View
from core.store.evaluations import EvaluationStore
from core.store.snapshots import SnapshotStore
from core.store.track import TrackStore
from core.units import iso

_LOG = logging.getLogger("hermes.engine")
JUST_BEFORE = timedelta(microseconds=1)  # what an interrupted attempt at the same instant left does not change the questions
Beat = Callable[[str, Cycle | None, Mapping[str, object]], None]


@dataclass(frozen=True, slots=True)
class Engine:
    """What a desk needs to trade; `run` is all it does."""

    desk: Desk[Any, Any]
    sources: Mapping[str, Source]
    snapshots: SnapshotStore
    archive: Archive
    evaluations: EvaluationStore
    track: TrackStore
    broker: Broker
    journal: Journal
    commands: Commands
    stations: Mapping[str, Station]
    clock: Clock
    settings: Settings
    data_dir: Path
    beat: Beat
    probe: Probe | None = None  # asks the machine itself; None: nothing is known of it
    trades: bool = True  # False: collect and evaluate nothing, record everything
    follow: Callable[[], object] = tuple  # brings what people read apart from the journal up to it, after each cycle

    def run(self, schedule: Schedule, last: CycleLine | None) -> None:
        """Trade until the schedule ends. `last` is the newest cycle of an earlier run: it is finished first if it was not."""
        account = self.journal.account(self.desk.name)
        self._say_what_waited()
        since = last.cycle.sealed_at if last else None
        kinds = sum(len(source.gives) for source in self.sources.values())
        with ThreadPoolExecutor(max_workers=max(2, kinds), thread_name_prefix="source") as pool:
            if last is not None and self.trades:
                account = self._finish(last, account, monotonic_seconds(), self.clock.now() - last.cycle.scheduled_at)
            closed_on: date | None = None
            for cycle in schedule:
                begun, late = monotonic_seconds(), self.clock.now() - cycle.scheduled_at
                self.beat("collecting", cycle, {})
                cycle = self._collect(cycle, account, pool, since)
                if self.trades:
                    account = self._trade(cycle, account, since or cycle.sealed_at - timedelta(days=1), begun, late)
                since = cycle.sealed_at
                self.beat("waiting", cycle, {"seconds": round(monotonic_seconds() - begun, 4)})
                closed_on = self._close_days(cycle.sealed_at.date(), closed_on)

    def _say_what_waited(self) -> None:
        """Log what people asked while no engine ran: it holds from the first cycle on."""
        for command in self.commands.pending(To.ENGINE, taker=self.desk.name):
            words = command.verb, command.command_id, command.by, iso(command.at)
            _LOG.warning("a %s (command %s), left by %s at %s, waited for this start and is taken up now", *words)

    def _close_days(self, day: date, closed_on: date | None) -> date:
        """Close the days that have grown too old, once a day and while the desk waits; what cannot be closed stays hot."""
        if day != closed_on:
            try:
                self.archive.close_days(day - timedelta(days=self.settings.hot_days))
            except StoreError as error:
                _LOG.warning("old snapshots stay files of their own: %s", error)
        return day

    def _collect(self, cycle: Cycle, account: Account, pool: ThreadPoolExecutor, since: datetime | None) -> Cycle:
        now = self.clock.now()
        view = self.archive.as_of([now - JUST_BEFORE])
        pending = self.commands.pending(To.ENGINE, taker=self.desk.name)
        wish = commands_record(self.desk.name, pending, (self.data_dir / KILL_FILE).exists(), account, now)
        sealed, _ = collect(
            cycle, self.desk.asks(cycle, account, view), self.sources, self.snapshots, clock=self.clock, pool=pool,
            latency=timedelta(seconds=self.settings.weather.latency_seconds), more=(wish,) if wish else (),
            told=lambda records: self._host(records, view, since),
        )  # fmt: skip
        for command in pending:
            self.commands.taken(str(command.command_id), at=self.clock.now(), taker=self.desk.name)
        return sealed

    def _host(self, records: Sequence[Record], view: View, since: datetime | None) -> tuple[Record, ...]:
        """Return what this machine measured for the cycle, where it is asked."""
        if self.probe is None:
            return ()
        at = self.clock.now()
        before = view.newest(Kind.HOST, self.desk.name, at - timedelta(days=1))
        return (self.probe.record(records, at, before=before.facts[0] if len(before) else None, looked_at=since),)

    def _trade(self, cycle: Cycle, account: Account, since: datetime, begun: float, late: timedelta) -> Account:
        view = self.archive.as_of([cycle.sealed_at])
        for obedience in obey(cycle, account, view, since):
            account = self.journal.commit(cycle, account, obedience)
            said = "; ".join(line.message for line in obedience.activity)
            _LOG.warning("cycle %d obeys command %s: %s", cycle.number, obedience.command_id, said)
        account = catch_up(
            cycle, account, view, since, archive=self.archive, broker=self.broker, journal=self.journal, stations=self.stations,
            settings=self.settings,
        )  # fmt: skip
        self.beat("evaluating", cycle, {})
        block = look(self.desk, view, self.settings)
        failpoint("before:evaluations")
        told = self.desk.columns(block.evaluation, 0)
        self.evaluations.append(cycle.scheduled_at, *told)
        self.track.append(*self.desk.learned())
        failpoint("after:evaluations")
        account = step(
            self.desk, block, 0, cycle, account, archive=self.archive, broker=self.broker, journal=self.journal,
            settings=self.settings, told=told, lines=news(cycle, account, view, since, self.stations),
        )  # fmt: skip
        return self._close(cycle, account, begun, late)

    def _killed(self) -> bool:
        """Return whether a person threw the kill switch since the last cycle looked."""
        waiting = self.commands.pending(To.ENGINE, taker=self.desk.name)
        return (self.data_dir / KILL_FILE).exists() or any(each.verb in (Verb.KILL, Verb.FLATTEN) for each in waiting)

    def _finish(self, last: CycleLine, account: Account, begun: float, late: timedelta) -> Account:
        if last.phase == Phase.INTENDED:
            if self._killed():  # what was not sent by now is not sent: its moment passes, and it expires
                self.clock.wait_until(last.cycle.fill_at + GRACE + JUST_BEFORE)
            account = execute(last.cycle, account, archive=self.archive, broker=self.broker, journal=self.journal)
        if last.phase == Phase.COMPLETE:
            return account
        return self._close(last.cycle, account, begun, late)

    def _close(self, cycle: Cycle, account: Account, begun: float, late: timedelta) -> Account:
        """Announce the end of a cycle, with how long it took and how long after its instant it began."""
        duration, lateness = 1000 * (monotonic_seconds() - begun), late / timedelta(milliseconds=1)
        measured = {"duration_ms": round(duration, 3), "late_ms": round(lateness, 3)}
        account = close(cycle, account, journal=self.journal, measured=measured)
        self.follow()
        return account
