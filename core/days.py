"""Days that are not dates: the settlement window of a station, the day and week of a desk."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from core.model.rule import DayWindow, SettlementRule

DESK_DAY_STARTS = timedelta(hours=16)  # 16:00Z: Asia has settled, Europe is past its peak, America has barely begun
ONE_DAY = timedelta(days=1)


def settlement_window(rule: SettlementRule, tz: str, day: date) -> tuple[datetime, datetime]:
    """Return the UTC span [start, end) that counts for the event day of a rule."""
    return window_of(rule.window, tz, day)


@lru_cache(maxsize=65_536)
def window_of(window: DayWindow, tz: str, day: date) -> tuple[datetime, datetime]:
    """Return the UTC span [start, end) of a station's day: 23, 24 or 25 hours civil, always 24 in standard time."""
    midnight = _civil_midnight if window is DayWindow.CIVIL else _standard_midnight
    start = midnight(tz, day)
    return start, (midnight(tz, day + ONE_DAY) if window is DayWindow.CIVIL else start + ONE_DAY)


@lru_cache(maxsize=4_096)
def zone(tz: str) -> ZoneInfo:
    """Return a zone, read once: the standard library keeps eight."""
    return ZoneInfo(tz)


@lru_cache(maxsize=4_096)
def standard_offset(tz: str, year: int) -> timedelta:
    """Return the offset of a zone in its standard time.

    The smaller of the winter and summer offsets, as `dst()` of some zones counts winter as the exception.
    """
    offsets = [datetime(year, month, 1, tzinfo=zone(tz)).utcoffset() for month in (1, 7)]
    return min(offset for offset in offsets if offset is not None)


def local_day(tz: str, instant: datetime) -> date:
    """Return the civil date of an instant at a station."""
    return instant.astimezone(zone(tz)).date()


def day_of(window: DayWindow, tz: str, instant: datetime) -> date:
    """Return the settlement day that an instant belongs to."""
    if window is DayWindow.CIVIL:
        return local_day(tz, instant)
    return (instant.astimezone(UTC) + standard_offset(tz, instant.year)).date()


def desk_day(instant: datetime) -> date:
    """Return the weather desk's day: 16:00Z to 16:00Z, named by the date on which it starts."""
    return (instant.astimezone(UTC) - DESK_DAY_STARTS).date()


def desk_day_start(day: date) -> datetime:
    """Return the first instant of a desk day."""
    return datetime.combine(day, time(), UTC) + DESK_DAY_STARTS


def desk_week(day: date) -> date:
    """Return the Monday of the week that a desk day belongs to."""
    return day - timedelta(days=day.weekday())


def _civil_midnight(tz: str, day: date) -> datetime:
    # Where clocks jump over midnight, fold 0 gives the instant of the jump: the first moment of that day.
    return datetime.combine(day, time(), zone(tz)).astimezone(UTC)


def _standard_midnight(tz: str, day: date) -> datetime:
    return datetime.combine(day, time(), timezone(standard_offset(tz, day.year))).astimezone(UTC)
