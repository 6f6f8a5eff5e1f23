"""Results against claims: one event, the ring of desk days, z."""

from __future__ import annotations

import numpy as np
import pytest

from agents.transmission.claims import z_of
from core.journal.claims import Claim, claim_of_event, with_claim
from core.model.governor import CLAIM_DAYS, Governor, new_governor
from core.units import MICRO


def usd(*rows: list[float]) -> np.ndarray:
    return np.array([[round(value * MICRO) for value in row] for row in rows], np.int64)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def one_leg(paid: float) -> Claim:
    """100 shares of YES that were claimed to be worth 30 cents."""
    return claim_of_event(usd([100.0]), usd([30.0]), ints(round(paid * MICRO)), ints(0), np.array([True]))


def test_a_single_leg_has_the_variance_of_a_coin() -> None:
    """100^2 x 0.3 x 0.7 = 2,100 USD^2."""
    lost, won = one_leg(0.0), one_leg(100.0)

    assert lost.diff_micro.tolist() == [-30 * MICRO]
    assert won.diff_micro.tolist() == [70 * MICRO]
    assert lost.var.tolist() == won.var.tolist() == [2_100 * MICRO]


def test_legs_of_one_event_exclude_each_other() -> None:
    """100 YES on each of two brackets at 0.3: it pays 100 with 0.6, so 100^2 x 0.6 x 0.4, not twice 2,100."""
    both = claim_of_event(usd([100.0, 100.0]), usd([30.0, 30.0]), ints(0), ints(0, 1), np.array([True, True]))

    assert both.var.tolist() == [2_400 * MICRO]


def test_yes_and_no_of_one_bracket_are_sure() -> None:
    pair = claim_of_event(usd([100.0, 100.0]), usd([30.0, 70.0]), ints(100 * MICRO), ints(4, 4), np.array([True, False]))

    assert pair.var.tolist() == [0]
    assert pair.diff_micro.tolist() == [0]


def test_no_on_two_brackets_loses_one_of_them_at_most() -> None:
    """NO on brackets of 0.2 and 0.3, 100 each: 100 with 0.5, 200 with 0.5; variance 50^2."""
    legs = claim_of_event(usd([100.0, 100.0]), usd([80.0, 70.0]), ints(0), ints(1, 2), np.array([False, False]))

    assert legs.var.tolist() == [2_500 * MICRO]


def test_more_certainty_than_there_is_is_shared_out() -> None:
    """Two brackets claimed at 0.8 each, bought at different times: each counts as a half, and one of them is paid."""
    legs = claim_of_event(usd([100.0, 50.0]), usd([80.0, 40.0]), ints(0), ints(1, 2), np.array([True, True]))

    assert legs.var.tolist() == [625 * MICRO]  # 100 or 50 with a half each


def test_a_run_has_the_same_bits_alone_or_among_others_in_any_order() -> None:
    rng = np.random.default_rng(3)
    brackets, yes = np.repeat(np.arange(5), 2), np.tile([True, False], 5)
    held = rng.integers(0, 10**9, (40, 10)) * rng.integers(0, 2, (40, 10))
    claim = (held * rng.random((40, 10))).astype(np.int64)
    paid = rng.integers(0, 10**9, 40)
    together = claim_of_event(held, claim, paid, brackets, yes)

    for run in range(40):
        order = rng.permutation(10)
        here = order[held[run, order] > 0]
        alone = claim_of_event(
            held[run : run + 1, here], claim[run : run + 1, here], paid[run : run + 1], brackets[here], yes[here]
        )
        assert alone.diff_micro.tolist() == together.diff_micro[run : run + 1].tolist()
        assert alone.var.tolist() == together.var[run : run + 1].tolist()


def test_the_variance_is_that_of_many_settlements() -> None:
    """Against 200,000 drawn ends of an event with YES and NO legs, claims as true."""
    rng = np.random.default_rng(11)
    chance = np.array([0.1, 0.25, 0.3, 0.35])
    held, brackets, yes = usd([120.0, 80.0, 60.0]), ints(1, 2, 0), np.array([True, True, False])
    claim = (held * np.where(yes, chance[brackets], 1 - chance[brackets])).astype(np.int64)
    ends = rng.choice(4, 200_000, p=chance)
    pays = ((ends[:, None] == brackets) == yes) @ (held[0] / MICRO)

    told = claim_of_event(held, claim, ints(0), brackets, yes)

    assert told.var[0] / MICRO == pytest.approx(pays.var(), rel=0.01)
    assert -told.diff_micro[0] / MICRO == pytest.approx(pays.mean(), rel=0.01)


def settled(governor: Governor, day: int, sd: float, events: int = 1) -> Governor:
    return with_claim(governor, day, Claim(ints(round(sd * MICRO)), ints(MICRO)), ints(events))


def test_z_adds_the_events_of_thirty_desk_days_and_forgets_older_ones() -> None:
    governor = new_governor(ints(MICRO))
    for day in range(1000, 1000 + CLAIM_DAYS + 1):
        governor = settled(governor, day, -1.0)

    assert z_of(governor, 1000 + CLAIM_DAYS).tolist() == [pytest.approx(-np.sqrt(30))]
    assert governor.settled.tolist() == [31]
    assert z_of(governor, 1000 + CLAIM_DAYS + 28).tolist() == [pytest.approx(-np.sqrt(2))]
    assert np.isnan(z_of(governor, 1000 + 3 * CLAIM_DAYS)).all()


def test_two_events_of_one_day_share_a_slot_and_a_late_word_goes_to_the_newest() -> None:
    governor = settled(settled(new_governor(ints(MICRO)), 1000, -1.0), 1000, -2.0)

    late = settled(governor, 999, -1.0)

    assert governor.claim_diff_micro.sum() == -3 * MICRO
    assert int(late.claim_diff_micro[0, 1000 % CLAIM_DAYS]) == -4 * MICRO


def test_without_a_settled_event_there_is_no_z() -> None:
    assert np.isnan(z_of(new_governor(ints(MICRO, MICRO)), 1000)).all()
