"""The models that make the distribution, by the name of the setting `model`: a file and a row for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agents.weather.cases import Cases, Prior
from agents.weather.law import Features, Law
from agents.weather.models import bands, dressing, emos, idr, mixture, spread, weighted
from core.errors import SettingsError
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Model:
    """How features become a law, and what is learned before from settled events of the series.

    `learn` answers None where it has too few cases; what else it answers stands in `Features.guidance`, once per series.
    """

    law: Callable[[Features, Settings], Law]
    learn: Callable[[Cases, Prior], Any] | None = None
    days: int = 180  # how far back it learns
    members: bool = False  # it looks at members of ensembles


MODELS: Mapping[str, Model] = {
    "residual": Model(weighted.law, weighted.learn),
    "mixture": Model(mixture.law, mixture.learn),
    "emos": Model(emos.law, emos.learn, emos.DAYS),
    "idr": Model(idr.law, idr.learn, idr.DAYS),
    "dressing": Model(dressing.law, dressing.learn, members=True),
    "spread": Model(spread.law),
    "bands": Model(bands.law),
}


def model_of(settings: Settings) -> Model:
    """Return the chosen model; SettingsError when there is none of that name."""
    try:
        return MODELS[settings.model]
    except KeyError:
        raise SettingsError(f"no model {settings.model!r}; HERMES_MODEL takes one of {', '.join(MODELS)}") from None
