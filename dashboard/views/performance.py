"""Performance: the equity and what it stands on, in R: were claims true, what was luck, what did trading cost, what went worst."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from core.errors import NotAllowedError
from core.services import Services
from core.services.choice import Choice
from core.services.performance import Figure, Performance, Pnl
from dashboard import wording
from dashboard.charts import performance as chart
from dashboard.components import performed
from dashboard.components.export import exported
from dashboard.components.filters import Box, filters
from dashboard.components.page import empty, fact, heading, panel
from dashboard.components.plot import Figure as Drawing
from dashboard.components.plot import plot
from dashboard.components.table import table

SPANS, WINDOWS = ("30 days", "90 days", "180 days", "365 days"), ("20", "50", "100", "300")
FIRST_TABLES = ("station", "lead", "bracket", "venue", "regime")
CHOSEN_FACTS = ("expected_r", "event_profit_factor", "event_win_rate", "net_usd", "realised_edge_slope")
FIRST_FIGURES = 11  # beside the equity
ALTS: Mapping[str, str] = {
    "equity": "Equity with the band that true claims allow, drawdown under it",
    "edges": "Realised against claimed edge",
    "parts": "Parts of the result: edge, spread, fees, luck",
    "ladder": "The result at the mid, at the touch, by depth, after fees, and as filled",
}


def render(services: Services) -> None:
    """Draw the page for the trades that the address asks for."""
    st.html("<h1>Performance</h1>")
    with st.container(key="live"), panel("Decided events"):
        everything = services.performance.summary()
        if not everything.total:
            empty(everything.missing)
            return
        choice = _choice(_filters(everything))
        found = services.performance.summary(choice)
        st.html(f'<div class="facts">{"".join(_facts(found))}</div>')
        if not found.n:
            empty("No decided event passes these filters.")
            return
        _panels(services, found, choice)


def _filters(found: Performance) -> Mapping[str, str]:
    """Return what was chosen; a box stands where there is something to choose, or where the address names something."""
    there = found.choices
    boxes = (
        Box("desk", "Desk", there.desks), Box("station", "Station", there.stations, free=True),
        Box("venue", "Venue", there.venues), Box("lead", "Days ahead", [str(lead) for lead in there.leads]),
        Box("side", "Side", ("YES", "NO")), Box("extreme", "High or low", ("high", "low")),
        Box("strategy", "Strategy", there.strategies), Box("regime", "Regime", there.regimes), Box("span", "Newest", SPANS),
        Box("window", "Window", WINDOWS, free=True),
    )  # fmt: skip
    shown = [box for box in boxes if len(box.options) > 1 or box.name in st.query_params]
    with st.container(key="performance_filters"):
        return {**{box.name: "" for box in boxes}, **filters(shown, key="filters")}


def _choice(asked: Mapping[str, str]) -> Choice:
    days, _, unit = asked["span"].partition(" ")
    if asked["span"] and not (days.isdecimal() and len(days) < 6 and unit == "days"):
        raise NotAllowedError(f"A span is written like {SPANS[0]!r}; got {asked['span'][:40]!r}", "span")
    return Choice(
        desk=asked["desk"] or None, station_code=asked["station"].upper() or None, venue=asked["venue"] or None,
        lead=_whole(asked, "lead"), side=asked["side"].upper() or None, strategy=asked["strategy"] or None,
        regime=asked["regime"].upper() or None, extreme=asked["extreme"] or None, days=int(days) if days else None,
        window=_whole(asked, "window"),
    )  # fmt: skip


def _whole(asked: Mapping[str, str], name: str) -> int | None:
    text = asked[name]
    if text and not (text.isdecimal() and len(text) < 7):
        raise NotAllowedError(f"{name} is a whole number; got {text[:40]!r}", name)
    return int(text) if text else None


def _facts(found: Performance) -> Sequence[str]:
    of = {one.name: one for one in found.figures}
    days = ""
    if found.first is not None and found.last is not None:
        days = f", {wording.day(found.first)} {found.first.year} to {wording.day(found.last)} {found.last.year}"
    decay = found.decay
    return (
        fact("decided events", f"{found.n:,}", after=f"on {found.n_dates} dates{days}, {found.open_events} open"),
        *(_fact(of[name]) for name in CHOSEN_FACTS),
        fact("may be claimed", found.verdict, tone="" if found.verdict == "enough" else "amber", title=found.counted),
        *((fact("▲ decay", decay.warning, tone="amber", title=performed.decay_words(found)),) if decay.warning else ()),
    )


def _fact(one: Figure) -> str:
    between = performed.interval_words(one)
    return fact(
        one.label, performed.figure_words(one), after=f"({between})" if between else "", title=one.reason or one.definition
    )


def _panels(services: Services, found: Performance, choice: Choice) -> None:
    revision = found.as_of.isoformat()
    with panel("Equity"):
        _equity(services.performance.pnl(choice), found, revision)
    with panel("Claims"):
        _claims(services, choice, revision)
    with panel("Parts"):
        _parts(services, choice, revision)
    with panel("After the trade"):
        _followed(services, choice)
    with panel("By kind"):
        _groups(services, choice)
    with panel("Worst ten"):
        _worst(services, choice)
    with panel("Tear sheet"):
        _tear_sheet(services, choice)


def _equity(pnl: Pnl, found: Performance, revision: str) -> None:
    left, right = st.columns([1.5, 1], gap="medium")
    with left, st.container(key="score_chart"):
        note = (
            "marked at the bid, desk days"
            if pnl.start_usd is not None
            else "of these events alone: they have no equity of their own"
        )
        heading("Equity", note)
        _plot(bool(pnl.days), lambda: chart.equity(pnl, revision), "equity", chart.TALL)
        st.html(performed.note(found.counted + "."))
        st.html(performed.note(performed.decay_words(found) + "."))
    with right, st.container(key="scores"):
        rows, note = performed.figure_rows(found.figures), f"{found.n} events"
        first = rows[:FIRST_FIGURES]
        exported("In R", note, performed.FIGURES, first, name="figures", kind="figures", everything=lambda: rows)
    with st.expander("More figures of the events", key="more_figures"):
        half = FIRST_FIGURES + (len(rows) - FIRST_FIGURES + 1) // 2
        for column, some in zip(st.columns(2, gap="medium"), (rows[FIRST_FIGURES:half], rows[half:]), strict=True):
            column.html(table(performed.FIGURES, some, kind="figures"))


def _claims(services: Services, choice: Choice, revision: str) -> None:
    found = services.performance.edges(choice)
    left, right = st.columns(2, gap="medium")
    with left:
        heading("Claimed and realised edge", f"n = {found.n} events on {found.n_dates} dates, of a share bought")
        _plot(bool(found.points), lambda: chart.edges(found, revision), "edges", chart.HEIGHT)
    with right:
        rows, note = performed.edge_rows(found), "events of like claims, smallest first"
        exported("Edges", note, performed.EDGES, rows, name="edges", kind="edges")
        st.html(performed.note(performed.slope_words(found)))


def _parts(services: Services, choice: Choice, revision: str) -> None:
    found = services.performance.attribution(choice).attribution
    left, right = st.columns(2, gap="medium")
    with left:
        heading("What the result is made of", "they add up to the last millionth of a dollar")
        _plot(found.n > 0, lambda: chart.parts(found, revision), "parts", chart.HEIGHT)
        said = "Edge: fair value less mid at the decision. Spread: mid less price paid. Luck: what shares paid less their fair value."
        st.html(performed.note(said))
    with right:
        heading("What trading cost", "the same events at other prices")
        _plot(found.n > 0, lambda: chart.ladder(found, revision), "ladder", chart.HEIGHT)
        st.html(
            performed.note(
                "Mid and touch: of the decision. By depth: the average its book asked. As filled: the book on arrival."
            )
        )


def _followed(services: Services, choice: Choice) -> None:
    found = services.performance.followed(choice)
    rows = performed.closing_rows(found.closing)
    note = "at the declared checkpoint: mid less price paid, implied mean less that at entry"
    exported("Closing value", note, performed.CLOSING, rows, name="closing", kind="closing")
    rows = performed.moved_rows(found.markouts)
    exported("Markouts", "mid after the fill, mean of events", performed.MOVED, rows, name="markouts", kind="markouts")
    st.html(performed.note(performed.resting_words(found)))
    if found.resting.steps:
        exported("Resting orders", "stated and filled", performed.STEPS, performed.step_rows(found), name="resting")


def _groups(services: Services, choice: Choice) -> None:
    found = {group.dimension: group for group in services.performance.groups(choice).groups}
    first, rest = (
        [found[name] for name in FIRST_TABLES if name in found],
        [one for one in found.values() if one.dimension not in FIRST_TABLES],
    )
    for start in range(0, len(first), 2):
        for column, group in zip(st.columns(2, gap="medium"), first[start : start + 2], strict=False):
            with column:
                _group(group.dimension, group.rows)
    with st.expander("By side, strategy, symbol, weekday and hour of entry", key="more_kinds"):
        for group in rest:
            _group(group.dimension, group.rows)


def _group(dimension: str, rows: Sequence[performed.GroupRow]) -> None:
    note = "legs netted within the kind" if dimension in ("bracket", "side") else "grey below 30 events"
    shown = performed.group_rows(rows)
    exported(f"By {dimension}", note, performed.group_columns(dimension), shown, name=f"by_{dimension}", kind=f"by_{dimension}")


def _worst(services: Services, choice: Choice) -> None:
    def everything() -> list[performed.Row]:
        return performed.result_rows(services.performance.events(choice, sort="worst", limit=1_000_000).events)

    found = services.performance.events(choice, sort="worst", limit=10)
    rows = performed.result_rows(found.events)
    note = f"of {found.total} decided events; a click explains"
    exported("Worst ten", note, performed.RESULTS, rows, name="events", kind="worst", everything=everything)


def _tear_sheet(services: Services, choice: Choice) -> None:
    found = services.performance.tear_sheet(choice.desk)
    with st.expander(f"Tear sheet of the equity, {found.n} days", key="tear_sheet"):
        if found.missing:
            empty(found.missing)
            return
        note = f"{found.annual}; of the desk as a whole, whatever else is chosen"
        exported("Tear sheet", note, performed.FIGURES, performed.figure_rows(found.figures), name="tear_sheet", kind="sheet")


def _plot(there: bool, make: Callable[[], Drawing], name: str, height: int) -> None:
    if not there:
        empty("Nothing was decided here yet.")
        return
    plot(make(), key=f"plot_{name}", height=height, alt=ALTS[name])
