"""Whether stated probabilities came true, and by how much forecasts missed: reliability, integral transform, errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from core.checkpoints import LOOKS
from core.metrics.calibration import Calibration, Decomposition, calibration, consistency_band, reliability
from core.metrics.inference import Claim, sufficiency
from core.services.scored import one_unit, place_of, spoken
from core.services.settled import Settled
from core.services.values import number
from core.units import FloatArray, Unit

LEAST_SHOWN = 30  # events below which a figure is grey
LAW, BLEND = "model", "forecast"  # mean of the day's extreme by the model's law; centre of the forecasts before it learned
ALL = "all"
PER_KELVIN = 1.8
BAND_POINTS = 40


@dataclass(frozen=True, slots=True)
class Step:
    """Stated probabilities that came true alike: from `low` to `high`, `realised` of `count` brackets."""

    low: float
    high: float
    realised: float
    count: int


@dataclass(frozen=True, slots=True)
class Reliable:
    """The reliability curve of one speaker over all brackets (CORP), what miscalibration costs, and the band of no surprise."""

    steps: tuple[Step, ...]
    brier: Decomposition
    log: Decomposition
    band_at: tuple[float, ...] = ()
    band_low: tuple[float, ...] = ()
    band_high: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Calibrated:
    """`n` events of one checkpoint for which model and market spoke."""

    as_of: datetime
    source: str
    n: int
    n_dates: int
    checkpoint: str
    model: Reliable | None
    market: Reliable | None
    transform: Calibration | None  # of the model's law, over events whose reading is known
    width: float | None  # mean width of the central 80 % [degrees of the events' unit]; None of two units
    verdict: str  # "enough", or how many events and dates are missing for a claim
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Miss:
    """Settled reading less forecast, of one station (or all), look and source."""

    station_code: str
    look: str
    source: str
    n: int
    bias: float
    mae: float
    rmse: float


@dataclass(frozen=True, slots=True)
class Spread:
    """The spread that the model's law claimed at a look beside the spread that came."""

    look: str
    n: int
    claimed: float  # root of the mean variance of the law
    realised: float  # root mean square of settled reading less centre of the law


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors in `unit`: °F where all events are in °F, else °C. `n` events have a settled reading."""

    as_of: datetime
    source: str
    n: int
    unit: str
    rows: tuple[Miss, ...]  # by station, first of all together, then look and source
    spreads: tuple[Spread, ...]
    missing: str = ""


def calibrated(settled: Settled, checkpoint: str, as_of: datetime, source: str) -> Calibrated:
    """Return reliability and integral transform of one checkpoint."""
    place = place_of(checkpoint)
    rows = np.flatnonzero(spoken(settled, place))
    heard = settled.taken(rows)
    lower, upper, width = heard.lower[:, place], heard.upper[:, place], heard.width[:, place]
    known = np.isfinite(lower) & np.isfinite(upper)
    n_dates = len(np.unique(heard.ordinal))
    return Calibrated(
        as_of, source, len(heard), n_dates, checkpoint, _reliable(heard, "model", place, band=True),
        _reliable(heard, "market", place), calibration(lower[known], upper[known], heard.ordinal[known]),
        number(width[np.isfinite(width)].mean()) if one_unit(heard.unit[np.isfinite(width)]) else None,
        sufficiency(Claim.CALIBRATION, len(heard), n_dates).text,
    )  # fmt: skip


def _reliable(settled: Settled, speaker: str, place: int, *, band: bool = False) -> Reliable | None:
    if not len(settled):
        return None
    brackets = np.arange(settled.model.shape[-1])
    real = brackets < settled.n_brackets[:, None]
    stated = getattr(settled, speaker)[:, place][real]
    came = (brackets == settled.winner[:, None])[real].astype(np.float64)
    found = reliability(stated, came)
    begins = np.flatnonzero(np.diff(found.realised, prepend=-1.0) > 0)
    ends = np.append(begins[1:], len(found.realised)) - 1
    counts = np.add.reduceat(found.count, begins)
    steps = tuple(
        Step(float(found.stated[a]), float(found.stated[b]), float(found.realised[a]), int(count))
        for a, b, count in zip(begins, ends, counts, strict=True)
    )
    if not band:
        return Reliable(steps, found.brier, found.log)
    low, high = consistency_band(found.stated, found.count)
    some = np.unique(np.linspace(0, len(found.stated) - 1, BAND_POINTS).round().astype(np.int64))
    at, bottom, top = (tuple(each[some].tolist()) for each in (found.stated, low, high))
    return Reliable(steps, found.brier, found.log, at, bottom, top)


def errors(settled: Settled, as_of: datetime, source: str) -> Errors:
    """Return errors by station, look and source, and the spread that was claimed beside the one that came."""
    known = settled.taken(np.flatnonzero(np.isfinite(settled.reading)))
    unit = Unit.FAHRENHEIT if (known.unit == Unit.FAHRENHEIT).all() else Unit.CELSIUS
    scale = np.where(known.unit == Unit.FAHRENHEIT, 1.0, PER_KELVIN) / (1.0 if unit is Unit.FAHRENHEIT else PER_KELVIN)
    stations = [ALL, *sorted(set(known.station.tolist()))]
    mean, sd = known.mean, known.sd
    rows = tuple(row for code in stations for row in _misses(known, mean, code, scale))
    return Errors(as_of, source, len(known), str(unit), rows, tuple(_spreads(known, mean, sd, scale)))


def _misses(settled: Settled, mean: FloatArray, code: str, scale: FloatArray) -> Iterator[Miss]:
    own = np.full(len(settled), True) if code == ALL else settled.station == code
    for look, each in enumerate(LOOKS):
        for source, values in {LAW: mean, BLEND: settled.forecast, **settled.sources}.items():
            miss = ((settled.reading - values[:, look]) * scale)[own]
            miss = miss[np.isfinite(miss)]
            if len(miss):
                yield Miss(
                    code, each.name, source, len(miss), float(miss.mean()), float(np.abs(miss).mean()),
                    float(np.sqrt(np.square(miss).mean())),
                )  # fmt: skip


def _spreads(settled: Settled, mean: FloatArray, sd: FloatArray, scale: FloatArray) -> Iterator[Spread]:
    for look, each in enumerate(LOOKS):
        miss, width = (settled.reading - mean[:, look]) * scale, sd[:, look] * scale
        known = np.isfinite(miss) & np.isfinite(width)
        if known.any():
            claimed, realised = (float(np.sqrt(np.square(one[known]).mean())) for one in (width, miss))
            yield Spread(each.name, int(known.sum()), claimed, realised)
