"""What to ask whom: settled days of active stations as pieces of work, and what of an answer is finished. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from core.days import ONE_DAY, local_day
from core.model.record import Ask, Kind, Record
from core.model.station import Station
from core.registry import Series

SETTLED_AFTER = timedelta(hours=12)  # after the end of a day: by then most venues have spoken
SILENT_AFTER = timedelta(days=3)  # a day of which no venue has spoken by then had no event
EVENT_DAYS = 10  # of one series in one piece: what a kill costs at most
STATION_DAYS = 20  # of one station in one piece
OFFICIAL = "kalshi"  # the venue that settles on climate reports


class HasPast(Protocol):
    """A source that knows what was."""

    @property
    def name(self) -> str: ...

    @property
    def gives_past(self) -> frozenset[Kind]: ...

    def past(self, ask: Ask) -> Iterator[Record]:
        """Yield what is known of `ask.days`, received when one would have known it; a failure is a record with `error`."""
        ...


@dataclass(frozen=True, slots=True)
class Piece:
    """One question."""

    source: str
    kind: Kind
    subject: str
    station: str
    days: tuple[date, ...]

    @property
    def key(self) -> str:
        """Return under which name finished days are noted."""
        return f"{self.source}/{self.kind}/{self.subject}"

    @property
    def ask(self) -> Ask:
        return Ask(self.kind, self.subject, days=self.days, source=self.source)


@dataclass(frozen=True, slots=True)
class Answered:
    """A piece with what came of it."""

    piece: Piece
    records: tuple[Record, ...]
    errors: tuple[str, ...]


def last_day(station: Station, now: datetime) -> date:
    """Return the newest day of a station that is long enough over."""
    return local_day(station.tz, now - SETTLED_AFTER) - ONE_DAY


def pieces_of(
    source: HasPast, stations: Sequence[Station], series: Sequence[Series], n_days: int, now: datetime,
    done: Mapping[str, frozenset[date]],
) -> tuple[list[Piece], int]:  # fmt: skip
    """Return what is to be asked of a source, and how many questions need no asking.

    Oldest days of all stations first, station by station: what is written together then lies in few files.
    """
    found: list[Piece] = []
    already = 0
    for station in stations:
        days = [last_day(station, now) - n * ONE_DAY for n in reversed(range(n_days))]
        for kind, subject, valid in _subjects(source, station, series):
            piece = Piece(source.name, kind, subject, station.code, tuple(day for day in days if valid[0] <= day <= valid[1]))
            missing = [day for day in piece.days if day not in done.get(piece.key, frozenset())]
            already += bool(piece.days) and not missing
            size = EVENT_DAYS if kind is Kind.EVENTS else STATION_DAYS
            found += [Piece(source.name, kind, subject, station.code, run) for run in _runs(missing, size)]
    blocks = {piece: (now.date() - piece.days[0]).days // EVENT_DAYS for piece in found}
    return sorted(found, key=lambda piece: -blocks[piece]), already


def _subjects(source: HasPast, station: Station, series: Sequence[Series]) -> Iterator[tuple[Kind, str, tuple[date, date]]]:
    mine = [row for row in series if row.station == station.code]
    always = date.min, date.max
    for kind in sorted(source.gives_past):
        if kind is Kind.EVENTS:
            yield from ((kind, row.series, (row.valid_from, row.valid_until)) for row in mine if row.venue == source.name)
        elif kind is Kind.METAR:
            if len(station.code) == 4 and station.code.isalpha():  # what has no ICAO code sends no reports
                yield kind, station.code, always
        elif kind is not Kind.CLIMATE or any(row.venue == OFFICIAL for row in mine):
            yield kind, station.code, always


def _runs(days: Sequence[date], size: int) -> Iterator[tuple[date, ...]]:
    """Yield consecutive days, at most `size` at a time."""
    run: list[date] = []
    for day in days:
        if run and (day != run[-1] + ONE_DAY or len(run) == size):
            yield tuple(run)
            run = []
        run.append(day)
    if run:
        yield tuple(run)


def finished_days(answered: Answered, now: datetime) -> tuple[date, ...]:
    """Return the days that need not be asked again.

    Events: those that have their final outcome, and old ones of which nothing is known. Otherwise all, or none after a failure.
    """
    piece = answered.piece
    if piece.kind is not Kind.EVENTS:
        return () if answered.errors else piece.days
    known = [record for record in answered.records if record.received_at <= now]
    final = {record.subject for record in known if record.kind is Kind.OUTCOMES and record.facts["final"]}
    listed = {date.fromisoformat(record.facts["event_day"]): record.subject for record in known if record.kind is Kind.EVENTS}
    old = (now - SILENT_AFTER).date()
    return tuple(
        day for day in piece.days if listed.get(day) in final or (day not in listed and day < old and not answered.errors)
    )
