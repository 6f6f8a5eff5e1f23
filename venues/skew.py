"""How far the clock of a service is from ours, as its answers say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

HALF_A_SECOND = timedelta(seconds=0.5)


def skew_seconds(headers: Mapping[str, str], asked_at: datetime, heard_at: datetime) -> float | None:
    """Return how far a service's clock is ahead of ours [s], 0 where its date fits between question and answer.

    A date is cut to whole seconds, and was set somewhere between the two. None where there is no date, or where the answer
    lay in a cache: its date is that of its making.
    """
    if headers.get("Age", "0").strip() != "0":
        return None
    try:
        dated = parsedate_to_datetime(headers["Date"])
    except (KeyError, ValueError, TypeError):
        return None
    said = (dated if dated.tzinfo else dated.replace(tzinfo=UTC)) + HALF_A_SECOND
    if said > heard_at:
        return round(max(0.0, (said - heard_at - HALF_A_SECOND).total_seconds()), 3)
    return round(min(0.0, (said - asked_at + HALF_A_SECOND).total_seconds()), 3)
