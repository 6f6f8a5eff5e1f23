"""What sizing costs: `python -m tests.bench.bench_sizing`. Nothing is asserted.

Bars: 20 ms for one event of 9 brackets x 2 sides x 4 levels, 150 ms for 30 events on the path, 5 s for 30 events jointly.
Beside each stands how many times as long Clarabel takes for the same problem, in events solved one after the other.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np

from agents.weather.sizing.growth import optimum
from agents.weather.sizing.joint import joint_optimum
from agents.weather.sizing.ladder import Holding, within_means
from agents.weather.sizing.scenarios import scenarios
from tests.agents.weather.sizing.ladders import conic, drawn

EVENTS = 30


def milliseconds(work: Callable[[], object], times: int) -> float:
    """Return the median duration of `times` runs [ms]."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        taken.append(1_000.0 * (time.perf_counter() - begun))
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--wealth", type=float, default=2_500.0)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for n, bar in ((1, 20.0), (EVENTS, 150.0)):
        books = drawn(n, n, wealth=given.wealth)
        ours = milliseconds(lambda books=books: optimum(*books), given.times)
        theirs = milliseconds(lambda books=books, n=n: [conic(*books, row) for row in range(n)], 3)
        gap = float(optimum(*books).gap.max())
        rows.append((f"{n} event{'s' * (n > 1)}, path", ours, bar, f"{theirs / ours:,.0f} x", gap))
    tight = drawn(EVENTS, EVENTS, wealth=given.wealth / 25.0, bias=0.8)
    spent = optimum(*tight)
    bound = int((spent.dearness > 0).sum())
    rows.append((f"{EVENTS} events, {bound} of them spend all", milliseconds(lambda: optimum(*tight), given.times), 150.0, "",
                 float(spent.gap.max())))  # fmt: skip
    belief, levels, _ = drawn(EVENTS, EVENTS, held=False, wealth=given.wealth)
    none = np.zeros((EVENTS, belief.shape[1]))
    levels = within_means(levels, Holding(np.full(EVENTS, given.wealth), none, none))
    alike = np.full((EVENTS, EVENTS), 0.25) + 0.75 * np.eye(EVENTS)

    def jointly() -> float:
        found = joint_optimum(*scenarios(belief, alike), levels, given.wealth, none, none)
        return np.inf if found is None else found.gap

    rows.append((f"{EVENTS} events, joint", milliseconds(jointly, 2), 5_000.0, "", jointly()))
    print(f"{'':34}{'ms':>9}{'bar':>9}{'Clarabel':>11}{'certificate':>14}")
    for name, took, most, ratio, gap in rows:
        print(f"{name:34}{took:9.2f}{most:9.0f}{ratio:>11}{gap:14.1e}")


if __name__ == "__main__":
    main()
