"""Every rule table of the desks in plain words: `python -m agents.described > docs/decisions.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from agents.transmission.described import CHECKS
from agents.transmission.reasons import REASONS as TRANSMISSION_REASONS
from agents.weather.models import MODELS
from agents.weather.reasons import REASONS as WEATHER_REASONS
from core.model.described import Described

HEAD = """# How a decision is made, and what its record says

Each cycle: what is known (`observe`), what is believed (`evaluate`), what is wanted (`propose`), what is allowed (Transmission),
what is sent. Every instrument that the desk wanted to change gets one row in `decisions`, with every check, its number, its limit and
its verdict, also when the answer is no. The smallest size wins; table order names the reason. Caps and multipliers lower what
increases a position, they never sell.

The size of a position is solved from *liquidated* wealth, so that a frozen market gives the same target again and never a second
order; a quarter of the growth-optimal position is wanted. Until the record has earned more, every size is a probe.
"""


def described() -> tuple[Described, ...]:
    """Return the rows of all tables, for the strategy page."""
    return CHECKS


def markdown() -> str:
    """Return `docs/decisions.md`."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield HEAD
    yield "## Checks\n\n| stage | check | what it does | formula |\n|---|---|---|---|"
    for row in CHECKS:
        yield f"| {row.family} | `{row.name}` | {row.sentence} | {row.formula.replace('|', '∣')} |"
    yield "\n## Reason codes of an order\n\n| code | meaning |\n|---|---|"
    yield from _codes(TRANSMISSION_REASONS)
    yield "\n## Why a bracket or an event is skipped\n\n| code | meaning |\n|---|---|"
    yield from _codes(WEATHER_REASONS)
    yield "\n## Models\n\nSetting `HERMES_MODEL`: " + ", ".join(f"`{name}`" for name in MODELS) + "."


def _codes(reasons: Mapping[str, str]) -> Iterator[str]:
    for code, sentence in reasons.items():
        if code:
            yield f"| `{code}` | {sentence} |"


if __name__ == "__main__":
    sys.stdout.write(markdown())
