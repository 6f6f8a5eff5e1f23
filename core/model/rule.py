"""The parsed settlement text of an event."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.units import Unit


class Extreme(StrEnum):
    """Whether an event is about the highest or the lowest temperature of the day."""

    HIGH = "high"
    LOW = "low"


class Statistic(StrEnum):
    """Which number of the day the source prints."""

    OFFICIAL_MAX = "official_max"  # continuous maximum of the climate report
    MAX_LISTED_REPORT = "max_listed_report"  # highest METAR or SPECI of the list
    MAX_HOURLY_READING = "max_hourly_reading"  # highest of the hourly reports only
    DAILY_EXTRACT = "daily_extract"  # an observatory's own daily table
    OFFICIAL_MIN = "official_min"
    MIN_LISTED_REPORT = "min_listed_report"
    MIN_HOURLY_READING = "min_hourly_reading"
    DAILY_EXTRACT_MIN = "daily_extract_min"

    @property
    def extreme(self) -> Extreme:
        lows = (self.OFFICIAL_MIN, self.MIN_LISTED_REPORT, self.MIN_HOURLY_READING, self.DAILY_EXTRACT_MIN)
        return Extreme.LOW if self in lows else Extreme.HIGH


class Precision(StrEnum):
    """The finest step that the source prints, in the rule's unit."""

    WHOLE = "whole"
    TENTH = "tenth"


class Rounding(StrEnum):
    """How a measurement becomes a bracket's integer."""

    AS_PRINTED = "as_printed"
    HALF_UP = "half_up"
    FLOOR = "floor"


class DayWindow(StrEnum):
    """Which midnight starts the settlement day."""

    CIVIL = "civil"
    STANDARD_TIME = "standard_time"


class Grade(StrEnum):
    """How well a rule is known."""

    CAPTURED = "captured"  # its form stands in a captured text
    INFERRED = "inferred"  # some part was concluded, not read: not traded on a live world


@dataclass(frozen=True, slots=True)
class SettlementRule:
    """What the event's own text says; nothing here comes from a slug, a city or a registry."""

    station: str  # ICAO
    source: str  # "wunderground", "weather.gov", "nws_climate_report", "weather_company", ...
    source_url: str
    statistic: Statistic
    unit: Unit
    precision: Precision
    rounding: Rounding
    window: DayWindow
    revision_cutoff: str  # "first_next_day_point", "finalized", "first_publication", ...
    fallback_source: str  # "" where the text names none
    no_data: str  # "lowest_bracket", "last_fair_price", "" where the text is silent
    text: str
    sha256: str  # of `text`, UTF-8
    grade: Grade = Grade.CAPTURED
