"""The exchange's own record of trades, newest first."""

from __future__ import annotations

from typing import Any

from venues.demo.answers import Answer, Ask, BadRequest, reply
from venues.demo.contracts import POLYMARKET
from venues.demo.events import YES, Event
from venues.demo.exchange import Exchange
from venues.demo.listing import question
from venues.demo.noise import key
from venues.demo.tape import Tape, Trade

_MOST, _DEEPEST = 500, 10_000
_WALLETS = 400


class Data:
    """Answers under /data."""

    def __init__(self, exchange: Exchange, tape: Tape) -> None:
        self._exchange = exchange
        self._tape = tape

    def answer(self, ask: Ask, path: str) -> Answer | None:
        """Answer a request for `path` below /data; None if there is no such path."""
        if path != "/trades":
            return None
        try:
            return self._trades(ask)
        except BadRequest as error:
            return reply({"error": str(error)}, 400)

    def _trades(self, ask: Ask) -> Answer:
        limit, offset = int(ask.number("limit", 100)), int(ask.number("offset", 0))
        if not 0 <= limit <= _DEEPEST or not 0 <= offset <= _DEEPEST:
            raise BadRequest("limit and offset must be between 0 and 10000")
        holders = [self._exchange.holder_of_condition(condition, ask.at) for condition in dict.fromkeys(ask.all("market"))]
        markets = [(event, bracket) for event, bracket in filter(None, holders) if event.contract.venue == POLYMARKET]
        markets += [market for text in ask.all("eventId") for market in self._markets_of(text, ask.at)]
        if not ask.one("market") and not ask.one("eventId"):
            raise BadRequest("this world lists trades by market or eventId only")
        wanted = offset + min(limit, _MOST)
        found = self._tape.newest(markets, ask.at, wanted)
        return reply([self._row(*row) for row in found[offset:wanted]])

    def _markets_of(self, text: str, at: int) -> list[tuple[Event, int]]:
        event = self._exchange.numbered(int(text), at) if text.isdigit() else None
        if event is None or event.contract.venue != POLYMARKET:
            return []
        return [(event, bracket) for bracket in range(len(event.brackets))]

    def _row(self, trade: Trade, event: Event, bracket: int) -> dict[str, Any]:
        # who lifts the ask of YES buys YES; or sells NO, which is the same book
        yes = trade.side == YES
        price = trade.mills if yes else 1000 - trade.mills
        return {
            "proxyWallet": f"0x{key('wallet', trade.number % _WALLETS):040x}",
            "side": "BUY" if trade.lifts == yes else "SELL",
            "asset": self._exchange.token(event, bracket, trade.side),
            "conditionId": self._exchange.condition(event, bracket),
            "size": trade.hundredths / 100.0,
            "price": price / 1000.0,
            "timestamp": trade.at // 1000,
            "title": question(event, bracket),
            "slug": f"{event.slug}-{event.brackets[bracket].slug}",
            "eventSlug": event.slug,
            "outcome": "Yes" if yes else "No",
            "outcomeIndex": trade.side,
            "transactionHash": f"0x{trade.number:016x}{key('transaction', trade.number):048x}",
        }
