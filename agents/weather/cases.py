"""What settled events were forecast to be: the material that models learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.units import FloatArray, IntArray, Unit

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Told:
    """What was forecast of one event at its checkpoint [rule's unit]; NaN: nothing."""

    centre: float
    disagreement: float = NAN
    models: tuple[str, ...] = ()
    extremes: tuple[float, ...] = ()  # of each model
    ensemble_mean: float = NAN
    ensemble_spread: float = NAN


@dataclass(frozen=True, slots=True)
class Case:
    """One settled event; a corrected outcome is a case of its own that counts from when it was received."""

    day: int
    settled: float
    told: Told
    since: int  # received

    @property
    def residual(self) -> float:
        return self.settled - self.told.centre


@dataclass(frozen=True, slots=True)
class Cases:
    """Settled events of one series as known at a look, by ascending day; temperatures in the rule's unit.

    Shapes (n,) and (n, n_models). NaN: a model that said nothing, models of which there was one alone, no ensemble.
    """

    ordinal: IntArray
    models: tuple[str, ...]
    extremes: FloatArray
    centre: FloatArray
    disagreement: FloatArray
    ensemble_mean: FloatArray
    ensemble_spread: FloatArray
    settled: FloatArray
    unit: Unit

    def __post_init__(self) -> None:
        if self.extremes.shape != (len(self.ordinal), len(self.models)):
            raise ValueError(
                f"extremes have shape {self.extremes.shape}, {len(self.ordinal)} cases of {len(self.models)} models"
            )

    def __len__(self) -> int:
        return len(self.ordinal)

    @property
    def residual(self) -> FloatArray:
        """Return settled - centre [rule's unit], shape (n,)."""
        return self.settled - self.centre


@dataclass(frozen=True, slots=True)
class Prior:
    """What holds of a series before its own cases [rule's unit]."""

    mean: float  # of settled - forecast
    sd: float  # of it about the series' own mean, for the centre of several models
    sd_alone: float  # for one model
    sd_new: float  # of it before the series' own mean is known, for the centre of several models
    sd_new_alone: float
    last_day: int  # ordinal up to which cases count


def cases_of(chosen: Sequence[Case], unit: Unit) -> Cases:
    """Return the cases of some settled events, given by ascending day."""
    models = tuple(sorted({name for case in chosen for name in case.told.models}))
    place = {name: column for column, name in enumerate(models)}
    extremes = np.full((len(chosen), len(models)), NAN)
    for row, case in enumerate(chosen):
        extremes[row, [place[name] for name in case.told.models]] = case.told.extremes
    rows = [
        (case.told.centre, case.told.disagreement, case.told.ensemble_mean, case.told.ensemble_spread, case.settled)
        for case in chosen
    ]
    centre, disagreement, ensemble_mean, ensemble_spread, settled = np.array(rows, np.float64).reshape(-1, 5).T.copy()
    return Cases(
        ordinal=np.array([case.day for case in chosen], np.int64), models=models, extremes=extremes, centre=centre,
        disagreement=disagreement, ensemble_mean=ensemble_mean, ensemble_spread=ensemble_spread, settled=settled, unit=unit,
    )  # fmt: skip
