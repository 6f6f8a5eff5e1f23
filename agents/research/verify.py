"""Model, market, pool and rivals scored on the same settled days. Pure: what was believed and what came go in, means come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from agents.research.rivals import CORRECTED, RAW
from agents.weather.discretise import law_cdf
from core.checkpoints import CHECKPOINTS
from core.metrics.calibration import Decomposition, calibration, reliability
from core.metrics.inference import (
    Claim,
    Interval,
    date_interval,
    design_effect,
    diebold_mariano,
    events_needed,
    least_detectable,
    per_date,
    ratio_interval,
    sufficiency,
)
from core.metrics.scores import LOG_FLOOR, brier, log_score
from core.units import FloatArray, IntArray

CENTRAL = 0.8
WIDEST = 2.56 * 1.05  # central 80 % of a normal law in sds, and a twentieth more; SCIENCE 6.3
NOTHING = float("nan")
HEAVY = 8.0  # degrees of freedom of the constant law


@dataclass(frozen=True, slots=True)
class Spoken:
    """One event at one checkpoint; probabilities are of its ladder, cold to warm, NaN: could not speak."""

    model: FloatArray
    market: FloatArray
    print_age_seconds: float  # of the book, or median over the brackets that were printed; NaN: none
    pooled: FloatArray | None = None
    lower: float = NOTHING  # span of the integral transform
    upper: float = NOTHING
    rps: float = NOTHING  # on whole degrees
    width: float = NOTHING  # of the central 80 %
    traded: bool = False  # the desk wanted a position


@dataclass(frozen=True, slots=True)
class Ahead:
    """One event at the first checkpoint on whole degrees Fahrenheit: ranked probability scores, and where it fell."""

    model: float
    rivals: Mapping[str, float]
    lower: float = NOTHING
    upper: float = NOTHING
    width: float = NOTHING
    residual: float = NOTHING  # settled less the forecast
    miss: float = NOTHING  # settled less the mean of the law


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
    station: str = ""


@dataclass(frozen=True, slots=True)
class SettlementScore:
    """How often our own reading of the reports gives the venue's bracket, and its value, out of `n` days with a value."""

    bracket_agree: int
    value_agree: int
    n: int


@dataclass(frozen=True, slots=True)
class Advantage:
    """Mean of ln p - ln q of what settled [nats per event; positive is better than the market] and what it is worth."""

    interval: Interval | None  # 90 %, by dates
    p_value: float | None  # Diebold-Mariano over dates, two-sided
    least_detectable: float | None  # smallest true mean that so many events find four times in five
    events_needed: int | None  # for a mean as large as the one found
    verdict: str  # what may be said of it


@dataclass(frozen=True, slots=True)
class CheckpointScore:
    """Means over the events at which both model and market spoke; over all of the market's where it stands alone."""

    at: str
    n: int
    model_log: float | None = None
    market_log: float | None = None
    model_brier: float | None = None
    market_brier: float | None = None
    model_top: float | None = None
    market_top: float | None = None
    median_print_age_s: float | None = None
    pooled_log: float | None = None
    pooled_brier: float | None = None
    floor_hits: tuple[int, int] = (0, 0)  # events spared by the floor of the log score: model, market
    rps: float | None = None  # of the model on whole degrees
    coverage80: float | None = None
    coverage_band: tuple[float, float] | None = None  # within which an honest 80 % lies
    width80: float | None = None
    pit_mean: float | None = None
    pit_spread: float | None = None  # 12 times the variance: above 1 is over-confident
    pit_shares: tuple[float, ...] = ()
    pit_half_width: float | None = None
    model_corp: Decomposition | None = None  # of the Brier score of all brackets
    market_corp: Decomposition | None = None
    model_advantage: Advantage | None = None
    pooled_advantage: Advantage | None = None
    n_traded: int = 0
    traded_advantage: Advantage | None = None  # of the pool, on what the desk would have traded


@dataclass(frozen=True, slots=True)
class DayAhead:
    """Model against rivals at the first checkpoint, in whole degrees Fahrenheit."""

    n: int = 0
    rps_model: float | None = None
    rps_baseline: float | None = None
    rps_bias_corrected: float | None = None
    change_pct: float | None = None
    ci90: tuple[float, float] | None = None
    coverage80: float | None = None
    width80: float | None = None
    against: Mapping[str, tuple[float, tuple[float, float] | None, int]] = field(
        default_factory=dict
    )  # change [%], interval, n
    residual_sd: float | None = None
    widest: float | None = None  # width that is still honest
    log_model: float | None = None  # of the settled degree
    log_constant: float | None = None  # of one law for all days around the same means, its sd fitted to these very days


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
        len(days), settlement_score(days),
        tuple(checkpoint_score(rank, days, market_alone=market_alone) for rank in range(len(CHECKPOINTS))),
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
    heard = [day for day in days if _complete(day.spoken[rank], market_alone)]
    name, spoken = CHECKPOINTS[rank].name, [day.spoken[rank] for day in heard]
    if not heard:
        return CheckpointScore(name, 0)
    winners = [day.winner for day in heard]
    ages = [each.print_age_seconds for each in spoken if np.isfinite(each.print_age_seconds)]
    market = [each.market for each in spoken]
    found = CheckpointScore(
        name, len(heard), **_means("market", market, winners),
        median_print_age_s=float(np.median(ages)) if ages else None, market_corp=_corp(market, winners),
    )  # fmt: skip
    return found if market_alone else _with_model(found, heard, spoken, winners)


def _with_model(
    found: CheckpointScore, heard: Sequence[ScoredDay], spoken: Sequence[Spoken], winners: Sequence[int]
) -> CheckpointScore:
    ordinal = np.array([day.day.toordinal() for day in heard], np.int64)
    model, market = [each.model for each in spoken], [each.market for each in spoken]
    pooled = [each.model if each.pooled is None else each.pooled for each in spoken]
    log_model, log_market, log_pooled = (_logs(each, winners) for each in (model, market, pooled))
    traded = np.array([each.traded for each in spoken], np.bool_)
    means = {**_means("model", model, winners), **_means("pooled", pooled, winners)}
    means.pop("pooled_top")
    known = {name: value for name in CheckpointScore.__slots__ if (value := getattr(found, name)) is not None}
    return CheckpointScore(**{
        **known, **means, **_calibrated(spoken, ordinal),
        "floor_hits": (_hits(model, winners), _hits(market, winners)), "model_corp": _corp(model, winners),
        "model_advantage": advantage(log_market - log_model, ordinal),
        "pooled_advantage": advantage(log_market - log_pooled, ordinal), "n_traded": int(traded.sum()),
        "traded_advantage": advantage((log_market - log_pooled)[traded], ordinal[traded]) if traded.any() else None,
    })  # fmt: skip


def _means(who: str, pmfs: Sequence[FloatArray], winners: Sequence[int]) -> dict[str, Any]:
    rules = (("log", log_score), ("brier", brier), ("top", top))
    return {
        f"{who}_{what}": float(np.mean([rule(pmf, np.array(winner)) for pmf, winner in zip(pmfs, winners, strict=True)]))
        for what, rule in rules
    }


def _logs(pmfs: Sequence[FloatArray], winners: Sequence[int]) -> FloatArray:
    return np.array([float(log_score(pmf, np.array(winner))) for pmf, winner in zip(pmfs, winners, strict=True)])


def _hits(pmfs: Sequence[FloatArray], winners: Sequence[int]) -> int:
    return sum(bool(pmf[winner] < LOG_FLOOR) for pmf, winner in zip(pmfs, winners, strict=True))


def _corp(pmfs: Sequence[FloatArray], winners: Sequence[int]) -> Decomposition:
    """Return miscalibration, discrimination and uncertainty of the probabilities of all brackets."""
    stated = np.concatenate(list(pmfs))
    came = np.concatenate([
        np.arange(len(pmf)) == winner for pmf, winner in zip(pmfs, winners, strict=True)
    ]).astype(np.float64)  # fmt: skip
    return reliability(stated, came).brier


def _calibrated(spoken: Sequence[Spoken], ordinal: IntArray) -> dict[str, Any]:
    lower, upper = (np.array([getattr(each, name) for each in spoken]) for name in ("lower", "upper"))
    rps, width = (np.array([getattr(each, name) for each in spoken]) for name in ("rps", "width"))
    known = np.isfinite(lower) & np.isfinite(upper)
    found = calibration(lower[known], upper[known], ordinal[known]) if known.any() else None
    means: dict[str, Any] = {"rps": _mean(rps), "width80": _mean(width)}
    if found is None:
        return means
    central = next(each for each in found.coverage if each.level == CENTRAL)
    return {
        **means, "coverage80": central.share, "coverage_band": (central.low, central.high), "pit_mean": found.mean,
        "pit_spread": found.spread, "pit_shares": found.flatness.shares, "pit_half_width": found.flatness.half_width,
    }  # fmt: skip


def _mean(values: FloatArray) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def advantage(gain: FloatArray, ordinal: IntArray) -> Advantage:
    """Return what a gain per event [nats] is worth, on the dates of the events."""
    n, dates = len(gain), len(np.unique(ordinal))
    interval = date_interval(gain, ordinal)
    if interval is None:
        return Advantage(None, None, None, None, sufficiency(Claim.BEATS_MARKET, n, dates).text)
    sd, effect = float(gain.std(ddof=1)), design_effect(gain, ordinal)
    enough = sufficiency(Claim.BEATS_MARKET, n, dates)
    verdict = "better" if interval.low > 0 else "worse" if interval.high < 0 else "not told apart"
    return Advantage(
        interval, diebold_mariano(per_date(gain, ordinal)[1]).p_value if sd > 0 else None,
        least_detectable(sd, n, design_effect=effect),
        events_needed(interval.mean, sd, design_effect=effect) if sd > 0 else None,
        verdict if enough.enough or interval.high < 0 else f"{verdict}; {enough.text}",
    )  # fmt: skip


def top(pmf: FloatArray, outcome: IntArray) -> float:
    """Return 1 where the likeliest bracket won, else 0."""
    return float(int(np.argmax(pmf)) == int(outcome))


def _complete(spoken: Spoken, market_alone: bool) -> bool:
    return bool(np.isfinite(spoken.market).all() and (market_alone or np.isfinite(spoken.model).all()))


def day_ahead(days: Sequence[ScoredDay]) -> DayAhead:
    """Return the means over the days that the two fixed rivals have laws for, and the change against every rival on its own."""
    laws = [
        (day.day.toordinal(), day.ahead) for day in days if day.ahead is not None and {RAW, CORRECTED} <= set(day.ahead.rivals)
    ]
    if not laws:
        return DayAhead()
    ordinal, each = np.array([day for day, _ in laws], np.int64), [law for _, law in laws]
    model = np.array([law.model for law in each])
    names = list(dict.fromkeys(name for law in each for name in law.rivals))
    against = {}
    for name in names:
        there = np.array([name in law.rivals for law in each])
        rival = np.array([law.rivals[name] for law in each if name in law.rivals])
        against[name] = _change(model[there], rival, ordinal[there])
    raw, corrected = (np.array([law.rivals[name] for law in each]) for name in (RAW, CORRECTED))
    lower, upper, width = (np.array([getattr(law, name) for law in each]) for name in ("lower", "upper", "width"))
    found = calibration(lower, upper, ordinal) if np.isfinite(lower).all() else None
    return DayAhead(
        n=len(each), rps_model=float(model.mean()), rps_baseline=float(raw.mean()), rps_bias_corrected=float(corrected.mean()),
        change_pct=against[RAW][0], ci90=against[RAW][1], width80=_mean(width), against=against,
        coverage80=None if found is None else next(one.share for one in found.coverage if one.level == CENTRAL),
        **_sharpness(each),
    )  # fmt: skip


def _sharpness(laws: Sequence[Ahead]) -> dict[str, float]:
    """Return width and log score beside those of one constant law around the same means."""
    miss, span = np.array([law.miss for law in laws]), np.array([law.upper - law.lower for law in laws])
    if not np.isfinite(miss).all() or not np.isfinite(span).all():
        return {}
    sd = np.full(len(miss), max(float(np.sqrt(np.mean(np.square(miss)))), 1e-6))
    edges = (law_cdf(miss + half, np.zeros(len(miss)), sd, np.full(len(miss), HEAVY)) for half in (0.5, -0.5))
    constant = next(edges) - next(edges)
    return {
        "residual_sd": float(sd[0]), "widest": WIDEST * float(sd[0]),
        "log_model": float(-np.log(np.maximum(span, LOG_FLOOR)).mean()),
        "log_constant": float(-np.log(np.maximum(constant, LOG_FLOOR)).mean()),
    }  # fmt: skip


def _change(model: FloatArray, rival: FloatArray, ordinal: IntArray) -> tuple[float, tuple[float, float] | None, int]:
    found = ratio_interval(model, rival, ordinal)
    return change_pct(float(model.sum()), float(rival.sum())), None if found is None else (found.low, found.high), len(model)


def change_pct(model: float, rival: float) -> float:
    """Return by how much a score differs from a rival's [%]; negative is better."""
    return 100.0 * (model / rival - 1.0)
