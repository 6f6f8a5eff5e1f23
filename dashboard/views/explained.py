"""One trade, to be read from top to bottom: inputs, belief, book, limits, order, marks, settlement."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from html import escape

import streamlit as st

from core.services import Services
from core.services.explain import Asked, Belief, Execution, Sizing, TradeExplanation, Word
from core.services.inputs import Book, Vintage
from core.units import iso
from dashboard import selection, wording
from dashboard.charts import explained as charts
from dashboard.components.export import exported
from dashboard.components.page import empty, heading, panel
from dashboard.components.plot import plot
from dashboard.components.table import Cell, Column, Row, facts, table
from dashboard.selection import Selection
from dashboard.views import explained_money as money

COUNTED: Mapping[str, Callable[[float], str]] = {
    "s": wording.span,
    "R": lambda value: f"{wording.trimmed(value, 2)} R",
    "$": lambda value: f"{wording.trimmed(value, 2)} $",
    "$ per share": lambda value: f"{wording.cents(value)}¢",
    "× size": lambda value: f"× {wording.trimmed(value, 2)}",
    "of equity": lambda value: f"{wording.percent(value)} % of equity",
    "of what is shown": lambda value: f"{100 * value:.0f} % of what is shown",
}
HASH = re.compile(r"[0-9a-f]{32,}")
ABSENT = ("not built", "not applicable")  # stages of checks that no trade of this desk can meet
VERDICTS = {"shrink": "amber", "refuse": "loss", "not_applicable": "quiet", "not_built": "quiet"}
INPUTS = (
    Column("event", "input", left=True), Column("source", "source", left=True), Column("issued", "issued, UTC", minor=True),
    Column("received", "received, UTC"), Column("age", "age then", named="age then, s"),
    Column("content", "unchanged for", minor=True, named="unchanged for, s"),
    Column("why", "what it said", left=True), Column("file", "file", left=True, file_only=True),
    Column("hash", "sha256", left=True, minor=True, named="sha256 of its bytes"),
)  # fmt: skip
CHECKS = (
    Column("event", "check", left=True), Column("stage", "stage", left=True, minor=True), Column("value", "value"),
    Column("limit", "limit"), Column("unit", "", named="unit of value and limit", file_only=True),
    Column("verdict", "verdict", left=True), Column("allowed", "shares allowed"),
    Column("why", "what it asks", left=True),
)  # fmt: skip
LEVELS = (Column("event", "", left=True), Column("price", "price ¢", scale=100), Column("shares", "shares"))
FILLS = (
    Column("event", "execution", left=True), Column("at", "at, UTC", left=True), Column("price", "price ¢", scale=100),
    Column("shown", "shown"), Column("taken", "taken"),
)  # fmt: skip
WORDS = (
    Column("event", "word", left=True), Column("at", "at, UTC", left=True), Column("winner", "settles at", left=True, as_said=True),
    Column("reading", "reading"), Column("pays", "this trade", left=True, as_said=True), Column("why", "evidence", left=True),
)  # fmt: skip


def render(services: Services, trade_id: str) -> None:
    """Draw the explanation of a trade; one that is unknown is a sentence and a way back."""
    st.html('<p class="rule"><a href="?" target="_self">← all trades</a></p>')
    told = services.explain.explain(trade_id)
    trade = told.trade
    verb = "Bought" if trade.action == "buy" else "Sold"
    where = Selection(trade.station_code, trade.event_day.isoformat(), trade.extreme, trade.venue)
    st.html(f"<h1>{verb} {wording.shares(trade.shares)} {trade.side} {escape(_spelled(told))}</h1>")
    event = f"{trade.city} {trade.station_code}, {wording.extreme(trade.extreme)} of {wording.day(trade.event_day)}"
    st.html(
        f'<p class="rule" data-trade="{escape(trade.trade_id)}">{escape(event)} · {escape(trade.venue.title())} · '
        f"at {wording.cents(trade.price)}¢, {iso(trade.timestamp)} · {escape(_ended(told))} · "
        f'<a href="{escape(selection.link(where))}" target="_self">the event on Live</a>{_notes(told.notes)}</p>'
    )
    for name, draw in PARTS:
        with st.container(key=f"part_{name.split()[0].lower()}"), panel(name):
            draw(told)


def _ended(told: TradeExplanation) -> str:
    trade = told.trade
    if trade.outcome == "closed":
        return f"sold again, the sales say what came of it, fee {trade.fee_usd:.2f} $"
    if trade.realized_pnl is not None:
        return f"{trade.outcome}, {wording.gain(trade.realized_pnl)} net"
    return "open"


def _spelled(told: TradeExplanation) -> str:
    return wording.spelled(told.trade.bracket_name, told.trade.unit)


def _notes(notes: Sequence[str]) -> str:
    return "".join(f' <span class="amber">▲ {escape(note)}</span>' for note in notes)


def _inputs(told: TradeExplanation) -> None:
    moments = told.moments
    cycle = f"cycle {moments.number} ({moments.cause}), sealed {iso(moments.sealed_at)}" if moments else ""
    exported("1 · What was known", cycle, INPUTS, [_vintage(one) for one in told.inputs], name="inputs")
    if told.rule is not None:
        st.html(
            f'<p class="rule">Rule: {escape(told.rule.sentence)} · {escape(told.rule.grade)} '
            f'<code title="{escape(told.rule.text)}">{escape(told.rule.sha256[:6])}</code></p>'
        )


def _vintage(one: Vintage) -> Row:
    doubt = "; ".join(one.quarantined)
    return Row(
        one.kind,
        (
            Cell(one.kind, one.kind, one.subject), Cell(one.source, one.source),
            Cell(f"{one.issued_at:%d %b %H:%M:%S}" if one.issued_at else wording.NONE, one.issued_at, "" if one.issued_at else
                 "The source does not say when"),
            Cell(f"{one.received_at:%d %b %H:%M:%S}", one.received_at), Cell(wording.span(one.age_seconds), one.age_seconds),
            Cell(wording.span(one.content_age_seconds), one.content_age_seconds),
            Cell(f"{one.what}{f' · set apart: {doubt}' if doubt else ''}", one.what), Cell(one.path, one.path),
            Cell(one.sha256[:8] or wording.NONE, one.sha256, one.path or "Its file is gone"),
        ),
    )  # fmt: skip


def _belief(told: TradeExplanation) -> None:
    belief = told.belief
    if belief is None:
        heading("2 · What was believed")
        empty("What the desk believed is not kept here.")
        return
    heading(
        "2 · What was believed",
        f"regime {belief.regime or wording.NONE} {wording.reason(belief.regime_reason)}".removesuffix(" —"),
    )
    left, right = st.columns([1.5, 1], gap="medium")
    with left:
        if belief.brackets:
            plot(
                charts.belief(belief, told.trade.trade_id), key="explained_belief", height=charts.belief_height(belief),
                alt="Probability of each bracket by model, market and pool when the trade was decided",
            )  # fmt: skip
    with right:
        st.html(facts(list(_numbers(belief, told)), field="belief"))
    if told.distribution is not None:
        plot(
            charts.law(told.distribution, belief.unit, told.trade.trade_id), key="explained_law", height=charts.LAW_HEIGHT,
            alt="The model's chance of each reading when the trade was decided, and the extreme observed by then",
        )  # fmt: skip


def _numbers(belief: Belief, told: TradeExplanation) -> Iterator[tuple[str, Cell]]:
    unit = f"°{belief.unit}"
    yield "law: mean ± sd", Cell(f"{_round(belief.mean)} ± {_round(belief.sd)} {unit}", belief.mean)
    yield "forecast", Cell(f"{_round(belief.forecast)} {unit}", belief.forecast, f"{belief.n_residuals} settled days behind it")
    yield (
        "observed by then",
        Cell(_round(belief.floor), belief.floor, f"nothing beyond it: {wording.percent(belief.p_no_more)} %"),
    )
    yield "model · market · pool", Cell(
        " · ".join(f"{wording.percent(one)} %" for one in (belief.p_model, belief.p_market, belief.p_pooled)), belief.p_pooled,
        f"weight of the model {_round(belief.pool_weight)}",
    )  # fmt: skip
    yield f"fair value of {told.trade.side}", Cell(f"{wording.cents(belief.fair)}¢", belief.fair)
    price = Cell(f"{wording.cents(belief.price)}¢", belief.price, "Of the reference size, when it was decided")
    sold = told.trade.action == "sell"
    yield "price less fee" if sold else "price with fee", price if not sold else replace(price, title="What the sale fetched")
    note = "Price less fee, less fair value" if sold else "Fair value less price with fee"
    yield "gain over fair value" if sold else "edge", Cell(wording.edge_cents(belief.edge), belief.edge, note)
    yield (
        "growth-optimal",
        Cell(f"{wording.percent(belief.fraction)} % of wealth", belief.fraction, "Before the desk's own share"),
    )
    for one in belief.measures:
        yield (
            one.name.replace("_", " "),
            Cell(
                f"{_counted(one.value, one.unit, belief.unit)} of {_counted(one.limit, one.unit, belief.unit)}",
                one.value,
                "Judged by the regime: now, and where it would change",
            ),
        )


def _round(value: float | None) -> str:
    return wording.NONE if value is None else wording.trimmed(value, 2)


def _number(value: float | None) -> str:
    return wording.NONE if value is None else wording.trimmed(value, 4 if -10 < value < 10 else 0)


def _counted(value: float | None, unit: str, degrees: str = "") -> str:
    """Return a number with the unit in which a check or a measure counts."""
    said = COUNTED.get(unit)
    if value is None:
        return wording.NONE
    if unit == "°":
        return f"{wording.trimmed(value, 2)} °{degrees}"
    return said(value) if said else f"{_number(value)} {unit}".rstrip()


def _books(told: TradeExplanation) -> None:
    heading("3 · The book", "best first, of the token that was traded")
    left, right = st.columns(2, gap="medium")
    for place, name, book in ((left, "at the decision", told.decision_book), (right, "at the fill", told.fill_book)):
        with place:
            if book is None:
                empty(f"No book {name} was recorded.")
            else:
                st.html(f'<p class="rule">{name}: received {iso(book.received_at)}, {wording.span(book.age_seconds)} old</p>')
                st.html(table(LEVELS, list(_levels(book))))


def _levels(book: Book) -> Iterator[Row]:
    for name, offers in (("ask", book.asks), ("bid", book.bids)):
        for place, offer in enumerate(offers[:5]):
            cells = (
                Cell(name, name),
                Cell(wording.cents(offer.price), offer.price),
                Cell(wording.shares(offer.shares), offer.shares),
            )
            yield Row(f"{name} {place}", cells)


def _size(told: TradeExplanation) -> None:
    sizing = told.sizing
    if sizing is None:
        heading("5 · The size")
        empty("The decision of this trade is not in the journal.")
        return
    steps = (
        ("held", sizing.held), ("wanted", sizing.wanted), ("allowed", sizing.allowed), ("ordered", sizing.ordered),
        ("filled", sizing.filled),
    )  # fmt: skip
    said = " → ".join(f"{name} {wording.shares(size)}" for name, size in steps)
    st.html(f'<h2>5 · The size<span class="note">{escape(said)} shares</span></h2>')
    st.html(
        f'<p class="rule"><b data-field="bound" data-value="{escape(sizing.reason)}">{escape(wording.reason(sizing.reason))}</b>: '
        f"{escape(sizing.sentence)}</p>"
    )
    st.html(facts(list(_sized(sizing)), field="sizing"))
    built = [one for one in told.checks if one.verdict != "not_built" and one.stage not in ABSENT]
    exported("Checks", f"{len(built)} were asked", CHECKS, [_check(one) for one in built], name="checks", kind="checks")


def _sized(sizing: Sizing) -> Iterator[tuple[str, Cell]]:
    """Yield what the optimiser said of the size; what a decision did not keep is left out."""
    roles = {
        "view": "a view: its own edge is positive", "hedge": "a hedge: it pays where the views lose",
        "arbitrage": "part of a set that pays more than it costs",
    }  # fmt: skip
    if sizing.role:
        yield "stands for", Cell(roles.get(sizing.role, sizing.role), sizing.role)
    for name, value, unit in (
        ("optimum without limits", sizing.optimum, " shares"),
        ("share of it that is wanted", sizing.kelly_share, ""),
        ("scale for what moves together", sizing.correlation_scale, ""),
        ("cost of the money locked up", sizing.lock_up, " $ per share"),
        ("growth of wealth at the optimum", sizing.growth, ""),
    ):
        if value is not None:
            yield name, Cell(f"{wording.trimmed(value, 4)}{unit}", value)


def _check(one: Asked) -> Row:
    meaning = f"{one.sentence} {one.formula}".strip()
    return Row(
        one.name,
        (
            Cell(f"▸ {one.name}" if one.bound else one.name, one.name, meaning, "strong" if one.bound else ""),
            Cell(one.stage, one.stage), Cell(_counted(one.value, one.unit), one.value), Cell(_counted(one.limit, one.unit), one.limit),
            Cell(one.unit, one.unit),
            Cell(one.verdict.replace("_", " "), one.verdict, "", VERDICTS.get(one.verdict, "")),
            Cell(wording.shares(one.allowed_shares), one.allowed_shares, "" if one.allowed_shares is not None else "It set no bound"),
            Cell(meaning or wording.NONE, meaning),
        ),
        kind="bound" if one.bound else "",
    )  # fmt: skip


def _order(told: TradeExplanation) -> None:
    order = told.order
    note = ""
    if order is not None:
        note = (
            f"{order.role}, {order.status}, limit {wording.cents(order.limit_price)}¢, seen {wording.cents(order.reference_price)}¢, "
            f"placed {iso(order.placed_at)}{f', {wording.reason(order.reason)}' if order.reason else ''}"
        )
    exported("6 · Order and fills", note, FILLS, [row for one in told.fills for row in _fill(one)], name="fills")
    said = " → ".join(
        f"{step.state} {step.at:%d %b %H:%M:%S}{f' ({wording.reason(step.note)})' if step.note else ''}" for step in told.life
    )
    st.html(f'<p class="rule" data-field="life">{escape(said)}</p>')


def _fill(one: Execution) -> Iterator[Row]:
    for level in one.levels:
        yield Row(
            one.trade_id,
            (
                Cell(f"▸ {one.trade_id}" if one.this else one.trade_id, one.trade_id), Cell(f"{one.at:%d %b %H:%M:%S}", one.at),
                Cell(wording.cents(level.price), level.price), Cell(wording.shares(level.shown), level.shown),
                Cell(wording.shares(level.taken), level.taken),
            ),
        )  # fmt: skip


def _marks(told: TradeExplanation) -> None:
    marks = told.marks
    stood = f" · worst {_in_r(marks.mae)}, best {_in_r(marks.mfe)}" if marks.mae is not None else ""
    heading("7 · Marks since", f"best bid at {marks.n} looks, UTC{f', from {marks.source}' if marks.source else ''}{stood}")
    if told.marks.n < 2:
        empty("One cycle is no line yet.")
        return
    plot(charts.marks(told), key="explained_marks", height=charts.MARKS_HEIGHT, alt="Best bid of the token since the trade")


def _in_r(value: float | None) -> str:
    return wording.NONE if value is None else f"{wording.signed(value, 2)} R"


def _settlement(told: TradeExplanation) -> None:
    said = {True: "ours and the venue's agree", False: "ours and the venue's differ", None: ""}[told.agreed]
    said = " · ".join(part for part in (said, told.rule.sentence if told.rule else "") if part)
    exported("8 · Settlement", said, WORDS, [_word(one, told.trade.unit) for one in told.words], name="settlement")
    if not told.words:
        empty("Nobody has said yet how the event ends.")


def _shortened(value: object) -> object:
    """Return a value with a long hash cut to what tells it apart."""
    return f"{value[:6]}…" if isinstance(value, str) and HASH.fullmatch(value) else value


def _word(one: Word, unit: str) -> Row:
    evidence = ", ".join(f"{name.replace('_', ' ')} {_shortened(value)}" for name, value in sorted(one.evidence.items()))
    whole = ", ".join(f"{name} {value}" for name, value in sorted(one.evidence.items()))
    name = "ours, from METAR" if one.finality == "provisional" else "the venue's"
    return Row(
        f"{one.finality} {one.revision}",
        (
            Cell(f"{name}{f', revision {one.revision}' if one.revision else ''}", one.finality),
            Cell(f"{one.at:%d %b %H:%M:%S}", one.at), Cell(wording.spelled(one.winner, unit), one.winner),
            Cell(_round(one.reading), one.reading, "" if one.reading is not None else "The venue names the bracket only"),
            Cell("pays 1 $" if one.wins else "pays 0 $", one.wins, _paid(one), "gain" if one.wins else "loss"),
            Cell(evidence, whole, whole),
        ),
    )  # fmt: skip


def _paid(one: Word) -> str:
    return "" if one.paid_usd is None else f"{wording.gain(one.paid_usd)} for all that was held of the token"


PARTS = (
    ("Inputs", _inputs), ("Belief", _belief), ("Book", _books), ("Cost", money.cost), ("Size", _size), ("Order", _order),
    ("Marks", _marks), ("Settlement", _settlement), ("Result", money.result),
)  # fmt: skip
"""The parts of the page in the order in which they are read."""
