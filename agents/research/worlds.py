"""Worlds whose truth is known: does the desk's own code find it? `python -m agents.research.worlds [SEEDS]` prints the bars.

SCIENCE 6.3. Weather, forecasts, rounding and the market maker are generated here, with nothing of what is under test;
filter, de-vig, pool, weight and gate are the desk's. Degrees are Fahrenheit.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr, stdtrit

from agents.weather.discretise import law_cdf
from agents.weather.gates import Evidence, Gate, gate
from agents.weather.market import implied
from agents.weather.models.residual import MOST_DF, PRIOR_SPREAD_DAYS, ROUNDING_VARIANCE, filter_rows
from agents.weather.pool import learned_weight, log_pool, weights_as_of
from core.metrics.inference import date_interval, design_effect, diebold_mariano, events_needed, per_date
from core.metrics.scores import covered
from core.units import FloatArray, IntArray

EMBARGO_DAYS = 2
N_BRACKETS, STEP, LADDER_SD = 11, 2, 4.0
HALF_SPREAD, FEE = 0.01, 0.05
PRIOR_WEIGHT = 0.3
YEAR = 365.25


@dataclass(frozen=True, slots=True)
class World:
    """What nature and the others do. Model and market see the same signal, each with an error of its own."""

    days: int = 500
    stations: int = 8
    weather_sd: float = 2.0  # what nobody can foresee
    model_error: float = 0.7
    market_error: float = 0.7
    error_correlation: float = 0.5
    shared: float = 0.25  # correlation of the stations of a day, in weather and in errors
    memory: float = 0.2  # correlation of a day's weather with the next
    bias: float = 0.0  # of the raw forecast: turns from + to - once a year
    sd_drift: float = 0.0  # part by which the sd of the weather swings in a year
    df: float = np.inf  # of the weather's tails
    overround: float = 0.0
    tick: float = 0.001  # half of it is the least price


EQUAL = World()
WORSE = World(model_error=0.8, market_error=0.4)
BETTER = World(model_error=0.4, market_error=0.8)
DRIFTING = World(days=640, memory=0.3, bias=1.5, sd_drift=0.3, df=MOST_DF)


@dataclass(frozen=True, slots=True)
class History:
    """What came of a world, day by day: shape (n_events,), brackets (n_events, N_BRACKETS)."""

    ordinal: IntArray
    station: IntArray
    settled: IntArray  # whole degrees
    winner: IntArray
    forecast: FloatArray  # raw, with its bias
    model_mean: FloatArray  # of a model that has learned its bias and sd
    model_sd: FloatArray
    model: FloatArray  # probability of each bracket
    market: FloatArray  # the same, as the desk reads it from prices
    price: FloatArray  # middle of the market maker's quotes [USD per share]


def history(world: World, seed: int) -> History:
    """Return what happens in a world."""
    rng = np.random.default_rng(seed)
    day = np.arange(world.days)[:, None]
    shape = (world.days, world.stations)
    phase = 2.0 * np.pi * rng.random(world.stations)
    swing = np.sin(2.0 * np.pi * day / YEAR + phase)
    swell: FloatArray = 1.0 + world.sd_drift * np.cos(2.0 * np.pi * day / YEAR + phase)
    weather_sd = world.weather_sd * swell
    signal = 75.0 + rng.uniform(-8.0, 8.0, shape)
    weather = weather_sd * _tailed(_remembering(_shared(rng, shape, world.shared), world.memory), world.df)
    ours, theirs = _errors(rng, shape, world)
    settled = _printed(signal + weather)
    centre = np.floor(signal + LADDER_SD * rng.standard_normal(shape))  # listed days before: it betrays nothing of the signal
    lowest = centre.astype(np.int64) - N_BRACKETS + rng.integers(0, STEP, shape)
    edges = (lowest[..., None] + STEP * np.arange(N_BRACKETS - 1)).astype(np.float64) + 0.5
    model_sd, market_sd = (np.hypot(weather_sd, error) for error in (world.model_error, world.market_error))
    model = _masses(signal + ours, model_sd, edges)
    price = _prices(_masses(signal + theirs, market_sd, edges), world)
    everywhere = np.ones(price.shape, np.bool_)
    flat = (world.days * world.stations, N_BRACKETS)
    return History(
        ordinal=np.broadcast_to(day, shape).ravel(), station=np.broadcast_to(np.arange(world.stations), shape).ravel(),
        settled=settled.ravel(), winner=(settled[..., None] > edges).sum(axis=-1).ravel(),
        forecast=(signal + ours - world.bias * swing).ravel(), model_mean=(signal + ours).ravel(),
        model_sd=np.broadcast_to(model_sd, shape).ravel(), model=model.reshape(flat),
        market=implied(price, everywhere, ~everywhere).reshape(flat), price=price.reshape(flat),
    )  # fmt: skip


def _shared(rng: np.random.Generator, shape: tuple[int, int], correlation: float) -> FloatArray:
    common, own = rng.standard_normal((shape[0], 1)), rng.standard_normal(shape)
    noise: FloatArray = float(np.sqrt(correlation)) * common + float(np.sqrt(1.0 - correlation)) * own
    return noise


def _remembering(noise: FloatArray, memory: float) -> FloatArray:
    series = noise.copy()
    for day in range(1, len(series)):
        series[day] = memory * series[day - 1] + np.sqrt(1.0 - memory * memory) * noise[day]
    return series


def _tailed(normal: FloatArray, df: float) -> FloatArray:
    """Return the values with Student's tails and sd 1, their order in time and space kept."""
    if not np.isfinite(df):
        return normal
    tailed: FloatArray = stdtrit(df, ndtr(normal)) * np.sqrt((df - 2.0) / df)
    return tailed


def _errors(rng: np.random.Generator, shape: tuple[int, int], world: World) -> tuple[FloatArray, FloatArray]:
    common, one, other = (_shared(rng, shape, world.shared) for _ in range(3))
    both, alone = np.sqrt(world.error_correlation), np.sqrt(1.0 - world.error_correlation)
    return world.model_error * (both * common + alone * one), world.market_error * (both * common + alone * other)


def _printed(fahrenheit: FloatArray) -> IntArray:
    """Return what the page prints: sensor to whole degree, to tenths of Celsius in the report, and back."""
    whole = np.floor(fahrenheit + 0.5)
    tenths = np.floor((whole - 32.0) / 1.8 * 10.0 + 0.5)
    return np.floor(tenths * 0.18 + 32.0 + 0.5).astype(np.int64)


def _masses(mean: FloatArray, sd: FloatArray, edges: FloatArray) -> FloatArray:
    below = ndtr((edges - mean[..., None]) / np.broadcast_to(sd, mean.shape)[..., None])
    ends = np.zeros((*mean.shape, 1))
    return np.diff(np.concatenate([ends, below, ends + 1.0], axis=-1), axis=-1)


def _prices(fair: FloatArray, world: World) -> FloatArray:
    asked = np.round(fair * (1.0 + world.overround) / world.tick) * world.tick
    return np.clip(asked, world.tick / 2.0, 1.0 - world.tick / 2.0)


def advantage(found: History, pooled: FloatArray) -> FloatArray:
    """Return ln pooled - ln market probability of each winner [nats], shape (n_events,)."""
    at = found.winner[:, None]
    return np.log(np.take_along_axis(pooled, at, -1) / np.take_along_axis(found.market, at, -1))[:, 0]


def evidence(found: History, pooled: FloatArray) -> Evidence:
    """Return what a gate may see: every event scored, its best positive edge traded at the quotes with their fee."""
    fair = np.concatenate([pooled, 1.0 - pooled], axis=-1)
    quote = np.clip(np.concatenate([found.price, 1.0 - found.price], axis=-1) + HALF_SPREAD, 0.0, 1.0)
    cost = quote + FEE * quote * (1.0 - quote)
    best = (fair - cost).argmax(axis=-1)[:, None]
    paid = np.where(best < N_BRACKETS, best == found.winner[:, None], best - N_BRACKETS != found.winner[:, None])
    claimed = np.take_along_axis(fair - cost, best, -1)[:, 0]
    realised = (paid - np.take_along_axis(cost, best, -1))[:, 0]
    traded = claimed > 0.0
    none = np.empty(0)
    return Evidence(
        d=advantage(found, pooled), ordinal=found.ordinal,
        lower=ndtr((found.settled - 0.5 - found.model_mean) / found.model_sd),
        upper=ndtr((found.settled + 0.5 - found.model_mean) / found.model_sd),
        claimed=claimed[traded], realised=realised[traded], traded_ordinal=found.ordinal[traded],
        closing=none, closing_ordinal=none.astype(np.int64), healthy=True,
    )  # fmt: skip


def gate_of(world: World, seed: int, *, learned: bool = False) -> Gate:
    """Return what the gate says of a world: of the pool at its first weight, or at the weights learned walk-forward."""
    found = history(world, seed)
    weight: FloatArray | float = PRIOR_WEIGHT
    if learned:
        asked = found.ordinal - EMBARGO_DAYS + 1
        weight = weights_as_of(found.model, found.market, found.winner, found.ordinal, asked).weight
    return gate(evidence(found, log_pool(found.model, found.market, weight)[0]))


def filter_spans(found: History, prior_variance: float) -> tuple[FloatArray, FloatArray]:
    """Return the spans of the settled readings under the desk's filter of the raw forecast, walk-forward, (n_events,)."""
    n_stations = int(found.station.max()) + 1
    settled = found.settled.astype(np.float64)
    residual = (settled - found.forecast).reshape(-1, n_stations)
    rows = filter_rows(residual, found.ordinal[::n_stations], np.array(prior_variance), np.zeros(1), embargo=EMBARGO_DAYS)
    rounded = (1.0 - PRIOR_SPREAD_DAYS / rows.df) * ROUNDING_VARIANCE  # as in `learned_spread`
    sd = np.sqrt(np.square(rows.scale) - rounded).ravel()
    location, df = found.forecast + rows.mean.ravel(), np.full(sd.shape, MOST_DF)
    return law_cdf(settled - 0.5, location, sd, df), law_cdf(settled + 0.5, location, sd, df)


@dataclass(frozen=True, slots=True)
class Bar:
    """One promise of SCIENCE 6.3: what was found over `n` seeds or events, and what it must be."""

    name: str
    value: float
    least: float
    most: float
    n: int

    @property
    def passed(self) -> bool:
        return self.least <= self.value <= self.most


def filter_coverage(seeds: int) -> Bar:
    """80 % coverage of the filter under drifting bias and spread; 5,120 events a seed."""
    spans = [filter_spans(history(DRIFTING, seed), 2.4 * 2.4) for seed in range(seeds)]
    share = np.concatenate([covered(low, high, 0.8) for low, high in spans])
    return Bar("coverage of the filter's central 80 %", float(share.mean()), 0.78, 0.82, len(share))


def weight_near_optimum(seeds: int) -> Bar:
    """Share of equal-skill worlds of 5,000 events in which the learned weight lies within .15 of its optimum, one half."""
    found = [history(replace(EQUAL, days=625), seed) for seed in range(seeds)]
    weights = np.array([learned_weight(each.model, each.market, each.winner).weight for each in found])
    return Bar("learned weight within .15 of one half", float((np.abs(weights - 0.5) <= 0.15).mean()), 0.95, 1.0, seeds)


def size_none(name: str, world: World, least: float, most: float, *, learned: bool = False) -> Callable[[int], Bar]:
    """Return the bar on the share of seeds whose gate says `none`."""

    def share(seeds: int) -> Bar:
        sizes = [gate_of(world, seed, learned=learned).size for seed in range(seeds)]
        return Bar(f"size none, {name}", sizes.count("none") / seeds, least, most, seeds)

    return share


def interval_coverage(seeds: int) -> Bar:
    """Share of equal-skill worlds whose 90 % interval of ln model - ln market holds the truth, 0 by symmetry."""
    held = 0
    for seed in range(seeds):
        found = history(replace(EQUAL, days=250), seed)
        interval = date_interval(advantage(found, found.model), found.ordinal)
        held += interval is not None and interval.low <= 0.0 <= interval.high
    slack = 2.6 * np.sqrt(0.09 / seeds)
    return Bar("90 % date-block interval holds the truth", held / seeds, 0.9 - slack, min(0.9 + slack, 1.0), seeds)


def null_rejections(seeds: int) -> Bar:
    """Share of equal-skill worlds in which the Diebold-Mariano test rejects at 10 %."""
    rejected = 0
    for seed in range(seeds):
        found = history(replace(EQUAL, days=250), seed)
        daily = per_date(advantage(found, found.model), found.ordinal)[1]
        rejected += diebold_mariano(daily, horizon=1, lag=1).p_value < 0.1
    slack = 2.6 * np.sqrt(0.09 / seeds)
    return Bar("Diebold-Mariano rejects a true null at 10 %", rejected / seeds, max(0.1 - slack, 0.0), 0.1 + slack, seeds)


LONG_DAYS = 2_500  # with 8 stations 20,000 events; about 14,000 make the worse model show in 95 % of worlds
BARS: dict[str, Callable[[int], Bar]] = {
    "coverage": filter_coverage,
    "weight": weight_near_optimum,
    "worse": size_none("model worse", replace(WORSE, days=LONG_DAYS), 0.95, 1.0),
    "better": size_none("model better", replace(BETTER, days=LONG_DAYS), 0.0, 0.0),
    "interval": interval_coverage,
    "null": null_rejections,
}


def needed(world: World, seeds: int = 20) -> str:
    """Return mean and sd of the advantage of the first pool, and how many events show it, as a sentence."""
    found = [history(replace(world, days=2_000), 1_000 + seed) for seed in range(seeds)]
    d = [advantage(each, log_pool(each.model, each.market, PRIOR_WEIGHT)[0]) for each in found]
    mean, sd = float(np.mean(d)), float(np.std(d))
    effect = float(np.mean([design_effect(each, one.ordinal) for each, one in zip(d, found, strict=True)]))
    n = events_needed(mean, sd, power=0.95, alpha=0.1, design_effect=effect)
    return f"d {mean:+.4f}, sd {sd:.3f}, design effect {effect:.2f}: {n:,} events show it in 95 % of worlds"


def main(seeds: int) -> int:
    """Print every bar; 1 if one is missed."""
    lines = [f"{name:7s} {needed(world)}" for name, world in (("equal", EQUAL), ("worse", WORSE), ("better", BETTER))]
    bars = [bar(seeds) for bar in BARS.values()]
    lines += [
        f"{'pass' if bar.passed else 'MISS'}  {bar.name}: {bar.value:.4f} (from {bar.least:.3f} to {bar.most:.3f}, n = {bar.n})"
        for bar in bars
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return int(not all(bar.passed for bar in bars))


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
