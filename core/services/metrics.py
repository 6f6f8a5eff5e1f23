"""The figures of the newest decided events in R: what `/api/metrics` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from core.metrics.events import DECAY_LEAST, Decay
from core.metrics.figures import Figure
from core.services.choice import Choice
from core.services.fills import Resting
from core.services.performance import Performance, PerformanceService
from core.services.performed import Attribution, Closing, EventResult, Group, Moved
from core.services.scored import EdgePoint

# Documented name: row of the table.
DOCUMENTED: Mapping[str, str] = {
    "profit_factor": "event_profit_factor", "expected_r": "expected_r", "win_rate": "event_win_rate",
    "win_rate_wilson_lb": "win_rate_wilson_lb", "avg_win_r": "avg_win_r", "avg_loss_r": "avg_loss_r",
    "drawdown_r": "r_drawdown", "total_r": "total_r", "costs_share": "costs_share", "break_even_rate": "break_even_rate",
    "turnover_roi": "turnover_roi", "realised_edge_slope": "realised_edge_slope", "sqn": "sqn", "net_usd": "net_usd",
    "fees_usd": "fees_usd",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures of the newest `window` decided events; `total_*` count all of them. A figure without a value has its reason.

    `trades` here are events: one event is one observation, its legs netted.
    """

    as_of: datetime
    source: str
    n: int
    counted: str
    window: int
    window_trades: int
    profit_factor: float | None
    expected_r: float | None
    expected_r_low: float | None  # 90 % by dates
    expected_r_high: float | None
    win_rate: float | None
    win_rate_wilson_lb: float | None
    total_trades: int
    total_wins: int
    total_losses: int
    open_trades: int
    avg_win_r: float | None
    avg_loss_r: float | None
    drawdown_r: float | None
    total_r: float | None
    costs_share: float | None
    break_even_rate: float | None
    turnover_roi: float | None
    realised_edge_slope: float | None
    sqn: float | None
    net_usd: float | None
    fees_usd: float | None
    reasons: Mapping[str, str]  # of figures without a value
    verdict: str
    decay: Decay
    figures: tuple[Figure, ...]
    groups: tuple[Group, ...]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is known of how trading went, for a script; the tear sheet is of the desk whatever else is chosen."""

    as_of: datetime
    source: str
    n: int
    n_dates: int
    total: int
    open_events: int
    counted: str
    verdict: str
    figures: tuple[Figure, ...]
    decay: Decay
    annual: str
    tear_sheet: tuple[Figure, ...]
    edges: tuple[EdgePoint, ...]
    slope: float | None
    slope_low: float | None
    slope_high: float | None
    attribution: Attribution
    markouts: tuple[Moved, ...]
    closing: tuple[Closing, ...]
    resting: Resting
    groups: tuple[Group, ...]
    worst: tuple[EventResult, ...]
    missing: str = ""


class MetricsService:
    """Answers from the performance of a desk, or of the account as a whole."""

    def __init__(self, performance: PerformanceService) -> None:
        self._performance = performance

    def metrics(
        self, *, window: int = DECAY_LEAST, desk: str | None = None, strategy: str | None = None, regime: str | None = None,
        symbol: str | None = None,
    ) -> Metrics:  # fmt: skip
        """Return the rolling figures of some trades."""
        every = Choice(desk=desk, strategy=strategy, regime=regime, symbol=symbol)
        choice = Choice(desk=desk, strategy=strategy, regime=regime, symbol=symbol, window=window)
        found, groups = self._performance.summary(choice), self._performance.groups(choice)
        figures = {one.name: one for one in found.figures}
        told = {name: figures[row] for name, row in DOCUMENTED.items()}
        wins, losses = self._performance.won_and_lost(every)
        return Metrics(
            found.as_of, found.source, found.n, found.counted, window, found.n, total_trades=found.total, total_wins=wins,
            total_losses=losses, open_trades=found.open_events, expected_r_low=told["expected_r"].low,
            expected_r_high=told["expected_r"].high, reasons=_reasons(told, found), verdict=found.verdict, decay=found.decay,
            figures=found.figures, groups=groups.groups, missing=found.missing,
            **{name: one.value for name, one in told.items()},
        )  # fmt: skip

    def report(self, choice: Choice | None = None) -> Report:
        """Return figures, tear sheet, edges, parts, markouts, tables by kind and the ten worst events of a choice."""
        choice, asked = choice or Choice(), self._performance
        found, edges, after, sheet = (
            asked.summary(choice),
            asked.edges(choice),
            asked.followed(choice),
            asked.tear_sheet(choice.desk),
        )
        return Report(
            found.as_of, found.source, found.n, found.n_dates, found.total, found.open_events, found.counted, found.verdict,
            found.figures, found.decay, sheet.annual, sheet.figures, edges.points, edges.slope, edges.slope_low,
            edges.slope_high, asked.attribution(choice).attribution, after.markouts, after.closing, after.resting,
            asked.groups(choice).groups, asked.events(choice).events, found.missing,
        )  # fmt: skip


def _reasons(told: Mapping[str, Figure], found: Performance) -> Mapping[str, str]:
    reasons = {name: one.reason for name, one in told.items() if one.value is None}
    if told["expected_r"].value is not None and told["expected_r"].low is None:
        reasons["expected_r_low"] = reasons["expected_r_high"] = f"not enough data ({found.n_dates} of 30 dates)"
    return reasons
