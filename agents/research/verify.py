"""Model and market scored on the same settled days, at the same instants, from what was known at each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from scipy.special import ndtr

from agents.weather.market import power_devig
from core.days import standard_offset
from core.metrics.scores import ranked_probability_score
from core.model.event import Event
from core.model.record import Kind
from core.store.archive import View
from core.units import FloatArray, IntArray, micros

FLOOR = 0.002  # least probability that a log score sees; SCIENCE 3.1
NEVER_PRINTED = 0.005  # price of a bracket without a print; SCIENCE 3.3
GRID = np.arange(-80, 141)  # whole degrees on which distributions are compared
TRAILING_DAYS = 365
EMBARGO_DAYS = 2


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An instant of every event day, in the station's standard time, before the routine report of that hour."""

    name: str
    day_offset: int
    hour: int
    minute: int = 45

    def at(self, tz: str, event_day: date) -> datetime:
        """Return the instant of the checkpoint for an event day."""
        local = datetime(event_day.year, event_day.month, event_day.day, self.hour, self.minute, tzinfo=UTC)
        return local + timedelta(days=self.day_offset) - standard_offset(tz, event_day.year)


CHECKPOINTS = (
    Checkpoint("17:45 D-1", -1, 17),
    Checkpoint("08:45", 0, 8),
    Checkpoint("10:45", 0, 10),
    Checkpoint("12:45", 0, 12),
    Checkpoint("14:45", 0, 14),
)
DAY1 = CHECKPOINTS[0]


@dataclass(frozen=True, slots=True)
class Scored:
    """One event at one checkpoint; probabilities are of its ladder, cold to warm."""

    event_id: str
    day: date
    model: FloatArray  # NaN: the model could not speak
    market: FloatArray
    winner: int
    median_print_age_seconds: float


@dataclass(frozen=True, slots=True)
class CheckpointScore:
    """Means over the events at which both model and market spoke."""

    at: str
    n: int
    model_log: float | None
    market_log: float | None
    model_brier: float | None
    market_brier: float | None
    model_top: float | None
    market_top: float | None
    median_print_age_s: float | None


def market_at(view: View, event: Event, at: datetime) -> tuple[FloatArray, float]:
    """Return the market's distribution from last prints at or before `at`, and their median age [s].

    A bracket that was never printed counts half a cent; the prices are de-vigged by the power method.
    """
    stack = view.stack(Kind.PRINTS, event.event_id, at - timedelta(days=4))
    instants = np.repeat(stack.received_at, np.diff(stack.offsets))
    seen = instants <= micros(at)
    prices, ages = np.full(len(event.ladder), NEVER_PRINTED), []
    for rank, bracket in enumerate(event.ladder):
        rows = np.flatnonzero(seen & (stack.columns["market_id"] == bracket.market_id)) if len(stack) else np.empty(0, np.int64)
        if len(rows):
            prices[rank] = stack.columns["yes_price_micro"][rows[-1]] / 1e6
            ages.append((micros(at) - int(instants[rows[-1]])) / 1e6)
    return power_devig(prices[None, :])[0], float(np.median(ages)) if ages else float("nan")


def checkpoint_score(name: str, scored: Sequence[Scored]) -> CheckpointScore:
    """Return the mean scores of one checkpoint."""
    both = [each for each in scored if np.isfinite(each.model).all() and np.isfinite(each.market).all()]
    if not both:
        return CheckpointScore(name, 0, None, None, None, None, None, None, None)
    ages = [each.median_print_age_seconds for each in both if np.isfinite(each.median_print_age_seconds)]
    mean = {
        f"{who}_{what}": float(np.mean([score(getattr(each, who), each.winner) for each in both]))
        for who in ("model", "market")
        for what, score in (("log", _log), ("brier", _brier), ("top", _top))
    }
    return CheckpointScore(name, len(both), **mean, median_print_age_s=float(np.median(ages)) if ages else None)


def _log(probability: FloatArray, winner: int) -> float:
    return float(-np.log(np.maximum(probability[winner], FLOOR)))


def _brier(probability: FloatArray, winner: int) -> float:
    return float(np.square(probability - (np.arange(len(probability)) == winner)).sum())


def _top(probability: FloatArray, winner: int) -> float:
    return float(int(np.argmax(probability)) == winner)


@dataclass(frozen=True, slots=True)
class Truth:
    """What was forecast for each day and what came, oldest first; degrees Fahrenheit."""

    day: tuple[date, ...]
    sources: FloatArray  # (n_days, n_sources), NaN where a source was silent
    official: FloatArray  # (n_days,), NaN where no value was published

    @property
    def mean(self) -> FloatArray:
        """Return the equal-weight mean of every source that spoke."""
        spoke = np.isfinite(self.sources)
        count = spoke.sum(-1)
        added = np.where(spoke, self.sources, 0.0).sum(-1)
        mean: FloatArray = np.where(count > 0, added / np.maximum(count, 1), np.nan)
        return mean


@dataclass(frozen=True, slots=True)
class Baseline:
    """Gaussian laws of the rivals, one a day: mean and sd [degrees Fahrenheit]; NaN before a year of residuals."""

    raw_mean: FloatArray
    raw_sd: FloatArray
    corrected_mean: FloatArray
    corrected_sd: FloatArray


def baseline(truth: Truth) -> Baseline:
    """Return the fixed rivals of SCIENCE 6.3: the raw mean with its trailing RMSE, and the same with its bias taken out."""
    mean = truth.mean
    residual = truth.official - mean
    ordinal = np.array([day.toordinal() for day in truth.day])
    rows = [_trailing(ordinal, residual, each) for each in ordinal]
    rmse = np.array([np.sqrt(np.mean(np.square(row))) if len(row) >= 30 else np.nan for row in rows])
    bias = np.array([row.mean() if len(row) >= 30 else np.nan for row in rows])
    spread = np.array([row.std() if len(row) >= 30 else np.nan for row in rows])
    return Baseline(mean, rmse, mean + bias, spread)


def _trailing(ordinal: IntArray, residual: FloatArray, day: int) -> FloatArray:
    inside = (ordinal <= day - EMBARGO_DAYS) & (ordinal > day - EMBARGO_DAYS - TRAILING_DAYS) & np.isfinite(residual)
    trailing: FloatArray = residual[inside]
    return trailing


def gaussian_pmf(mean: float, sd: float) -> FloatArray:
    """Return the mass of each whole degree of `GRID` under a rounded normal law; the tails belong to the ends."""
    cdf = ndtr((GRID[:-1] + 0.5 - mean) / sd)
    pmf: FloatArray = np.diff(np.r_[0.0, cdf, 1.0])
    return pmf


def on_grid(readings: IntArray, pmf: FloatArray) -> FloatArray:
    """Return a pmf over attainable readings as mass on `GRID`."""
    mass = np.zeros(len(GRID))
    np.add.at(mass, np.clip(readings, GRID[0], GRID[-1]) - GRID[0], pmf)
    return mass


def rps(pmf: FloatArray, reading: int) -> float:
    """Return the ranked probability score on whole degrees [degrees]."""
    return float(ranked_probability_score(pmf, np.array(reading - GRID[0])))


def coverage80(pmf: FloatArray, reading: int) -> float:
    """Return how much of the settled reading's own mass lies in the central 80 %: the randomised PIT, integrated."""
    cdf, index = np.cumsum(pmf), reading - GRID[0]
    top, mass = cdf[index], pmf[index]
    if mass <= 0:
        return 0.0
    return float(max(0.0, min(top, 0.9) - max(top - mass, 0.1)) / mass)


def width80(pmf: FloatArray) -> float:
    """Return the distance of the 10 % and 90 % quantiles [degrees], mass spread evenly over each degree."""
    cdf = np.r_[0.0, np.cumsum(pmf)]
    edges = np.r_[GRID - 0.5, GRID[-1] + 0.5]
    low, high = np.interp([0.1, 0.9], cdf, edges)
    return float(high - low)


@dataclass(frozen=True, slots=True)
class Day1:
    """Model against rivals at 17:45 standard time of the day before."""

    n: int
    rps_model: float | None
    rps_baseline: float | None
    rps_bias_corrected: float | None
    change_pct: float | None
    ci90: tuple[float, float] | None
    coverage80: float | None
    width80: float | None


def day1(rows: Sequence[Mapping[str, float]], days: Sequence[date]) -> Day1:
    """Return the means of `rows` (rps_model, rps_baseline, rps_bias_corrected, coverage80, width80), one an event."""
    if not rows:
        return Day1(0, None, None, None, None, None, None, None)
    column = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    mean = {name: float(np.nanmean(values)) if np.isfinite(values).any() else None for name, values in column.items()}
    model, base = column["rps_model"], column["rps_baseline"]
    both = np.isfinite(model) & np.isfinite(base)
    change = 100.0 * (model[both].mean() / base[both].mean() - 1.0) if both.any() else None
    interval = (
        _block_interval(model[both], base[both], np.array([d.toordinal() for d in days])[both]) if both.sum() >= 30 else None
    )
    return Day1(
        len(rows), mean["rps_model"], mean["rps_baseline"], mean["rps_bias_corrected"], change, interval,
        mean["coverage80"], mean["width80"],
    )  # fmt: skip


def _block_interval(model: FloatArray, base: FloatArray, ordinal: IntArray) -> tuple[float, float]:
    """Return the 90 % interval of the change in percent: blocks of seven dates, 2,000 seeded resamples."""
    dates = np.unique(ordinal)
    per_date = np.array([[model[ordinal == each].sum(), base[ordinal == each].sum()] for each in dates])
    chance, length = np.random.default_rng(20240816), 7
    starts = chance.integers(0, len(dates), (2_000, -(-len(dates) // length)))
    picked = (starts[..., None] + np.arange(length)) % len(dates)
    sums = per_date[picked.reshape(2_000, -1)[:, : len(dates)]].sum(1)
    low, high = np.quantile(100.0 * (sums[:, 0] / sums[:, 1] - 1.0), (0.05, 0.95))
    return float(low), float(high)
