"""What is computed once and kept, against what it stands for."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from agents.transmission.axis import GROUPS, axis_of
from agents.transmission.decisions import _at
from agents.transmission.limits import Cuts, Limit
from core.model.event import Instrument, Side
from tests.agents.transmission.builders import instrument_of

WANTED = tuple(
    instrument_of(event, bracket, side, city=event, region="west" if event == "nyc" else "east")
    for event in ("london", "nyc")
    for bracket in range(3)
    for side in (Side.YES, Side.NO)
)
YESTERDAY = tuple(instrument_of("nyc-old", b, city="nyc", region="west", day=date(2026, 11, 12)) for b in range(2))


def partition(keys: list[object]) -> list[list[bool]]:
    return [[one == other for other in keys] for one in keys]


@pytest.mark.parametrize("held", [(), (WANTED[3],), (YESTERDAY[0], WANTED[2], YESTERDAY[1])])
def test_an_axis_that_grew_by_what_is_held_groups_as_its_rules_say(held: tuple[Instrument, ...]) -> None:
    axis_of(WANTED, ())  # what is kept of the targets alone must not learn from the accounts that follow

    axis = axis_of(WANTED, held)

    for name, key in GROUPS.items():
        assert partition(axis.groups[name].tolist()) == partition([key(each) for each in axis.instruments]), name
    assert [axis.instruments[i].token for i in axis.account_columns] == [each.token for each in held]
    assert [axis.column[each.token] for each in axis.instruments] == list(range(len(axis.instruments)))
    assert axis.event_day.tolist() == [each.event_day.toordinal() for each in axis.instruments]


def test_two_accounts_on_the_same_targets_do_not_see_each_other() -> None:
    axis_of(WANTED, YESTERDAY)

    axis = axis_of(WANTED, (WANTED[0],))

    assert axis.instruments == WANTED
    assert axis.n_targets == len(WANTED)


@pytest.mark.parametrize("shape", [(), (1,), (4,), (1, 1), (3, 1), (1, 4), (3, 4)])
def test_numbers_are_picked_as_if_the_array_had_been_spread_out(shape: tuple[int, ...]) -> None:
    part = np.random.default_rng(1).normal(size=shape)
    runs, columns = np.nonzero(np.array([[True, False, True, True], [False, False, False, True], [True, True, True, False]]))

    assert _at(np.asarray(part), runs, columns).tolist() == np.broadcast_to(part, (3, 4))[runs, columns].tolist()


def test_a_check_that_binds_nowhere_is_listed_and_takes_nothing() -> None:
    cuts = Cuts(np.array([[5, 0, 7]]))
    limit = Limit(np.zeros(3), np.ones(3), np.array([np.inf, np.nan, np.inf]))

    cuts.apply("loose", limit)

    assert [name for name, _, _ in cuts.limits] == ["loose"]
    assert cuts.size.tolist() == [[5, 0, 7]]
    assert cuts.bound.tolist() == [[-1, -1, -1]]
