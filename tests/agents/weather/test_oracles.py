"""The filter and the discretiser against plain sums and outside laws; each check must notice every flipped sign of ours."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import scipy.stats

from agents.weather import discretise
from agents.weather.law import Law
from agents.weather.models import residual
from core.model.rule import Statistic
from core.model.station import ReportPrecision
from core.units import FloatArray
from tests.agents.weather.worlds import event
from tests.flipped import unnoticed

NAN = float("nan")
DAYS = np.array([0, 1, 2, 4, 5, 9, 10, 12, 15, 16, 17, 20, 480, 490])  # a gap longer than anything is remembered
OFF = np.array([
    [1.2, NAN, -3.0, 6.0], [-0.5, 2.0, 1.0, 6.5], [2.0, NAN, 0.5, 5.5], [0.8, -1.0, 30.0, 6.0], [1.5, 0.3, -2.0, 6.2],
    [NAN, 0.7, 1.1, -7.0], [0.1, 0.2, -40.0, 6.1], [3.1, NAN, 0.0, 5.8], [-2.2, 1.9, 0.4, 6.0], [0.6, 1.0, -0.9, 5.9],
    [1.0, NAN, 2.5, 6.3], [0.0, 0.5, -1.5, 6.0], [1.0, 2.0, 3.0, 4.0], [0.5, NAN, 1.0, 0.0],
])  # fmt: skip
V0, M0 = 4.84, 0.4
EQUIVALENT = {"bracket_mass: -1 -> +1"}  # the last axis of a table of two


def plain(days: list[int], off: list[float]) -> tuple[float, float, float]:
    """Return mean, scale and degrees of freedom as SCIENCE 1.3 writes them, every sum anew; outliers drawn in in turn."""
    drawn: list[float] = []
    for i, value in enumerate(off):
        mean, scale, _ = plain_sums(days[:i], drawn)
        drawn.append(float(np.clip(value, mean - 4.0 * scale, mean + 4.0 * scale)))
    return plain_sums(days, drawn)


def plain_sums(days: list[int], off: list[float]) -> tuple[float, float, float]:
    weight = np.array([0.95 ** (days[-1] - day) for day in days]) if days else np.zeros(0)
    n, values = weight.sum(), np.array(off)
    own = (weight * values).sum() / n if len(days) else 0.0
    certainty, df = 1.0 + n, 10.0 + n
    squares = (weight * (values - own) ** 2).sum() + n / certainty * (own - M0) ** 2
    variance = (10.0 * V0 + squares) / df * (certainty + 1.0) / certainty
    return (M0 + n * own) / certainty, float(np.sqrt(variance)), df


def filters_like_plain_sums(module: ModuleType) -> None:
    rows = module.filter_rows(OFF, DAYS, np.array(V0), np.array(M0), embargo=2)
    for column in range(OFF.shape[1]):
        for day in range(len(DAYS)):
            known = [i for i in range(len(DAYS)) if DAYS[i] <= DAYS[day] - 2 and not np.isnan(OFF[i, column])]
            expected = plain(DAYS[known].tolist(), OFF[known, column].tolist())
            told = rows.mean[day, column], rows.scale[day, column], rows.df[day, column]
            alone = module.predictive(module.filtered(DAYS[known], OFF[known, column], V0, M0), V0, M0)
            assert told == pytest.approx(expected, abs=1e-7)
            assert tuple(alone) == pytest.approx(expected, abs=1e-7)
            assert rows.n[day, column] == len(known)


def prices_like_plain_sums(module: ModuleType) -> None:
    """Mixtures of t, normal and certain laws, with floors and ceilings, against scipy and a loop."""
    for found in (event(lowest=67, n=7), event(lowest=67, n=7, statistic=Statistic.MIN_LISTED_REPORT)):
        own = module.lattice_of([(found, ReportPrecision.TENTHS)])
        for floor in (NAN, 70.0, 71.0):
            parts = (
                [0.5, 0.2, 0.2, 0.1, 0.0],
                [71.2, 69.0, 73.3, 72.0, NAN],
                [1.5, 2.5, 0.7, 0.0, 1.0],
                [8.0, 5.0, np.inf, 8.0, 8.0],
            )
            law = Law(*(np.array([[part]]) for part in parts))
            risky = module.bracket_mass(own, module.cumulative(own, law, np.array([[floor]])))[0, 0]
            summed = module.cumulative(own, law, np.array([[floor]]), source_risk=False)
            expected = looped(own.readings[0].tolist(), parts, floor, high=found.extreme == "high")
            told = module.reading_mass(summed)[0, 0]
            assert told == pytest.approx(expected, abs=1e-12)
            leaked = leaking(expected, float(own.risk[0]))
            inside = [[b.holds(r) for r in own.readings[0].tolist()] for b in found.ladder]
            assert risky == pytest.approx([leaked[at].sum() for at in inside], abs=1e-12)


def looped(readings: list[int], parts: tuple[list[float], ...], floor: float, *, high: bool) -> FloatArray:
    below = []
    for reading in readings[:-1]:
        told = [weight * outside(reading + 0.5, *each) for weight, *each in zip(*parts, strict=True) if weight]
        censored = (reading < floor) if high else (reading >= floor)
        below.append((0.0 if high else 1.0) if censored else sum(told))
    return np.diff([0.0, *below, 1.0])


def outside(value: float, location: float, sd: float, df: float) -> float:
    if sd == 0.0:
        return float(value >= location)
    if np.isinf(df):
        return float(scipy.stats.norm.cdf(value, location, sd))
    return float(scipy.stats.t.cdf(value, df, location, sd * np.sqrt((df - 2.0) / df)))


def leaking(pmf: FloatArray, risk: float) -> FloatArray:
    """Return the masses when the source prints a neighbour: what would leave the ends stays there."""
    to_below, to_above = np.append(pmf[1:], 0.0), np.append(0.0, pmf[:-1])
    spread = 0.5 * pmf + 0.25 * to_below + 0.25 * to_above
    spread[0] += 0.25 * pmf[0]
    spread[-1] += 0.25 * pmf[-1]
    return (1.0 - risk) * pmf + risk * spread


def test_the_filter_is_the_plain_sums() -> None:
    filters_like_plain_sums(residual)


def test_masses_are_those_of_outside_laws() -> None:
    prices_like_plain_sums(discretise)


@pytest.mark.parametrize(
    ("module", "check", "functions"),
    [
        (residual, filters_like_plain_sums, ("updated", "filtered", "_step", "_moments", "filter_rows", "_predictives")),
        (discretise, prices_like_plain_sums, ("law_cdf", "_eight", "mixture_cdf", "_with_source_risk", "bracket_mass")),
    ],
)
def test_no_sign_can_be_flipped_unnoticed(module: ModuleType, check: object, functions: tuple[str, ...]) -> None:
    missed = unnoticed(Path(str(module.__file__)), [check])  # type: ignore[list-item]

    missed = [name for name in missed if name.split(":")[0] in functions and name not in EQUIVALENT]
    assert not missed, missed
