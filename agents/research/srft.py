"""The models on the surface temperatures of the University of Washington ensemble, January and February 2004.

SCIENCE 6.3: an outside check of the filter and its rivals with published figures beside it. 48-hour forecasts at 969
stations in kelvin; a test date learns from dates at least two days older. Constants are the desk's own, fixed before.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from scipy.special import ndtr, stdtr

from agents.weather.law import FAHRENHEIT_PER_CELSIUS, lead_sd
from agents.weather.models import emos, idr
from agents.weather.models.mixture import log_density
from agents.weather.models.residual import MOST_DF, fading_sums, filter_rows, pooled
from core.metrics import crps
from core.units import BoolArray, FloatArray, IntArray

MEMBERS = ("CMCG", "ETA", "GASP", "GFS", "JMA", "NGPS", "TCWB", "UKMO")
FIRST_TEST, ANCHOR = date(2004, 1, 30).toordinal(), date(2004, 1, 31).toordinal()
EMBARGO = 2  # days: the observation of a 48-hour forecast is not known before
WINDOW = 25  # dates that the regressions learn from
LEAD_HOURS = 48.0
STEP = 0.25  # kelvin, of the isotonic thresholds


@dataclass(frozen=True, slots=True)
class Set:
    """Forecasts and observations [kelvin], one row per date and station."""

    ordinal: IntArray  # (n,)
    station: IntArray  # (n,) number
    members: FloatArray  # (n, 8)
    observed: FloatArray  # (n,)

    @property
    def tested(self) -> BoolArray:
        """Return the rows of test dates."""
        return self.ordinal >= FIRST_TEST

    def training(self, day: int) -> BoolArray:
        """Return the rows of the dates that a regression for this one learns from."""
        known = np.unique(self.ordinal[self.ordinal <= day - EMBARGO])[-WINDOW:]
        return np.isin(self.ordinal, known)


def load_srft(path: Path) -> Set:
    """Read the gzipped table: `valid_utc`, `station`, eight members and `observation`."""
    with gzip.open(path, "rt", encoding="ascii", newline="") as text:
        rows = list(csv.DictReader(text))
    days = [date.fromisoformat(row["valid_utc"][:10]).toordinal() for row in rows]
    stations = np.unique([row["station"] for row in rows], return_inverse=True)[1]
    members = [[float(row[name]) for name in MEMBERS] for row in rows]
    observed = [float(row["observation"]) for row in rows]
    return Set(np.array(days, np.int64), stations.astype(np.int64), np.array(members), np.array(observed))


def srft_scores(path: Path) -> dict[str, dict[str, float]]:
    """Return the scores of each model over the test dates, by the name of the model; kelvin and nats."""
    data = load_srft(path)
    tested, mean = data.tested, data.members.mean(axis=1)
    raw = crps.ensemble(data.members, data.observed)
    return {
        "raw": {
            "crps": float(raw[tested].mean()),
            "anchor": float(raw[data.ordinal == ANCHOR].mean()),
            "n": float(tested.sum()),
        },
        "emos": _emos(data, mean),
        "idr": {"crps": _idr(data, mean)},
        "filter": _filter(data, mean, several=True),
        "filter of GFS": _filter(data, data.members[:, MEMBERS.index("GFS")], several=False),
    }


def _filter(data: Set, forecast: FloatArray, *, several: bool) -> dict[str, float]:
    days, day = np.unique(data.ordinal, return_inverse=True)
    residual = np.full((len(days), int(data.station.max()) + 1), np.nan)
    residual[day, data.station] = data.observed - forecast
    table = float(lead_sd(np.array(LEAD_HOURS), np.array(2.0 if several else 1.0))) / FAHRENHEIT_PER_CELSIUS
    mean, variance = (part[:, None] for part in pools(residual / table, days))
    rows = filter_rows(residual, days, variance * table * table, mean * table, embargo=EMBARGO)
    df = np.minimum(rows.df[day, data.station], MOST_DF)
    scale = rows.scale[day, data.station] * np.sqrt((df - 2.0) / df)
    centre = forecast + rows.mean[day, data.station]
    kept = data.tested
    return student_scores(*(part[kept] for part in (df, centre, scale, data.observed)))


def pools(residual: FloatArray, days: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and variance within a station as known on each date, both (n_days,), of residuals (n_days, n_stations)."""
    own = [(days[there], column[there]) for column in residual.T for there in (~np.isnan(column),)]
    found = []
    for until in (days - EMBARGO).tolist():
        known = [(at[: np.searchsorted(at, until, "right")], values) for at, values in own]
        found.append(pooled([fading_sums(at, values[: len(at)], until) for at, values in known]))
    return np.array([pool.mean for pool in found]), np.array([pool.variance for pool in found])


def student_scores(df: FloatArray, centre: FloatArray, scale: FloatArray, observed: FloatArray) -> dict[str, float]:
    """Return the scores of Student t laws, each shape (n,)."""
    z = (observed - centre) / scale
    log = np.log(scale) - log_density(z, df)
    return _scores(crps.student_t(df, centre, scale, observed), np.abs(observed - centre), log, stdtr(df, z))


def _emos(data: Set, mean: FloatArray) -> dict[str, float]:
    variance = data.members.var(axis=1, ddof=1)
    location, sd = np.full(len(mean), np.nan), np.full(len(mean), np.nan)
    for day in np.unique(data.ordinal[data.tested]).tolist():
        known, now = data.training(day), data.ordinal == day
        found = emos.fit(mean[known], variance[known], data.observed[known])
        location[now], sd[now] = found.mean(mean[now]), found.sd(variance[now])
    location, sd, observed = (part[data.tested] for part in (location, sd, data.observed))
    z = (observed - location) / sd
    log = np.log(sd) + 0.5 * np.square(z) + 0.5 * np.log(2.0 * np.pi)
    return _scores(crps.normal(location, sd, observed), np.abs(observed - location), log, ndtr(z))


def _idr(data: Set, mean: FloatArray) -> float:
    """Return the mean CRPS of the isotonic fit, its steps on a grid."""
    rounded, scores = np.round(mean, 1), np.full(len(mean), np.nan)
    for day in np.unique(data.ordinal[data.tested]).tolist():
        known, now = data.training(day), data.ordinal == day
        steps = idr.fit(rounded[known], np.round(data.observed[known] / STEP) * STEP)
        scores[now] = _step_score(steps.threshold, idr.mass_at(steps, mean[now]), data.observed[now])
    return float(scores[data.tested].mean())


def _step_score(threshold: FloatArray, mass: FloatArray, observed: FloatArray) -> FloatArray:
    """Return the CRPS of masses (n, m) at thresholds (m,): mean distance less half of that within the law."""
    apart = (mass * np.abs(threshold - observed[:, None])).sum(axis=1)
    below = np.cumsum(mass, axis=1)[:, :-1]
    score: FloatArray = apart - (below * (1.0 - below) * np.diff(threshold)).sum(axis=1)
    return score


def _scores(score: FloatArray, off: FloatArray, log: FloatArray, transform: FloatArray) -> dict[str, float]:
    inside = (transform > 0.1) & (transform < 0.9)
    return {
        "crps": float(score.mean()), "mae": float(off.mean()), "log": float(log.mean()),
        "coverage": float(inside.mean()), "variance": float(12.0 * transform.var()),
    }  # fmt: skip
