"""Random ladders with books, holdings and both sides, and a conic solver's word on them.

`python -m tests.agents.weather.sizing.ladders` compares 1,000 of them: growth of ours against Clarabel's.
"""

from __future__ import annotations

import argparse

import cvxpy
import numpy as np

from agents.weather.sizing.growth import growth_of, optimum
from agents.weather.sizing.ladder import Holding, Levels
from core.units import FloatArray

FEE = 0.05


def drawn(
    seed: int, n: int, *, n_brackets: int = 9, n_levels: int = 4, wealth: float = 1_000.0, held: bool = True, bias: float = 0.4
) -> tuple[FloatArray, Levels, Holding]:
    """Return beliefs, books a cent and more wide with fees, and what is held already; depth is often too little."""
    chance = np.random.default_rng(seed)
    shape = n, n_brackets, n_levels
    belief = np.maximum(chance.dirichlet(np.full(n_brackets, 1.2), n), 0.002)
    belief /= belief.sum(-1, keepdims=True)
    market = belief * np.exp(chance.normal(0.0, bias, belief.shape))
    market /= market.sum(-1, keepdims=True)

    def walk(centre: FloatArray, sign: float) -> FloatArray:
        return np.round(centre[..., None] + sign * (0.01 + np.cumsum(chance.uniform(0.0, 0.02, shape), -1)), 3)

    asks, bids = (walk(market, 1.0), walk(1.0 - market, 1.0)), (walk(market, -1.0), walk(1.0 - market, -1.0))
    size = chance.lognormal(4.0, 1.5, (n, n_brackets, 4 * n_levels))
    own = np.where(chance.random((2, n, n_brackets)) < 0.15, chance.lognormal(3.0, 1.0, (2, n, n_brackets)), 0.0)
    own *= held
    price = np.concatenate(
        [*(ask + FEE * ask * (1.0 - ask) for ask in asks), *(bid - FEE * bid * (1.0 - bid) for bid in bids)], -1
    )
    there = np.concatenate([*((ask > 0.0) & (ask < 1.0) for ask in asks), *((bid > 0.0) & (bid < 1.0) for bid in bids)], -1)
    room = np.concatenate([np.full((n, n_brackets, 2 * n_levels), np.inf), np.repeat(own[0][..., None], n_levels, -1),
                           np.repeat(own[1][..., None], n_levels, -1)], -1)  # fmt: skip
    size = np.where(there, np.minimum(size, room), 0.0)
    for first in (2 * n_levels, 3 * n_levels):  # no more is sold than is held
        part = size[..., first : first + n_levels]
        before = np.cumsum(part, -1) - part
        size[..., first : first + n_levels] = np.clip(own[first // n_levels - 2][..., None] - before, 0.0, part)
    no = np.repeat([False, True, False, True], n_levels)
    return belief, Levels(price, size, no, np.repeat([False, True], 2 * n_levels)), Holding(np.full(n, wealth), own[0], own[1])


def conic(belief: FloatArray, levels: Levels, holding: Holding, row: int) -> float:
    """Return the growth that Clarabel finds for one row."""
    n_brackets = levels.price.shape[1]
    price, size = levels.price[row], levels.size[row]
    bracket, place = np.nonzero(size > 0)
    no, sale = levels.no[place], levels.sale[place]
    cost, sign = price[bracket, place], np.where(sale, -1.0, 1.0)
    wins = (bracket[None, :] == np.arange(n_brackets)[:, None]) != no[None, :]
    before = holding.cash[row] + holding.yes[row] + holding.no[row].sum() - holding.no[row]
    unit = float(holding.cash[row])
    trade = cvxpy.Variable(len(bracket), nonneg=True)
    wealth = before / unit + (sign * (wins - cost)) @ trade
    most = [trade <= size[bracket, place] / unit, 1.0 - (sign * cost) @ trade >= 0]
    problem = cvxpy.Problem(cvxpy.Maximize(belief[row] @ cvxpy.log(wealth)), most)
    problem.solve(cvxpy.CLARABEL, tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12)
    return float(problem.value) + float(np.log(unit))


def gaps(seed: int, n: int, wealth: float) -> tuple[FloatArray, FloatArray]:
    """Return how far we are behind Clarabel in each of n ladders [nats], and our own certificates."""
    belief, levels, holding = drawn(seed, n, wealth=wealth)
    found = optimum(belief, levels, holding)
    theirs = np.array([conic(belief, levels, holding, row) for row in range(n)])
    return theirs - growth_of(belief, found.wealth), found.gap


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ladders", type=int, default=1_000)
    n = parser.parse_args().ladders // 4
    for wealth in (100.0, 1_000.0, 10_000.0, 1e6):
        behind, certificate = gaps(round(wealth), n, wealth)
        words = f"behind Clarabel at most {behind.max():.1e} nats, ahead at most {-behind.min():.1e}"
        print(f"wealth {wealth:>9,.0f}: {n} ladders, {words}, certificate at most {certificate.max():.1e}")  # noqa: T201


if __name__ == "__main__":
    main()
