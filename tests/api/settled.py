"""Settled events written by hand, as the desk keeps them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from core.checkpoints import EARLIER, LOOKS
from core.store.columns import DTYPES, texts
from core.store.track import STATES, TRACK, TrackStore
from core.units import Columns, micros

MAKER = "residual-abc"
NAN = float("nan")
DAY = date(2026, 12, 7)
Pmf = Sequence[float | None]


@dataclass(frozen=True)
class Event:
    """One settled event; what is said of a look holds at all of them."""

    event_id: str = "e"
    day: date = DAY
    venue: str = "polymarket"
    station: str = "KLGA"
    extreme: str = "high"
    unit: str = "F"
    winner: int = 0
    reading: float = 80.0
    exact: bool = True
    own: float = 80.0
    own_winner: int = 0
    forecast: float = 78.0
    mean: float = 79.0
    sd: float = 2.0
    floor: float = NAN
    sources: Mapping[str, float] = field(default_factory=lambda: {"gfs": 77.0})
    model: Pmf = (0.5, 0.3, 0.2)
    market: Pmf = (0.25, 0.5, 0.25)
    pooled: Pmf = (0.5, 0.25, 0.25)
    lower: float = 0.0
    upper: float = 1.0
    rps: float = 1.5
    width: float = 5.0
    market_age: float = 600.0
    claimed: float = NAN
    realised: float = NAN
    since: datetime = datetime(2026, 12, 8, 13, tzinfo=UTC)
    maker: str = MAKER


def state(kind: str, subject: str, n: int, value: float, detail: Mapping[str, Any], day: date = DAY) -> dict[str, Any]:
    """Return one learned state."""
    at = micros(datetime(day.year, day.month, day.day, tzinfo=UTC))
    return {
        "day": at, "kind": kind, "subject": subject, "maker": MAKER, "n": n, "value": value, "detail": json.dumps(detail)
    }  # fmt: skip


def gate(subject: str, n: int, n_dates: int, size: str = "probe", **more: Any) -> dict[str, Any]:
    """Return the state of a gate."""
    detail = {
        "size": size, "n_dates": n_dates, "d": None, "least_detectable": 0.05, "sentence": f"{size.title()} size.", "checks": [],
        **more,
    }  # fmt: skip
    return state("gate", subject, n, NAN, detail)


def write(folder: Path, events: Sequence[Event], states: Sequence[Mapping[str, Any]] = ()) -> None:
    """Keep events and states as the desk does."""
    store = TrackStore(folder, "weather")
    rows = [row for event in events for row in _rows(event)]
    store.append(_columns(rows, TRACK), _columns(states, STATES))
    store.close()


def days(n: int, first: date = DAY) -> tuple[date, ...]:
    """Return the days before and with `first`, newest first."""
    return tuple(first - timedelta(days=i) for i in range(n))


def _rows(event: Event) -> Iterator[dict[str, Any]]:
    for look, each in enumerate(LOOKS):
        marked = look >= len(EARLIER)
        names = ("lower", "upper", "rps", "width", "market_age", "claimed", "realised")
        found = {
            "event_id": event.event_id, "since": micros(event.since), "look": look, "maker": event.maker,
            "at": micros(each.at("America/New_York", event.day)), "event_day": event.day.isoformat(),
            "sources": json.dumps(event.sources), "n_residuals": 40,
            **{name: getattr(event, name) for name in ("venue", "station", "extreme", "unit", "winner", "reading", "exact")},
            **{name: getattr(event, name) for name in ("own", "own_winner", "forecast", "mean", "sd", "floor")},
            **{name: getattr(event, name) if marked else NAN for name in names},
            **{f"p_{name}": json.dumps(getattr(event, name)) if marked else "" for name in ("model", "market", "pooled")},
        }  # fmt: skip
        yield {name: found.get(name, NAN) for name in TRACK}


def _columns(rows: Sequence[Mapping[str, Any]], shape: Mapping[str, str]) -> Columns:
    return {
        name: texts([row[name] for row in rows]) if stored == "str" else np.array([row[name] for row in rows], DTYPES[stored])
        for name, stored in shape.items()
    }
