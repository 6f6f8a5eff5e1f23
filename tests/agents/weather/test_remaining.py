"""What settled days teach of the rest of a running day."""

from __future__ import annotations

import numpy as np
import pytest

from agents.weather.remaining import BUCKETS, NONE, Cases, at_hours, learned_correction
from core.units import FloatArray

N = len(BUCKETS)
NO_FLOOR, NAN = float("-inf"), float("nan")


def cases(settled: FloatArray, floor: FloatArray, terms: FloatArray | None = None, sd: float = 2.0) -> Cases:
    """Return days with one look each, three hours before the peak, whose law before learning stood at 80 degrees."""
    n, place = len(settled), int(np.flatnonzero(BUCKETS == 3.0)[0])

    def column(value: FloatArray | float) -> FloatArray:
        found = np.full((n, N), NAN)
        found[:, place] = value
        return found

    looked = np.full((n, N, 3), NAN)
    looked[:, place] = 0.0 if terms is None else terms
    return Cases(
        location=column(80.0), sd=column(sd), terms=looked, settled=column(settled), floor=column(floor), loose=column(NAN),
        half=column(0.5),
    )  # fmt: skip


def at_three(values: FloatArray) -> FloatArray:
    return at_hours(values, np.array([3.0]))[0]


def test_without_settled_days_the_law_stands() -> None:
    found = learned_correction(cases(np.array([NAN]), np.array([NO_FLOOR])), np.array([2]))

    assert (found.terms == NONE.terms).all()
    assert (found.factor == 1.0).all()


def test_few_days_move_it_little_and_many_move_it_most_of_the_way() -> None:
    shift, mean = {}, {}
    for n in (3, 400):
        dice = np.random.default_rng(1)
        settled = np.round(82.0 + 2.0 * dice.standard_normal(n))
        mean[n] = settled.mean() - 80.0
        shift[n] = 2.0 * at_three(learned_correction(cases(settled, np.full(n, NO_FLOOR)), np.zeros(n, np.int64)).terms)[0]

    assert abs(shift[3]) < 0.3
    assert shift[400] == pytest.approx(mean[400] * 400 / 450, abs=0.05)  # against a prior worth 50


def test_an_error_counts_as_much_as_it_did() -> None:
    dice = np.random.default_rng(2)
    n = 500
    error = dice.standard_normal(n)  # in sds
    terms = np.stack([error, np.zeros(n), np.zeros(n)], axis=-1)
    settled = np.round(80.0 + 2.0 * (0.5 * error + 0.8 * dice.standard_normal(n)))

    # terms are given in units of the sd
    found = learned_correction(cases(settled, np.full(n, NO_FLOOR), terms), np.zeros(n, np.int64))

    assert at_three(found.terms)[1] == pytest.approx(0.5 * 500 / 550, abs=0.08)
    assert at_three(found.factor) == pytest.approx(0.82, abs=0.08)


def test_what_was_observed_before_counts_as_at_or_below() -> None:
    """Two days in three settle at their floor: taken at face value the rest would seem higher than it is."""
    dice = np.random.default_rng(3)
    n = 600
    rest = 78.0 + 2.0 * dice.standard_normal(n)
    floor = np.full(n, 79.0)
    settled = np.maximum(np.round(rest), floor)
    found = learned_correction(cases(settled, floor), np.zeros(n, np.int64))
    naive = learned_correction(cases(settled, np.full(n, NO_FLOOR)), np.zeros(n, np.int64))

    assert 2.0 * at_three(found.terms)[0] == pytest.approx(-2.0, abs=0.5)
    assert 2.0 * at_three(naive.terms)[0] > -1.0


def test_neighbouring_hours_share_their_days() -> None:
    found = learned_correction(cases(np.full(100, 84.0), np.full(100, NO_FLOOR)), np.zeros(100, np.int64))
    bias = found.terms[:, 0]
    near, far = (at_hours(bias, np.array([hours]))[0] for hours in (4.0, 6.0))

    assert 0 < near < at_three(bias)
    assert far == 0.0


def test_older_days_count_less() -> None:
    settled, none = np.full(30, 84.0), np.full(30, NO_FLOOR)
    new, old = (learned_correction(cases(settled, none), np.full(30, age)).terms[:, 0] for age in (2, 100))

    assert 0 < at_three(old) < at_three(new)


def test_hours_beyond_the_table_are_those_of_its_ends() -> None:
    values = np.arange(float(N))

    assert at_hours(values, np.array([-9.0, -4.0, -3.5, 12.0, 20.0])) == pytest.approx([0.0, 0.0, 0.5, 16.0, 16.0])


def test_the_last_day_of_many_is_learned_like_the_first() -> None:
    """The order of the days is no knowledge."""
    dice = np.random.default_rng(4)
    settled, floor = np.round(80 + 3 * dice.standard_normal(50)), np.full(50, 79.0)
    settled = np.maximum(settled, floor)
    age = np.full(50, 5)

    one, other = (learned_correction(cases(settled[order], floor), age) for order in (np.arange(50), np.arange(50)[::-1]))

    assert one.terms == pytest.approx(other.terms, abs=1e-12)
    assert one.factor == pytest.approx(other.factor, abs=1e-12)
