"""Money counted again from fills, settlements and conversions alone, for the proof.

Shares no function with the code that writes. What a run has is one number here, cash less what it owes: whatever comes in
repays a debt first, so that the two are never there together.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

Row = Sequence[Any]


@dataclass(slots=True)
class Run:
    """One run's money as it comes out of fills, settlements and conversions."""

    start: int = 0
    net: int = 0  # cash less what is owed
    realised: int = 0
    fees: int = 0
    held: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    cost: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def cash(self) -> int:
        return max(self.net, 0)

    @property
    def owed(self) -> int:
        return max(-self.net, 0)


@dataclass(slots=True)
class Count:
    """The whole recount: money per run, what each transaction should say, money at every cycle."""

    runs: dict[int, Run] = field(default_factory=lambda: defaultdict(Run))
    due: dict[tuple[str, int, str, str], int] = field(default_factory=lambda: defaultdict(int))  # (tx, run, token, account)
    known: dict[int, list[tuple[int, int, int, int, int]]] = field(default_factory=lambda: defaultdict(list))
    paid: dict[str, dict[tuple[int, str], tuple[int, int]]] = field(default_factory=dict)  # event: (run, token): held, cost
    words: dict[str, str] = field(default_factory=dict)  # event: newest final settlement id
    winners: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


class Ask:
    """Questions about one desk."""

    def __init__(self, connection: Connection, desk: str) -> None:
        self._connection, self.desk = connection, desk

    def __call__(self, text: str, *values: object) -> Sequence[Row]:
        """Return the rows of a question; every `?` is the desk where no values are given."""
        mark = "?" if self._connection.dialect.name == "sqlite" else "%s"
        return self._connection.exec_driver_sql(text.replace("?", mark), values or (self.desk,) * text.count("?")).fetchall()


def counted(ask: Ask) -> Count:
    """Return the money of a desk as its fills and settlements make it."""
    count = Count()
    for run, amount in ask("SELECT run, sum(amount_micro) FROM ledger WHERE desk = ? AND account = 'opening' GROUP BY run"):
        count.runs[run].start = count.runs[run].net = -int(amount)
        count.due[f"opening/{ask.desk}", run, "", "cash"] = -int(amount)
        count.due[f"opening/{ask.desk}", run, "", "opening"] = int(amount)
    tokens = ask("SELECT token, event_id, market_id, side FROM instruments")
    events: dict[str, list[tuple[str, str, bool]]] = defaultdict(list)
    for token, event_id, market_id, side in tokens:
        events[event_id].append((token, market_id, side == "YES"))
    for booking in ask(_BOOKINGS):
        if booking[2] == "fill":
            _count_fill(count, booking)
        elif booking[2] == "swap":
            _count_swap(count, booking, {token: (event_id, side) for token, event_id, _, side in tokens})
        else:
            _count_word(count, booking, events, ask.desk)
        for run, money in count.runs.items():
            count.known[run].append((booking[0], money.cash, money.realised, money.fees, money.owed))
    return count


_BOOKINGS = (
    "SELECT scheduled_at, line, 'fill' AS kind, execution_id, run, token, size_micro, notional_micro, fee_micro, event_id "
    "FROM fills WHERE desk = ? UNION ALL "
    "SELECT scheduled_at, line, 'word', settlement_id, 0, winner, 0, 0, 0, event_id "
    "FROM settlements WHERE desk = ? AND finality = 'final' UNION ALL "
    "SELECT scheduled_at, line, 'swap', conversion_id, run, given || taken, size_micro, fee_bips, freed_micro, event_id "
    "FROM conversions WHERE desk = ? ORDER BY 1, 2"
)


def _count_fill(count: Count, booking: Row) -> None:
    _, _, _, tx, run, token, size, notional, fee, event_id = booking
    money = count.runs[run]
    if event_id in count.words:
        count.faults.append(f"fills: {tx} trades {token} after {count.words[event_id]} settled it")
    cost = notional if size > 0 else _part_of_cost(count, money, tx, token, -size)
    paid = notional if size > 0 else -notional
    money.held[token] += size
    money.cost[token] += cost if size > 0 else -cost
    if size > 0 and paid + fee > money.cash:
        count.faults.append(f"fills: {tx} costs {paid + fee}, run {run} had {money.cash}")
    money.net -= paid + fee
    money.fees += fee
    gain = 0 if size > 0 else notional - cost
    money.realised += gain
    for account, amount in (("cash", -paid - fee), ("position", paid + gain), ("fees", fee), ("realised", -gain)):
        count.due[tx, run, token, account] += amount


def _count_swap(count: Count, booking: Row, tokens: dict[str, tuple[str, str]]) -> None:
    """Give so many NO of m brackets and take m - 1 dollars each and as many YES of the others, less the venue's part."""
    _, _, _, tx, run, words, size, bips, freed, event_id = booking
    money = count.runs[run]
    given, taken = (json.loads(part + "]") for part in words.split("]")[:2])
    named = [tokens.get(token) for token in given], [tokens.get(token) for token in taken]
    if named != ([(event_id, "NO")] * len(given), [(event_id, "YES")] * len(taken)):
        count.faults.append(f"conversions: {tx} is not NO for YES of {event_id}")
    if event_id in count.words:
        count.faults.append(f"conversions: {tx} comes after {count.words[event_id]} settled it")
    kept, sure, cost = size * bips // 10_000, (len(given) - 1) * size, 0
    for token in given:
        part = _part_of_cost(count, money, tx, token, size)
        money.held[token] -= size
        money.cost[token] -= part
        count.due[tx, run, token, "position"] -= part
        cost += part
    left = max(cost - sure, 0) if taken else 0
    each, first = divmod(left, len(taken)) if taken else (0, 0)
    for place, token in enumerate(taken):
        money.held[token] += size - kept
        money.cost[token] += each + (place < first)
        count.due[tx, run, token, "position"] += each + (place < first)
    fee = (len(given) - 1) * kept
    if sure - fee != freed:
        count.faults.append(f"conversions: {tx} frees {freed}, {len(given)} brackets of {size} free {sure - fee}")
    money.net += sure - fee
    money.fees += fee
    money.realised += sure + left - cost
    for account, amount in (("cash", sure - fee), ("conversion_fees", fee), ("realised", cost - sure - left)):
        count.due[tx, run, "", account] += amount


def _part_of_cost(count: Count, money: Run, tx: str, token: str, sold: int) -> int:
    held, cost = money.held[token], money.cost[token]
    if sold > held:
        count.faults.append(f"{tx} gives away {sold} micro-shares of {token}, {held} were held")
        return cost
    return cost if sold == held else (cost * sold) // held


def _count_word(count: Count, booking: Row, events: dict[str, list[tuple[str, str, bool]]], desk: str) -> None:
    _, _, _, settlement_id, _, winner, _, _, _, event_id = booking
    tx = f"{desk}/{settlement_id}"
    was = count.paid.pop(event_id, {})
    markets = {token: (market_id, yes) for token, market_id, yes in events.get(event_id, [])}
    unknown = {token for _, token in was} - markets.keys()
    if unknown:
        count.faults.append(f"instruments: {event_id} paid {', '.join(sorted(unknown))}, which is not one of its tokens")
        was = {key: holding for key, holding in was.items() if key[1] not in unknown}
    for (run, token), (held, cost) in was.items():
        _pay(count, tx, run, token, -1, (held, cost), _wins(markets[token], count.winners[event_id]))
    now = dict(was)
    for run, money in count.runs.items():
        for token in markets:
            if money.held.get(token) or money.cost.get(token):
                now[run, token] = (money.held.pop(token), money.cost.pop(token))
    for (run, token), holding in now.items():
        _pay(count, tx, run, token, 1, holding, _wins(markets[token], winner))
    count.paid[event_id], count.words[event_id], count.winners[event_id] = now, settlement_id, winner


def _wins(market: tuple[str, bool], winner: str) -> bool:
    market_id, yes = market
    return yes if market_id == winner else not yes


def _pay(count: Count, tx: str, run: int, token: str, sign: int, holding: tuple[int, int], wins: bool) -> None:
    held, cost = holding
    pays = held if wins else 0
    count.runs[run].net += sign * pays
    count.runs[run].realised += sign * (pays - cost)
    for account, amount in (("cash", pays), ("position", -cost), ("realised", cost - pays)):
        count.due[tx, run, token, account] += sign * amount
