"""How an event ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Finality(StrEnum):
    PROVISIONAL = "provisional"  # ours, from METAR by the event's rule: no money moves
    FINAL = "final"  # the venue's word: money moves


@dataclass(frozen=True, slots=True)
class Settlement:
    """One word about the winner of an event; a later revision replaces an earlier one.

    `settlement_id` is `{event_id}/{finality}/{revision}`, so that the same word is never booked twice.
    """

    settlement_id: str
    venue: str
    event_id: str
    station: str
    event_day: date
    finality: Finality
    revision: int  # 0 first, 1 and up: corrections
    winner: str  # market id
    winner_label: str
    reading: float | None  # settlement value in the rule's unit, where known
    evidence: Mapping[str, object]
