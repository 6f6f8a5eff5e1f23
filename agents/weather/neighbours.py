"""What a neighbour's reports say of a station that is silent itself: evidence, never a floor.

The law of the station's settled extreme less the neighbour's reported one is learned from settled days, robustly, and
carried to the running day: the station's own running extreme is the neighbour's plus that difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agents.weather.climate import EMBARGO_DAYS
from agents.weather.excess import is_official
from agents.weather.listed import Listed
from agents.weather.observations import FloorMemory, Seen, bounds_at, metar_stack, rows_of
from agents.weather.transfer import LISTED, SaidDay, SettledDays, listed_reading
from core.model.rule import Extreme
from core.store.archive import Stack, View
from core.units import FloatArray, InstantArray, Unit

LEAST_DAYS = 20
LEAST_SD = 0.7  # [degrees Fahrenheit] two rounded numbers apart
WINSOR = 3.0  # robust sds beyond which a difference counts as that far off
NORMAL = 1.4826  # of a normal law, its sd in median absolute deviations

Pair = tuple[str, str, Extreme]  # station, neighbour, which extreme


class NeighbourMemory:
    """How far the settled extremes of stations lay from the reported ones of their neighbours."""

    def __init__(self) -> None:
        self._pairs: dict[Pair, SettledDays] = {}

    def add(self, pair: Pair, day: int, since: int, difference: float) -> None:
        """Take in a settled day (ordinal) whose outcome was received at `since`: the station's less the neighbour's [F]."""
        self._pairs.setdefault(pair, SettledDays()).add(day, since, difference)

    def take_in(self, view: View, said: SaidDay) -> None:
        """Take in what was said of a day of a station that has neighbours."""
        for neighbour in said.station.neighbours:
            reported = listed_reading(view, said, neighbour)
            for word in said.words if reported is not None else ():
                pair = said.station.code, neighbour.code, said.extreme
                self.add(pair, said.day, word.since, word.value - (reported or 0.0))

    def known(self, pair: Pair, last: int, looks: InstantArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and sd of the difference at each look, of days until `last`; NaN where too few are known."""
        mean, sd = np.full(len(looks), np.nan), np.full(len(looks), np.nan)
        days = self._pairs.get(pair)
        if days is not None:
            values, since, until = days.until(last)
            known = (since <= looks[:, None]) & (looks[:, None] < until)
            each, place = np.unique(known, axis=0, return_inverse=True)
            laws = np.array([robust(values[row]) for row in each])
            mean, sd = laws[place.reshape(-1)].T
        return mean, sd


def robust(differences: FloatArray) -> tuple[float, float]:
    """Return mean and sd of a normal law that outliers do not move; NaN of fewer than 20."""
    if len(differences) < LEAST_DAYS:
        return np.nan, np.nan
    middle = float(np.median(differences))
    scale = max(NORMAL * float(np.median(np.abs(differences - middle))), LEAST_SD)
    drawn_in = np.clip(differences, middle - WINSOR * scale, middle + WINSOR * scale)
    return float(np.mean(drawn_in)), max(float(np.std(drawn_in)), LEAST_SD)


def read_neighbours(
    view: View, events: Sequence[tuple[int, Listed]], looks: InstantArray, memory: NeighbourMemory, out: Seen, floors: FloorMemory
) -> None:  # fmt: skip
    """Fill in what neighbours say of one station's events (index, event), where it has not reported itself."""
    neighbours = events[0][1].station.neighbours
    for column, listed in events if neighbours else ():
        running = np.flatnonzero((looks >= listed.start) & (looks < listed.end) & np.isnan(out.raw[:, column]))
        for neighbour in neighbours if len(running) and _usable(listed) else ():
            pair = listed.station.code, neighbour.code, listed.event.extreme
            mean, sd = memory.known(pair, listed.event.event_day.toordinal() - EMBARGO_DAYS, looks[running])
            if np.isfinite(mean).any():
                own = replace(listed, station=neighbour, event=replace(listed.event, rule=LISTED[listed.event.extreme]))
                seen = _running(metar_stack(view, neighbour.code, looks), own, looks[running], floors)
                fresh = np.isnan(out.near[running, column])
                out.near[running, column] = np.where(fresh, seen + mean, out.near[running, column])
                out.near_sd[running, column] = np.where(fresh, sd, out.near_sd[running, column])


def _usable(listed: Listed) -> bool:
    return listed.event.rule.unit is Unit.FAHRENHEIT and is_official(listed.event.rule.statistic)


def _running(stack: Stack, listed: Listed, looks: InstantArray, floors: FloorMemory) -> FloatArray:
    """Return the neighbour's running extreme, NaN before it reported."""
    seen = np.full(len(looks), np.nan)
    heard = np.flatnonzero(stack.newest(looks) >= 0) if len(stack) else np.zeros(0, np.int64)
    if len(heard):
        seen[heard] = [bound.floor for bound in bounds_at(stack, rows_of(stack), listed, looks[heard], floors)]
    return seen
