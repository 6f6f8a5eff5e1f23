"""Records as series for one temperature axis: vintages of the forecast, METAR dots, the running extreme."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from core.model.rule import Extreme, SettlementRule
from core.model.station import Station
from core.readings import reading_of, received_per_row, running_extreme
from core.store.archive import Stack
from core.units import MISSING, Columns, FloatArray, InstantArray, Unit, fahrenheit, instant, micros

MAX_POINTS = 96
MARGIN = timedelta(hours=6)  # drawn on both sides of the settlement window
EARLIER_BY = (timedelta(hours=48), timedelta(hours=24), timedelta(hours=12), timedelta(hours=6))


@dataclass(frozen=True, slots=True)
class Curve:
    """A forecast of the hourly temperature, the mean of its models, at most `MAX_POINTS` points, in the card's unit."""

    label: str  # "now", "as issued", "earlier"
    received_at: datetime
    first_at: datetime  # when this content was first received
    issued_at: datetime | None
    models: tuple[str, ...]
    at: tuple[datetime, ...]
    value: tuple[float, ...]
    extreme: float | None  # highest (lowest) hourly value within the settlement window


@dataclass(frozen=True, slots=True)
class Dot:
    """One METAR report."""

    at: datetime
    received_at: datetime
    value: float  # card's unit
    reading: int | None  # as the rule's source would print it; None when the rule is not understood
    report: str  # "METAR" or "SPECI"
    counts: bool  # within the settlement window
    raw: str


@dataclass(frozen=True, slots=True)
class Step:
    """The running extreme from `at` on."""

    at: datetime
    value: float  # card's unit, unrounded
    reading: int


@dataclass(frozen=True, slots=True)
class Frame:
    """What all series of a card share."""

    start: datetime  # settlement window [start, end)
    end: datetime
    unit: Unit
    extreme: Extreme
    now: datetime


def degrees(celsius: FloatArray, unit: Unit) -> FloatArray:
    """Return temperatures in the card's unit."""
    return fahrenheit(celsius) if unit is Unit.FAHRENHEIT else np.asarray(celsius, np.float64)


def vintages(stack: Stack, frame: Frame) -> tuple[Curve | None, Curve | None, tuple[Curve, ...]]:
    """Return the forecast now, as issued (the last received before the window began), and earlier ones, oldest first.

    Each source keeps its newest record by an instant; a curve is the mean over the models of all of them.
    """
    if not len(stack):
        return None, None, ()
    now = _curve("now", stack, frame, frame.now)
    issued = _curve("as issued", stack, frame, frame.start) if frame.start <= frame.now else None
    shown = {curve.first_at for curve in (now, issued) if curve}
    earlier = []
    for span in EARLIER_BY:
        curve = _curve("earlier", stack, frame, frame.now - span)
        if curve and curve.first_at not in shown:
            shown.add(curve.first_at)
            earlier.append(curve)
    return now, issued, tuple(earlier)


def _curve(label: str, stack: Stack, frame: Frame, by: datetime) -> Curve | None:
    known = np.flatnonzero(stack.received_at <= micros(by))
    newest = {stack.source[i]: int(i) for i in known}  # ascending: the last one stays
    if not newest:
        return None
    rows = [stack.rows(index) for index in newest.values()]
    models, at, celsius = _mean_over_models(rows, frame)
    if not len(at):
        return None
    value = degrees(celsius, frame.unit)
    inside = (at >= micros(frame.start)) & (at < micros(frame.end))
    best = (value[inside].max() if frame.extreme is Extreme.HIGH else value[inside].min()) if inside.any() else None
    last = max(newest.values())
    return Curve(
        label, instant(int(stack.received_at[last])), instant(max(int(stack.first_at[i]) for i in newest.values())),
        instant(int(stack.issued_at[last])) if stack.issued_at[last] > 0 else None, models,
        tuple(instant(int(one)) for one in at), tuple(round(float(one), 2) for one in value),
        None if best is None else round(float(best), 2),
    )  # fmt: skip


def _mean_over_models(records: Sequence[Columns], frame: Frame) -> tuple[tuple[str, ...], InstantArray, FloatArray]:
    """Return model names, hours and the mean over the models that have each hour."""
    start, end = micros(frame.start - MARGIN), micros(frame.end + MARGIN)
    models: set[str] = set()
    hours, values = [], []
    for rows in records:
        at, celsius = np.asarray(rows["valid_at"], np.int64), np.asarray(rows["celsius"], np.float64)
        keep = (rows["variable"] == "hourly") & (at >= start) & (at <= end) & np.isfinite(celsius)
        models |= set(rows["model"][keep].tolist())
        hours.append(at[keep])
        values.append(celsius[keep])
    at, place = np.unique(np.concatenate(hours), return_inverse=True)
    total = np.bincount(place, np.concatenate(values), len(at))
    mean = total / np.maximum(np.bincount(place, minlength=len(at)), 1)
    if len(at) > MAX_POINTS:  # finer than hourly: keep every so-manieth point
        step = -(-len(at) // MAX_POINTS)
        at, mean = at[::step], mean[::step]
    return tuple(sorted(models)), at, mean


def dots(stack: Stack, frame: Frame, rule: SettlementRule | None, station: Station) -> tuple[Dot, ...]:
    """Return the newest version of each report of the day and its margin, oldest first."""
    received = received_per_row(stack.received_at, stack.offsets)
    columns, span = stack.columns, (micros(frame.start - MARGIN), micros(frame.end + MARGIN))
    newest: dict[tuple[int, str], int] = {}
    for row in np.flatnonzero((columns["valid_at"] >= span[0]) & (columns["valid_at"] <= span[1])):
        key = int(columns["valid_at"][row]), str(columns["report"][row])
        kept = newest.get(key)
        # A correction stands against an uncorrected copy that comes in later.
        if kept is None or columns["corrected"][row] or not columns["corrected"][kept]:
            newest[key] = int(row)
    rows = [newest[key] for key in sorted(newest) if columns["tenths"][newest[key]] != MISSING]
    tenths = np.asarray(columns["tenths"], np.int64)[rows]
    values = degrees(tenths / 10.0, frame.unit)
    readings = reading_of(tenths, rule, station.report_precision) if rule else None
    return tuple(
        Dot(
            instant(int(columns["valid_at"][row])), instant(int(received[row])), round(float(values[i]), 2),
            None if readings is None else int(readings[i]), str(columns["report"][row]),
            micros(frame.start) <= int(columns["valid_at"][row]) < micros(frame.end), str(columns["raw"][row]),
        )
        for i, row in enumerate(rows)
    )  # fmt: skip


def running(stack: Stack, frame: Frame, rule: SettlementRule, station: Station) -> tuple[tuple[Step, ...], int]:
    """Return the steps of the running extreme as it became known, and the number of reports that count."""
    received = received_per_row(stack.received_at, stack.offsets)
    instants = np.unique(np.append(received[received <= micros(frame.now)], micros(frame.now)))
    extrema = running_extreme(stack.columns, received, instants, rule, station, (frame.start, frame.end))
    found = list(_steps(extrema.tenths, extrema.reading, extrema.valid_at, frame.unit))
    return tuple(found), int(extrema.count[-1])


def _steps(tenths: InstantArray, reading: InstantArray, valid_at: InstantArray, unit: Unit) -> Iterator[Step]:
    before: tuple[int, int] | None = None
    for warmth, printed, at in zip(tenths.tolist(), reading.tolist(), valid_at.tolist(), strict=True):
        if warmth != MISSING and (warmth, at) != before:
            before = warmth, at
            yield Step(instant(at), round(float(degrees(np.array(warmth / 10.0), unit)), 2), printed)


def next_report(station: Station, after: datetime) -> datetime:
    """Return when the next routine report of a station is due."""
    hour = after.replace(minute=0, second=0, microsecond=0)
    due = (hour + timedelta(hours=ahead, minutes=minute) for ahead in (0, 1) for minute in sorted(station.report_minutes))
    return next(at for at in due if at > after)
