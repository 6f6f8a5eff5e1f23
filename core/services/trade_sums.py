"""Sums over many executions, and a settlement look asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.clock import wall_now
from core.errors import NotAllowedError
from core.metrics.results import symbol_of
from core.model.command import Caller, Command, Scope, To, Verb
from core.model.ids import CommandId
from core.services.shelves import Shelves
from core.services.trade_book import Count
from core.services.trades import SOURCE, TradeService
from core.services.values import usd

ONE_EVENT = "One event is one observation: its legs win and lose together, so rows are not independent of each other."
ENDED = ("win", "loss")


@dataclass(frozen=True, slots=True)
class Group:
    """The executions of one venue, station, ... that match."""

    name: str
    trades: int
    events: int
    wins: int
    losses: int
    pending: int
    size_usd: Decimal
    pnl_usd: Decimal  # net, of what is decided


@dataclass(frozen=True, slots=True)
class TradeSummary:
    """Sums over executions; `events` counts what they stand on. Null where nothing is decided yet."""

    as_of: datetime
    source: str
    n: int
    total_trades: int
    buys: int
    sells: int
    events: int
    wins: int
    losses: int
    pending: int
    closed: int
    win_rate: float | None  # of the rows that are decided
    total_size_usd: Decimal
    total_fee_usd: Decimal
    total_gross_pnl: Decimal
    total_realized_pnl: Decimal
    avg_edge_pct: float | None  # of the buys, at their decision
    avg_result_r: float | None
    largest_win_usd: Decimal | None
    largest_loss_usd: Decimal | None
    by: Mapping[str, tuple[Group, ...]]
    note: str
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the journal says now of the executions of a day, and whether the engine was asked to look for more."""

    as_of: datetime
    source: str
    n: int
    success: bool
    message: str
    resolved: int
    pending: int
    wins: int
    losses: int
    total_pnl: Decimal  # net, of what is decided
    trade_date: date | None
    command_id: str | None  # of the look that was asked for; None: nothing waits for one
    missing: str = ""


GROUPS: Mapping[str, Callable[[Count], str]] = {
    "venue": lambda one: str(one.row["venue"]),
    "station": lambda one: str(one.row["station"]),
    "symbol": lambda one: symbol_of(one.row["station"], one.row["extreme"]),
    "side": lambda one: str(one.row["side"]),
    "regime": lambda one: str(one.row["regime"]),
    "strategy": lambda one: str(one.row["strategy"]),
}


class TradeSums:
    """Answers from what is counted; asks the engine for a settlement look, and writes nothing else."""

    def __init__(self, shelves: Shelves, trades: TradeService) -> None:
        self._shelves, self._trades = shelves, trades

    def summary(
        self, *, start_date: date | None = None, end_date: date | None = None, station_code: str | None = None,
        venue: str | None = None, desk: str | None = None,
    ) -> TradeSummary:  # fmt: skip
        """Return the sums over the executions of a span of event days, both ends included."""
        if start_date is not None and end_date is not None and end_date < start_date:
            raise NotAllowedError(f"end_date {end_date} is before start_date {start_date}", "end_date")
        found = self._trades.found(start_date=start_date, end_date=end_date, station_code=station_code, venue=venue, desk=desk)
        ended = Counter(one.result.outcome for one in found)
        decided = [one for one in found if one.result.outcome in ENDED]
        net = [one.net_micro or 0 for one in decided]
        edges = [one.row["edge"] for one in found if one.row["edge"] is not None]
        in_r = [(one.net_micro or 0) / one.result.risk_micro for one in decided if one.result.risk_micro]
        return TradeSummary(
            as_of=self._shelves.present().now, source=SOURCE, n=len(found), total_trades=len(found),
            buys=sum(one.row["size_micro"] > 0 for one in found), sells=sum(one.row["size_micro"] < 0 for one in found),
            events=_events(found), wins=ended["win"], losses=ended["loss"], pending=ended["pending"], closed=ended["closed"],
            win_rate=_mean([one.result.outcome == "win" for one in decided]),
            total_size_usd=usd(sum(one.row["notional_micro"] for one in found)),
            total_fee_usd=usd(sum(one.row["fee_micro"] for one in found)),
            total_gross_pnl=usd(sum(one.result.gross_micro or 0 for one in found)), total_realized_pnl=_pnl(found),
            avg_edge_pct=_mean([100 * edge for edge in edges]), avg_result_r=_mean(in_r),
            largest_win_usd=usd(max(net)) if net and max(net) > 0 else None,
            largest_loss_usd=usd(min(net)) if net and min(net) < 0 else None,
            by={name: _grouped(found, key) for name, key in GROUPS.items()}, note=ONE_EVENT,
            missing="" if self._shelves.journal() else self._shelves.missing(),
        )  # fmt: skip

    def resolve(self, by: Caller, *, trade_date: date | None = None, station_code: str | None = None) -> Resolution:
        """Return what is decided of the executions of a UTC day, and ask the desk to look now if some are not.

        Asked again before the desk has looked, it is the same command.

        Raises:
            NotAllowedError: the caller may read and not command.
        """
        if Scope.CONTROL not in by.scopes:
            raise NotAllowedError(f"{by.name} may read and not command: the scope {Scope.CONTROL} is needed", "scope")
        found = self._trades.of_day(trade_date, station_code)
        ended, journal = Counter(one.result.outcome for one in found), self._shelves.journal()
        waiting, cycle = ended["pending"], journal.newest_cycle() if journal else None
        command_id = self._ask(f"{cycle.cycle.scheduled_at:%Y%m%dT%H%M%S%f}" if cycle else "0", by.name) if waiting else None
        return Resolution(
            as_of=self._shelves.present().now, source=SOURCE, n=len(found), success=journal is not None,
            message=_words(found, waiting, heard=self._shelves.engine_runs()) if journal else self._shelves.missing(),
            resolved=len(found) - waiting, pending=waiting, wins=ended["win"], losses=ended["loss"], total_pnl=_pnl(found),
            trade_date=trade_date, command_id=command_id, missing="" if journal else self._shelves.missing(),
        )  # fmt: skip

    def _ask(self, since: str, by: str) -> str:
        command_id = f"resolve-{since}"
        command = Command(CommandId(command_id), To.ENGINE, Verb.CYCLE, '{"reason":"settlement"}', by, wall_now())
        self._shelves.commands().post(command)
        return command_id


def _words(found: Sequence[Count], waiting: int, *, heard: bool) -> str:
    if not found:
        return "No trade of that day and station is in the journal."
    if not waiting:
        return f"All {len(found)} trades are decided."
    when = "the desk was asked to look now" if heard else "no engine runs: the look waits until one starts"
    return f"{waiting} of {len(found)} trades wait for a final settlement; {when}."


def _events(found: Sequence[Count]) -> int:
    return len({one.row["event_id"] for one in found})


def _pnl(found: Sequence[Count]) -> Decimal:
    return usd(sum(one.net_micro for one in found if one.net_micro is not None))


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 9) if values else None


def _grouped(found: Sequence[Count], key: Callable[[Count], str]) -> tuple[Group, ...]:
    groups: dict[str, list[Count]] = {}
    for one in found:
        groups.setdefault(key(one), []).append(one)
    return tuple(_group(name, groups[name]) for name in sorted(groups))


def _group(name: str, found: Sequence[Count]) -> Group:
    ended = Counter(one.result.outcome for one in found)
    size = usd(sum(one.row["notional_micro"] for one in found))
    return Group(name, len(found), _events(found), ended["win"], ended["loss"], ended["pending"], size, _pnl(found))
