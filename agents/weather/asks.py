"""What the desk wants to know before a cycle: listings, books, prints, reports, forecasts, climate reports, outcomes.

Nothing is remembered that the archive does not show: whether a question is due follows from what was received, from the
hour, and from the setting. A question for a source that does not exist is dropped by whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

import numpy as np

from agents.weather.excess import is_official
from agents.weather.listed import Listed
from agents.weather.listing_asks import listing_asks
from agents.weather.observations import metar_stack
from agents.weather.panel import PanelMemory
from core.days import ONE_DAY, local_day, standard_offset
from core.model.account import Account
from core.model.cycle import Cause, Cycle
from core.model.record import Ask, Kind
from core.model.settlement import Finality
from core.model.station import Station
from core.settings import Settings
from core.store.archive import Stack, View
from core.units import InstantArray, instant, micros

REPORTS_GAP = timedelta(hours=2, minutes=30)  # after which the usual look back of a request would leave a hole
SILENT_CADENCES, SILENT_FOR = 2, timedelta(minutes=20)  # after which a second source is asked for reports
OUTCOME_EVERY = timedelta(hours=1)  # until the venue's final word
CORRECTION_EVERY, CORRECTIONS_FOR = timedelta(hours=6), timedelta(days=3)  # after it
CLIMATE_EVERY = timedelta(hours=1)
PRINTS_EVERY = timedelta(minutes=5)
MARKET_BY_MARKET, MOST_IN_A_LOOK = frozenset({"kalshi"}), 4  # venues whose prints are one question for each market; events
NO_REPORTS = frozenset({"46692", "HKO"})  # stations that send no METAR
UNITED_STATES = "US"
FORECASTERS = ("open_meteo", "zeus")  # asked about every station
HOURLY, HOURLY_EVERY = frozenset({"zeus", "nws"}), timedelta(hours=1)  # whose good answer stands so long, through a restart too
AMERICAN = "nws"  # forecasts and reports of the country's own service
SECOND_REPORTS = "iem"  # reports of the others, and climate reports
ENSEMBLES = "open_meteo_ensemble"


def asks_of(
    stations: Sequence[Station], cycle: Cycle, account: Account, view: View, memory: PanelMemory, settings: Settings
) -> tuple[Ask, ...]:
    """Return the questions of a cycle.

    Books can be asked only of events that are known, so that those of a new one come with the next cycle. A look that a
    report woke asks nothing about listings.
    """
    now = instant(int(view.instants[-1]))
    looks = view.instants[-1:] - settings.interval_seconds * 1_000_000
    chosen = [station for station in stations if not cycle.subjects or station.code in cycle.subjects]
    codes = {station.code for station in chosen}
    events, listings = memory.listings.read(view, view.instants[-1:])
    heard = dict(zip((each.event.event_id for each in events), listings.received_at[-1].tolist(), strict=True))
    mine = [
        each
        for each in events
        if each.station.code in codes
        and each.end > micros(now)
        and each.start <= micros(now + (settings.lookahead_days + 2) * ONE_DAY)
    ]
    still_open = frozenset(each.event.event_id for each in events if each.end > micros(now))
    return (
        *(listing_asks(chosen, cycle, events, heard, view, now, settings) if cycle.cause is not Cause.METAR else ()),
        *_book_asks(mine, account),
        *_print_asks(mine, view, now, cycle.number),
        *(ask for station in _reporting(chosen) for ask in _report_asks(station, view, now, looks)),
        *_forecast_asks(chosen, view, now, settings),
        *_climate_asks(events, codes, account, view, now),
        *_outcome_asks(view, memory, account, now, still_open),
    )


def _book_asks(events: Sequence[Listed], account: Account) -> Iterator[Ask]:
    for each in events:
        tokens = tuple(token for bracket in each.event.ladder for token in (bracket.yes, bracket.no))
        if tokens:
            yield Ask(Kind.BOOKS, each.event.event_id, tokens=tokens, source=each.event.venue)
    asked = {each.event.event_id for each in events}
    held: dict[tuple[str, str], list[str]] = {}
    for instrument in account.instruments:
        if instrument.event_id not in asked:
            held.setdefault((instrument.event_id, instrument.venue), []).append(instrument.token)
    for (event_id, venue), tokens_held in held.items():
        yield Ask(Kind.BOOKS, event_id, tokens=tuple(tokens_held), source=venue)


def _print_asks(events: Sequence[Listed], view: View, now: datetime, turn: int) -> Iterator[Ask]:
    """Yield one ask for each event with a ladder: a maker's fills need the prints, and they cannot be had later.

    Events of a venue that is asked market by market take turns: it tells what was since the last question.
    """
    told = frozenset(view.subjects(Kind.PRINTS, now - PRINTS_EVERY))
    due = [each.event for each in events if each.event.ladder and each.event.event_id not in told]
    slow = [event for event in due if event.venue in MARKET_BY_MARKET]
    first = turn * MOST_IN_A_LOOK % len(slow) if slow else 0
    waiting = frozenset(event.event_id for event in [*slow[first:], *slow[:first]][MOST_IN_A_LOOK:])
    for event in due:
        if event.event_id not in waiting:
            markets = tuple(bracket.market_id for bracket in event.ladder)
            yield Ask(Kind.PRINTS, event.event_id, tokens=markets, source=event.venue)


def _reporting(stations: Sequence[Station]) -> list[Station]:
    """Return the stations whose reports are wanted: these, and the neighbours that speak for one that is silent."""
    own = {station.code: station for station in stations if station.code not in NO_REPORTS}
    near = {each.code: each for station in stations for each in station.neighbours if each.code not in own}
    return [*own.values(), *near.values()]


def _report_asks(station: Station, view: View, now: datetime, looks: InstantArray) -> Iterator[Ask]:
    stack = metar_stack(view, station.code, looks)
    days: tuple[date, ...] = ()
    if not len(stack) or int(stack.received_at[-1]) <= micros(now - REPORTS_GAP):
        # The settlement day may begin by the clock or by standard time: the earlier one.
        standard = (now + standard_offset(station.tz, now.year)).date()
        days = (min(local_day(station.tz, now), standard),)
    yield Ask(Kind.METAR, station.code, days=days, source="metar")
    if _is_silent(station, stack, now):
        yield Ask(Kind.METAR, station.code, days=days, source=AMERICAN if station.country == UNITED_STATES else SECOND_REPORTS)


def _is_silent(station: Station, stack: Stack, now: datetime) -> bool:
    """Return whether the newest report is older than a sound station's can be; before any answer nobody is silent."""
    if not len(stack):
        return False
    newest = int(np.max(stack.columns["valid_at"], initial=0))
    longest = SILENT_CADENCES * timedelta(minutes=station.cadence_minutes) + SILENT_FOR
    return newest < micros(now - longest)


def _forecast_asks(stations: Sequence[Station], view: View, now: datetime, settings: Settings) -> Iterator[Ask]:
    lately = now - timedelta(minutes=settings.weather.ensemble_minutes)
    within = now - HOURLY_EVERY + timedelta(microseconds=1)
    for station in stations:
        told = frozenset(view.stack(Kind.FORECAST, station.code, within).source) & HOURLY
        for source in (*FORECASTERS, *((AMERICAN,) if station.country == UNITED_STATES else ())):
            if source not in told:
                yield Ask(Kind.FORECAST, station.code, source=source)
        if not len(view.newest(Kind.ENSEMBLE, station.code, lately)):  # one that failed is asked for again
            yield Ask(Kind.ENSEMBLE, station.code, source=ENSEMBLES)


def _climate_asks(events: Sequence[Listed], codes: set[str], account: Account, view: View, now: datetime) -> Iterator[Ask]:
    """Yield one ask for each station with days that are over and that a climate report settles, until the venue's final word."""
    days: dict[str, list[date]] = {}
    for each in events:
        if each.station.code not in codes or each.end > micros(now) or not is_official(each.event.rule.statistic):
            continue
        known = account.outcomes.get(each.event.event_id)
        if known is None or known.settlement.finality is not Finality.FINAL:
            wanted = days.setdefault(each.station.code, [])
            wanted.extend(day for day in (each.event.event_day,) if day not in wanted)
    if not days:
        return
    told = frozenset(view.subjects(Kind.CLIMATE, now - CLIMATE_EVERY))
    for code, wanted in days.items():
        if code not in told:
            yield Ask(Kind.CLIMATE, code, days=tuple(sorted(wanted)), source=SECOND_REPORTS)


def _outcome_asks(view: View, memory: PanelMemory, account: Account, now: datetime, is_open: frozenset[str]) -> Iterator[Ask]:
    over = {event_id: (venue, end) for event_id, venue, end in memory.listings.ended(view, view.instants[-1:])}
    for instrument in account.instruments:  # a holding is never left without an answer
        if instrument.event_id not in is_open:
            over.setdefault(instrument.event_id, (instrument.venue, micros(now)))
    if not over:
        return
    lately = frozenset(view.subjects(Kind.OUTCOMES, now - OUTCOME_EVERY + timedelta(microseconds=1)))
    finals = _finals(account)
    today = frozenset(view.subjects(Kind.OUTCOMES, now - CORRECTION_EVERY + timedelta(microseconds=1)))
    for event_id, (venue, end) in over.items():
        if event_id in lately or event_id in memory.finished or (event_id in finals and event_id in today):
            continue
        if _is_due(view, memory, event_id, end, now):
            yield Ask(Kind.OUTCOMES, event_id, source=venue)


def _finals(account: Account) -> frozenset[str]:
    return frozenset(event_id for event_id, known in account.outcomes.items() if known.settlement.finality is Finality.FINAL)


def _is_due(view: View, memory: PanelMemory, event_id: str, end: int, now: datetime) -> bool:
    stack = view.stack(Kind.OUTCOMES, event_id, instant(end) - ONE_DAY, failed=True)
    if not len(stack):
        return True
    finals = [
        int(at) for at, facts, error in zip(stack.received_at.tolist(), stack.facts, stack.error, strict=True)
        if error is None and facts["final"]
    ]  # fmt: skip
    asked = instant(int(np.max(stack.received_at)))
    if not finals:
        return now >= asked + OUTCOME_EVERY
    if now > instant(finals[0]) + CORRECTIONS_FOR:
        memory.finished.add(event_id)
        return False
    return now >= asked + CORRECTION_EVERY
