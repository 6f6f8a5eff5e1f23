"""When a desk looked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Cause(StrEnum):
    SCHEDULE = "schedule"
    METAR = "metar"
    BAR = "bar"
    REPORT = "report"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Cycle:
    """Identity is (desk, scheduled_at). What was received up to `sealed_at` counts; orders meet the book known at `fill_at`."""

    desk: str
    scheduled_at: datetime
    number: int  # for people only
    cause: Cause
    subjects: tuple[str, ...]  # stations that caused it; empty: all
    sealed_at: datetime
    fill_at: datetime


class Phase(StrEnum):
    """How far the journal knows a cycle to have come."""

    INTENDED = "intended"
    EXECUTED = "executed"
    COMPLETE = "complete"
