"""The members of archived ensembles: what each of them says of an event's extreme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np

from agents.weather.forecasts import FREQUENT_FOR
from agents.weather.listed import Listed
from agents.weather.vintages import HOUR
from core.model.record import Kind
from core.model.rule import Extreme
from core.store.archive import Stack, View
from core.units import Columns, FloatArray, InstantArray, Unit, fahrenheit, instant

LACKING = 2  # hours of the window that a member may leave out
LOOKBACK = timedelta(microseconds=FREQUENT_FOR)
_REMEMBERED = 4_096
NOBODY = np.zeros(0)


class MemberMemory:
    """Remembers what each answer said of each window; what it answers follows from the view alone."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], FloatArray] = {}

    def members(self, stack: Stack, index: int, listed: Listed) -> FloatArray:
        """Return the extremes of the members of one answer [rule's unit], shape (n_members,); empty: it leaves the window out."""
        rule, extreme = listed.event.rule, listed.event.extreme
        key = (stack.subject, int(stack.first_at[index]), listed.start, listed.end, extreme, rule.unit)
        if key not in self._known:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            found = extremes_of(stack.rows(index), listed.start, listed.end, extreme)
            self._known[key] = fahrenheit(found) if rule.unit is Unit.FAHRENHEIT else found
        return self._known[key]

    def at(self, stack: Stack, at: int, listed: Listed) -> FloatArray:
        """Return the members of the newest answer at an instant."""
        index = int(np.searchsorted(stack.received_at, at, "right")) - 1
        fresh = index >= 0 and int(stack.received_at[index]) >= at - FREQUENT_FOR
        return self.members(stack, index, listed) if fresh else NOBODY


def extremes_of(rows: Columns, start: int, end: int, extreme: Extreme) -> FloatArray:
    """Return the extreme of each member over a window [degrees Celsius]; members that lack hours of it are left out.

    Args:
        rows: `model`, `member`, `valid_at`, `celsius`: each member's hours stand together.
        start: of the window.
        end: of the window, not in it.
        extreme: the highest or the lowest.
    """
    if not len(rows["valid_at"]):
        return NOBODY
    changes = (rows["member"][1:] != rows["member"][:-1]) | (rows["model"][1:] != rows["model"][:-1])
    first = np.concatenate([np.zeros(1, np.int64), np.flatnonzero(changes) + 1])
    inside = (rows["valid_at"] >= start) & (rows["valid_at"] < end) & np.isfinite(rows["celsius"])
    sign = 1.0 if extreme is Extreme.HIGH else -1.0
    highest = np.maximum.reduceat(np.where(inside, sign * rows["celsius"], -np.inf), first)
    hours = np.add.reduceat(inside.astype(np.int64), first)
    found: FloatArray = sign * highest[hours >= -(-(end - start) // HOUR) - LACKING]
    return found


def read_members(
    view: View, events: Mapping[str, Sequence[tuple[int, Listed]]], looks: InstantArray, memory: MemberMemory, n_events: int
) -> FloatArray:
    """Return what members say of each event at each look, shape (n_looks, n_events, n_members), NaN-padded; by station."""
    found: dict[tuple[int, int], FloatArray] = {}
    for station, own in events.items():
        stack = view.stack(Kind.ENSEMBLE, station, instant(int(looks.min())) - LOOKBACK)
        for column, listed in own if len(stack) else ():
            found |= {(row, column): memory.at(stack, at, listed) for row, at in enumerate(looks.tolist())}
    members = np.full((len(looks), n_events, max(map(len, found.values()), default=0)), np.nan)
    for (row, column), values in found.items():
        members[row, column, : len(values)] = values
    return members
