"""The panel's books as the guard looks at them: instruments on one axis."""

from __future__ import annotations

import numpy as np

from agents.weather.books import ASK, BID
from agents.weather.listed import AFTERLIFE
from agents.weather.panel import WeatherPanel
from core.model.quotes import Quotes
from core.units import MICRO, FloatArray


def quotes_of(panel: WeatherPanel) -> Quotes:
    """Return the executable side of each instrument at each instant."""
    books, instants, exists = panel.books, panel.instants, panel.lattice.exists
    n = len(instants)

    def flat(part: np.ndarray) -> np.ndarray:  # (n_instants, n_events, n_brackets, YES/NO, ...) to instruments
        kept = part[:, exists]
        return np.ascontiguousarray(kept.reshape(n, -1, *kept.shape[3:]))

    def of_event(part: np.ndarray) -> np.ndarray:
        shape = (*part.shape, exists.shape[-1], 2)
        return flat(np.broadcast_to(part[..., None, None], shape))

    # By row, not by block: a row alone and in a day of them must find the same events.
    on_axis = instants[:, None] < panel.end + AFTERLIFE
    price, size = flat(books.price), flat(books.size)
    print_at = flat(books.print_at)
    age = np.where(on_axis, _age(instants[:, None], books.received_at), np.inf)
    print_age = np.where(of_event(on_axis), _age(instants[:, None], print_at), np.inf)
    return Quotes(
        ask_price=price[..., ASK, :], ask_size=size[..., ASK, :], bid_price=price[..., BID, :], bid_size=size[..., BID, :],
        age=of_event(age), sane=flat(books.sane), print_price=flat(books.print_price), print_age=print_age,
        prints_only=of_event(books.prints_only),
    )  # fmt: skip


def _age(instants: np.ndarray, at: np.ndarray) -> FloatArray:
    return np.where(at > 0, (instants - at) / MICRO, np.inf)
