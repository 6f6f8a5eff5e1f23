"""Where the money came from: parts of each result that add up to it to the last micro-dollar, and the ladder of its costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.metrics.netting import UNKNOWN, Executions, Netted, claim_spread, decided, outcomes, peak_outlay, sum_by
from core.units import MICRO, IntArray

RUNGS = ("mid", "touch", "depth", "fees", "latency")


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Parts of the result of each execution [micro-USD], shape (n,); edge + spread + fee + luck = what it brought and paid.

    edge: fair value less mid at the decision, times what was bought (sold: the other way round).
    spread: mid at the decision less the price that was paid, times the size: half spread, walk and latency; below 0 a cost.
    fee: of the venue, below 0.
    luck: what the shares paid at the end less their fair value; of shares sold again, how fair value moved while they were held.

    A mid that nobody knew is taken to be the price that was paid; a fair value that nobody stated is taken to be the mid.
    """

    edge: IntArray
    spread: IntArray
    fee: IntArray
    luck: IntArray


def parts(executions: Executions) -> Parts:
    """Return the parts of each execution's result."""
    paid = np.sign(executions.size_micro) * executions.notional_micro
    at_mid = _valued(executions.size_micro, executions.mid_micro, paid)
    at_fair = _valued(executions.size_micro, executions.fair_micro, at_mid)
    return Parts(at_fair - at_mid, at_mid - paid, -executions.fee_micro, executions.paid_micro - at_fair)


def ladder(executions: Executions) -> IntArray:
    """Return the result of each execution at the prices of each rung [micro-USD], shape (n, n_rungs).

    mid: at the mid of the decision, nothing paid for trading. touch: at the best price of the other side. depth: at the
    average that the book of the decision asked for the size. fees: the same less the fee that was paid. latency: what was
    really paid, by the book that stood when the order arrived. A price that nobody knew is that of the next rung.
    """
    size, paid = executions.size_micro, np.sign(executions.size_micro) * executions.notional_micro
    at_depth = _valued(size, executions.depth_micro, paid)
    at_touch = _valued(size, executions.touch_micro, at_depth)
    at_mid = _valued(size, executions.mid_micro, at_touch)
    fee = executions.fee_micro
    spent = np.stack([at_mid, at_touch, at_depth, at_depth + fee, paid + fee], axis=-1)
    return executions.paid_micro[:, None] - spent


def netted(executions: Executions, n_events: int) -> Netted:
    """Return the decided events of some executions.

    Args:
        executions: in the order in which they were booked.
        n_events: events are numbered below it.
    """
    group, found = executions.event, parts(executions)
    best, worst = outcomes(executions, n_events)
    bought = executions.size_micro > 0
    flow = executions.cash_micro - executions.fee_micro

    def total(values: IntArray) -> IntArray:
        return sum_by(group, values, n_events)

    edge, spread, fee, luck = (total(each) for each in (found.edge, found.spread, found.fee, found.luck))
    nobody = total((executions.fair_micro == UNKNOWN).astype(np.int64))
    everything = Netted(
        event=np.arange(n_events), net=edge + spread + fee + luck, fees=-fee, risk=peak_outlay(group, flow, n_events),
        cost=total(np.where(bought, -flow, 0)), shares=total(np.where(bought, executions.size_micro, 0)),
        claimed=edge + spread + fee, claim_known=nobody == 0, claim_sd=claim_spread(executions, n_events), best=best,
        worst=worst, edge=edge, spread=spread, luck=luck, ladder=total(ladder(executions)),
    )  # fmt: skip
    return everything.taken(decided(executions, n_events))


def _valued(size_micro: IntArray, price_micro: IntArray, otherwise: IntArray) -> IntArray:
    """Return what sizes are worth at prices [micro-USD]; `otherwise` where a price is not known."""
    return np.where(price_micro == UNKNOWN, otherwise, size_micro * price_micro // MICRO)
