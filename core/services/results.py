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


def results(fills: Sequence[Fill], pays_micro: int | None) -> tuple[Result, ...]:
    """Return the result of each fill of one token, in the order in which they happened.

    Cost leaves a holding pro rata (floor; all of it with the last share), as the journal books it, and so do the shares
    of each buy: the gross results of all fills add up to what the journal realised.

    Args:
        fills: oldest first, of one run.
        pays_micro: what a share pays now that its event is final [micro-USD]; None: not final.
    """
    shares, cost = [0] * len(fills), [0] * len(fills)
    sold: dict[int, tuple[int, int]] = {}
    for index, fill in enumerate(fills):
        if fill.size_micro > 0:
            shares[index], cost[index] = fill.size_micro, fill.notional_micro
            continue
        held = sum(shares)
        gone = min(-fill.size_micro, held)
        if gone == 0:
            sold[index] = 0, 0
            continue
        lost = _parted(shares, gone, held)
        freed = _parted(cost, sum(cost) * gone // held if gone < held else sum(cost), sum(cost))
        for lot in range(index):
            shares[lot] -= lost[lot]
            cost[lot] -= freed[lot]
        sold[index] = sum(freed), fill.notional_micro
    return tuple(
        _exit(fill, *sold[index]) if index in sold else _entry(fill, shares[index], cost[index], pays_micro)
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


def _exit(fill: Fill, freed: int, proceeds: int) -> Result:
    gross = proceeds - freed
    return Result("closed", "win" if gross > fill.fee_micro else "loss", gross, freed)


def _entry(fill: Fill, shares: int, cost: int, pays_micro: int | None) -> Result:
    risk = fill.notional_micro + fill.fee_micro
    if shares == 0:
        return Result("closed", "closed", 0, risk)
    if pays_micro is None:
        return Result("open", "pending", None, risk)
    gross = shares * pays_micro // MICRO - cost
    return Result("settled", "win" if pays_micro else "loss", gross, risk)
