"""One execution as a row: the fields of both documented families in one type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from core.metrics.results import (
    BY_SETTLEMENT,
    SETTLED,
    Result,
    edge_of_sale,
    exit_price_micro,
    fair_of,
    held_minutes,
    in_r,
    order_type_of,
    slippage_of,
    sold_because,
    symbol_of,
    win_loss_of,
)  # fmt: skip
from core.model.decision import Verdict
from core.services.journal_rows import Row
from core.services.trade_book import wins
from core.services.values import day as day_of
from core.services.values import in_fahrenheit, number, pct, price_of, usd
from core.units import MICRO, decimal_of, instant

FIRST_DAY = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Trade:
    """One execution. `action` "buy" opened shares, "sell" is an exit row of shares that another row opened.

    A final settlement decides `outcome`; what we concluded from METAR before it stands in the `provisional_*` fields. A buy
    whose shares were all sold again is "closed": what came of them stands in the rows of the sales.
    `edge` of a buy is fair value less price with fee; of a sell the gain over fair value: its price less fee, less fair value.
    `realized_pnl` is net of this row's own fee: of a buy, what its shares that were not sold paid; of a sell, its proceeds less
    their cost. The rows of a token add up to what the journal realised.
    The entry of a sell is the oldest purchase whose shares it sold, at the average cost of all that it sold.
    """

    trade_id: str
    timestamp: datetime
    desk: str
    station_code: str
    city: str
    venue: str
    event_id: str
    event_day: date
    extreme: str
    bracket_name: str
    bracket_lower_f: float | None
    bracket_upper_f: float | None
    bracket_lower: int | None
    bracket_upper: int | None
    unit: str
    side: str  # "YES" or "NO"
    action: str  # "buy" or "sell"
    market_id: str
    token_id: str
    price: Decimal  # average, fees apart [USD per share]
    shares: Decimal
    fee_usd: Decimal
    size_usd: Decimal  # price x shares
    edge: float | None
    edge_pct: float | None
    f_kelly: float | None
    p_zeus: float | None
    p_pooled: float | None
    p_mkt: float | None
    sigma_z: float | None
    model: str
    regime_at_entry: str
    reason: str
    outcome: str  # "win", "loss", "pending" or "closed" (a buy that was sold again)
    status: str  # "open", "closed" (sold) or "settled"
    realized_pnl: Decimal | None
    pnl_gross: Decimal | None
    result_r: float | None  # realised net P&L in units of this row's own worst case at entry
    resolved_at: datetime | None
    winner_bracket: str | None
    settlement_reading: float | None
    provisional_outcome: str | None
    provisional_winner: str | None
    provisional_reading: float | None
    order_id: str
    decision_id: str
    mode: str  # "live" or "demo": the journal's world
    instrument: str  # the contract in words
    symbol: str  # what it is about from day to day
    trade_type: str  # the side; "Long" or "Short" where there are no sides
    strategy_used: str
    timestamp_entry: datetime | None
    timestamp_exit: datetime | None
    entry_price: Decimal | None  # [USD per share]
    exit_price: Decimal | None
    stop_price: Decimal | None  # None: an event contract has no stop, its worst case is its cost
    target_price: Decimal | None
    position_size: Decimal  # shares
    max_loss_usd: Decimal
    equity_at_entry: Decimal | None
    order_type_entry: str
    order_type_exit: str
    execution_latency_ms_entry: float | None  # from the sealed inputs to the fill, by the world's clock
    execution_latency_ms_exit: float | None
    slippage_entry: float | None  # against the price that the decision saw, above 0 is against us [USD per share]
    slippage_exit: float | None
    fees_usd: Decimal
    pnl_net: Decimal | None
    result_usd: Decimal | None
    win_loss: str | None  # "Win", "Loss", "Breakeven" by the net result; None: undecided, or told by the sales
    exit_reason: str | None
    holding_minutes: float | None
    mae: float | None  # worst and best that it stood at by the bid, its end included [R]
    mfe: float | None
    edge_at_entry: float | None
    p_model: float | None
    p_market: float | None
    spread_at_entry: float | None  # [USD per share]
    depth_at_entry: float | None  # shares shown at the prices that were met
    operator_state: int | None  # the operator's dial, 5 (all) to 1 (pause)
    rule_breaks: tuple[str, ...]  # checks that had refused what was sent all the same
    notes: str


@dataclass(frozen=True, slots=True)
class Excursion:
    """Lowest and highest bid while a trade was open [USD per share]."""

    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that is read of one execution."""

    row: Row
    result: Result
    entry: Row  # of the oldest purchase that it sold; of a buy its own
    exit: Row | None  # of the newest sale of its shares; of a sell its own
    final: Row | None
    provisional: Row | None
    excursion: Excursion | None
    world: str


def trade_of(told: Told) -> Trade:
    """Return an execution as a row."""
    row, result, final, provisional = told.row, told.result, told.final, told.provisional
    belief = belief_of(row)
    edge = _edge(row, belief)
    fee, net = row["fee_micro"], None if result.gross_micro is None else result.gross_micro - row["fee_micro"]
    unit, entered, left = row["unit"], instant(told.entry["at"]), _left_at(told)
    event_day = day_of(row["event_day"]) or FIRST_DAY
    return Trade(
        trade_id=row["execution_id"], timestamp=instant(row["at"]), desk=row["desk"], station_code=row["station"],
        city=row["city"], venue=row["venue"], event_id=row["event_id"], event_day=event_day,
        extreme=row["extreme"], bracket_name=row["label"], bracket_lower_f=in_fahrenheit(row["lower"], unit),
        bracket_upper_f=in_fahrenheit(row["upper"], unit), bracket_lower=row["lower"], bracket_upper=row["upper"], unit=unit,
        side=row["side"], action="buy" if row["size_micro"] > 0 else "sell", market_id=row["market_id"],
        token_id=row["token"], price=price_of(row["notional_micro"], row["size_micro"]), shares=usd(abs(row["size_micro"])),
        fee_usd=usd(fee), size_usd=usd(row["notional_micro"]), edge=edge, edge_pct=pct(edge),
        f_kelly=number(belief.get("fraction", belief.get("f_kelly"))), p_zeus=number(belief.get("p_model")),
        p_pooled=number(belief.get("p_pooled")), p_mkt=number(belief.get("p_market")), sigma_z=number(belief.get("sd")),
        model=str(belief.get("model", "")), regime_at_entry=_of_entry(told, "regime"), reason=row["reason_code"] or "",
        outcome=result.outcome, status=result.status, realized_pnl=None if net is None else usd(net),
        pnl_gross=None if result.gross_micro is None else usd(result.gross_micro), result_r=in_r(net, result),
        resolved_at=_resolved_at(row, result, final), winner_bracket=final["winner_label"] if final else None,
        settlement_reading=number(final["reading"]) if final else None,
        provisional_outcome=None if provisional is None else ("win" if wins(row, provisional) else "loss"),
        provisional_winner=provisional["winner_label"] if provisional else None,
        provisional_reading=number(provisional["reading"]) if provisional else None, order_id=row["order_id"],
        decision_id=row["decision_id"] or "", mode=told.world,
        instrument=f"{row['city']} {row['extreme']} {event_day} {row['label']} {row['side']}",
        symbol=symbol_of(row["station"], row["extreme"]), trade_type=row["side"], strategy_used=_of_entry(told, "model"),
        timestamp_entry=entered, timestamp_exit=left, entry_price=_entry_price(row, result), exit_price=_exit_price(told),
        stop_price=None, target_price=None, position_size=usd(abs(row["size_micro"])), max_loss_usd=usd(result.risk_micro),
        equity_at_entry=None if told.entry.get("equity_micro") is None else usd(told.entry["equity_micro"]),
        order_type_entry=order_type(told.entry), order_type_exit=_exit_type(told),
        execution_latency_ms_entry=latency_ms(told.entry), execution_latency_ms_exit=None if told.exit is None else latency_ms(told.exit),
        slippage_entry=slippage(told.entry), slippage_exit=None if told.exit is None else slippage(told.exit), fees_usd=usd(fee),
        pnl_net=None if net is None else usd(net), result_usd=None if net is None else usd(net),
        win_loss=win_loss_of(net, result), exit_reason=_exit_reason(told),
        holding_minutes=held_minutes(entered, left), **_excursion(told),
        edge_at_entry=_edge(told.entry, belief_of(told.entry)), p_model=number(belief.get("p_model")),
        p_market=number(belief.get("p_market")), spread_at_entry=_checked(told.entry, "spread"),
        depth_at_entry=_depth(told.entry), operator_state=_dial(told.entry), rule_breaks=_rule_breaks(told.entry),
        notes="; ".join(_notes(told, belief)),
    )  # fmt: skip


def belief_of(row: Row) -> Mapping[str, Any]:
    """Return what the decision behind an execution kept of its belief."""
    belief: Mapping[str, Any] = orjson.loads(row["belief"] or "{}")
    return belief


def checks_of(row: Row) -> Sequence[Mapping[str, Any]]:
    """Return the checks of the decision behind an execution."""
    checks: Sequence[Mapping[str, Any]] = orjson.loads(row.get("checks") or "[]")
    return checks


def slippage(row: Row) -> float | None:
    """Return by how much the fill was worse than the price that the decision saw [USD per share]."""
    return slippage_of(row["size_micro"], row["notional_micro"], row.get("reference_micro"))


def latency_ms(row: Row) -> float | None:
    """Return the time from the sealed inputs of the decision to the fill [ms]; of a resting order how long it waited."""
    sealed = row.get("sealed_at")
    return None if sealed is None else round((row["at"] - sealed) / 1000, 3)


def order_type(row: Row) -> str:
    """Return how the order was to be filled, "" where the journal does not say."""
    return order_type_of(row.get("limit_micro"), rests=bool(row.get("good_until")))


def _edge(row: Row, belief: Mapping[str, Any]) -> float | None:
    """Return what the trade was expected to gain [USD per share]: of a sale, what it fetched over fair value."""
    if row["size_micro"] > 0:
        return number(belief.get("edge"))
    fair = fair_of(number(belief.get("p_pooled")), row["side"])
    return edge_of_sale(row["size_micro"], row["notional_micro"], row["fee_micro"], fair)


def _of_entry(told: Told, name: str) -> str:
    return str(belief_of(told.entry).get(name, ""))


def _resolved_at(row: Row, result: Result, final: Row | None) -> datetime | None:
    if result.status == "settled" and final is not None:
        return instant(final["at"])
    return instant(row["at"]) if row["size_micro"] < 0 else None


def _left_at(told: Told) -> datetime | None:
    if told.exit is not None:
        return instant(told.exit["at"])
    return _resolved_at(told.row, told.result, told.final)


def _entry_price(row: Row, result: Result) -> Decimal | None:
    paid = row["notional_micro"] if row["size_micro"] > 0 else result.risk_micro
    return price_of(paid, row["size_micro"])


def _exit_price(told: Told) -> Decimal | None:
    pays = None if told.final is None else MICRO * wins(told.row, told.final)
    left_for = exit_price_micro(told.result, told.row["size_micro"], pays)
    return None if left_for is None else decimal_of(left_for)


def _exit_type(told: Told) -> str:
    if told.exit is not None:
        return order_type(told.exit)
    return SETTLED if told.result.status == "settled" else ""


def _exit_reason(told: Told) -> str | None:
    if told.exit is None:
        return BY_SETTLEMENT if told.result.status == "settled" else None
    return sold_because(told.exit.get("role") or 0, flattening=bool(_governor(told.exit).get("flatten")))


def _excursion(told: Told) -> dict[str, float | None]:
    result, size = told.result, abs(told.row["size_micro"])
    if told.excursion is None or not result.risk_micro or not size:
        return {"mae": None, "mfe": None}
    fee = told.row["fee_micro"] if told.row["size_micro"] > 0 else 0
    cost = result.risk_micro - fee
    stood = [round((bid * size - cost - fee) / result.risk_micro, 6) for bid in (told.excursion.lowest, told.excursion.highest)]
    end = in_r(
        None if result.gross_micro is None or result.outcome == "closed" else result.gross_micro - told.row["fee_micro"], result
    )
    stood += [] if end is None else [end]
    return {"mae": min(stood), "mfe": max(stood)}


def _checked(row: Row, name: str) -> float | None:
    return next((number(check["value"]) for check in checks_of(row) if check["name"] == name), None)


def _depth(row: Row) -> float | None:
    levels = orjson.loads(row["levels"] or "[]")
    return sum(int(level[1]) for level in levels) / MICRO if levels else None


def _dial(row: Row) -> int | None:
    dial = _governor(row).get("dial")
    return None if dial is None else int(dial)


def _governor(row: Row) -> Mapping[str, Any]:
    """Return what the governor remembered when an order was decided; older journals kept nothing of it."""
    kept: Mapping[str, Any] = orjson.loads(row.get("governor") or "{}")
    return kept


def _rule_breaks(row: Row) -> tuple[str, ...]:
    return tuple(str(check["name"]) for check in checks_of(row) if check["verdict"] == Verdict.REFUSE)


def _notes(told: Told, belief: Mapping[str, Any]) -> list[str]:
    final, provisional = told.final, told.provisional
    corrected = final is not None and final["revision"] > 0
    differ = final is not None and provisional is not None and final["winner"] != provisional["winner"]
    return [
        words
        for holds, words in (
            (bool(belief.get("prints_only")), "prints only, descriptive"),
            (corrected, f"settlement corrected {final['revision'] if final else 0} time(s)"),
            (differ, "our reading had named another winner"),
        )
        if holds
    ]
