"""Bracket labels as Polymarket prints them: `98-99°F`, `23°C`, `97°F or below`, `-5°C or below`."""

from __future__ import annotations

import re

from core.errors import LadderError
from core.units import Unit

# A minus sign and a range dash may be the same character: a number may start with one, a range has one between numbers.
_NUMBER = r"[-−]?\d{1,3}"
_RANGE = re.compile(rf"(?P<lower>{_NUMBER})\s*[-–—−]\s*(?P<upper>{_NUMBER})\s*°\s*(?P<unit>[FC])")
_SINGLE = re.compile(rf"(?P<at>{_NUMBER})\s*°\s*(?P<unit>[FC])")
_BELOW = re.compile(rf"(?P<at>{_NUMBER})\s*°\s*(?P<unit>[FC]) or (?:below|lower|less)")
_ABOVE = re.compile(rf"(?P<at>{_NUMBER})\s*°\s*(?P<unit>[FC]) or (?:higher|above|more)")


def parse_label(label: str) -> tuple[int | None, int | None, Unit]:
    """Return lower and upper settlement integer, both included, and the unit; LadderError when it is no bracket."""
    text = label.strip()
    if found := _RANGE.fullmatch(text):
        lower, upper = _integer(found["lower"]), _integer(found["upper"])
        if upper < lower:
            raise LadderError(f"bracket {label!r} ends before it starts; do not trade the event")
        return lower, upper, Unit(found["unit"])
    if found := _SINGLE.fullmatch(text):
        return _integer(found["at"]), _integer(found["at"]), Unit(found["unit"])
    if found := _BELOW.fullmatch(text):
        return None, _integer(found["at"]), Unit(found["unit"])
    if found := _ABOVE.fullmatch(text):
        return _integer(found["at"]), None, Unit(found["unit"])
    raise LadderError(f"bracket {label!r} is neither a range, a degree nor a tail; do not trade the event")


def _integer(text: str) -> int:
    return int(text.replace("−", "-"))
