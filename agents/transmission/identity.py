"""Names of decisions, orders and executions: pure functions of what they are about, so that a replay cannot double them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha1

from core.units import micros


def _key(desk: str, scheduled_at: datetime, run: int, token: str) -> str:
    text = f"{desk}|{micros(scheduled_at)}|{run}|{token}"
    return sha1(text.encode(), usedforsecurity=False).hexdigest()[:16]


def decision_id(desk: str, scheduled_at: datetime, run: int, token: str) -> str:
    """Return the name of the decision of one cycle about one token."""
    return f"d-{_key(desk, scheduled_at, run, token)}"


def order_id(desk: str, scheduled_at: datetime, run: int, token: str) -> str:
    """Return the name of the one order that such a decision may lead to."""
    return f"o-{_key(desk, scheduled_at, run, token)}"


def execution_id(order: str, number: int) -> str:
    """Return the name of the n-th execution of an order."""
    return f"x-{order.removeprefix('o-')}-{number}"


def conversion_id(desk: str, scheduled_at: datetime, run: int, event_id: str, brackets: Sequence[int]) -> str:
    """Return the name of the one conversion of so many brackets of an event in one cycle."""
    return f"v-{_key(desk, scheduled_at, run, event_id)}-{'.'.join(map(str, brackets))}"
