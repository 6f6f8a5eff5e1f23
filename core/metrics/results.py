"""What became of each execution: the fills of one token folded into one result a fill, in whole micro-dollars.

And the words and numbers that every table of trades says of it, whoever writes the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.model.event import Side
from core.model.orders import Role
from core.units import MICRO

IMMEDIATE, RESTING, SETTLED = "limit, immediate or cancel", "limit, resting", "settlement"
# Why a position was left, by the role of the order that left it; without one, "Flatten" where everything was being sold, else
# "Target": the bid paid more than the position was worth.
EXITS_BY_ROLE: Mapping[int, str] = {Role.STOP: "Stop", Role.GOAL: "Target"}
SOLD_WELL, SOLD_ALL = "Target", "Flatten"
BY_SETTLEMENT = "Settlement"


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution; `size_micro` is above 0 for a buy, below for a sell."""

    size_micro: int
    notional_micro: int
    fee_micro: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a fill came to; gross leaves its own fee out.

    `gross_micro` None: nothing of it is decided yet. `risk_micro` is its worst case when it was made: a buy may lose
    all that was paid, a sell is measured against the cost of what it sold.
    """

    status: str  # "open", "closed", "settled"
    outcome: str  # "win", "loss", "pending", "closed": its shares were sold again, the sales say what came of them
    gross_micro: int | None
    risk_micro: int
    entry: int  # place of the oldest fill whose shares it sold; of a buy its own
    exit: int | None = None  # place of the newest sale of its shares, once all are gone; of a sale its own
    fetched_micro: int = 0  # what the sales of its shares brought; of a sale its own proceeds
    shares_micro: int = 0  # that the gross result is about: of a buy those not sold, of a sale those sold


def results(fills: Sequence[Fill], pays_micro: int | None) -> tuple[Result, ...]:
    """Return the result of each fill of one token, in the order in which they happened.

    Cost leaves a holding pro rata (floor; all of it with the last share), as the journal books it, and so do the shares
    of each buy: the gross results of all fills add up to what the journal realised. Shares that were converted since count
    as held: what came back for them pays the same, and of an event that is converted nothing is sold any more.

    Args:
        fills: oldest first, of one run.
        pays_micro: what a share pays now that its event is final [micro-USD]; None: not final.
    """
    shares, cost, fetched = [0] * len(fills), [0] * len(fills), [0] * len(fills)
    last: dict[int, int] = {}
    sold: dict[int, tuple[int, int]] = {}  # cost that a sale freed, oldest fill that it took from
    for index, fill in enumerate(fills):
        if fill.size_micro > 0:
            shares[index], cost[index] = fill.size_micro, fill.notional_micro
            continue
        held = sum(shares)
        gone = min(-fill.size_micro, held)
        if gone == 0:
            sold[index] = 0, index
            continue
        lost = _parted(shares, gone, held)
        freed = _parted(cost, sum(cost) * gone // held if gone < held else sum(cost), sum(cost))
        for lot in range(index):
            shares[lot] -= lost[lot]
            cost[lot] -= freed[lot]
            fetched[lot] += fill.notional_micro * lost[lot] // gone
            if lost[lot]:
                last[lot] = index
        sold[index] = sum(freed), next(lot for lot in range(index) if lost[lot])
    return tuple(
        _exit(fill, index, *sold[index])
        if index in sold
        else _entry(fill, index, shares[index], cost[index], pays_micro, last.get(index), fetched[index])
        for index, fill in enumerate(fills)
    )


def symbol_of(station: str, extreme: str) -> str:
    """Return what a trade is about from day to day: `KLGA-HIGH`."""
    return f"{station}-{extreme.upper()}"


def average_micro(notional_micro: int, size_micro: int) -> int:
    """Return the average price of an execution [micro-USD per share], half up; 0 without a share."""
    size = abs(size_micro)
    return (notional_micro * MICRO + size // 2) // size if size else 0


def slippage_of(size_micro: int, notional_micro: int, reference_micro: int | None) -> float | None:
    """Return by how much the fill was worse than the price that the decision saw [USD per share]."""
    if not reference_micro or not size_micro:
        return None
    worse = float(notional_micro / abs(size_micro) - reference_micro / MICRO)
    return round(worse if size_micro > 0 else -worse, 9) + 0.0  # never -0.0


def fair_of(pooled: float | None, side: str) -> float | None:
    """Return what a share of a side is worth by the pooled probability of its bracket [USD]."""
    return None if pooled is None else pooled if side == Side.YES else 1.0 - pooled


def edge_of_sale(size_micro: int, notional_micro: int, fee_micro: int, fair: float | None) -> float | None:
    """Return what a sale brought over fair value, its fee paid [USD per share]."""
    return None if fair is None else (notional_micro - fee_micro) / abs(size_micro) - fair


def order_type_of(limit_micro: int | None, *, rests: bool) -> str:
    """Return how an order was to be filled, "" where the journal does not say."""
    if limit_micro is None:
        return ""
    return RESTING if rests else IMMEDIATE


def in_r(net_micro: int | None, result: Result) -> float | None:
    """Return a net result in units of the worst case."""
    return None if net_micro is None or not result.risk_micro else round(net_micro / result.risk_micro, 6)


def win_loss_of(net_micro: int | None, result: Result) -> str | None:
    """Return "Win", "Loss" or "Breakeven" by the net result; None: undecided, or told by the sales."""
    if net_micro is None or result.outcome == "closed":
        return None
    return "Win" if net_micro > 0 else "Loss" if net_micro < 0 else "Breakeven"


def exit_price_micro(result: Result, size_micro: int, pays_micro: int | None) -> int | None:
    """Return what a share was left for [micro-USD]: by its sales, or by its settlement at `pays_micro`; None while open."""
    if result.exit is not None:
        return average_micro(result.fetched_micro, size_micro)
    return pays_micro if result.status == "settled" else None


def sold_because(role: int, *, flattening: bool) -> str:
    """Return why shares were sold, by the role of the order and whether everything was being sold."""
    return EXITS_BY_ROLE.get(role, SOLD_ALL if flattening else SOLD_WELL)


def held_minutes(entered: datetime, left: datetime | None) -> float | None:
    """Return how long shares were held, None while they are."""
    return None if left is None else round((left - entered).total_seconds() / 60, 3)


def _parted(amounts: Sequence[int], part: int, whole: int) -> list[int]:
    """Return `part` of `whole` spread pro rata over `amounts`, exact to the last unit."""
    if whole == 0:
        return [0] * len(amounts)
    shares = [amount * part // whole for amount in amounts]
    rest = part - sum(shares)
    for index, amount in enumerate(amounts):
        more = min(rest, amount - shares[index])
        shares[index] += more
        rest -= more
    return shares


def _exit(fill: Fill, index: int, freed: int, entry: int) -> Result:
    gross = fill.notional_micro - freed
    ended = "win" if gross > fill.fee_micro else "loss"
    return Result("closed", ended, gross, freed, entry, index, fill.notional_micro, -fill.size_micro)


def _entry(
    fill: Fill, index: int, shares: int, cost: int, pays_micro: int | None, last: int | None, fetched: int
) -> Result:  # fmt: skip
    risk = fill.notional_micro + fill.fee_micro
    if shares == 0:
        return Result("closed", "closed", 0, risk, index, last, fetched)
    if pays_micro is None:
        return Result("open", "pending", None, risk, index, None, fetched, shares)
    gross = shares * pays_micro // MICRO - cost
    return Result("settled", "win" if pays_micro else "loss", gross, risk, index, None, fetched, shares)
