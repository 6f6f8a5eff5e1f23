"""What a month of cycles costs: `python -m tests.bench.bench_step`. Prints ratios; nothing is asserted.

30 event-days x 30 events x 96 cycles x 9 brackets are 777,600 quotes. `step` goes over every cycle with the desk's own
evaluation, the paper broker on recorded books and a journal that writes once a day. Setting up the days is not timed.

Two floors. `OUTLINE` is a figure recorded when the house was a plan, of a bare step with 8,160 orders and 60,788 rows; its code
was not kept, so it cannot be measured again here. The other is: the rows that the step made, written by `sqlite3` alone.
"""

from __future__ import annotations

import argparse
import gc
import resource
import sqlite3
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from agents import announce
from agents import cycle as stepping
from agents.cycle import Block, step
from agents.paper import PaperBroker
from agents.transmission.ruling import guard
from agents.weather.desk import WeatherDesk
from core.journal.buffered import BufferedJournal
from core.journal.changes import Change
from core.model.account import Account
from core.model.cycle import Cycle
from core.registry import load_stations
from core.settings import Settings
from core.units import MICRO
from tests.bench.recorded import N_BRACKETS, N_CYCLES, Day, record_day

TARGET = 1.5  # [s] of the step
OUTLINE = {"step": 0.41, "in total": 0.95}
TABLES = ("cycles", "decisions", "orders", "fills", "ledger", "settlements", "risk", "instruments", "activity")
PARTS = ("propose", "mark + rule", "orders + decisions", "lines", "broker", "journal")


class Watch:
    """Seconds of the wall by part; what a part spends inside another counts for the outer one."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def timed(self, part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            try:
                return work(*given, **named)
            finally:
                self.seconds[part] += time.perf_counter() - begun

        return run


class Desk:
    """The weather desk, its proposals timed."""

    def __init__(self, desk: WeatherDesk, watch: Watch) -> None:
        self.name, self.columns = desk.name, desk.columns
        self.propose = watch.timed("propose", desk.propose)


class Ledger:
    """The journal, its commits timed."""

    def __init__(self, journal: BufferedJournal, watch: Watch) -> None:
        self.account = journal.account
        self._commit = watch.timed("journal", journal.commit)

    def commit(self, cycle: Cycle, account: Account, change: Change) -> Account:
        return self._commit(cycle, account, change)  # type: ignore[no-any-return]


class Broker:
    """The paper broker, timed."""

    def __init__(self, broker: PaperBroker, watch: Watch) -> None:
        self.execute = watch.timed("broker", broker.execute)


@contextmanager
def watched(watch: Watch) -> Any:
    """Time the functions that `step` calls by name."""
    kept = {name: getattr(stepping, name) for name in ("mark", "rule", "orders_of", "decisions_of")}
    lines = announce.look, announce.trades
    for name, work in kept.items():
        setattr(stepping, name, watch.timed("mark + rule" if name in ("mark", "rule") else "orders + decisions", work))
    announce.look, announce.trades = (watch.timed("lines", work) for work in lines)
    try:
        yield
    finally:
        for name, work in kept.items():
            setattr(stepping, name, work)
        announce.look, announce.trades = lines


def settings_of(cash: float, share: float) -> Settings:
    """Return a desk of normal size with room in every cap, so that the market and not the caps decides what is sent."""
    base = Settings.model_construct(
        **{name: info.get_default(call_default_factory=True) for name, info in Settings.model_fields.items()}
    )
    caps = (
        "bracket_r",
        "city_day_r",
        "region_day_r",
        "desk_day_r",
        "open_r",
        "source_r",
        "worst_day_r",
        "day_loss_r",
        "week_loss_r",
    )
    return base.model_copy(update={
        "weather": base.weather.model_copy(update={"kelly_fraction": share}),
        "risk": base.risk.model_copy(update={**dict.fromkeys(caps, 1e6), "probe_share": 1.0, "probe_minimum_r": 0.0}),
        "daily_bankroll_cap_usd": cash, "per_market_cap_usd": cash, "kelly_cap": 1.0, "start_cash_usd": cash,
    })  # fmt: skip


def run_day(
    day: Day, desk: WeatherDesk, journal: BufferedJournal, account: Account, settings: Settings, watch: Watch
) -> Account:
    """Evaluate a day as one block, step its cycles, settle its events, write its rows."""
    begun = time.perf_counter()
    block = Block(desk.evaluate(day.panel, settings), desk.quotes(day.panel), None)  # type: ignore[arg-type]
    block = Block(block.evaluation, block.quotes, guard(block.quotes, settings))
    watch.seconds["look"] += time.perf_counter() - begun
    timed, ledger, broker = Desk(desk, watch), Ledger(journal, watch), Broker(PaperBroker(settings), watch)
    begun, busy = time.perf_counter(), time.process_time()
    for row, cycle in enumerate(day.cycles):
        account = step(
            timed, block, row, cycle, account, archive=day.archive, broker=broker, journal=ledger, settings=settings  # type: ignore[arg-type]
        )  # fmt: skip
    watch.seconds["step"] += time.perf_counter() - begun
    watch.seconds["step, processor"] += time.process_time() - busy
    begun = time.perf_counter()
    for payout in day.payouts:
        account = journal.commit(day.cycles[-1], account, payout)
    watch.seconds["settle"] += time.perf_counter() - begun
    begun = time.perf_counter()
    journal.flush()
    watch.seconds["flush"] += time.perf_counter() - begun
    return account


def counted(path: Path) -> dict[str, int]:
    with sqlite3.connect(path) as connection:
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in TABLES}


def written_again(path: Path, other: Path) -> float:
    """Return what the journal's rows cost when `sqlite3` alone writes them, a day at a time, with the same indexes [s]."""
    with sqlite3.connect(path) as source, sqlite3.connect(other, isolation_level=None) as target:
        target.execute("PRAGMA journal_mode = WAL")
        target.execute("PRAGMA synchronous = OFF")
        for (made,) in source.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"):
            target.execute(made)
        kept = {name: source.execute(f"SELECT * FROM {name}").fetchall() for name in TABLES}
        begun = time.perf_counter()
        target.execute("BEGIN IMMEDIATE")
        for name, rows in kept.items():
            if rows:
                target.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        target.execute("COMMIT")
        return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--stations", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--drift", type=float, default=0.02, help="sd of a step of market and forecast [degrees]")
    parser.add_argument("--disagreement", type=float, default=0.4, help="sd of forecast - market [degrees]")
    parser.add_argument("--cash", type=float, default=1e4)
    parser.add_argument(
        "--share", type=float, default=0.02, help="of the growth-optimal position, so that all events fit in cash"
    )
    parser.add_argument("--keep", type=Path, help="leave the journal in this folder, to compare two versions row by row")
    given = parser.parse_args()
    stations = [station for _, station in sorted(load_stations().items()) if station.report_minutes][: given.stations]
    settings, chance, watch = settings_of(given.cash, given.share), np.random.default_rng(given.seed), Watch()
    desk = WeatherDesk(stations, settings)
    with tempfile.TemporaryDirectory() as folder, watched(watch):
        path = (given.keep or Path(folder)) / "hermes.db"
        journal = BufferedJournal(f"sqlite:///{path}", desk="weather", world="bench", start_micro=round(given.cash * MICRO))
        account = journal.account("weather")
        for number in range(given.days):
            day = record_day(number, stations, chance, drift=given.drift, disagreement=given.disagreement)
            gc.collect()
            account = run_day(day, desk, journal, account, settings, watch)
        journal.close()
        n_quotes = given.days * len(stations) * N_CYCLES * N_BRACKETS
        say(counted(path), watch.seconds, n_quotes, written_again(path, Path(folder) / "floor.db"))
        print(f"equity {int(account.equity_micro[0]) / MICRO:,.2f} $, fees {int(account.fees_micro[0]) / MICRO:,.2f} $")


def say(rows: dict[str, int], seconds: dict[str, float], n_quotes: int, floor: float) -> None:
    n_rows, stepped = sum(rows.values()), seconds["step"]
    whole = stepped + seconds["look"] + seconds["flush"] + seconds["settle"]
    print(f"{n_quotes:,} quotes, {rows['decisions']:,} decisions, {rows['orders']:,} orders "
          f"({100 * rows['orders'] / n_quotes:.2f} % of quotes), {rows['fills']:,} fills, {n_rows:,} journal rows")  # fmt: skip
    print("  " + ", ".join(f"{name} {n:,}" for name, n in rows.items()))
    print(f"step      {stepped:6.2f} s wall, {seconds['step, processor']:6.2f} s processor, {n_quotes / stepped:,.0f} quotes/s")
    print(
        f"  target {TARGET} s: {stepped / TARGET:.2f} x, the outline's {OUTLINE['step']} s: {stepped / OUTLINE['step']:.1f} x"
    )
    print(f"in total  {whole:6.2f} s wall (look {seconds['look']:.2f}, step, settle {seconds['settle']:.2f}, flush {seconds['flush']:.2f}), "
          f"{whole / OUTLINE['in total']:.1f} x the outline's {OUTLINE['in total']} s")  # fmt: skip
    for part in PARTS:
        print(f"  {part:20} {seconds[part]:6.2f} s  {100 * seconds[part] / stepped:5.1f} % of step")
    rest = stepped - sum(seconds[part] for part in PARTS)
    print(f"  {'rest of step':20} {rest:6.2f} s  {100 * rest / stepped:5.1f} % of step")
    kept = seconds["flush"] + seconds["journal"]
    print(f"journal: rows and flush {kept:.2f} s, {n_rows / kept:,.0f} rows/s; flush alone {seconds['flush']:.2f} s, "
          f"{seconds['flush'] / floor:.2f} x the same rows by sqlite3 alone in {floor:.2f} s")  # fmt: skip
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
