"""Two thousand random steps against a second ledger; `python -m tests.journal.stateful 100000` is the long way."""

from __future__ import annotations

import pytest

from tests.journal.stateful import KINDS, run

STEPS = 400


@pytest.mark.parametrize("kind", sorted(set(KINDS)))
def test_no_step_parts_the_desk_from_a_second_ledger_or_passes_a_limit(kind: str) -> None:
    counts = run(STEPS, 20, (kind,))

    assert counts["steps"] == STEPS
    assert counts["executions heard"] > 50
    assert counts["written: payout"] > 10
    assert counts["came back"] > 3
