"""What a person commands from the page: kill and flatten in two steps, lift, dial, rebase; each says what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

import streamlit as st

from core.errors import HermesError
from core.model.command import Caller, Scope
from core.model.governor import MOST_REBASES
from core.services import Services
from core.services.operator import LEVELS, MOST_REASON, CommandState
from core.services.risk import KILL, Risk
from dashboard import wording
from dashboard.components.table import Cell, Column, Row, table

CALLER = Caller("the dashboard", frozenset(Scope))
SAID = "command_said"  # the last press of a button: its command, or why there is none
ARMED = ("arm_kill", "arm_flatten")
RECENT = 8
STATES = {"pending": "▲ waits", "taken": "▲ taken up", "done": "done"}
COMMANDS = (
    Column("verb", "command", left=True), Column("at", "asked", left=True, as_said=True), Column("by", "by", left=True, minor=True),
    Column("how", "state", left=True), Column("why", "result", left=True),
)  # fmt: skip


def controls(services: Services, risk: Risk) -> None:
    """Draw the switch, the dial and the rest; every press leaves a command and never waits for it."""
    thrown = KILL in risk.tripped
    with st.container(key="kill"):
        state = '<b class="red">▼ thrown: exits only</b>' if thrown else "<b>not thrown</b>"
        st.html(
            f'<p class="rule" data-kill="{"thrown" if thrown else "open"}">kill switch: {state}, for every desk of this folder</p>'
        )
        if thrown:
            _lift(services)
        else:
            _two_steps(services, "kill", "Kill switch", "Throw the kill switch", "Exits only, until a person lifts it")
        _two_steps(
            services,
            "flatten",
            "Sell everything",
            "Sell all, add no risk",
            "Sells at any fresh bid, and throws the kill switch",
        )
    with st.container(key="dial", horizontal=True, vertical_alignment="bottom", gap="small"):
        _dial(services, risk)
    with st.container(key="rebase"):
        _rebase(services, risk)
    _said(services)


def _two_steps(services: Services, verb: str, label: str, press: str, about: str) -> None:
    armed = st.toggle(f"Arm: {label.lower()}", key=f"arm_{verb}", help=f"First step of two. {about}")
    if not armed:
        return
    with st.container(key=f"throw_{verb}", horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input("Why", key=f"why_{verb}", max_chars=MOST_REASON, placeholder="a reason in words")
        st.button(press, key=f"do_{verb}", type="primary", on_click=_press(services, verb, f"why_{verb}"), help=about)


def _lift(services: Services) -> None:
    with st.container(key="lifting", horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input("Why lift", key="why_lift", max_chars=MOST_REASON, placeholder="a reason in words")
        st.button(
            "Lift", key="do_lift", on_click=_press(services, "lift", "why_lift"), help="Ends the kill switch at the next look"
        )


def _dial(services: Services, risk: Risk) -> None:
    now = min((step.dial for step in risk.steps), default=LEVELS[-1])
    names = {5: "5 · full size", 4: "4 · 90 %", 3: "3 · 75 %", 2: "2 · 50 %", 1: "1 · 25 %, pauses"}
    st.selectbox(
        f"Operator dial, now {now}", sorted(names, reverse=True), index=LEVELS[-1] - now, key="level", format_func=names.get
    )
    st.button("Set", key="do_dial", on_click=lambda: _ask(services, "dial", {"level": st.session_state["level"]}))


def _rebase(services: Services, risk: Risk) -> None:
    done = max((step.rebases for step in risk.steps), default=0)
    with st.expander(f"Rebase the drawdown · done {done} of {MOST_REBASES}"):
        st.html(
            f'<p class="rule">Counts the drawdown from here, at half size; only where it has tripped, at most {MOST_REBASES} times.</p>'
        )
        st.text_input("Why rebase", key="why_rebase", max_chars=MOST_REASON, placeholder="a reason in words")
        st.button("Rebase", key="do_rebase", on_click=_press(services, "rebase", "why_rebase"))


def _press(services: Services, verb: str, field: str) -> Callable[[], None]:
    def pressed() -> None:
        reason = str(st.session_state.get(field, "")).strip()
        _ask(services, verb, {"reason": reason} if reason or verb != "lift" else {})

    return pressed


def _ask(services: Services, verb: str, arguments: Mapping[str, object]) -> None:
    try:
        left = services.operator.ask(verb, arguments, CALLER)
    except HermesError as error:
        st.session_state[SAID] = "loss", f"▲ {verb}: {error}"
        return
    st.session_state[SAID] = "", left.command_id
    for name in ARMED:
        st.session_state[name] = False


def _said(services: Services) -> None:
    """Say what became of the last press, for as long as the page stays open."""
    tone, told = st.session_state.get(SAID, ("", ""))
    if not told:
        return
    state = services.operator.command(told) if not tone else None
    words, how = (state.message, state.state) if state else (told, "refused")
    st.html(f'<p class="rule {tone}" role="status" data-said="{how}">{escape(words)}</p>')


def commands(services: Services) -> None:
    """Draw the newest commands with what came of each."""
    found = services.operator.commands(RECENT)
    if not found.commands:
        st.html('<p class="rule">Nobody has asked anything yet.</p>')
        return
    now = services.status.health().timestamp
    st.html(table(COMMANDS, [_command(one, (now - one.asked_at).total_seconds()) for one in found.commands], kind="commands"))


def _command(one: CommandState, age: float) -> Row:
    level = f" {one.arguments['level']}" if "level" in one.arguments else ""
    tone = "" if one.state == "done" else "amber"
    return Row(
        one.command_id,
        (
            Cell(f"{one.verb}{level}", one.verb, str(one.arguments.get("reason", ""))),
            Cell(wording.ago(age), one.asked_at, f"{one.asked_at:%Y-%m-%d %H:%M:%S} UTC, {one.command_id}"), Cell(one.by, one.by),
            Cell(STATES.get(one.state, one.state), one.state, "", tone), Cell(one.message, one.message),
        ),
        kind=one.state,
    )  # fmt: skip
