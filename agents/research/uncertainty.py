"""How wrong forecasts and laws were, and how wrong the laws said they would be: by station, lead and hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.weather.track import Scored
from core.checkpoints import LOOKS
from core.units import FloatArray

LEAST = 30  # events; below, no figure


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """One station and extreme at one look [rule's unit]; None: fewer than LEAST events."""

    station: str
    extreme: str
    unit: str
    at: str
    n: int
    forecast_bias: float | None  # settled less the plain mean of the forecasts
    forecast_rmse: float | None
    n_law: int  # where the event was listed already
    law_bias: float | None  # settled less the mean of the law
    law_rmse: float | None
    law_sd: float | None  # root-mean-square of the sd that the law claimed


def uncertainties(scored: Sequence[Scored]) -> tuple[Uncertainty, ...]:
    """Return the table of all stations of which a reading is known."""
    known = [each for each in scored if np.isfinite(each.reading)]
    found = []
    for station, extreme, unit in sorted({(each.station, str(each.extreme), str(each.unit)) for each in known}):
        own = [each for each in known if (each.station, str(each.extreme), str(each.unit)) == (station, extreme, unit)]
        reading = np.array([each.reading for each in own])[:, None]
        forecast, mean, sd = (np.stack([getattr(each, name) for each in own]) for name in ("forecast", "mean", "sd"))
        for look, at in enumerate(LOOKS):
            off, miss = reading[:, 0] - forecast[:, look], reading[:, 0] - mean[:, look]
            found.append(Uncertainty(
                station, extreme, unit, at.name, int(np.isfinite(off).sum()), _mean(off), _root(off),
                int(np.isfinite(miss).sum()), _mean(miss), _root(miss), _root(np.where(np.isnan(miss), np.nan, sd[:, look])),
            ))  # fmt: skip
    return tuple(found)


def _mean(values: FloatArray) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) >= LEAST else None


def _root(values: FloatArray) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.sqrt(np.mean(np.square(known)))) if len(known) >= LEAST else None
