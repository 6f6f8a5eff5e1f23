"""Positions and trades: the money, what is open at the bid, what was traded; one trade is explained on its own page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import streamlit as st

from core.services import Services
from core.services.money import MoneyState
from core.services.positions import EventPosition, Holding, OutcomeState, Portfolio
from core.services.trades import SORTS, Trade, Trades
from dashboard import selection, wording
from dashboard.components.export import exported
from dashboard.components.filters import Box, filters, page_asked
from dashboard.components.page import START, empty, fact, heading, panel
from dashboard.components.table import Cell, Column, Row, table
from dashboard.selection import Selection
from dashboard.views import explained

PER_PAGE = 50
OUTCOMES_OF = ("win", "loss", "closed", "pending")
ENDED = {"closed": "sold again"}
BID_LIMIT = 2_700.0  # age of a bid past which it is old [s]

HOLDINGS = (
    Column("event", "event", left=True, as_said=True), Column("venue", "venue", left=True, minor=True),
    Column("held", "held", left=True, as_said=True), Column("shares", "shares"), Column("average", "paid ¢", scale=100),
    Column("bid", "bid ¢", scale=100), Column("age", "bid's age", minor=True, named="bid at, UTC"),
    Column("cost", "cost $", minor=True), Column("value", "at the bid $"), Column("pnl", "open P&L $"),
)  # fmt: skip
OUTCOMES = (
    Column("event", "if it settles at", left=True), Column("chance", "fair %", scale=100), Column("pays", "pays $"),
    Column("pnl", "P&L $"),
)  # fmt: skip
TRADES = (
    Column("event", "trade", left=True), Column("about", "", named="event", file_only=True),
    Column("at", "at, UTC", left=True, minor=True), Column("venue", "venue", left=True, minor=True),
    Column("side", "side", left=True), Column("bracket_of", "bracket", left=True, as_said=True),
    Column("shares", "shares", minor=True), Column("price", "price ¢", scale=100), Column("fee", "fee $", minor=True),
    Column("edge", "edge", minor=True, named="edge ¢", scale=100), Column("outcome", "outcome", left=True),
    Column("pnl", "P&L $"),
)  # fmt: skip


def render(services: Services) -> None:
    """Draw the money and the trades, or the one trade that the address names."""
    asked = st.query_params.get("trade", "")
    if asked:
        with panel("Trade"), st.container(key="live"):
            explained.render(services, asked)
        return
    st.html("<h1>Positions &amp; trades</h1>")
    with st.container(key="live"):
        with panel("Positions"):
            _positions(services.positions.portfolio(), services.status.strip().money)
        with panel("Trades"):
            _trades(services)


def _positions(portfolio: Portfolio, money: MoneyState) -> None:
    if portfolio.missing:
        empty(portfolio.missing)
        return
    st.html(f'<div class="facts">{"".join(_money(portfolio, money))}</div>')
    rows = [_holding(event, one) for event in portfolio.events for one in event.holdings]
    note = f"{len(rows)} holdings of {len(portfolio.events)} events, marked at the bid of their whole size"
    exported("Open positions", note, HOLDINGS, rows, name="positions")
    if not rows:
        empty("Nothing is held.")
        return
    heading("What each outcome pays", "of an event, all its holdings together, fees apart")
    for event in portfolio.events:
        with st.expander(_title(event), key=f"event_{event.event_id}"), panel(event.event_id):
            unit = event.holdings[0].unit if event.holdings else ""
            st.html(table(OUTCOMES, [_outcome(one, unit) for one in event.outcomes]))
            said = f"sold so far {wording.gain(event.realized_usd)} before fees, fees of the event {_usd(event.fees_usd)}"
            st.html(f'<p class="rule">{said}</p>')


def _money(portfolio: Portfolio, money: MoneyState) -> Sequence[str]:
    allowed = f"of {wording.dollars(money.allowed_usd)} allowed" if money.allowed_usd is not None else ""
    return (
        fact("cash", _usd(portfolio.cash_usd)),
        fact("equity", _usd(portfolio.equity_usd), title="Cash, and what is held at the last mark"),
        fact("open worst case", _usd(-portfolio.at_risk_usd), after=allowed, title="If every open event ends as badly as it can"),
        fact("desk day since 16:00Z", wording.gain(money.day_pnl_usd), title="Change of the equity since then, after fees"),
        fact("realised before fees", wording.gain(money.realized_pnl_usd), title="By sales and settlements of all time"),
        fact("fees paid", _usd(money.fees_usd), title="Of all trades, also of those that are still open"),
    )  # fmt: skip


def _usd(amount: Decimal | None) -> str:
    return wording.NONE if amount is None else f"{wording.MINUS if amount < 0 else ''}{abs(amount):,.2f} $"


def _title(event: EventPosition) -> str:
    day = wording.day(event.event_day) if event.event_day else ""
    opened = wording.gain(event.unrealised_usd) if event.unrealised_usd is not None else "no bid for all of it"
    about = f"{event.city} {event.station_code} · {event.extreme} · {day} · {event.venue.title()}"
    return f"{about} · open {opened} before fees · worst {wording.gain(event.worst_usd)} · best {wording.gain(event.best_usd)}".replace(
        "$", "\\$"
    )


def _holding(event: EventPosition, one: Holding) -> Row:
    day = event.event_day.isoformat() if event.event_day else ""
    where = selection.link(Selection(event.station_code, day, event.extreme, event.venue))
    name = f"{event.city} {event.station_code} {event.extreme} {wording.day(event.event_day) if event.event_day else ''}"
    held = f"{one.side} {wording.spelled(one.bracket, one.unit)}"
    gone = "" if one.bid is not None else "The book is not deep enough for the whole holding, or there is none"
    tone = wording.freshness(one.bid_age_seconds, BID_LIMIT)
    return Row(
        one.token_id,
        (
            Cell(name, event.event_id, "Open on Live", link=where), Cell(event.venue.title(), event.venue),
            Cell(held, held, one.token_id),
            Cell(wording.shares(one.shares), one.shares),
            Cell(wording.cents(one.average_price), one.average_price), Cell(wording.cents(one.bid), one.bid, gone),
            Cell(wording.ago(one.bid_age_seconds), one.bid_at, "", tone), Cell(f"{one.cost_usd:.2f}", one.cost_usd),
            Cell(wording.NONE if one.value_usd is None else f"{one.value_usd:.2f}", one.value_usd, gone),
            Cell(_signed(one.unrealised_usd), one.unrealised_usd, gone, _tone(one.unrealised_usd)),
        ),
    )  # fmt: skip


def _outcome(one: OutcomeState, unit: str) -> Row:
    note = "" if one.possible else "The observed extreme rules it out"
    return Row(
        one.bracket,
        (
            Cell(wording.spelled(one.bracket, unit), one.rank, note), Cell(wording.percent(one.p_pooled), one.p_pooled),
            Cell(f"{one.pays_usd:.2f}", one.pays_usd), Cell(_signed(one.pnl_usd), one.pnl_usd, note, _tone(one.pnl_usd)),
        ),
        kind="" if one.possible else "dead",
    )  # fmt: skip


def _signed(amount: Decimal | None) -> str:
    return wording.gain(amount).removesuffix(" $")


def _tone(amount: Decimal | None) -> str:
    return "" if not amount else "gain" if amount > 0 else "loss"


def _trades(services: Services) -> None:
    with st.container(key="trade_filters"):
        chosen = _filters(services)
    found = _asked(services, chosen, page_asked())
    if found.total and not found.trades:
        found = _asked(services, chosen, page_asked(found.total, PER_PAGE))
    rows = [_trade(one) for one in found.trades]

    def everything() -> list[Row]:
        return [_trade(one) for one in _asked(services, chosen, 1, found.total).trades]

    exported("Trades", _summary(found), TRADES, rows, name="trades", kind="trades", everything=everything)
    if not rows:
        empty(found.missing or _nothing(chosen, found), "" if found.missing or any(chosen.values()) else START)
    pages = -(-found.total // PER_PAGE)
    if pages > 1:
        st.pagination(pages, key="page", bind="query-params")


def _filters(services: Services) -> Mapping[str, str]:
    cards = services.stations.cards()
    return filters(
        (
            Box("station", "Station", sorted({card.station_code for card in cards.cards}), free=True),
            Box("venue", "Venue", cards.venues),
            Box("day", "Event day", [day.isoformat() for day in cards.days], free=True),
            Box("extreme", "High or low", ("high", "low")), Box("outcome", "Outcome", OUTCOMES_OF),
            Box("side", "Side", ("YES", "NO")), Box("sort", "Order", list(SORTS)),
        ),
        key="filters",
    )  # fmt: skip


def _asked(services: Services, chosen: Mapping[str, str], page: int, per_page: int | None = None) -> Trades:
    size = per_page or PER_PAGE
    day = selection.asked_day(chosen["day"])
    return services.trades.history(
        start_date=day, end_date=day, station_code=chosen["station"].upper() or None, venue=chosen["venue"] or None,
        extreme=chosen["extreme"] or None, side=chosen["side"] or None, outcome=chosen["outcome"] or None,
        sort=chosen["sort"] or "newest", limit=size, offset=(page - 1) * size,
    )  # fmt: skip


def _summary(found: Trades) -> str:
    if not found.total:
        return ""
    first = found.offset + 1
    shown = f"{first} to {found.offset + len(found.trades)} of {found.total}"
    ended = f"{found.wins} won, {found.losses} lost, {found.closed} sold again, {found.pending} pending"
    net = f"what is decided, after its own fees: {wording.gain(found.total_realized_pnl)}"
    return f"{shown} · {ended} · {net} · a click explains"


def _nothing(chosen: Mapping[str, str], found: Trades) -> str:
    if any(chosen.values()) or found.total:
        return "No trade passes these filters."
    return "Nothing was traded yet. A cycle trades when an edge is large enough; Live says why not."


def _trade(one: Trade) -> Row:
    verb = "bought" if one.action == "buy" else "sold"
    provisional = (
        f"METAR says {wording.spelled(one.provisional_winner, one.unit)}"
        if one.provisional_winner
        else "nobody has said how it ends"
    )
    ended = f"settled at {wording.spelled(one.winner_bracket, one.unit)}" if one.winner_bracket else provisional
    if one.outcome == "closed":
        ended = "Its shares were all sold again: what came of them stands in the rows of the sales"
    about = f"{one.city} {one.station_code} {one.extreme} {wording.day(one.event_day)}"
    return Row(
        one.trade_id,
        (
            Cell(about, one.trade_id, f"{one.trade_id}: explain it", link=f"?trade={one.trade_id}"), Cell(about),
            Cell(f"{one.timestamp:%d %b %H:%M:%S}", one.timestamp), Cell(one.venue.title(), one.venue),
            Cell(f"{verb} {one.side}", f"{one.action} {one.side}"), Cell(wording.spelled(one.bracket_name, one.unit), one.bracket_name),
            Cell(wording.shares(one.shares), one.shares), Cell(wording.cents(one.price), one.price),
            Cell(f"{one.fee_usd:.2f}", one.fee_usd), Cell(wording.edge_cents(one.edge), one.edge, _edge_note(one)),
            Cell(ENDED.get(one.outcome, one.outcome), one.outcome, ended, {"win": "gain", "loss": "loss"}.get(one.outcome, "")),
            Cell(_signed(one.realized_pnl), one.realized_pnl, "Net of this row's own fee", _tone(one.realized_pnl)),
        ),
    )  # fmt: skip


def _edge_note(one: Trade) -> str:
    if one.action == "sell":
        return f"What it fetched after its fee, less fair value; why sold: {wording.reason(one.reason)}"
    return f"Fair value less price with fee; why this size: {wording.reason(one.reason)}"
