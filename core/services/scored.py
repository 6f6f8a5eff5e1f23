"""How model, market and pool scored at the checkpoints, what may be said of the difference, and what claimed edges came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from core.checkpoints import CHECKPOINTS
from core.metrics.inference import (
    Claim,
    date_interval,
    design_effect,
    diebold_mariano,
    least_detectable,
    per_date,
    sufficiency,
)
from core.metrics.scores import LOG_FLOOR, brier, floor_hits, log_score, ranked_probability_score, settled_probability
from core.services.settled import Settled
from core.services.values import number
from core.units import BoolArray, FloatArray, IntArray

SPEAKERS = ("model", "market", "pooled")
GROUP, MOST_GROUPS = 30, 5  # traded events of one point of the curve of edges, and the most points
MIXED = "all checkpoints"


@dataclass(frozen=True, slots=True)
class Marks:
    """Mean scores of one speaker over the events of a row; of all but `top` less is better."""

    log: float  # [nats]
    brier: float
    top: float  # share of events whose likeliest bracket won
    rps: float  # on the ladder [brackets]
    floor_hits: int  # winners that were given less than the least probability charged


@dataclass(frozen=True, slots=True)
class Advantage:
    """Log score of the market less that of the pool [nats per event]: above 0 the pool is better. None: cannot be said yet."""

    mean: float | None
    low: float | None  # 90 % by dates
    high: float | None
    n: int
    n_dates: int
    least_detectable: float | None  # smallest true mean that so many events find four times in five
    p_value: float | None  # that both are alike
    verdict: str


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """The events of one checkpoint for which all three spoke."""

    checkpoint: str
    n: int
    n_dates: int
    model: Marks | None  # before its recalibration
    market: Marks | None
    pooled: Marks | None  # with the weight that was known then
    rps_degrees: (
        float | None
    )  # of the model on whole degrees, over `n_degrees` events whose reading is known; None of two units
    n_degrees: int
    market_age_seconds: float | None  # median age of the book, or of the last prints, that the market spoke by
    advantage: Advantage


@dataclass(frozen=True, slots=True)
class Scores:
    """`n` events match; `traded` are the same rows over what the desk would have traded."""

    as_of: datetime
    source: str
    n: int
    rows: tuple[ScoreRow, ...]
    traded: tuple[ScoreRow, ...]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class EdgePoint:
    """Some traded events of like claimed edge; edges in USD per share, interval None below 30 dates."""

    claimed: float
    realised: float
    low: float | None
    high: float | None
    n: int
    n_dates: int


@dataclass(frozen=True, slots=True)
class EdgeCurve:
    """Claimed against realised edge of what the desk would have traded, smallest claim first."""

    as_of: datetime
    source: str
    n: int
    n_dates: int
    checkpoint: str
    total: EdgePoint | None  # all of them
    points: tuple[EdgePoint, ...]
    verdict: str  # "enough", or how many trades are missing for a claim
    missing: str = ""


def score_rows(settled: Settled, *, traded: bool = False, alone: bool = False) -> tuple[ScoreRow, ...]:
    """Return a row for each checkpoint.

    Args:
        traded: only what the desk would have traded.
        alone: the events are of one station, for which fewer are asked before anything is said.
    """
    return tuple(_row(settled, place, traded=traded, alone=alone) for place in range(len(CHECKPOINTS)))


def _row(settled: Settled, place: int, *, traded: bool, alone: bool) -> ScoreRow:
    rows = np.flatnonzero(spoken(settled, place) & (np.isfinite(settled.claimed[:, place]) | (not traded)))
    winner, ordinal = settled.winner[rows], settled.ordinal[rows]
    pmfs = {name: getattr(settled, name)[rows, place] for name in SPEAKERS}
    degrees = settled.rps[rows, place]
    known, age = np.isfinite(degrees), settled.market_age[rows, place]
    n_dates = len(np.unique(ordinal))
    gain = log_score(pmfs["market"], winner) - log_score(pmfs["pooled"], winner)
    return ScoreRow(
        CHECKPOINTS[place].name, len(rows), n_dates, **{name: _marks(pmf, winner) for name, pmf in pmfs.items()},
        rps_degrees=number(degrees[known].mean()) if one_unit(settled.unit[rows[known]]) else None, n_degrees=int(known.sum()),
        market_age_seconds=number(np.median(age[np.isfinite(age)])) if np.isfinite(age).any() else None,
        advantage=advantage(gain, ordinal, Claim.STATION if alone else Claim.BEATS_MARKET),
    )  # fmt: skip


def one_unit(units: np.ndarray) -> bool:
    """Return whether there are events and all are in one unit: a mean over °F and °C is no number."""
    return len(set(units.tolist())) == 1


def spoken(settled: Settled, place: int) -> BoolArray:
    """Return of which events model, market and pool all gave the winner a probability at a checkpoint."""
    heard = (settled.winner >= 0) & (settled.winner < settled.n_brackets)
    winner = np.where(heard, settled.winner, 0)
    for name in SPEAKERS:
        heard = heard & np.isfinite(settled_probability(getattr(settled, name)[:, place], winner))
    return heard


def _marks(pmf: FloatArray, winner: IntArray) -> Marks | None:
    if not len(winner):
        return None
    return Marks(
        float(log_score(pmf, winner).mean()), float(brier(pmf, winner).mean()), float((pmf.argmax(axis=-1) == winner).mean()),
        float(ranked_probability_score(pmf, winner).mean()), int(floor_hits(pmf, winner, LOG_FLOOR).sum()),
    )  # fmt: skip


def advantage(gain: FloatArray, ordinal: IntArray, claim: Claim) -> Advantage:
    """Return what a gain per event [nats] is worth on the dates of its events, and what may be said of it."""
    n, n_dates = len(gain), len(np.unique(ordinal))
    enough, interval = sufficiency(claim, n, n_dates), date_interval(gain, ordinal)
    sd = float(gain.std(ddof=1)) if n > 1 else 0.0
    least = least_detectable(sd, n, design_effect=design_effect(gain, ordinal)) if sd > 0 else None
    if interval is None:
        return Advantage(float(gain.mean()) if n else None, None, None, n, n_dates, least, None, enough.text)
    said = "better than the market" if interval.low > 0 else "worse than the market" if interval.high < 0 else "not told apart"
    p_value = number(diebold_mariano(per_date(gain, ordinal)[1]).p_value)
    return Advantage(
        interval.mean, interval.low, interval.high, n, n_dates, least, p_value, said if enough.enough else enough.text
    )  # fmt: skip


def edge_points(settled: Settled, place: int | None) -> tuple[EdgePoint | None, tuple[EdgePoint, ...], str]:
    """Return all traded events of a checkpoint (None: of all) as one point, in groups of like claims, and what may be said."""
    places = slice(None) if place is None else slice(place, place + 1)
    claimed, realised = settled.claimed[:, places], settled.realised[:, places]
    known = np.isfinite(claimed) & np.isfinite(realised)
    ordinal = np.broadcast_to(settled.ordinal[:, None], claimed.shape)[known]
    claimed, realised = claimed[known], realised[known]
    n, n_dates = len(claimed), len(np.unique(ordinal))
    verdict = sufficiency(Claim.RETURN, n, n_dates).text
    if not n:
        return None, (), verdict
    order = np.argsort(claimed, kind="stable")
    groups = np.array_split(order, min(max(n // GROUP, 1), MOST_GROUPS))
    return (
        _point(claimed, realised, ordinal, order),
        tuple(_point(claimed, realised, ordinal, each) for each in groups),
        verdict,
    )


def _point(claimed: FloatArray, realised: FloatArray, ordinal: IntArray, rows: IntArray) -> EdgePoint:
    interval = date_interval(realised[rows], ordinal[rows])
    low, high = (interval.low, interval.high) if interval else (None, None)
    return EdgePoint(
        float(claimed[rows].mean()), float(realised[rows].mean()), low, high, len(rows), len(np.unique(ordinal[rows]))
    )  # fmt: skip


def place_of(checkpoint: str) -> int:
    """Return where a checkpoint stands among the scored ones."""
    return PLACES[checkpoint]


PLACES: Mapping[str, int] = {each.name: place for place, each in enumerate(CHECKPOINTS)}
