"""The governor over many desks, short: 40 desks x 30 days. The long one is `python -m tests.agents.transmission.simulation`."""

from __future__ import annotations

import pytest

from tests.agents.transmission.simulation import TRUTHS, Summary, play, report, summary

DESKS, DAYS, SEED = 40, 30, 7


@pytest.fixture(scope="module")
def found() -> dict[str, Summary]:
    return {name: summary(name, play(truth, DESKS, DAYS, SEED)) for name, truth in TRUTHS.items()}


def test_a_true_edge_is_seldom_stopped(found: dict[str, Summary]) -> None:
    true = found["true edge"]

    assert true.mean_r > 0.2
    assert true.day_trips <= 0.05
    assert true.week_trips <= 0.05
    assert true.stuck_days <= 30


def test_no_desk_loses_more_than_sixteen_units_between_two_acts_of_a_person(found: dict[str, Summary]) -> None:
    assert max(max(each.loss_r, each.loss_act_r) for each in found.values()) <= 16.0


def test_no_desk_day_realises_a_loss_of_more_than_three_units(found: dict[str, Summary]) -> None:
    assert max(each.worst_day_r for each in found.values()) <= 3.0


def test_desks_that_claim_more_than_they_have_are_found_out(found: dict[str, Summary]) -> None:
    assert found["-3 c"].results > 0.9
    assert found["true edge"].results < 0.1


def test_the_report_has_a_row_for_every_figure(found: dict[str, Summary]) -> None:
    text = report(list(found.values()), DESKS, DAYS, SEED)

    assert all(name in text for name in TRUTHS)
    assert len(text.splitlines()) == 3 + len(Summary.__dataclass_fields__) - 1
