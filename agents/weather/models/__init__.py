"""The models that make the distribution, by the name of the setting `model`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agents.weather.law import Features, Law
from agents.weather.models import bands, residual, spread
from core.errors import SettingsError
from core.settings import Settings

Model = Callable[[Features, Settings], Law]

MODELS: Mapping[str, Model] = {"residual": residual.law, "spread": spread.law, "bands": bands.law}


def model_of(settings: Settings) -> Model:
    """Return the chosen model; SettingsError when there is none of that name."""
    try:
        return MODELS[settings.model]
    except KeyError:
        raise SettingsError(f"no model {settings.model!r}; HERMES_MODEL takes one of {', '.join(MODELS)}") from None
