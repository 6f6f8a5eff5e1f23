"""Growth-optimal trades of one event: all brackets, both sides, every level of the books, from what is held.

Maximise sum pi_k ln(C + y_k) where C and the y_k are bought along the staircases of `ladder`. At the optimum
pi_k / (C + y_k) = p_k / rho, where p_k lies on the staircase of bracket k at y_k and the p_k sum to 1: two unknowns, C and
rho, and given both every y_k is read off. Newton steps on the pair end exactly once they stand on the right steps; a row
that they do not settle is halved, C outside and rho inside, since both equations rise. Each row carries a proof of how far
it is from the best: any prices that sum to 1 bound what any trade can grow to. Rows leave the block one by one, so that a
row has the same bits alone or in company.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from agents.weather.sizing.ladder import Holding, Ladder, Levels, ladder_of, trades, within_means
from core.units import BoolArray, FloatArray, IntArray, total

NEWTON_STEPS = 20
FREE_STEPS = 10
SHORTER = (0.5, 1.0, 0.25, 1.0)  # after those: whole steps may go to and fro between the same two for ever
HALVINGS = 100
DEAR_STEPS = 120
FIRST_DEAR = 0.015625  # [USD]
MOST_DEAR = 1e4  # [USD] what is owed although money is so dear cannot be paid by any trade
SURE_DEAR = 1e-9  # of itself: both ends are mixed so that all is spent
CLOSE = 2e-14  # of the sum of prices, which is 1
EXACT = 4e-15  # of the money that is turned over
MOST_IDLE = 1e-9  # of what there is: so much money may lack
MOST_LEFT = 1e-7  # of what there is: so much may be left over before both ends are mixed
CONVERSIONS = 6  # of what is owed into what that costs, which is little of it
INSIDE = 0.9  # how much of the way to a bound one step may go
LEAST_PROBABILITY = 1e-9  # of a bracket: one thought impossible would be sold for all there is


@dataclass(frozen=True, slots=True)
class Optimum:
    """What to trade and what it brings; rows lead."""

    trade: FloatArray  # (n_rows, n_brackets, n_levels) [shares], unsigned
    wealth: FloatArray  # (n_rows, n_brackets) in each outcome [USD]
    value: FloatArray  # (n_rows, n_brackets) of a share of YES to us at the margin [USD]
    cash: FloatArray  # (n_rows,) money that is not tied up [USD]
    growth: FloatArray  # (n_rows,) sum pi ln wealth
    gap: FloatArray  # (n_rows,) no trade can bring more than this above `growth` [nats]
    dearness: FloatArray  # (n_rows,) what free money is worth above a dollar [USD]
    sound: BoolArray  # (n_rows,) False: ruin cannot be avoided, nothing is traded


def optimum(probability: FloatArray, levels: Levels, holding: Holding, converting: FloatArray | None = None) -> Optimum:
    """Return the trades that make wealth grow fastest, with nothing borrowed.

    Args:
        probability: of each bracket [1], (n_rows, n_brackets), sums to 1; 0 is no bracket.
        levels: what may be traded.
        holding: what is there before.
        converting: (n_rows,) fee of freeing a dollar by converting NO of several brackets [USD]; NaN: not possible. A share
            of NO in m brackets is m - 1 dollars and a YES of each other, so that whoever is not ruined can free all he owes;
            `cash` below 0 is what has to be freed.
    """
    likely, levels = _likely(probability), within_means(levels, holding)
    found = unbound(likely, levels, holding)
    owing = found.sound & (found.cash < -_slack(holding))
    if converting is not None:
        found, owing = _converted(likely, levels, holding, converting, found, owing)
    found, owing = _beyond_means(likely, levels, holding, found, owing)
    short = np.flatnonzero(owing)
    if not len(short):
        return found
    likely, levels, holding = likely[short], levels.of_rows(short), holding.of_rows(short)
    return _put(found, short, _paid_for(likely, levels, holding, *_dearness(likely, levels, holding, found.cash[short])))


def unbound(likely: FloatArray, levels: Levels, holding: Holding, dearness: FloatArray | None = None) -> Optimum:
    """Return the optimum at a given dearness of free money: at 0 as if what NO ties up could be borrowed."""
    dearness = np.zeros(len(likely)) if dearness is None else dearness
    ladder = ladder_of(levels, holding, dearness)
    level, scale, sound = _solved(likely, ladder, holding)
    at = _point(_rows(likely, ladder, holding), level, scale)
    common = ladder.most - total(total(at.taken * ladder.paid))
    wealth = np.where(likely > 0, common[:, None] + ladder.lowest + total(at.taken), 1.0)
    sound = sound & (wealth > 0).all(axis=-1)
    wealth = np.where(sound[:, None], wealth, _kept(likely, holding))
    price = at.price / total(at.price)[:, None]
    growth = growth_of(likely, wealth)
    return Optimum(
        trade=np.where(sound[:, None, None], trades(ladder, at.taken, levels), 0.0), wealth=wealth,
        value=np.where(sound[:, None], price, likely),
        cash=np.where(sound, ladder.cash + total(total(at.taken * (ladder.frees - ladder.paid))), holding.cash),
        growth=growth, gap=np.where(sound, np.maximum(bound(likely, ladder, price, dearness) - growth, 0.0), np.inf),
        dearness=dearness, sound=sound,
    )  # fmt: skip


def _converted(
    likely: FloatArray, levels: Levels, holding: Holding, fee: FloatArray, found: Optimum, owing: BoolArray
) -> tuple[Optimum, BoolArray]:
    """Return the optimum where what is owed is freed by converting, and where it still has to be spared."""
    rows = np.flatnonzero(owing & ~np.isnan(fee))
    if not len(rows):
        return found, owing
    likely, levels, before, fee = likely[rows], levels.of_rows(rows), holding.of_rows(rows), fee[rows]
    part, owed = unbound(likely, levels, before, fee), np.zeros(len(rows))
    for _ in range(CONVERSIONS):
        owed = np.maximum(-part.cash, 0.0)
        part = unbound(likely, levels, Holding(before.cash - fee * owed, before.yes, before.no), fee)
    freed = owed > 0
    owing[rows] = ~freed
    return _put(found, rows[freed], Optimum(*(getattr(part, each.name)[freed] for each in fields(Optimum)))), owing


def _beyond_means(
    likely: FloatArray, levels: Levels, holding: Holding, found: Optimum, owing: BoolArray
) -> tuple[Optimum, BoolArray]:
    """Return the optimum with nothing traded where all that can be sold would not pay what is owed, and who owes besides."""
    sales = total(total(np.where(levels.sale, levels.price * levels.size, 0.0)))
    ruined = owing & (holding.cash + sales < -_slack(holding))
    if not ruined.any():
        return found, owing
    kept = _kept(likely, holding)
    nothing = Optimum(
        np.zeros_like(found.trade), kept, likely, holding.cash, growth_of(likely, kept), np.full(len(likely), np.inf),
        found.dearness, np.zeros_like(owing),
    )  # fmt: skip
    rows = np.flatnonzero(ruined)
    return _put(found, rows, Optimum(*(getattr(nothing, each.name)[rows] for each in fields(Optimum)))), owing & ~ruined


def _paid_for(likely: FloatArray, levels: Levels, holding: Holding, low: FloatArray, high: FloatArray) -> Optimum:
    """Return the mixture that spends all: where what is spent jumps with the price of money, either side is as good."""
    over, under = unbound(likely, levels, holding, low), unbound(likely, levels, holding, high)
    part = np.clip(under.cash / np.maximum(under.cash - np.minimum(over.cash, 0.0), 1e-300), 0.0, 1.0)
    part = np.where(over.sound & under.sound & (over.cash < 0), part, 0.0)
    trade = under.trade + part[:, None, None] * (over.trade - under.trade)
    wealth = under.wealth + part[:, None] * (over.wealth - under.wealth)
    growth = growth_of(likely, wealth)
    gap = np.maximum(under.gap + under.growth - growth, 0.0)
    cash = np.maximum(under.cash + part * (over.cash - under.cash), 0.0)
    return Optimum(trade, wealth, under.value, np.where(under.sound, cash, under.cash), growth, gap, high, under.sound)


def growth_of(probability: FloatArray, wealth: FloatArray) -> FloatArray:
    """Return sum pi ln W; -inf where a possible outcome ruins."""
    counts = probability > 0
    alive = wealth > 0
    logs = np.where(alive, np.log(np.where(alive, wealth, 1.0)), -np.inf)
    return total(np.where(counts, probability * np.where(counts, logs, 0.0), 0.0))


def bound(likely: FloatArray, ladder: Ladder, price: FloatArray, dearness: FloatArray) -> FloatArray:
    """Return what no trade can grow beyond: the best wealth that is worth as much at these prices.

    Whoever trades holds no more, at prices that sum to 1, than he begins with and what every level gains him at them.
    """
    gain = total(total(np.maximum(price[..., None] - ladder.price, 0.0) * ladder.size))
    worth = ladder.most + total(price * ladder.lowest) + dearness * ladder.cash + gain
    counts = (likely > 0) & (price > 0) & (worth > 0)[:, None]
    best = likely * worth[:, None] / np.where(counts, price, 1.0)
    return total(np.where(counts, likely * np.log(np.where(counts, best, 1.0)), 0.0))


def _likely(probability: FloatArray) -> FloatArray:
    counts = probability > 0
    held_up = np.where(counts, np.maximum(probability, LEAST_PROBABILITY), 0.0)
    likely: FloatArray = held_up / total(held_up)[:, None]
    return likely


def _slack(holding: Holding) -> FloatArray:
    slack: FloatArray = MOST_IDLE * (np.abs(holding.cash) + total(holding.yes) + total(holding.no))
    return slack


def _kept(likely: FloatArray, holding: Holding) -> FloatArray:
    """Return the wealth of each outcome if nothing is traded."""
    return np.where(likely > 0, (holding.cash + total(holding.no))[:, None] + holding.yes - holding.no, 1.0)


def _put(found: Optimum, rows: IntArray, part: Optimum) -> Optimum:
    parts = {}
    for each in fields(Optimum):
        column = getattr(found, each.name).copy()
        column[rows] = getattr(part, each.name)
        parts[each.name] = column
    return Optimum(**parts)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows that are still being solved."""

    likely: FloatArray
    ratio: FloatArray  # likely / price of a step
    size: FloatArray
    start: FloatArray
    paid: FloatArray
    lowest: FloatArray
    most: FloatArray
    least: FloatArray  # C below which an outcome ruins whatever is bought
    home: FloatArray  # C of what there is

    def only(self, rows: BoolArray | IntArray) -> _Rows:
        return _Rows(*(getattr(self, name)[rows] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class _Point:
    """What is bought along the staircases at given C and rho, and how far both equations are from holding."""

    taken: FloatArray
    partly: BoolArray  # the step on which a bracket stands
    wealth: FloatArray
    price: FloatArray
    excess: FloatArray  # sum of prices - 1
    overspent: FloatArray


def _rows(likely: FloatArray, ladder: Ladder, holding: Holding) -> _Rows:
    common = holding.cash + total(holding.no)
    least = np.where(likely > 0, -(ladder.lowest + total(ladder.size)), -np.inf).max(axis=-1)
    return _Rows(
        likely, likely[..., None] / ladder.price, ladder.size, ladder.start, ladder.paid, ladder.lowest, ladder.most, least,
        np.where((common > least) & (common <= ladder.most), common, 0.5 * (least + ladder.most)),
    )  # fmt: skip


def _point(rows: _Rows, level: FloatArray, scale: FloatArray) -> _Point:
    room = scale[:, None, None] * rows.ratio - (level[:, None, None] + rows.start)
    taken = np.minimum(np.maximum(room, 0.0), rows.size)
    wealth = level[:, None] + rows.lowest + total(taken)
    alive = wealth > 0
    price = np.where(alive, scale[:, None] * rows.likely / np.where(alive, wealth, 1.0), np.where(rows.likely > 0, 1.0, 0.0))
    return _Point(
        taken, (room > 0) & (room < rows.size), wealth, price, total(price) - 1.0,
        level - rows.most + total(total(taken * rows.paid)),
    )  # fmt: skip


def _solved(likely: FloatArray, ladder: Ladder, holding: Holding) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return C and rho of each row, and whether there is a trade that avoids ruin."""
    rows = _rows(likely, ladder, holding)
    sound = rows.least < ladder.most
    kept = rows.home[:, None] + holding.yes - holding.no
    alive = (kept > 0) | (likely == 0)
    weight = np.where(alive & (likely > 0), likely / np.where(kept > 0, kept, 1.0), 0.0)
    level, scale = rows.home.copy(), 1.0 / np.where(alive.all(axis=-1), total(weight), 1.0)
    open_: IntArray = np.flatnonzero(sound)
    left, at_level, at_scale = rows.only(open_), level[open_], scale[open_]
    for step in range(NEWTON_STEPS):
        if not len(open_):
            break
        point = _point(left, at_level, at_scale)
        turned = np.abs(left.most) + np.abs(at_level) + total(total(point.taken * np.abs(left.paid)))
        moving = (np.abs(point.excess) > CLOSE) | (np.abs(point.overspent) > EXACT * turned)
        if not moving.all():
            level[open_], scale[open_] = at_level, at_scale
            open_, left, at_level, at_scale = open_[moving], left.only(moving), at_level[moving], at_scale[moving]
            point = _Point(*(getattr(point, name)[moving] for name in _Point.__slots__))
        share = 1.0 if step < FREE_STEPS else SHORTER[step % len(SHORTER)]
        at_level, at_scale = _stepped(left, point, at_level, at_scale, share)
    if len(open_):
        level[open_], scale[open_] = _halved(left)
    return level, scale, sound


def _stepped(rows: _Rows, point: _Point, level: FloatArray, scale: FloatArray, share: float) -> tuple[FloatArray, FloatArray]:
    """Return C and rho after a share of one Newton step on both equations, kept inside their bounds."""
    between = ~point.partly.any(axis=-1) & (point.wealth > 0)
    weight = np.where(between, rows.likely / np.where(between, point.wealth, 1.0), 0.0)
    price_by_scale = total(weight)
    price_by_level = -scale * total(np.where(between, weight / np.where(between, point.wealth, 1.0), 0.0))
    cost = np.where(point.partly, rows.paid, 0.0)
    spent_by_scale = total(total(np.where(point.partly, rows.paid * rows.ratio, 0.0)))
    spent_by_level = 1.0 - total(total(cost))
    whole = price_by_scale * spent_by_level - price_by_level * spent_by_scale
    usable = np.abs(whole) > 0
    divisor = np.where(usable, whole, 1.0)
    more_scale = (point.overspent * price_by_level - point.excess * spent_by_level) / divisor
    more_level = (point.excess * spent_by_scale - point.overspent * price_by_scale) / divisor
    # every bracket stands on a step: no small change moves a price. Where they sum to 1 rho alone spends what there is; where
    # they are too dear C is too low, so back towards what there is
    fair, dear = np.abs(point.excess) <= CLOSE, point.excess > 0
    spend = -point.overspent / np.where(spent_by_scale > 0, spent_by_scale, 1.0)
    moved_scale = scale + share * np.where(usable, more_scale, np.where(fair, spend, np.where(dear, 0.0, scale)))
    moved_level = level + share * np.where(usable, more_level, np.where(dear & ~fair, 0.5 * (rows.home - level), 0.0))
    moved_scale = np.minimum(np.maximum(moved_scale, 0.5 * scale), 2.0 * scale)
    moved_level = np.where(moved_level > rows.least, moved_level, level - INSIDE * (level - rows.least))
    return np.minimum(moved_level, rows.most), moved_scale


def _halved(rows: _Rows) -> tuple[FloatArray, FloatArray]:
    """Return C and rho: C by Newton steps between bounds that close in, each third time by halving them."""
    low, high, level = rows.least.copy(), rows.most.copy(), rows.home.copy()
    answer = level.copy(), np.ones(len(level))
    places: IntArray = np.arange(len(level))
    for step in range(HALVINGS):
        scale = _scale(rows, level)
        point = _point(rows, level, scale)
        over = (point.overspent > 0) & (point.excess <= CLOSE)  # C so low that no rho makes prices sum to 1 is too low
        low, high = np.where(over, low, level), np.where(over, level, high)
        answer[0][places], answer[1][places] = level, scale
        turned = np.abs(rows.most) + np.abs(level) + total(total(point.taken * np.abs(rows.paid)))
        ended = (np.abs(point.overspent) <= EXACT * turned) & (point.excess <= CLOSE)
        ended |= high - low <= 4e-16 * (np.abs(high) + np.abs(low))
        between = ~point.partly.any(axis=-1) & (point.wealth > 0)
        weight = np.where(between, rows.likely / np.where(between, point.wealth, 1.0), 0.0)
        heft, bend = total(weight), total(np.where(between, weight / np.where(between, point.wealth, 1.0), 0.0))
        by_level = np.where(heft > 0, scale * bend / np.where(heft > 0, heft, 1.0), 0.0)  # how rho moves with C
        slope = 1.0 + total(total(np.where(point.partly, rows.paid * (by_level[:, None, None] * rows.ratio - 1.0), 0.0)))
        moved = level - point.overspent / np.where(slope > 0, slope, 1.0)
        inside = (slope > 0) & (moved > low) & (moved < high) & (step % 3 < 2)
        level = np.where(inside, moved, 0.5 * (low + high))
        if ended.any():
            rows, places, low, high, level = rows.only(~ended), places[~ended], low[~ended], high[~ended], level[~ended]
            if not len(places):
                break
    return answer


def _scale(rows: _Rows, level: FloatArray) -> FloatArray:
    """Return the rho at which the prices of all brackets sum to 1, C given: Newton steps between bounds that close in."""
    counts = rows.likely > 0
    full = level[:, None] + rows.lowest + total(rows.size)
    low = np.zeros(len(level))
    high = np.where(counts, full / np.where(counts, rows.likely, 1.0), np.inf).min(axis=-1)
    scale = np.minimum(np.maximum(level - rows.least, 1e-300), high)
    answer: FloatArray = scale.copy()
    places: IntArray = np.arange(len(level))
    for step in range(HALVINGS):
        point = _point(rows, level, scale)
        answer[places] = scale
        over = point.excess > 0
        low, high = np.where(over, low, scale), np.where(over, scale, high)
        ended = (np.abs(point.excess) <= CLOSE) | (high - low <= 4e-16 * high)
        between = ~point.partly.any(axis=-1) & (point.wealth > 0)
        slope = total(np.where(between, rows.likely / np.where(between, point.wealth, 1.0), 0.0))
        moved = scale - point.excess / np.where(slope > 0, slope, 1.0)
        inside = (slope > 0) & (moved > low) & (moved < high) & (step % 3 < 2)
        scale = np.where(inside, moved, 0.5 * (low + high))
        if ended.any():
            rows, places, level = rows.only(~ended), places[~ended], level[~ended]
            low, high, scale = low[~ended], high[~ended], scale[~ended]
            if not len(places):
                break
    return answer


def _dearness(likely: FloatArray, levels: Levels, holding: Holding, owed: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return how much dearer than wealth free money is where just too much is spent, and where no longer too much.

    Args:
        likely, levels, holding: of rows that would spend more if free money were no dearer.
        owed: what they would owe then [USD], below 0.
    """
    rows: IntArray = np.arange(len(likely))
    low, high, below, above = np.zeros(len(rows)), np.full(len(rows), FIRST_DEAR), owed.copy(), np.full(len(rows), -1.0)
    worth = _slack(holding) / MOST_IDLE
    dear, again = high.copy(), np.ones(len(rows), np.bool_)
    for step in range(DEAR_STEPS):
        cash = unbound(likely[rows], levels.of_rows(rows), holding.of_rows(rows), dear[rows]).cash
        short = cash < 0
        # an end that stays twice is counted half: it would else stay for ever
        stays = np.where(short == again[rows], 0.5, 1.0)
        again[rows] = short
        above[rows] = np.where(short, stays * above[rows], cash)
        below[rows] = np.where(short, cash, stays * below[rows])
        low[rows], high[rows] = np.where(short, dear[rows], low[rows]), np.where(short, high[rows], dear[rows])
        open_ = above[rows] < 0
        high[rows] = np.where(open_, 4.0 * high[rows], high[rows])
        span = above[rows] - below[rows]
        cut = low[rows] + (high[rows] - low[rows]) * np.where(span > 0, -below[rows] / np.where(span > 0, span, 1.0), 0.5)
        inside = (cut > low[rows]) & (cut < high[rows]) & (step < FREE_STEPS or step % 2 == 0)
        dear[rows] = np.where(open_, high[rows], np.where(inside, cut, 0.5 * (low[rows] + high[rows])))
        close = ~short & (cash <= MOST_LEFT * worth[rows]) | (high[rows] - low[rows] <= SURE_DEAR * high[rows]) & ~open_
        rows = rows[~close & ~(open_ & (high[rows] > MOST_DEAR))]
        if not len(rows):
            break
    return low, high
