"""The paper broker of a running desk: it collects the books of its orders itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from agents.collect import answers_of, published
from agents.paper.books import Window, failed_at
from agents.paper.broker import GRACE, PaperBroker, pending
from agents.paper.listed import listed_of
from core.clock import Clock
from core.failpoints import failpoint
from core.model.account import Account
from core.model.orders import Orders, Reports, Status
from core.model.record import Ask, Kind, Record
from core.ports import Source
from core.store.archive import Archive, View
from core.store.snapshots import SnapshotStore
from core.units import instant

_JUST = timedelta(microseconds=1)
_ASKED_WITHIN = timedelta(minutes=10)


class LivePaperBroker:
    """Waits for the moment of the orders, collects and records their books, then answers as `PaperBroker` does.

    Books that are recorded already are not collected again, so that a process killed between the two gives the same
    fills; killed before it, and back too late, the orders expire. A venue whose last answer failed is not asked: its
    orders are refused, never queued.
    """

    def __init__(
        self, paper: PaperBroker, sources: Mapping[str, Source], snapshots: SnapshotStore, clock: Clock,
        grace: timedelta = GRACE,
    ) -> None:  # fmt: skip
        self._paper, self._sources, self._snapshots, self._clock = paper, sources, snapshots, clock
        self._grace = max(grace, paper.grace)

    def execute(self, orders: Orders, account: Account, archive: Archive, at: datetime) -> tuple[Reports, datetime]:
        """Say what is known of the orders once their books are recorded; the instant is that of the last book."""
        asked = pending(orders, account)
        tokens = {asked.token[i] for i in range(len(asked)) if int(asked.status[i]) == Status.SUBMITTING}
        if not tokens:
            return self._paper.execute(orders, account, archive, at)
        while self._clock.now() < at:
            self._clock.wait_until(at)
        events = {i.event_id: i.venue for i in account.instruments if i.token in tokens}
        return self._paper.execute(orders, account, archive, self._heard_at(sorted(events.items()), archive, at))

    def _heard_at(self, events: Sequence[tuple[str, str]], archive: Archive, at: datetime) -> datetime:
        now = self._clock.now()
        view = archive.as_of([now])
        asked = {event_id for event_id, _ in events}
        recorded = [each.received_at for each in view.heard(Kind.BOOKS, at - _JUST) if each.subject in asked]
        if recorded:
            return instant(max(recorded))
        if now > at + self._grace:
            return now
        reachable = [each for each in events if not _is_down(view, each[0])]
        records = self._collect(reachable, view)
        return max([at, *(record.received_at for record in records)]) if records else self._clock.now()

    def _collect(self, events: Sequence[tuple[str, str]], view: View) -> list[Record]:
        asks: dict[str, list[Ask]] = {}
        for event_id, venue in events:
            listed = listed_of(view, event_id)
            if listed is not None and venue in self._sources:
                asks.setdefault(venue, []).append(Ask(Kind.BOOKS, event_id, tokens=listed.tokens))
        records = [r for venue, wanted in asks.items() for r in answers_of(self._sources[venue], wanted, self._clock)]
        failpoint("before:books")
        kept = published(records, self._snapshots)
        failpoint("after:books")
        return list(kept)


def _is_down(view: View, event_id: str) -> bool:
    """Return whether the newest question about the books of an event failed."""
    now = int(view.instants[-1])
    return failed_at(view, event_id, Window(now - _ASKED_WITHIN // _JUST, now, now, now)) is not None
