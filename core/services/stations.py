"""Every station at one look: where it is, what is open there, what is held, and why the rest is left alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np

from core.model.station import Station
from core.registry import load_series
from core.services.curves import degrees
from core.services.edges import Edge, EdgeService, Outlook
from core.services.positions import EventPosition, PositionService
from core.services.reports import Report, reports_of
from core.services.shelves import Shelves
from core.services.trades import Booked, TradeService
from core.units import Unit

SOURCE = "evaluations, journal, archive: METAR and books"
KEPT_AFTER = timedelta(hours=24)  # how long a settled event keeps its card after its day
NOTHING = Decimal(0)

# What can be said of an event, the first that holds.
STATES: Mapping[str, str] = {
    "settled": "the venue has said how it ended",
    "day over": "its day is over, the venue's word is awaited",
    "not traded": "something forbids it",
    "held": "a position is open",
    "watched": "priced each cycle, nothing is held",
}
ENDED = ("day over", "settled")
# Words about brackets that the desk trades, though this cycle sent nothing: they are not skipped.
TRADED = ("as_wanted", "on_target", "deciding", "earned_size")


@dataclass(frozen=True, slots=True)
class StationCard:
    """One event of a station; temperatures in `unit`."""

    event_id: str
    station_code: str
    city: str
    venue: str
    event_day: date
    extreme: str
    unit: str
    region: str
    state: str  # of STATES
    why: str  # what forbids it; "" otherwise
    forecast: float | None
    metar: float | None
    metar_at: datetime | None
    metar_age_seconds: float | None
    floor: float | None  # settlement reading observed so far
    best_edge: float | None
    best_side: str
    best_bracket: str
    regime: str
    held: tuple[str, ...]  # "YES 79-80°F × 40"
    at_risk_usd: Decimal
    pnl_usd: Decimal | None  # booked less fees, and what the books take now of what is open; None without a book
    age_seconds: float  # of the evaluation
    window_start: datetime
    window_end: datetime


@dataclass(frozen=True, slots=True)
class StationCards:
    """`total` cards match the filters; the lists of choices are of all."""

    as_of: datetime
    source: str
    n: int
    total: int
    cards: tuple[StationCard, ...]
    venues: tuple[str, ...]
    days: tuple[date, ...]
    regions: tuple[str, ...]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class StationRow:
    """One station and the sum of its open events."""

    station_code: str
    name: str
    city: str
    country: str
    latitude: float
    longitude: float
    elevation_metres: float
    tz: str
    region: str
    report_minutes: tuple[int, ...]
    report_precision: str
    venues: tuple[str, ...]
    open_events: int
    held_events: int
    at_risk_usd: Decimal
    pnl_usd: Decimal | None
    best_edge: float | None
    metar_c: float | None
    metar_at: datetime | None
    metar_age_seconds: float | None


@dataclass(frozen=True, slots=True)
class StationRows:
    as_of: datetime
    source: str
    n: int
    total: int
    limit: int
    offset: int
    stations: tuple[StationRow, ...]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """Under which name a venue lists the station's events."""

    venue: str
    extreme: str
    series: str
    evidence: str
    grade: str


@dataclass(frozen=True, slots=True)
class StationDetail:
    as_of: datetime
    source: str
    n: int  # events
    station: StationRow
    events: tuple[StationCard, ...]
    listings: tuple[Listing, ...]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Brackets of one event that are left alone for one reason, or the whole event."""

    station_code: str
    city: str
    venue: str
    event_day: date
    extreme: str
    event_id: str
    reason: str
    sentence: str
    brackets: int  # 0: the whole event
    best_edge: float | None  # among them
    best_bracket: str


@dataclass(frozen=True, slots=True)
class SkippedRows:
    as_of: datetime
    source: str
    n: int
    rows: tuple[Skipped, ...]
    missing: str = ""


class StationService:
    """Answers from the newest evaluation of each event, the account, and the newest METAR of each station."""

    def __init__(self, shelves: Shelves, reasons: Mapping[str, str]) -> None:
        self._shelves, self._reasons = shelves, reasons
        self._edges, self._positions = EdgeService(shelves), PositionService(shelves)
        self._trades = TradeService(shelves)

    def cards(
        self, *, station_code: str | None = None, venue: str | None = None, event_day: date | None = None,
        extreme: str | None = None, region: str | None = None, state: str | None = None,
    ) -> StationCards:  # fmt: skip
        """Return one card per event that is not settled for long, what is open first, then by day and city."""
        now = self._shelves.present().now
        everything = self.every_card(now)
        wanted = {
            "station_code": station_code, "venue": venue, "event_day": event_day, "extreme": extreme, "region": region,
            "state": state,
        }  # fmt: skip
        cards = tuple(
            card for card in everything if all(value in (None, getattr(card, name)) for name, value in wanted.items())
        )
        return StationCards(
            now, SOURCE, len(everything), len(cards), cards, tuple(sorted({card.venue for card in everything})),
            tuple(sorted({card.event_day for card in everything})), tuple(sorted({card.region for card in everything})),
            self._shelves.missing(),
        )  # fmt: skip

    def stations(
        self, *, venue: str | None = None, region: str | None = None, limit: int = 100, offset: int = 0
    ) -> StationRows:  # fmt: skip
        """Return each station that has a card, by code."""
        self._shelves.check_venue(venue)
        now = self._shelves.present().now
        rows = [
            row
            for row in self._rows(self.every_card(now), now)
            if (venue is None or venue in row.venues) and region in (None, row.region)
        ]
        page = tuple(rows[offset : offset + limit])
        return StationRows(now, SOURCE, len(rows), len(rows), limit, offset, page, self._shelves.missing())

    def marks(self, cards: Sequence[StationCard], as_of: datetime | None = None) -> tuple[StationRow, ...]:
        """Return the stations of some cards, with the sums of these cards alone: a map shows what its filters let through."""
        return tuple(self._rows(cards, as_of or self._shelves.present().now))

    def station(self, code: str) -> StationDetail:
        """Return one station of the registry with its events; UnknownIdError when there is none of that code."""
        self._shelves.check_station(code)
        station, now = self._shelves.stations()[code], self._shelves.present().now
        cards = tuple(card for card in self.every_card(now) if card.station_code == code)
        row = next(self._rows(cards, now), None) or self._row(station, (), now)
        listings = tuple(
            Listing(one.venue, str(one.extreme), one.series, one.evidence, str(one.grade))
            for one in load_series()
            if one.station == code and one.valid_from <= now.date() <= one.valid_until
        )
        return StationDetail(now, SOURCE, len(cards), row, cards, listings, self._shelves.missing())

    def skipped(self, event_ids: Iterable[str] | None = None) -> SkippedRows:
        """Return what is left alone in the newest evaluation of each open event, and why; most brackets first."""
        now, wanted = self._shelves.present().now, None if event_ids is None else set(event_ids)
        outlooks = [one for one in self._edges.events().outlooks if one.window_end > now]
        rows = [self._refused(one) for one in outlooks if one.refusal and (wanted is None or one.event_id in wanted)]
        groups: dict[tuple[str, str], list[Edge]] = {}
        for edge in self._edges.current(limit=1_000_000).edges:
            if edge.decision == "skip" and edge.reason not in TRADED and (wanted is None or edge.event_id in wanted):
                groups.setdefault((edge.event_id, edge.reason), []).append(edge)
        rows += [self._left(edges) for edges in groups.values()]
        rows.sort(key=lambda row: (row.event_day, row.city, row.extreme, row.venue, -row.brackets))
        return SkippedRows(now, SOURCE, len(rows), tuple(rows), self._shelves.missing())

    def every_card(self, as_of: datetime | None = None) -> tuple[StationCard, ...]:
        """Return every card, all ages at one instant; the parts that do not age are read once for each version of the journal."""
        now = as_of or self._shelves.present().now
        recent = self._edges.events(only_open=False, since=(now - KEPT_AFTER - timedelta(days=2)).date()).outlooks
        outlooks = [one for one in recent if one.open or one.window_end + KEPT_AFTER > now]
        positions = {one.event_id: one for one in self._open_positions()}
        booked = self._trades.booked(frozenset(one.event_id for one in outlooks))
        reports = reports_of(self._shelves, {one.station_code for one in outlooks}, now)
        finals = self._finals()
        cards = (
            self._card(one, positions.get(one.event_id), booked.get(one.event_id), reports.get(one.station_code), finals, now)
            for one in outlooks
        )
        return tuple(sorted(cards, key=lambda card: card.state in ENDED))  # by day and city among the others

    def _open_positions(self) -> tuple[EventPosition, ...]:
        journal = self._shelves.journal()
        return journal.keep("portfolio", lambda: self._positions.portfolio().events) if journal else ()

    def _finals(self) -> frozenset[str]:
        journal = self._shelves.journal()
        return frozenset(journal.finals()) if journal else frozenset()

    def _card(
        self, outlook: Outlook, position: EventPosition | None, booked: Booked | None, report: Report | None,
        finals: frozenset[str], now: datetime,
    ) -> StationCard:  # fmt: skip
        station = self._shelves.stations().get(outlook.station_code)
        held = tuple(f"{one.side} {one.bracket} × {one.shares.normalize():f}" for one in position.holdings) if position else ()
        return StationCard(
            event_id=outlook.event_id, station_code=outlook.station_code, city=outlook.city, venue=outlook.venue,
            event_day=outlook.event_day, extreme=outlook.extreme, unit=outlook.unit, region=station.region if station else "",
            state=_state(outlook, held, finals, now), why=outlook.refusal, forecast=outlook.forecast,
            metar=_in_unit(report, outlook.unit), metar_at=report.at if report else None,
            metar_age_seconds=report.age_seconds if report else None, floor=outlook.floor, best_edge=outlook.best_edge,
            best_side=outlook.best_side, best_bracket=outlook.best_bracket, regime=outlook.regime, held=held,
            at_risk_usd=max(NOTHING, -position.worst_usd) if position else NOTHING, pnl_usd=_pnl(position, booked),
            age_seconds=max(0.0, (now - outlook.decided_at).total_seconds()), window_start=outlook.window_start,
            window_end=outlook.window_end,
        )  # fmt: skip

    def _rows(self, cards: Sequence[StationCard], now: datetime) -> Iterator[StationRow]:
        groups: dict[str, list[StationCard]] = {}
        for card in cards:
            groups.setdefault(card.station_code, []).append(card)
        stations = self._shelves.stations()
        for code in sorted(groups):
            if code in stations:
                yield self._row(stations[code], groups[code], now)

    def _row(self, station: Station, cards: Sequence[StationCard], now: datetime) -> StationRow:
        report = reports_of(self._shelves, (station.code,), now).get(station.code)
        pnl = [card.pnl_usd for card in cards]
        edges = [card.best_edge for card in cards if card.best_edge is not None]
        return StationRow(
            station_code=station.code, name=station.name, city=station.city, country=station.country,
            latitude=station.latitude, longitude=station.longitude, elevation_metres=station.elevation_metres, tz=station.tz,
            region=station.region, report_minutes=station.report_minutes, report_precision=str(station.report_precision),
            venues=tuple(sorted({card.venue for card in cards})),
            open_events=sum(card.state not in ENDED for card in cards),
            held_events=sum(bool(card.held) for card in cards),
            at_risk_usd=sum((card.at_risk_usd for card in cards), NOTHING),
            pnl_usd=None if None in pnl else sum((one for one in pnl if one is not None), NOTHING),
            best_edge=max(edges, default=None), metar_c=report.celsius if report else None,
            metar_at=report.at if report else None, metar_age_seconds=report.age_seconds if report else None,
        )  # fmt: skip

    def _refused(self, outlook: Outlook) -> Skipped:
        sentence = self._reasons.get(outlook.refusal, outlook.refusal)
        return Skipped(
            outlook.station_code, outlook.city, outlook.venue, outlook.event_day, outlook.extreme, outlook.event_id,
            outlook.refusal, sentence, 0, outlook.best_edge, outlook.best_bracket,
        )  # fmt: skip

    def _left(self, edges: Sequence[Edge]) -> Skipped:
        first = edges[0]
        best = max(edges, key=lambda one: -1.0 if one.edge is None else one.edge)
        return Skipped(
            first.station_code, first.city, first.venue, first.event_day, first.extreme, first.event_id, first.reason,
            self._reasons.get(first.reason, ""), len(edges), best.edge, best.bracket,
        )  # fmt: skip


def _state(outlook: Outlook, held: Sequence[str], finals: frozenset[str], now: datetime) -> str:
    if outlook.event_id in finals:
        return "settled"
    if outlook.window_end <= now:
        return "day over"
    if outlook.refusal:
        return "not traded"
    return "held" if held else "watched"


def _pnl(position: EventPosition | None, booked: Booked | None) -> Decimal | None:
    """Return what an event has brought so far: booked less fees, and what the books would take of what is open."""
    holdings = position.holdings if position else ()
    if any(one.bid_at is None for one in holdings):
        return None
    opened = sum((one.sellable_usd - one.cost_usd for one in holdings), NOTHING)
    return opened + (booked.realized_usd - booked.fees_usd if booked else NOTHING)


def _in_unit(report: Report | None, unit: str) -> float | None:
    return None if report is None else round(float(degrees(np.array(report.celsius), Unit(unit))), 2)
