"""How much the day may be trusted: NOTRADE, VOLATILE, TRENDING or STABLE, for each event at each instant.

TRANSMISSION 1.6. First match wins; in force is the stricter of the raw regimes now and one interval ago, both read from
the records, so that it needs no memory. Two kinds of reasons count now alone: whether the event is open, and the age of
the book, which is judged at the decision: one interval ago it was that of the look before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from agents.weather.law import Law
from agents.weather.listed import CHANGED, INFERRED, UNREADABLE
from agents.weather.panel import WeatherPanel
from agents.weather.reasons import EVENT_REASONS
from core.settings import Settings
from core.units import MICRO, BoolArray, FloatArray, IntArray

STABLE, TRENDING, VOLATILE, NOTRADE = 0, 1, 2, 3  # the stricter is the larger
NAMES = ("STABLE", "TRENDING", "VOLATILE", "NOTRADE")
MULTIPLIERS = np.array([1.0, 0.75, 0.5, 0.0])
CODES = ("", *EVENT_REASONS)  # index 0: none

FREQUENT_SECONDS, DAILY_SECONDS = 12 * 3600.0, 36 * 3600.0
CONFIRMED_SECONDS = 90 * 60.0
METAR_CADENCES, METAR_SECONDS = 2.0, 20 * 60.0
UNUSUAL = 1.5  # times the usual disagreement of models
OFF_CURVE_SD, MOVED_SD = 2.0, 1.0
LIQUIDITY_VENUES = frozenset({"polymarket"})


@dataclass(frozen=True, slots=True)
class Regimes:
    """Shape (n_instants, n_events)."""

    regime: IntArray
    reason: IntArray  # index into CODES, 0 unless NOTRADE
    measures: Mapping[str, FloatArray]  # the numbers that were compared, now
    limits: Mapping[str, FloatArray]

    @property
    def multiplier(self) -> FloatArray:
        """Return what the regime leaves of a size."""
        scaled: FloatArray = MULTIPLIERS[self.regime]
        return scaled


def regimes(panel: WeatherPanel, issued: Law, settings: Settings) -> Regimes:
    """Return the regime in force.

    Args:
        issued: law of the extreme at every look; its sd is the yardstick of moves and misses.
    """
    n = len(panel.instants)
    measures, limits = _measures(panel, issued)
    reason = _first(_lasting(panel, measures, limits), len(panel.looks), len(panel.events))
    restless = _restless(measures, limits)
    raw = np.where(reason > 0, NOTRADE, restless)
    now = _first(_present(panel, settings), n, len(panel.events))
    reason = np.where(reason > 0, reason, 0)
    current = np.where(reason[:n] > 0, reason[:n], np.where(now > 0, now, reason[n:]))
    # the reasons are asked in the order of the table, whichever kind they are
    both = (reason[:n] > 0) & (now > 0)
    current = np.where(both, np.minimum(reason[:n], now), current)
    regime = np.maximum(np.where(now > 0, NOTRADE, raw[:n]), raw[n:])
    return Regimes(
        regime, current, {name: part[:n] for name, part in measures.items()}, {name: part[:n] for name, part in limits.items()}
    )


def _measures(panel: WeatherPanel, issued: Law) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    forecasts, seen, looks = panel.forecasts, panel.seen, panel.looks[:, None]
    shape, sd = forecasts.extreme.shape, issued.spread
    measures = {
        "forecast_age": _age(looks, forecasts.first_at),
        "forecast_confirmed": _age(looks, forecasts.received_at),
        "metar_age": _age(looks, seen.newest_at),
        "disagreement": forecasts.disagreement,
        "off_curve": np.abs(seen.error - panel.learned.bias),
        "moved": np.abs(forecasts.moved),
    }
    limits = {
        "forecast_age": np.where(forecasts.daily, DAILY_SECONDS, FREQUENT_SECONDS),
        "forecast_confirmed": np.where(forecasts.daily, np.inf, CONFIRMED_SECONDS),
        "metar_age": np.broadcast_to(longest_silence(panel), shape),
        "disagreement": UNUSUAL * panel.learned.usual_disagreement,
        "off_curve": OFF_CURVE_SD * sd,
        "moved": MOVED_SD * sd,
    }
    measures["one_way"], limits["one_way"] = forecasts.one_way.astype(np.float64), np.ones(shape)
    return measures, limits


def longest_silence(panel: WeatherPanel) -> FloatArray:
    """Return, (n_events,), how old the newest report of a running day may be [s]."""
    return METAR_CADENCES * panel.cadence + METAR_SECONDS


def _age(looks: IntArray, at: IntArray) -> FloatArray:
    return np.where(at > 0, (looks - at) / MICRO, np.inf)


def _lasting(panel: WeatherPanel, measures: Mapping[str, FloatArray], limits: Mapping[str, FloatArray]) -> dict[str, BoolArray]:
    """Return, at every look, the reasons that count now and one interval ago."""
    looks = panel.looks[:, None]
    running = (looks >= panel.start) & (looks < panel.end)
    known = panel.listings.known
    return {
        "forecast_missing": known & np.isnan(panel.forecasts.extreme),
        "forecast_old": known & (measures["forecast_age"] > limits["forecast_age"]),
        "forecast_unconfirmed": known & (measures["forecast_confirmed"] > limits["forecast_confirmed"]),
        "metar_old": known & running & (measures["metar_age"] > limits["metar_age"]),
    }


def _present(panel: WeatherPanel, settings: Settings) -> dict[str, BoolArray]:
    """Return, at every instant, the reasons that count now alone."""
    n, at = len(panel.instants), panel.instants[:, None]
    listings, books = panel.listings, panel.books
    trust, closes_at = listings.trust[:n], listings.closes_at[:n]
    age = _age(at, books.received_at)
    asked = np.array([each.event.venue in LIQUIDITY_VENUES for each in panel.events], np.bool_)
    return {
        "rule_unreadable": trust == UNREADABLE,
        "listing_changed": trust == CHANGED,
        "rule_inferred": (trust == INFERRED) & (not settings.weather.inferred_rules),
        "window_closed": ~listings.accepting[:n] | (at >= panel.end) | ((closes_at > 0) & (at >= closes_at)),
        "book_missing": ~books.prints_only & (books.received_at == 0),
        "book_old": ~books.prints_only & (age > settings.weather.book_age_seconds),
        "liquidity_low": asked & (listings.liquidity_usd[:n] < settings.liquidity_min_usd),
    }


def _first(reasons: Mapping[str, BoolArray], n_rows: int, n_events: int) -> IntArray:
    """Return the code of the first reason that holds, 0 for none."""
    found = np.zeros((n_rows, n_events), np.int64)
    for code in reversed(CODES):
        if code in reasons:
            found = np.where(reasons[code], CODES.index(code), found)
    return found


def _restless(measures: Mapping[str, FloatArray], limits: Mapping[str, FloatArray]) -> IntArray:
    volatile = (measures["disagreement"] > limits["disagreement"]) | (measures["off_curve"] > limits["off_curve"])
    trending = (measures["moved"] > limits["moved"]) & (measures["one_way"] >= 1.0)
    return np.where(volatile, VOLATILE, np.where(trending, TRENDING, STABLE))
