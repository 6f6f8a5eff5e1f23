"""A question that failed is a record too."""

from __future__ import annotations

from datetime import datetime

from core.model.record import Kind, Record


def failed(source: str, kind: Kind, subject: str, received_at: datetime, error: Exception, raw: bytes = b"") -> Record:
    """Return the record of an ask that brought nothing: why, and the bytes where there were any."""
    return Record(
        source=source, kind=kind, subject=subject, received_at=received_at, issued_at=None, raw=raw, rows={}, error=str(error)
    )  # fmt: skip
