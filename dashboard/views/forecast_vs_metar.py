"""Forecast vs METAR: who was right at the checkpoints, whether probabilities came true, what settled, and what was earned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from core.checkpoints import CHECKPOINTS
from core.errors import NotAllowedError
from core.services import Services
from core.services.calibrated import ALL, LAW, LEAST_SHOWN, Calibrated
from core.services.comparisons import Settlements
from core.services.earned import Gates
from core.services.settled import Question
from core.services.verification import Record
from dashboard import wording
from dashboard.charts import verification as chart
from dashboard.components import verified
from dashboard.components.export import exported
from dashboard.components.filters import Box, filters, page_asked
from dashboard.components.page import empty, fact, heading, panel
from dashboard.components.plot import Figure, plot
from dashboard.components.table import csv_table

PER_PAGE = 25
SPANS = ("30 days", "90 days", "180 days", "365 days")
TRADED, APART = "traded", "disagreements"
SETTLED_LIMIT = 4 * 86_400.0  # age of the newest outcome past which the record is old [s]


def render(services: Services) -> None:
    """Draw the page for the events that the address asks for."""
    st.html("<h1>Forecast vs METAR</h1>")
    with st.container(key="live"), panel("Settled events"):
        everything = services.verification.record()
        if everything.missing:
            empty(everything.missing)
            return
        asked = _filters(everything)
        question, checkpoint = _question(asked), asked["checkpoint"] or None
        record = services.verification.record(question)
        st.html(f'<div class="facts">{"".join(_facts(record, services, question))}</div>')
        if not record.n:
            empty("No settled event passes these filters.")
            return
        _panels(services, question, checkpoint, asked)


def _filters(record: Record) -> Mapping[str, str]:
    first = CHECKPOINTS[0].name
    with st.container(key="verification_filters"):
        return filters(
            (
                Box("station", "Station", record.stations, free=True), Box("venue", "Venue", record.venues),
                Box("extreme", "High or low", ("high", "low")),
                Box("checkpoint", "Checkpoint", [each.name for each in CHECKPOINTS], nothing=first),
                Box("span", "Newest", SPANS), Box("subset", "Events", (TRADED,)), Box("record", "Record", (APART,)),
            ),
            key="filters",
        )  # fmt: skip


def _question(asked: Mapping[str, str]) -> Question:
    days, _, unit = asked["span"].partition(" ")
    if asked["span"] and not (days.isdecimal() and len(days) < 6 and unit == "days"):
        raise NotAllowedError(f"A span is written like {SPANS[0]!r}; got {asked['span'][:40]!r}", "span")
    return Question(
        asked["station"].upper() or None, asked["venue"] or None, asked["extreme"] or None, int(days) if days else None
    )  # fmt: skip


def _facts(record: Record, services: Services, question: Question) -> Sequence[str]:
    if record.first is None or record.last is None or record.newest_at is None:
        return ()
    age = (record.as_of - record.newest_at).total_seconds()
    told = services.verification.settlements(question, limit=1)
    share = f"{told.agreed} of {told.compared}" if told.compared else wording.NONE
    days = f"{wording.day(record.first)} {record.first.year} to {wording.day(record.last)} {record.last.year}"
    return (
        fact("settled events", f"{record.n:,}", after=f"on {record.n_dates} dates, {days}"),
        fact("newest outcome", wording.ago(age), tone=wording.freshness(age, SETTLED_LIMIT), title="Since its receipt"),
        fact("METAR agrees", share, title="Events whose bracket the station's own reports give, of those that have reports"),
    )


def _panels(services: Services, question: Question, checkpoint: str | None, asked: Mapping[str, str]) -> None:
    name = checkpoint or CHECKPOINTS[0].name
    with panel("Scores"):
        _scores(services, question, traded=asked["subset"] == TRADED)
    with panel("What it has earned"):
        _gates(services.verification.gates(venue=question.venue))
    with panel("Calibration"):
        _calibration(services.verification.calibration(question, checkpoint), name)
    with panel("Errors"):
        _errors(services, question, name)
    with panel("Edges"):
        _edges(services, question, checkpoint)
    with panel("Settlement record"):
        _record(services, question, apart=asked["record"] == APART)


def _scores(services: Services, question: Question, *, traded: bool) -> None:
    found = services.verification.scores(question)
    rows = found.traded if traded else found.rows
    note = (
        "mean of each event; only what the desk would have traded" if traded else "mean of each event for which all three spoke"
    )
    left, right = st.columns([1, 1.75], gap="medium")
    with left, st.container(key="score_chart"):
        heading("Log score", "station's standard time")
        _plot(any(row.n for row in rows), lambda revision: chart.scores(rows, revision), "scores", found.as_of.isoformat())
    with right, st.container(key="scores"):
        exported("Score at the checkpoints", note, verified.SCORES, verified.score_rows(rows), name="scores", kind="scores")
    with st.expander("Brier score, likeliest bracket, ladder", key="more_scores"):
        exported("Other scores", note, verified.MORE, verified.more_rows(rows), name="more")


def _gates(found: Gates) -> None:
    note = "known when the UTC day began; a checkpoint counts from its time until the next"
    exported("What it has earned", note, verified.GATES, verified.gate_rows(found.rows), name="gates", kind="gates")
    if not found.rows:
        empty("Probe: nothing settled yet.")
        return
    with st.expander("Every check", key="checks"):
        exported("Checks", "of the size that is earned", verified.CHECKS, verified.check_rows(found.rows), name="checks")


def _calibration(found: Calibrated, name: str) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        heading("Reliability of bracket probabilities", f"at {name}, n = {found.n} events")
        drawn = found.model is not None
        _plot(drawn, lambda revision: chart.reliability(found, revision), "reliability", found.as_of.isoformat())
        if found.model is not None and found.market is not None:
            st.html(f'<p class="rule">{verified.miscalibration(found)}</p>')
    with right:
        heading("Integral transform of the settled reading", f"at {name}, {verified.flatness(found)}")
        drawn = found.transform is not None
        _plot(drawn, lambda revision: chart.transform(found, revision), "transform", found.as_of.isoformat())
        st.html(f'<p class="rule">{verified.coverage(found)}</p>')


def _errors(services: Services, question: Question, name: str) -> None:
    found = services.verification.errors(question)
    left, right = st.columns([1.5, 1], gap="medium")
    with left:
        heading("Error by lead and hour", f"n = {found.n} events with a settled reading, °{found.unit}")
        _plot(found.n > 0, lambda revision: chart.leads(found, revision), "leads", found.as_of.isoformat())
    with right:
        spreads = verified.spread_rows(found.spreads)
        exported("Spread claimed and realised", f"°{found.unit}", verified.SPREADS, spreads, name="spreads")
    left, right = st.columns(2, gap="medium")
    note = f"at {name}, settled less forecast, °{found.unit}; grey below {LEAST_SHOWN} events"
    at_look = [row for row in found.rows if row.look == name]
    with left:
        rows = verified.error_rows([row for row in at_look if row.station_code == ALL], verified.of_source)
        exported("Error by source", note, verified.BY_SOURCE, rows, name="sources")
    with right:
        rows = verified.error_rows(
            [row for row in at_look if row.source == LAW and row.station_code != ALL], verified.of_station
        )
        everything = verified.error_rows(found.rows, verified.of_all)
        exported("Error by station", note, verified.BY_STATION, rows, name="stations")
        st.download_button(
            "Every station, look and source (CSV)", csv_table(verified.ERRORS, everything), "errors.csv", "text/csv",
            key="csv_errors", disabled=not everything, on_click="ignore",
        )  # fmt: skip


def _edges(services: Services, question: Question, checkpoint: str | None) -> None:
    found = services.verification.edges(question, checkpoint)
    left, right = st.columns(2, gap="medium")
    with left:
        heading("Claimed and realised edge", f"{found.checkpoint}, n = {found.n} trades on {found.n_dates} dates")
        _plot(found.n > 0, lambda revision: chart.edges(found, revision), "edges", found.as_of.isoformat())
    with right:
        exported("Edges", found.verdict, verified.EDGES, verified.edge_rows(found), name="edges")
        if not found.n:
            empty("Nothing would have been traded here.")


def _record(services: Services, question: Question, *, apart: bool) -> None:
    def asked(page: int, size: int = PER_PAGE) -> Settlements:
        return services.verification.settlements(question, disagreements=apart, limit=size, offset=(page - 1) * size)

    found = asked(page_asked())
    if found.total and not found.rows:
        found = asked(page_asked(found.total, PER_PAGE))
    exported(
        "Settlement record", verified.agreement(found), verified.RECORD, verified.record_rows(found.rows), name="settlements",
        kind="settlements", everything=lambda: verified.record_rows(asked(1, max(found.total, 1)).rows),
    )  # fmt: skip
    if not found.rows:
        empty(
            "METAR and the venue agree on every event that has reports." if apart else "No settled event passes these filters."
        )
    pages = -(-found.total // PER_PAGE)
    if pages > 1:
        st.pagination(pages, key="page", bind="query-params")


def _plot(there: bool, make: Callable[[str], Figure], name: str, revision: str) -> None:
    if not there:
        empty("Nothing was scored here yet.")
        return
    plot(make(revision), key=f"plot_{name}", height=chart.HEIGHT, alt=ALTS[name])


ALTS: Mapping[str, str] = {
    "scores": "Log score of model, market and pool by checkpoint",
    "reliability": "How often brackets won at each stated probability, model and market",
    "transform": "Histogram of the integral transform of what settled",
    "leads": "Root mean square error of each source by look",
    "edges": "Realised against claimed edge",
}
