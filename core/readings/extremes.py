"""Running extremes: what the reports received so far say about a settlement window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from core.model.rule import Extreme, Rounding, SettlementRule, Statistic
from core.model.station import ReportPrecision, Station
from core.readings.rounding import OFFICIAL, reading_of
from core.readings.spikes import WITNESS_SPAN, agreed, corroborated
from core.units import MISSING, BoolArray, Columns, InstantArray, IntArray, Unit, instant, micros

MINUTE = 60_000_000
HOUR = 60 * MINUTE
SLOT_TOLERANCE = 10 * MINUTE  # how far from its minute a routine report may stand
DAY_HOURS = 24
HOURLY_FROM_MINUTE = 51  # the "hourly data" filter of weather.gov takes minutes 51-59 of American stations
HOURLY = frozenset({Statistic.MAX_HOURLY_READING, Statistic.MIN_HOURLY_READING})

# Columns that hold the extreme of a span which ends with the report, and its length [hours].
SPANS: Mapping[Extreme, Mapping[str, int]] = {
    Extreme.HIGH: {"max6": 6, "max24": 24},
    Extreme.LOW: {"min6": 6, "min24": 24},
}
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Extremum:
    """The extreme of a settlement window as known at one instant."""

    reading: int | None  # in the rule's unit; None: nothing listed yet
    tenths: int | None  # [0.1 degree Celsius]
    valid_at: datetime | None  # when it was first reached; for a group the end of its span
    newest_at: datetime | None  # validity of the newest report that counts
    count: int  # reports that count
    complete: bool  # the window is over and no routine report is missing
    exact: bool  # the reading follows from what is listed without doubt of a degree


@dataclass(frozen=True, slots=True)
class Corroborated:
    """The furthest reading that other reports vouch for, as arrays (n_instants,); MISSING and 0 where there is none."""

    reading: IntArray
    valid_at: InstantArray
    exact: BoolArray


@dataclass(frozen=True, slots=True)
class Extrema:
    """`Extremum` at many instants, as arrays (n_instants,); MISSING and 0 where nothing is listed yet."""

    reading: IntArray
    tenths: IntArray
    valid_at: InstantArray
    newest_at: InstantArray
    count: IntArray
    complete: BoolArray
    exact: BoolArray
    alone: IntArray  # [0.1 degree Celsius] of an official one: extreme of the reports that no group sums up; else MISSING
    corroborated: Corroborated  # the extreme without what stands alone

    def at(self, row: int) -> Extremum:
        """Return the extreme at one of the instants."""
        seen = int(self.tenths[row]) != MISSING
        return Extremum(
            reading=int(self.reading[row]) if seen else None,
            tenths=int(self.tenths[row]) if seen else None,
            valid_at=instant(int(self.valid_at[row])) if seen else None,
            newest_at=instant(int(self.newest_at[row])) if self.count[row] else None,
            count=int(self.count[row]),
            complete=bool(self.complete[row]),
            exact=bool(self.exact[row]),
        )


def received_per_row(received_at: InstantArray, offsets: IntArray) -> InstantArray:
    """Return the instant of receipt of every row, from that of every record and the rows it owns."""
    return np.repeat(np.asarray(received_at, np.int64), np.diff(offsets))


def listed_extreme(
    columns: Columns,
    received_at: InstantArray,
    rule: SettlementRule,
    station: Station,
    window: tuple[datetime, datetime],
    as_of: datetime,
) -> Extremum:
    """Return the extreme of the settlement window as listed by `as_of`; `running_extreme` at one instant."""
    return running_extreme(columns, received_at, np.array([micros(as_of)]), rule, station, window).at(0)


def running_extreme(
    columns: Columns,
    received_at: InstantArray,
    instants: InstantArray,
    rule: SettlementRule,
    station: Station,
    window: tuple[datetime, datetime],
) -> Extrema:
    """Return the extreme of a settlement window as it was known at each instant.

    The newest correction of a report replaces it, a report without temperature is skipped, SPECI count among listed reports.
    Groups that hold the extreme of a span count for an official statistic only, and only if their whole span
    lies in the window: for listed reports they are wrong evidence.

    Args:
        columns: rows of `metar` records (docs/records.md), any order, reports may repeat, shape (n_rows,).
        received_at: when each row was received, shape (n_rows,).
        instants: when to look, shape (n_instants,).
        rule: statistic, unit and rounding.
        station: where; its routine minutes decide what is complete.
        window: settlement window [start, end).

    Returns:
        The extremes; an official one is a bound that the climate report may still exceed.
    """
    span = micros(window[0]), micros(window[1])
    instants = np.asarray(instants, np.int64)
    reports = _reports(columns, received_at, rule, station, span)
    evidence = _joined(reports, _groups(columns, received_at, rule, span))
    sign = 1 if rule.statistic.extreme is Extreme.HIGH else -1
    known = _known(evidence, instants)
    ranked = np.where(known, sign * evidence.tenths, MISSING)
    tenths, first = _extreme(evidence, known, ranked)
    counted = known & evidence.report
    newest = np.where(counted, evidence.valid_at, 0).max(axis=-1, initial=0)
    furthest = _listed(evidence, first, tenths != MISSING, rule, station)
    return Extrema(
        reading=furthest.reading,
        tenths=tenths,
        valid_at=furthest.valid_at,
        newest_at=newest,
        count=counted.sum(axis=-1, dtype=np.int64),
        complete=_complete(reports, instants, station, span),
        exact=furthest.exact,
        alone=_alone(evidence, known, sign, rule),
        corroborated=furthest
        if _plain(evidence, ranked, first)
        else _corroborated(evidence, ranked, _witnesses(columns, received_at, rule, span), instants, rule, station),
    )


@dataclass(frozen=True, slots=True)
class _Evidence:
    valid_at: InstantArray
    tenths: IntArray
    exact: BoolArray
    routine: BoolArray
    report: BoolArray  # False: a group
    begins_at: InstantArray  # of a group the start of its span, of a report its validity
    since: InstantArray  # received
    until: InstantArray  # replaced


def _reports(
    columns: Columns, received_at: InstantArray, rule: SettlementRule, station: Station, span: tuple[int, int]
) -> _Evidence:
    valid_at = np.asarray(columns["valid_at"], np.int64)
    routine = np.asarray(columns["report"] == "METAR", bool)
    keep = (valid_at >= span[0]) & (valid_at < span[1])
    if rule.statistic in HOURLY:
        keep &= _hourly(valid_at, routine, station)
    # The same integer whatever digits are listed: Celsius of a body, or a station that has no tenths at all.
    certain = station.report_precision is ReportPrecision.WHOLE or (
        rule.unit is Unit.CELSIUS and rule.rounding is not Rounding.FLOOR
    )
    exact = np.asarray(columns["exact"], bool) | certain
    return _versions(columns, received_at, keep, columns["tenths"], exact, routine)


def _hourly(valid_at: InstantArray, routine: BoolArray, station: Station) -> BoolArray:
    if station.report_precision is ReportPrecision.WHOLE:
        return routine
    kept: BoolArray = valid_at // MINUTE % 60 >= HOURLY_FROM_MINUTE
    return kept


def _groups(columns: Columns, received_at: InstantArray, rule: SettlementRule, span: tuple[int, int]) -> list[_Evidence]:
    if rule.statistic not in OFFICIAL:
        return []
    valid_at = np.asarray(columns["valid_at"], np.int64)
    sure = np.ones(len(valid_at), bool)
    return [
        _versions(columns, received_at, _inside(valid_at, hours, span), columns[name], sure, ~sure, hours=hours)
        for name, hours in SPANS[rule.statistic.extreme].items()
    ]


def _inside(valid_at: InstantArray, hours: int, span: tuple[int, int]) -> BoolArray:
    """Return which groups speak of the window alone. The day's own group stands in the report of its midnight, minutes early."""
    slack = SLOT_TOLERANCE if hours == DAY_HOURS else 0
    inside: BoolArray = (valid_at - hours * HOUR >= span[0] - slack) & (valid_at <= span[1])
    return inside


def _versions(
    columns: Columns,
    received_at: InstantArray,
    keep: BoolArray,
    tenths: IntArray,
    exact: BoolArray,
    routine: BoolArray,
    *,
    hours: int = 0,
) -> _Evidence:
    """Reduce rows to the versions of each report and the span of receipt in which each is the newest word.

    `hours` is the length of the span that the number sums up: 0 of a report itself.
    """
    tenths, valid_at = np.asarray(tenths, np.int64), np.asarray(columns["valid_at"], np.int64)
    corrected = np.asarray(columns["corrected"], bool)
    rows = np.flatnonzero(keep & (corrected | (tenths != MISSING)))
    key = valid_at[rows] * 2 + ~routine[rows]  # a SPECI of the same minute is a report of its own
    order = np.lexsort((corrected[rows], received_at[rows], key))
    rows, key = rows[order], key[order]
    if corrected[rows].any():
        standing = corrected[rows] | ~_after_correction(corrected[rows], _same(key))
        rows, key = rows[standing], key[standing]
    value, sure = tenths[rows], exact[rows]
    news = ~_same(key)
    news[1:] |= (value[1:] != value[:-1]) | (sure[1:] != sure[:-1])
    rows, key = rows[news], key[news]
    at, since, until = valid_at[rows], received_at[rows], np.full(len(rows), _NEVER)
    until[:-1] = np.where(key[1:] == key[:-1], since[1:], _NEVER)
    return _Evidence(
        at, value[news], sure[news], routine[rows], np.full(len(rows), hours == 0), at - hours * HOUR, since, until
    )


def _same(key: IntArray) -> BoolArray:
    """Return whether each row is of the same report as the one before."""
    same = np.zeros(len(key), bool)
    same[1:] = key[1:] == key[:-1]
    return same


def _after_correction(corrected: BoolArray, same: BoolArray) -> BoolArray:
    """Return whether a correction of the same report stands at or before each row."""
    place = np.arange(len(corrected))
    start = np.maximum.accumulate(np.where(same, 0, place))
    newest = np.maximum.accumulate(np.where(corrected, place, -1))
    found: BoolArray = newest >= start
    return found


def _joined(reports: _Evidence, groups: list[_Evidence]) -> _Evidence:
    if not groups:
        return reports
    parts = [reports, *groups]
    order = np.argsort(np.concatenate([part.valid_at for part in parts]), kind="stable")
    return _Evidence(*(np.concatenate([getattr(part, name) for part in parts])[order] for name in _Evidence.__slots__))


def _known(evidence: _Evidence, instants: InstantArray) -> BoolArray:
    """Return, (n_instants, n_versions), which versions were the newest word and held a temperature."""
    at = instants[:, None]
    known: BoolArray = (evidence.since <= at) & (at < evidence.until) & (evidence.tenths != MISSING)
    return known


def _extreme(evidence: _Evidence, known: BoolArray, ranked: IntArray) -> tuple[IntArray, IntArray]:
    """Return the extreme and the version that reached it first."""
    if known.shape[1] == 0:
        return np.full(len(known), MISSING, np.int64), np.zeros(len(known), np.int64)
    first = ranked.argmax(axis=-1)
    return np.where(known.any(axis=-1), evidence.tenths[first], MISSING), first


def _alone(evidence: _Evidence, known: BoolArray, sign: int, rule: SettlementRule) -> IntArray:
    """Return, (n_instants,), the extreme of the reports that lie in no known group's span."""
    if rule.statistic not in OFFICIAL:
        return np.full(len(known), MISSING, np.int64)
    reports, groups = np.flatnonzero(evidence.report), np.flatnonzero(~evidence.report)
    at = evidence.valid_at[reports, None]
    summed = (evidence.begins_at[groups] < at) & (at <= evidence.valid_at[groups])  # (n_reports, n_groups)
    covered = (known[:, None, groups] & summed).any(axis=-1)
    left = known[:, reports] & ~covered
    if not left.shape[1]:
        return np.full(len(known), MISSING, np.int64)
    ranked = np.where(left, sign * evidence.tenths[reports], MISSING)
    return np.where(left.any(axis=-1), sign * ranked.max(axis=-1), MISSING)


def _witnesses(columns: Columns, received_at: InstantArray, rule: SettlementRule, span: tuple[int, int]) -> _Evidence:
    """Return all that can vouch for a report: reports of either kind a little beyond the window, and groups of any rule."""
    valid_at = np.asarray(columns["valid_at"], np.int64)
    keep = (valid_at >= span[0] - WITNESS_SPAN) & (valid_at < span[1] + DAY_HOURS * HOUR)
    sure = np.ones(len(valid_at), bool)
    routine = np.asarray(columns["report"] == "METAR", bool)
    reports = _versions(columns, received_at, keep, columns["tenths"], sure, routine)
    groups = [
        _versions(columns, received_at, keep, columns[name], sure, ~sure, hours=hours)
        for name, hours in SPANS[rule.statistic.extreme].items()
    ]
    return _joined(reports, groups)


def _corroborated(
    evidence: _Evidence, ranked: IntArray, heard: _Evidence, instants: InstantArray, rule: SettlementRule, station: Station
) -> Corroborated:
    """Return the extreme that any of all witnesses vouches for."""
    sign = 1 if rule.statistic.extreme is Extreme.HIGH else -1
    speaking = np.where(_known(heard, instants), sign * heard.tenths, MISSING)
    version = corroborated(evidence.valid_at, ranked, evidence.report, heard.begins_at, heard.valid_at, speaking)
    return _listed(evidence, version, version >= 0, rule, station)


def _listed(evidence: _Evidence, version: IntArray, found: BoolArray, rule: SettlementRule, station: Station) -> Corroborated:
    """Return what a version says at each instant, MISSING and 0 where none was found."""
    tenths = np.where(found, _picked(evidence.tenths, version), MISSING)
    return Corroborated(
        reading_of(tenths, rule, station.report_precision), np.where(found, _picked(evidence.valid_at, version), 0),
        found & _picked(evidence.exact, version).astype(bool),
    )  # fmt: skip


def _plain(evidence: _Evidence, ranked: IntArray, first: IntArray) -> bool:
    """Return whether, at all instants, the extreme is a group's or another report of the window comes near it."""
    if not ranked.shape[1]:
        return True
    value, reports = ranked[np.arange(len(first)), first], evidence.report
    unsettled = reports[first] & (value != MISSING)
    if unsettled.any():
        others = (evidence.valid_at, ranked) if reports.all() else (evidence.valid_at[reports], ranked[:, reports])
        unsettled &= ~agreed(evidence.valid_at[first], value, *others)
    return not unsettled.any()


def _picked(values: IntArray | BoolArray, first: IntArray) -> IntArray:
    return np.asarray(values[first] if len(values) else np.zeros(len(first)), np.int64)


def _complete(reports: _Evidence, instants: InstantArray, station: Station, span: tuple[int, int]) -> BoolArray:
    """Return whether, at each instant, the window is over and every routine report was heard."""
    if not (instants >= span[1]).any():
        return np.zeros(len(instants), bool)
    slots = routine_slots(station, span)
    sound = reports.routine & (reports.tenths != MISSING)
    near = np.abs(reports.valid_at[sound] - slots[:, None]) <= SLOT_TOLERANCE
    heard_at = np.where(near, reports.since[sound], _NEVER).min(axis=-1, initial=_NEVER)
    complete: BoolArray = (instants >= span[1]) & (instants >= heard_at.max(initial=span[1]))
    return complete


def routine_slots(station: Station, span: tuple[int, int]) -> InstantArray:
    """Return the instants in [start, end) at which a station's routine reports are due."""
    hours = np.arange(span[0] // HOUR, span[1] // HOUR + 1) * HOUR
    slots = np.sort((hours[:, None] + np.array(station.report_minutes, np.int64) * MINUTE).ravel())
    return slots[(slots >= span[0]) & (slots < span[1])]
