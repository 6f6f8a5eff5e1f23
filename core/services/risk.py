"""How near every limit is: tripwires, caps, steps, dial, what a bad day would cost, and the accounts whose rules are followed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.metrics.results import fair_of
from core.model.account import Account
from core.model.gauge import WARN_AT, Gauge, Seen
from core.services.money import accounts_of, marks_of, money_of
from core.services.shelves import Shelves, Wire
from core.services.values import number
from core.settings import Settings
from core.units import MICRO, micros

SOURCE = "journal: account, risk"
ACTIONS = ("PAUSE", "FLAT", "REFUSE", "ALERT")  # the stricter first
STOPS = frozenset({"PAUSE", "FLAT"})
KILL = "kill_switch"  # the one tripwire that a person ends
STRESS = "stress"  # type of the activity row that holds what the desk's stresses would cost
NEVER = "no cycle was marked yet"
Gauges = Callable[[Account, datetime, Settings, Mapping[str, Seen]], Sequence[Gauge]]


@dataclass(frozen=True, slots=True)
class RiskState:
    """`state` is "normal", "flat", "pause" or "unknown"; `tripped` names the tripwires that are down."""

    can_trade: bool
    state: str
    reason: str
    tripped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TripwireRow:
    """`state` is "ok", "warn" from 80 % of the limit on, "reached" where it refuses by the order, or "tripped"."""

    name: str
    desk: str
    state: str
    value: float | None
    limit: float | None
    unit: str
    used: float | None  # of the limit
    since: datetime | None  # the world's
    action: str
    ends: str
    value_usd: float | None
    limit_usd: float | None
    subject: str = ""  # what is counted, where the name does not say it


@dataclass(frozen=True, slots=True)
class ExposureRow:
    """The fullest group of one cap, working orders counted as filled. Numbers in `unit`, the same in dollars."""

    name: str
    desk: str
    state: str  # "ok", "warn" or "reached"
    now: float
    limit: float
    unit: str
    used: float
    subject: str
    now_usd: float | None
    limit_usd: float | None


@dataclass(frozen=True, slots=True)
class StressRow:
    """What holdings and wishes, before any limit, would bring in one stress; the worst first."""

    name: str
    desk: str
    pnl_usd: float
    pnl_r: float | None


@dataclass(frozen=True, slots=True)
class StepRow:
    """What scales size besides the regime: the step of results, a person's dial."""

    desk: str
    step: float  # 1 is full size
    dial: int  # 5 to 1
    rebases: int
    red_days: int
    entries_day: int
    entries_week: int
    events_settled: int
    flattening: bool


@dataclass(frozen=True, slots=True)
class Risk:
    """Everything in R0 unless its unit says otherwise; a drawdown is 0 or above."""

    as_of: datetime
    source: str
    n: int  # desks that were marked
    desk: str  # "" for all together
    can_trade: bool
    reason: str
    state: str
    tripped: tuple[str, ...]
    tripwires: tuple[TripwireRow, ...]
    limits: Mapping[str, float]  # by the name of the setting
    exposure: Mapping[str, ExposureRow]  # by the name of the cap; of several desks the fullest
    daily_limit_r: float
    weekly_limit_r: float
    daily_pnl_r: float | None
    weekly_pnl_r: float | None
    current_drawdown: float | None  # from the reference high [R0]
    unit_r_usd: Decimal | None
    steps: tuple[StepRow, ...]
    stress: tuple[StressRow, ...]
    accounts: tuple[ExposureRow, ...]  # headroom of each rule of each account profile that is followed
    goals: tuple[ExposureRow, ...]  # what such an account is to reach
    marked_at: datetime | None
    missing: str = ""


def risk_state(shelves: Shelves, desk: str | None = None) -> RiskState:
    """Return whether a desk may add risk, and what forbids it; of all desks what forbids it anywhere."""
    lines = marks_of(shelves, desk)
    if not lines:
        return RiskState(False, "unknown", NEVER, ())
    bits, marked = 0, {line.desk for line in lines}
    for account in accounts_of(shelves, desk):  # newer than the last mark: a person's word counts from its cycle on
        bits |= int(account.tripped[0]) if account.desk in marked else 0
    wires = [wire for bit, wire in shelves.tripwires.items() if bits & bit]
    if bits and not wires:
        return RiskState(False, "pause", "a tripwire holds that this face does not know", ("unknown",))
    stopping = [wire for wire in wires if wire.action in STOPS]
    state = next((action.lower() for action in ACTIONS if any(wire.action == action for wire in stopping)), "normal")
    reason = "; ".join(f"{wire.name.replace('_', ' ')} holds, it ends {wire.ends}" for wire in stopping)
    return RiskState(not stopping, state, reason, tuple(wire.name for wire in wires))


class RiskService:
    """Answers from the folded account and the risk rows of the journal."""

    def __init__(self, shelves: Shelves, gauges: Gauges) -> None:
        self._shelves, self._gauges = shelves, gauges

    def risk(self, desk: str | None = None) -> Risk:
        """Return every limit of a desk, of all desks for None; UnknownIdError for a desk that there is not."""
        shelves = self._shelves
        accounts, marked = accounts_of(shelves, desk), {line.desk for line in marks_of(shelves, desk)}
        accounts = tuple(account for account in accounts if account.desk in marked)
        state, money, now = risk_state(shelves, desk), money_of(shelves, desk), shelves.present().now
        settings = self._settings()
        found = [
            (account, gauge) for account in accounts for gauge in self._gauges(account, now, settings, self._seen(account))
        ]
        named = {(account.desk, gauge.name): gauge for account, gauge in found if gauge.family == "tripwire"}
        return Risk(
            as_of=now, source=SOURCE, n=len(accounts), desk=desk or "", can_trade=state.can_trade, reason=state.reason,
            state=state.state, tripped=state.tripped,
            tripwires=tuple(row for one in accounts for row in self._tripwires(one, named)),
            limits=_limits(settings), exposure=_fullest(_exposure(found, ("cap", "ceiling", "rule"))),
            daily_limit_r=settings.risk.day_loss_r, weekly_limit_r=settings.risk.week_loss_r, daily_pnl_r=money.day_pnl_r,
            weekly_pnl_r=money.week_pnl_r, current_drawdown=max((_drawdown(one) for one in accounts), default=None),
            unit_r_usd=money.unit_r_usd, steps=tuple(_step(one) for one in accounts),
            stress=tuple(row for one in accounts for row in self._stress(one)),
            accounts=tuple(_exposure(found, ("account",))), goals=tuple(_exposure(found, ("goal",))), marked_at=money.marked_at,
            missing="" if accounts else shelves.missing() or NEVER,
        )  # fmt: skip

    def _seen(self, account: Account) -> Mapping[str, Seen]:
        """Return what the newest look saw of what a desk holds; nothing of an event that it did not look at."""
        believed = self._shelves.believed() if account.desk == self._shelves.desk else None
        if believed is None or believed.at is None:
            return {}
        at, found = micros(believed.at), {}
        for one in account.instruments:
            outlook = believed.outlook(one.event_id)
            if outlook is None or int(outlook["scheduled_at"]) != at:
                continue
            rows = (row for row in believed.brackets(one.event_id) if int(row["bracket"]) == one.bracket)
            if (row := next(rows, None)) is not None:
                bid, fair = number(row[f"{one.side.lower()}_bid"]), fair_of(number(row["p_pooled"]), one.side)
                received = int(outlook["book_received_at"])
                age = max(0.0, (at - received) / MICRO) if received > 0 else math.inf
                found[one.token] = Seen(bid, fair, age)
        return found

    def _settings(self) -> Settings:
        return self._shelves.settings.in_world(self._shelves.present().world)

    def _tripwires(self, account: Account, gauges: Mapping[tuple[str, str], Gauge]) -> Iterator[TripwireRow]:
        bits = {wire.name: bit for bit, wire in self._shelves.tripwires.items()}
        wires = {wire.name: wire for wire in self._shelves.tripwires.values()}
        asked = dict.fromkeys((*wires, *(name for desk, name in gauges if desk == account.desk)))
        for name in asked:
            bit = bits.get(name, 0)
            holds = bool(int(account.tripped[0]) & bit)
            since = self._since(account.desk, bit) if holds else None
            wire = wires.get(name, Wire(name, "REFUSE", "by itself"))
            yield _tripwire(account.desk, wire, gauges.get((account.desk, name)), since, tripped=holds)

    def _since(self, desk: str, bit: int) -> datetime | None:
        """Return since when a tripwire holds; one that no mark has seen yet holds since the newest cycle."""
        journal = self._shelves.journal()
        newest = journal.newest_cycle() if journal else None
        found = journal.tripped_since(desk, bit) if journal else None
        return found or (newest.cycle.scheduled_at if newest else None)

    def _stress(self, account: Account) -> Iterator[StressRow]:
        journal = self._shelves.journal()
        told = journal.newest_data(account.desk, STRESS) if journal else {}
        unit = int(account.unit_r_micro[0]) / MICRO
        for name, pnl in sorted(told.get("pnl_usd", {}).items(), key=lambda pair: (pair[1], pair[0])):
            yield StressRow(name.replace("_", " "), account.desk, pnl, pnl / unit if unit else None)


def _tripwire(desk: str, wire: Wire, gauge: Gauge | None, since: datetime | None, *, tripped: bool) -> TripwireRow:
    used = gauge.used if gauge else None
    state = "tripped" if tripped else _state(used)
    value = gauge.value if gauge else float(tripped)  # a switch is off or on
    return TripwireRow(
        name=wire.name, desk=desk, state=state, value=value, limit=gauge.limit if gauge else None,
        unit=gauge.unit if gauge else "", used=used, since=since, action=(gauge.action if gauge else "") or wire.action, ends=wire.ends,
        value_usd=gauge.value_usd if gauge else None, limit_usd=gauge.limit_usd if gauge else None,
        subject=gauge.subject if gauge else "",
    )  # fmt: skip


def _state(used: float | None) -> str:
    return "ok" if used is None or used < WARN_AT else "warn" if used < 1 else "reached"


def _exposure(found: Iterable[tuple[Account, Gauge]], families: Sequence[str]) -> Iterator[ExposureRow]:
    for account, gauge in found:
        if gauge.family in families and gauge.value is not None and gauge.limit is not None:
            used = gauge.used or 0.0
            yield ExposureRow(
                gauge.name, account.desk, _state(used), gauge.value, gauge.limit, gauge.unit, used, gauge.subject,
                gauge.value_usd, gauge.limit_usd,
            )  # fmt: skip


def _fullest(rows: Iterable[ExposureRow]) -> Mapping[str, ExposureRow]:
    found: dict[str, ExposureRow] = {}
    for row in rows:
        if row.name not in found or row.used > found[row.name].used:
            found[row.name] = row
    return found


def _limits(settings: Settings) -> Mapping[str, float]:
    dollars = ("per_market_cap_usd", "daily_bankroll_cap_usd", "kelly_cap", "edge_min", "liquidity_min_usd")
    numbers = {name: value for name, value in settings.risk if isinstance(value, int | float) and not isinstance(value, bool)}
    return {**numbers, **{name: float(getattr(settings, name)) for name in dollars}}


def _drawdown(account: Account) -> float:
    unit, equity = int(account.unit_r_micro[0]), int(account.equity_micro[0])
    return max(0, int(account.governor.reference_micro[0]) - equity) / unit if unit else 0.0


def _step(account: Account) -> StepRow:
    governor = account.governor
    return StepRow(
        desk=account.desk, step=int(governor.step_micro[0]) / MICRO, dial=int(governor.dial[0]), rebases=int(governor.rebases[0]),
        red_days=int(governor.red_days[0]), entries_day=int(governor.entries_day[0]), entries_week=int(governor.entries_week[0]),
        events_settled=int(governor.settled[0]), flattening=bool(governor.flatten[0]),
    )  # fmt: skip
