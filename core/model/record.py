"""One outside answer, decoded once at the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from core.units import Columns


class Kind(StrEnum):
    """What a record is about. Its facts and columns are described in `docs/records.md`."""

    EVENTS = "events"
    BOOKS = "books"
    PRINTS = "prints"
    OUTCOMES = "outcomes"
    FORECAST = "forecast"
    ENSEMBLE = "ensemble"
    METAR = "metar"
    CLIMATE = "climate"
    BARS = "bars"
    QUOTES = "quotes"
    REPORTS = "reports"
    HOST = "host"  # what the machine measured of itself
    LEARNED = "learned"
    COMMANDS = "commands"


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to a source: which kind, about whom, for which days or tokens."""

    kind: Kind
    subject: str
    days: tuple[date, ...] = ()
    tokens: tuple[str, ...] = ()
    source: str = ""  # which source is asked; "" is every one that gives the kind


@dataclass(frozen=True, slots=True)
class Record:
    """Raw bytes for audit, facts and rows for every later reader.

    `rows` are one-dimensional columns of equal length, `facts` what holds once for all rows.
    A failed question is a record too: `error` says why, rows are empty.
    """

    source: str
    kind: Kind
    subject: str  # [A-Za-z0-9._-]+, a file name
    received_at: datetime
    issued_at: datetime | None
    raw: bytes
    rows: Columns
    facts: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    decoder: int = 1
