"""A row of the log and of the stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class Action(StrEnum):
    CYCLE = "cycle"
    FETCH = "fetch"
    DECISION = "decision"
    TRADE = "trade"
    SNAPSHOT = "snapshot"
    SETTLEMENT = "settlement"
    RISK = "risk"
    ERROR = "error"


class Severity(StrEnum):
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Activity:
    """One line for people and one message for machines; `seq` is assigned by the journal (0 before).

    `type` is the stream's message type ("cycle_complete", "trade_placed", "edges_updated", "risk_update", ...), "" for
    lines that are only read. `measured` holds wall-clock facts (durations): they differ from run to run and are never compared.
    """

    at: datetime
    action: Action
    message: str
    severity: Severity = Severity.INFO
    type: str = ""
    station: str = ""
    event_day: date | None = None
    event_id: str = ""
    data: Mapping[str, object] = field(default_factory=dict)
    measured: Mapping[str, object] = field(default_factory=dict)
    seq: int = 0
    desk: str = ""
    cycle: int = 0
