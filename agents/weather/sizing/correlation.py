"""Stations err together: what is staked on one day is scaled down as if the same bet were made several times."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from agents.weather.panel import WeatherPanel
from core.model.station import Station
from core.registry import distance_kilometres
from core.settings import Settings
from core.units import BoolArray, FloatArray


@lru_cache(maxsize=32)
def correlations(stations: tuple[Station, ...], kilometres: float, otherwise: float) -> FloatArray:
    """Return how the errors of stations correlate, (n, n): exp(-distance / kilometres), or one number where that is 0.

    Source: SCIENCE 4.5; a judgement, to be replaced by residuals once there are enough.
    """
    found = np.ones((len(stations), len(stations)))
    for i, one in enumerate(stations):
        for j, other in enumerate(stations[:i]):
            apart = distance_kilometres(one, other)
            found[i, j] = found[j, i] = float(np.exp(-apart / kilometres)) if kilometres > 0 else otherwise
    return found


def scale_of(correlation: FloatArray, staked: BoolArray) -> FloatArray:
    """Return 1 / (1 + (n - 1) x mean correlation) of the n stations that have a stake, (...); 1 with one or none.

    Args:
        correlation: of the errors of two stations, (n_stations, n_stations).
        staked: (..., n_stations).
    """
    n = staked.sum(axis=-1)
    both = staked[..., :, None] & staked[..., None, :]
    flat = np.where(both, correlation, 0.0).reshape(*staked.shape[:-1], -1)
    off = np.cumsum(flat, axis=-1)[..., -1] - n if staked.shape[-1] else np.zeros(staked.shape[:-1])
    scale: FloatArray = 1.0 / (1.0 + np.maximum(off, 0.0) / np.maximum(n, 1))  # (n - 1) x mean = sum of the others / n
    return scale


def correlation_scale(panel: WeatherPanel, staked: BoolArray, settings: Settings) -> FloatArray:
    """Return by how much the stakes of each event are scaled, (n_runs, n_events): by the stations staked on its day.

    Args:
        panel: whose events and stations.
        staked: (n_runs, n_events) where something is wanted or held.
        settings: how distances tell correlation.
    """
    scale = np.ones(staked.shape)
    days = [each.event.event_day for each in panel.events]
    for day in dict.fromkeys(days):
        mine = [i for i, each in enumerate(days) if each == day]
        stations, of_event = _numbered([panel.events[i].station for i in mine])
        correlation = correlations(stations, settings.weather.correlation_km, settings.weather.station_correlation)
        here = np.zeros((len(staked), len(stations)), np.bool_)
        for i, station in zip(mine, of_event, strict=True):
            here[:, station] |= staked[:, i]
        scale[:, mine] = scale_of(correlation, here)[:, None]
    return scale


def _numbered(stations: Sequence[Station]) -> tuple[tuple[Station, ...], list[int]]:
    """Return the stations that differ, and the place of each among them."""
    place: dict[str, int] = {}
    different: list[Station] = []
    for station in stations:
        if station.code not in place:
            place[station.code] = len(different)
            different.append(station)
    return tuple(different), [place[station.code] for station in stations]
