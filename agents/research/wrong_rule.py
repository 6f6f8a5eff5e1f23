"""What the same reports would have settled under a rule read wrongly: why each part of a rule is read with such care.

Pure: reports, rule and winners of some settled days go in, the number of days that come out right comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from core.days import ONE_DAY, window_of
from core.model.event import Event
from core.model.rule import DayWindow, Statistic
from core.model.station import ReportPrecision, Station
from core.readings import fahrenheit_from_tenths, listed_extreme
from core.units import Columns, InstantArray, Unit

WHOLE_REPORTS = timedelta(hours=6)  # after the day: the last group that may speak of it


@dataclass(frozen=True, slots=True)
class Settled:
    """One settled event, and all reports of a station around its day."""

    event: Event
    station: Station  # whose reports they are
    winner: str  # market
    value: int | None  # that the source published
    columns: Columns
    received_at: InstantArray  # per row


@dataclass(frozen=True, slots=True)
class Count:
    """Days right out of those for which the reports give a reading, under one way to read the rule."""

    name: str
    bracket: int
    value: int
    n: int
    n_valued: int  # of these, days with a published value


Reading = Callable[[Settled], int | None]


def _by_rule(settled: Settled) -> int | None:
    return _read(settled)


def _read(
    settled: Settled, *, statistic: Statistic | None = None, window: tuple[datetime, datetime] | None = None
) -> int | None:
    rule = settled.event.rule
    rule = replace(rule, statistic=statistic or rule.statistic)
    span = window or window_of(rule.window, settled.station.tz, settled.event.event_day)
    return listed_extreme(
        settled.columns, settled.received_at, rule, settled.station, span, span[1] + WHOLE_REPORTS
    ).reading  # fmt: skip


def _tenths(settled: Settled) -> int | None:
    span = window_of(settled.event.rule.window, settled.station.tz, settled.event.event_day)
    return listed_extreme(
        settled.columns, settled.received_at, settled.event.rule, settled.station, span, span[1] + WHOLE_REPORTS
    ).tenths  # fmt: skip


def _other_day(settled: Settled) -> int | None:
    other = DayWindow.CIVIL if settled.event.rule.window is DayWindow.STANDARD_TIME else DayWindow.STANDARD_TIME
    return _read(settled, window=window_of(other, settled.station.tz, settled.event.event_day))


def _utc_day(settled: Settled) -> int | None:
    return _read(settled, window=(_midnight(settled.event.event_day), _midnight(settled.event.event_day + ONE_DAY)))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _other_statistic(settled: Settled) -> int | None:
    listed = settled.event.rule.statistic is Statistic.MAX_LISTED_REPORT
    return _read(settled, statistic=Statistic.OFFICIAL_MAX if listed else Statistic.MAX_LISTED_REPORT)


def _hourly_only(settled: Settled) -> int | None:
    return _read(settled, statistic=Statistic.MAX_HOURLY_READING)


def _whole_celsius_first(settled: Settled) -> int | None:
    tenths = _tenths(settled)
    return None if tenths is None else _in_unit(settled, (tenths + 5) // 10 * 10)


def _half_even(settled: Settled) -> int | None:
    tenths = _tenths(settled)
    if tenths is None:
        return None
    # Twentieths and fiftieths are exact as whole numbers: no float decides a half.
    numerator, denominator = (18 * tenths + 3_200, 100) if _fahrenheit(settled) else (tenths, 10)
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


def _floored(settled: Settled) -> int | None:
    tenths = _tenths(settled)
    if tenths is None:
        return None
    return (18 * tenths + 3_200) // 100 if _fahrenheit(settled) else tenths // 10


def _fahrenheit(settled: Settled) -> bool:
    return settled.event.rule.unit is Unit.FAHRENHEIT


def _in_unit(settled: Settled, tenths: int) -> int:
    return int(fahrenheit_from_tenths(np.array(tenths))) if _fahrenheit(settled) else (tenths + 5) // 10


def _is_listed(settled: Settled) -> bool:
    return settled.event.rule.statistic is Statistic.MAX_LISTED_REPORT


def _has_tenths(settled: Settled) -> bool:
    return settled.station.report_precision is ReportPrecision.TENTHS


# What is read wrongly, for which events it is wrong at all, and how.
Words = Callable[[Settled], str]
READINGS: Sequence[tuple[Words, Callable[[Settled], bool], Reading]] = (
    (lambda s: "by the rule", lambda s: True, _by_rule),
    (lambda s: "civil instead of standard day" if not _is_listed(s) else "standard instead of civil day", lambda s: True, _other_day),
    (lambda s: "UTC day", lambda s: True, _utc_day),
    (
        lambda s: "six-hour groups where only listed reports count" if _is_listed(s) else "listed reports without six-hour groups",
        lambda s: True, _other_statistic,
    ),
    (lambda s: "reports of minutes 51 to 59 alone", _has_tenths, _hourly_only),
    (lambda s: "whole °C first, then °F", _fahrenheit, _whole_celsius_first),
    (lambda s: "halves to even", lambda s: True, _half_even),
    (lambda s: "floor instead of half up", lambda s: True, _floored),
)  # fmt: skip
NEIGHBOUR = "reports of {} for {}"


def counts(days: Sequence[Settled], daily: Mapping[date, int] | None = None) -> Iterator[Count]:
    """Yield how many days each way to read the rule gets right; the first is the right one where the station is its own.

    Args:
        days: settled events of one series.
        daily: maxima of a daily product of the station [whole degrees of the rule's unit], where there is one.
    """
    if not days:
        return
    own = days[0].event.rule.station == days[0].station.code
    name = NEIGHBOUR.format(days[0].station.code, days[0].event.rule.station)
    for words, holds, read in READINGS:
        if holds(days[0]):
            said = words(days[0]) if own else name if read is _by_rule else f"{name}, {words(days[0])}"
            yield _count(said, days, read)
    if daily and any(settled.event.event_day in daily for settled in days):
        name = f"official daily summary of {days[0].station.code}"
        yield _count(name, days, lambda settled: daily.get(settled.event.event_day))


def _count(name: str, days: Sequence[Settled], read: Reading) -> Count:
    told = [(settled, reading) for settled in days if (reading := read(settled)) is not None]
    return Count(
        name,
        sum(settled.event.winner_of(reading).market_id == settled.winner for settled, reading in told),
        sum(settled.value == reading for settled, reading in told),
        len(told),
        sum(settled.value is not None for settled, _ in told),
    )
