"""What a look keeps of its law: the chance of each reading adds up to the chances of the brackets."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.weather.columns import columns_of
from core.model.record import Record
from tests.agents.weather.test_desk import EVENING, world
from tests.agents.weather.test_evaluation import records, same_columns
from tests.agents.weather.worlds import archive_of, event, listing, look


def test_the_law_that_is_kept_adds_up_to_the_brackets(tmp_path: Path) -> None:
    outlooks, brackets = columns_of(look(world(tmp_path), EVENING), 0)

    told = json.loads(outlooks["distribution"][0])
    readings, p = np.array(told["reading"]), np.array(told["p"])

    assert p.sum() == pytest.approx(1.0, abs=1e-4)
    assert (np.diff(readings) > 0).all()
    for low, high, model in zip(brackets["lower"], brackets["upper"], brackets["p_model"], strict=True):
        within = (readings >= (-np.inf if np.isnan(low) else low)) & (readings <= (np.inf if np.isnan(high) else high))
        assert p[within].sum() == pytest.approx(model, abs=1e-4)
    assert sum(part[0] for part in told["parts"]) == pytest.approx(1.0)
    assert sum(part[0] * part[1] for part in told["parts"]) == pytest.approx(outlooks["mean"][0], abs=1e-3)


def unreadable(at: datetime, *, rule: bool = True, first: int = 3) -> Record:
    """Return a listing with a gap in its ladder, or without a rule of ours in it."""
    record = listing(event(), at)
    broken = replace(record, rows={name: np.delete(values, first) for name, values in record.rows.items()})
    return broken if rule else replace(broken, facts={**broken.facts, "rule": None, "refusal": "no rule"})


@pytest.mark.parametrize("rule", [True, False])
def test_what_is_told_of_an_instant_does_not_know_that_the_listing_became_readable_later_in_its_block(
    tmp_path: Path, rule: bool
) -> None:
    looks = [EVENING - timedelta(minutes=15 * k) for k in (4, 3, 2, 1, 0)]
    archive = archive_of(tmp_path, [
        unreadable(EVENING - timedelta(hours=3), rule=rule), unreadable(EVENING - timedelta(minutes=50), first=5),
        *records(event(), EVENING)[1:], listing(event(), EVENING - timedelta(minutes=20)),
    ])  # fmt: skip

    block = look(archive, *looks)

    told = [columns_of(block, row)[0]["refusal"].tolist() for row in range(len(looks))]
    assert told[0] != told[1] == told[2] != told[3]
    assert [len(refusals) for refusals in told] == [int(rule), 1, 1, 1, 1]
    assert [len(columns_of(block, row)[1]["event_id"]) for row in range(len(looks))] == [0, 0, 0, 11, 11]
    for row, at in enumerate(looks):
        same_columns(block, row, look(archive, at), 0)
