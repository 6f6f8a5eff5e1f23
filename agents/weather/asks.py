"""What the desk wants to know before a cycle: listings, books, reports, forecasts, outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

import numpy as np

from agents.weather.listed import Listed
from agents.weather.observations import metar_stack
from agents.weather.panel import PanelMemory
from core.days import ONE_DAY, local_day, standard_offset
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.record import Ask, Kind
from core.model.station import Station
from core.settings import Settings
from core.store.archive import View
from core.units import InstantArray, instant, micros

POLYMARKET = "polymarket"
# How Polymarket names a station's city in its slugs. FACTS I.2.
CITY_TOKENS: Mapping[str, str] = {
    "KLGA": "nyc", "KORD": "chicago", "KDAL": "dallas", "KBKF": "denver", "KHOU": "houston", "KAUS": "austin",
    "KATL": "atlanta", "KMIA": "miami", "KLAX": "los-angeles", "KSFO": "san-francisco", "KSEA": "seattle", "CYYZ": "toronto",
    "MMMX": "mexico-city", "MPMG": "panama-city", "SBGR": "sao-paulo", "SAEZ": "buenos-aires", "EGLC": "london",
    "LFPB": "paris", "LFPG": "paris", "LEMD": "madrid", "EHAM": "amsterdam", "EDDM": "munich", "LIMC": "milan",
    "EPWA": "warsaw", "EFHK": "helsinki", "UUWW": "moscow", "LTFM": "istanbul", "LTAC": "ankara", "LLBG": "tel-aviv",
    "OEJN": "jeddah", "FACT": "cape-town", "OPKC": "karachi", "OPMR": "karachi", "VILK": "lucknow", "RJTT": "tokyo",
    "RKSI": "seoul", "RKPK": "busan", "RCSS": "taipei", "46692": "taipei", "ZBAA": "beijing", "ZSPD": "shanghai",
    "ZGSZ": "shenzhen", "ZGGG": "guangzhou", "ZUUU": "chengdu", "ZUCK": "chongqing", "ZHHH": "wuhan", "ZSQD": "qingdao",
    "ZSJN": "jinan", "ZHCC": "zhengzhou", "HKO": "hong-kong", "VHHH": "hong-kong", "WSSS": "singapore", "WMKK": "kuala-lumpur",
    "RPLL": "manila", "NZWN": "wellington",
}  # fmt: skip
REPORTS_GAP = timedelta(hours=2, minutes=30)  # after which the usual look back of a request would leave a hole
OUTCOME_EVERY = timedelta(hours=1)  # until the venue's final word
CORRECTION_EVERY, CORRECTIONS_FOR = timedelta(hours=6), timedelta(days=3)  # after it
NO_REPORTS = frozenset({"46692", "HKO", "KNYC"})  # stations that send no METAR


def asks_of(
    stations: Sequence[Station], cycle: Cycle, account: Account, view: View, memory: PanelMemory, settings: Settings
) -> tuple[Ask, ...]:
    """Return the questions of a cycle.

    Books can be asked only of events that are known, so that those of a new one come with the next cycle.
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
        and each.start <= micros(_last_day(each.station, now, settings))
    ]
    return (
        *_listing_asks(chosen, mine, heard, now, settings),
        *_book_asks(mine, account),
        *(_report_ask(station, view, now, looks) for station in chosen if station.code not in NO_REPORTS),
        *(Ask(Kind.FORECAST, station.code) for station in chosen),
        *_outcome_asks(view, memory, account, now, frozenset(each.event.event_id for each in events if each.end > micros(now))),
    )


def _last_day(station: Station, now: datetime, settings: Settings) -> datetime:
    return now + (settings.lookahead_days + 2) * ONE_DAY


def _days(station: Station, now: datetime, settings: Settings) -> Iterator[date]:
    today = local_day(station.tz, now)
    for ahead in range(settings.lookahead_days + 1):
        yield today + ahead * ONE_DAY


def _listing_asks(
    stations: Sequence[Station], events: Sequence[Listed], heard: Mapping[str, int], now: datetime, settings: Settings
) -> Iterator[Ask]:
    """Yield one ask for each city: days without a listing now, all days when a listing has grown old."""
    oldest = micros(now - timedelta(minutes=settings.weather.discover_minutes))
    fresh = {
        (each.station.code, each.event.event_day)
        for each in events
        if each.event.venue == POLYMARKET and heard[each.event.event_id] > oldest
    }
    wanted: dict[str, list[date]] = {}
    for station in stations:
        token = CITY_TOKENS.get(station.code)
        if token is not None:
            days = [day for day in _days(station, now, settings) if (station.code, day) not in fresh]
            wanted.setdefault(token, []).extend(day for day in days if day not in wanted.get(token, ()))
    for token, days in wanted.items():
        if days:
            yield Ask(Kind.EVENTS, token, days=tuple(sorted(days)), source=POLYMARKET)


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


def _report_ask(station: Station, view: View, now: datetime, looks: InstantArray) -> Ask:
    stack = metar_stack(view, station.code, looks)
    if len(stack) and int(stack.received_at[-1]) > micros(now - REPORTS_GAP):
        return Ask(Kind.METAR, station.code)
    # The settlement day may begin by the clock or by standard time: the earlier one.
    standard = (now + standard_offset(station.tz, now.year)).date()
    return Ask(Kind.METAR, station.code, days=(min(local_day(station.tz, now), standard),))


def _outcome_asks(view: View, memory: PanelMemory, account: Account, now: datetime, is_open: frozenset[str]) -> Iterator[Ask]:
    over = {event_id: (venue, end) for event_id, venue, end in memory.listings.ended(view, view.instants[-1:])}
    for instrument in account.instruments:  # a holding is never left without an answer
        if instrument.event_id not in is_open:
            over.setdefault(instrument.event_id, (instrument.venue, micros(now)))
    for event_id, (venue, end) in over.items():
        if event_id not in memory.finished and _is_due(view, memory, event_id, end, now):
            yield Ask(Kind.OUTCOMES, event_id, source=venue)


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
