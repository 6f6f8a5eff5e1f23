"""The instants of every event day at which beliefs are compared: declared before any outcome, in the station's standard time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from core.days import standard_offset


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An instant of every event day, in the station's standard time, before the routine report of that hour."""

    name: str
    day_offset: int
    hour: int
    minute: int = 45

    def at(self, tz: str, event_day: date) -> datetime:
        """Return the instant of the checkpoint for an event day."""
        local = datetime(event_day.year, event_day.month, event_day.day, self.hour, self.minute, tzinfo=UTC)
        return local + timedelta(days=self.day_offset) - standard_offset(tz, event_day.year)


# Where probabilities are scored; SCIENCE 3.3.
CHECKPOINTS = (
    Checkpoint("17:45 D-1", -1, 17),
    Checkpoint("08:45", 0, 8),
    Checkpoint("10:45", 0, 10),
    Checkpoint("12:45", 0, 12),
    Checkpoint("14:45", 0, 14),
)
# Further looks at the forecasts alone: most events are not listed yet.
EARLIER = (Checkpoint("17:45 D-3", -3, 17), Checkpoint("17:45 D-2", -2, 17))
LOOKS = (*EARLIER, *CHECKPOINTS)  # ascending


def reached(tz: str, event_day: date, at: datetime) -> Checkpoint:
    """Return the checkpoint whose record counts at an instant: the last one that is past, else the first."""
    past = [each for each in CHECKPOINTS if each.at(tz, event_day) <= at]
    return past[-1] if past else CHECKPOINTS[0]
