"""Live: one event, from its curve to its ladder, what is held of it and what was done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from decimal import Decimal
from html import escape
from urllib.parse import quote

import streamlit as st

from core.services import Services
from core.services.activity import LogRow
from core.services.earned import Earned
from core.services.edges import Edge, Ladder, Outlook
from core.services.positions import EventPosition, OutcomeState
from core.services.weather import EventCard, refusals
from dashboard import selection, wording
from dashboard.charts import event as event_chart
from dashboard.charts import market as market_chart
from dashboard.charts.frame import clock_name, clock_of
from dashboard.components.export import exported
from dashboard.components.ladder import columns as ladder_columns
from dashboard.components.ladder import ended_rows, names_of, winner_of
from dashboard.components.ladder import rows as ladder_rows
from dashboard.components.page import START, empty, heading, panel
from dashboard.components.picker import picker
from dashboard.components.plot import plot
from dashboard.components.table import Cell, facts
from dashboard.selection import Selection

LAST = "last_selection"  # comes back with the page where the address says nothing
LINES = 6  # of activity
LIKELY = 3  # outcomes that are shown one by one
CHANGED = "listing_changed"  # reason of an outlook that is refused for it
NOT_SAID = ("---", "+++", "@@", "-refusal:", "+refusal:")  # lines of a difference that say nothing new
NEVER = Cell(wording.NONE, None, "Nothing of this event was traded")


def render(services: Services) -> None:
    """Draw the page for the event of the address."""
    with panel("Events"):
        outlook = _pick(services)
        if outlook is not None:
            with st.container(key="live"):
                _event(services, outlook)


def _pick(services: Services) -> Outlook | None:
    """Return the event of the address, or the best one; what is shown is what the address says."""
    found, wanted = services.edges.events(), selection.asked(st.query_params) or st.session_state.get(LAST, Selection())
    chosen = selection.chosen(found.outlooks, wanted, found.as_of)
    if chosen is None and wanted:
        everything = services.edges.events(only_open=False)
        chosen = selection.chosen(everything.outlooks, wanted, everything.as_of)
        if chosen is None and found.outlooks:
            empty(f"The address asks for {_said(wanted)}, which was never evaluated here. Pick another event.")
            picker(found.outlooks, Selection(), found.as_of)
            return None
    if chosen is None:
        empty(found.missing or "No event is open. The next cycle looks for listings.", "" if found.missing else START)
        return None
    own = st.session_state[LAST] = selection.of(chosen)
    for field in selection.FIELDS:
        if st.query_params.get(field) != getattr(own, field):
            st.query_params[field] = getattr(own, field)
    with st.container(key="head", horizontal=True, vertical_alignment="center", gap="small"):
        st.html(f"<h1>{escape(chosen.city)} · {wording.extreme(chosen.extreme)} · {wording.day(chosen.event_day)}</h1>")
        picker(found.outlooks if chosen in found.outlooks else (*found.outlooks, chosen), own, found.as_of)
    return chosen


def _said(wanted: Selection) -> str:
    return ", ".join(getattr(wanted, field) for field in selection.FIELDS if getattr(wanted, field))


def _event(services: Services, outlook: Outlook) -> None:
    ladder, card, made = Ladder(outlook.decided_at, "", 0, outlook.event_id, None, ()), None, None
    with panel("Ladder"):
        ladder = services.edges.ladder(outlook.event_id)
    names, winner = names_of(ladder.rungs), winner_of(ladder.rungs, outlook.winner_market_id)
    with panel("Temperature"):
        card = services.weather.card(outlook.event_id)
        booked = services.trades.recent(event_id=outlook.event_id, limit=1)
        made = booked.total_realized_pnl if booked.total else None
        earned = None
        if card.as_of < card.window_end:
            earned = services.verification.earned(outlook.venue, outlook.station_code, outlook.event_day)
        st.html(rule_line(card, outlook, names.get(winner, "") if winner is not None else "", made, earned))
        if why := refused(card, outlook):
            st.html(why)
    with st.container(key="figure"), panel("Temperature"):
        if card is not None:
            plot(
                event_chart.signature(card, ladder.rungs, winner), key="signature", height=event_chart.HEIGHT,
                alt=f"Temperature of {card.city} and probability by bracket",
            )  # fmt: skip
    with st.container(key="tables"):
        left, right = st.columns([1.5, 1], gap="medium")
        with left, st.container(key="ladder"):
            _ladder(ladder, outlook, winner)
        with right:
            with st.container(key="position"), panel("This event"):
                _position(services.positions.event(outlook.event_id), ladder, made)
            with st.container(key="activity"), panel("Activity"):
                _activity(services, outlook, card)
    with st.container(key="market"), panel("Market by bracket"):
        if card is not None:
            _market(services, card, names)


def rule_line(
    card: EventCard, outlook: Outlook, winner: str = "", made: Decimal | None = None, earned: Earned | None = None
) -> str:  # fmt: skip
    """Return what the event settles on, what comes next, and how fresh its sources are, in one line.

    Args:
        winner: name of the bracket that won by the newest word about it; "" before there is one.
        made: what the event brought so far, net of fees [USD]; None where nothing of it was traded.
        earned: what size its venue's settled events have earned at this hour; None where the day is over.
    """
    zone, rule = clock_of(card), card.rule
    parts = [escape(card.station_code), escape(card.venue.title())]
    if rule is not None:
        grade = f"rule {escape(rule.grade)} <code>{escape(rule.sha256[:6])}</code>" if rule.grade else "rule not understood"
        grade += ", traded here, not live" if card.simulated_only and not outlook.refusal else ""
        parts += [escape(rule.sentence.rstrip("."))] if rule.grade else []
        parts += [f'<span title="{escape(f"{rule.text} {rule.source_url}")}">{grade}</span>']
    if card.next_report_at is not None and card.as_of < card.window_end:
        left = (card.next_report_at - card.as_of).total_seconds()
        due = f"next in {wording.span(left)}" if left >= 0 else f"awaited for {wording.span(-left)}"
        parts.append(f"METAR {wording.clock(card.next_report_at, zone, seconds=False)} {due}")
    parts.append(escape(_ends(card, outlook, winner, made)))
    if earned is not None:
        parts.append(earned_words(earned))
    notes = "".join(f'<span class="amber">▲ {escape(note)}</span>' for note in card.notes)
    return f'<p class="rule" data-event="{escape(outlook.event_id)}">{" · ".join(parts)} {notes}</p>'


def earned_words(earned: Earned) -> str:
    """Return the size that was earned, and the number that decides it; every check on hover, a click opens the record."""
    told = "\n".join((f"At {earned.checkpoint}: {earned.sentence}".rstrip(": "), *(check.sentence for check in earned.checks)))
    link = f"/verification?venue={quote(earned.venue)}&checkpoint={quote(earned.checkpoint)}"
    return (
        f'<a href="{escape(link)}" target="_self" title="{escape(told)}" data-earned="{escape(earned.size)}">'
        f"{escape(earned.words)}</a>"
    )


def _ends(card: EventCard, outlook: Outlook, winner: str, made: Decimal | None) -> str:
    """Return when the day begins or ends, or how it ended: the venue's word, else ours from METAR."""
    said = f"{winner}°{card.unit}" if winner else "a bracket that is not on this ladder"
    if outlook.final:
        return f"settled at {said}, {f'{wording.gain(made)} net for this desk' if made is not None else 'nothing was traded'}"
    if outlook.winner_market_id and card.as_of >= card.window_end:
        return f"day over, METAR says {said}, the venue's word is awaited"
    if card.as_of < card.window_start:
        return f"day begins in {wording.span((card.window_start - card.as_of).total_seconds())}"
    if card.as_of < card.window_end:
        return f"day ends in {wording.span((card.window_end - card.as_of).total_seconds())}"
    return "day over, settlement pending"


def refused(card: EventCard, outlook: Outlook) -> str:
    """Return why nothing new is traded under this listing, folded: the first sentence, then all of them and both texts."""
    why, change = refusals(card.rule.refusal) if card.rule else (), card.changed
    if not why and (change is None or outlook.refusal != CHANGED):
        return ""
    zone, held = clock_of(card), "no new trades; what is held still settles"
    head = f"Rule not understood; {held}"
    if change is not None:
        head = f"Rule changed {change.at.astimezone(zone):%a %H:%M}; {held}"
    more = f" +{len(why) - 1} more" if len(why) > 1 else ""
    first = f": {why[0]}" if why else "."
    body = "".join(f"<li>{escape(one)}</li>" for one in why)
    texts = "".join(f"<details><summary>{name}</summary><pre>{escape(text)}</pre></details>" for name, text in _texts(card))
    return (
        f'<details class="told"><summary><span class="amber">▲ {escape(head)}{escape(first)}{more}</span></summary>'
        f"<ul>{body}</ul>{texts}</details>"
    )


def _texts(card: EventCard) -> Iterator[tuple[str, str]]:
    """Yield what a person wants to read of a listing that is refused."""
    if card.changed is not None:
        lines = (line for line in card.changed.difference if not line.startswith(NOT_SAID))
        yield "what changed", "\n".join(lines)
        yield "before", card.changed.before
        yield "after", card.changed.after
    elif card.rule is not None:
        yield "the text", card.rule.text


def _ladder(ladder: Ladder, outlook: Outlook, winner: int | None) -> None:
    over, age = ladder.as_of >= outlook.window_end, (ladder.as_of - outlook.decided_at).total_seconds()
    note = f"{'last priced ' if over else ''}{wording.ago(age)}"
    note += f" · not traded: {wording.reason(outlook.refusal)}" if outlook.refusal and not over else ""
    rows = ended_rows(ladder.rungs, winner, final=outlook.final) if over else ladder_rows(ladder.rungs)
    with panel("Ladder"):
        exported("Ladder", note, ladder_columns(outlook.unit), rows, name="ladder", kind="ladder")
        if not ladder.rungs:
            empty(ladder.missing or "This event has no evaluated bracket yet.")


def _position(position: EventPosition, ladder: Ladder, made: Decimal | None) -> None:
    heading("This event")
    st.html(facts(position_facts(position, ladder.rungs, made), field="position"))


def position_facts(position: EventPosition, rungs: Sequence[Edge], made: Decimal | None) -> list[tuple[str, Cell]]:
    """Return what is held, what it fetches, the worst case, and what the outcomes pay; what it brought where all is over."""
    names = names_of(rungs)
    if not position.holdings:
        nothing = Cell("nothing", 0, title="No share of this event is held")
        net = Cell(wording.gain(made), made, f"fees of {position.fees_usd:.2f} $ taken off") if made is not None else NEVER
        return [("held", nothing), ("net of fees", net)]
    held = ", ".join(
        f"{one.side} {names.get(one.rank, one.bracket)} × {wording.shares(one.shares)} at {wording.cents(one.average_price)}¢"
        for one in position.holdings
    )
    fees = f" (fees {position.fees_usd:.2f})"
    at_bid = Cell(
        wording.gain(position.unrealised_usd) + fees if position.unrealised_usd is not None else wording.NONE,
        position.unrealised_usd, _bid_note(position),
    )  # fmt: skip
    return [
        ("held", Cell(held, position.cost_usd, f"cost {position.cost_usd:.2f} $")),
        ("at the bid", at_bid),
        ("worst case", _money_cell(position.worst_usd, "The outcome that is still possible and costs most, fees apart")),
        *_outcome_facts(position.outcomes, rungs),
    ]


def _outcome_facts(outcomes: Sequence[OutcomeState], rungs: Sequence[Edge]) -> Iterator[tuple[str, Cell]]:
    """Yield what the likeliest outcomes pay, the model's own likeliest with them, and between what the others lie."""
    names, model = names_of(rungs), {rung.rank: rung.p_model for rung in rungs}
    possible = sorted((one for one in outcomes if one.possible), key=lambda one: -(one.p_pooled or 0.0))
    best = max(possible, key=lambda one: model.get(one.rank) or 0.0, default=None)
    shown = possible if len(possible) <= LIKELY + 1 else [one for one in possible if one in possible[:LIKELY] or one is best]
    for one in shown:
        title = f"fair probability {wording.percent(one.p_pooled)} %, by the model {wording.percent(model.get(one.rank))} %"
        yield f"if {names.get(one.rank, one.bracket)} wins", _money_cell(one.pnl_usd, title)
    others = [one.pnl_usd for one in possible if one not in shown]
    if others:
        low, high = min(others), max(others)
        text = wording.gain(low) if low == high else f"{wording.gain(low).removesuffix(' $')} to {wording.gain(high)}"
        names_left = ", ".join(names.get(one.rank, one.bracket) for one in possible if one not in shown)
        yield f"if one of {len(others)} less likely wins", Cell(text, None, names_left)


def _money_cell(amount: Decimal, title: str) -> Cell:
    return Cell(wording.gain(amount), amount, title)


def _bid_note(position: EventPosition) -> str:
    ages = [one.bid_age_seconds for one in position.holdings if one.bid_age_seconds is not None]
    if position.unrealised_usd is None:
        return "The book is not deep enough, or there is none, for at least one holding"
    return f"Sold level by level into the newest book, {wording.ago(max(ages, default=None))}"


def _activity(services: Services, outlook: Outlook, card: EventCard | None) -> None:
    zone = clock_of(card) if card else UTC
    heading("Activity", clock_name(card) if card else "UTC")
    logs = services.activity.logs(event_id=outlook.event_id, limit=LINES)
    if not logs.logs:
        empty(logs.missing or "Nothing was done about this event yet.")
        return
    rows = "".join(_log_line(row, zone) for row in logs.logs)
    st.html(f'<ul class="lines">{rows}</ul>')


def _log_line(row: LogRow, zone: tzinfo) -> str:
    message, when = escape(row.message), f"{row.timestamp:%Y-%m-%d %H:%M:%S} UTC"
    return (
        f'<li class="{row.level.lower()}"><time title="{when}">{wording.clock(row.timestamp, zone)}</time>'
        f'<span class="text" title="{message}">{message}</span></li>'
    )


def _market(services: Services, card: EventCard, names: Mapping[int, str]) -> None:
    history = services.weather.market(card.event_id)
    heading("Market by bracket", clock_name(card))
    if history.n < 2:
        empty(history.missing or "One cycle is no line yet.")
        return
    plot(
        market_chart.market(history, card, names), key="market_history", height=market_chart.HEIGHT,
        alt="Probability of each bracket by the market, over time",
    )  # fmt: skip
