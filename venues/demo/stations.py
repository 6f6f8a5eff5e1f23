"""What a station of the demo world is: a place, a clock, a way to report, a climate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_TROPIC = 23.5  # degrees of latitude


@dataclass(frozen=True, slots=True)
class Climate:
    """What makes a station's weather: temperatures [°C], seasonal terms as (mean, cosine, sine) of the year's angle."""

    middle: tuple[float, float, float]  # of the day's highest and lowest
    swing: float  # mean distance of the day's highest and lowest
    synoptic: tuple[float, float]  # standard deviation in mid-winter and in mid-summer
    front: float  # typical fall behind a cold front
    shower: float  # chance of an afternoon shower on a warm-season day
    peak_hour: float  # standard time of the mean curve's maximum
    skill: float  # forecast error as a multiple of the common table


@dataclass(frozen=True, slots=True, eq=False)
class Station:
    """A place that is measured, and mostly one that reports."""

    index: int
    code: str
    lat: float
    lon: float
    elevation: int  # metres
    name: str  # as the report service prints it
    zone: str
    utc_hours: int  # standard time
    minutes: tuple[int, ...]  # past the hour, routine reports; none where no reports are sent
    tenths: bool  # remarks carry tenths; otherwise whole degrees Celsius only
    special: float  # chance of a SPECI between two routine reports
    grid: tuple[float, float, float]  # latitude, longitude, elevation of the forecast cell
    climate: Climate
    air: str  # station whose weather systems it shares; its own code where it has its own

    @property
    def tz(self) -> ZoneInfo:
        """Time zone of the civil day."""
        return ZoneInfo(self.zone)

    @property
    def southern(self) -> bool:
        """Say whether its summer is in January."""
        return self.lat < 0.0

    @property
    def tropical(self) -> bool:
        """Say whether showers know no season."""
        return abs(self.lat) < _TROPIC

    def day_window(self, day: date) -> tuple[int, int]:
        """Return the UTC seconds [start, end) of a civil day."""
        return self._midnight(day), self._midnight(day + timedelta(days=1))

    def standard_window(self, day: date) -> tuple[int, int]:
        """Return the UTC seconds [start, end) of a standard-time day."""
        start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) - self.utc_hours * 3600
        return start, start + 86_400

    def day_of(self, second: int) -> date:
        """Return the civil day of an instant."""
        return datetime.fromtimestamp(second, self.tz).date()

    def _midnight(self, day: date) -> int:
        return int(datetime(day.year, day.month, day.day, tzinfo=self.tz).timestamp())
