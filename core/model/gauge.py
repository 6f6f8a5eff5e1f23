"""How near a limit is, for people."""

from __future__ import annotations

from dataclasses import dataclass

WARN_AT = 0.8  # used part of a limit from which on people are warned


@dataclass(frozen=True, slots=True)
class Seen:
    """What the newest look saw of a token that is held."""

    bid: float | None  # best [USD per share]; None: nobody bids
    fair: float | None  # [USD per share]
    age_seconds: float  # of the book, at the look


@dataclass(frozen=True, slots=True)
class Gauge:
    """One limit of a desk now. `value` and `limit` count in `unit`; both are below 0 where a fall trips."""

    name: str
    family: str  # "tripwire", "cap", "ceiling", "rule", "account" or "goal" (to be reached)
    value: float | None  # None: nothing to measure yet
    limit: float | None  # None: there is no number to pass
    unit: str  # "R0", "USD", "of equity", "days", "sd", "trades"
    subject: str = ""  # what is nearest to it: a bracket, a city and day, an account
    value_usd: float | None = None
    limit_usd: float | None = None
    action: str = ""  # of a tripwire, where it does something else on this desk than its name says

    @property
    def used(self) -> float | None:
        """Return the used part of the limit, 1 where it is reached; None where it cannot be said."""
        if self.value is None or self.limit is None or self.limit == 0:
            return None
        return max(0.0, self.value / self.limit)
