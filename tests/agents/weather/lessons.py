"""Settled cases and features for the models that learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.weather.cases import Cases, Prior
from agents.weather.law import Features, Guidance, Law
from agents.weather.models import MODELS
from core.units import FloatArray, Unit
from tests.agents.weather.worlds import SETTINGS

NAN = float("nan")
FIRST_DAY = 739_000


def cases(
    n: int, *, seed: int = 7, bias: float = 1.0, sd: float = 2.0, by_spread: float = 0.0, shift: float = 0.0,
    biases: tuple[float, ...] = (0.0, 0.0, 0.0), sds: tuple[float, ...] = (1.0, 1.0, 1.0), ensemble: bool = False,
) -> Cases:  # fmt: skip
    """Return a season of settled highs in Fahrenheit, forecast by models that miss the common forecast by `biases` and `sds`."""
    chance = np.random.default_rng(seed)
    common = 75.0 + 8.0 * np.sin(np.arange(n) / 20.0) + chance.normal(0.0, 4.0, n)
    own = np.array(biases) + np.array(sds) * chance.normal(0.0, 1.0, (n, len(biases)))
    extremes = common[:, None] + own + shift
    apart = extremes.std(axis=1, ddof=1) if len(biases) > 1 else np.full(n, NAN)
    settled = np.round(common + bias + chance.normal(0.0, 1.0, n) * np.sqrt(sd * sd + by_spread * apart * apart)) + shift
    spread = chance.uniform(0.5, 1.5, n) if ensemble else np.full(n, NAN)
    return Cases(
        ordinal=FIRST_DAY + np.arange(n), models=tuple(f"m{i}" for i in range(len(biases))), extremes=extremes,
        centre=extremes.mean(axis=1), disagreement=apart, ensemble_mean=common + 0.5 + shift if ensemble else np.full(n, NAN),
        ensemble_spread=spread, settled=settled, unit=Unit.FAHRENHEIT,
    )  # fmt: skip


def prior(n: int, sd: float = 2.4) -> Prior:
    """Return the prior of the table after `n` days of `cases`."""
    return Prior(0.0, sd, 1.4 * sd, sd, 1.4 * sd, FIRST_DAY + n - 1)


def cell(value: float) -> FloatArray:
    return np.array([[value]], np.float64)


def features(guidance: Guidance | None = None, **more: float) -> Features:
    """Return one event at one instant, seen the evening before: 78 F by three models."""
    parts = {
        "forecast": 78.0, "n_models": 3.0, "disagreement": 1.0, "curve_sd": 5.0, "lead_hours": 6.25, "bias": 0.0, "spread": 2.4,
        "n_residuals": 0.0, "running": 0.0, "remaining": NAN, "hours_to_peak": NAN, "error": NAN, "error_age_hours": NAN,
        "shape_sd": 0.0, "second_gap": NAN, "hours_to_second": NAN, "excess": 0.0,
    }  # fmt: skip
    columns: dict[str, Any] = {name: cell(value) for name, value in {**parts, **more}.items()}
    columns |= {"running": columns["running"] > 0, "degree": np.array([1.0])}
    return Features(**columns, **({} if guidance is None else {"guidance": guidance}))


def guided(
    name: str, known: Cases, extremes: tuple[float, ...] = (78.0, 78.0, 78.0), members: tuple[float, ...] = (), **more: float
) -> Law:
    """Return the law of a model that learned from cases; models forecast `extremes`, whose mean is the forecast."""
    learn = MODELS[name].learn
    lesson = None if learn is None else learn(known, prior(len(known)))
    spread = float(np.std(extremes, ddof=1)) if len(extremes) > 1 else NAN
    guidance = Guidance(
        models=tuple(f"m{i}" for i in range(len(extremes))), extremes=np.array([[extremes]]), members=np.array([[members]]),
        lessons=() if lesson is None else (lesson,), lesson=np.array([[-1 if lesson is None else 0]]),
    )  # fmt: skip
    parts = {"forecast": float(np.mean(extremes)), "disagreement": spread, **more}
    return MODELS[name].law(features(guidance, **parts), SETTINGS)
