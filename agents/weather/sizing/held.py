"""What an account holds of the panel's events, and what it would cost to be where it is."""

from __future__ import annotations

import numpy as np

from agents.weather.panel import WeatherPanel
from agents.weather.sizing.offered import Offered, places_of
from core.model.account import Account
from core.units import MICRO, FloatArray, total


def held_of(panel: WeatherPanel, account: Account) -> tuple[FloatArray, FloatArray]:
    """Return what is held and what was paid for it, fees apart, (n_runs, n_events, n_brackets, YES/NO)."""
    exists = panel.lattice.exists
    shape = (account.n_runs, *exists.shape, 2)
    held, cost = np.zeros((account.n_runs, int(np.prod(shape[1:])))), np.zeros((account.n_runs, int(np.prod(shape[1:]))))
    if account.instruments:
        column = account.column()
        places = places_of(panel, np.arange(len(exists)), set(column))
        own, at = [column[token] for token in places], list(places.values())
        held[:, at], cost[:, at] = account.held_micro[:, own] / MICRO, account.cost_micro[:, own] / MICRO
    return held.reshape(shape), cost.reshape(shape)


def anew(offered: Offered, held: FloatArray, cost: FloatArray) -> FloatArray:
    """Return what it would cost to buy anew what is held [USD], (n_runs, n_events, n_brackets, YES/NO).

    Not more than it is worth to us, than is bid for it, and than was paid for it, whichever is most: a lone ask is no value.
    """
    shown = np.where(np.isnan(offered.cost), 0.0, offered.shown)
    price = np.where(np.isnan(offered.cost), 0.0, offered.cost)
    reach = np.cumsum(shown, axis=-1)
    got = np.clip(held[..., None] - (reach - shown), 0.0, shown)
    dearest = np.where(shown > 0, price, 0.0).max(axis=-1)
    asked = total(got * price) + (held - total(got)) * dearest
    best = np.where(np.isnan(offered.net[..., 0]), 0.0, np.maximum(offered.net[..., 0], 0.0))
    fair = np.where(np.isnan(offered.fair), 0.0, offered.fair)
    worth = np.maximum(held * np.maximum(fair, best), cost)
    return np.where(held > 0, np.minimum(np.where(shown[..., 0] > 0, asked, held * best), worth), 0.0)


def wealth_of(account: Account, panel: WeatherPanel, value: FloatArray) -> FloatArray:
    """Return the wealth of each account [USD], (n_runs,): money, holdings bought anew, and elsewhere what was paid for them."""
    known = {instrument.token for instrument in panel.instruments}
    elsewhere = [i for i, instrument in enumerate(account.instruments) if instrument.token not in known]
    cash = account.cash_micro - account.owed_micro + account.cost_micro[:, elsewhere].sum(axis=1, dtype=np.int64)
    wealth: FloatArray = np.maximum(cash / MICRO + total(total(total(value))), 0.0)
    return wealth


def worth_of(probability: FloatArray, cash: FloatArray, held: FloatArray) -> FloatArray:
    """Return what a share is worth at the margin to who holds what he holds [USD], (..., n_brackets, YES/NO).

    pi_k / (W_k E[1 / W]), W_k being wealth if bracket k settles; NaN where an end is ruin. Source: SCIENCE 4.6.

    Args:
        probability: of each bracket [1], (..., n_brackets); 0 is no bracket.
        cash: beside what is held [USD], (...).
        held: (..., n_brackets, YES/NO) [shares].
    """
    yes, no = held[..., 0], held[..., 1]
    wealth = (cash + total(no))[..., None] + yes - no
    weight = np.where(probability > 0, probability / np.where(wealth > 0, wealth, np.nan), 0.0)
    value = weight / total(weight)[..., None]
    return np.stack([value, 1.0 - value], axis=-1)
