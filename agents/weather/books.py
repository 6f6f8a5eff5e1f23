"""The best levels of every token, or its last prints where no book was ever recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from agents.weather.listed import Listed
from core.model.event import Side
from core.model.record import Kind
from core.store.archive import Stack, View
from core.units import MICRO, BoolArray, FloatArray, InstantArray, IntArray, instant

LEVELS = 10
LOOKBACK = timedelta(hours=6)  # an older book is no book
PRINTS_LOOKBACK = timedelta(days=4)
NEVER: InstantArray = np.empty(0, np.int64)
SIDES = (Side.YES, Side.NO)
BID, ASK = 0, 1


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


def read_books(view: View, events: Sequence[Listed], n_brackets: int) -> Books:
    """Return what can be bought and sold at each instant of the view."""
    instants = view.instants
    out = empty_books(len(instants), len(events), n_brackets)
    since = instant(int(instants[0])) - LOOKBACK
    booked = frozenset(view.subjects(Kind.BOOKS, since))
    printed = frozenset(view.subjects(Kind.PRINTS, instant(int(instants[0])) - PRINTS_LOOKBACK))
    shown = (
        (column, listed, view.stack(Kind.BOOKS, listed.event.event_id, since))
        for column, listed in enumerate(events)
        if listed.event.ladder and listed.event.event_id in booked
    )
    _fill_books([part for each in shown if (part := _current(*each, instants, out)) is not None], out)
    for column, listed in enumerate(events):
        event_id = listed.event.event_id
        if listed.event.ladder and event_id in printed:
            stack = view.stack(Kind.PRINTS, event_id, instant(int(instants[0])) - PRINTS_LOOKBACK)
            asked = view.stack(Kind.BOOKS, event_id, since, failed=True).received_at if event_id in booked else NEVER
            _fill_prints(stack, listed, instants, asked, column, out)
    return out


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


def _fill_books(parts: Sequence[_Part], out: Books) -> None:
    """Fill in the current books; the levels of all events are sorted out at once."""
    if not parts:
        return
    price, size = _levels(parts, out.sane.shape[2])
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


def _levels(parts: Sequence[_Part], n_brackets: int) -> tuple[FloatArray, FloatArray]:
    """Return prices and sizes, (n_records, n_brackets, YES/NO, bid/ask, n_levels), records and levels as they are given."""
    counts = np.concatenate([part.stack.offsets[part.records + 1] - part.stack.offsets[part.records] for part in parts])
    token, told = np.concatenate([_tokens(part) for part in parts]), [_rows(part) for part in parts]
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


def _tokens(part: _Part) -> IntArray:
    """Return the place of each row's token in the ladder, YES before NO; -1: not one of ours."""
    place = {
        token: 2 * rank + side
        for rank, bracket in enumerate(part.listed.event.ladder)
        for side, token in enumerate((bracket.yes, bracket.no))
    }
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
