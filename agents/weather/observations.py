"""What a station has reported: the running extreme by each event's rule, and the newest temperatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from agents.weather.excess import AT_MOST, MEAN_FAHRENHEIT
from agents.weather.forecasts import Current
from agents.weather.listed import Listed
from agents.weather.vintages import HOUR, extreme_after
from core.model.record import Kind
from core.model.rule import Extreme
from core.readings import reading_of, received_per_row, running_extreme
from core.readings.rounding import EXTRACT
from core.store.archive import Stack, View
from core.units import MISSING, BoolArray, Columns, FloatArray, InstantArray, IntArray, Unit, fahrenheit, instant

LOOKBACK = timedelta(hours=30)  # more than the longest settlement day
RECENT = 3 * HOUR
LAST_REPORTS = 3  # whose mean error counts
USED = ("valid_at", "report", "corrected", "tenths", "exact", "max6", "min6", "max24", "min24")  # columns of a report
_REMEMBERED = 8_192
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Seen:
    """What was observed, shape (n_looks, n_events); NaN and 0 where nothing is known."""

    floor: FloatArray  # reading that the extreme has reached for sure (a ceiling for a lowest one): corroborated
    raw: FloatArray  # furthest reading of all; where it lies beyond the floor it stands alone, and counts with a chance
    raw_open: BoolArray  # the furthest reading is the newest: no report after it could vouch for it yet
    loose: FloatArray  # extreme of the reports alone that an official extreme may have gone beyond unseen; NaN: none
    observed_at: InstantArray  # of the floor
    received_at: InstantArray  # newest receipt of reports
    newest_at: InstantArray  # validity of the newest report, whatever its day
    error: FloatArray  # mean of the last reports - forecast [rule's unit]
    growth: FloatArray  # that of the newest report less that mean
    ahead: FloatArray  # forecast extreme of what comes after the newest report [rule's unit]
    near: FloatArray  # where a silent station's own extreme is, as its neighbour has it [rule's unit]; NaN: nothing is known
    near_sd: FloatArray
    excess_law: FloatArray  # of the station, as `excess.AT_MOST`, shape (n_looks, n_events, 5)
    excess_mean: FloatArray  # [degrees Fahrenheit]

    def first(self, n: int) -> Seen:
        """Return what was observed at the first `n` looks."""
        return Seen(**{name: getattr(self, name)[:n] for name in Seen.__slots__})


def empty_seen(n_looks: int, n_events: int) -> Seen:
    """Return the columns of events whose stations report nothing."""
    shape = (n_looks, n_events)

    def none() -> FloatArray:
        return np.full(shape, np.nan)

    def never() -> InstantArray:
        return np.zeros(shape, np.int64)

    return Seen(
        floor=none(), raw=none(), raw_open=np.zeros(shape, np.bool_), loose=none(), observed_at=never(), received_at=never(),
        newest_at=never(), error=none(), growth=none(), ahead=none(), near=none(), near_sd=none(),
        excess_law=np.tile(AT_MOST, (*shape, 1)), excess_mean=np.full(shape, MEAN_FAHRENHEIT),
    )  # fmt: skip


class Bound(NamedTuple):
    """What was seen of one event at one look."""

    floor: float
    raw: float
    raw_open: bool
    loose: float
    observed_at: int


class FloorMemory:
    """Bounds by window, rule and run of equal answers."""

    def __init__(self) -> None:
        self.known: dict[tuple[object, ...], Bound] = {}

    def keep(self, new: dict[tuple[object, ...], Bound]) -> None:
        """Remember bounds, and forget the oldest half when there are many."""
        if len(self.known) > _REMEMBERED:
            self.known = dict(list(self.known.items())[_REMEMBERED // 2 :])
        self.known.update(new)


@dataclass(frozen=True, slots=True)
class Reports:
    """The versions of each report of a station, by validity: known from `since`, replaced from `until` on."""

    valid_at: InstantArray
    celsius: FloatArray
    since: InstantArray
    until: InstantArray


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the answers about a station, oldest received first."""

    columns: Columns
    received_at: InstantArray  # of each row


def rows_of(stack: Stack) -> Rows:
    """Return the rows of a stack but of answers that say what their source said in the answer before: they add nothing."""
    news = np.ones(len(stack), np.bool_)
    news[1:] = stack.first_at[1:] != stack.first_at[:-1]
    if len(set(stack.source)) > 1:
        names = np.array(stack.source, dtype=object)
        news[1:] |= names[1:] != names[:-1]
    news |= stack.first_at == stack.received_at
    received = received_per_row(stack.received_at, stack.offsets)
    if news.all():
        return Rows({name: stack.columns[name] for name in USED}, received)
    rows = np.flatnonzero(np.repeat(news, np.diff(stack.offsets)))
    return Rows({name: stack.columns[name][rows] for name in USED}, received[rows])


def reports_of(told: Rows) -> Reports:
    """Return the versions of every report with a temperature; what was received later replaces what was before."""
    columns, received = told.columns, told.received_at
    tenths = np.asarray(columns["tenths"], np.int64)
    valid = np.asarray(columns["valid_at"], np.int64)
    rows = np.flatnonzero(tenths != MISSING)
    rows = rows[np.lexsort((received[rows], valid[rows]))]
    again = np.zeros(len(rows), bool)
    again[1:] = (valid[rows[1:]] == valid[rows[:-1]]) & (tenths[rows[1:]] == tenths[rows[:-1]])
    rows = rows[~again]
    until = np.full(len(rows), _NEVER, np.int64)
    until[:-1] = np.where(valid[rows[1:]] == valid[rows[:-1]], received[rows[1:]], _NEVER)
    return Reports(valid[rows], tenths[rows] / 10.0, received[rows], until)


def metar_stack(view: View, station: str, looks: InstantArray) -> Stack:
    """Return the reports of a station that looks at these instants may need."""
    return view.stack(Kind.METAR, station, instant(int(looks.min())) - LOOKBACK)


def read_observations(
    stack: Stack, events: Sequence[tuple[int, Listed]], looks: InstantArray, current: Mapping[int, Current], out: Seen,
    floors: FloorMemory,
) -> None:  # fmt: skip
    """Fill in the columns of one station's events (index, event) at each look."""
    if not len(stack):
        return
    newest = stack.newest(looks)
    heard = newest >= 0
    told = rows_of(stack)
    reports = reports_of(told)
    known = (reports.since <= looks[:, None]) & (looks[:, None] < reports.until)
    last = np.where(known, reports.valid_at, 0).max(axis=1, initial=0)
    for column, listed in events:
        out.received_at[:, column] = np.where(heard, stack.received_at[newest], 0)
        out.newest_at[:, column] = last
        running = np.flatnonzero(heard & (looks >= listed.start) & (looks < listed.end))
        if len(running) and listed.event.rule.statistic not in EXTRACT:  # of another instrument: no report of METAR binds it
            _fill_floor(stack, told, listed, looks, running, column, out, floors)
        places = current[column].place[running]
        for place in sorted(set(places.tolist())):
            vintage = current[column].vintages[place]
            if vintage is not None and np.isfinite(vintage.shape_sd).all():
                rows = running[places == place]
                forecast = vintage.sign * (np.interp(reports.valid_at, vintage.hours, vintage.mean) - vintage.lift)
                out.error[rows, column], out.growth[rows, column] = _error(reports, known[rows], looks[rows], forecast, listed)
                after = np.clip(last[rows], listed.start, looks[rows])
                out.ahead[rows, column] = extreme_after(vintage, after)


def _fill_floor(
    stack: Stack, told: Rows, listed: Listed, looks: InstantArray, rows: IntArray, column: int, out: Seen, floors: FloorMemory
) -> None:
    floor, raw, raw_open, loose, at = zip(*bounds_at(stack, told, listed, looks[rows], floors), strict=True)
    out.floor[rows, column] = floor
    out.raw[rows, column] = raw
    out.raw_open[rows, column] = raw_open
    out.loose[rows, column] = loose
    out.observed_at[rows, column] = at


def bounds_at(stack: Stack, told: Rows, listed: Listed, looks: InstantArray, floors: FloorMemory) -> list[Bound]:
    """Return what was seen at each look, none of them before the first answer.

    Computed once for each run of equal answers, as those add nothing to what is known.
    """
    if len(set(stack.source)) > 1:
        return _bounds(told, listed, looks)
    run: list[int] = stack.first_at[stack.newest(looks)].tolist()
    first = {each: len(run) - 1 - i for i, each in enumerate(reversed(run))}  # where each run begins
    keys = {each: (listed.station.code, listed.start, listed.end, listed.event.rule, each) for each in first}
    found = {each: bound for each, key in keys.items() if (bound := floors.known.get(key)) is not None}
    new = [each for each in first if each not in found]
    if new:
        bounds = dict(zip(new, _bounds(told, listed, looks[[first[each] for each in new]]), strict=True))
        floors.keep({keys[each]: bound for each, bound in bounds.items()})
        found |= bounds
    return [found[each] for each in run]


def _bounds(told: Rows, listed: Listed, looks: InstantArray) -> list[Bound]:
    window = instant(listed.start), instant(listed.end)
    rule, high = listed.event.rule, listed.event.extreme is Extreme.HIGH
    found = running_extreme(told.columns, told.received_at, looks, rule, listed.station, window)
    sound = found.corroborated
    outer, inner = (np.fmax, np.minimum) if high else (np.fmin, np.maximum)  # before anything is corroborated raw stands alone
    floor = np.where(sound.reading != MISSING, sound.reading - _doubt(sound.exact, high=high), np.nan)
    raw = np.where(found.tenths != MISSING, outer(floor, found.reading - _doubt(found.exact, high=high)), np.nan)
    if (found.alone == MISSING).all():
        alone = np.full(len(looks), np.nan)
    else:
        alone = reading_of(found.alone, rule, listed.station.report_precision) - _doubt(found.exact, high=high)
        alone = np.where(found.alone != MISSING, inner(alone, floor), np.nan)
    is_open = (found.valid_at >= found.newest_at).tolist()
    columns = (floor.tolist(), raw.tolist(), is_open, alone.tolist(), sound.valid_at.tolist())
    return [Bound(*each) for each in zip(*columns, strict=True)]


def _doubt(exact: BoolArray, *, high: bool) -> IntArray:
    """Return the reading by which a body of whole degrees may be wrong: the bound is the safe one of both."""
    return np.where(exact, 0, 1 if high else -1)


def _error(
    reports: Reports, known: np.ndarray, looks: InstantArray, forecast: FloatArray, listed: Listed
) -> tuple[FloatArray, FloatArray]:
    """Return the mean of the last reports less the forecast of their time, and by how much the newest differs from that mean.

    NaN without any in the last hours.
    """
    if not len(reports.valid_at):
        return np.full(len(looks), np.nan), np.full(len(looks), np.nan)
    recent = known & (reports.valid_at <= looks[:, None]) & (reports.valid_at > looks[:, None] - RECENT)
    recent &= reports.valid_at >= listed.start  # the curve begins there
    recent &= np.cumsum(recent[:, ::-1], axis=1)[:, ::-1] <= LAST_REPORTS
    in_unit = fahrenheit(reports.celsius) if listed.event.rule.unit is Unit.FAHRENHEIT else reports.celsius
    each, count = in_unit - forecast, recent.sum(axis=1)
    mean = np.cumsum(np.where(recent, each, 0.0), axis=1)[:, -1] / np.maximum(count, 1)
    newest = each[len(each) - 1 - np.argmax(recent[:, ::-1], axis=1)]
    return np.where(count > 0, mean, np.nan), np.where(count > 0, newest - mean, np.nan)
