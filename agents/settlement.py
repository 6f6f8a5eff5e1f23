"""How events end: provisional by the event's own rule, final from the venue, corrected when the venue corrects.

A winner is looked up by its market id, never by its place in a list; where no listing can be read any more, by the market
ids that are stored with what is held. What cannot be settled is said (`unsettled`), never dropped.

Provisional is the climate report's word where the rule is about the official extreme and a report of the whole day was
received, else what METAR lists. An observatory's own table has no provisional word of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from agents.listings import newest_listings
from core.days import settlement_window
from core.journal.changes import Payout
from core.journal.fold import MEMORY
from core.model.account import Account
from core.model.activity import Action, Activity, Severity
from core.model.event import Event
from core.model.record import Kind
from core.model.rule import Extreme
from core.model.settlement import Finality, Settlement
from core.model.station import Station
from core.readings import listed_extreme, received_per_row
from core.readings.rounding import EXTRACT, OFFICIAL
from core.store.archive import Stack, View
from core.units import MISSING, Columns, Unit, instant, iso, micros

LOOKBACK = timedelta(days=12)  # a listing older than this was settled long ago
UNHEARD = timedelta(days=4)  # since the last listing of an event, after which the venue alone can say something new of it
METAR, CLIMATE_REPORT = "metar", "climate_report"  # what a provisional word rests on
Window = tuple[datetime, datetime]
Found = tuple[int, dict[str, object]]  # reading, evidence
LAST_REPORT = timedelta(minutes=10)  # until the last report of a day can be expected


def settle(account: Account, view: View, since: datetime, stations: Mapping[str, Station]) -> Iterator[Payout]:
    """Yield what the outcomes and observations received after `since` say of events that are over.

    Events come in the order of their day and id, so that the rows of a replay come in the same order.
    """
    now = instant(int(view.instants[-1]))
    told = frozenset(view.subjects(Kind.OUTCOMES, since))
    ended = {event_id for event_id, known in account.outcomes.items() if known.settlement.finality is Finality.FINAL}
    old = frozenset(view.subjects(Kind.EVENTS, now - LOOKBACK)) - frozenset(view.subjects(Kind.EVENTS, now - UNHEARD))
    listings = newest_listings(view, now - LOOKBACK, without=(ended | old) - told)
    for listing in sorted(listings, key=lambda each: (str(each.facts["event_day"]), each.event_id)):
        event = listing.event
        if event is None or event.rule.station not in stations or _forgotten(account, event, now):
            continue
        station = stations[event.rule.station]
        window = settlement_window(event.rule, station.tz, event.event_day)
        final = tuple(_final(account, view, event, window, now)) if listing.event_id in told else ()
        yield from final
        if not final and now >= window[1] + LAST_REPORT and event.rule.statistic not in EXTRACT:
            yield from _provisional(account, view, event, window, station, since, now)
    read = {listing.event_id for listing in listings if listing.event is not None and listing.event.rule.station in stations}
    for event_id in sorted(told - read):
        yield from _final_of_holdings(account, view, event_id, now)


def _forgotten(account: Account, event: Event, now: datetime) -> bool:
    """Return whether the account keeps no outcome of so old a day, so that the same word would look new again."""
    if event.event_day >= (now - MEMORY).date() or event.event_id in account.outcomes:
        return False
    return not any(instrument.event_id == event.event_id for instrument in account.instruments)


@dataclass(frozen=True, slots=True)
class About:
    """What a word says an event is."""

    venue: str
    event_id: str
    station: str
    event_day: date
    city: str
    labels: Mapping[str, str]  # by market id


def about(event: Event) -> About:
    """Return what a listing says that the event is."""
    labels = {bracket.market_id: bracket.label for bracket in event.ladder}
    return About(event.venue, event.event_id, event.rule.station, event.event_day, event.city, labels)


def about_held(account: Account, event_id: str, outcome: Columns) -> About | None:
    """Return what the account itself knows of an event, None where it knows nothing or the outcome leaves a market out."""
    known = account.outcomes.get(event_id)
    held = [i for i in (*account.instruments, *(known.instruments if known else ())) if i.event_id == event_id]
    markets = list(map(str, outcome["market_id"]))
    if not held or not {i.market_id for i in held} <= set(markets):
        return None
    labels = {market: f"market {market}" for market in markets} | {i.market_id: i.label for i in held}
    first = held[0]
    return About(first.venue, event_id, first.station, first.event_day, first.city, labels)


def told_final(view: View, event_id: str, since: datetime) -> tuple[Stack, int] | None:
    """Return the newest outcome of an event where it is final."""
    stack = view.stack(Kind.OUTCOMES, event_id, since)
    index = int(stack.newest(view.instants[-1:])[0])
    return (stack, index) if index >= 0 and stack.facts[index]["final"] else None


def _final_of_holdings(account: Account, view: View, event_id: str, now: datetime) -> Iterator[Payout]:
    """Yield what a final word pays for holdings of which no listing can be read any more."""
    said = told_final(view, event_id, now - LOOKBACK)
    of = about_held(account, event_id, said[0].rows(said[1])) if said else None
    if said and of is not None:
        yield from _pays(account, of, *said, {"looked_up": "by the market ids of what is held"}, now)


def _final(account: Account, view: View, event: Event, window: Window, now: datetime) -> Iterator[Payout]:
    said = told_final(view, event.event_id, now - LOOKBACK)
    if said:
        yield from _pays(account, about(event), *said, _by_rule(event, window), now)


def _pays(
    account: Account, of: About, stack: Stack, index: int, evidence: Mapping[str, object], now: datetime
) -> Iterator[Payout]:
    facts = stack.facts[index]
    winner = str(facts["winner"])
    if winner not in of.labels:
        return
    known = account.outcomes.get(of.event_id)
    before = known.settlement if known else None
    if before and before.finality is Finality.FINAL and before.winner == winner:
        return
    corrects = before is not None and before.finality is Finality.FINAL
    agrees = before is None or before.winner == winner
    settlement = _word(
        of, winner, Finality.FINAL, before.revision + 1 if before and corrects else 0, facts["value"],
        {"source": stack.source[index], "received_at": iso(instant(int(stack.received_at[index]))),
         "agrees": agrees, "before": before.winner_label if before else "", **evidence},
    )  # fmt: skip
    what = "corrected to" if corrects else "settled at"
    doubt = "" if agrees or corrects or before is None else f"; {_teller(before)} had said {before.winner_label}"
    severity = Severity.INFO if agrees else Severity.WARNING
    yield Payout(
        settlement, (_line(settlement, f"{of.city} {of.event_day} {what} {settlement.winner_label}{doubt}", now, severity),)
    )


def _provisional(
    account: Account, view: View, event: Event, window: Window, station: Station, since: datetime, now: datetime
) -> Iterator[Payout]:
    known = account.outcomes.get(event.event_id)
    before = known.settlement if known else None
    if before and (before.finality is Finality.FINAL or not _is_news(view, event, station, window, since)):
        return
    found = _of_climate_report(view, event, station, window) or _of_reports(view, event, station, window, now)
    if found is None:
        return
    reading, evidence = found
    winner = event.winner_of(reading)
    if before and (before.winner, before.evidence.get("source")) == (winner.market_id, evidence["source"]):
        return
    settlement = _word(
        about(event), winner.market_id, Finality.PROVISIONAL, before.revision + 1 if before else 0, float(reading),
        {**evidence, **_by_rule(event, window)},
    )  # fmt: skip
    said = f"{_teller(settlement)} says {reading}°{event.rule.unit}, {winner.label} (provisional)"
    yield Payout(settlement, (_line(settlement, f"{event.city} {event.event_day}: {said}", now, Severity.INFO),))


def _is_news(view: View, event: Event, station: Station, window: Window, since: datetime) -> bool:
    """Return whether something about the day was received after `since`: nothing else can change a provisional word."""
    last = micros(since)
    if is_official(event) and station.code in view.subjects(Kind.CLIMATE, since):
        return True
    stack = view.stack(Kind.METAR, station.code, since)
    fresh = np.repeat(stack.first_at > last, np.diff(stack.offsets))
    return bool((fresh & (stack.columns["valid_at"] <= micros(window[1]))).any())


def is_official(event: Event) -> bool:
    """Return whether the rule is about the official extreme, as a climate report prints it."""
    return event.rule.statistic in OFFICIAL


def _of_climate_report(view: View, event: Event, station: Station, window: Window) -> Found | None:
    """Return the newest climate report of the whole day; one issued while it ran is preliminary and does not count."""
    if not is_official(event) or event.rule.unit is not Unit.FAHRENHEIT:
        return None
    stack = view.stack(Kind.CLIMATE, station.code, window[0])
    if not len(stack):
        return None
    columns = stack.columns
    value = columns["high_f" if event.extreme is Extreme.HIGH else "low_f"]
    ours = np.flatnonzero(
        (columns["event_day"] == event.event_day.isoformat()) & ~columns["preliminary"].astype(bool) & (value != MISSING)
    )
    if not len(ours):
        return None
    row = int(ours[-1])
    record = int(np.searchsorted(stack.offsets, row, "right")) - 1
    return int(value[row]), {
        "source": CLIMATE_REPORT, "given_by": stack.source[record], "product": str(columns["product"][row]),
        "received_at": iso(instant(int(stack.received_at[record]))),
    }  # fmt: skip


def _of_reports(view: View, event: Event, station: Station, window: Window, now: datetime) -> Found | None:
    stack = view.stack(Kind.METAR, station.code, window[0] - timedelta(hours=1))
    received = received_per_row(stack.received_at, stack.offsets)
    extremum = listed_extreme(stack.columns, received, event.rule, station, window, now)
    if extremum.reading is None or extremum.valid_at is None:
        return None
    return extremum.reading, {
        "source": METAR, "reports": extremum.count, "tenths": extremum.tenths, "observed_at": iso(extremum.valid_at),
        "complete": extremum.complete,
    }  # fmt: skip


def _by_rule(event: Event, window: Window) -> dict[str, object]:
    """Return by which rule an event ends: its own, whatever another venue says of the same city."""
    return {
        "statistic": str(event.rule.statistic), "window_start": iso(window[0]), "window_end": iso(window[1]),
        "rule_source": event.rule.source, "rule_sha": event.rule.sha256,
    }  # fmt: skip


def _teller(settlement: Settlement) -> str:
    return {METAR: "METAR", CLIMATE_REPORT: "the climate report"}.get(str(settlement.evidence.get("source")), "the venue")


def _word(
    of: About, winner: str, finality: Finality, revision: int, reading: float | None, evidence: Mapping[str, object]
) -> Settlement:
    return Settlement(
        settlement_id=f"{of.event_id}/{finality}/{revision}", venue=of.venue, event_id=of.event_id,
        station=of.station, event_day=of.event_day, finality=finality, revision=revision,
        winner=winner, winner_label=of.labels[winner], reading=reading, evidence=evidence,
    )  # fmt: skip


def _line(settlement: Settlement, message: str, now: datetime, severity: Severity) -> Activity:
    return Activity(
        at=now, action=Action.SETTLEMENT, message=message, severity=severity, type="settlement",
        station=settlement.station, event_day=settlement.event_day, event_id=settlement.event_id,
        data={"settlement_id": settlement.settlement_id, "winner": settlement.winner_label, "finality": str(settlement.finality),
              "reading": settlement.reading},
    )  # fmt: skip
