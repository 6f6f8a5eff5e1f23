"""A row of a rule table in plain words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Described:
    """For the strategy page, `/api/strategy` and the docs."""

    family: str
    name: str
    sentence: str
    formula: str
