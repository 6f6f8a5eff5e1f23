"""When the clock alone forbids new risk: the rules of hours that a purchase is asked, asked of any instant.

Every one of them holds for a minute at least and changes on a second: their own answers, minute by minute, find the moment,
however a clock on the wall may jump.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

import numpy as np

from agents.transmission.constraints.blackout import near_news
from agents.transmission.constraints.profiles import followed
from agents.transmission.constraints.sessions import outside
from core.model.governor import Governor
from core.settings import Settings
from core.units import BoolArray, IntArray, micros

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
Forbids = Callable[[datetime], bool]


def barred(governor: Governor, at: datetime, settings: Settings) -> BoolArray:
    """Return the runs in which nothing new may be bought at an instant, (n_runs,)."""
    found = np.zeros(len(governor.dial), np.bool_)
    for forbids, runs in _asked(governor, at, settings):
        found |= runs & forbids(at)
    return found


def barred_from(governor: Governor, at: datetime, latest: datetime, settings: Settings) -> IntArray:
    """Return the first instant from `at` on at which nothing new may be bought, (n_runs,) [microseconds]; else `latest`."""
    found = np.full(len(governor.dial), micros(latest), np.int64)
    for forbids, runs in _asked(governor, at, settings):
        found = np.where(runs, np.minimum(found, micros(_first(forbids, at, latest))), found)
    return found


def _asked(governor: Governor, at: datetime, settings: Settings) -> Iterator[tuple[Forbids, BoolArray]]:
    """Yield the rules of hours that are on, and the runs that each speaks of: an account that has ended asks no more."""
    every = np.ones(len(governor.dial), np.bool_)
    if settings.rules.sessions:
        yield partial(outside, settings), every
    if settings.rules.blackout:
        yield partial(near_news, settings), every
    for place in range(len(followed(settings, at))):
        yield partial(_late, place, settings), np.equal(governor.firm_ended[:, place], 0)


def _late(place: int, settings: Settings, at: datetime) -> bool:
    """Return whether a followed account has to be flat, by its rules as they stand then."""
    return followed(settings, at)[place].is_late(at)


def _first(forbids: Forbids, at: datetime, latest: datetime) -> datetime:
    """Return the first instant in [at, latest] at which a rule forbids, to the second; `latest` where it never does."""
    if forbids(at):
        return at
    begins = at.replace(second=0, microsecond=0)  # rules change on whole seconds by any clock
    while begins < latest:
        if forbids(min(begins + MINUTE, latest)):
            within = (begins + i * SECOND for i in range(1, 61))
            return next((each for each in within if at < each < latest and forbids(each)), latest)
        begins += MINUTE
    return latest
