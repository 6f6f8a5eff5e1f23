"""Questions to the journal as SQL text with `?`, each walking an index: the cost does not grow with history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from core.journal.lines import Among, Said
from core.journal.tables import METADATA, columns_of
from core.units import micros

SCANNED = 200_000
"""A search in messages looks at so many of the newest rows."""


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    values: tuple[object, ...] = ()


def page_of(
    name: str, among: Among, key: str, limit: int, offset: int, *, newest_first: bool, also: Mapping[str, object] | None = None
) -> Question:  # fmt: skip
    """Return one page of a table in the order of its cycles; rows of one cycle stand in the order of `key`."""
    where, values = _among(among, also or {})
    way = "DESC" if newest_first else "ASC"
    order = ", ".join(f"{column} {way}" for column in ("scheduled_at", *key.split(", ")))
    text = f"SELECT {_columns(name)} FROM {name}{where} ORDER BY {order} LIMIT ? OFFSET ?"
    return Question(text, (*values, limit, offset))


def count_of(name: str, among: Among) -> Question:
    """Return how many rows of a table there are."""
    where, values = _among(among, {})
    return Question(f"SELECT count(*) FROM {name}{where}", values)


def rows_where(name: str, where: str, *values: object) -> Question:
    """Return the rows of a table for a condition in SQL."""
    return Question(f"SELECT {_columns(name)} FROM {name} WHERE {where}", values)


def activity_page(said: Said, limit: int, offset: int, *, newest_first: bool, after: int = 0) -> Question:
    """Return one page of the activity, by seq; only rows later than `after`."""
    where, values = _said(said, after)
    way = "DESC" if newest_first else "ASC"
    text = f"SELECT {_columns('activity')} FROM activity{where} ORDER BY seq {way} LIMIT ? OFFSET ?"
    return Question(text, (*values, limit, offset))


def _among(among: Among, also: Mapping[str, object]) -> tuple[str, tuple[object, ...]]:
    names = ("desk", "station", "event_id", "venue", "token")
    parts: list[tuple[str, object]] = [(f"{name} = ?", value) for name in names if (value := getattr(among, name))]
    parts += [(f"{name} = ?", value) for name, value in also.items()]
    parts += [("event_day = ?", among.event_day.isoformat())] if among.event_day else []
    parts += _span("scheduled_at", among.start, among.end)
    return _where(parts)


def _said(said: Said, after: int) -> tuple[str, tuple[object, ...]]:
    names = ("desk", "station", "event_id", "action", "severity", "type")
    parts: list[tuple[str, object]] = [(f"{name} = ?", value) for name in names if (value := getattr(said, name))]
    parts += [("event_day = ?", said.event_day.isoformat())] if said.event_day else []
    parts += [("event_day >= ?", said.first_event_day.isoformat())] if said.first_event_day else []
    parts += [("event_day > '' AND event_day <= ?", said.last_event_day.isoformat())] if said.last_event_day else []
    parts += _span("at", said.start, said.end)
    parts += [("seq > ?", after)] if after else []
    if said.text:
        parts.append(
            (f"seq > (SELECT max(seq) - {SCANNED} FROM activity) AND lower(message) LIKE ? ESCAPE '!'", _like(said.text))
        )
    return _where(parts)


def _span(column: str, start: datetime | None, end: datetime | None) -> list[tuple[str, object]]:
    parts: list[tuple[str, object]] = []
    parts += [(f"{column} >= ?", micros(start))] if start else []
    parts += [(f"{column} < ?", micros(end))] if end else []
    return parts


def _where(parts: list[tuple[str, object]]) -> tuple[str, tuple[object, ...]]:
    text = " AND ".join(part for part, _ in parts)
    return (f" WHERE {text}" if text else "", tuple(value for _, value in parts))


def _like(text: str) -> str:
    return f"%{text.lower().replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"


def _columns(name: str) -> str:
    return ", ".join(columns_of(METADATA.tables[name]))


def day_bounds(day: date) -> tuple[int, int]:
    """Return the UTC day as microseconds [start, end)."""
    start = (day.toordinal() - date(1970, 1, 1).toordinal()) * 86_400_000_000
    return start, start + 86_400_000_000
