"""No sign of the metrics can be flipped without an oracle noticing."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

from core.metrics import calibration, crps, inference, scores
from tests.core import test_calibration, test_crps, test_inference, test_scores
from tests.flipped import Check, flipped, flips, unnoticed

EQUIVALENT: dict[str, str] = {}  # a flip that changes no value, and why; none so far

SAMPLE = """
def step(x, low, high=-1):
    x += 2
    if low < x <= high or x == 3:
        return x - low
    return x * -low

def blank():
    raise ValueError

FIRST = 5 - 3
LATER = 1 / (FIRST - 2 + 1)
"""


@pytest.mark.parametrize(
    ("module", "checks"),
    [
        (crps, test_crps.CHECKS),
        (scores, test_scores.CHECKS),
        (inference, test_inference.CHECKS),
        (calibration, test_calibration.CHECKS),
    ],
    ids=["crps", "scores", "inference", "calibration"],
)
def test_every_flipped_sign_is_noticed(module, checks: Collection[Check]) -> None:  # type: ignore[no-untyped-def]
    path = Path(module.__file__)

    survivors = [each for each in unnoticed(path, checks) if each not in EQUIVALENT]

    assert len(flips(path)) > 30
    assert survivors == []


def test_each_sign_is_flipped_once(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(SAMPLE)

    assert flips(path) == [
        "step: x += 2 -> x -= 2",
        "step: -1 -> +1",
        "step: low < x <= high -> low > x <= high",
        "step: low < x <= high -> low < x >= high",
        "step: x - low -> x + low",
        "step: -low -> +low",
        "module: 5 - 3 -> 5 + 3",
        "module: FIRST - 2 + 1 -> FIRST - 2 - 1",
        "module: FIRST - 2 -> FIRST + 2",
    ]


def test_a_copy_differs_in_its_one_sign_and_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(SAMPLE)

    results = {name: module.step(5, 1, 9) for name, module in flipped(path)}

    assert results.pop("step: x += 2 -> x -= 2") == 2
    assert results.pop("step: low < x <= high -> low > x <= high") == -7
    assert results.pop("step: low < x <= high -> low < x >= high") == -7
    assert results.pop("step: x - low -> x + low") == 8
    assert set(results.values()) == {6}
    assert path.read_text() == SAMPLE


def test_what_no_check_looks_at_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(SAMPLE)

    def looks(module) -> None:  # type: ignore[no-untyped-def]
        assert (module.step(5, 1, 9), module.step(5, 1), module.step(0, 2, 9), module.step(8, 1, 10)) == (6, -7, -4, 9)
        assert module.FIRST == 2
        assert module.LATER == 1

    def refuses(module) -> None:  # type: ignore[no-untyped-def]
        with pytest.raises(ValueError):
            module.blank()

    assert len(unnoticed(path, [refuses])) == len(list(flipped(path)))
    assert unnoticed(path, [refuses, looks]) == ["step: -1 -> +1"]  # no call in which the default decides
