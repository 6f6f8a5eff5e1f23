"""The journal's activity: log, stream and version of every face in one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_

from core.days import local_day
from core.errors import NotAllowedError
from core.journal.tables import ACTIVITY
from core.model.activity import Activity, Severity
from core.services.journal_rows import any_of, like
from core.services.shelves import Shelves
from core.services.values import day as day_of
from core.units import instant, micros

SOURCE = "journal: activity"
FIRST_DAY = date(1970, 1, 1)

# Spans of event days, in days from a station's own today, both included; None is open.
SPANS: Mapping[str, tuple[int | None, int | None]] = {
    "today": (0, 0),
    "tomorrow": (1, 1),
    "past_3_days": (-3, -1),
    "future": (1, None),
}
LEVELS = tuple(Severity)  # from least to most


@dataclass(frozen=True, slots=True)
class LogRow:
    seq: int
    timestamp: datetime
    level: str  # "INFO", "WARNING", "ERROR"
    desk: str
    station_code: str
    event_day: date | None
    event_id: str
    cycle: int
    action_type: str  # cycle, fetch, decision, trade, snapshot, settlement, risk, error
    type: str  # message type of the stream, "" for lines that are only read
    message: str
    data: Mapping[str, object]
    measured: Mapping[str, object]
    extreme: str = ""  # of its event: "high" or "low"; "" where the line is about none, or it was never evaluated
    venue: str = ""


@dataclass(frozen=True, slots=True)
class Logs:
    """`total` rows match; `logs` is one page, newest first."""

    as_of: datetime
    source: str
    n: int
    total: int
    limit: int
    offset: int
    logs: tuple[LogRow, ...]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class LogDay:
    date: date  # UTC day of the rows
    label: str  # "Today", "Yesterday", "Wed 9 Dec"
    count: int


@dataclass(frozen=True, slots=True)
class LogDays:
    as_of: datetime
    source: str
    n: int
    dates: tuple[LogDay, ...]
    missing: str = ""


class ActivityService:
    """Answers from the activity table."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def version(self) -> int:
        """Return the highest `seq`, 0 before the first row: a face redraws when it grew."""
        journal = self._shelves.journal()
        return journal.version() if journal else 0

    def after(self, seq: int, limit: int = 500) -> Sequence[Activity]:
        """Return rows with a higher `seq`, oldest first."""
        journal = self._shelves.journal()
        return journal.after(seq, limit) if journal else ()

    def logs(
        self, *, station_code: str | None = None, event_day: str | date | None = None, action_type: str | None = None,
        log_level: str | None = None, text: str | None = None, day: date | None = None, event_id: str | None = None,
        limit: int = 100, offset: int = 0,
    ) -> Logs:  # fmt: skip
        """Return rows newest first.

        `event_day` is a date, `today`, `tomorrow`, `past_3_days` or `future` (in each station's own day); `log_level` is the
        least level; `day` is the UTC day of the row.
        """
        self._shelves.check_station(station_code)
        if text and not text.isprintable():
            raise NotAllowedError("text holds a character that no message has", "text")
        now, journal = self._shelves.present().now, self._shelves.journal()
        if journal is None:
            return Logs(now, SOURCE, 0, 0, limit, offset, (), self._shelves.missing())
        conditions = (
            *self._about(station_code, event_day, now),
            *_of_kind(action_type, log_level, text),
            *_received(day),
            *([ACTIVITY.c.event_id == event_id] if event_id is not None else []),
        )
        total, rows = journal.logs(conditions, limit, offset)
        events = self._events(rows)
        logs = tuple(_log(row, *events.get(row["event_id"], ("", ""))) for row in rows)
        return Logs(now, SOURCE, journal.version(), total, limit, offset, logs)

    def _events(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, tuple[str, str]]:
        """Return extreme and venue of the events that rows are about."""
        days, believed = [day_of(row["event_day"]) for row in rows if row["event_id"]], self._shelves.believed()
        first = min((one for one in days if one is not None), default=None)
        if believed is None or first is None:
            return {}
        return {row["event_id"]: (row["extreme"], row["venue"]) for row in believed.outlooks(first)}

    def dates(self) -> LogDays:
        """Return the UTC days that have rows, newest first."""
        now, journal = self._shelves.present().now, self._shelves.journal()
        if journal is None:
            return LogDays(now, SOURCE, 0, (), self._shelves.missing())
        found = journal.log_days()
        days = tuple(LogDay(on, _label(on, now.date()), count) for on, count in found)
        return LogDays(now, SOURCE, sum(count for _, count in found), days)

    def _about(self, station: str | None, event_day: str | date | None, now: datetime) -> Iterator[ColumnElement[bool]]:
        if station is not None:
            yield ACTIVITY.c.station == station
        if event_day is None:
            return
        if isinstance(event_day, str) and event_day in SPANS:
            yield self._span(SPANS[event_day], station, now)
            return
        try:
            asked = event_day if isinstance(event_day, date) else date.fromisoformat(event_day)
        except ValueError:
            raise NotAllowedError(f"event_day is YYYY-MM-DD or {', '.join(SPANS)}; got {event_day!r}", "event_day") from None
        yield ACTIVITY.c.event_day == asked.isoformat()

    def _span(self, span: tuple[int | None, int | None], station: str | None, now: datetime) -> ColumnElement[bool]:
        """Return the rows within days of each station's own today: one condition for each date it is somewhere now."""
        todays: dict[date, list[str]] = {}
        for code, place in self._shelves.stations().items():
            if station in (None, code):
                todays.setdefault(local_day(place.tz, now), []).append(code)
        return any_of(and_(ACTIVITY.c.station.in_(codes), *_between(span, today)) for today, codes in sorted(todays.items()))


def _between(span: tuple[int | None, int | None], today: date) -> Iterator[ColumnElement[bool]]:
    first, last = span
    yield ACTIVITY.c.event_day >= (today + timedelta(days=first or 0)).isoformat()
    if last is not None:
        yield ACTIVITY.c.event_day <= (today + timedelta(days=last)).isoformat()


def _of_kind(action: str | None, level: str | None, text: str | None) -> Iterator[ColumnElement[bool]]:
    if action is not None:
        yield ACTIVITY.c.action == str(action)
    if level is not None and Severity(level) is not LEVELS[0]:
        yield ACTIVITY.c.severity.in_([str(one) for one in LEVELS[LEVELS.index(Severity(level)) :]])
    if text:
        yield like(ACTIVITY.c.message, text)


def _received(day: date | None) -> Iterator[ColumnElement[bool]]:
    if day is not None:
        start = micros(instant(0)) + (day - FIRST_DAY) // timedelta(microseconds=1)
        yield ACTIVITY.c.at >= start
        yield ACTIVITY.c.at < start + timedelta(days=1) // timedelta(microseconds=1)


def _label(on: date, today: date) -> str:
    return {0: "Today", 1: "Yesterday"}.get((today - on).days, f"{on:%a} {on.day} {on:%b}")


def _log(row: Mapping[str, Any], extreme: str, venue: str) -> LogRow:
    return LogRow(
        seq=row["seq"], timestamp=instant(row["at"]), level=row["severity"], desk=row["desk"], station_code=row["station"],
        event_day=day_of(row["event_day"]), event_id=row["event_id"], cycle=row["cycle"], action_type=row["action"],
        type=row["type"], message=row["message"], data=orjson.loads(row["data"] or "{}"),
        measured=orjson.loads(row["measured"] or "{}"), extreme=extreme, venue=venue,
    )  # fmt: skip
