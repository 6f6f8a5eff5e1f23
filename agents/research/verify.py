"""Model, market and rivals scored on the same settled days. Pure: what was believed and what came go in, means come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from agents.research.rivals import GRID
from core.days import standard_offset
from core.metrics.scores import brier, coverage, log_score, ranked_probability_score
from core.units import FloatArray, IntArray

LEAST_DATES = 30  # below, no interval
BLOCK_DATES, RESAMPLES, SEED = 7, 2_000, 20_240_816
CENTRAL = 0.8


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


@dataclass(frozen=True, slots=True)
class Spoken:
    """One event at one checkpoint; probabilities are of its ladder, cold to warm, NaN: could not speak."""

    model: FloatArray
    market: FloatArray
    print_age_seconds: float  # median over the brackets that were printed; NaN: none


@dataclass(frozen=True, slots=True)
class Ahead:
    """Laws at the first checkpoint, as mass on `GRID`, and what settled."""

    model: FloatArray
    raw: FloatArray
    corrected: FloatArray
    value: int


@dataclass(frozen=True, slots=True)
class ScoredDay:
    """One settled event."""

    day: date
    winner: int  # rank in the ladder
    value: float | None  # that the venue published
    own_winner: int | None  # by the station's reports alone; None: it has none
    own_value: int | None
    spoken: tuple[Spoken, ...]  # at each of CHECKPOINTS
    ahead: Ahead | None  # None: model, rival or value is missing


@dataclass(frozen=True, slots=True)
class SettlementScore:
    """How often our own reading of the reports gives the venue's bracket, and its value, out of `n` days with a value."""

    bracket_agree: int
    value_agree: int
    n: int


@dataclass(frozen=True, slots=True)
class CheckpointScore:
    """Means over the events at which both model and market spoke; over all of the market's where it stands alone."""

    at: str
    n: int
    model_log: float | None
    market_log: float | None
    model_brier: float | None
    market_brier: float | None
    model_top: float | None
    market_top: float | None
    median_print_age_s: float | None


@dataclass(frozen=True, slots=True)
class DayAhead:
    """Model against rivals at the first checkpoint, in whole degrees Fahrenheit."""

    rps_model: float | None = None
    rps_baseline: float | None = None
    rps_bias_corrected: float | None = None
    change_pct: float | None = None
    ci90: tuple[float, float] | None = None
    coverage80: float | None = None
    width80: float | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """All that `verify` says of some days."""

    n_days: int
    settlement: SettlementScore
    checkpoints: tuple[CheckpointScore, ...]
    day1: DayAhead


def score(days: Sequence[ScoredDay], *, market_alone: bool = False) -> Score:
    """Return the scores of some settled events, in any order; `market_alone` where there is no forecast for any model."""
    return Score(
        len(days), settlement_score(days), tuple(checkpoint_score(rank, days, market_alone=market_alone) for rank in range(len(CHECKPOINTS))),
        day_ahead([day for day in days if day.ahead is not None]),
    )  # fmt: skip


def settlement_score(days: Sequence[ScoredDay]) -> SettlementScore:
    """Return how the reports alone would have settled the days that have any, and for which the venue published a value."""
    own = [day for day in days if day.own_winner is not None and day.value is not None]
    return SettlementScore(
        sum(day.own_winner == day.winner for day in own), sum(day.own_value == day.value for day in own), len(own)
    )


def checkpoint_score(rank: int, days: Sequence[ScoredDay], *, market_alone: bool = False) -> CheckpointScore:
    """Return the mean scores at one of CHECKPOINTS."""
    heard = [(day.spoken[rank], day.winner) for day in days if _complete(day.spoken[rank], market_alone)]
    name = CHECKPOINTS[rank].name
    if not heard:
        return CheckpointScore(name, 0, None, None, None, None, None, None, None)
    ages = [spoken.print_age_seconds for spoken, _ in heard if np.isfinite(spoken.print_age_seconds)]
    means = {
        f"{who}_{what}": float(np.mean([rule(getattr(spoken, who), np.array(winner)) for spoken, winner in heard]))
        if who == "market" or not market_alone
        else None
        for who in ("model", "market")
        for what, rule in (("log", log_score), ("brier", brier), ("top", top))
    }
    return CheckpointScore(name, len(heard), **means, median_print_age_s=float(np.median(ages)) if ages else None)


def top(pmf: FloatArray, outcome: IntArray) -> float:
    """Return 1 where the likeliest bracket won, else 0."""
    return float(int(np.argmax(pmf)) == int(outcome))


def _complete(spoken: Spoken, market_alone: bool) -> bool:
    return bool(np.isfinite(spoken.market).all() and (market_alone or np.isfinite(spoken.model).all()))


def on_grid(readings: IntArray, pmf: FloatArray) -> FloatArray:
    """Return a pmf over attainable readings as mass on `GRID`."""
    mass = np.zeros(len(GRID))
    np.add.at(mass, np.clip(readings, GRID[0], GRID[-1]) - GRID[0], pmf)
    return mass


def central_width(pmf: FloatArray) -> float:
    """Return the distance of the 10 % and 90 % quantiles [degrees], mass spread evenly over each degree."""
    edges = np.r_[GRID - 0.5, GRID[-1] + 0.5]
    low, high = np.interp([(1 - CENTRAL) / 2, (1 + CENTRAL) / 2], np.r_[0.0, np.cumsum(pmf)], edges)
    return float(high - low)


def day_ahead(days: Sequence[ScoredDay]) -> DayAhead:
    """Return the means over days that all have their laws and their value."""
    laws = [day.ahead for day in days if day.ahead is not None]
    if not laws:
        return DayAhead()
    settled = np.array([law.value for law in laws], np.int64) - GRID[0]
    model, raw, corrected = (
        ranked_probability_score(np.stack([getattr(law, name) for law in laws]), settled)
        for name in ("model", "raw", "corrected")
    )
    pmf = np.stack([law.model for law in laws])
    return DayAhead(
        rps_model=float(model.mean()), rps_baseline=float(raw.mean()), rps_bias_corrected=float(corrected.mean()),
        change_pct=change_pct(float(model.sum()), float(raw.sum())),
        ci90=block_interval(model, raw, np.array([day.day.toordinal() for day in days], np.int64)),
        coverage80=float(coverage(pmf, settled, CENTRAL).mean()), width80=float(np.mean([central_width(law) for law in pmf])),
    )  # fmt: skip


def change_pct(model: float, rival: float) -> float:
    """Return by how much a score differs from a rival's [%]; negative is better."""
    return 100.0 * (model / rival - 1.0)


def block_interval(model: FloatArray, rival: FloatArray, ordinal: IntArray) -> tuple[float, float] | None:
    """Return the 90 % interval of `change_pct`, None on too few dates.

    Resampled are blocks of consecutive dates, each with all its stations: errors of neighbours are alike.
    """
    dates = np.unique(ordinal)
    if len(dates) < LEAST_DATES:
        return None
    per_date = np.array([[model[ordinal == each].sum(), rival[ordinal == each].sum()] for each in dates])
    n_blocks = -(-len(dates) // BLOCK_DATES)
    starts = np.random.default_rng(SEED).integers(0, len(dates), (RESAMPLES, n_blocks))
    picked = ((starts[..., None] + np.arange(BLOCK_DATES)) % len(dates)).reshape(RESAMPLES, -1)[:, : len(dates)]
    sums = per_date[picked].sum(axis=1)
    low, high = np.quantile(100.0 * (sums[:, 0] / sums[:, 1] - 1.0), (0.05, 0.95))
    return float(low), float(high)
