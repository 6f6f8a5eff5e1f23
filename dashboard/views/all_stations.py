"""All stations: sick sources first, where they are, one card per event, why the rest is left alone, how the sources are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from core.errors import NotAllowedError
from core.services import Services
from core.services.pairs import Pair, Side
from core.services.sources import STATES as SOURCE_STATES
from core.services.sources import Doubt, Silence, SourceHealth, SourceRow
from core.services.stations import STATES, Skipped, StationCards
from dashboard import selection, wording
from dashboard.charts import map as map_chart
from dashboard.components.cards import best_bracket, cards, held_in_words, interval_of
from dashboard.components.export import exported
from dashboard.components.filters import Box, filters
from dashboard.components.page import START, empty, heading, panel
from dashboard.components.plot import plot
from dashboard.components.table import Cell, Column, Row, table
from dashboard.selection import Selection

SOURCE_TONES = {
    "ok": "", "waiting": "quiet", "no key": "amber", "limited": "amber", "unreadable": "loss", "down": "loss",
}  # fmt: skip

LONGEST, LONGEST_NAME = 160, 30  # that a table shows whole; the rest is on hover and in the file
LONG_ID = re.compile(r"[0-9a-zA-Z]{32,}")

SKIPPED = (
    Column("event", "event", left=True), Column("venue", "venue", left=True, minor=True), Column("day", "day", left=True),
    Column("brackets", "brackets"), Column("edge", "best edge", named="best edge ¢", scale=100),
    Column("bracket_best", "of", left=True, minor=True, named="bracket with the best edge", as_said=True),
    Column("why", "why", left=True),
)  # fmt: skip
SOURCES = (
    Column("event", "service", left=True), Column("state", "state", left=True),
    Column("last", "last answer", named="last answer at, UTC"), Column("unanswered", "unanswered, last hour"),
    Column("answers", "answers since start", minor=True), Column("failures", "failures since start", minor=True),
    Column("error_at", "last error", named="last error at, UTC"), Column("why", "what it was", left=True),
)  # fmt: skip
DOUBTS = (
    Column("event", "source", left=True), Column("count", "times"), Column("last", "newest", named="newest at, UTC"),
    Column("part", "set apart", left=True, minor=True), Column("subjects", "about", minor=True, named="about so many"),
    Column("subject", "newest about", left=True), Column("why", "newest, word by word", left=True),
)  # fmt: skip
SILENCES = (
    Column("event", "service", left=True), Column("count", "times, 24 h"), Column("recent", "last hour"),
    Column("last", "newest", named="newest at, UTC"), Column("why", "newest, word by word", left=True),
)  # fmt: skip


def render(services: Services) -> None:
    """Draw the page for the filters of the address."""
    st.html("<h1>All stations</h1>")
    health = None
    with panel("Sources"):
        health = services.sources.health()
        if health.sick:
            _source_table(health)
    with panel("Stations"), st.container(key="live"):
        found = _asked(services)
        if not found.n:
            empty(found.missing or "No event is open. The next cycle looks for listings.", "" if found.missing else START)
        else:
            _stations(services, found)
    with st.container(key="sources"), panel("Sources"):
        if health is not None:
            _sources(health)


def _asked(services: Services) -> StationCards:
    everything = services.stations.cards()
    state = st.query_params.get("state", "")
    if state and state not in STATES:
        raise NotAllowedError(f"state is one of {', '.join(STATES)}; got {state[:40]!r}", "state")
    chosen = filters(
        (
            Box("venue", "Venue", everything.venues),
            Box("day", "Day", [day.isoformat() for day in everything.days]),
            Box("extreme", "High or low", ("high", "low")),
            Box("region", "Region", everything.regions),
            Box("state", "State", list(STATES)),
        ),
        key="filters",
    )  # fmt: skip
    return services.stations.cards(
        venue=chosen["venue"] or None, event_day=selection.asked_day(chosen["day"]), extreme=chosen["extreme"] or None,
        region=chosen["region"] or None, state=chosen["state"] or None,
    )  # fmt: skip


def _stations(services: Services, found: StationCards) -> None:
    if not found.cards:
        empty("No event passes these filters.")
        return
    marks = services.stations.marks(found.cards, found.as_of)
    with st.container(key="map"), panel("Map"):
        plot(
            map_chart.world(marks, found.as_of.isoformat()), key="stations_map", height=map_chart.HEIGHT,
            alt=f"Map of {len(marks)} stations: size is what is at risk, colour what they have brought",
        )  # fmt: skip
        st.html('<p class="rule">size: at risk · colour: P&amp;L of the events shown, gain, loss or neither</p>')
    heading("Events", f"{found.total} of {found.n}")
    st.html(cards(found.cards, interval_of(services.status.strip())))
    with st.container(key="pairs"), panel("Same city, two rules"):
        _pairs(services.pairs.pairs().pairs)
    with st.container(key="skipped"), panel("Skipped and why"):
        skipped = services.stations.skipped([card.event_id for card in found.cards])
        units = {card.event_id: card.unit for card in found.cards}
        rows = [_skipped(one, units.get(one.event_id, "")) for one in skipped.rows]
        exported("Skipped and why", f"newest evaluation, {len(rows)} reasons", SKIPPED, rows, name="skipped")
        if not rows:
            empty("Nothing is skipped: every bracket of these events is as wanted, or their day is over.")


def _skipped(one: Skipped, unit: str) -> Row:
    where = Selection(one.station_code, one.event_day.isoformat(), one.extreme, one.venue)
    return Row(
        one.event_id,
        (
            Cell(f"{one.city} {one.extreme}", f"{one.station_code} {one.extreme}", one.event_id, link=selection.link(where)),
            Cell(one.venue.title(), one.venue), Cell(wording.day(one.event_day), one.event_day),
            Cell(str(one.brackets or "all"), one.brackets), Cell(wording.edge_cents(one.best_edge), one.best_edge),
            Cell(wording.spelled(one.best_bracket, unit) or wording.NONE, one.best_bracket),
            Cell(wording.reason(one.reason), one.reason, one.sentence),
        ),
    )  # fmt: skip


def _pairs(pairs: Sequence[Pair]) -> None:
    heading("Same city, two rules", "events that two venues list for one city and day")
    if not pairs:
        empty("No city is listed on two venues for the same day.")
    for pair in pairs:
        name = f"{pair.city} · {wording.extreme(pair.extreme)} · {wording.day(pair.event_day)}"
        with st.expander(name, expanded=len(pairs) == 1):
            st.html(table(_pair_columns(pair), list(_pair_rows(pair))))
            said = "".join(f"<li><span>{sentence}</span></li>" for sentence in map(_escaped, pair.differences))
            st.html(f'<ul class="lines">{said}</ul>' if said else '<p class="rule">The two texts ask for the same number.</p>')


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _pair_columns(pair: Pair) -> tuple[Column, ...]:
    names = (f"{side.card.venue.title()} {side.card.station_code}" for side in (pair.one, pair.other))
    return (Column("event", "", left=True), *(Column(f"side{i}", name, left=True) for i, name in enumerate(names)))


def _pair_rows(pair: Pair) -> Sequence[Row]:
    lines = (
        ("rule", lambda side: side.rule.sentence if side.rule else "its text was not received lately"),
        ("day counts", _window), ("forecast", lambda side: _number(side.card.forecast, side.card.unit)),
        ("so far", lambda side: _number(side.card.floor, side.card.unit)),
        ("best edge", lambda side: f"{wording.edge_of(side.card.best_side, side.card.best_edge)} {best_bracket(side.card)}"),
        ("held", lambda side: ", ".join(held_in_words(one, side.card.unit) for one in side.card.held) or "nothing"),
        ("state", lambda side: side.card.state),
    )  # fmt: skip
    return [Row(name, (Cell(name), *(Cell(said(side)) for side in (pair.one, pair.other)))) for name, said in lines]


def _window(side: Side) -> str:
    return f"{side.card.window_start:%a %H:%M} to {side.card.window_end:%a %H:%M} UTC"


def _number(value: float | None, unit: str) -> str:
    return wording.NONE if value is None else f"{wording.trimmed(value, 1)}°{unit}"


def _sources(health: SourceHealth) -> None:
    if not health.sick:
        _source_table(health)
    if health.silences:
        count = sum(one.count for one in health.silences)
        note = f"{count:,} times in the last 24 hours no answer came; it was asked again, or the cycle went on without"
        exported("Did not answer", note, SILENCES, [_silence(one, health) for one in health.silences], name="unanswered")
    if health.doubts:
        note = f"{health.n:,} answers of the last 24 hours were not believed, whole or in part; their bytes are kept"
        exported("Quarantined", note, DOUBTS, [_doubt(one, health) for one in health.doubts], name="quarantined")


def _source_table(health: SourceHealth) -> None:
    sick = ", ".join(f"{one.name} {SOURCE_STATES[one.state]}" for one in health.sick)
    rows = [_source(one, health) for one in health.sources]
    exported("Sources", f"▲ {sick}" if sick else "as the engine last spoke of them", SOURCES, rows, name="sources")
    if not rows:
        empty(health.missing or "The engine has not asked any source yet.")


def _source(one: SourceRow, health: SourceHealth) -> Row:
    now = one.state not in ("ok", "waiting")
    older = "Longer than a day ago" if one.last_error_at else "It never failed"
    past = "" if now or not one.last_error else "It has answered since: "
    error_age = (health.as_of - one.last_error_at).total_seconds() if one.last_error_at else None
    return Row(
        one.name,
        (
            Cell(one.name, one.name, f"of {one.source}"),
            Cell(one.state, one.state, SOURCE_STATES.get(one.state, ""), SOURCE_TONES.get(one.state, "")),
            Cell(wording.ago(one.age_seconds), one.last_success, "By the world's clock"),
            Cell(f"{one.unanswered_hour:,}", one.unanswered_hour, "What was wanted of it in the last hour and did not come"),
            Cell(f"{one.successes:,}", one.successes), Cell(f"{one.failures:,}", one.failures, f"{one.retries} retries"),
            Cell(wording.ago(error_age), one.last_error_at, past),
            Cell(_short(one.last_error) or wording.NONE, one.last_error, f"{past}{one.last_error}" or older, "" if now else "quiet"),
        ),
        kind=one.state.replace(" ", "_"),
    )  # fmt: skip


def _silence(one: Silence, health: SourceHealth) -> Row:
    return Row(
        one.service,
        (
            Cell(one.service, one.service, f"of {one.source}"), Cell(f"{one.count:,}", one.count, f"about {one.subjects} subjects"),
            Cell(f"{one.recent:,}", one.recent), _when(one.last_at, health), Cell(_short(one.reason), one.reason, one.reason),
        ),
    )  # fmt: skip


def _doubt(one: Doubt, health: SourceHealth) -> Row:
    return Row(
        f"{one.source} {one.subject}",
        (
            Cell(one.source, one.source), Cell(f"{one.count:,}", one.count), _when(one.last_at, health),
            Cell("the answer" if one.whole else "some rows", one.whole), Cell(str(one.subjects), one.subjects),
            Cell(_short(f"{one.kind} of {one.subject}", LONGEST_NAME), f"{one.kind} {one.subject}", one.subject),
            Cell(_short(one.reason), one.reason, one.reason),
        ),
    )  # fmt: skip


def _when(at: datetime, health: SourceHealth) -> Cell:
    return Cell(wording.ago((health.as_of - at).total_seconds()), at, f"{at:%Y-%m-%d %H:%M:%S} UTC")


def _short(text: str, longest: int = LONGEST) -> str:
    """Return a text without the length of its ids."""
    cut = LONG_ID.sub(lambda found: f"{found.group()[:8]}…", text)
    return cut if len(cut) <= longest else f"{cut[:longest]}…"
