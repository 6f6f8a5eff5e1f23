"""What a settled event was about: its brackets by name and its window, from the evaluations or from the archive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

import numpy as np

from core.days import window_of
from core.errors import LadderError, RuleError
from core.events import event_of
from core.model.record import Kind
from core.services.shelves import Shelves
from core.services.values import moment, whole
from core.units import MISSING, half_up, micros

LISTED_BEFORE, LISTED_AFTER = timedelta(days=5), timedelta(days=1)  # of the UTC midnight of the event day
REPORTED_AFTER = timedelta(hours=12)  # the end of the window: later reports of it are rare
MOST_KEPT = 4_096
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Listing:
    """Brackets from cold to warm: name, lowest and highest reading, None where the tail is open."""

    brackets: tuple[tuple[str, int | None, int | None], ...] = ()
    start: datetime | None = None  # of the settlement window
    end: datetime | None = None

    def label(self, rank: int) -> str:
        """Return the name of a bracket, "" where it is not known."""
        return self.brackets[rank][0] if 0 <= rank < len(self.brackets) else ""

    def rank_of(self, value: float) -> int:
        """Return the bracket that a temperature falls in when it is rounded as readings are, -1: not known."""
        if not np.isfinite(value):
            return -1
        reading = int(half_up(np.array(value)))
        found = (
            rank for rank, (_, low, high) in enumerate(self.brackets)
            if (low is None or low <= reading) and (high is None or reading <= high)
        )  # fmt: skip
        return next(found, -1)


class Listings:
    """Reads each event once; what settled is not listed again."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves
        self._kept: dict[str, Listing] = {}
        self._reports: dict[str, int] = {}

    def of(self, event_id: str, tz: str, event_day: date) -> Listing:
        """Return what is known of an event; an empty listing where nothing of it is in the folder."""
        if event_id not in self._kept:
            found = self._evaluated(event_id) or self._archived(event_id, tz, event_day)
            if found is None:
                return Listing()
            _keep(self._kept, event_id, found)
        return self._kept[event_id]

    def reports(self, event_id: str, station: str, listing: Listing) -> int:
        """Return how many METAR reports of the station with a temperature count for an event."""
        if event_id not in self._reports:
            archive = self._shelves.archive()
            if archive is None or listing.start is None or listing.end is None:
                return 0
            until = listing.end + REPORTED_AFTER
            stack = archive.as_of([until]).span(Kind.METAR, station, listing.start, until)
            if not len(stack):
                return 0
            at, tenths = stack.columns["valid_at"], stack.columns["tenths"]
            within = (at >= micros(listing.start)) & (at < micros(listing.end)) & (tenths != MISSING)
            _keep(self._reports, event_id, len(np.unique(at[within])))
        return self._reports[event_id]

    def _evaluated(self, event_id: str) -> Listing | None:
        believed = self._shelves.believed()
        outlook = believed.outlook(event_id) if believed else None
        if believed is None or outlook is None:
            return None
        rows = believed.brackets(event_id)
        brackets = tuple((str(row["label"]), whole(row["lower"]), whole(row["upper"])) for row in rows)
        return Listing(brackets, moment(outlook["window_start"]), moment(outlook["window_end"])) if brackets else None

    def _archived(self, event_id: str, tz: str, event_day: date) -> Listing | None:
        archive = self._shelves.archive()
        if archive is None:
            return None
        midnight = datetime.combine(event_day, time(), UTC)
        until = midnight + LISTED_AFTER
        stack = archive.as_of([until]).span(Kind.EVENTS, event_id, midnight - LISTED_BEFORE, until)
        if not len(stack):
            return None
        try:
            event = event_of(stack.facts[-1], stack.rows(len(stack) - 1))
        except (RuleError, LadderError):
            return None
        start, end = window_of(event.rule.window, tz, event_day)
        return Listing(tuple((each.label, each.lower, each.upper) for each in event.ladder), start, end)


def _keep(kept: dict[str, Kept], name: str, value: Kept) -> None:
    if len(kept) >= MOST_KEPT:
        kept.clear()
    kept[name] = value
