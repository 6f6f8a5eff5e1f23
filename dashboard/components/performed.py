"""Tables about how trading went: columns, and rows in words with the exact numbers behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape

from core.services.performance import Edges, Figure, Followed, Performance
from core.services.performed import Closing, EventResult, GroupRow, Moved
from core.services.scored import EdgePoint
from dashboard import wording
from dashboard.components.table import Cell, Column, Row

LEAST_SHOWN = 30
FIGURES = (
    Column("event", "figure", left=True), Column("value", "value"), Column("unit", "", named="unit", file_only=True),
    Column("low", "", named="low", file_only=True), Column("high", "interval", named="high"), Column("n", "n"),
    Column("why", "", named="definition", file_only=True, as_said=True),
)  # fmt: skip
GROUP = (
    Column("n", "events"), Column("expected_r", "E[R]"), Column("low", "", named="90 % low", file_only=True),
    Column("high", "90 % by dates", minor=True, named="90 % high"), Column("profit_factor", "PF", minor=True),
    Column("win_rate", "won %", scale=100, minor=True), Column("break_even", "by price %", scale=100, minor=True),
    Column("roi", "ROI %", scale=100, minor=True), Column("pnl", "result $"),
)  # fmt: skip
MOVED = (
    Column("event", "after", left=True), Column("kind", "kind", left=True), Column("n", "events"),
    Column("moved", "our way ¢", scale=100), Column("low", "", named="90 % low ¢", scale=100, file_only=True),
    Column("high", "90 % by dates", minor=True, named="90 % high ¢", scale=100), Column("logit", "log odds", minor=True),
    Column("ahead", "ahead %", scale=100, minor=True), Column("unknown", "not quoted", minor=True),
)  # fmt: skip
EDGES = (
    Column("event", "events", left=True), Column("n", "n"), Column("claimed", "claimed ¢", scale=100),
    Column("realised", "realised ¢", scale=100), Column("low", "", named="90 % low ¢", scale=100, file_only=True),
    Column("high", "90 % by dates", minor=True, named="90 % high ¢", scale=100),
)  # fmt: skip
RESULTS = (
    Column("event", "event", left=True), Column("id", "", named="event id", file_only=True),
    Column("venue", "venue", left=True, minor=True), Column("lead", "lead", left=True, minor=True),
    Column("regime", "regime", left=True, minor=True), Column("r", "R"), Column("pnl", "result $"),
    Column("claimed", "claimed $"), Column("edge", "edge $", minor=True), Column("spread", "spread $", minor=True),
    Column("fee", "fees $", minor=True), Column("luck", "luck $"), Column("at", "decided, UTC", left=True, minor=True),
)  # fmt: skip
PRICED = tuple(column for column in MOVED if column.field not in ("kind", "unknown"))
CLOSING = (
    *PRICED, Column("degrees", "implied mean, our way °F", named="implied mean our way °F"),
    Column("degrees_low", "", named="90 % low °F", file_only=True),
    Column("degrees_high", "90 % by dates", minor=True, named="90 % high °F"),
    Column("degrees_n", "events", minor=True, named="events °F"),
    Column("left_out", "left out", minor=True), Column("held_mean", "", named="held the mean", file_only=True),
)  # fmt: skip
STEPS = (
    Column("event", "stated", left=True), Column("n", "orders"), Column("stated", "mean %", scale=100),
    Column("filled", "filled %", scale=100), Column("low", "", named="95 % low", scale=100, file_only=True),
    Column("high", "95 %", named="95 % high", scale=100),
)  # fmt: skip

# Unit of a figure: how a number is said, what stands in the column of units.
Said = Callable[[float], str]
UNITS: dict[str, tuple[Said, str]] = {
    "R": (lambda value: wording.signed(value, 2), "R"),
    "USD": (lambda value: wording.signed(value, 2), "$"),
    "USD a share": (lambda value: wording.signed(100 * value, 1), "¢ a share"),
    "fraction": (lambda value: _percent(value), "%"),
    "fraction a year": (lambda value: _percent(value), "% a year"),
    "days": (lambda value: wording.trimmed(value, 1), "days"),
    "events": (lambda value: wording.trimmed(value, 1), "events"),
    "h": (lambda value: wording.trimmed(value, 1), "h"),
    "sd": (lambda value: wording.signed(value, 2), "sd"),
}
PLAIN: tuple[Said, str] = (lambda value: _number(value), "")
UNSIGNED = frozenset({"fees_usd", "turnover_usd", "average_stake_usd", "sd_r"})  # sizes, neither gain nor loss


def figure_rows(figures: Sequence[Figure]) -> list[Row]:
    """Return figures with interval and n; what has no value says why on hover."""
    return [_figure(one) for one in figures]


def group_columns(dimension: str) -> tuple[Column, ...]:
    """Return the columns of a table by kind."""
    return (Column("event", dimension, left=True), *GROUP)


def group_rows(rows: Sequence[GroupRow]) -> list[Row]:
    """Return events by kind; grey where few stand behind."""
    return [
        Row(
            row.name,
            (
                Cell(row.name, row.name, row.verdict), Cell(f"{row.n}", row.n, f"on {row.n_dates} dates"),
                _cell(row.expected_r, lambda value: wording.signed(value, 2), row.reasons.get("expected_r", ""), toned=True),
                Cell("", row.low), _between(row.low, row.high, lambda value: wording.signed(value, 2), row.n_dates),
                _cell(row.profit_factor, lambda value: f"{value:.2f}", row.reasons.get("profit_factor", "")),
                _cell(row.win_rate, _percent, f"Wilson's lower bound {_said(row.win_rate_wilson_lb, _percent)}"),
                _cell(row.break_even_rate, _percent, row.reasons.get("break_even_rate", "Win rate at which the prices break even")),
                _cell(row.turnover_roi, _percent_signed, row.reasons.get("turnover_roi", "")),
                _cell(row.net_usd, lambda value: wording.signed(value, 2), toned=True),
            ),
            kind="" if row.n >= LEAST_SHOWN else "dead",
        )
        for row in rows
    ]  # fmt: skip


def closing_rows(rows: Sequence[Closing]) -> list[Row]:
    """Return prices at the checkpoints against those that were paid, and how far the implied mean had moved by then."""
    kept = [i for i, column in enumerate(MOVED) if column in PRICED]
    shown = zip(moved_rows(rows), rows, strict=True)
    return [replace(row, cells=[*(row.cells[i] for i in kept), *_degree_cells(one)]) for row, one in shown]


def moved_rows(rows: Sequence[Moved]) -> list[Row]:
    """Return how prices moved after executions; maker and taker stand apart only where there are both."""
    both = {row.kind for row in rows if row.kind != "all" and row.executions + row.unknown} == {"maker", "taker"}
    return [
        Row(
            f"{row.name} {row.kind}",
            (
                Cell(f"{row.name}: {row.reason}" if row.reason else row.name, row.name), Cell(row.kind, row.kind),
                Cell(f"{row.n}", row.n, f"{row.executions} executions"),
                _cell(row.mean, _cents, row.reason, toned=True), Cell("", row.low),
                _between(row.low, row.high, _cents, row.n_dates),
                _cell(row.logit, lambda value: wording.signed(value, 3), row.reason), _cell(row.ahead, _percent, row.reason),
                Cell(f"{row.unknown}", row.unknown, "executions"),
            ),
            kind="" if row.n >= LEAST_SHOWN else "dead",
        )
        for row in rows
        if row.kind == "all" or both
    ]  # fmt: skip


def _degree_cells(row: Closing) -> Sequence[Cell]:
    left_out = f"{row.held_mean} executions whose bracket held the implied mean, {row.no_mean} without one then or at entry"
    return (
        _cell(row.degrees, _degrees, row.degrees_reason, toned=True), Cell("", row.degrees_low),
        _between(row.degrees_low, row.degrees_high, _degrees, row.degrees_dates),
        Cell(f"{row.degrees_n}", row.degrees_n, f"on {row.degrees_dates} dates"),
        Cell(f"{row.held_mean + row.no_mean}", row.held_mean + row.no_mean, left_out), Cell("", row.held_mean),
    )  # fmt: skip


def edge_rows(found: Edges) -> list[Row]:
    """Return claimed and realised edge in groups of like claims."""
    return [_edge(f"{i}", one) for i, one in enumerate(found.points, 1)]


def step_rows(found: Followed) -> list[Row]:
    """Return how often resting orders were filled at each stated probability."""
    return [
        Row(
            f"{one.low:.1f}",
            (
                Cell(f"{100 * one.low:.0f} to {100 * one.high:.0f} %", one.low), Cell(f"{one.n}", one.n),
                _cell(one.stated, _percent), _cell(one.filled, _percent), Cell("", one.low_filled),
                Cell(f"{_percent(one.low_filled)} to {_percent(one.high_filled)}", one.high_filled),
            ),
        )
        for one in found.resting.steps
    ]  # fmt: skip


def result_rows(events: Sequence[EventResult]) -> list[Row]:
    """Return decided events; a click explains the first trade of one."""
    return [_result(one) for one in events]


def slope_words(found: Edges) -> str:
    """Return what the slope of realised on claimed edge says."""
    if found.slope is None:
        return "Nothing was claimed."
    where = (
        f" ({found.slope_low:.2f} to {found.slope_high:.2f})"
        if found.slope_low is not None and found.slope_high is not None
        else f" (no interval on {found.n_dates} dates)"
    )
    return f"Of a claimed edge {found.slope:.2f}{where} was realised; 1: claims held. {found.verdict}".replace(
        "-", wording.MINUS
    )


def resting_words(found: Followed) -> str:
    """Return what came of orders that were left to rest."""
    rested = found.resting
    if not rested.n or rested.filled is None or rested.low is None or rested.high is None:
        return "No order was left to rest in the last 60 days."
    share = f"{_percent(rested.filled)} % ({_percent(rested.low)} to {_percent(rested.high)}) of {rested.n} resting orders were filled"
    part = "" if rested.filled_shares is None else f", {_percent(rested.filled_shares)} % of their shares"
    return f"{share}{part}. {rested.reason}".strip()


def decay_words(found: Performance) -> str:
    """Return whether the newest events are worse than those before them."""
    decay = found.decay
    if decay.reason:
        return f"Decay: {decay.reason}"
    said = decay.warning or "no worse"
    return f"Newest {decay.n} against the {decay.n_before} before: {said}"


def note(text: str) -> str:
    """Return a quiet line."""
    return f'<p class="rule">{escape(text)}</p>'


def figure_words(one: Figure) -> str:
    """Return a figure with its unit: `+0.34 R`; a dash where there is none."""
    if one.value is None:
        return wording.NONE
    say, unit = _saying(one)
    return f"{say(one.value)} {unit}".strip()


def interval_words(one: Figure) -> str:
    """Return the interval of a figure, "" where there is none."""
    if one.low is None or one.high is None:
        return ""
    say, _ = _saying(one)
    return f"{say(one.low)} to {say(one.high)}"


def _saying(one: Figure) -> tuple[Said, str]:
    say, unit = UNITS.get(one.unit, PLAIN)
    return (_number, unit) if one.name in UNSIGNED else (say, unit)


def _figure(one: Figure) -> Row:
    unit = _saying(one)[1]
    value = Cell(wording.NONE, None, one.reason) if one.value is None else Cell(figure_words(one), one.value, one.definition)
    between = interval_words(one)
    told = f"{100 * one.level:.0f} %" if between else "no interval for this figure, or on fewer than 30 dates"
    return Row(
        one.name,
        (
            Cell(one.label, one.label, one.definition), value, Cell(unit, one.unit), Cell("", one.low),
            Cell(between or wording.NONE, one.high, told), Cell(f"{one.n}", one.n, f"at least {one.least}"),
            Cell(one.reason or one.definition, one.definition),
        ),
        kind="dead" if one.value is None else "",
    )  # fmt: skip


def _edge(name: str, one: EdgePoint) -> Row:
    return Row(
        name,
        (
            Cell(f"group {name}", name), Cell(f"{one.n}", one.n, f"on {one.n_dates} dates"), _cell(one.claimed, _cents),
            _cell(one.realised, _cents, toned=True), Cell("", one.low), _between(one.low, one.high, _cents, one.n_dates),
        ),
        kind="" if one.n >= LEAST_SHOWN else "dead",
    )  # fmt: skip


def _result(one: EventResult) -> Row:
    name = f"{one.city} {one.station_code} {one.extreme} {wording.day(one.event_day)}"
    link = f"/positions?trade={one.trade_id}"
    parts = (one.edge_usd, one.spread_usd, one.fee_usd, one.luck_usd)
    lead = f"D{wording.MINUS}{one.lead_days}" if one.lead_days else "D"
    return Row(
        one.event_id,
        (
            Cell(name, name, "Explain its first trade", link=link), Cell(one.event_id), Cell(one.venue.title(), one.venue),
            Cell(lead, one.lead_days), Cell(one.regime or wording.NONE, one.regime),
            _cell(one.result_r, lambda value: wording.signed(value, 2), f"risk {one.risk_usd:.2f} $", toned=True),
            _cell(float(one.net_usd), lambda value: wording.signed(value, 2), toned=True),
            _cell(None if one.claimed_usd is None else float(one.claimed_usd), lambda value: wording.signed(value, 2)),
            *(_cell(float(part), lambda value: wording.signed(value, 2)) for part in parts),
            Cell(f"{one.decided_at:%d %b %H:%M}", one.decided_at),
        ),
    )  # fmt: skip


def _cell(value: float | None, say: Said, title: str = "", *, toned: bool = False) -> Cell:
    if value is None:
        return Cell(wording.NONE, None, title)
    return Cell(say(value), value, title, ("gain" if value > 0 else "loss" if value < 0 else "") if toned else "")


def _between(low: float | None, high: float | None, say: Said, n_dates: int) -> Cell:
    if low is None or high is None:
        return Cell(wording.NONE, None, f"not enough data ({n_dates} of 30 dates)")
    return Cell(f"{say(low)} to {say(high)}", high)


def _said(value: float | None, say: Said) -> str:
    return wording.NONE if value is None else say(value)


def _percent(value: float) -> str:
    """Return a fraction in percent, as short as it may be read."""
    return f"{100 * value:,.{1 if abs(value) < 10 else 0}f}".replace("-", wording.MINUS)


def _percent_signed(value: float) -> str:
    return wording.signed(100 * value, 1)


def _cents(value: float) -> str:
    return wording.signed(100 * value, 1)


def _degrees(value: float) -> str:
    return wording.signed(value, 2)


def _number(value: float) -> str:
    return f"{value:,.{2 if abs(value) < 1_000 else 0}f}".replace("-", wording.MINUS)
