"""When listings are asked for: under which series, for which days, how often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta

from agents.weather.listed import Listed
from core.days import ONE_DAY, day_of, zone
from core.model.cycle import Cycle
from core.model.record import Ask, Kind
from core.model.rule import DayWindow, Extreme
from core.model.station import Station
from core.registry import Series, load_series
from core.settings import Settings
from core.store.archive import View
from core.units import micros

Named = tuple[str, str, Extreme]  # venue, station, extreme
POLYMARKET, KALSHI = "polymarket", "kalshi"
DISCOVER = "discover"  # subject of the ask for events of whatever series
DISCOVER_EVERY = timedelta(hours=6)  # of series that the registry does not know: pages of everything that is listed
RETRY = timedelta(minutes=5)  # after a failure
EXPECTED_FOR = timedelta(minutes=30)  # after a venue's usual hour a day that is still missing is sought at every look
DAY_OF = {POLYMARKET: DayWindow.CIVIL, KALSHI: DayWindow.STANDARD_TIME}
AHEAD = {KALSHI: 1}  # days that a venue lists ahead at most: today and tomorrow
# When a venue lists new days [UTC]; of Polymarket by the hour of the station's clock. FACTS I.4.
KALSHI_LISTS = time(14, 2)
POLYMARKET_LISTS = ((-3.0, time(2, 3)), (4.0, time(5, 3)), (24.0, time(4, 3)))  # east of UTC up to [hours]


def listing_asks(
    stations: Sequence[Station], cycle: Cycle, events: Sequence[Listed], heard: Mapping[str, int], view: View, now: datetime,
    settings: Settings,
) -> Iterator[Ask]:  # fmt: skip
    """Yield one ask for each series whose listings are due, and the ask for events of any series four times a day.

    All days are due when the series was last heard of long ago; days that were never listed also when the venue's usual
    hour has just passed. A series of which nothing was ever heard is asked for at the first look and at the first look
    after each full period. What failed is tried again soon.

    Args:
        stations: whose series.
        cycle: for which; its instant stands on the grid.
        events: that are known.
        heard: when each event's newest listing was received, by event id.
        view: up to now.
        now: instant of the questions.
        settings: days ahead and how often.
    """
    every = timedelta(minutes=settings.weather.discover_minutes)
    known, last = _known(events, heard)
    tried, of_station = frozenset(view.subjects(Kind.EVENTS, now - RETRY)), {station.code: station for station in stations}
    new_period, heard_of = _crossed(cycle.scheduled_at, every, settings), {venue for venue, *_ in last}
    for row in load_series():
        station, series = of_station.get(row.station), (row.venue, row.station, row.extreme)
        if station is None or row.series in tried:  # a failed ask is recorded under the series itself
            continue
        newest = last.get(series, 0)
        days = [day for day in _days(row, station, now, settings) if row.valid_from <= day <= row.valid_until]
        if newest > micros(now - every):
            soon = newest < _usual_moment(row.venue, station, now)
            days = [day for day in days if day not in known[series]] if soon else []
        elif not newest and not new_period and row.venue in heard_of:
            days = []
        if days:
            yield Ask(Kind.EVENTS, row.series, days=tuple(days), source=row.venue)
    if stations and DISCOVER not in tried and (not events or _crossed(cycle.scheduled_at, DISCOVER_EVERY, settings)):
        yield Ask(Kind.EVENTS, DISCOVER, source=POLYMARKET)


def _known(events: Sequence[Listed], heard: Mapping[str, int]) -> tuple[dict[Named, set[date]], dict[Named, int]]:
    """Return which days of each series are listed, and when each series was heard of last."""
    known: dict[Named, set[date]] = {}
    last: dict[Named, int] = {}
    for each in events:
        series = (each.event.venue, each.station.code, each.event.extreme)
        known.setdefault(series, set()).add(each.event.event_day)
        last[series] = max(last.get(series, 0), heard[each.event.event_id])
    return known, last


def _days(row: Series, station: Station, now: datetime, settings: Settings) -> Iterator[date]:
    today = day_of(DAY_OF[row.venue], station.tz, now)
    for ahead in range(min(settings.lookahead_days, AHEAD.get(row.venue, settings.lookahead_days)) + 1):
        yield today + ahead * ONE_DAY


def _crossed(at: datetime, every: timedelta, settings: Settings) -> bool:
    """Return whether a full period began since the look before: on the grid, so that a restart agrees on it."""
    before = at - timedelta(seconds=settings.interval_seconds)
    return micros(at) // (every // timedelta(microseconds=1)) > micros(before) // (every // timedelta(microseconds=1))


def _usual_moment(venue: str, station: Station, now: datetime) -> int:
    """Return the venue's listing moment if it has just passed, else 0."""
    at = datetime.combine(now.date(), KALSHI_LISTS if venue == KALSHI else _polymarket_lists(station, now), now.tzinfo)
    return micros(at) if at <= now < at + EXPECTED_FOR else 0


def _polymarket_lists(station: Station, now: datetime) -> time:
    offset = now.astimezone(zone(station.tz)).utcoffset()
    east = (offset or timedelta(0)) / timedelta(hours=1)
    return next(moment for until, moment in POLYMARKET_LISTS if east <= until)
