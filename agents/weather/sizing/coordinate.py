"""Growth-optimal shares of one event, YES and NO of every bracket, by greedy coordinate ascent from liquidated wealth.

The objective sum_k p_k ln W_k is concave and every variable has its own lower bound 0, so that the best single step,
taken again and again, ends at the optimum (Gauss-Southwell). The start is the closed form, thus the first look nearly
always finds nothing left to gain. Rows of a batch are frozen one by one: a row has the same bits alone or in company.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.weather.sizing.closed_form import holdings
from core.units import BoolArray, FloatArray, IntArray, total

MOST_STEPS = 60  # moves of one variable for a row
NEWTON_STEPS = 6
LEAST_GAIN = 1e-12  # [nats] a smaller step is no step
LEAST_GROWTH = 1e-5  # [nats] what a leg must bring on its own; SCIENCE 4.3
MOST_SPENT = 8.0  # share of wealth in one leg: where prices leave an arbitrage there is no optimum, only an end
INSIDE = 0.9  # how much of the way to ruin one step may go


@dataclass(frozen=True, slots=True)
class Stakes:
    """Share of wealth spent on each bracket [1], (..., n_brackets), and the growth that is expected of it [nats], (...)."""

    yes: FloatArray
    no: FloatArray
    growth: FloatArray


def stakes(probability: FloatArray, price_yes: FloatArray, price_no: FloatArray) -> Stakes:
    """Return the stakes that make wealth grow fastest.

    Args:
        probability: of each bracket [1], shape (..., n_brackets), sums to 1; NaN: no opinion, nothing is wanted.
        price_yes: all-in price of a YES share [USD], shape (..., n_brackets); NaN cannot be bought.
        price_no: the same for NO.
    """
    shape = probability.shape
    buyable = np.isfinite(price_yes) | np.isfinite(price_no)
    known = (np.isfinite(probability).all(axis=-1) & buyable.any(axis=-1)).ravel()
    flat = (part.reshape(-1, shape[-1])[known] for part in (probability, price_yes, price_no))
    likely, yes, no = (np.ascontiguousarray(part, np.float64) for part in flat)
    wanted = np.zeros((2, len(known), shape[-1]))
    growth = np.zeros(len(known))
    if known.any():
        shares = _affordable(yes, no, ascend(likely, yes, no, _start(likely, yes, no)))
        wanted[:, known] = shares * np.stack([_price(yes), _price(no)])
        growth[known] = expected_growth(likely, wealth_of(yes, no, shares))
    return Stakes(wanted[0].reshape(shape), wanted[1].reshape(shape), growth.reshape(shape[:-1]))


def _affordable(price_yes: FloatArray, price_no: FloatArray, shares: FloatArray) -> FloatArray:
    """Scale down what costs more than all wealth: several NO tie up a dollar each, and nothing is borrowed."""
    spent = total(_price(price_yes) * shares[0] + _price(price_no) * shares[1])
    return shares / np.maximum(spent, 1.0)[:, None]


def worth_alone(probability: FloatArray, price: FloatArray) -> FloatArray:
    """Return the growth [nats] of one leg staked on its own; 0 where there is no gain in it or no price for it."""
    inside = (price > 0) & (price < 1) & (probability > price)
    c, p = np.where(inside, price, 0.5), np.where(inside, np.clip(probability, 0.0, 1.0), 0.5)
    lost = np.where(p < 1.0, (1.0 - p) * np.log(np.where(p < 1.0, (1.0 - p) / (1.0 - c), 1.0)), 0.0)
    return np.where(inside, p * np.log(p / c) + lost, 0.0)


def expected_growth(probability: FloatArray, wealth: FloatArray) -> FloatArray:
    """Return sum p ln W [nats]; an outcome without probability does not count."""
    counts = probability > 0
    return total(np.where(counts, probability * np.log(np.where(counts, wealth, 1.0)), 0.0))


def wealth_of(price_yes: FloatArray, price_no: FloatArray, shares: FloatArray) -> FloatArray:
    """Return wealth in each outcome [USD] of shares (2, n_rows, n) bought from wealth 1."""
    spent = total(_price(price_yes) * shares[0] + _price(price_no) * shares[1])
    paid = total(shares[1])
    wealth: FloatArray = (1.0 - spent + paid)[:, None] + shares[0] - shares[1]
    return wealth


def ascend(
    probability: FloatArray, price_yes: FloatArray, price_no: FloatArray, start: FloatArray, most_steps: int = MOST_STEPS
) -> FloatArray:
    """Improve shares (2, n_rows, n) one variable at a time until no single step gains anything."""
    shares = start.copy()
    rows: IntArray = np.arange(len(probability))
    price = np.stack([price_yes, price_no])
    for _ in range(most_steps):
        if not len(rows):
            break
        rows = _step(probability, price, shares, rows)
    return shares


def _price(price: FloatArray) -> FloatArray:
    return np.where(np.isnan(price), 0.0, price)


def _start(probability: FloatArray, price_yes: FloatArray, price_no: FloatArray) -> FloatArray:
    ask = np.where(np.isnan(price_yes), np.inf, price_yes)
    bid = np.where(np.isnan(price_no), 0.0, np.maximum(1.0 - price_no, 0.0))
    net = holdings(probability, ask, bid)
    shares = np.stack([np.maximum(net, 0.0), np.maximum(-net, 0.0)])
    shares = np.where(np.isnan(np.stack([price_yes, price_no])), 0.0, shares)
    shares = np.minimum(shares, _most(np.stack([price_yes, price_no])))
    wealth = wealth_of(price_yes, price_no, shares)
    alive: BoolArray = np.asarray(np.where(probability > 0, wealth > 0, True).all(axis=-1))
    return np.where(alive[:, None], shares, 0.0)


def _most(price: FloatArray) -> FloatArray:
    usable = price > 0
    most: FloatArray = np.where(usable, MOST_SPENT / np.where(usable, price, 1.0), 0.0)
    return most


def _step(probability: FloatArray, price: FloatArray, shares: FloatArray, rows: IntArray) -> IntArray:
    """Move the best variable of each of `rows` in place; return the rows that moved."""
    likely, cost, held = probability[rows], price[:, rows], shares[:, rows]
    wealth = wealth_of(cost[0], cost[1], held)
    best, gain = _best(likely, cost, held, wealth)
    moving = gain > LEAST_GAIN
    rows, best = rows[moving], best[moving]
    if len(rows):
        side, place = best // likely.shape[-1], best % likely.shape[-1]
        at = cost[:, moving][side, np.arange(len(rows)), place]
        was = shares[side, rows, place]
        moved = _line(likely[moving], wealth[moving], side, place, at, was)
        shares[side, rows, place] = was + moved
    return rows


def _best(likely: FloatArray, cost: FloatArray, held: FloatArray, wealth: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the variable (YES first, then NO) whose Newton step gains most, and that gain [nats]."""
    counts = likely > 0
    weight = np.where(counts, likely / np.where(counts, wealth, 1.0), 0.0)
    bend = np.where(counts, weight / np.where(counts, wealth, 1.0), 0.0)
    all_weight, all_bend = total(weight)[:, None], total(bend)[:, None]
    yes, no = _price(cost[0]), _price(cost[1])
    slope = np.stack([weight - yes * all_weight, all_weight - weight - no * all_weight])
    curve = np.stack([
        np.square(1.0 - yes) * bend + np.square(yes) * (all_bend - bend),
        np.square(no) * bend + np.square(1.0 - no) * (all_bend - bend),
    ])  # fmt: skip
    step = slope / np.where(curve > 0, curve, 1.0)
    step = np.clip(step, -held, _most(cost) - held)
    gain = np.where(np.isnan(cost), 0.0, slope * step - 0.5 * curve * np.square(step))
    flat = np.concatenate([gain[0], gain[1]], axis=-1)
    best: IntArray = flat.argmax(axis=-1)
    return best, np.take_along_axis(flat, best[:, None], -1)[:, 0]


def _line(
    likely: FloatArray, wealth: FloatArray, side: IntArray, place: IntArray, price: FloatArray, held: FloatArray
) -> FloatArray:
    """Return how far to move one variable of each row: the maximum along its line, by guarded Newton steps."""
    own = np.arange(likely.shape[-1]) == place[:, None]
    win = np.where(side[:, None] == 0, own, ~own)
    pays = np.where(win, 1.0, 0.0) - price[:, None]  # per share, in each outcome
    counts = likely > 0
    least, most = -held, MOST_SPENT / price - held
    moved = np.zeros(len(price))
    for _ in range(NEWTON_STEPS):
        left = np.where(counts, wealth + pays * moved[:, None], 1.0)
        weight = np.where(counts, likely * pays / left, 0.0)
        slope, curve = total(weight), total(np.where(counts, weight * pays / left, 0.0))
        step = slope / np.where(curve > 0, curve, 1.0)
        losing = counts & (pays * np.sign(step)[:, None] < 0)
        room = np.where(losing, left / np.where(losing, np.abs(pays), 1.0), np.inf).min(axis=-1)
        step = np.sign(step) * np.minimum(np.abs(step), INSIDE * room)
        moved = np.clip(moved + step, least, most)
    return moved
