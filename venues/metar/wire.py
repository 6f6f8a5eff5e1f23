"""The `/metar` answer of aviationweather.gov: a JSON array of reports, newest first, split into stations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from core.errors import WireError
from core.model.record import Kind, Record
from core.units import Columns, micros
from venues.metar.report import Report, decode_report
from venues.sanity import future_fault, quarantine, report_fault
from venues.spans import joined, json_elements

__all__ = ["Report", "decode_report", "metar_columns", "parse_metars", "sound_fault"]

DECODER = 1


def parse_metars(raw: bytes, received_at: datetime, *, oldest: timedelta | None = None) -> list[Record]:
    """Return one record per station of an answer; an empty body is no data.

    Each record's raw is an array of its station's elements, byte for byte as they came. An element that is not
    understood stays in the raw and is named under `facts["unread"]`, one that cannot be true under `facts["quarantined"]`:
    an impossible temperature, a time to come, or one more than `oldest` ago.
    """
    of_station: dict[str, list[tuple[bytes, Mapping[str, Any]]]] = {}
    for span, element in json_elements(raw, "metar"):
        of_station.setdefault(_station_of(element), []).append((span, element))
    return [_station_record(station, parts, received_at, oldest) for station, parts in of_station.items()]


def metar_columns(reports: list[Report]) -> Columns:
    """Return the columns of a `metar` record, one row per report, in the given order."""
    return {
        "valid_at": np.array([micros(report.valid_at) for report in reports], np.int64),
        "report": np.array([report.kind for report in reports], dtype=object),
        "corrected": np.array([report.corrected for report in reports], np.bool_),
        "tenths": np.array([report.tenths for report in reports], np.int64),
        "exact": np.array([report.exact for report in reports], np.bool_),
        "max6": np.array([report.max6 for report in reports], np.int64),
        "min6": np.array([report.min6 for report in reports], np.int64),
        "max24": np.array([report.max24 for report in reports], np.int64),
        "min24": np.array([report.min24 for report in reports], np.int64),
        "raw": np.array([report.raw for report in reports], dtype=object),
    }


def _station_of(element: object) -> str:
    station = element.get("icaoId") if isinstance(element, dict) else None
    if not isinstance(station, str) or not station.isalnum():
        raise WireError(f"metar: a report without an icaoId ({str(element)[:80]}); keep the bytes")
    return station.upper()


def sound_fault(report: Report, received_at: datetime, oldest: timedelta | None) -> str:
    """Return the sentence about a report that says what cannot be; "" for a sound one."""
    tenths = (report.tenths, report.max6, report.min6, report.max24, report.min24)
    return report_fault(report.station, report.valid_at, tenths, received_at, oldest)


def _station_record(
    station: str, parts: list[tuple[bytes, Mapping[str, Any]]], received_at: datetime, oldest: timedelta | None
) -> Record:
    read: list[tuple[datetime, datetime, Report]] = []
    receipts: list[datetime] = []
    unread: list[str] = []
    lies: list[str] = []
    for _, element in parts:
        try:
            report, receipt = _report_of(station, element), _receipt(element)
        except WireError as error:
            unread.append(str(error))
            continue
        if fault := sound_fault(report, received_at, oldest) or _receipt_fault(report, receipt, received_at):
            lies.append(fault)
            continue
        read.append((report.valid_at, receipt or received_at, report))
        receipts += [] if receipt is None else [receipt]
    read.sort(key=lambda row: row[:2])  # a correction lies behind what it corrects
    return Record(
        source="metar",
        kind=Kind.METAR,
        subject=station,
        received_at=received_at,
        issued_at=max(receipts, default=None),
        raw=joined(span for span, _ in parts),
        rows=metar_columns([report for _, _, report in read]),
        facts={**({"unread": unread} if unread else {}), **quarantine(lies)},
        decoder=DECODER,
    )


def _receipt_fault(report: Report, receipt: datetime | None, received_at: datetime) -> str:
    fault = "" if receipt is None else future_fault(receipt, received_at)
    return f"{report.station} {report.valid_at:%Y-%m-%dT%H:%MZ}: its receipt {fault}" if fault else ""


def _report_of(station: str, element: Mapping[str, Any]) -> Report:
    text = element.get("rawOb")
    if not isinstance(text, str):
        raise WireError(f"metar: {station} has a report without rawOb; keep the bytes")
    kind = element.get("metarType")
    report = decode_report(text, _observed(station, element), kind if isinstance(kind, str) else "")
    if report.station != station:
        raise WireError(f"metar: {station} was answered with a report of {report.station}; keep the bytes")
    return report


def _observed(station: str, element: Mapping[str, Any]) -> datetime:
    # Unix seconds; in 2023 "YYYY-MM-DD HH:MM:SS". `reportTime` is rounded to the hour and never used.
    at = _instant(element.get("obsTime"))
    if at is None:
        raise WireError(f"metar: {station} has no obsTime in {str(element.get('rawOb'))[:60]!r}; keep the bytes")
    return at


def _receipt(element: Mapping[str, Any]) -> datetime | None:
    return _instant(element.get("receiptTime"))


def _instant(value: object) -> datetime | None:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
