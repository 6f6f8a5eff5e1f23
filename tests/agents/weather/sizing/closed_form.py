"""Growth-optimal stakes in closed form: YES alone as published, and YES and NO together."""

from __future__ import annotations

import numpy as np

from core.units import FloatArray, IntArray, total


def fractions(probability: FloatArray, cost: FloatArray) -> FloatArray:
    """Return the stakes that make wealth grow fastest when exactly one outcome pays and only YES can be bought.

    Args:
        probability: of each outcome [1], shape (..., n), sums to 1.
        cost: all-in price of a share that pays 1 [USD], shape (..., n); NaN cannot be bought.

    Returns:
        Share of wealth spent on each outcome [1], shape (..., n).

    Source: Smoczynski and Tomkins (2010), Mathematical Scientist 35, 10-17; SCIENCE 4.2.
    """
    probability, cost = np.broadcast_arrays(np.asarray(probability, np.float64), np.asarray(cost, np.float64))
    buyable = np.isfinite(cost) & (cost > 0)
    ratio = np.where(buyable, probability / np.where(buyable, cost, 1.0), -1.0)
    order: IntArray = np.argsort(-ratio, axis=-1, kind="stable")
    likely, dear = np.take_along_axis(probability, order, -1), np.take_along_axis(np.where(buyable, cost, 1.0), order, -1)
    spent_probability, spent = np.cumsum(likely, axis=-1), np.cumsum(dear, axis=-1)
    # the reserve rate before an outcome is added; once it is not worth adding, nothing after it is
    rate = _reserve(spent_probability - likely, spent - dear)
    worth = (np.take_along_axis(ratio, order, -1) > rate) & (spent < 1.0)
    taken = np.cumprod(worth, axis=-1).astype(bool)
    kept = _reserve(total(np.where(taken, likely, 0.0)), total(np.where(taken, dear, 0.0)))
    stake = np.where(taken, likely - dear * kept[..., None], 0.0)
    stakes = np.empty_like(stake)
    np.put_along_axis(stakes, order, stake, -1)
    return stakes


def _reserve(probability: FloatArray, cost: FloatArray) -> FloatArray:
    room = np.where(cost < 1.0, 1.0 - cost, 1.0)
    reserve: FloatArray = np.where(cost < 1.0, (1.0 - probability) / room, np.inf)
    return reserve


def holdings(probability: FloatArray, ask: FloatArray, bid: FloatArray) -> FloatArray:
    """Return the net shares that make wealth of 1 USD grow fastest when YES and NO of every outcome can be bought.

    A NO at price n is a YES sold at 1 - n. At the optimum wealth in outcome k is p_k / r_k, where r_k is p_k x rho held
    between bid_k and ask_k, and rho makes the r_k sum to 1: one monotone equation, linear between its corners.

    Args:
        probability: of each outcome [1], shape (..., n), sums to 1.
        ask: all-in price of YES [USD], shape (..., n); inf cannot be bought.
        bid: 1 - all-in price of NO [USD], shape (..., n), not above `ask`; 0 where NO cannot be bought.

    Returns:
        Shares, above 0 YES, below 0 NO, shape (..., n). Where the prices leave an arbitrage they are moved against us
        until they do not.
    """
    ask, bid = _without_arbitrage(ask, bid)
    likely = np.where(probability > 0, probability, 1.0)
    possible = probability > 0
    corners = np.concatenate([np.where(possible, bid / likely, 0.0), np.where(possible, ask / likely, np.inf)], axis=-1)
    corners = np.sort(np.where(np.isfinite(corners), corners, 0.0), axis=-1)
    sums = total(_held_between(corners[..., None] * probability[..., None, :], bid[..., None, :], ask[..., None, :]))
    below = (sums <= 1.0).sum(axis=-1, keepdims=True)  # corners at which not all wealth is placed yet
    start = np.take_along_axis(corners, np.maximum(below - 1, 0), -1)
    stop = np.take_along_axis(corners, np.minimum(below, corners.shape[-1] - 1), -1)
    last = below == corners.shape[-1]
    middle = np.where(last, start + 1.0, (start + stop) / 2.0) * probability
    free = (middle > bid) & (middle < ask)
    fixed = total(np.where(free, 0.0, _held_between(middle, bid, ask)))[..., None]
    mass = total(np.where(free, probability, 0.0))[..., None]
    slack = mass > 0
    root = np.where(slack, (1.0 - fixed) / np.where(slack, mass, 1.0), start)
    exact = np.take_along_axis(sums, np.maximum(below - 1, 0), -1) == 1.0  # a flat stretch: hold as little as possible
    root = np.where(exact, start, root)
    price = _held_between(root * probability, bid, ask)
    cash = 1.0 / np.where(root > 0, root, 1.0)
    wealth = np.where(possible & (price > 0), probability / np.where(price > 0, price, 1.0), np.where(possible, cash, 0.0))
    net = np.where(root * probability > ask, wealth - cash, np.where(root * probability < bid, wealth - cash, 0.0))
    return np.where(root > 0, net, 0.0)


def _held_between(value: FloatArray, bid: FloatArray, ask: FloatArray) -> FloatArray:
    held: FloatArray = np.minimum(np.maximum(value, bid), ask)
    return held


def _without_arbitrage(ask: FloatArray, bid: FloatArray) -> tuple[FloatArray, FloatArray]:
    asked, offered = total(ask)[..., None], total(bid)[..., None]
    ask = ask / np.where((asked > 0) & (asked < 1.0), asked, 1.0)
    bid = bid / np.where(offered > 1.0, offered, 1.0)
    return ask, np.minimum(bid, ask)
