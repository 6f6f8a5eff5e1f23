"""A place of measurement."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReportPrecision(StrEnum):
    """What the routine reports of a station resolve."""

    TENTHS = "tenths"  # a T-group: the integer Fahrenheit reading is recovered exactly
    WHOLE = "whole"  # whole degrees Celsius only


@dataclass(frozen=True, slots=True)
class Station:
    """One row of `stations.csv`."""

    code: str  # ICAO
    name: str
    city: str
    country: str
    latitude: float
    longitude: float
    elevation_metres: float
    tz: str  # IANA
    report_minutes: tuple[int, ...]  # minutes past the hour of the routine reports
    report_precision: ReportPrecision
    region: str  # weather region: stations within 600 km
    neighbours: tuple[Station, ...] = ()  # whose reports are evidence where its own are silent, and never a floor

    def __post_init__(self) -> None:
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
            raise ValueError(f"{self.code}: {self.latitude}, {self.longitude} is not on Earth")
        if not self.report_minutes:
            raise ValueError(f"{self.code}: report_minutes is empty")

    @property
    def cadence_minutes(self) -> float:
        """Return the mean distance of two routine reports [minutes]."""
        return 60.0 / len(self.report_minutes)
