"""Limits as bars: what is used, the mark at 80 %, the limit at the right end; words and numbers beside, never colour alone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from core.model.gauge import WARN_AT
from core.services.risk import ExposureRow, TripwireRow
from dashboard import wording

TONES = {"ok": "model", "warn": "warning", "reached": "loss", "tripped": "loss"}
WORDS = {"ok": "", "warn": "▲ near", "reached": "▼ at the limit", "tripped": "▼ tripped"}
NAMES = {
    "bracket": "one bracket", "city_day": "one city and day", "region_day": "one region and day", "desk_day": "events of one day",
    "open_risk": "all that is open", "source": "one settlement source", "market_cap": "one bracket, dollars",
    "bankroll": "events of one day, dollars", "kelly_cap": "one event, of equity", "min_cash": "spent of what may be",
    "trade_ceiling": "one trade may risk", "day_loss": "loss of the day", "week_loss": "loss of the week",
    "worst_day": "worst case of the day", "drawdown_reference": "drawdown", "drawdown_all_time": "drawdown, all time",
    "account_drawdown": "drawdown, all desks", "results_z": "results against claims", "kill_switch": "kill switch",
    "trades_per_day": "trades today", "trades_per_week": "trades this week",
}  # fmt: skip


def named(name: str) -> str:
    """Return a limit in a trader's words."""
    return NAMES.get(name, name.replace("_", " ").replace(".", ": "))


def gauge_table(rows: Sequence[TripwireRow | ExposureRow], *, kind: str) -> str:
    """Return limits line by line: name and state, bar, now, limit, what is nearest."""
    body = "".join(_line(row) for row in rows)
    heads = (("limit", "left"), ("now · warn · limit", "left"), ("now", ""), ("limit", ""), ("fullest", "left minor"))
    head = "".join(f'<th scope="col" class="{tone}">{text}</th>' for text, tone in heads)
    return f'<table class="grid gauges {kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _line(row: TripwireRow | ExposureRow) -> str:
    value = row.value if isinstance(row, TripwireRow) else row.now
    tone = {"warn": "amber", "reached": "red", "tripped": "red"}.get(row.state, "")
    said = f"{amount(value, row.unit)} of {amount(row.limit, row.unit)}, warned from {WARN_AT:.0%} on"
    state = f' <span class="{tone}" data-field="state" data-value="{row.state}">{WORDS.get(row.state, row.state)}</span>'
    cells = (
        f'<td class="left event">{escape(named(row.name))}{state}</td>',
        f'<td class="left">{bar(row.used, row.state, said)}</td>',
        f'<td data-field="now" data-value="{_exact(value)}" data-label="now" title="{escape(_usd(row))}">{amount(value, row.unit)}</td>',
        f'<td data-field="limit" data-value="{_exact(row.limit)}" data-label="limit">{amount(row.limit, row.unit)}</td>',
        f'<td class="left minor quiet">{escape(row.subject)}</td>',
    )  # fmt: skip
    return f'<tr data-limit="{escape(row.name)}" data-now="{row.state}">{"".join(cells)}</tr>'


def bar(used: float | None, state: str, said: str) -> str:
    """Return a bar that is full at the limit; a tick stands where it warns."""
    share = 100 * min(1.0, max(0.0, used or 0.0))
    fill = f"var(--{TONES.get(state, 'model')})"
    ground = f"linear-gradient(90deg,{fill} {share:.1f}%,transparent {share:.1f}%)"
    tick = f"linear-gradient(var(--ink),var(--ink)) {100 * WARN_AT:.0f}% 0/1px 100% no-repeat"
    style = (
        f"height:.6rem;min-width:8rem;border-radius:3px;border:1px solid var(--line);background:{tick},{ground},var(--panel)"
    )
    return f'<div class="meter" role="img" aria-label="{escape(said)}" title="{escape(said)}" style="{style}"></div>'


def amount(value: float | None, unit: str) -> str:
    """Return a number with its unit, as a page writes it."""
    if value is None:
        return wording.NONE
    if unit == "USD":
        return wording.dollars(value)
    if unit in ("of equity", "%", "% of profit"):
        return f"{wording.trimmed(100 * value if unit == 'of equity' else value, 1)} %"
    return f"{wording.trimmed(value, 2)} {unit}".strip()


def _usd(row: TripwireRow | ExposureRow) -> str:
    now = row.value_usd if isinstance(row, TripwireRow) else row.now_usd
    if now is None or row.limit_usd is None:
        return ""
    return f"{wording.dollars(now)} of {wording.dollars(row.limit_usd)}"


def _exact(value: float | None) -> str:
    return "" if value is None else repr(value)
