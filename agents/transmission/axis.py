"""One row of columns for all that a ruling looks at: what the desk wants, then what it only still holds."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.model.event import Instrument
from core.units import BoolArray, IntArray

GROUPS: Mapping[str, Callable[[Instrument], Hashable]] = {
    "event": lambda i: (i.venue, i.event_id),
    "bracket": lambda i: (i.venue, i.event_id, i.bracket),
    "city_day": lambda i: (i.city.casefold(), i.event_day),  # across venues, highs and lows: one bet
    "region_day": lambda i: (i.region, i.event_day),
    "event_day": lambda i: i.event_day,
    "source": lambda i: i.settlement_source,
    "all": lambda i: None,
}
"""What counts as one bet, by the name of the group."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Columns: the targets' instruments, then those that the account has and the targets do not name."""

    instruments: tuple[Instrument, ...]
    n_targets: int
    column: Mapping[str, int]  # by token
    account_columns: IntArray  # of each instrument of the account
    groups: Mapping[str, IntArray]  # code of the group of each column
    event_day: IntArray  # ordinal
    whole: BoolArray  # traded in whole contracts of the minimum size


class _Same:
    """A tuple compared by identity: hashing hundreds of instruments each cycle would cost more than the ruling."""

    __slots__ = ("it",)

    def __init__(self, it: tuple[Instrument, ...]) -> None:
        self.it = it

    def __hash__(self) -> int:
        return id(self.it)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.it is other.it


def axis_of(wanted: tuple[Instrument, ...], held: tuple[Instrument, ...]) -> Axis:
    """Return the common axis of the targets' and the account's instruments; remembered while both tuples live on."""
    return _axis(_Same(wanted), _Same(held))


@lru_cache(maxsize=16)  # each look has its own tuples: more would keep what is gone
def _axis(wanted: _Same, held: _Same) -> Axis:
    first, groups = _of_wanted(wanted)
    more = tuple(instrument for instrument in held.it if instrument.token not in first.column)
    column = {**first.column, **{instrument.token: first.n_targets + i for i, instrument in enumerate(more)}}
    return Axis(
        instruments=(*wanted.it, *more),
        n_targets=first.n_targets,
        column=column,
        account_columns=np.array([column[instrument.token] for instrument in held.it], np.int64),
        groups={
            name: np.concatenate([first.groups[name], _codes(more, key, dict(groups[name]))]) for name, key in GROUPS.items()
        },
        event_day=np.concatenate([first.event_day, _days(more)]),
        whole=np.concatenate([first.whole, _whole(more)]),
    )


@lru_cache(maxsize=64)
def _of_wanted(wanted: _Same) -> tuple[Axis, Mapping[str, dict[Hashable, int]]]:
    """Return the axis of the targets alone and the codes of its groups: the account's part changes with every purchase."""
    known: dict[str, dict[Hashable, int]] = {name: {} for name in GROUPS}
    axis = Axis(
        instruments=wanted.it,
        n_targets=len(wanted.it),
        column={instrument.token: i for i, instrument in enumerate(wanted.it)},
        account_columns=np.empty(0, np.int64),
        groups={name: _codes(wanted.it, key, known[name]) for name, key in GROUPS.items()},
        event_day=_days(wanted.it),
        whole=_whole(wanted.it),
    )
    return axis, known


def _codes(instruments: tuple[Instrument, ...], key: Callable[[Instrument], Hashable], known: dict[Hashable, int]) -> IntArray:
    """Return the code of each instrument's group; new groups are added to `known`."""
    return np.array([known.setdefault(key(instrument), len(known)) for instrument in instruments], np.int64)


def _days(instruments: tuple[Instrument, ...]) -> IntArray:
    return np.array([instrument.event_day.toordinal() for instrument in instruments], np.int64)


def _whole(instruments: tuple[Instrument, ...]) -> BoolArray:
    return np.array([instrument.venue == "kalshi" for instrument in instruments], np.bool_)


@dataclass(frozen=True, slots=True)
class Sums:
    """Exact sums over groups, given back to every member."""

    order: IntArray
    starts: IntArray
    place: IntArray  # of each column among the groups

    def each(self, amount: IntArray) -> IntArray:
        """Return for each column the sum over its group; runs lead, columns last."""
        if not amount.shape[-1]:
            return amount
        added: IntArray = np.add.reduceat(amount[:, self.order], self.starts, axis=1)
        return added[:, self.place]


def sums_of(codes: IntArray) -> Sums:
    """Return the summing of columns with the given group codes."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    first = np.ones(len(codes), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    place = np.empty(len(codes), np.int64)
    place[order] = np.cumsum(first) - 1
    return Sums(order, np.flatnonzero(first), place)
