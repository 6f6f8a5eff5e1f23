"""Small desks to rule on: events, books and accounts with the numbers that a test names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from agents.transmission.ruling import Ruling, decisions_of, guard, mark, orders_of, rule
from core.journal.changes import Execution, Intention
from core.journal.fold import apply
from core.model.account import Account, new_account
from core.model.cycle import Cause, Cycle
from core.model.decision import Decision
from core.model.event import NO_FEES, Fees, Instrument, Side
from core.model.host import WELL, Host
from core.model.orders import Level, Orders, Reports, Status
from core.model.quotes import Quotes
from core.model.rule import Extreme
from core.model.targets import EARNED, Targets
from core.settings import Settings
from core.units import MICRO, FloatArray, Unit, micros

START = datetime(2026, 11, 12, 17, 0, tzinfo=UTC)  # a Thursday, an hour into its desk day
NORMAL = {"probe_share": 1.0, "probe_minimum_r": 0.0}
"""Settings of a desk whose record has earned normal size."""


def settings_of(risk: dict[str, float] | None = None, weather: dict[str, float] | None = None, **given: object) -> Settings:
    """Return settings with some numbers changed, nothing read from the environment."""
    base = Settings.model_construct(
        **{name: info.get_default(call_default_factory=True) for name, info in Settings.model_fields.items()}
    )
    return base.model_copy(update={
        "risk": base.risk.model_copy(update=risk or {}), "weather": base.weather.model_copy(update=weather or {}), **given,
    })  # fmt: skip


def instrument_of(
    event: str = "london", bracket: int = 0, side: Side = Side.YES, *, venue: str = "polymarket", city: str = "London",
    day: date = date(2026, 11, 13), region: str = "england", source: str = "wunderground",
) -> Instrument:  # fmt: skip
    return Instrument(
        token=f"{event}-{bracket}-{side}", venue=venue, event_id=event, station="EGLC", city=city, event_day=day,
        extreme=Extreme.HIGH, bracket=bracket, label=f"{bracket}°C", lower=bracket, upper=bracket, unit=Unit.CELSIUS, side=side,
        market_id=f"{event}-{bracket}", settlement_source=source, region=region,
    )  # fmt: skip


@dataclass(frozen=True)
class Market:
    """One instrument with its prices; each column of a desk."""

    instrument: Instrument
    wanted: float = 100.0
    fair: float = 0.50
    asks: tuple[tuple[float, float], ...] = ((0.30, 100_000.0),)
    bids: tuple[tuple[float, float], ...] = ((0.28, 100_000.0),)
    age: float = 2.0
    sane: bool = True
    multiplier: float = 1.0
    earned: str = "probe"
    min_size: float = 5.0
    tick: float = 0.01
    limit_price: float | None = None
    sell_price: float | None = None
    kept_below: float = np.nan
    opened: bool = True
    closed_reason: str = ""
    last_print: float = np.nan
    print_age: float = np.inf
    prints_only: bool = False
    fees: Fees = NO_FEES
    view: bool = True


def quotes_of(markets: Sequence[Market]) -> Quotes:
    depth = max(1, *(len(levels) for m in markets for levels in (m.asks, m.bids)))

    def levels(side: str, part: int) -> FloatArray:
        rows = [
            [*(level[part] for level in getattr(m, side)), *[np.nan if part == 0 else 0.0] * depth][:depth] for m in markets
        ]
        return np.array([rows], np.float64)

    def row(name: str, kind: type = np.float64) -> np.ndarray:
        return np.array([[getattr(m, name) for m in markets]], kind)

    return Quotes(
        ask_price=levels("asks", 0), ask_size=levels("asks", 1), bid_price=levels("bids", 0), bid_size=levels("bids", 1),
        age=row("age"), sane=row("sane", np.bool_), print_price=row("last_print"), print_age=row("print_age"),
        prints_only=row("prints_only", np.bool_),
    )  # fmt: skip


def targets_of(markets: Sequence[Market], n_runs: int = 1, instruments: tuple[Instrument, ...] | None = None) -> Targets:
    def best(levels: tuple[tuple[float, float], ...]) -> float:
        return levels[0][0] if levels else np.nan

    price = np.array([m.last_print + 0.01 if m.prints_only else best(m.asks) for m in markets])
    bid = np.array([m.last_print - 0.01 if m.prints_only else best(m.bids) for m in markets])
    fair = np.array([m.fair for m in markets])
    return Targets(
        instruments=instruments or tuple(m.instrument for m in markets),
        target=np.tile(np.array([m.wanted for m in markets], np.float64), (n_runs, 1)), fair=fair, price=price,
        limit_price=np.array([m.fair - 0.05 if m.limit_price is None else m.limit_price for m in markets]),
        sell_price=np.array([b if m.sell_price is None else m.sell_price for m, b in zip(markets, bid, strict=True)]),
        kept_below=np.tile(np.array([m.kept_below for m in markets], np.float64), (n_runs, 1)),
        worst_loss=price.copy(), edge=fair - price, multiplier=np.array([m.multiplier for m in markets]),
        earned=np.array([EARNED.index(m.earned) for m in markets], np.int64),
        tick_micro=np.array([round(m.tick * MICRO) for m in markets], np.int64),
        min_size_micro=np.array([round(m.min_size * MICRO) for m in markets], np.int64),
        fees=tuple(m.fees for m in markets),
        open=np.array([m.opened for m in markets], np.bool_), closed_reason=tuple(m.closed_reason for m in markets),
        belief=tuple({"p_model": m.fair} for m in markets),
        view=np.array([m.view for m in markets], np.bool_),
    )  # fmt: skip


def cycle_of(at: datetime = START, number: int = 1) -> Cycle:
    return Cycle("weather", at, number, Cause.SCHEDULE, (), at + timedelta(seconds=1), at + timedelta(seconds=3))


def account_of(cash: float = 10_000.0, n_runs: int = 1) -> Account:
    return new_account("weather", "test", round(cash * MICRO), n_runs)


def holding(account: Account, market: Market, shares: float, price: float) -> Account:
    """Return the account after it bought `shares` at `price`, in every run."""
    one = np.full((account.n_runs, 1), 1, np.int64)
    cost = round(shares * price * MICRO)
    return replace(
        account, instruments=(*account.instruments, market.instrument), cash_micro=account.cash_micro - cost,
        held_micro=np.concatenate([account.held_micro, one * round(shares * MICRO)], axis=1),
        cost_micro=np.concatenate([account.cost_micro, one * cost], axis=1),
        claim_micro=np.concatenate([account.claim_micro, one * cost], axis=1),
    )  # fmt: skip


@dataclass
class Look:
    """What one cycle came to."""

    account: Account
    ruling: Ruling
    orders: Orders
    decisions: tuple[Decision, ...]
    by_token: dict[str, Decision] = field(init=False)

    def __post_init__(self) -> None:
        self.by_token = {d.token: d for d in self.decisions}

    @property
    def shares(self) -> dict[str, float]:
        return {t: int(s) / MICRO for t, s in zip(self.orders.token, self.orders.size_micro, strict=True)}

    @property
    def reason(self) -> str:
        assert len(self.decisions) == 1
        return self.decisions[0].reason_code

    def check(self, name: str) -> str:
        return str(next(check for check in self.decisions[0].checks if check.name == name).verdict)


def look(
    markets: Sequence[Market], account: Account | None = None, settings: Settings | None = None,
    *, cycle: Cycle | None = None, instruments: tuple[Instrument, ...] | None = None, decide: bool = True,
    host: Host = WELL,
) -> Look:  # fmt: skip
    """Mark, rule, order and decide once."""
    account, settings, cycle = account or account_of(), settings or settings_of(), cycle or cycle_of()
    targets, quotes = targets_of(markets, account.n_runs, instruments), quotes_of(markets)
    risk = mark(account, cycle, targets, quotes, 0, settings, host)
    account = replace(account, **{name: getattr(risk, name) for name in risk.__slots__})
    ruling = rule(targets, guard(quotes, settings), 0, account, cycle, settings)
    decisions = decisions_of(ruling, targets, account, cycle) if decide else ()
    return Look(account, ruling, orders_of(ruling, targets, account, cycle), decisions)


def filled(seen: Look, markets: Sequence[Market], *, share: float = 1.0, cycle: Cycle | None = None) -> Account:
    """Return the account once `share` of every order was filled at the best price and the rest expired."""
    cycle = cycle or cycle_of()
    orders = seen.orders
    named = {*orders.token, *(decision.token for decision in seen.decisions)}
    account = apply(
        cycle,
        seen.account,
        Intention(seen.decisions, orders, tuple(m.instrument for m in markets if m.instrument.token in named)),
    )
    if not len(orders):
        return account
    best = {m.instrument.token: (m.asks, m.bids) for m in markets}
    rows = []
    for i in range(len(orders)):
        buys = orders.size_micro[i] > 0
        price, shown = best[orders.token[i]][0 if buys else 1][0]
        size = int(abs(orders.size_micro[i]) * share) // 10_000 * 10_000
        exact = round(price * MICRO)
        if size:
            status = Status.FILLED if size == abs(orders.size_micro[i]) else Status.PARTIALLY_FILLED
            level = Level(exact, round(shown * MICRO), size)
            rows.append((orders.order_id[i], f"x-{orders.order_id[i]}", int(status), size, size * exact // MICRO, (level,)))
        if size < abs(orders.size_micro[i]):
            rows.append((orders.order_id[i], "", int(Status.EXPIRED), 0, 0, ()))
    ids, executions, status, size, notional, levels = zip(*rows, strict=True)
    zero = np.zeros(len(ids), np.int64)
    reports = Reports(
        ids, executions, np.array(status, np.int64), zero + micros(cycle.fill_at), np.array(size, np.int64),
        np.array(notional, np.int64), zero, levels, ("",) * len(ids),
    )  # fmt: skip
    return apply(cycle, account, Execution(reports, micros(cycle.fill_at)))
