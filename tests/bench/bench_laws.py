"""What laws cost: `python -m tests.bench.bench_laws`. A million distributions, a year of learning, and whether company changes a bit.

Each line names its target; nothing is asserted (`tests/agents/weather/test_properties.py` asserts the bits on 100,000).
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np

from agents.weather.discretise import Lattice, bracket_mass, cumulative, lattice_of
from agents.weather.law import Law, single
from agents.weather.models.residual import filter_rows
from core.model.station import ReportPrecision
from core.units import FloatArray
from tests.agents.weather.worlds import event

N_EVENTS, N_DAYS, N_STATIONS = 30, 365, 30
BLOCK = 1 << 16  # readings that are worked on at once: what fits beside the processor


def lattice() -> Lattice:
    """Return thirty ladders of eleven brackets of two degrees Fahrenheit."""
    return lattice_of([
        (event(f"e{i}", lowest=60 + i, step=2, n=11), ReportPrecision.TENTHS) for i in range(N_EVENTS)
    ])  # fmt: skip


def laws(n_instants: int, n_components: int, seed: int = 7) -> tuple[Law, FloatArray]:
    """Return laws and floors of every event at each instant."""
    chance = np.random.default_rng(seed)
    shape = (n_instants, N_EVENTS, n_components)
    centre, sd = chance.normal(80.0, 5.0, shape), chance.uniform(0.4, 4.0, shape)
    floor = np.where(chance.random(shape[:2]) < 0.5, np.nan, np.round(chance.normal(76.0, 4.0, shape[:2])))
    if n_components == 1:
        return single(centre[..., 0], sd[..., 0], np.full(shape[:2], 8.0)), floor
    weight = chance.dirichlet(np.ones(n_components), shape[:2])
    return Law(weight, centre, sd, np.full(shape, 8.0)), floor


def masses(own: Lattice, law: Law, floor: FloatArray) -> FloatArray:
    """Return the mass of each bracket, shape (n_instants, n_events, n_brackets).

    Block by block: what is in between would be ten times the answer.
    """
    found = np.empty((*floor.shape, own.first.shape[-1]))
    rows = max(BLOCK // max(own.upper.size * law.weight.shape[-1], 1), 1)
    for begin in range(0, len(floor), rows):
        block = slice(begin, begin + rows)
        parts = Law(law.weight[block], law.location[block], law.sd[block], law.df[block])
        found[block] = bracket_mass(own, cumulative(own, parts, floor[block]))
    return found


def same_bits(own: Lattice, law: Law, floor: FloatArray, found: FloatArray, rows: list[int]) -> bool:
    """Return whether rows alone have the bits that they have among all."""
    return all(
        masses(own, Law(law.weight[at], law.location[at], law.sd[at], law.df[at]), floor[at]).tobytes() == found[at].tobytes()
        for at in (slice(row, row + 1) for row in rows)
    )


def learned_year(n_stations: int, seed: int = 7) -> FloatArray:
    """Return a year of residuals with gaps, shape (n_days, n_stations)."""
    chance = np.random.default_rng(seed)
    residual = chance.normal(0.5, 2.4, (N_DAYS, n_stations))
    residual[chance.random(residual.shape) < 0.05] = np.nan
    return residual


def _line(name: str, work: Callable[[], object], target: str) -> object:
    begun = time.perf_counter()
    answer = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:52} {time.perf_counter() - begun:8.2f} s   peak {peak:6.0f} MB   target {target}")
    return answer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--distributions", type=int, default=1_000_000)
    given = parser.parse_args()
    own, n = lattice(), -(-given.distributions // N_EVENTS)
    law, floor = laws(n, 1)
    found = np.asarray(_line(f"{n * N_EVENTS:,} laws into eleven brackets", lambda: masses(own, law, floor), "5 s, 1,000 MB"))
    rows = np.random.default_rng(1).integers(0, n, 50).tolist()
    print(f"{'rows alone have the bits of rows among all':52} {same_bits(own, law, floor, found, rows)!s:>8}")
    some, few = laws(n // 10, 3)
    _line(f"{n // 10 * N_EVENTS:,} mixtures of three", lambda: masses(own, some, few), "none")
    residual, ordinal = learned_year(N_STATIONS), np.arange(N_DAYS)
    prior = np.array(5.76), np.array(0.0)
    _line("a year of thirty stations, filtered", lambda: filter_rows(residual, ordinal, *prior, embargo=2), "5 s")


if __name__ == "__main__":
    main()
