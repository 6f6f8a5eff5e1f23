"""Days that are not dates: the settlement window of a station, the day and week of a desk, sessions of a person's choice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.model.rule import DayWindow, SettlementRule

DESK_DAY_STARTS = timedelta(hours=16)  # 16:00Z: Asia has settled, Europe is past its peak, America has barely begun
TRADE_DATE_STARTS, EXCHANGE = timedelta(hours=17), "America/Chicago"
ONE_DAY = timedelta(days=1)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SESSION = re.compile(r"(?:(?P<days>[A-Za-z,-]+) )?(?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d) (?P<zone>[A-Za-z0-9_+/-]+)")


@dataclass(frozen=True, slots=True)
class Session:
    """Hours of some weekdays by a zone's own clock; what ends at or before its start ends on the next day."""

    weekdays: frozenset[int]  # Monday is 0; of the day on which it begins
    start: time
    end: time
    zone: str

    def holds(self, instant: datetime) -> bool:
        """Return whether an instant lies in [start, end) as a clock on the wall there shows it, summer or winter."""
        local = instant.astimezone(zone(self.zone))
        day, clock = local.weekday(), local.time()
        if self.start < self.end:
            return day in self.weekdays and self.start <= clock < self.end
        return (day in self.weekdays and clock >= self.start) or ((day - 1) % 7 in self.weekdays and clock < self.end)


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
    return (_aware(instant).astimezone(UTC) - DESK_DAY_STARTS).date()


def trade_date(instant: datetime) -> date:
    """Return the futures desk's day: the exchange's trade date, which begins at 17:00 in Chicago on the evening before."""
    local = _aware(instant).astimezone(zone(EXCHANGE)) + (ONE_DAY - TRADE_DATE_STARTS)
    return local.date()


def desk_week(day: date) -> date:
    """Return the Monday of the week that a desk day belongs to."""
    return day - timedelta(days=day.weekday())


@lru_cache(maxsize=64)
def parse_sessions(text: str) -> tuple[Session, ...]:
    """Return the sessions of a text like `Mon-Fri 08:30-15:00 America/Chicago; Sun 17:00-02:00 UTC`; ValueError if it is none."""
    return tuple(_session(part.strip()) for part in text.split(";") if part.strip())


def in_session(sessions: Sequence[Session], instant: datetime) -> bool:
    """Return whether any session holds at an instant."""
    return any(session.holds(instant) for session in sessions)


def _session(text: str) -> Session:
    found = _SESSION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no session; write `Mon-Fri 08:30-15:00 America/Chicago`")
    try:
        zone(found["zone"])
        return Session(
            _weekdays(found["days"] or "Mon-Sun"), time.fromisoformat(found["start"]), time.fromisoformat(found["end"]),
            found["zone"],
        )  # fmt: skip
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{text!r} is no session: {error}; write `Mon-Fri 08:30-15:00 America/Chicago`") from None


def _weekdays(text: str) -> frozenset[int]:
    """Return the weekdays of `Mon-Fri,Sun`; a span may run over the weekend."""
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        start, end = (WEEKDAYS.index(name.capitalize()) for name in (first, last or first))
        days |= {(start + i) % 7 for i in range((end - start) % 7 + 1)}
    return frozenset(days)


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:  # astimezone would take the host's zone for it
        raise ValueError(f"{instant!r} has no time zone")
    return instant


def _civil_midnight(tz: str, day: date) -> datetime:
    # Where clocks jump over midnight, fold 0 gives the instant of the jump: the first moment of that day.
    return datetime.combine(day, time(), zone(tz)).astimezone(UTC)


def _standard_midnight(tz: str, day: date) -> datetime:
    return datetime.combine(day, time(), timezone(standard_offset(tz, day.year))).astimezone(UTC)
