"""Where things lie in the data folder."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from core.model.record import Kind
from core.units import instant, micros

ONE_DAY = timedelta(days=1)
SNAPSHOTS = "snapshots"
REFERENCES = "references"
ARCHIVE = "archive"
QUARANTINE = "quarantine"
INCOMING = "incoming"
CATALOGUE = "catalogue.db"
_STAMP = "%Y-%m-%dT%H%M%S.%fZ"


def day_of(received_at: int) -> date:
    """Return the UTC day of an instant."""
    return instant(received_at).date()


def start_of(day: date) -> int:
    """Return the instant at which a UTC day begins."""
    return micros(datetime(day.year, day.month, day.day, tzinfo=UTC))


def stamp(at: datetime) -> str:
    """Return an instant as a file name that sorts by time."""
    return at.astimezone(UTC).strftime(_STAMP)


def moment(stamped: str) -> datetime:
    """Return the instant that a stamp stands for."""
    return datetime.strptime(stamped, _STAMP).replace(tzinfo=UTC)


def snapshot_path(source: str, subject: str, received_at: datetime, identity: str) -> str:
    """Return the path of a snapshot file relative to the data folder."""
    at = received_at.astimezone(UTC)
    return f"{SNAPSHOTS}/{source}/{subject}/{at.date().isoformat()}/{stamp(at)}-{identity[:12]}.json"


def reference_path(received_at: datetime, digest: str) -> str:
    """Return the path of a batch's file of unchanged payloads, relative to the data folder."""
    at = received_at.astimezone(UTC)
    return f"{SNAPSHOTS}/{REFERENCES}/{at.date().isoformat()}/{stamp(at)}-{digest[:12]}.json"


def closed_folder(data_dir: Path, kind: Kind) -> Path:
    """Return the folder of closed days of one kind."""
    return data_dir / ARCHIVE / str(kind)


def closed_path(data_dir: Path, kind: Kind, day: date) -> Path:
    """Return the file of one closed day."""
    return closed_folder(data_dir, kind) / f"{day.isoformat()}.parquet"


def closed_days(data_dir: Path, kind: Kind) -> list[date]:
    """Return the closed days of one kind, oldest first."""
    folder = closed_folder(data_dir, kind)
    names = os.listdir(folder) if folder.is_dir() else []
    found = (_day_named(name) for name in names if name.endswith(".parquet") and len(name) == 18)
    return sorted(day for day in found if day is not None)


def _day_named(name: str) -> date | None:
    try:
        return date.fromisoformat(name[:10])
    except ValueError:  # somebody else's file
        return None
