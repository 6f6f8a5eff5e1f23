"""What an official extreme goes beyond the listed reports.

The climate report takes the highest (lowest) of two-minute means, a report is one of them an hour: the official extreme
lies at or beyond that of the reports.

Measured 2022 to 2025 on six American stations, official maximum less the highest hourly report: 0 on 38 % of days, one
degree on 50, two on 10, three on 1 (FACTS I.5; SCIENCE 2.3). That is where a station starts, for minima too; its own
settled days take over (`transfer`). Six-hour groups already hold the extreme of their span, so that nothing is added to
them.
"""

from __future__ import annotations

import numpy as np

from core.model.rule import Statistic
from core.readings.rounding import OFFICIAL
from core.units import BoolArray, FloatArray

# Chance that the excess is at most so many degrees Fahrenheit; mean of the six stations.
AT_MOST = np.array([0.0, 0.383, 0.886, 0.988, 1.0])  # index 0: below none
MEAN_FAHRENHEIT = 0.743


def is_official(statistic: Statistic) -> bool:
    """Return whether a rule takes the extreme of all of the day, not of its reports."""
    return statistic in OFFICIAL


def mean_excess(
    official: BoolArray, high: BoolArray, degree: FloatArray, mean: FloatArray | float = MEAN_FAHRENHEIT
) -> FloatArray:
    """Return by how much the settled extreme lies above that of the reports, on the mean [rule's unit]; below 0 of a lowest one.

    A forecast of hourly temperatures aims at the extreme of the reports; this is where its bias is thought to be before
    anything of the series was settled. A forecast of daily extremes aims at the official one itself. `mean` is the
    station's own [degrees Fahrenheit] where it is known.
    """
    expected: FloatArray = np.where(official, np.where(high, mean, -mean), 0.0) * degree
    return expected


def at_most(beyond: FloatArray, law: FloatArray | None = None) -> FloatArray:
    """Return the chance that the official extreme lies at most so many whole degrees beyond the one of the reports.

    Args:
        beyond: degrees [rule's unit], shape (..., k); below 0: nothing is left, NaN: no report, all is.
        law: of the station, as `AT_MOST`, shape (..., 5); None: that of the six stations.
    """
    place = np.clip(np.where(np.isnan(beyond), 3.0, beyond), -1.0, 3.0).astype(np.int64) + 1
    chance: FloatArray = AT_MOST[place] if law is None else np.take_along_axis(law, place, -1)
    return chance
