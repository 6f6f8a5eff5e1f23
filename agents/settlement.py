"""How events end: provisional from METAR by the event's own rule, final from the venue, corrected when the venue corrects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from agents.listings import Listing, newest_listings
from core.days import settlement_window
from core.journal.changes import Payout
from core.journal.fold import MEMORY
from core.model.account import Account
from core.model.activity import Action, Activity, Severity
from core.model.event import Bracket, Event
from core.model.record import Kind
from core.model.settlement import Finality, Settlement
from core.model.station import Station
from core.readings import listed_extreme, received_per_row
from core.store.archive import View
from core.units import instant, iso

LOOKBACK = timedelta(days=12)  # a listing older than this was settled long ago
LAST_REPORT = timedelta(minutes=10)  # until the last report of a day can be expected


def settle(account: Account, view: View, since: datetime, stations: Mapping[str, Station]) -> Iterator[Payout]:
    """Yield what the outcomes and observations received after `since` say of events that are over.

    Events come in the order of their day and id, so that the rows of a replay come in the same order.
    """
    now = instant(int(view.instants[-1]))
    told = frozenset(view.subjects(Kind.OUTCOMES, since))
    listings = newest_listings(view, now - LOOKBACK)
    for listing in sorted(listings, key=lambda each: (str(each.facts["event_day"]), each.event_id)):
        event = listing.event
        if event is None or event.rule.station not in stations or _forgotten(account, event, now):
            continue
        start, end = settlement_window(event.rule, stations[event.rule.station].tz, event.event_day)
        if listing.event_id in told:
            yield from _final(account, view, event, now)
        elif now >= end + LAST_REPORT:
            yield from _provisional(account, view, event, (start, end), stations[event.rule.station], now)


def _forgotten(account: Account, event: Event, now: datetime) -> bool:
    """Return whether the account keeps no outcome of so old a day, so that the same word would look new again."""
    if event.event_day >= (now - MEMORY).date() or event.event_id in account.outcomes:
        return False
    return not any(instrument.event_id == event.event_id for instrument in account.instruments)


def _final(account: Account, view: View, event: Event, now: datetime) -> Iterator[Payout]:
    stack = view.stack(Kind.OUTCOMES, event.event_id, now - LOOKBACK)
    index = int(stack.newest(view.instants[-1:])[0])
    if index < 0 or not stack.facts[index]["final"]:
        return
    facts = stack.facts[index]
    winner = next((bracket for bracket in event.ladder if bracket.market_id == facts["winner"]), None)
    if winner is None:
        return
    known = account.outcomes.get(event.event_id)
    before = known.settlement if known else None
    if before and before.finality is Finality.FINAL and before.winner == winner.market_id:
        return
    corrects = before is not None and before.finality is Finality.FINAL
    agrees = before is None or before.winner == winner.market_id
    settlement = _word(
        event, winner, Finality.FINAL, before.revision + 1 if before and corrects else 0, facts["value"],
        {"source": stack.source[index], "received_at": iso(instant(int(stack.received_at[index]))),
         "agrees": agrees, "before": before.winner_label if before else ""},
    )  # fmt: skip
    what = "corrected to" if corrects else "settled at"
    doubt = "" if agrees or corrects else f"; METAR had said {before.winner_label}" if before else ""
    severity = Severity.INFO if agrees else Severity.WARNING
    yield Payout(
        settlement, (_line(event, settlement, f"{event.city} {event.event_day} {what} {winner.label}{doubt}", now, severity),)
    )


def _provisional(
    account: Account, view: View, event: Event, window: tuple[datetime, datetime], station: Station, now: datetime
) -> Iterator[Payout]:
    known = account.outcomes.get(event.event_id)
    if known and known.settlement.finality is Finality.FINAL:
        return
    stack = view.stack(Kind.METAR, station.code, window[0] - timedelta(hours=1))
    received = received_per_row(stack.received_at, stack.offsets)
    extremum = listed_extreme(stack.columns, received, event.rule, station, window, now)
    if extremum.reading is None or extremum.valid_at is None:
        return
    winner = event.winner_of(extremum.reading)
    if known and known.settlement.winner == winner.market_id:
        return
    settlement = _word(
        event, winner, Finality.PROVISIONAL, known.settlement.revision + 1 if known else 0, float(extremum.reading),
        {"source": "metar", "reports": extremum.count, "tenths": extremum.tenths, "observed_at": iso(extremum.valid_at)},
    )  # fmt: skip
    message = f"{event.city} {event.event_day}: METAR says {extremum.reading}°{event.rule.unit}, {winner.label} (provisional)"
    yield Payout(settlement, (_line(event, settlement, message, now, Severity.INFO),))


def _word(
    event: Event, winner: Bracket, finality: Finality, revision: int, reading: float | None, evidence: Mapping[str, object]
) -> Settlement:
    return Settlement(
        settlement_id=f"{event.event_id}/{finality}/{revision}", venue=event.venue, event_id=event.event_id,
        station=event.rule.station, event_day=event.event_day, finality=finality, revision=revision,
        winner=winner.market_id, winner_label=winner.label, reading=reading, evidence=evidence,
    )  # fmt: skip


def _line(event: Event, settlement: Settlement, message: str, now: datetime, severity: Severity) -> Activity:
    return Activity(
        at=now, action=Action.SETTLEMENT, message=message, severity=severity, type="settlement",
        station=event.rule.station, event_day=event.event_day, event_id=event.event_id,
        data={"settlement_id": settlement.settlement_id, "winner": settlement.winner_label, "finality": str(settlement.finality),
              "reading": settlement.reading},
    )  # fmt: skip


def pending(listings: tuple[Listing, ...], account: Account) -> tuple[Listing, ...]:
    """Return the listings whose event has no final word yet."""
    return tuple(
        listing
        for listing in listings
        if (known := account.outcomes.get(listing.event_id)) is None or known.settlement.finality is not Finality.FINAL
    )
