"""The ladder: one line a bracket, warm to cold as on the axis beside it, with what the desk thinks of it and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from core.services.edges import Edge
from dashboard import wording
from dashboard.components.table import Cell, Column, Row

NO_PRICE = "No executable price for the reference size"
OVER = "The day is over: nothing of it is traded any more; model and market are what was believed last"


def names_of(rungs: Sequence[Edge]) -> Mapping[int, str]:
    """Return each bracket as it is written everywhere on the page."""
    return {rung.rank: wording.bracket(rung.lower, rung.upper) for rung in rungs}


def columns(unit: str) -> tuple[Column, ...]:
    """Return what the ladder says of a bracket."""
    return (
        Column("bracket", f"bracket °{unit}", left=True, as_said=True),
        Column("model", "model %", scale=100),
        Column("market", "market %", scale=100),
        Column("yes", "YES ¢", minor=True, scale=100),
        Column("no", "NO ¢", minor=True, scale=100),
        Column("side", "", named="side of the edge", file_only=True),
        Column("edge", "edge after fees", named="edge after fees ¢", scale=100),
        Column("depth", "depth", minor=True, named="depth, shares"),
        Column("target", "target", left=True, minor=True),
        Column("why", "why", left=True),
    )


def rows(rungs: Sequence[Edge]) -> list[Row]:
    """Return the brackets as they are shown, the warmest first."""
    return [Row(rung.bracket, cells(rung)) for rung in sorted(rungs, key=lambda rung: -rung.rank)]


def ended_rows(rungs: Sequence[Edge], winner: int | None, *, final: bool) -> list[Row]:
    """Return the brackets of a day that is over: what was believed last, and which of them won."""
    return [
        Row(rung.bracket, _ended(rung, winner, final=final), "won" if rung.rank == winner else "dead")
        for rung in sorted(rungs, key=lambda rung: -rung.rank)
    ]


def winner_of(rungs: Sequence[Edge], market_id: str) -> int | None:
    """Return the rank of the bracket that won, None before there is a word about it."""
    return next((rung.rank for rung in rungs if market_id and rung.market_id == market_id), None)


def _ended(rung: Edge, winner: int | None, *, final: bool) -> tuple[Cell, ...]:
    bracket, model, market, *others, _ = cells(rung)
    closed = [replace(cell, text=wording.NONE, value=None, title=OVER, tone="") for cell in others]
    if winner is None:
        why = "day over"
    elif rung.rank == winner:
        why = "settled here" if final else "METAR says this one"
    else:
        why = "did not win" if final else wording.NONE
    return bracket, model, market, *closed, Cell(why, why, OVER)


def cells(rung: Edge) -> tuple[Cell, ...]:
    """Return the cells of one bracket; what does not exist is a dash with its reason on hover."""
    fair = "" if rung.p_pooled is None else f"fair value with the market pooled in: {wording.percent(rung.p_pooled)} %"
    edge_note = "" if rung.edge is not None else NO_PRICE
    return (
        Cell(wording.bracket(rung.lower, rung.upper), rung.rank, rung.bracket),
        Cell(wording.percent(rung.p_model), rung.p_model, fair or "The model gave no probability"),
        Cell(wording.percent(rung.p_market), rung.p_market, "" if rung.p_market is not None else "The books say nothing"),
        _price(rung.yes_ask, rung.yes_bid, "YES"),
        _price(rung.no_ask, rung.no_bid, "NO"),
        Cell(rung.side or wording.NONE, rung.side),
        Cell(wording.edge_of(rung.side, rung.edge), rung.edge, edge_note or _both(rung), _tone(rung.edge)),
        _depth(rung),
        target(rung),
        Cell(wording.reason(rung.reason), rung.reason, f"{rung.decision}: {rung.reason}", "strong" if _orders(rung) else ""),
    )


def _depth(rung: Edge) -> Cell:
    if not rung.side:
        return Cell(wording.NONE, rung.depth_shares, NO_PRICE)
    if not rung.depth_shares:
        return Cell(wording.NONE, rung.depth_shares, "Nothing is offered within the price that leaves enough edge")
    return Cell(wording.shares(rung.depth_shares), rung.depth_shares, "Shares within the limit price")


def target(rung: Edge) -> Cell:
    """Return what the desk wants to hold after all limits."""
    wanted = [(side, size) for side, size in (("YES", rung.target_yes), ("NO", rung.target_no)) if size]
    text = ", ".join(f"{side} {wording.shares(size)}" for side, size in wanted)
    exact = ", ".join(f"{side} {size.normalize():f}" for side, size in wanted)
    title = f"held: YES {wording.shares(rung.held_yes)}, NO {wording.shares(rung.held_no)}"
    return Cell(text or wording.NONE, exact, title)


def _price(ask: float | None, bid: float | None, side: str) -> Cell:
    if ask is None:
        return Cell(wording.NONE, None, f"Nobody offers {side}")
    return Cell(wording.cents(ask), ask, f"ask {wording.cents(ask)}¢, bid {wording.cents(bid)}¢")


def _both(rung: Edge) -> str:
    return f"YES {wording.edge_cents(rung.edge_yes)}, NO {wording.edge_cents(rung.edge_no)}"


def _tone(edge: float | None) -> str:
    return "" if edge is None else "gain" if round(100 * edge, 1) > 0 else "quiet"


def _orders(rung: Edge) -> bool:
    return rung.decision == "trade" and rung.size_usd > Decimal(0)
