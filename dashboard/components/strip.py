"""First on every page: world, cycle, money, risk, and the one most important warning. It ticks; the page below it does not."""

from __future__ import annotations

from html import escape

import streamlit as st

from core.services import Services
from core.services.status import LATE_BY, RECORDED, Notice, Status
from dashboard import wording
from dashboard.components.page import LOG, chip, fact

EVERY_SECONDS = 2.0
DRAWN = "drawn_version"  # of the journal, when the page was drawn
RISK_WORDS = {"normal": "TRADE", "pause": "PAUSE", "flat": "FLAT"}
MARKET_TIME = ' <span title="Ages and countdowns are of the simulated world\'s clock">market time</span>'
SAID_ALREADY = frozenset({"simulated", "recorded"})  # by a chip
MARKS = {"danger": "▼", "warning": "▲", "info": "▲"}


def strip(services: Services) -> None:
    """Draw the strip and note what the page below is drawn from."""
    st.session_state[DRAWN] = _version(services)
    _ticking(services)


@st.fragment(run_every=EVERY_SECONDS)
def _ticking(services: Services) -> None:
    """Draw the strip again; the whole page only when the journal grew."""
    version = _version(services)
    if version is not None and version != st.session_state.get(DRAWN):
        st.rerun()
    try:
        st.html(line(services.status.strip()))
    except Exception:
        LOG.exception("strip failed")
        st.html('<div class="strip loss" role="alert">▲ The state of the engine cannot be read; the log says why.</div>')


def _version(services: Services) -> int | None:
    try:
        return services.activity.version()
    except Exception:
        LOG.exception("version failed")
        return None


def line(status: Status) -> str:
    """Return the strip."""
    parts = [*_chips(status), _cycle(status), *_money(status), _risk(status), _warning(status)]
    stale = "1" if is_stale(status) else "0"
    return (
        f'<div class="strip" role="status" data-stale="{stale}" data-version="{status.journal_version}">{"".join(parts)}</div>'
    )


def is_stale(status: Status) -> bool:
    """Return whether the numbers stand still: nobody makes new ones, or they are late."""
    age, every = status.cycle.age_seconds, status.cycle.interval_seconds
    if status.world.startswith("archive") or is_recorded(status):
        return False
    late = age is not None and not status.simulated and age > LATE_BY * every
    return not status.missing and (not status.trading_engine.running or late)


def is_recorded(status: Status) -> bool:
    """Return whether this is a session that is over, opened to be looked at: nobody waits for new numbers."""
    return status.mode == RECORDED and not status.trading_engine.running


def _chips(status: Status) -> list[str]:
    grade = str(getattr(status, "grade", ""))
    parts = []
    if status.simulated:
        words = ["DEMO", *([f"seed {status.seed}"] if status.seed is not None else [])]
        words += [f"{status.speed:g}×"] if status.speed else []
        parts.append(chip(" · ".join(words), kind="demo", title="Simulated world: no number here is real"))
    elif status.world.startswith("archive"):
        parts.append(chip("ARCHIVE · prints only, descriptive", kind="demo", title="Recorded prints, no order books"))
    else:
        parts.append(chip(status.world.upper() or status.mode.upper()))
    if grade and "ARCHIVE" not in parts[0]:
        parts.append(chip(grade, kind="demo"))
    if is_recorded(status):
        parts.append(chip("recorded session", title="Nothing runs here; the numbers are those of its end"))
    return [*parts, chip(status.execution_mode, title="No order leaves this machine")]


def _cycle(status: Status) -> str:
    cycle = status.cycle
    if cycle.last_cycle_time is None:
        return fact("cycle", wording.NONE, title="No cycle yet")
    if is_recorded(status):
        return fact("cycle", str(cycle.number), after=f"· ended {cycle.last_cycle_time:%a %d %b %H:%M} UTC")
    tone = wording.freshness(cycle.age_seconds, LATE_BY * cycle.interval_seconds)
    if is_stale(status):
        since = f"{cycle.last_cycle_time:%a %H:%M:%S} UTC"
        return fact("cycle", str(cycle.number), after="") + f'<span class="fact red">stale since <b>{since}</b></span>'
    return (
        f'<span class="fact" data-cycle="{cycle.number}">cycle <b>{cycle.number}</b> · '
        f'<span class="{tone}">{wording.ago(cycle.age_seconds)}</span> · next in '
        f"<b>{_left(cycle.seconds_until_next)}</b>{MARKET_TIME if status.simulated else ''}</span>"
    )


def _left(seconds: float | None) -> str:
    return wording.NONE if seconds is None else wording.span(seconds)


def _money(status: Status) -> list[str]:
    money, reason = status.money, "" if status.money.marked_at else "Nothing was marked yet"
    allowed = f"of {wording.dollars(money.allowed_usd).removesuffix(' $')}" if money.allowed_usd is not None else ""
    return [
        fact("today", wording.gain(money.day_pnl_usd), title=reason or "Equity less equity at the start of the desk day"),
        fact("at risk", wording.dollars(money.at_risk_usd), after=allowed, title=reason or "Worst case of all that is open"),
    ]


def _risk(status: Status) -> str:
    word = RISK_WORDS.get(status.risk.state, wording.NONE)
    return fact("risk", word, tone="" if word in ("TRADE", wording.NONE) else "red", title=status.risk.reason)


def _warning(status: Status) -> str:
    notices = [one for one in status.warnings if one.code not in SAID_ALREADY]
    if not notices:
        return ""
    first, rest = notices[0], notices[1:]
    tone = "red" if first.severity == "danger" else "amber" if first.severity == "warning" else ""
    more = f" +{len(rest)}" if rest else ""
    return (
        f'<span class="fact warning {tone}" title="{escape(_all(notices))}">{MARKS.get(first.severity, "▲")} '
        f"{escape(first.message)}{more}</span>"
    )


def _all(notices: list[Notice]) -> str:
    return "\n".join(f"{one.message} {one.remedy}".strip() for one in notices)
