"""The best levels of every token, or its last prints where no book was ever recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from agents.weather.listed import Listed
from core.model.event import Event, Side
from core.model.record import Kind
from core.store.archive import Stack, View
from core.units import MICRO, BoolArray, FloatArray, InstantArray, IntArray, instant

LEVELS = 10
LOOKBACK = timedelta(hours=6)  # an older book is no book
PRINTS_LOOKBACK = timedelta(days=4)
NEVER: InstantArray = np.empty(0, np.int64)
SIDES = (Side.YES, Side.NO)
BID, ASK = 0, 1
_REMEMBERED = 1_024  # events
LATEST_WORD = 120 * MICRO  # between receipt and publication of a record: read twice it says the same


@dataclass(frozen=True, slots=True)
class Books:
    """Levels, best first: shape (n_instants, n_events, n_brackets, YES/NO, bid/ask, n_levels), NaN and 0 pad.

    The rest is (n_instants, n_events), prints (n_instants, n_events, n_brackets, YES/NO).
    """

    price: FloatArray  # [USD per share]
    size: FloatArray  # [shares]
    received_at: InstantArray  # 0: no book
    sane: BoolArray  # (n_instants, n_events, n_brackets, YES/NO)
    print_price: FloatArray  # last print whose taker bought that side [USD per share of that side]; NaN: none
    print_at: InstantArray
    last_yes: FloatArray  # (n_instants, n_events, n_brackets) last print of either side, as a price of YES; NaN: none
    prints_only: BoolArray


def empty_books(n_instants: int, n_events: int, n_brackets: int) -> Books:
    """Return the columns of events without a book or a print."""
    shape = (n_instants, n_events, n_brackets, len(SIDES))
    return Books(
        price=np.full((*shape, 2, LEVELS), np.nan), size=np.zeros((*shape, 2, LEVELS)),
        received_at=np.zeros(shape[:2], np.int64), sane=np.zeros(shape, np.bool_), print_price=np.full(shape, np.nan),
        print_at=np.zeros(shape, np.int64), last_yes=np.full(shape[:3], np.nan), prints_only=np.zeros(shape[:2], np.bool_),
    )  # fmt: skip


def read_books(view: View, events: Sequence[Listed], n_brackets: int, memory: BookMemory | None = None) -> Books:
    """Return what can be bought and sold at each instant of the view.

    One instant needs the newest book alone and remembers prints; many read what lies between.
    """
    memory, instants = memory or BookMemory(), view.instants
    alone = len(instants) == 1
    out = empty_books(len(instants), len(events), n_brackets)
    since, printed_since = instant(int(instants[0])) - LOOKBACK, instant(int(instants[0])) - PRINTS_LOOKBACK
    booked = frozenset(view.subjects(Kind.BOOKS, since))
    printed = frozenset(view.subjects(Kind.PRINTS, printed_since))
    read = view.newest if alone else view.stack
    shown = (
        (column, listed, read(Kind.BOOKS, listed.event.event_id, since))
        for column, listed in enumerate(events)
        if listed.event.ladder and listed.event.event_id in booked
    )
    _fill_books([part for each in shown if (part := _current(*each, instants, out)) is not None], out, memory)
    with_prints = [each for each in events if each.event.ladder and each.event.event_id in printed]
    tapes = memory.tapes(view, with_prints) if alone else {}
    for column, listed in enumerate(events):
        event_id = listed.event.event_id
        if not listed.event.ladder or event_id not in printed:
            continue
        if alone:
            _show_prints(tapes[event_id], event_id in booked, int(instants[0]), column, out)
        else:
            stack = view.stack(Kind.PRINTS, event_id, printed_since)
            asked = view.stack(Kind.BOOKS, event_id, since, failed=True).received_at if event_id in booked else NEVER
            _fill_prints(stack, listed, instants, asked, column, out)
    return out


@dataclass(slots=True)
class _Tape:
    """The last prints of one event among all records that were read: shape (n_brackets,) or (n_brackets, YES/NO)."""

    event: Event
    any_at: int  # newest receipt of any print, 0: none
    last_yes: FloatArray
    last_received: InstantArray
    price: FloatArray
    at: InstantArray
    received: InstantArray


class BookMemory:
    """Places of tokens and last prints of the events; what it answers follows from the view alone."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[Event, dict[str, int]]] = {}
        self._tapes: dict[str, _Tape] = {}
        self._tapes_until = -1

    def places(self, event: Event) -> Mapping[str, int]:
        """Return the place of each token in the ladder, YES before NO."""
        known = self._places.get(event.event_id)
        if known is None or known[0] is not event:
            if len(self._places) > _REMEMBERED:
                self._places.clear()
            tokens = [token for bracket in event.ladder for token in (bracket.yes, bracket.no)]
            known = self._places[event.event_id] = event, {token: place for place, token in enumerate(tokens)}
        return known[1]

    def tapes(self, view: View, events: Sequence[Listed]) -> Mapping[str, _Tape]:
        """Return the last prints of events at the only instant of the view, but those that are too old."""
        until = int(view.instants[0])
        since = until - int(PRINTS_LOOKBACK.total_seconds()) * MICRO
        read_until = self._tapes_until
        if not since <= read_until <= until:
            self._tapes.clear()
        wanted = {each.event.event_id: each for each in events}
        self._tapes = {
            event_id: tape for event_id, tape in self._tapes.items()
            if event_id in wanted and tape.event is wanted[event_id].event
        }  # fmt: skip
        if self._tapes:
            for stack in view.received(Kind.PRINTS, instant(max(read_until - LATEST_WORD, since))):
                if stack.subject in self._tapes:
                    _extend_tape(self._tapes[stack.subject], stack)
        for event_id in wanted.keys() - self._tapes.keys():
            tape = self._tapes[event_id] = _no_prints(wanted[event_id].event)
            _extend_tape(tape, view.span(Kind.PRINTS, event_id, instant(since), instant(until)))
        self._tapes_until = until
        for tape in self._tapes.values():
            _forget(tape, since)
        return self._tapes


def _no_prints(event: Event) -> _Tape:
    n = len(event.ladder)
    none, never = np.full((n, len(SIDES)), np.nan), np.zeros((n, len(SIDES)), np.int64)
    return _Tape(event, 0, none[:, 0].copy(), never[:, 0].copy(), none, never, never.copy())


def _extend_tape(tape: _Tape, stack: Stack) -> None:
    """Take in further records: a later row replaces an earlier one."""
    columns = stack.columns
    n_rows = int(stack.offsets[-1])
    if not n_rows:
        return
    received = np.repeat(stack.received_at, np.diff(stack.offsets))
    tape.any_at = int(received[-1])
    ranks = {bracket.market_id: rank for rank, bracket in enumerate(tape.event.ladder)}
    rank = np.array([ranks.get(market, -1) for market in columns["market_id"].tolist()], np.int64)
    side = np.where(np.asarray(columns["taker"] == "yes", np.bool_), 0, 1)
    price = columns["yes_price_micro"] / MICRO
    rows = _last_of(rank, rank >= 0)
    tape.last_yes[rank[rows]], tape.last_received[rank[rows]] = price[rows], received[rows]
    rows = _last_of(rank * len(SIDES) + side, rank >= 0)
    place = rank[rows], side[rows]
    tape.price[place] = np.where(side[rows] == 0, price[rows], 1.0 - price[rows])
    tape.at[place], tape.received[place] = columns["valid_at"][rows], received[rows]


def _forget(tape: _Tape, since: int) -> None:
    """Leave out prints that were received before."""
    tape.last_yes[tape.last_received < since] = np.nan
    gone = tape.received < since
    tape.price[gone], tape.at[gone] = np.nan, 0
    tape.any_at = tape.any_at if tape.any_at >= since else 0


def _last_of(group: IntArray, chosen: BoolArray) -> IntArray:
    """Return the last of the chosen rows of each group."""
    rows = np.flatnonzero(chosen)[::-1]
    return rows[np.unique(group[rows], return_index=True)[1]]


def _show_prints(tape: _Tape, waited: bool, at: int, column: int, out: Books) -> None:
    """Fill in the last prints; they stand for prices only where nobody asked for a book."""
    n = len(tape.last_yes)
    out.prints_only[0, column] = bool(tape.any_at) and not waited
    out.last_yes[0, column, :n] = tape.last_yes
    out.print_price[0, column, :n], out.print_at[0, column, :n] = tape.price, tape.at


@dataclass(frozen=True, slots=True)
class _Part:
    """Which records of one event are current, and at which instants."""

    column: int
    rows: IntArray  # instants at which there is a book
    records: IntArray  # into the stack
    place: IntArray  # (len(rows),) into `records`
    stack: Stack
    listed: Listed


def _current(column: int, listed: Listed, stack: Stack, instants: InstantArray, out: Books) -> _Part | None:
    if not len(stack):
        return None
    newest = stack.newest(instants)
    oldest = instants - int(LOOKBACK.total_seconds()) * MICRO
    rows = np.flatnonzero((newest >= 0) & (stack.received_at[np.maximum(newest, 0)] >= oldest))
    if not len(rows):
        return None
    out.received_at[rows, column] = stack.received_at[newest[rows]]
    records, place = np.unique(newest[rows], return_inverse=True) if len(rows) > 1 else (newest[rows], np.zeros(1, np.int64))
    return _Part(column, rows, records, place, stack, listed)


def _fill_books(parts: Sequence[_Part], out: Books, memory: BookMemory) -> None:
    """Fill in the current books; the levels of all events are sorted out at once."""
    if not parts:
        return
    price, size = _levels(parts, out.sane.shape[2], memory)
    best = price[..., 0]
    odd = ((best <= 0.0) | (best >= 1.0)).any(axis=-1) | (best[..., BID] >= best[..., ASK])
    begins = np.cumsum([0, *(len(part.records) for part in parts)])
    rows = np.concatenate([part.rows for part in parts])
    column = np.repeat([part.column for part in parts], [len(part.rows) for part in parts])
    place = np.concatenate([begin + part.place for begin, part in zip(begins, parts, strict=False)])
    n = np.repeat([len(part.listed.event.ladder) for part in parts], [len(part.rows) for part in parts])
    real = np.arange(out.sane.shape[2]) < n[:, None]
    out.price[rows, column], out.size[rows, column] = price[place], size[place]
    out.sane[rows, column] = ~odd[place] & real[..., None]


def _levels(parts: Sequence[_Part], n_brackets: int, memory: BookMemory) -> tuple[FloatArray, FloatArray]:
    """Return prices and sizes, (n_records, n_brackets, YES/NO, bid/ask, n_levels), records and levels as they are given."""
    counts = np.concatenate([part.stack.offsets[part.records + 1] - part.stack.offsets[part.records] for part in parts])
    token, told = np.concatenate([_tokens(part, memory) for part in parts]), [_rows(part) for part in parts]
    side, price_micro, size_micro = (
        np.concatenate([part.stack.columns[name][rows] for part, rows in zip(parts, told, strict=True)])
        for name in ("side", "price_micro", "size_micro")
    )
    owner = np.repeat(np.arange(len(counts)), counts)
    key = np.where(token >= 0, (owner * 2 * n_brackets + token) * 2 + np.asarray(side == "ask", np.int64), -1)
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.empty(0, np.int64)
    level = np.arange(len(key)) - np.repeat(starts, np.diff(np.r_[starts, len(key)]))
    kept = (key >= 0) & (level < LEVELS)
    shape = (len(counts), n_brackets, len(SIDES), 2, LEVELS)
    price, size = np.full(shape, np.nan), np.zeros(shape)
    flat = key[kept] * LEVELS + level[kept]
    price.ravel()[flat] = price_micro[order][kept] / MICRO
    size.ravel()[flat] = size_micro[order][kept] / MICRO
    return price, size


def _rows(part: _Part) -> IntArray | slice:
    """Return the rows of a part's records, end to end."""
    begin, end = part.stack.offsets[part.records], part.stack.offsets[part.records + 1]
    if len(begin) == 1:
        return slice(int(begin[0]), int(end[0]))
    counts = end - begin
    rows: IntArray = np.arange(counts.sum()) + np.repeat(begin - (np.cumsum(counts) - counts), counts)
    return rows


def _tokens(part: _Part, memory: BookMemory) -> IntArray:
    """Return the place of each row's token in the ladder, YES before NO; -1: not one of ours."""
    place = memory.places(part.listed.event)
    return np.array([place.get(name, -1) for name in part.stack.columns["token"][_rows(part)].tolist()], np.int64)


def _fill_prints(stack: Stack, listed: Listed, instants: InstantArray, asked: InstantArray, column: int, out: Books) -> None:
    """Fill in prints; they stand for prices only where nobody asked for a book: one that failed to come is no permission."""
    received = np.repeat(stack.received_at, np.diff(stack.offsets))
    columns = stack.columns
    price = columns["yes_price_micro"] / MICRO
    bought_yes = np.asarray(columns["taker"] == "yes", np.bool_)
    known = received[0] if len(received) else np.iinfo(np.int64).max
    before = np.searchsorted(asked, instants, "right")
    waited = before > np.searchsorted(asked, instants - int(LOOKBACK.total_seconds()) * MICRO, "left")
    out.prints_only[:, column] = (instants >= known) & ~waited
    for rank, bracket in enumerate(listed.event.ladder):
        mine = np.asarray(columns["market_id"] == bracket.market_id, np.bool_)
        last, _ = _last(np.flatnonzero(mine), received, columns["valid_at"], instants)
        out.last_yes[:, column, rank] = np.where(last >= 0, price[last], np.nan) if len(price) else np.nan
        for side, taken in enumerate((mine & bought_yes, mine & ~bought_yes)):
            last, at = _last(np.flatnonzero(taken), received, columns["valid_at"], instants)
            own = price if side == 0 else 1.0 - price
            out.print_price[:, column, rank, side] = np.where(last >= 0, own[last], np.nan) if len(own) else np.nan
            out.print_at[:, column, rank, side] = at


def _last(
    rows: IntArray, received: InstantArray, valid_at: InstantArray, instants: InstantArray
) -> tuple[IntArray, InstantArray]:
    """Return the newest of some prints known at each instant, -1 for none, and when it was made."""
    if not len(rows):
        return np.full(len(instants), -1, np.int64), np.zeros(len(instants), np.int64)
    place = np.searchsorted(received[rows], instants, "right") - 1
    last = np.where(place >= 0, rows[np.maximum(place, 0)], -1)
    return last, np.where(last >= 0, valid_at[last], 0)
