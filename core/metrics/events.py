"""Figures of decided events in units of risk (R): one event is one observation, its legs netted.

Rows of TRANSMISSION 1.10, and those of the backtest summary of freqtrade that mean something where an event settles. Left out
of that one: long and short, leverage, market change, rejected signals and timeouts of entries (orders say those).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.metrics.edges import realised_slope, slope_interval
from core.metrics.figures import LEVEL, UNDEFINED, Figure, Row, figures, ratio_by_dates
from core.metrics.inference import Interval, date_interval
from core.metrics.netting import Netted
from core.metrics.returns import longest_run
from core.metrics.trading import curve_drawdown, profit_factor, wilson_lower_bound, wilson_upper_bound, win_rate
from core.units import MICRO, BoolArray, FloatArray, InstantArray, IntArray

WILSON = 0.95
DAY_MICROS = 86_400_000_000
DECAY_LEAST = 20
E_R_DOWN, PF_DOWN = 0.30, 0.20  # by which the newest events may be worse than those before them
NO_LOSS, NO_GAIN, NO_SPREAD = "no losing event", "no gaining event", "every event alike"


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """Decided events in the order in which they were decided, shape (n,)."""

    money: Netted
    ordinal: IntArray  # event day
    entered_at: InstantArray  # first execution
    decided_at: InstantArray  # final word, or last sale

    def __len__(self) -> int:
        return len(self.ordinal)

    @property
    def r(self) -> FloatArray:
        """Results [R]."""
        return self.money.result_r

    @property
    def n_dates(self) -> int:
        return len(np.unique(self.ordinal))

    def taken(self, rows: IntArray | BoolArray | slice) -> Events:
        """Return some of the events."""
        picked = np.arange(len(self))[rows]
        return Events(self.money.taken(picked), self.ordinal[picked], self.entered_at[picked], self.decided_at[picked])

    def newest(self, n: int | None) -> Events:
        """Return the newest `n` events; None: all."""
        return self if n is None or n >= len(self) else self.taken(slice(len(self) - n, None))


@dataclass(frozen=True, slots=True)
class Decay:
    """Newest events against those just before them; `warning` "" while nothing got much worse."""

    window: int
    n: int
    n_before: int
    expected_r: float | None
    expected_r_before: float | None
    profit_factor: float | None
    profit_factor_before: float | None
    warning: str
    reason: str  # why it cannot be said


def expected_r(events: Events) -> float | None:
    """Return the mean result of an event [R]."""
    return float(events.r.mean()) if len(events) else None


def event_profit_factor(events: Events) -> float | None:
    """Return the sum of R won over the size of the sum of R lost."""
    return profit_factor(events.r)


def event_win_rate(events: Events) -> float | None:
    """Return the share of events that gained; an event that broke even counts, but is not won [fraction]."""
    return win_rate(events.r)


def win_rate_wilson_lb(events: Events) -> float | None:
    """Return the lower end of Wilson's 95 % interval of the win rate [fraction]."""
    return wilson_lower_bound(_wins(events), len(events))


def break_even_rate(events: Events) -> float | None:
    """Return the mean win rate at which the purchases break even: worst over worst + best end of each event [fraction].

    Of a plain purchase that is its all-in price per share.
    """
    best, worst = events.money.best, -events.money.worst
    told = (best > 0) & (worst > 0)
    return float((worst[told] / (worst[told] + best[told])).mean()) if told.any() else None


def win_rate_over_price(events: Events) -> float | None:
    """Return the win rate less the break-even rate that the prices imply [fraction]."""
    won, needed = event_win_rate(events), break_even_rate(events)
    return None if won is None or needed is None else won - needed


def avg_win_r(events: Events) -> float | None:
    """Return the mean of the gaining events [R]."""
    return _mean(events.r[events.r > 0])


def avg_loss_r(events: Events) -> float | None:
    """Return the mean of the losing events [R, below 0]."""
    return _mean(events.r[events.r < 0])


def event_payoff(events: Events) -> float | None:
    """Return the mean gaining event over the size of the mean losing one [R over R]."""
    won, lost = avg_win_r(events), avg_loss_r(events)
    return None if won is None or lost is None else won / -lost


def expectancy_ratio(events: Events) -> float | None:
    """Return (1 + payoff) x win rate − 1: what is won for each R that is lost."""
    payoff, won = event_payoff(events), event_win_rate(events)
    return None if payoff is None or won is None else (1.0 + payoff) * won - 1.0


def total_r(events: Events) -> float | None:
    """Return the sum of all results [R]."""
    return float(events.r.sum()) if len(events) else None


def r_drawdown(events: Events) -> float | None:
    """Return the deepest fall of the curve of summed R, which starts at 0 before the first event [R, 0 or below]."""
    return curve_drawdown(events.r) if len(events) else None


def sd_r(events: Events) -> float | None:
    """Return the standard deviation of the results [R]."""
    return float(events.r.std(ddof=1)) if len(events) > 1 else None


def sqn(events: Events) -> float | None:
    """Return the system quality number: mean over standard deviation of the results, times the root of their number."""
    spread = sd_r(events)
    return float(events.r.mean()) / spread * math.sqrt(len(events)) if spread and np.ptp(events.r) > 0 else None


def best_r(events: Events) -> float | None:
    """Return the best event [R]."""
    return float(events.r.max()) if len(events) else None


def worst_r(events: Events) -> float | None:
    """Return the worst event [R]."""
    return float(events.r.min()) if len(events) else None


def wins_in_a_row(events: Events) -> float | None:
    """Return the most gaining events in a row, in the order in which they were decided."""
    return float(longest_run(events.r > 0)) if len(events) else None


def losses_in_a_row(events: Events) -> float | None:
    """Return the most losing events in a row, in the order in which they were decided."""
    return float(longest_run(events.r < 0)) if len(events) else None


def costs_share(events: Events) -> float | None:
    """Return fees over the sum of the sizes of the results before fees [fraction]."""
    gross = float(np.abs(events.money.net + events.money.fees).sum())
    return float(events.money.fees.sum()) / gross if gross > 0 else None


def net_usd(events: Events) -> float | None:
    """Return the result of all events after fees [USD]."""
    return float(events.money.net.sum()) / MICRO if len(events) else None


def fees_usd(events: Events) -> float | None:
    """Return the fees of all events [USD]."""
    return float(events.money.fees.sum()) / MICRO if len(events) else None


def turnover_usd(events: Events) -> float | None:
    """Return what all purchases cost, fees included [USD]."""
    return float(events.money.cost.sum()) / MICRO if len(events) else None


def turnover_roi(events: Events) -> float | None:
    """Return the sum of results over the sum of what the purchases cost [fraction]."""
    cost = float(events.money.cost.sum())
    return float(events.money.net.sum()) / cost if cost > 0 else None


def average_stake_usd(events: Events) -> float | None:
    """Return the mean risk of an event [USD]."""
    return float(events.money.risk.mean()) / MICRO if len(events) else None


def best_usd(events: Events) -> float | None:
    """Return the best event [USD]."""
    return float(events.money.net.max()) / MICRO if len(events) else None


def worst_usd(events: Events) -> float | None:
    """Return the worst event [USD]."""
    return float(events.money.net.min()) / MICRO if len(events) else None


def events_a_day(events: Events) -> float | None:
    """Return decided events for each date on which an event was about [a day]."""
    return len(events) / events.n_dates if len(events) else None


def winner_hours(events: Events) -> float | None:
    """Return how long a gaining event was held on average, from its first execution until it was decided [h]."""
    return _hours(events, events.r > 0)


def loser_hours(events: Events) -> float | None:
    """Return how long a losing event was held on average, from its first execution until it was decided [h]."""
    return _hours(events, events.r < 0)


def realised_edge_slope(events: Events) -> float | None:
    """Return the slope through the origin of realised on claimed edge, in USD per share bought; 1: claims held."""
    slope, n = realised_slope(*edges_of(events))
    return slope if n else None


def claimed_edge(events: Events) -> float | None:
    """Return the mean claimed edge: fair value less all-in price at the decision [USD per share bought]."""
    claimed = edges_of(events)[0]
    return _mean(claimed[np.isfinite(claimed)])


def realised_edge(events: Events) -> float | None:
    """Return the mean result for each share bought, of events whose claim is known [USD per share bought]."""
    claimed, realised = edges_of(events)
    return _mean(realised[np.isfinite(claimed)])


def luck_z(events: Events) -> float | None:
    """Return result less claim of all events over the spread that the fair values themselves allow [standard deviations]."""
    known = events.money.claim_known
    spread = math.sqrt(float(np.square(events.money.claim_sd[known]).sum()))
    return float((events.money.net - events.money.claimed)[known].sum()) / spread if spread > 0 else None


def edges_of(events: Events) -> tuple[FloatArray, FloatArray]:
    """Return claimed and realised edge of each event [USD per share bought]; NaN where no fair value was stated, shape (n,)."""
    shares = np.maximum(events.money.shares, 1)
    claimed = np.where(events.money.claim_known & (events.money.shares > 0), events.money.claimed / shares, np.nan)
    return claimed, events.money.net / shares


def decay(events: Events, window: int = DECAY_LEAST) -> Decay:
    """Return the newest `window` events against the same number before them.

    Warns where E[R] fell by more than 30 % or the profit factor by more than 20 % (TRANSMISSION 1.10).
    """
    new = events.newest(window)
    old = events.taken(slice(max(len(events) - 2 * window, 0), max(len(events) - window, 0)))
    numbers = expected_r(new), expected_r(old), event_profit_factor(new), event_profit_factor(old)
    if len(old) < window:
        reason = f"not enough data ({len(events)} of {2 * window} events)"
        return Decay(window, len(new), len(old), *numbers, "", reason)
    return Decay(window, len(new), len(old), *numbers, _worse(*numbers), "")


def _worse(r: float | None, before: float | None, pf: float | None, pf_before: float | None) -> str:
    told = []
    if r is not None and before is not None and r < before - E_R_DOWN * abs(before):
        told.append(f"E[R] fell from {before:+.2f} to {r:+.2f}")
    if pf is not None and pf_before is not None and pf < (1.0 - PF_DOWN) * pf_before:
        told.append(f"profit factor fell from {pf_before:.2f} to {pf:.2f}")
    return ", ".join(told).replace("-", "−")


def _mean(values: FloatArray) -> float | None:
    return float(values.mean()) if len(values) else None


def _wins(events: Events) -> int:
    return int((events.r > 0).sum())


def _hours(events: Events, some: BoolArray) -> float | None:
    return _mean(((events.decided_at - events.entered_at)[some] / 3_600_000_000).astype(np.float64))


def _pair(found: Interval | None) -> tuple[float, float] | None:
    return None if found is None else (found.low, found.high)


def _mean_interval(events: Events) -> tuple[float, float] | None:
    return _pair(date_interval(events.r, events.ordinal))


def _factor_interval(events: Events) -> tuple[float, float] | None:
    r = events.r
    return ratio_by_dates(np.maximum(r, 0.0), np.maximum(-r, 0.0), events.ordinal)


def _roi_interval(events: Events) -> tuple[float, float] | None:
    money = events.money
    return ratio_by_dates(money.net.astype(np.float64), money.cost.astype(np.float64), events.ordinal)


def _slope_interval(events: Events) -> tuple[float, float] | None:
    return _pair(slope_interval(*edges_of(events), events.ordinal))


def _wilson(events: Events) -> tuple[float, float] | None:
    low, high = wilson_lower_bound(_wins(events), len(events)), wilson_upper_bound(_wins(events), len(events))
    return None if low is None or high is None else (low, high)


def _row(
    of: Callable[[Events], float | None], label: str, unit: str, least: int = 1, otherwise: str = UNDEFINED,
    interval: Callable[[Events], tuple[float, float] | None] | None = None, level: float = LEVEL,
) -> Row[Events]:  # fmt: skip
    return Row(of, label, unit, least, otherwise, interval, level)


EVENT_ROWS: tuple[Row[Events], ...] = (
    _row(expected_r, "E[R]", "R", interval=_mean_interval),
    _row(event_profit_factor, "profit factor", "", otherwise=NO_LOSS, interval=_factor_interval),
    _row(event_win_rate, "win rate", "fraction", interval=_wilson, level=WILSON),
    _row(win_rate_wilson_lb, "win rate, Wilson lower bound", "fraction"),
    _row(break_even_rate, "break-even win rate by price", "fraction", otherwise="no event that can both gain and lose"),
    _row(win_rate_over_price, "win rate over break-even", "fraction", otherwise="no event that can both gain and lose"),
    _row(avg_win_r, "mean gaining event", "R", otherwise=NO_GAIN),
    _row(avg_loss_r, "mean losing event", "R", otherwise=NO_LOSS),
    _row(event_payoff, "payoff", "", otherwise="no gaining or no losing event"),
    _row(expectancy_ratio, "expectancy ratio", "", otherwise="no gaining or no losing event"),
    _row(total_r, "total", "R"),
    _row(r_drawdown, "deepest drawdown", "R"),
    _row(sd_r, "spread of an event", "R", 2),
    _row(sqn, "system quality number", "", 2, NO_SPREAD),
    _row(best_r, "best event", "R"),
    _row(worst_r, "worst event", "R"),
    _row(wins_in_a_row, "most gains in a row", "events"),
    _row(losses_in_a_row, "most losses in a row", "events"),
    _row(turnover_roi, "result over turnover", "fraction", otherwise="nothing was bought", interval=_roi_interval),
    _row(costs_share, "fees over gross", "fraction", otherwise="nothing was won or lost before fees"),
    _row(realised_edge_slope, "realised over claimed edge", "", otherwise="nothing was claimed", interval=_slope_interval),
    _row(claimed_edge, "claimed edge", "USD a share", otherwise="nothing was claimed"),
    _row(realised_edge, "realised edge", "USD a share", otherwise="nothing was claimed"),
    _row(luck_z, "result against claims", "sd", otherwise="nothing was claimed"),
    _row(net_usd, "result after fees", "USD"),
    _row(fees_usd, "fees", "USD"),
    _row(turnover_usd, "turnover", "USD"),
    _row(average_stake_usd, "mean risk of an event", "USD"),
    _row(best_usd, "best event", "USD"),
    _row(worst_usd, "worst event", "USD"),
    _row(events_a_day, "events a date", "events"),
    _row(winner_hours, "held, gaining events", "h", otherwise=NO_GAIN),
    _row(loser_hours, "held, losing events", "h", otherwise=NO_LOSS),
)


def event_figures(events: Events) -> tuple[Figure, ...]:
    """Return the figures of some decided events."""
    return figures(EVENT_ROWS, events, len(events))
