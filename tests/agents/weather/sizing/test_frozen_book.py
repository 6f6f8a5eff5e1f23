"""With caps and multipliers off, a frozen book: lambda of the optimum within one lot, from the first cycle on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.weather.sizing.frozen import SHARE_LOT, archive, free, session

CYCLES = 100


@pytest.mark.parametrize(("share", "size"), [(0.01, 50_000.0), (0.02, 500.0), (0.004, 2_000.0)])
def test_a_frozen_book_holds_a_share_of_the_optimum_from_the_first_cycle_on(tmp_path: Path, share: float, size: float) -> None:
    seen = session(archive(tmp_path, size=size), free(share), CYCLES)

    assert len(seen.held[0]) >= 2
    for held, wanted in zip(seen.held, seen.wanted, strict=True):
        assert held.keys() == wanted.keys()
        assert all(abs(held[token] - wanted[token]) <= SHARE_LOT + 1e-6 for token in wanted)
        assert wanted == pytest.approx(seen.wanted[0], abs=SHARE_LOT)
    assert not any(seen.orders[1:])
