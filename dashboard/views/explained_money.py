"""The money of one trade: what it cost to get in or out, and where the result came from."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from core.services.explain import Attribution, Costs, TradeExplanation
from core.services.inputs import Terms
from dashboard import wording
from dashboard.components.page import empty, heading
from dashboard.components.table import Cell, facts

NOT_TOLD = "No book of that moment was recorded"


def cost(told: TradeExplanation) -> None:
    """Draw the way from the mid to the price paid, fee included, and how the fee was reckoned."""
    heading("4 · What it cost", "from the middle of the book that the decision saw to the fill, per share; + is against us")
    left, right = st.columns(2, gap="medium")
    with left:
        st.html(facts(list(_cost_lines(told.costs)), field="cost"))
    with right:
        if told.terms is None:
            empty("The venue's listing of that moment is not kept here.")
        else:
            st.html(facts(list(_fee_lines(told.terms)), field="fee"))


def _cost_lines(costs: Costs) -> Iterator[tuple[str, Cell]]:
    yield "middle of the book", _price(costs.mid)
    yield "half the spread", _signed(costs.half_spread)
    yield "walk through the levels", _signed(costs.walk)
    yield "price that the decision saw", _price(costs.decision_price)
    yield "slip until the fill", _signed(costs.latency)
    yield "fill price", _price(costs.fill_price)
    yield "fee", _signed(costs.fee)
    total = wording.NONE if costs.total_usd is None else f"{costs.total_usd:.4f} $"
    yield (
        "all together",
        Cell(f"{_signed(costs.total).text} a share, {total}", costs.total_usd, "" if costs.total_usd else NOT_TOLD),
    )


def _price(price: float | None) -> Cell:
    text = wording.NONE if price is None else f"{wording.trimmed(100 * price, 3)}¢"
    return Cell(text, price, "" if price is not None else NOT_TOLD)


def _signed(price: float | None) -> Cell:
    if price is None:
        return Cell(wording.NONE, None, NOT_TOLD)
    cents = round(100 * price, 3)
    sign = "+" if cents > 0 else wording.MINUS if cents < 0 else ""
    return Cell(f"{sign}{wording.trimmed(abs(cents), 3)}¢", price, "", "loss" if cents > 0 else "gain" if cents < 0 else "")


def _fee_lines(terms: Terms) -> Iterator[tuple[str, Cell]]:
    yield "formula", Cell(terms.formula, terms.formula)
    for line in terms.lines:
        power = f" ^ {terms.exponent:g}" if terms.exponent != 1 else ""
        product = f"{line.shares.normalize():f} × {terms.rate:g} × ({line.price.normalize():f} × {1 - line.price:f}){power}"
        yield f"at {wording.cents(line.price)}¢", Cell(f"{product} = {line.fee_usd:.6f} $", line.fee_usd)
    agrees = "as booked" if terms.fee_usd == terms.booked_usd else f"booked was {terms.booked_usd} $"
    yield "fee", Cell(f"{terms.fee_usd.normalize():f} $, {agrees}", terms.fee_usd, "", "" if agrees == "as booked" else "loss")


def result(told: TradeExplanation) -> None:
    """Draw where the net result came from."""
    heading("9 · Where the result came from", "the parts add up to the net result")
    st.html(facts(list(_result_lines(told.attribution)), field="attribution"))


def _result_lines(parts: Attribution) -> Iterator[tuple[str, Cell]]:
    for name, amount, title in (
        ("edge at the decision", parts.edge, "Fair value against the middle of the book"),
        ("spread and walk", parts.spread, "From the middle to the price that the decision saw"),
        ("slip until the fill", parts.latency, "From there to the fill"),
        ("fee", parts.fee, "As booked"),
        ("luck of the settlement", parts.luck, "What the shares paid, or were worth when they were sold, over fair value"),
        ("net", parts.net, "After this trade's own fee"),
    ):
        text = wording.NONE if amount is None else wording.gain(amount)
        tone = "" if not amount else "gain" if amount > 0 else "loss"
        yield name, Cell(text, amount, title if amount is not None else "Not decided, or not known", tone)
