"""From a law of the true extreme to the mass of every reading and bracket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtr

from agents.weather.excess import at_most, is_official
from agents.weather.hold import Hold, held
from agents.weather.law import Law
from core.model.event import Event
from core.model.rule import Extreme
from core.model.station import ReportPrecision
from core.readings import attainable, edges
from core.units import BoolArray, FloatArray, IntArray

MARGIN = 24  # readings kept apart beyond the tails' own edges; what lies further out counts at the last one
PADDED = 1 << 40  # a reading that does not exist
EIGHT = 8.0  # degrees of freedom of the desk's own law, which has a short closed form
# How often the source prints something else than the chain says; SCIENCE 2.5.
SOURCE_RISK = {"nws_climate_report": 0.01, "weather_company": 0.01}
LISTED_RISK = 0.02


@dataclass(frozen=True, slots=True)
class Lattice:
    """Attainable readings of each event and where its brackets lie among them.

    Shapes (n_events, n_readings) and (n_events, n_brackets), padded: readings with PADDED and edges with +inf, brackets
    with `exists` False. A bracket is the readings `first`..`last - 1` of the cumulative sum that starts with 0.
    """

    readings: IntArray
    upper: FloatArray  # edge above each reading [rule's unit]; +inf for the last
    high: BoolArray  # (n_events,) False: a lowest temperature
    official: BoolArray  # (n_events,) the extreme of all of the day, not of its reports
    risk: FloatArray  # (n_events,)
    first: IntArray
    last: IntArray
    exists: BoolArray


@dataclass(frozen=True, slots=True)
class _Grid:
    readings: IntArray
    upper: FloatArray
    first: IntArray
    last: IntArray


def lattice_of(events: Sequence[tuple[Event, ReportPrecision]]) -> Lattice:
    """Return the readings and brackets of events; one without a ladder has one reading and no bracket."""
    grids = [_grid(event, precision) for event, precision in events]
    n_readings = max((len(grid.readings) for grid in grids), default=1)
    n_brackets = max((len(grid.first) for grid in grids), default=1) or 1
    return Lattice(
        readings=_stacked([grid.readings for grid in grids], n_readings, PADDED, np.int64),
        upper=_stacked([grid.upper for grid in grids], n_readings, np.inf, np.float64),
        high=np.array([event.extreme is Extreme.HIGH for event, _ in events], np.bool_),
        official=np.array([is_official(event.rule.statistic) for event, _ in events], np.bool_),
        risk=np.array([SOURCE_RISK.get(event.rule.source, LISTED_RISK) for event, _ in events], np.float64),
        first=_stacked([grid.first for grid in grids], n_brackets, 0, np.int64),
        last=_stacked([grid.last for grid in grids], n_brackets, 0, np.int64),
        exists=_stacked([np.ones(len(grid.first), np.bool_) for grid in grids], n_brackets, False, np.bool_),
    )


def _stacked(rows: Sequence[NDArray[Any]], width: int, fill: float, dtype: type) -> NDArray[Any]:
    stacked: NDArray[Any] = np.full((len(rows), width), fill, dtype)
    for i, row in enumerate(rows):
        stacked[i, : len(row)] = row
    return stacked


@lru_cache(maxsize=4_096)
def _grid(event: Event, precision: ReportPrecision) -> _Grid:
    if not event.ladder:
        nothing = np.empty(0, np.int64)
        return _Grid(np.zeros(1, np.int64), np.array([np.inf]), nothing, nothing)
    coldest, warmest = event.ladder[0].upper, event.ladder[-1].lower
    assert coldest is not None
    assert warmest is not None  # a checked ladder ends in open tails
    readings = attainable(event.rule, precision, coldest - MARGIN, warmest + MARGIN)
    upper = edges(event.rule, precision, readings)[1].copy()
    upper[-1] = np.inf
    # A bracket ends where the next begins: the first attainable reading at or above its lower edge.
    starts = [0 if b.lower is None else int(np.searchsorted(readings, b.lower)) for b in event.ladder]
    return _Grid(readings, upper, np.array(starts, np.int64), np.array([*starts[1:], len(readings)], np.int64))


def law_cdf(value: FloatArray, location: FloatArray, sd: FloatArray, df: FloatArray) -> FloatArray:
    """Return the probability that the law lies at or below `value`; all shapes broadcast.

    Args:
        value: [rule's unit]; +-inf allowed.
        location: centre [rule's unit]; NaN stays NaN.
        sd: standard deviation [rule's unit], 0: all mass at `location`.
        df: degrees of freedom of Student's t, scaled to `sd`; inf: the normal law.
    """
    certain = np.less_equal(sd, 0)
    finite = np.isfinite(df)
    shrink = np.sqrt(np.where(finite, (df - 2.0) / np.where(finite, df, 1.0), 1.0))
    z = (value - location) / np.where(certain, 1.0, sd * shrink)
    eight = ~certain & np.equal(df, EIGHT)
    normal = ~certain & ~finite
    for chosen, cdf in ((eight, _eight), (normal, ndtr)):
        if chosen.all():
            return np.asarray(cdf(z), np.float64)
    step = np.where(np.isnan(location), np.nan, np.where(np.greater_equal(value, location), 1.0, 0.0))
    out = np.array(np.broadcast_to(np.where(certain, step, np.nan), z.shape))
    df, eight, normal, certain = (np.broadcast_to(part, out.shape) for part in (df, eight, normal, certain))
    for chosen, cdf in ((eight, _eight), (normal, ndtr)):
        if chosen.any():
            out[chosen] = cdf(z[chosen])
    other = ~certain & ~eight & ~normal
    if other.any():
        out[other] = stdtr(df[other], z[other])
    return out


def _eight(z: FloatArray) -> FloatArray:
    """Student's t with eight degrees of freedom: for an even number its integral is a polynomial."""
    bounded = np.clip(z, -1e100, 1e100)
    squared = EIGHT + np.square(bounded)
    sine, cosine = bounded / np.sqrt(squared), EIGHT / squared
    return 0.5 + 0.5 * sine * (1.0 + cosine * (0.5 + cosine * (0.375 + cosine * 0.3125)))


def mixture_cdf(value: FloatArray, law: Law) -> FloatArray:
    """Return the probability that a law lies at or below `value`, one component after another; NaN without an opinion.

    Args:
        value: [rule's unit], shape (n_instants, n_events, k) or one that broadcasts to it.
        law: of each event at each instant.
    """
    if law.weight.shape[-1] == 1:
        return law_cdf(value, law.location, law.sd, law.df)
    added = np.where(np.isnan(law.location[..., :1]), np.nan, 0.0)
    for k in range(law.weight.shape[-1]):
        weight, location, sd, df = (part[..., k : k + 1] for part in (law.weight, law.location, law.sd, law.df))
        added = added + np.where(weight > 0, weight * law_cdf(value, location, sd, df), 0.0)
    return added


def cumulative(
    lattice: Lattice, law: Law, floor: FloatArray, loose: FloatArray | None = None, *, excess_law: FloatArray | None = None,
    soft: FloatArray | None = None, hold: Hold | None = None, source_risk: bool = True,
) -> FloatArray:  # fmt: skip
    """Return P(reading <= r) at each reading, a leading 0 before them, shape (n_instants, n_events, n_readings + 1).

    What was observed censors: of a highest temperature everything below the floor counts at the floor (of a lowest one,
    everything above). Nothing is renormalised: differences of this sum are the masses, and they add up by construction.

    Args:
        lattice: of the events.
        law: of the extreme, shape (n_instants, n_events, n_components).
        floor: reading observed so far [rule's unit], shape (n_instants, n_events); NaN: none.
        loose: extreme of the reports that an official extreme may have gone beyond unseen, same shape; NaN or None: none.
        excess_law: of how far it goes, shape (n_instants, n_events, 5); None: that of `excess`.
        soft: chance that what was seen without binding leaves each reading possible, of `spikes.soft_floor`; None: all is.
        hold: what is known besides of whether the floor stands; None: nothing.
        source_risk: mix in the chance that the source prints a neighbour.
    """
    cdf = mixture_cdf(lattice.upper, law)
    bound = np.where(np.isnan(floor), np.where(lattice.high, -np.inf, np.inf), floor)[..., None]
    high = lattice.high[:, None]
    if hold is not None:
        cdf = held(cdf, lattice.readings == bound, lattice.high, hold)
    if loose is not None and np.isfinite(loose).any():
        cdf = _gone_beyond(cdf, lattice, loose, excess_law)
    if soft is not None:
        lower = np.where(soft == 1.0, cdf, 1.0 - (1.0 - cdf) * soft)  # where nothing is doubted no bit may change
        cdf = np.where(lattice.high[:, None], cdf * soft, lower)
    nothing = np.isnan(law.location[..., :1])
    cdf = np.where((lattice.readings < bound) & high, 0.0, cdf)
    if not high.all():
        cdf = np.where((lattice.readings >= bound) & ~high, 1.0, cdf)
    cdf = np.where(np.isinf(lattice.upper), 1.0, cdf)
    cdf = np.where(nothing, np.nan, cdf)
    if source_risk:
        cdf = _with_source_risk(cdf, lattice.risk[:, None])
    return np.concatenate([np.zeros_like(cdf[..., :1]), cdf], axis=-1)


def _gone_beyond(cdf: FloatArray, lattice: Lattice, loose: FloatArray, excess_law: FloatArray | None) -> FloatArray:
    """Return the law of the further out of two: what still comes, and what came between the reports."""
    told = loose[..., None]
    above = cdf * at_most(lattice.readings - told, excess_law)
    below = 1.0 - (1.0 - cdf) * at_most(told - 1.0 - lattice.readings, excess_law)
    return np.where(np.isnan(told), cdf, np.where(lattice.high[:, None], above, below))


def _with_source_risk(cdf: FloatArray, risk: FloatArray) -> FloatArray:
    """Mix with the law whose every reading leaks a quarter of its mass to each neighbour."""
    below = np.concatenate([np.zeros_like(cdf[..., :1]), cdf[..., :-1]], axis=-1)
    above = np.concatenate([cdf[..., 1:], np.ones_like(cdf[..., :1])], axis=-1)
    spread = 0.25 * below + 0.5 * cdf + 0.25 * above
    mixed = cdf + risk * (spread - cdf)
    mixed[..., -1] = np.where(np.isnan(cdf[..., 0]), np.nan, 1.0)
    return mixed


def bracket_mass(lattice: Lattice, summed: FloatArray) -> FloatArray:
    """Return the mass of each bracket, shape (n_instants, n_events, n_brackets); 0 where there is no bracket."""
    shape = (*summed.shape[:-1], lattice.first.shape[-1])
    low = np.take_along_axis(summed, np.broadcast_to(lattice.first, shape), -1)
    high = np.take_along_axis(summed, np.broadcast_to(lattice.last, shape), -1)
    return np.where(lattice.exists, high - low, 0.0)


def reading_mass(summed: FloatArray) -> FloatArray:
    """Return the mass of each attainable reading, shape (n_instants, n_events, n_readings)."""
    return np.diff(summed, axis=-1)
