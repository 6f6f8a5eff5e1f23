"""From coordinates to the station whose weather holds there."""

from __future__ import annotations

from functools import lru_cache

from venues.demo.answers import Ask, BadRequest
from venues.demo.places import STATIONS
from venues.demo.stations import Station

_REACH_DEGREES = 0.75  # a station's weather is known this far around it


@lru_cache(maxsize=256)
def nearest(latitude: float, longitude: float) -> Station | None:
    """Return the nearest station; None where there is none around."""
    best = min(STATIONS, key=lambda station: (station.lat - latitude) ** 2 + (station.lon - longitude) ** 2)
    return best if max(abs(best.lat - latitude), abs(best.lon - longitude)) <= _REACH_DEGREES else None


def degrees(ask: Ask, name: str) -> list[float]:
    """Return the values of `latitude` or `longitude`; BadRequest for what is none."""
    try:
        values = [float(text) for text in ask.all(name)]
    except ValueError:
        raise BadRequest(f"Value of type 'Float' required for key '{name}'.") from None
    limit = 90.0 if name == "latitude" else 180.0
    for value in values:
        if not -limit <= value <= limit:
            raise BadRequest(f"{name.capitalize()} must be in range of -{limit:.0f} to {limit:.0f}°. Given: {value}.")
    return values
