"""Growth-optimal shares of wealth at one price a side, whatever the wealth: what an event is worth before books and accounts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.weather.sizing.growth import growth_of, optimum
from agents.weather.sizing.ladder import Holding, Levels
from core.units import FloatArray

LEAST_GROWTH = 1e-5  # [nats] what a leg must bring on its own; SCIENCE 4.3
ANY = 1e15  # [shares] what one can pay for is the only bound


@dataclass(frozen=True, slots=True)
class Stakes:
    """Share of wealth spent on each bracket [1], (..., n_brackets), and the growth that is expected of it [nats], (...)."""

    yes: FloatArray
    no: FloatArray
    growth: FloatArray


def stakes(probability: FloatArray, price_yes: FloatArray, price_no: FloatArray) -> Stakes:
    """Return the stakes that make wealth grow fastest, nothing borrowed.

    Args:
        probability: of each bracket [1], shape (..., n_brackets), sums to 1; NaN: no opinion, nothing is wanted.
        price_yes: all-in price of a YES share [USD], shape (..., n_brackets); NaN cannot be bought.
        price_no: the same for NO.
    """
    shape = probability.shape
    buyable = np.isfinite(price_yes) | np.isfinite(price_no)
    known = (np.isfinite(probability).all(axis=-1) & buyable.any(axis=-1)).ravel()
    likely, yes, no = (
        np.ascontiguousarray(part.reshape(-1, shape[-1])[known], np.float64) for part in (probability, price_yes, price_no)
    )
    wanted = np.zeros((2, len(known), shape[-1]))
    growth = np.zeros(len(known))
    if known.any():
        price = np.stack([yes, no], axis=-1)
        offered = np.isfinite(price) & (price > 0) & (price < 1)
        levels = Levels(
            np.where(offered, price, 1.0), np.where(offered, ANY, 0.0), np.array([False, True]), np.zeros(2, np.bool_)
        )
        nothing = np.zeros_like(likely)
        found = optimum(likely, levels, Holding(np.ones(len(likely)), nothing, nothing))
        spent = found.trade * levels.price
        wanted[0, known], wanted[1, known] = spent[..., 0], spent[..., 1]
        growth[known] = growth_of(likely, found.wealth)
    return Stakes(wanted[0].reshape(shape), wanted[1].reshape(shape), growth.reshape(shape[:-1]))


def worth_alone(probability: FloatArray, price: FloatArray) -> FloatArray:
    """Return the growth [nats] of one leg staked on its own; 0 where there is no gain in it or no price for it."""
    inside = (price > 0) & (price < 1) & (probability > price)
    c, p = np.where(inside, price, 0.5), np.where(inside, np.clip(probability, 0.0, 1.0), 0.5)
    lost = np.where(p < 1.0, (1.0 - p) * np.log(np.where(p < 1.0, (1.0 - p) / (1.0 - c), 1.0)), 0.0)
    return np.where(inside, p * np.log(p / c) + lost, 0.0)
