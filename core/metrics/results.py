"""What became of each execution: the fills of one token folded into one result a fill, in whole micro-dollars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.units import MICRO


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
