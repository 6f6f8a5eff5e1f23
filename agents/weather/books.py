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
    for column, listed in enumerate(events):
        event_id = listed.event.event_id
        if not listed.event.ladder:
            continue
        if event_id in booked:
            _fill_books(view.stack(Kind.BOOKS, event_id, since), listed, instants, column, out)
        if event_id in printed:
            stack = view.stack(Kind.PRINTS, event_id, instant(int(instants[0])) - PRINTS_LOOKBACK)
            _fill_prints(stack, listed, instants, column, out)
    return out


def _fill_books(stack: Stack, listed: Listed, instants: InstantArray, column: int, out: Books) -> None:
    newest = stack.newest(instants)
    oldest = instants - int(LOOKBACK.total_seconds()) * MICRO
    there = (newest >= 0) & (stack.received_at[np.maximum(newest, 0)] >= oldest) if len(stack) else newest >= 0
    records, place = np.unique(newest[there], return_inverse=True)
    if not len(records):
        return
    price, size = _levels(stack, records, listed)
    rows = np.flatnonzero(there)
    n = len(listed.event.ladder)
    out.price[rows, column, :n], out.size[rows, column, :n] = price[place], size[place]
    out.received_at[rows, column] = stack.received_at[newest[rows]]
    best = price[..., 0]
    bid, ask = best[..., BID], best[..., ASK]
    odd = ((best <= 0.0) | (best >= 1.0)).any(axis=-1) | (bid >= ask)
    out.sane[rows, column, :n] = ~odd[place]


def _levels(stack: Stack, records: IntArray, listed: Listed) -> tuple[FloatArray, FloatArray]:
    """Return prices and sizes of records, (n_records, n_brackets, YES/NO, bid/ask, n_levels), in the order they are given."""
    ladder = listed.event.ladder
    place = {token: 2 * rank + side for rank, b in enumerate(ladder) for side, token in enumerate((b.yes, b.no))}
    counts = stack.offsets[records + 1] - stack.offsets[records]
    owner = np.repeat(np.arange(len(records)), counts)
    rows = np.arange(len(owner)) + np.repeat(stack.offsets[records] - (np.cumsum(counts) - counts), counts)
    columns = stack.columns
    token = np.array([place.get(name, -1) for name in columns["token"][rows].tolist()], np.int64)
    side = np.asarray(columns["side"][rows] == "ask", np.int64)
    key = np.where(token >= 0, (owner * 2 * len(ladder) + token) * 2 + side, -1)
    order = np.argsort(key, kind="stable")
    key, rows = key[order], rows[order]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.empty(0, np.int64)
    level = np.arange(len(key)) - np.repeat(starts, np.diff(np.r_[starts, len(key)]))
    kept = (key >= 0) & (level < LEVELS)
    shape = (len(records), len(ladder), len(SIDES), 2, LEVELS)
    price, size = np.full(shape, np.nan), np.zeros(shape)
    flat = key[kept] * LEVELS + level[kept]
    price.ravel()[flat] = columns["price_micro"][rows[kept]] / MICRO
    size.ravel()[flat] = columns["size_micro"][rows[kept]] / MICRO
    return price, size


def _fill_prints(stack: Stack, listed: Listed, instants: InstantArray, column: int, out: Books) -> None:
    received = np.repeat(stack.received_at, np.diff(stack.offsets))
    columns = stack.columns
    price = columns["yes_price_micro"] / MICRO
    bought_yes = np.asarray(columns["taker"] == "yes", np.bool_)
    known = received[0] if len(received) else np.iinfo(np.int64).max
    out.prints_only[:, column] = (instants >= known) & (out.received_at[:, column] == 0)
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
