"""A price that nobody may still offer is no price."""

from __future__ import annotations

import numpy as np

from agents.transmission.limits import Limit, pass_or_refuse
from core.model.quotes import Quotes
from core.settings import Settings


def book_age(quotes: Quotes, settings: Settings) -> Limit:
    """Refuse a book older than `book_age_seconds` [s]; where only prints exist, see `print_age`."""
    limit = np.full_like(quotes.age, settings.weather.book_age_seconds)
    return Limit(quotes.age, limit, np.where(quotes.prints_only, np.nan, pass_or_refuse(quotes.age <= limit)))


def print_age(quotes: Quotes, settings: Settings) -> Limit:
    """Refuse a last print older than `print_age_minutes` [min], or none; where books exist they are asked instead."""
    age = np.where(np.isnan(quotes.print_price), np.inf, quotes.print_age) / 60.0
    limit = np.full_like(age, settings.weather.print_age_minutes)
    return Limit(age, limit, np.where(quotes.prints_only, pass_or_refuse(age <= limit), np.nan))
