"""Risk and system: every limit as a bar, what holds and since when, what a person commands, and whether the machine is well."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from core.services import Services
from core.services.machine import Latency, Machine
from core.services.processes import Processes, ProcessRow
from core.services.risk import Risk, TripwireRow
from core.services.sources import STATES as SOURCE_STATES
from core.services.sources import SourceRow
from core.services.system import Component, EventRegime, SystemHealth
from dashboard import selection, wording
from dashboard.components.controls import commands, controls
from dashboard.components.export import exported
from dashboard.components.gauges import amount, gauge_table, named
from dashboard.components.page import START, empty, fact, heading, panel
from dashboard.components.table import Cell, Column, Row, table
from dashboard.selection import Selection

REGIME_TONES = {"NOTRADE": "red", "VOLATILE": "amber"}
PROCESS_TONES = {"running": "", "stopped": "amber", "gone without a word": "red", "not started": "quiet"}
COMPONENT_TONES = {"ok": "", "warn": "amber", "down": "red"}
BEAT_LIMIT = 120.0  # age of a word of a process past which it is old [s]
MEASURED_LIMIT = 3_600.0
TRIPWIRES = (
    Column("event", "tripwire", left=True), Column("how", "state", left=True), Column("value", "now"), Column("limit", "limit"),
    Column("since", "since, UTC", left=True, minor=True), Column("action", "does", left=True, minor=True),
    Column("why", "ends", left=True),
)  # fmt: skip
REGIMES = (
    Column("event", "event", left=True, as_said=True), Column("venue", "venue", left=True, minor=True),
    Column("regime", "regime", left=True), Column("why", "why not", left=True), Column("age", "age", minor=True),
)  # fmt: skip
STRESSES = (Column("stress", "if", left=True), Column("pnl", "P&L $"), Column("r", "P&L R0"))
EARNED = (Column("event", "look", left=True), Column("why", "size that is earned", left=True))
PROCESSES = (
    Column("event", "process", left=True), Column("how", "state", left=True), Column("pid", "pid"), Column("uptime", "runs for"),
    Column("heard", "heard", minor=True), Column("hash", "settings", left=True), Column("agrees", "", left=True),
    Column("deaths", "restarts", minor=True),
)  # fmt: skip
LATENCIES = (
    Column("event", "measure", left=True), Column("p50", "median ms"), Column("p99", "p99 ms"), Column("longest", "longest ms", minor=True),
    Column("limit", "limit ms"), Column("n", "n", minor=True),
)  # fmt: skip
COMPONENTS = (
    Column("event", "component", left=True), Column("how", "state", left=True), Column("why", "found", left=True),
    Column("age", "age", minor=True),
)  # fmt: skip
SOURCES = (
    Column("event", "source", left=True), Column("how", "state", left=True), Column("last", "last answer"),
    Column("why", "last error", left=True, minor=True),
)  # fmt: skip
WORDS = {"ok": "", "warn": "▲ near", "reached": "▼ at the limit", "tripped": "▼ tripped"}
TONES = {"warn": "amber", "reached": "red", "tripped": "red"}


def render(services: Services) -> None:
    """Draw limits and tripwires, the switch, then what the desk runs on."""
    st.html("<h1>Risk &amp; system</h1>")
    risk = services.risk.risk()
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(key="live"):
        with panel("Limits"):
            _limits(risk)
        with panel("Tripwires"):
            _tripwires(risk)
    with right, st.container(key="commanding"):
        with panel("Kill switch"):
            heading("Kill switch", "a command is left here and carried out at the desk's next look")
            controls(services, risk)
        with panel("Commands"):
            heading("Commands", "newest first")
            commands(services)
        with panel("Size"):
            _size(services, risk)
        with panel("Stress"):
            _stresses(risk)
    _machinery(services)
    with panel("Regimes"):
        _regimes(services)


def _limits(risk: Risk) -> None:
    if risk.missing:
        empty(risk.missing, "" if START in risk.missing else START)
        return
    st.html(f'<div class="facts">{"".join(_facts(risk))}</div>')
    marked = f"{risk.marked_at:%H:%M:%S} UTC" if risk.marked_at else wording.NONE
    heading("Limits", f"the tick is 80 %; working orders count as filled; marked at {marked}")
    numbered = [one for one in risk.tripwires if one.limit is not None]
    st.html(gauge_table([*numbered, *risk.exposure.values()], kind="limits"))
    if risk.accounts or risk.goals:
        heading("Account rules", "a profile's limits as they stand here; a firm's own current rules count")
        st.html(gauge_table([*risk.accounts, *risk.goals], kind="accounts"))
    else:
        st.html('<p class="rule">No account rules are followed (setting <code>rules.accounts</code>).</p>')


def _facts(risk: Risk) -> Sequence[str]:
    word = "may trade" if risk.can_trade else risk.state.upper()
    unit = wording.dollars(risk.unit_r_usd)
    return (
        fact("state", word, tone="" if risk.can_trade else "red", title=risk.reason),
        fact("day", _r(risk.daily_pnl_r), after=f"of −{risk.daily_limit_r:g} R0", title="Equity less equity at the start of the desk day"),
        fact("week", _r(risk.weekly_pnl_r), after=f"of −{risk.weekly_limit_r:g} R0"),
        fact("drawdown", amount(risk.current_drawdown, "R0"), title="Below the reference high"),
        fact("R0", unit, title="1 % of the equity at the start of the desk day"),
    )  # fmt: skip


def _r(value: float | None) -> str:
    return wording.NONE if value is None else f"{wording.signed(value, 2)} R0"


def _tripwires(risk: Risk) -> None:
    if not risk.tripwires:
        return
    exported(
        "Tripwires",
        risk.reason or "none holds",
        TRIPWIRES,
        [_tripwire(one) for one in risk.tripwires],
        name="tripwires",
        kind="tripwires",
    )


def _tripwire(one: TripwireRow) -> Row:
    since = f"{one.since:%d %b %H:%M}" if one.since else wording.NONE
    switch = one.limit is None and one.unit == ""
    value = ("on" if one.value else "off") if switch else amount(one.value, one.unit)
    return Row(
        one.name,
        (
            Cell(named(one.name), one.name), Cell(WORDS[one.state] or "ok", one.state, "", TONES.get(one.state, "")),
            Cell(value, one.value, "" if one.value is not None else "Nothing to measure yet"),
            Cell(amount(one.limit, one.unit), one.limit, "" if one.limit is not None else "It is on or off"),
            Cell(since, one.since, "It does not hold" if one.since is None else ""), Cell(one.action, one.action),
            Cell(one.ends, one.ends),
        ),
        kind="bound" if one.state == "tripped" else "",
    )  # fmt: skip


def _size(services: Services, risk: Risk) -> None:
    heading("Size", "what scales a purchase besides the regime")
    for step in risk.steps:
        parts = (
            fact("step", f"× {step.step:g}", title="What results have left of the size"),
            fact("dial", str(step.dial), title="5 is all, 1 pauses"), fact("purchases", str(step.entries_day), after="today"),
            fact("", str(step.entries_week), after="this week"), fact("red days", str(step.red_days), after="in a row"),
            *([fact("selling everything", "now", tone="red")] if step.flattening else []),
        )  # fmt: skip
        st.html(f'<div class="facts" data-step="{step.step:g}" data-dial="{step.dial}">{"".join(parts)}</div>')
    gates = services.verification.gates()
    rows = [
        Row(
            f"{one.venue} {one.checkpoint}",
            (Cell(f"{one.venue.title()} {one.checkpoint}"), Cell(one.words, one.size, one.sentence)),
        )
        for one in gates.rows
        if one.n
    ]
    if rows:
        st.html(table(EARNED, rows, kind="earned"))
    else:
        st.html('<p class="rule">Nothing has settled yet: every size is a probe.</p>')


def _stresses(risk: Risk) -> None:
    heading("Stress", "what is held and wanted would bring, before any limit cuts it")
    if risk.stress:
        st.html(table(STRESSES, [_stress(one.name, one.pnl_usd, one.pnl_r) for one in risk.stress], kind="stresses"))
    else:
        st.html('<p class="rule">Nothing is held or wanted that a stress could cost.</p>')


def _stress(name: str, pnl: float, in_r: float | None) -> Row:
    tone = "gain" if pnl > 0 else "loss" if pnl < 0 else ""
    told = wording.NONE if in_r is None else wording.signed(in_r, 2)
    return Row(name, (Cell(name, name), Cell(wording.signed(pnl, 2), pnl, "", tone), Cell(told, in_r)))


def _regimes(services: Services) -> None:
    state = services.system.state()
    rows = [_regime(one) for one in state.regimes]
    note = f"of most: {state.current_regime}; the stricter of the last two looks is in force" if rows else ""
    exported("Regimes of open events", note, REGIMES, rows, name="regimes", kind="regimes")
    if not rows:
        empty("No event is open. A cycle lists them; the engine is started with", START)


def _regime(one: EventRegime) -> Row:
    where = selection.link(Selection(one.station_code, one.event_day, one.extreme, one.venue))
    return Row(
        one.event_id,
        (
            Cell(f"{one.city} {one.station_code} {one.extreme} {one.event_day}", one.event_id, "Open on Live", link=where),
            Cell(one.venue.title(), one.venue), Cell(one.regime, one.regime, "", REGIME_TONES.get(one.regime, "")),
            Cell(wording.reason(one.reason) if one.reason else wording.NONE, one.reason, "" if one.reason else "It may be traded"),
            Cell(wording.ago(one.age_seconds), one.age_seconds),
        ),
    )  # fmt: skip


def _machinery(services: Services) -> None:
    left, right = st.columns(2, gap="medium")
    with left, st.container(key="processes"):
        with panel("Processes"):
            _processes(services.processes.rows())
        with panel("Latency"):
            _latencies(services.machine.machine())
    with right, st.container(key="components"):
        with panel("Components"):
            _components(services.system.health())
        with panel("Sources"):
            _sources(services)


def _sources(services: Services) -> None:
    health = services.sources.health()
    heading("Sources", "more on All stations")
    if health.sources:
        st.html(table(SOURCES, [_source(one) for one in health.sources], kind="sources"))
    else:
        empty(health.missing or "The engine has not asked any source yet.")


def _processes(found: Processes) -> None:
    note = f"all that run have settings {found.config_hash}" if found.agree else "▲ they disagree: restart what is older"
    heading("Processes", note)
    st.html(table(PROCESSES, [_process(one) for one in found.rows], kind="processes"))


def _process(one: ProcessRow) -> Row:
    agrees = {True: "equal", False: "▼ differs", None: wording.NONE}[one.agrees]
    return Row(
        one.name,
        (
            Cell(one.name, one.name), Cell(one.state, one.state, "", PROCESS_TONES.get(one.state, "")),
            Cell(str(one.pid or wording.NONE), one.pid),
            Cell(wording.NONE if one.uptime_seconds is None else wording.span(one.uptime_seconds), one.started_at),
            Cell(wording.ago(one.said_age_seconds), one.said_age_seconds), Cell(one.config_hash or wording.NONE, one.config_hash),
            Cell(agrees, one.agrees, "Compared with the engine's", "red" if one.agrees is False else ""), Cell(str(one.deaths), one.deaths),
        ),
    )  # fmt: skip


def _latencies(found: Machine) -> None:
    age = wording.ago(found.age_seconds)
    heading("Latency", f"of the newest {found.n} cycles; host measured {age}" if found.n else "")
    if found.missing:
        empty(found.missing)
        return
    st.html(table(LATENCIES, [_latency(one) for one in found.latencies], kind="latencies"))
    skews = ", ".join(f"{escape(one.service)} {wording.signed(one.seconds, 1)} s" for one in found.skews) or "not measured here"
    silent = ", ".join(f"{escape(kind)} since {escape(since)}" for kind, since in found.silent.items()) or "none"
    tone = wording.freshness(found.age_seconds, MEASURED_LIMIT)
    st.html(
        f'<p class="rule {tone}">clock against the services: {skews} (limit {found.skew_limit_seconds:g} s) · '
        f"asked for and silent: {silent}</p>"
    )


def _latency(one: Latency) -> Row:
    over = one.limit_ms is not None and (one.p99_ms or 0.0) > one.limit_ms
    numbers = (one.p50_ms, one.p99_ms, one.longest_ms, one.limit_ms)
    cells = [Cell(wording.NONE if value is None else wording.trimmed(value, 1), value) for value in numbers]
    return Row(one.name, (Cell(one.name, one.name, "", "red" if over else ""), *cells, Cell(str(one.n), one.n)))


def _components(found: SystemHealth) -> None:
    heading("Components", found.status)
    st.html(table(COMPONENTS, [_component(name, one) for name, one in found.components.items()], kind="components"))


def _component(name: str, one: Component) -> Row:
    tone = COMPONENT_TONES.get(one.state, "")
    age = wording.freshness(one.age_seconds, BEAT_LIMIT) if name == "heartbeat" else ""
    return Row(
        name,
        (
            Cell(name, name), Cell(one.state, one.state, "", tone), Cell(one.detail, one.detail),
            Cell(wording.ago(one.age_seconds), one.since, "", age),
        ),
    )  # fmt: skip


def _source(one: SourceRow) -> Row:
    ill = one.state not in ("ok", "waiting")
    return Row(
        one.name,
        (
            Cell(one.name, one.name, f"of {one.source}"),
            Cell(one.state, one.state, SOURCE_STATES.get(one.state, ""), "amber" if ill else ""),
            Cell(wording.ago(one.age_seconds), one.last_success, "By the world's clock"),
            Cell(one.last_error[:120] or wording.NONE, one.last_error, one.last_error or "It never failed"),
        ),
    )  # fmt: skip
