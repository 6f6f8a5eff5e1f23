"""One execution as the cells of a person's table: plain numbers, instants in UTC, no cell that a spreadsheet would run.

Says what the journal knows, in the words of the trade rows of the API. Left out is what it does not know by itself: the worst
and best that a trade stood at (`mae`, `mfe`) are of the evaluations and grow while it is open, spread and depth at entry are
of the book that was met. The API's rows have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.journal.lines import DecisionLine, FillLine, OrderLine, RiskLine, SettlementLine
from core.metrics.results import (
    BY_SETTLEMENT,
    Result,
    average_micro,
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
from core.model.event import Instrument
from core.units import decimal_of, inert, iso

COLUMNS = (
    "trade_id", "executed_at_utc", "desk", "run", "world", "venue", "city", "station", "event_day", "extreme", "symbol", "bracket", "side",
    "action", "shares", "price_usd", "size_usd", "fee_usd", "decision_price_usd", "limit_price_usd", "edge_usd", "p_model",
    "p_market", "p_pooled", "regime", "model", "wanted_shares", "allowed_shares", "size_set_by", "limits_that_bound", "status",
    "outcome", "win_loss", "pnl_gross_usd", "pnl_net_usd", "result_usd", "max_loss_usd", "result_r", "order_type_entry",
    "slippage_entry_usd", "equity_at_entry_usd", "operator_state", "exited_at_utc", "exit_price_usd", "exit_reason",
    "holding_minutes", "settled_at_utc", "winner", "reading",
    "settlement_revision", "settlement_id", "provisional_winner", "decided_at_utc", "event_id", "market_id", "token_id",
    "order_id", "decision_id",
)  # fmt: skip
OF_ENTRY = ("order_type_entry", "slippage_entry_usd", "equity_at_entry_usd", "operator_state")
OF_EXIT = ("exit_reason",)
BINDING = frozenset({Verdict.SHRINK, Verdict.REFUSE})


@dataclass(frozen=True, slots=True)
class Behind:
    """What led to an execution; what the journal does not say is None."""

    order: OrderLine | None = None
    decision: DecisionLine | None = None
    risk: RiskLine | None = None  # of the moment when it was decided


@dataclass(frozen=True, slots=True)
class Course:
    """What became of an execution; the entry of a sale is the oldest purchase whose shares it sold."""

    result: Result
    entry: FillLine
    exit: FillLine | None  # the newest sale of its shares, once all are gone; of a sale its own
    pays_micro: int | None  # what a share pays now that its event is final


def row_of(
    fill: FillLine, course: Course, fixed: Mapping[str, Mapping[str, str]], ended: Mapping[str, str]
) -> Mapping[str, str]:
    """Return all cells of an execution: what stands `fixed` of it, of its entry and of its exit, and how it `ended`."""
    entered, left = fixed[course.entry.execution_id], fixed[course.exit.execution_id] if course.exit else {}
    return {
        **fixed[fill.execution_id], **{name: entered[name] for name in OF_ENTRY}, **ended,
        **{name: left[name] for name in OF_EXIT if left},
    }  # fmt: skip


def fixed_cells(fill: FillLine, about: Instrument, behind: Behind, world: str) -> Mapping[str, str]:
    """Return the cells of an execution that never change again, by column; what does not exist is empty.

    Those of `OF_ENTRY` and `OF_EXIT` are told as if it were an entry and an exit: a row takes them from its own.
    """
    order, decision, risk = behind.order, behind.decision, behind.risk
    governor: Mapping[str, Any] = risk.governor if risk else {}
    belief: Mapping[str, Any] = decision.belief if decision else {}
    bound = [check.name for check in decision.checks if check.verdict in BINDING] if decision else []
    told: dict[str, object] = {
        "trade_id": fill.execution_id, "executed_at_utc": fill.at, "desk": fill.desk, "run": fill.run, "world": world,
        "venue": fill.venue, "city": about.city, "station": fill.station, "event_day": fill.event_day.isoformat(),
        "extreme": str(about.extreme), "symbol": symbol_of(fill.station, str(about.extreme)), "bracket": about.label, "side": str(about.side),
        "action": "buy" if fill.size_micro > 0 else "sell", "shares": decimal_of(abs(fill.size_micro)),
        "price_usd": decimal_of(average_micro(fill.notional_micro, fill.size_micro)),
        "size_usd": decimal_of(fill.notional_micro), "fee_usd": decimal_of(fill.fee_micro),
        "decision_price_usd": decimal_of(order.reference_micro) if order else None,
        "limit_price_usd": decimal_of(order.limit_micro) if order else None, "edge_usd": _edge(fill, about, belief),
        **{name: belief.get(name) for name in ("p_model", "p_market", "p_pooled", "regime", "model")},
        "wanted_shares": decimal_of(decision.wanted_micro) if decision else None,
        "allowed_shares": decimal_of(decision.allowed_micro) if decision else None,
        "size_set_by": decision.reason_code if decision else None, "limits_that_bound": " ".join(bound),
        "order_type_entry": order_type_of(order.limit_micro, rests=order.good_until is not None) if order else None,
        "slippage_entry_usd": slippage_of(fill.size_micro, fill.notional_micro, order.reference_micro) if order else None,
        "equity_at_entry_usd": decimal_of(risk.equity_micro) if risk else None, "operator_state": governor.get("dial"),
        "exit_reason": sold_because(int(order.role) if order else 0, flattening=bool(governor.get("flatten"))),
        "decided_at_utc": order.scheduled_at if order else None, "event_id": fill.event_id, "market_id": about.market_id,
        "token_id": fill.token, "order_id": fill.order_id, "decision_id": order.decision_id if order else None,
    }  # fmt: skip
    return {name: _cell(value) for name, value in told.items()}


def ended_cells(
    fill: FillLine, course: Course, final: SettlementLine | None, provisional: SettlementLine | None
) -> Mapping[str, str]:  # fmt: skip
    """Return the cells of an execution that its end fills and a correction changes, by column."""
    result = course.result
    net = None if result.gross_micro is None else result.gross_micro - fill.fee_micro
    settled, word = final if result.status == "settled" else None, final.settlement if final else None
    left_at = course.exit.at if course.exit else settled.at if settled else None
    left_for = exit_price_micro(result, fill.size_micro, course.pays_micro)
    told: dict[str, object] = {
        "status": result.status, "outcome": result.outcome, "win_loss": win_loss_of(net, result),
        "pnl_gross_usd": None if result.gross_micro is None else decimal_of(result.gross_micro),
        "pnl_net_usd": None if net is None else decimal_of(net), "result_usd": None if net is None else decimal_of(net),
        "max_loss_usd": decimal_of(result.risk_micro), "result_r": in_r(net, result), "exited_at_utc": left_at,
        "exit_price_usd": None if left_for is None else decimal_of(left_for),
        "exit_reason": BY_SETTLEMENT if settled else None, "holding_minutes": held_minutes(course.entry.at, left_at),
        "settled_at_utc": settled.at if settled else None, "winner": word.winner_label if word else None,
        "reading": word.reading if word else None, "settlement_revision": word.revision if word else None,
        "settlement_id": word.settlement_id if word else None,
        "provisional_winner": provisional.settlement.winner_label if provisional else None,
    }  # fmt: skip
    return {name: _cell(value) for name, value in told.items()}


def _edge(fill: FillLine, about: Instrument, belief: Mapping[str, Any]) -> float | None:
    """Return what was expected to be gained [USD per share]: of a sale, what it fetched over fair value."""
    if fill.size_micro > 0:
        return belief.get("edge")
    return edge_of_sale(fill.size_micro, fill.notional_micro, fill.fee_micro, fair_of(belief.get("p_pooled"), about.side))


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, float):
        return format(Decimal(repr(round(value, 9))), "f")
    return str(value) if isinstance(value, int) else inert(str(value))
