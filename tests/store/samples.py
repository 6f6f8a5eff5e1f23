"""Records for tests of the shelves, and what makes two stacks equal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from core.model.record import Kind, Record
from core.store.archive import Stack

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def minutes(count: float) -> datetime:
    return START + timedelta(minutes=count)


def forecast(
    at: float,
    *celsius: float,
    subject: str = "EGLC",
    source: str = "open_meteo",
    error: str | None = None,
    raw: bytes | None = None,
) -> Record:
    count = len(celsius)
    return Record(
        source, Kind.FORECAST, subject, minutes(at), minutes(at - 60), raw if raw is not None else repr(celsius).encode(),
        {
            "model": np.array(["gfs"] * count, dtype=object), "variable": np.array(["hourly"] * count, dtype=object),
            "valid_at": np.arange(count, dtype=np.int64), "celsius": np.array(celsius, np.float64),
        } if error is None else {},
        {"latitude": 51.5, "longitude": 0.05} if error is None else {}, error,
    )  # fmt: skip


def listing(at: float, subject: str = "event-1", raw: bytes = b"{}", **rows: Any) -> Record:
    return Record("polymarket", Kind.EVENTS, subject, minutes(at), None, raw, rows, {"title": "Highest temperature"})


def same_stack(one: Stack, other: Stack) -> None:
    """Fail where the stacks differ in any bit."""
    assert (one.kind, one.subject, one.source, one.error) == (other.kind, other.subject, other.source, other.error)
    assert [dict(facts) for facts in one.facts] == [dict(facts) for facts in other.facts]
    for name in ("received_at", "first_at", "issued_at", "offsets"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert sorted(one.columns) == sorted(other.columns)
    for name, values in one.columns.items():
        assert values.dtype == other.columns[name].dtype, name
        np.testing.assert_array_equal(values, other.columns[name], err_msg=name)


def files_under(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
