"""Observations and a rule to the reading that settles; shared by desk, settlement, services."""

from core.readings.extremes import (
    Corroborated,
    Extrema,
    Extremum,
    listed_extreme,
    received_per_row,
    routine_slots,
    running_extreme,
)
from core.readings.rounding import (
    attainable,
    celsius_from_tenths,
    edges,
    fahrenheit_from_tenths,
    reading_of,
    tenths_from_fahrenheit,
)

__all__ = [
    "Corroborated",
    "Extrema",
    "Extremum",
    "attainable",
    "celsius_from_tenths",
    "edges",
    "fahrenheit_from_tenths",
    "listed_extreme",
    "reading_of",
    "received_per_row",
    "routine_slots",
    "running_extreme",
    "tenths_from_fahrenheit",
]
