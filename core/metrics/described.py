"""The page of metrics, made from the tables: `python -m core.metrics.described > docs/metrics.md`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from inspect import getdoc
from typing import Any

from core.metrics.edges import moved, moved_degrees, moved_logit
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

AFTER = """
## Of prices after a trade

Markouts are taken 1, 5 and 60 minutes after an execution, from the look nearest to that instant within half of the time; where
looks are further apart, nobody quoted. Closing value is taken at checkpoints that are declared before any outcome: 09:00 of the
event day in the station's own time for what was bought the day before or earlier, else an hour after the execution. Each is the
mean of events, the executions of an event weighted by their shares, with its n and 90 % by dates.

"""
MOVES: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("price, our way", "USD a share", moved),
    ("log odds, our way", "nats", moved_logit),
    ("implied mean, our way", "°F", moved_degrees),
)
"""What is said of prices after a trade: label, unit, function; the last of closing value alone."""


def markdown() -> str:
    """Return the page."""
    return (
        HEAD
        + "\n".join(_table(EVENT_ROWS, "events", ()))
        + "\n"
        + AFTER
        + "\n".join(_moves())
        + "\n"
        + DAYS
        + "\n".join(_table(TEAR_SHEET, "days", ("quantstats",)))
        + "\n"
    )


def as_noun(definition: str) -> str:
    """Return what a function returns: its docstring's first words without the verb."""
    said = definition.removeprefix("Return ")
    return said[:1].upper() + said[1:]


def _moves() -> Iterator[str]:
    yield "| figure | definition | unit |"
    yield "|---|---|---|"
    for label, unit, of in MOVES:
        text = " ".join((getdoc(of) or "").split("\nArgs:")[0].split())
        yield f"| {label} | {as_noun(text)} | {unit} |"


def _table(rows: Sequence[Row[Any]], counted: str, more: Sequence[str]) -> Iterator[str]:
    heads = ("figure", "definition", "unit", f"least {counted}", "without a value", "interval", *more)
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        interval = f"{100 * row.level:.0f} %" if row.interval else ""
        cells = (
            row.label,
            as_noun(row.definition),
            row.unit,
            str(row.least),
            row.otherwise,
            interval,
            *([row.quantstats] if more else []),
        )
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(markdown())
