"""What the desk believes now: every bracket of the newest evaluation, skips included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from core.days import window_of
from core.errors import StoreError, UnknownIdError
from core.model.rule import DayWindow
from core.model.station import Station
from core.services.shelves import Shelves
from core.services.values import day, in_fahrenheit, moment, number, pct, usd, whole
from core.units import MICRO

SOURCE = "evaluations of the weather desk, decisions of the journal"
ON_TARGET, DECIDING = "on_target", "deciding"
NOT_SETTLED_FOR = timedelta(hours=48)  # an event without the venue's word stays on the pages this long after its window


@dataclass(frozen=True, slots=True)
class Edge:
    """One bracket of one event. Floats that do not exist are None, never NaN.

    `side` is the better side ("" when neither can be bought); `p_*` are probabilities of the bracket (YES); `executable_price`
    and `edge` are of `side`, fees included. `decision` is "trade" when the newest ruling of this cycle ordered, else "skip".
    """

    station_code: str
    city: str
    venue: str
    event_id: str
    event_day: date
    extreme: str  # "high" or "low"
    bracket: str  # label as the venue prints it
    rank: int  # 0 is the coldest
    lower: int | None  # settlement integers in `unit`, both included; None: open tail
    upper: int | None
    lower_f: float | None
    upper_f: float | None
    unit: str  # "F" or "C"
    market_id: str
    token_id: str  # of `side`; of YES when there is none
    side: str  # "YES", "NO" or ""
    p_model: float | None
    p_pooled: float | None
    p_market: float | None
    yes_bid: float | None
    yes_ask: float | None
    no_bid: float | None
    no_ask: float | None
    executable_price: float | None
    edge: float | None
    edge_pct: float | None
    edge_yes: float | None
    edge_no: float | None
    depth_shares: float | None  # of `side`, within its limit price
    f_kelly: float | None
    size_usd: Decimal  # ordered in this cycle, 0 for a skip
    decision: str  # "trade" or "skip"
    reason: str
    decision_time_utc: datetime
    age_seconds: float
    held_yes: Decimal  # shares held now
    held_no: Decimal
    target_yes: Decimal | None = None  # shares wanted after all limits; None: this cycle ruled nothing about it
    target_no: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Edges:
    """`total` rows match the filters; `edges` is the page of them, largest edge first."""

    as_of: datetime
    source: str
    n: int
    total: int
    limit: int
    offset: int
    edges: tuple[Edge, ...]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Ladder:
    """All brackets of one event from cold to warm, with the outlook they were priced from."""

    as_of: datetime
    source: str
    n: int
    event_id: str
    outlook: Outlook | None
    rungs: tuple[Edge, ...]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What was believed of one event at its newest cycle; temperatures in `unit`."""

    event_id: str
    venue: str
    station_code: str
    city: str
    event_day: date
    extreme: str
    unit: str
    title: str
    regime: str
    mean: float | None
    sd: float | None
    forecast: float | None
    floor: float | None  # extreme observed so far, as a settlement reading
    observed_at: datetime | None
    p_no_more: float | None
    window_start: datetime
    window_end: datetime
    closes_at: datetime | None
    forecast_received_at: datetime | None
    forecast_first_at: datetime | None
    book_received_at: datetime | None
    metar_received_at: datetime | None
    rule_sha: str
    rule_grade: str
    sources: tuple[str, ...]
    n_residuals: int
    pool_weight: float | None
    refusal: str  # why nothing is traded in it; "" otherwise
    decided_at: datetime  # the cycle
    best_edge: float | None
    best_bracket: str
    best_side: str
    n_brackets: int
    open: bool  # its settlement is not over: the window has not ended or the venue has not spoken
    winner_market_id: str = ""  # by the newest word about how it ended; "" before there is one
    final: bool = False  # that word is the venue's; else it is ours, from METAR


@dataclass(frozen=True, slots=True)
class Outlooks:
    """The events a person can pick, by event day, then city."""

    as_of: datetime
    source: str
    n: int
    outlooks: tuple[Outlook, ...]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class _Words:
    """What was said of how events ended, by event id: the venue's words, and ours from METAR."""

    finals: Mapping[str, Mapping[str, Any]]
    provisionals: Mapping[str, Mapping[str, Any]]

    def of(self, event_id: str) -> tuple[str, bool]:
        """Return the market that won, "" before there is a word, and whether the venue said so."""
        word = self.finals.get(event_id) or self.provisionals.get(event_id)
        return str(word["winner"]) if word else "", event_id in self.finals


class EdgeService:
    """Answers from the evaluation store, joined with the journal's decisions of the same cycle."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def current(
        self, *, station_code: str | None = None, event_day: date | None = None, venue: str | None = None,
        limit: int = 200, offset: int = 0,
    ) -> Edges:  # fmt: skip
        """Return the brackets of every open event's newest evaluation, largest edge first."""
        self._shelves.check_station(station_code)
        self._shelves.check_venue(venue)
        now = self._shelves.present().now
        wanted = [
            outlook
            for outlook in self.events().outlooks
            if outlook.window_end > now
            and station_code in (None, outlook.station_code)
            and event_day in (None, outlook.event_day)
            and venue in (None, outlook.venue)
        ]
        rows = sorted(self._edges(wanted, now), key=lambda row: (row.edge is None, -(row.edge or 0.0), row.event_id, row.rank))
        return Edges(
            now, SOURCE, len(rows), len(rows), limit, offset, tuple(rows[offset : offset + limit]), self._shelves.missing()
        )

    def ladder(self, event_id: str) -> Ladder:
        """Return one event's brackets; UnknownIdError when it was never evaluated."""
        now = self._shelves.present().now
        outlook = self.event(event_id)
        rungs = sorted(self._edges([outlook], now), key=lambda row: row.rank)
        return Ladder(now, SOURCE, len(rungs), event_id, outlook, tuple(rungs))

    def events(self, *, only_open: bool = True, since: date | None = None) -> Outlooks:
        """Return the newest outlook of each event (from an event day on): picker, station cards."""
        now, believed = self._shelves.present().now, self._shelves.believed()
        if believed is None:
            return Outlooks(now, SOURCE, 0, (), self._shelves.missing())
        first = (now - NOT_SETTLED_FOR - timedelta(days=2)).date() if only_open else since
        words = self._words()
        found = (self._outlook(row, believed.brackets(row["event_id"]), words, now) for row in believed.outlooks(first))
        kept = [outlook for outlook in found if outlook.open or not only_open]
        kept.sort(key=lambda one: (one.event_day, one.city, one.extreme, one.venue, one.event_id))
        return Outlooks(now, SOURCE, len(kept), tuple(kept))

    def event(self, event_id: str) -> Outlook:
        """Return the newest outlook of one event; UnknownIdError when it was never evaluated."""
        believed = self._shelves.believed()
        row = believed.outlook(event_id) if believed else None
        if believed is None or row is None:
            raise UnknownIdError(f"event {event_id[:80]!r} was never evaluated here")
        return self._outlook(row, believed.brackets(event_id), self._words(), self._shelves.present().now)

    def _outlook(self, row: Mapping[str, Any], brackets: Sequence[Mapping[str, Any]], words: _Words, now: datetime) -> Outlook:
        return _outlook(row, window_of_row(row, self._shelves.stations()), words.of(row["event_id"]), now, brackets)

    def _words(self) -> _Words:
        journal = self._shelves.journal()
        return _Words(journal.finals(), journal.provisionals()) if journal else _Words({}, {})

    def _ruled_until(self) -> datetime | None:
        """Return the newest cycle whose decisions are written; what was evaluated after it is not decided yet."""
        journal = self._shelves.journal()
        newest = journal.newest_cycle() if journal else None
        return newest.cycle.scheduled_at if newest else None

    def _edges(self, outlooks: Sequence[Outlook], now: datetime) -> Iterable[Edge]:
        # Until when is asked first: a cycle that is written meanwhile says "deciding" once more, never "on target" too early.
        until, believed, held = self._ruled_until(), self._shelves.believed(), self._shelves.held()
        ruled = {at: self._shelves.rulings(at) for at in {outlook.decided_at for outlook in outlooks}}
        for outlook in outlooks if believed else ():
            rulings = ruled[outlook.decided_at].get(outlook.event_id, {})
            decided = until is not None and outlook.decided_at <= until
            for row in believed.brackets(outlook.event_id) if believed else ():
                yield _edge(row, outlook, rulings, held, now, decided=decided)


def window_of_row(row: Mapping[str, Any], stations: Mapping[str, Station]) -> tuple[datetime, datetime]:
    """Return the settlement window of an outlook; the civil day of its station where the rule was not understood."""
    start, end, event_day = moment(row["window_start"]), moment(row["window_end"]), day(row["event_day"])
    if start is not None and end is not None:
        return start, end
    if event_day is None:
        raise StoreError(f"evaluations: {row['event_id']} has neither settlement window nor event day; run the engine again")
    station = stations.get(row["station"])
    return window_of(DayWindow.CIVIL, station.tz if station else "UTC", event_day)


def _outlook(
    row: Mapping[str, Any], window: tuple[datetime, datetime], ended: tuple[str, bool], now: datetime,
    brackets: Sequence[Mapping[str, Any]],
) -> Outlook:  # fmt: skip
    priced = [one for one in brackets if number(one["edge"]) is not None]
    best = max(priced, key=lambda one: float(one["edge"]), default=None)
    (window_start, window_end), event_day = window, day(row["event_day"]) or window[0].date()
    winner, final = ended
    return Outlook(
        event_id=row["event_id"], venue=row["venue"], station_code=row["station"], city=row["city"], event_day=event_day,
        extreme=row["extreme"], unit=row["unit"], title=row["title"], regime=row["regime"], mean=number(row["mean"]),
        sd=number(row["sd"]), forecast=number(row["forecast"]), floor=number(row["floor"]),
        observed_at=moment(row["observed_at"]), p_no_more=number(row["p_no_more"]),
        window_start=window_start, window_end=window_end, closes_at=moment(row["closes_at"]),
        forecast_received_at=moment(row["forecast_received_at"]), forecast_first_at=moment(row["forecast_first_at"]),
        book_received_at=moment(row["book_received_at"]), metar_received_at=moment(row["metar_received_at"]),
        rule_sha=row["rule_sha"], rule_grade=row["rule_grade"], sources=names_of(row["sources"]),
        n_residuals=whole(row["n_residuals"]) or 0, pool_weight=number(row["pool_weight"]), refusal=row["refusal"] or "",
        decided_at=moment(row["scheduled_at"]) or now, best_edge=number(best["edge"]) if best else None,
        best_bracket=best["label"] if best else "", best_side=best["side"] if best else "", n_brackets=len(brackets),
        open=not final and window_end + NOT_SETTLED_FOR > now, winner_market_id=winner, final=final,
    )  # fmt: skip


def _edge(
    row: Mapping[str, Any], outlook: Outlook, rulings: Mapping[str, Mapping[str, Any]], held: Mapping[str, int], now: datetime,
    *, decided: bool,
) -> Edge:  # fmt: skip
    side, unit = row["side"] or "", outlook.unit
    price = number(row["yes_price" if side == "YES" else "no_price"]) if side else None
    ruled = [rulings[token] for token in (row["yes"], row["no"]) if token in rulings]
    ruling = max(ruled, key=lambda one: abs(one["order_micro"]), default=None)
    ordered = ruling is not None and ruling["order_micro"] != 0
    lower, upper, edge = whole(row["lower"]), whole(row["upper"]), number(row["edge"])
    return Edge(
        station_code=outlook.station_code, city=outlook.city, venue=outlook.venue, event_id=outlook.event_id,
        event_day=outlook.event_day, extreme=outlook.extreme, bracket=row["label"], rank=int(row["bracket"]), lower=lower,
        upper=upper, lower_f=in_fahrenheit(lower, unit), upper_f=in_fahrenheit(upper, unit), unit=unit,
        market_id=row["market_id"], token_id=row["no"] if side == "NO" else row["yes"], side=side,
        p_model=number(row["p_model"]), p_pooled=number(row["p_pooled"]), p_market=number(row["p_market"]),
        yes_bid=number(row["yes_bid"]), yes_ask=number(row["yes_ask"]), no_bid=number(row["no_bid"]),
        no_ask=number(row["no_ask"]), executable_price=None if price is None else round(price, 6), edge=edge, edge_pct=pct(edge),
        edge_yes=number(row["edge_yes"]), edge_no=number(row["edge_no"]),
        depth_shares=_depth(row, side),
        f_kelly=number(row["fraction_yes" if side == "YES" else "fraction_no"]) if side else None,
        size_usd=usd(abs(ruling["order_micro"]) * ruling["price_micro"] // MICRO) if ruling and ordered else Decimal(0),
        decision="trade" if ordered else "skip", reason=ruling["reason_code"] if ruling else _unruled(row, decided=decided),
        decision_time_utc=outlook.decided_at, age_seconds=max(0.0, (now - outlook.decided_at).total_seconds()),
        held_yes=usd(held.get(row["yes"], 0)), held_no=usd(held.get(row["no"], 0)),
        target_yes=_target(rulings.get(row["yes"])), target_no=_target(rulings.get(row["no"])),
    )  # fmt: skip


def _depth(row: Mapping[str, Any], side: str) -> float | None:
    depth = number(row["yes_depth" if side == "YES" else "no_depth"]) if side else None
    return None if depth is None else round(depth, 6)


def _target(ruling: Mapping[str, Any] | None) -> Decimal | None:
    return None if ruling is None else usd(ruling["allowed_micro"])


def _unruled(row: Mapping[str, Any], *, decided: bool) -> str:
    """Return why there is no ruling: where the desk would trade, it holds what it wants, once the cycle is decided."""
    if row["decision"] != "trade":
        return str(row["reason"])
    return ON_TARGET if decided else DECIDING


def names_of(text: Any) -> tuple[str, ...]:
    """Return the names in a stored JSON list, or in the keys of a stored JSON object."""
    try:
        found = orjson.loads(text) if isinstance(text, str) else text
    except orjson.JSONDecodeError:
        found = [text]
    return tuple(str(name) for name in found or ())
