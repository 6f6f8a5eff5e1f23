"""One execution as the cells of a person's table: plain numbers, instants in UTC, no cell that a spreadsheet would run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.journal.lines import DecisionLine, FillLine, OrderLine, SettlementLine
from core.metrics.results import Result
from core.model.decision import Verdict
from core.model.event import Instrument, Side
from core.units import MICRO, decimal_of, iso

COLUMNS = (
    "trade_id", "executed_at_utc", "desk", "run", "world", "venue", "city", "station", "event_day", "extreme", "bracket", "side",
    "action", "shares", "price_usd", "size_usd", "fee_usd", "decision_price_usd", "limit_price_usd", "edge_usd", "p_model",
    "p_market", "p_pooled", "regime", "model", "wanted_shares", "allowed_shares", "size_set_by", "limits_that_bound", "status",
    "outcome", "pnl_gross_usd", "pnl_net_usd", "max_loss_usd", "result_r", "settled_at_utc", "winner", "reading",
    "settlement_revision", "settlement_id", "provisional_winner", "decided_at_utc", "event_id", "market_id", "token_id",
    "order_id", "decision_id",
)  # fmt: skip
RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "\n")
BINDING = frozenset({Verdict.SHRINK, Verdict.REFUSE})


def fixed_cells(
    fill: FillLine, about: Instrument, order: OrderLine | None, decision: DecisionLine | None, world: str
) -> Mapping[str, str]:  # fmt: skip
    """Return the cells of an execution that never change again, by column; what does not exist is empty."""
    belief: Mapping[str, Any] = decision.belief if decision else {}
    bound = [check.name for check in decision.checks if check.verdict in BINDING] if decision else []
    told: dict[str, object] = {
        "trade_id": fill.execution_id, "executed_at_utc": fill.at, "desk": fill.desk, "run": fill.run, "world": world,
        "venue": fill.venue, "city": about.city, "station": fill.station, "event_day": fill.event_day.isoformat(),
        "extreme": str(about.extreme), "bracket": about.label, "side": str(about.side),
        "action": "buy" if fill.size_micro > 0 else "sell", "shares": decimal_of(abs(fill.size_micro)),
        "price_usd": _price(fill), "size_usd": decimal_of(fill.notional_micro), "fee_usd": decimal_of(fill.fee_micro),
        "decision_price_usd": decimal_of(order.reference_micro) if order else None,
        "limit_price_usd": decimal_of(order.limit_micro) if order else None, "edge_usd": _edge(fill, about, belief),
        **{name: belief.get(name) for name in ("p_model", "p_market", "p_pooled", "regime", "model")},
        "wanted_shares": decimal_of(decision.wanted_micro) if decision else None,
        "allowed_shares": decimal_of(decision.allowed_micro) if decision else None,
        "size_set_by": decision.reason_code if decision else None, "limits_that_bound": " ".join(bound),
        "decided_at_utc": order.scheduled_at if order else None, "event_id": fill.event_id, "market_id": about.market_id,
        "token_id": fill.token, "order_id": fill.order_id, "decision_id": order.decision_id if order else None,
    }  # fmt: skip
    return {name: _cell(value) for name, value in told.items()}


def ended_cells(
    fill: FillLine, result: Result, final: SettlementLine | None, provisional: SettlementLine | None
) -> Mapping[str, str]:  # fmt: skip
    """Return the cells of an execution that its end fills and a correction changes, by column."""
    net = None if result.gross_micro is None else result.gross_micro - fill.fee_micro
    settled, word = final if result.status == "settled" else None, final.settlement if final else None
    told: dict[str, object] = {
        "status": result.status, "outcome": result.outcome,
        "pnl_gross_usd": None if result.gross_micro is None else decimal_of(result.gross_micro),
        "pnl_net_usd": None if net is None else decimal_of(net), "max_loss_usd": decimal_of(result.risk_micro),
        "result_r": round(net / result.risk_micro, 6) if net is not None and result.risk_micro else None,
        "settled_at_utc": settled.at if settled else None, "winner": word.winner_label if word else None,
        "reading": word.reading if word else None, "settlement_revision": word.revision if word else None,
        "settlement_id": word.settlement_id if word else None,
        "provisional_winner": provisional.settlement.winner_label if provisional else None,
    }  # fmt: skip
    return {name: _cell(value) for name, value in told.items()}


def _edge(fill: FillLine, about: Instrument, belief: Mapping[str, Any]) -> float | None:
    """Return what was expected to be gained [USD per share]: of a sale, what it fetched over fair value."""
    pooled = belief.get("p_pooled")
    if fill.size_micro > 0:
        return belief.get("edge")
    if pooled is None:
        return None
    fair = float(pooled) if about.side is Side.YES else 1.0 - float(pooled)
    return (fill.notional_micro - fill.fee_micro) / -fill.size_micro - fair


def _price(fill: FillLine) -> Decimal:
    size = abs(fill.size_micro)
    return decimal_of((fill.notional_micro * MICRO + size // 2) // size) if size else Decimal(0)


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, float):
        return format(Decimal(repr(round(value, 9))), "f")
    text = str(value)
    return f"'{text}" if text.startswith(RUN_BY_SPREADSHEETS) else text
