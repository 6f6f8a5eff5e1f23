"""The best levels of every token, or its last prints where no book was ever recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, repeat

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
_FAR = 3_600 * MICRO  # mean distance of instants from which on little of what lies between them is needed
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

    One instant needs the newest book alone and remembers prints, instants far apart the newest of each; many in a row read
    what lies between.
    """
    memory, instants = memory or BookMemory(), view.instants
    alone = len(instants) == 1
    out = empty_books(len(instants), len(events), n_brackets)
    since, printed_since = instant(int(instants[0])) - LOOKBACK, instant(int(instants[0])) - PRINTS_LOOKBACK
    booked = frozenset(view.subjects(Kind.BOOKS, since))
    printed = frozenset(view.subjects(Kind.PRINTS, printed_since))
    far = not alone and int(instants[-1] - instants[0]) > _FAR * (len(instants) - 1)

    def read(event_id: str) -> Stack:
        if far:
            return view.current(Kind.BOOKS, event_id, LOOKBACK)
        return (view.newest if alone else view.stack)(Kind.BOOKS, event_id, since)

    shown = (
        (column, listed, read(listed.event.event_id))
        for column, listed in enumerate(events)
        if listed.event.ladder and listed.event.event_id in booked
    )
    _fill_books([part for each in shown if (part := _current(*each, instants, out)) is not None], out, memory)
    with_prints = [(i, each) for i, each in enumerate(events) if each.event.ladder and each.event.event_id in printed]
    if alone:
        tapes = memory.tapes(view, tuple(each.event for _, each in with_prints))
        waited = [each.event.event_id in booked for _, each in with_prints]
        _show_prints(tapes, [column for column, _ in with_prints], waited, out)
        return out
    for column, listed in with_prints:
        event_id = listed.event.event_id
        stack = view.stack(Kind.PRINTS, event_id, printed_since)
        asked = NEVER
        if event_id in booked:
            asked = (
                view.asked(Kind.BOOKS, event_id, since)
                if far
                else view.stack(Kind.BOOKS, event_id, since, failed=True).received_at
            )
        _fill_prints(stack, listed, instants, asked, column, out)
    return out


@dataclass(frozen=True, slots=True)
class _Tapes:
    """The last prints of some events among all records that were read: shape (n_events, n_brackets), then YES/NO."""

    events: tuple[Event, ...]
    any_at: InstantArray  # (n_events, 1) newest receipt of any print, 0: none
    last_yes: FloatArray
    last_received: InstantArray
    price: FloatArray
    at: InstantArray
    received: InstantArray


class BookMemory:
    """Places of tokens and last prints of the events; what it answers follows from the view alone."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[Event, dict[str, int]]] = {}
        self._tapes = _no_prints(())
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

    def tapes(self, view: View, events: tuple[Event, ...]) -> _Tapes:
        """Return the last prints of events at the only instant of the view, but those that are too old."""
        until = int(view.instants[0])
        since = until - int(PRINTS_LOOKBACK.total_seconds()) * MICRO
        known = self._tapes if since <= self._tapes_until <= until else _no_prints(())
        before = {id(event): row for row, event in enumerate(known.events)}
        kept = {event.event_id: row for row, event in enumerate(events) if id(event) in before}
        tapes = _no_prints(events)
        _copy(known, [before[id(events[row])] for row in kept.values()], tapes, list(kept.values()))
        read_from = instant(max(self._tapes_until - LATEST_WORD, since))
        more = view.received(Kind.PRINTS, read_from) if kept else ()
        told = [(kept[stack.subject], stack) for stack in more if stack.subject in kept]
        for row, event in enumerate(events):
            if event.event_id not in kept:
                told.append((row, view.span(Kind.PRINTS, event.event_id, instant(since), instant(until))))
        _extend(tapes, [(row, stack) for row, stack in told if stack.offsets[-1]])
        _forget(tapes, since)
        self._tapes, self._tapes_until = tapes, until
        return tapes


def _no_prints(events: tuple[Event, ...]) -> _Tapes:
    shape = (len(events), max((len(event.ladder) for event in events), default=0), len(SIDES))
    none, never = np.full(shape, np.nan), np.zeros(shape, np.int64)
    any_at = np.zeros((len(events), 1), np.int64)
    return _Tapes(events, any_at, none[..., 0].copy(), never[..., 0].copy(), none, never, never.copy())


def _copy(known: _Tapes, before: list[int], tapes: _Tapes, rows: list[int]) -> None:
    """Take over the prints of events that were known before."""
    width = min(known.last_yes.shape[1], tapes.last_yes.shape[1])
    for name in _Tapes.__slots__[1:]:
        getattr(tapes, name)[rows, :width] = getattr(known, name)[before, :width]


def _extend(tapes: _Tapes, told: Sequence[tuple[int, Stack]]) -> None:
    """Take in further records of some events: a later row replaces an earlier one."""
    if not told:
        return
    stacks = [stack for _, stack in told]
    own, width = np.array([row for row, _ in told]), tapes.last_yes.shape[1]
    count = np.concatenate([np.diff(stack.offsets) for stack in stacks])
    received = np.repeat(np.concatenate([stack.received_at for stack in stacks]), count)
    taker, yes_price, valid_at = (
        np.concatenate([stack.columns[name] for stack in stacks]) for name in ("taker", "yes_price_micro", "valid_at")
    )
    side, price = np.where(np.asarray(taker == "yes", np.bool_), 0, 1), yes_price / MICRO
    n_rows = np.array([int(stack.offsets[-1]) for stack in stacks])
    tapes.any_at[own, 0] = received[np.cumsum(n_rows) - 1]
    rank = _joined(_ranks(tapes.events[row], stack) for row, stack in told)
    place = np.repeat(own, n_rows) * width + rank
    rows = _last_of(place, rank >= 0)
    tapes.last_yes.ravel()[place[rows]], tapes.last_received.ravel()[place[rows]] = price[rows], received[rows]
    place = place * len(SIDES) + side
    rows = _last_of(place, rank >= 0)
    tapes.price.ravel()[place[rows]] = np.where(side[rows] == 0, price[rows], 1.0 - price[rows])
    tapes.at.ravel()[place[rows]], tapes.received.ravel()[place[rows]] = valid_at[rows], received[rows]


def _ranks(event: Event, stack: Stack) -> Iterator[int]:
    """Return the bracket of each print, -1: none of ours."""
    ranks = {bracket.market_id: rank for rank, bracket in enumerate(event.ladder)}
    return map(ranks.get, stack.columns["market_id"].tolist(), repeat(-1))


def _joined(parts: Iterable[Iterable[int]]) -> IntArray:
    return np.array(list(chain.from_iterable(parts)), np.int64)


def _forget(tapes: _Tapes, since: int) -> None:
    """Leave out prints that were received before."""
    tapes.last_yes[tapes.last_received < since] = np.nan
    gone = tapes.received < since
    tapes.price[gone], tapes.at[gone] = np.nan, 0
    tapes.any_at[tapes.any_at < since] = 0


def _last_of(group: IntArray, chosen: BoolArray) -> IntArray:
    """Return the last of the chosen rows of each group."""
    rows = np.flatnonzero(chosen)[::-1]
    return rows[np.unique(group[rows], return_index=True)[1]]


def _show_prints(tapes: _Tapes, columns: Sequence[int], waited: Sequence[bool], out: Books) -> None:
    """Fill in the last prints; they stand for prices only where nobody asked for a book."""
    width = tapes.last_yes.shape[1]
    out.prints_only[0, columns] = (tapes.any_at[:, 0] > 0) & ~np.array(waited, np.bool_)
    out.last_yes[0, columns, :width] = tapes.last_yes
    out.print_price[0, columns, :width], out.print_at[0, columns, :width] = tapes.price, tapes.at


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
    told = [_rows(part) for part in parts]
    token = _joined(_places(part, rows, memory) for part, rows in zip(parts, told, strict=True))
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


def _places(part: _Part, rows: IntArray | slice, memory: BookMemory) -> Iterator[int]:
    """Return the place of each row's token in the ladder, YES before NO; -1: not one of ours."""
    return map(memory.places(part.listed.event).get, part.stack.columns["token"][rows].tolist(), repeat(-1))


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
