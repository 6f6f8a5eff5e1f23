"""Ended events as one would have met them: the listing at its opening, prices as they were shown, the outcome at the close."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np

from core.errors import SourceError, SourceRefusedError, WireError
from core.model.record import Ask, Kind, Record
from core.units import MICRO, Columns, instant, micros
from venues.http import Http
from venues.numbers import decimal_of
from venues.polymarket.gamma import event_day_of, is_open, markets_of, parse_event, tokens_of
from venues.polymarket.listings import SOURCE, Found, Listings, Wanted
from venues.polymarket.outcomes import parse_outcome
from venues.records import failed
from venues.sanity import future_fault, instant_of, price_fault, quarantine, ticks_of
from venues.spans import joined, json_value

DECODER = 1
HEARD_AFTER, SHOWN_AFTER = timedelta(minutes=2), timedelta(seconds=5)  # of a listing, of a price
CHUNK = timedelta(days=14)  # longer spans of fine points are refused
TOKENS = 20  # of one request for several histories
FIDELITY, FINE_FIDELITY, FINE_FOR = 60, 10, timedelta(days=3)  # minutes; fine points are kept for a short while only
TOGETHER = 60  # seconds within which points of an event are one record, known when the last of them is
# What a listing says at its opening; all else comes later, the end above all.
_OF_EVENTS = (
    "id", "ticker", "slug", "title", "description", "resolutionSource", "startDate", "creationDate", "endDate", "eventDate",
    "negRisk", "enableNegRisk", "negRiskAugmented", "negRiskFeeBips", "negRiskMarketID", "seriesSlug",
)  # fmt: skip
_OF_MARKETS = (
    "id", "question", "conditionId", "questionID", "slug", "description", "resolutionSource", "groupItemTitle",
    "groupItemThreshold", "outcomes", "clobTokenIds", "orderMinSize", "acceptingOrdersTimestamp", "gameStartTime",
    "startDate", "negRisk", "feesEnabled", "feeType", "feeSchedule",
)  # fmt: skip
_ALIVE = {"active": True, "closed": False, "archived": False}


class Past:
    """Settled history of the venue, politely: one chunk of a token's prices at a time."""

    def __init__(self, listings: Listings, clob: Http, clob_base: str) -> None:
        self._listings, self._clob, self._base = listings, clob, clob_base
        self._takes_several = True

    def past(self, ask: Ask, now: datetime) -> Iterator[Record]:
        """Yield listing, shown prices and outcome of each event of a series and some days, event by event."""
        wanted = [Wanted(ask.subject, day) for day in ask.days]
        found, failures = self._listings.find(wanted, closed="true")
        known = {listing.wanted for listing in found}
        still_open, more = self._listings.find([each for each in wanted if each not in known])
        yield from _once_each([*failures, *more])
        for listing in sorted([*found, *still_open], key=lambda listing: listing.wanted.day):
            try:
                yield from self._of_event(listing, now)
            except WireError as error:
                yield failed(SOURCE, Kind.EVENTS, ask.subject, listing.received_at, error, joined([listing.raw]))

    def _of_event(self, listing: Found, now: datetime) -> Iterator[Record]:
        event = listing.event
        opened, closed = opening_of(event), closing_of(event)
        if opened is None or opened + HEARD_AFTER > now:
            raise WireError(f"polymarket /events: {event.get('slug')} does not say when it opened; it is left out")
        yield self._listing(event, opened)
        until = now if is_open(event) else min(closed, now)
        try:
            yield from self._prices(event, opened, until, now)
        except SourceError as error:
            yield failed(SOURCE, Kind.PRINTS, str(event.get("slug")), until, error)
        if not is_open(event) and closed <= now:
            yield parse_outcome(event, joined([listing.raw]), closed, self._listings.clob_verdicts(event))

    def _listing(self, event: Mapping[str, Any], opened: datetime) -> Record:
        then = opening_view(event)
        raw = joined([json.dumps(then, separators=(",", ":"), ensure_ascii=False).encode()])
        record = parse_event(then, raw, opened + HEARD_AFTER, self._listings.words)
        return Record(
            record.source, record.kind, record.subject, record.received_at, None, raw, record.rows,
            {**record.facts, "backfilled": True}, decoder=record.decoder,
        )  # fmt: skip

    def _prices(self, event: Mapping[str, Any], opened: datetime, until: datetime, now: datetime) -> Iterator[Record]:
        market_of = {tokens_of(market)[0]: str(market.get("id") or "") for market in markets_of(event)}
        fine = now - until < FINE_FOR
        points: list[tuple[int, str, float]] = []
        start = opened
        while start < until:
            end = min(start + CHUNK, until)
            for token, listed in self._histories(list(market_of), start, end, fine).items():
                points += [(at, market_of[token], price) for at, price in listed]
            start = end
        yield from point_records(str(event.get("slug")), points, now)

    def _histories(
        self, tokens: Sequence[str], start: datetime, end: datetime, fine: bool
    ) -> Mapping[str, Sequence[tuple[int, float]]]:
        for fidelity in (FINE_FIDELITY, FIDELITY) if fine else (FIDELITY,):
            try:
                found = self._asked(tokens, start, end, fidelity)
            except SourceRefusedError:
                if fidelity == FIDELITY:
                    raise WireError(f"polymarket /prices-history: {start} to {end} is refused; it is left out") from None
                continue
            if any(found.values()) or fidelity == FIDELITY:
                return found
        return {}

    def _asked(
        self, tokens: Sequence[str], start: datetime, end: datetime, fidelity: int
    ) -> Mapping[str, Sequence[tuple[int, float]]]:
        if self._takes_several:
            try:
                return self._several(tokens, start, end, fidelity)
            except (SourceRefusedError, WireError):
                pass  # an old or a simpler server, or too long a span: one token a request will tell
        query = {"startTs": _seconds(start), "endTs": _seconds(end), "fidelity": str(fidelity)}
        answers = self._clob.get_all(f"{self._base}/prices-history", [{"market": token, **query} for token in tokens])
        for answer in answers:
            if answer.error is not None:
                raise answer.error
        found = {token: history_of(answer.content) for token, answer in zip(tokens, answers, strict=True)}
        self._takes_several = False
        return found

    def _several(
        self, tokens: Sequence[str], start: datetime, end: datetime, fidelity: int
    ) -> Mapping[str, Sequence[tuple[int, float]]]:
        found: dict[str, Sequence[tuple[int, float]]] = {}
        for i in range(0, len(tokens), TOKENS):
            body = {
                "markets": list(tokens[i : i + TOKENS]), "start_ts": int(start.timestamp()), "end_ts": int(end.timestamp()),
                "fidelity": fidelity,
            }  # fmt: skip
            answer = self._clob.post(f"{self._base}/batch-prices-history", body)
            if answer.error is not None:
                raise answer.error
            found |= histories_of(answer.content, body["markets"])  # type: ignore[arg-type]
        return found


def opening_of(event: Mapping[str, Any]) -> datetime | None:
    """Return when orders were first accepted in all of an event's markets."""
    ats = [instant_of(market.get("acceptingOrdersTimestamp") or market.get("startDate")) for market in markets_of(event)]
    known = [at for at in (*ats, instant_of(event.get("startDate"))) if at is not None]
    return max(known, default=None)


def closing_of(event: Mapping[str, Any]) -> datetime:
    """Return when an ended event's outcome was known; where it does not say, the second morning after its day."""
    ats = [instant_of(listed.get("closedTime") or listed.get("umaEndDate")) for listed in (event, *markets_of(event))]
    known = [at for at in ats if at is not None]
    return max(known) if known else datetime.combine(event_day_of(event) + timedelta(days=2), time(12), UTC)


def opening_view(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event as it was listed at first, without what came later."""
    markets = [
        {**{name: market[name] for name in _OF_MARKETS if name in market}, **_ALIVE, "acceptingOrders": True}
        for market in markets_of(event)
    ]
    return {**{name: event[name] for name in _OF_EVENTS if name in event}, **_ALIVE, "markets": markets}


def history_of(raw: bytes) -> list[tuple[int, float]]:
    """Return the points (second, price) of a `/prices-history` answer."""
    try:
        return _points(json_value(raw)["history"])
    except (ValueError, KeyError, TypeError) as error:
        raise WireError(f"polymarket /prices-history: unexpected shape ({error!r}); it is left out") from error


def histories_of(raw: bytes, tokens: Sequence[str]) -> dict[str, Sequence[tuple[int, float]]]:
    """Return the points of each token of a `/batch-prices-history` answer."""
    try:
        history = json_value(raw)["history"]
        return {token: _points(history.get(token) or []) for token in tokens}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WireError(f"polymarket /batch-prices-history: unexpected shape ({error!r}); it is left out") from error


def point_records(event_id: str, points: Sequence[tuple[int, str, float]], now: datetime) -> Iterator[Record]:
    """Yield shown prices (second, market id, price of YES) as prints of no size, one record per minute or so."""
    group: list[tuple[int, str, float]] = []
    for point in sorted(points):
        if group and point[0] - group[0][0] >= TOGETHER:
            yield _point_record(event_id, group, now)
            group = []
        group.append(point)
    if group:
        yield _point_record(event_id, group, now)


def _point_record(event_id: str, group: Sequence[tuple[int, str, float]], now: datetime) -> Record:
    kept: list[tuple[int, str, int]] = []
    faults = []
    for second, market_id, price in group:
        shown = int((Decimal(str(price)) * MICRO).quantize(Decimal(1), ROUND_HALF_UP)) if abs(price) < MICRO else -1
        fault = price_fault(shown) or future_fault(instant(second * MICRO), now)
        if fault:
            faults.append(f"{market_id} at {second}: {fault}")
        else:
            kept.append((second, market_id, shown))
    raw = json.dumps([{"market": market_id, "t": t, "p": p} for t, market_id, p in group], separators=(",", ":")).encode()
    return Record(
        source=SOURCE, kind=Kind.PRINTS, subject=event_id, received_at=instant(group[-1][0] * MICRO) + SHOWN_AFTER,
        issued_at=None, raw=raw, rows=_point_columns(kept), facts={"backfilled": True, **quarantine(faults)}, decoder=DECODER,
    )  # fmt: skip


def _point_columns(points: Sequence[tuple[int, str, int]]) -> Columns:
    return {
        "market_id": np.array([market_id for _, market_id, _ in points], dtype=object),
        "valid_at": np.array([second * MICRO for second, _, _ in points], np.int64),
        "yes_price_micro": np.array([price for _, _, price in points], np.int64),
        "size_micro": np.zeros(len(points), np.int64),
        "taker": np.array([""] * len(points), dtype=object),
    }


def _points(listed: Any) -> list[tuple[int, float]]:
    return [(ticks_of(point["t"], 1), float(decimal_of(point["p"]))) for point in listed]


def _once_each(records: Sequence[Record]) -> Iterator[Record]:
    yield from {record.subject: record for record in records}.values()


def _seconds(at: datetime) -> str:
    return str(micros(at) // MICRO)
