"""Settled events as they could have been known: listed at the opening, traded, and settled when the venue did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote

from core.days import ONE_DAY
from core.errors import SourceError, WireError
from core.model.record import Ask, Kind, Record
from venues.kalshi.events import Terms, event_ticker, markets_of, parse_event
from venues.kalshi.lookup import events_of
from venues.kalshi.outcomes import FINAL, parse_outcome, settled_at
from venues.kalshi.pages import NOT_FOUND, Pages
from venues.kalshi.prints import TRADES_PER_PAGE
from venues.kalshi.trades import Tape, by_minute, parse_candles, parse_trades, prints_record
from venues.kalshi.wire import SOURCE, Cutoff, parse_cutoff
from venues.records import failed
from venues.sanity import instant_of

LISTED_AFTER = timedelta(minutes=2)  # after the opening a listing would have been found
PRINTED_AFTER = timedelta(seconds=5)  # a trade would have been heard
SETTLED_BY = time(13, tzinfo=UTC)  # of the morning after, where no instant is told: 11:18 to 12:05Z was seen
CANDLE_MINUTES = 60  # a minute would ask for more candles than one answer holds
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True, slots=True)
class _Settled:
    """One event with the bytes it came as."""

    event: Mapping[str, Any]
    raw: bytes
    received_at: datetime

    @property
    def event_id(self) -> str:
        return str(self.event["event_ticker"])

    @property
    def markets(self) -> list[Mapping[str, Any]]:
        return markets_of(self.event)

    def instants(self, key: str) -> list[datetime]:
        """Return what the markets name under a key; WireError when one names nothing."""
        found = [instant_of(market.get(key)) for market in self.markets]
        known = [at for at in found if at is not None]
        if len(known) != len(found):
            raise WireError(f"kalshi /events: {self.event_id} has a market without {key}; it has no past")
        return known


def past_of(pages: Pages, ask: Ask, terms: Terms) -> Iterator[Record]:
    """Yield what was known of the settled events of a series, day by day; a failure is a record and ends one event only."""
    cutoff = _cutoff(pages)
    wanted = [event_id_of(ask.subject, day) for day in sorted(set(ask.days))]
    for found in events_of(pages, wanted):
        try:
            if found.error is not None:
                raise found.error
            # A day without an event is no failure. All of an event is told, or nothing.
            told = list(_told(pages, _Settled(found.event, found.raw, found.received_at), cutoff, terms)) if found.event else []
        except SourceError as error:
            yield failed(SOURCE, Kind.EVENTS, ask.subject, found.received_at, error, found.raw)
        else:
            yield from told


def event_id_of(series: str, day: date) -> str:
    """Return the ticker of a series' event of a day."""
    return f"{series}-{day:%y}{_MONTHS[day.month - 1]}{day:%d}"


def _cutoff(pages: Pages) -> Cutoff | None:
    # Where it is not told, each tier is asked in turn.
    (answer,) = pages.each([("/historical/cutoff", {})])
    try:
        return parse_cutoff(answer.content) if answer.error is None else None
    except WireError:
        return None


def _told(pages: Pages, settled: _Settled, cutoff: Cutoff | None, terms: Terms) -> Iterator[Record]:
    if not all(market.get("status") in FINAL for market in settled.markets):
        return  # it is not over: its present is asked for, not its past
    known_at = settled_at(settled.markets) or _morning_after(settled)
    outcome = parse_outcome(settled.event, settled.raw, known_at)
    opened_at = min(settled.instants("open_time")) + LISTED_AFTER
    listing = parse_event(settled.event, settled.raw, opened_at, terms, at_opening=True)
    yield replace(listing, facts={**listing.facts, "backfilled": True})
    yield from _prints(pages, settled, cutoff)
    yield outcome


def _morning_after(settled: _Settled) -> datetime:
    morning = datetime.combine(event_ticker(settled.event).event_day + ONE_DAY, SETTLED_BY)
    return max(morning, *settled.instants("close_time"))


def _prints(pages: Pages, settled: _Settled, cutoff: Cutoff | None) -> Iterator[Record]:
    tickers = [str(market["ticker"]) for market in settled.markets]
    opens_at, closes_at = min(settled.instants("open_time")), max(settled.instants("close_time"))
    tape = _trades(pages, tickers, _tiers(cutoff, opens_at, closes_at), settled.received_at)
    if not tape.prints:
        candles = _candles(pages, settled, tickers, opens_at, closes_at)
        tape = Tape(candles.prints, (*tape.quarantined, *candles.quarantined))
    minutes = by_minute(tape)
    for number, (at, part) in enumerate(minutes):
        named = tape.quarantined if number == len(minutes) - 1 else ()
        yield prints_record(settled.event_id, replace(part, quarantined=named), at + PRINTED_AFTER)


def _tiers(cutoff: Cutoff | None, opens_at: datetime, closes_at: datetime) -> list[str]:
    tiers = []
    if cutoff is None or opens_at < cutoff.traded:
        tiers.append("/historical/trades")
    if cutoff is None or closes_at >= cutoff.traded:
        tiers.append("/markets/trades")
    return tiers


def _trades(pages: Pages, tickers: Sequence[str], tiers: Sequence[str], received_at: datetime) -> Tape:
    questions = [(tier, {"ticker": ticker, "limit": TRADES_PER_PAGE}) for tier in tiers for ticker in tickers]
    answers = pages.lists_of("trades", questions)
    for answer in answers:
        if answer.error is not None:
            raise answer.error
    return parse_trades([each for answer in answers for each in answer.elements], tickers, received_at)


def _candles(pages: Pages, settled: _Settled, tickers: Sequence[str], opens_at: datetime, closes_at: datetime) -> Tape:
    """Return the prices that candles show, from the batch or, where that is empty, from the historical tier."""
    span = {
        "start_ts": str(int(opens_at.timestamp())), "end_ts": str(int(closes_at.timestamp())),
        "period_interval": str(CANDLE_MINUTES),
    }  # fmt: skip
    (batch,) = pages.each([("/markets/candlesticks", {"market_tickers": ",".join(tickers), **span})])
    if batch.error is not None and batch.status != NOT_FOUND:
        raise batch.error
    tape = parse_candles(batch.content, tickers) if batch.error is None else Tape(())
    if tape.prints:
        return tape
    answers = pages.each([(f"/historical/markets/{quote(ticker, safe='')}/candlesticks", span) for ticker in tickers])
    tapes = []
    for ticker, answer in zip(tickers, answers, strict=True):
        if answer.status == NOT_FOUND:
            continue
        if answer.error is not None:
            raise answer.error
        tapes.append(parse_candles(answer.content, (ticker,)))
    prints = sorted((each for one in tapes for each in one.prints), key=lambda each: (each.at, each.market_id))
    return Tape(tuple(prints), tuple(sentence for one in (tape, *tapes) for sentence in one.quarantined))
