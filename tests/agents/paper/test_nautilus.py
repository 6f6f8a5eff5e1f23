"""The same price, quantity and fee as an independent matching engine (`against_nautilus`)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.agents.paper.against_nautilus import KEPT, OUTCOME, VARIABLE, answer_of, differences, theirs
from tests.agents.paper.random_books import ours, questions

N_LIVE = 300


def test_kept_fills_of_the_other_engine_are_ours(tmp_path: Path) -> None:
    """Its own answers to the first random books, kept in the repository."""
    kept = json.loads(KEPT.read_text("utf-8"))
    answers = [answer_of(each) for each in kept["answers"]]
    asked = list(questions(len(answers), kept["seed"]))

    found = list(differences(asked, ours(asked, tmp_path), answers))

    assert len(answers) == 200
    assert sum(len(answer.fills) > 1 for answer in answers) > 40  # walks, not only touches
    assert found == []


@pytest.mark.skipif(not os.environ.get(VARIABLE), reason=f"{VARIABLE} names no interpreter with nautilus_trader")
def test_the_other_engine_fills_as_we_do(tmp_path: Path) -> None:
    asked = list(questions(N_LIVE, 11))

    _, answers = theirs(asked, os.environ[VARIABLE])

    assert list(differences(asked, ours(asked, tmp_path), answers)) == []


def test_the_outcome_of_the_whole_comparison_is_kept() -> None:
    told = OUTCOME.read_text("utf-8")

    assert told.startswith("10000 random books")
    assert "different in price, quantity or fee: 0" in told
