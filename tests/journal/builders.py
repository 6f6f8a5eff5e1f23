"""Small worlds for the journal's tests: two events of one city, cycles of 15 minutes, orders and words about them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from core.journal.changes import Conversion, Execution, Intention, Payout, Risk
from core.model.account import Account
from core.model.activity import Action, Activity
from core.model.cycle import Cause, Cycle
from core.model.decision import Check, Decision, Verdict
from core.model.event import Instrument, Side
from core.model.orders import Level, Orders, Reports, Role, Status
from core.model.rule import Extreme
from core.model.settlement import Finality, Settlement
from core.units import MICRO, Unit, micros

DESK, WORLD = "weather", "demo:7"
START = datetime(2025, 11, 12, 17, tzinfo=UTC)
START_MICRO = 10_000 * MICRO
EVENT_DAYS = (date(2025, 11, 13), date(2025, 11, 14))


def event_id(event: int) -> str:
    return f"highest-temperature-in-london-{event}"


def instrument(event: int, bracket: int, side: Side) -> Instrument:
    return Instrument(
        token=f"{event}{bracket}{side}", venue="polymarket", event_id=event_id(event), station="EGLC", city="London",
        event_day=EVENT_DAYS[event % 2], extreme=Extreme.HIGH, bracket=bracket, label=f"{14 + bracket}°C",
        lower=14 + bracket, upper=14 + bracket, unit=Unit.CELSIUS, side=side, market_id=f"m{event}{bracket}",
        settlement_source="wunderground", region="london",
    )  # fmt: skip


BELIEF = {"p_model": 0.31, "p_market": float("nan"), "regime": "STABLE"}
INSTRUMENTS = {
    i.token: i for i in (instrument(event, bracket, side) for event in (0, 1) for bracket in (0, 1, 2) for side in Side)
}


def cycle(number: int, *, desk: str = DESK) -> Cycle:
    at = START + timedelta(minutes=15 * number)
    return Cycle(desk, at, number, Cause.SCHEDULE, (), at + timedelta(seconds=3), at + timedelta(seconds=5))


def name(kind: str, of: Cycle, run: int, token: str) -> str:
    return kind + hashlib.sha1(f"{of.desk}|{of.scheduled_at}|{run}|{token}".encode()).hexdigest()[:16]


def orders(of: Cycle, wanted: Sequence[tuple[int, str, int]]) -> Orders:
    """Entries and exits of the given (run, token, signed size)."""
    n = len(wanted)
    return Orders(
        order_id=tuple(name("o-", of, run, token) for run, token, _ in wanted),
        decision_id=tuple(name("d-", of, run, token) for run, token, _ in wanted),
        run=np.array([run for run, _, _ in wanted], np.int64), token=tuple(token for _, token, _ in wanted),
        role=np.array([Role.ENTRY if size > 0 else Role.EXIT for _, _, size in wanted], np.int64),
        parent=np.full(n, -1, np.int64), size_micro=np.array([size for _, _, size in wanted], np.int64),
        limit_micro=np.full(n, 400_000, np.int64), reference_micro=np.full(n, 390_000, np.int64),
        fair_micro=np.full(n, 450_000, np.int64), status=np.full(n, Status.SUBMITTING, np.int64), filled_micro=np.zeros(n, np.int64),
        placed_at=np.full(n, micros(of.fill_at), np.int64), good_until=np.zeros(n, np.int64), cancel_at=np.zeros(n, np.int64),
    )  # fmt: skip


def decisions(of: Cycle, wanted: Sequence[tuple[int, str, int]]) -> tuple[Decision, ...]:
    checks = (Check("spread", 0.02, 0.04, Verdict.PASS), Check("exposure", 3.5, 2.0, Verdict.SHRINK, 2 * MICRO))
    return tuple(
        Decision(name("d-", of, run, token), run, token, 0, size, size, size, "ok", checks, dict(BELIEF))
        for run, token, size in wanted
    )  # fmt: skip


def said(of: Cycle, type_: str = "", **more: object) -> Activity:
    return Activity(of.scheduled_at, Action.CYCLE, f"cycle {of.number} {type_}", type=type_, station="EGLC", data=more)


def risk(account: Account, of: Cycle) -> Risk:
    equity = account.cash_micro + account.cost_micro.sum(axis=1)
    return Risk(
        of.scheduled_at.toordinal(),
        equity,
        equity // 100,
        equity,
        equity,
        np.maximum(equity, account.high_water_micro),
        account.tripped,
        account.governor,
    )


def intention(of: Cycle, account: Account, wanted: Sequence[tuple[int, str, int]]) -> Intention:
    tokens = dict.fromkeys(token for _, token, _ in wanted)
    return Intention(
        decisions(of, wanted), orders(of, wanted), tuple(INSTRUMENTS[token] for token in tokens), risk(account, of),
        (said(of, "edges_updated", n=len(wanted)),),
    )  # fmt: skip


def reports(rows: Sequence[tuple[str, str, Status, int, int, int]], at: int = 0, shown: int = 500 * MICRO) -> Reports:
    """Words of (order id, execution id, status, size, price, fee)."""
    notional = [size * price // MICRO for _, _, _, size, price, _ in rows]
    return Reports(
        tuple(row[0] for row in rows), tuple(row[1] for row in rows), np.array([row[2] for row in rows], np.int64),
        np.full(len(rows), at, np.int64), np.array([row[3] for row in rows], np.int64), np.array(notional, np.int64),
        np.array([row[5] for row in rows], np.int64),
        tuple((Level(row[4], shown, row[3]),) if row[3] else () for row in rows),
        tuple("" if row[3] else "no_depth" for row in rows),
    )  # fmt: skip


def filled(of: Cycle, placed: Orders, price: int = 390_000, fee: int = 1_250) -> Execution:
    """Every order filled whole."""
    rows = [
        (placed.order_id[i], f"x-{placed.order_id[i][2:]}-1", Status.FILLED, abs(int(placed.size_micro[i])), price, fee)
        for i in range(len(placed))
    ]
    at = micros(of.fill_at)
    return Execution(reports(rows, at), at, (said(of, "trade_placed", n=len(rows)),))


def conversion(
    of: Cycle, event: int, given: Sequence[int], size: int, bips: int = 0, name: str = "", run: int = 0
) -> Conversion:
    """NO of some brackets of an event of three for YES of the others."""
    tokens = [f"{event}{bracket}NO" for bracket in given]
    others = [f"{event}{bracket}YES" for bracket in (0, 1, 2) if bracket not in given]
    return Conversion(
        f"v-{of.desk}-{of.number}-{event}-{run}-{name}", run, tuple(tokens), tuple(others), size, bips,
        tuple(INSTRUMENTS[token] for token in (*tokens, *others)), (said(of, "converted", size=size),),
    )  # fmt: skip


def word(
    event: int = 0, winner: int = 0, revision: int = 0, finality: Finality = Finality.FINAL, day: date | None = None
) -> Payout:  # fmt: skip
    settlement = Settlement(
        f"{event_id(event)}/{finality}/{revision}", "polymarket", event_id(event), "EGLC", day or EVENT_DAYS[event % 2],
        finality, revision, f"m{event}{winner}", f"{14 + winner}°C", 14.0 + winner, {"tenths": [140, 141]},
    )  # fmt: skip
    return Payout(
        settlement, (Activity(START, Action.SETTLEMENT, f"{settlement.settlement_id} won by {settlement.winner_label}"),)
    )
