"""Which trades of an event were told already, so that the next question brings the new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.model.record import Kind, Record
from core.units import micros
from venues.kalshi.pages import Pages
from venues.kalshi.trades import Tape, parse_trades, prints_record
from venues.kalshi.wire import SOURCE
from venues.records import failed

TRADES_PER_PAGE = "1000"
FIRST_TRADES = timedelta(hours=24)  # how far back the first question about an event reaches
LATE_TRADES = timedelta(minutes=2)  # how long after its instant a trade may first be listed
FORGOTTEN = timedelta(days=2)  # an event not asked about for so long


@dataclass(slots=True)
class _Memory:
    asked_at: datetime
    told: dict[str, int] = field(default_factory=dict)  # id → instant [us], of the trades that may be listed once more


class Heard:
    """Remembers what was told of each event; a failed question is asked again in full."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._memory: dict[str, _Memory] = {}

    def prints(self, event_id: str, tickers: Sequence[str], now: datetime) -> Record:
        """Return the trades of an event that no earlier record told."""
        memory = self._memory.get(event_id)
        since = memory.asked_at - LATE_TRADES if memory else now - FIRST_TRADES
        query = {"limit": TRADES_PER_PAGE, "min_ts": str(int(since.timestamp()))}
        answers = self._pages.lists("/markets/trades", "trades", [{"ticker": ticker, **query} for ticker in tickers])
        received_at = max((answer.received_at for answer in answers), default=now)
        for answer in answers:
            if answer.error is not None:
                return failed(SOURCE, Kind.PRINTS, event_id, received_at, answer.error, answer.raw)
        tape = parse_trades([each for answer in answers for each in answer.elements], tickers, received_at)
        told = memory.told if memory else {}
        fresh = Tape(tuple(each for each in tape.prints if each.trade_id not in told), tape.quarantined)
        self._remember(event_id, tape, told, now)
        return prints_record(event_id, fresh, received_at)

    def _remember(self, event_id: str, tape: Tape, told: dict[str, int], now: datetime) -> None:
        oldest = micros(now - LATE_TRADES - timedelta(seconds=1))
        known = {**told, **{each.trade_id: each.at for each in tape.prints}}
        self._memory[event_id] = _Memory(now, {name: at for name, at in known.items() if at >= oldest})
        for other in [name for name, memory in self._memory.items() if memory.asked_at < now - FORGOTTEN]:
            del self._memory[other]
