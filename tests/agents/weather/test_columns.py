"""What a look keeps of its law: the chance of each reading adds up to the chances of the brackets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from agents.weather.columns import columns_of
from tests.agents.weather.test_desk import EVENING, world
from tests.agents.weather.worlds import look


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
