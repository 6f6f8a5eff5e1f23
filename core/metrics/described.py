"""The page of metrics, made from the tables: `python -m core.metrics.described > docs/metrics.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from core.metrics.events import EVENT_ROWS
from core.metrics.figures import Row
from core.metrics.tear_sheet import TEAR_SHEET

HEAD = """# What the figures of Performance mean

Made from the tables in `core/metrics`: `python -m core.metrics.described > docs/metrics.md`.

One decided event is one observation: its legs win and lose together and are netted. R is the result over the all-in cost, the most that
was paid in at any moment less what sales had brought. A figure below its least number of observations says so instead of a number. Intervals
are 90 % by a stationary bootstrap of dates (Wilson's 95 % for win rates), from 30 dates on.

## Of decided events
"""
DAYS = """
## Of daily equity

The tear sheet: returns of the equity marked at the bid, one for each calendar day, days without a trade included, the running day
left out; a year has 365 days. The rows are those of quantstats 0.0.86 within 1e-9: 57 of them on 1,000 random series, 0 differences
that no row names (`python -m tests.core.test_tear_sheet`), and on degenerate ones; where that library answers otherwise, the last
column says what it does there.
"""


def markdown() -> str:
    """Return the page."""
    return (
        HEAD
        + "\n".join(_table(EVENT_ROWS, "events", ()))
        + "\n"
        + DAYS
        + "\n".join(_table(TEAR_SHEET, "days", ("quantstats",)))
        + "\n"
    )


def _table(rows: Sequence[Row[Any]], counted: str, more: Sequence[str]) -> Iterator[str]:
    heads = ("figure", "definition", "unit", f"least {counted}", "without a value", "interval", *more)
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        interval = f"{100 * row.level:.0f} %" if row.interval else ""
        cells = (
            row.label,
            row.definition,
            row.unit,
            str(row.least),
            row.otherwise,
            interval,
            *([row.quantstats] if more else []),
        )
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(markdown())
