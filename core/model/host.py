"""What the machine said of itself and of the other desks at a look: a fact of the record, never of the clock."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan


@dataclass(frozen=True, slots=True)
class Host:
    """Read from the HOST record of a cycle; the empty one says that all is well and that there is no other desk.

    A number that was not measured is NaN: nothing is asked of it.
    """

    sick: tuple[str, ...] = ()  # what is sick of source, clock, journal and broker, a few words each: no new risk meanwhile
    others_micro: int = 0  # equity of the other desks of the account together
    skew_seconds: float = nan  # least distance of our clock from that of any service
    journal_writable: float = nan  # 1: it is
    order_seconds: float = nan  # p99 from order to answer
    gap_cadences: float = nan  # longest of: since the last look, since the last answer of a needed kind
    disk_free_mb: float = nan


WELL = Host()
