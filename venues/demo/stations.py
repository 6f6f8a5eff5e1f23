"""The six stations of the demo world, with its own constants: nothing is shared with the registry it will be compared to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


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
    """A place that reports, and the city under which the exchange lists it."""

    index: int
    code: str
    lat: float
    lon: float
    elevation: int  # metres
    name: str  # as the report service prints it
    zone: str
    utc_hours: int  # standard time
    minutes: tuple[int, ...]  # past the hour, routine reports
    tenths: bool  # remarks carry tenths; otherwise whole degrees Celsius only
    special: float  # chance of a SPECI between two routine reports
    fahrenheit: bool  # unit of its events
    token: str  # city in slugs
    city: str  # city in titles
    question_city: str  # city in questions
    rule_name: str  # station in rule texts
    page: str  # tail of the source's address
    series: str  # id of the exchange's series
    tag: tuple[str, str, str]  # id, label, slug of the city's tag
    grid: tuple[float, float, float]  # latitude, longitude, elevation of the forecast cell
    abbreviation: str  # of the zone, as the forecast service prints it, with %s for the offset
    climate: Climate

    @property
    def tz(self) -> ZoneInfo:
        """Time zone of the civil day."""
        return ZoneInfo(self.zone)

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


_US = "https://www.wunderground.com/history/daily/us/"
_PAGES = "https://www.wunderground.com/history/daily/"

STATIONS: tuple[Station, ...] = (
    Station(
        0, "EGLC", 51.505, 0.055, 5, "London City Arpt, EN, GB", "Europe/London", 0, (20, 50), False, 0.004, False,
        "london", "London", "London", "London City Airport Station", _PAGES + "gb/london/EGLC",
        "10006", ("100166", "London", "london"), (51.5, 0.0, 5.0), "GMT%s",
        Climate((13.0, -6.3, -2.8), 6.2, (3.0, 3.2), 3.0, 0.05, 14.6, 0.9),
    ),
    Station(
        1, "KLGA", 40.7795, -73.8803, 9, "New York/La Guardia Arpt, NY, US", "America/New_York", -5, (51,), True, 0.06, True,
        "nyc", "NYC", "New York City", "LaGuardia Airport Station", _US + "ny/new-york-city/KLGA",
        "10005", ("100091", "New York City", "new-york-city"), (40.76809, -73.862785, 1.0), "GMT%s",
        Climate((14.6, -10.8, -4.8), 6.0, (4.4, 3.1), 4.5, 0.10, 14.6, 1.05),
    ),
    Station(
        2, "KMIA", 25.788, -80.3169, 4, "Miami Intl, FL, US", "America/New_York", -5, (53,), True, 0.06, True,
        "miami", "Miami", "Miami", "Miami Intl Airport Station", _US + "fl/miami/KMIA",
        "10312", ("103814", "Miami", "miami"), (25.786118, -80.3125, 3.0), "GMT%s",
        Climate((26.1, -3.7, -1.7), 5.8, (2.8, 1.5), 1.5, 0.50, 12.6, 0.75),
    ),
    Station(
        3, "KORD", 41.9602, -87.9316, 202, "Chicago/O'Hare Intl, IL, US", "America/Chicago", -6, (51,), True, 0.07, True,
        "chicago", "Chicago", "Chicago", "Chicago O'Hare Intl Airport Station", _US + "il/chicago/KORD",
        "10726", ("103932", "Chicago", "chicago"), (41.96836, -87.91709, 203.0), "GMT%s",
        Climate((11.9, -12.6, -4.8), 7.4, (5.4, 3.9), 6.0, 0.15, 14.4, 1.2),
    ),
    Station(
        4, "RJTT", 35.553, 139.781, 8, "Tokyo/Haneda Intl, TY, JP", "Asia/Tokyo", 9, (0, 30), False, 0.03, False,
        "tokyo", "Tokyo", "Tokyo", "Tokyo Haneda Airport Station", _PAGES + "jp/tokyo/RJTT",
        "10740", ("104122", "Tokyo", "tokyo"), (35.55, 139.8125, 5.0), "GMT%s",
        Climate((18.0, -9.6, -5.4), 5.4, (2.4, 2.5), 2.5, 0.12, 13.2, 0.95),
    ),
    Station(
        5, "RKSI", 37.469, 126.45, 7, "Seoul/Incheon Intl, IN, KR", "Asia/Seoul", 9, (0, 30), False, 0.005, False,
        "seoul", "Seoul", "Seoul", "Incheon Intl Airport Station", _PAGES + "kr/incheon/RKSI",
        "10742", ("104101", "Seoul", "seoul"), (37.5, 126.4375, 6.0), "GMT%s",
        Climate((13.4, -12.8, -5.8), 6.2, (3.6, 2.4), 3.5, 0.06, 13.8, 1.05),
    ),
)  # fmt: skip
BY_CODE = {station.code: station for station in STATIONS}
BY_TOKEN = {station.token: station for station in STATIONS}
