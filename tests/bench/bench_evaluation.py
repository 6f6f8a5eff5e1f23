"""What a look costs: `python -m tests.bench.bench_evaluation`. Each line is a ratio to a named floor; nothing is asserted.

Floor of one look: the same brackets priced by a plain Python loop over events, brackets and readings with `math.erfc`, which
knows neither a market nor a stake. Floor of a day: 96 times one look.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from agents.weather.desk import WeatherDesk
from agents.weather.evaluation import WeatherEvaluation
from agents.weather.sizing.stakes import stakes
from core.registry import load_stations
from core.store.archive import Archive
from core.units import Unit
from tests.agents.weather.worlds import SETTINGS, archive_of, event, live_records, quarter_hours

START = datetime(2026, 6, 12, 0, 0, tzinfo=UTC)
FAIR = (0.02, 0.05, 0.15, 0.28, 0.25, 0.13, 0.07, 0.03, 0.02)
SPAN = 97


def world(folder: Path, n_stations: int) -> tuple[Archive, WeatherDesk]:
    """Return an archive of a day of quarter hours with one event of nine brackets for each station, and a desk on it."""
    stations = sorted(load_stations().values(), key=lambda station: (station.country != "US", station.code))[:n_stations]
    records = []
    for i, station in enumerate(stations):
        unit = Unit.FAHRENHEIT if i % 2 else Unit.CELSIUS
        lowest, step = (69, 2) if i % 2 else (21, 1)
        found = event(f"e-{station.code}", lowest=lowest, step=step, station=station.code, unit=unit, n=9)
        records += live_records(found, START, SPAN, [25.0, 26.0, 25.4], FAIR)
    return archive_of(folder, records), WeatherDesk(stations, SETTINGS)


def seconds(work: Callable[[], object], times: int) -> float:
    """Return the median duration of `times` runs [s]."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def naive(evaluation: WeatherEvaluation) -> float:
    """Price every bracket of one instant in a plain loop."""
    lattice, added = evaluation.panel.lattice, 0.0
    mean, sd = evaluation.law.mean, evaluation.law.spread
    for e in range(len(evaluation.panel.events)):
        below = [
            0.5 * math.erfc(-(float(edge) - float(mean[0, e])) / float(sd[0, e]) / math.sqrt(2.0)) for edge in lattice.upper[e]
        ]
        for b in range(lattice.first.shape[1]):
            added += sum(below[i] - (below[i - 1] if i else 0.0) for i in range(lattice.first[e, b], lattice.last[e, b]))
    return added


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stations", type=int, default=30)
    parser.add_argument("--times", type=int, default=40)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive, desk = world(Path(folder), given.stations)
        instants = quarter_hours(START, SPAN)[1:]
        ticks = iter(np.resize(np.array(instants, dtype=object), 4 * given.times + 8))

        def one() -> WeatherEvaluation:
            return desk.evaluate(desk.observe(archive.as_of([next(ticks)])), SETTINGS)

        first = seconds(one, 1)
        found = one()
        panel = found.panel
        n_events, n_brackets = len(panel.events), found.p_model.shape[-1]
        floor = seconds(lambda: naive(found), given.times)
        look, evaluation = seconds(one, given.times), seconds(lambda: desk.evaluate(panel, SETTINGS), given.times)
        quotes = seconds(lambda: desk.quotes(panel), given.times)
        rows = seconds(lambda: desk.columns(found, 0), given.times)
        price, moved = (
            found.offers.price,
            np.maximum(np.roll(found.p_pooled, 1, axis=-1), 0.002),
        )  # a belief one bracket off the market's
        moved /= moved.sum(-1, keepdims=True)
        sized = seconds(lambda: stakes(moved, price[..., 0], price[..., 1]), given.times)
        day = seconds(lambda: desk.evaluate(desk.observe(archive.as_of(instants)), SETTINGS), 3)
        print(f"{n_events} events x {n_brackets} brackets; first look with nothing remembered {1000 * first:.1f} ms")
        for name, taken, against in (
            ("one look (observe, evaluate)", look, floor), ("  evaluate alone", evaluation, floor),
            ("  quotes", quotes, floor), ("  columns", rows, floor), ("  stakes of every event", sized, floor),
            ("a day of 96 looks as a block", day, 96 * look),
        ):  # fmt: skip
            print(f"{name:30} {1000 * taken:8.2f} ms   {taken / against:6.2f} x its floor of {1000 * against:.2f} ms")


if __name__ == "__main__":
    main()
