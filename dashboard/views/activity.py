"""Activity: the journal's lines, by cycle, newest first; filters stay in the address."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from datetime import UTC
from html import escape
from itertools import groupby

import orjson
import streamlit as st

from core.model.activity import Action, Severity
from core.services import Services
from core.services.activity import SPANS, LogRow, Logs
from core.units import iso
from dashboard import wording
from dashboard.components.filters import page_asked
from dashboard.components.page import START, empty, heading, panel
from dashboard.components.table import filed

PER_PAGE = 200
FROZEN = "activity_frozen"  # the answer that stands while a person does not follow
SHOWN = (
    "seq",
    "timestamp",
    "level",
    "desk",
    "cycle",
    "action_type",
    "type",
    "station_code",
    "event_day",
    "extreme",
    "venue",
    "event_id",
    "message",
)


def render(services: Services) -> None:
    """Draw the lines that the filters of the address let through."""
    with st.container(key="activity_head"):
        st.html("<h1>Activity</h1>")
    stations: tuple[str, ...] = ()
    with panel("Stations"):
        stations = services.status.strip().stations
    with st.container(key="filters", horizontal=True, vertical_alignment="bottom", gap="small"):
        filters = _filters(stations)
        follow = st.toggle("Follow", value=True, key="follow", bind="query-params", help="Show each new line as it comes")
        place = st.container(key="export")
    with panel("Activity"):
        logs = _asked(services, filters, follow=follow)
        with place:
            st.download_button(
                "CSV", csv_of(logs.logs), "activity.csv", "text/csv", key="csv", disabled=not logs.logs, on_click="ignore",
                help="Exactly the lines that are shown",
            )  # fmt: skip
        _lines(logs, filters)


def _filters(stations: Sequence[str]) -> dict[str, str]:
    """Draw the filters; an empty one lets everything through."""
    boxes = (
        ("station", "Station", list(stations)),
        ("day", "Event day", list(SPANS)),
        ("action", "Action", [str(action) for action in Action]),
        ("level", "Level from", [str(level) for level in Severity]),
    )
    found = {
        name: st.selectbox(
            label, options, index=None, key=name, bind="query-params", placeholder="all",
            accept_new_options=name in ("day", "station"),
        )
        for name, label, options in boxes
    }  # fmt: skip
    found["text"] = st.text_input("Text", key="text", bind="query-params", placeholder="in the message")
    return {name: value or "" for name, value in found.items()}


def _asked(services: Services, filters: dict[str, str], *, follow: bool) -> Logs:
    page = page_asked()
    asked = (tuple(filters.items()), page)
    kept = st.session_state.get(FROZEN)
    if not follow and kept is not None and kept[0] == asked:
        frozen: Logs = kept[1]
        return frozen
    logs = services.activity.logs(
        station_code=filters["station"].upper() or None, event_day=filters["day"] or None,
        action_type=filters["action"] or None, log_level=filters["level"] or None, text=filters["text"] or None,
        limit=PER_PAGE, offset=(page - 1) * PER_PAGE,
    )  # fmt: skip
    st.session_state[FROZEN] = asked, logs
    return logs


def _lines(logs: Logs, filters: dict[str, str]) -> None:
    if not logs.logs:
        if logs.missing:
            empty(logs.missing)
        elif any(filters.values()):
            empty("No line passes these filters.")
        else:
            empty("Nothing was done yet. Start the engine with", START)
        return
    st.html(f'<p class="rule">{logs.total} lines · shown {len(logs.logs)} · times in UTC · a click opens the payload</p>')
    seen: Counter[int] = Counter()
    for cycle, rows in groupby(logs.logs, key=lambda row: row.cycle):
        seen[cycle] += 1  # lines outside a cycle may stand between two groups of it
        with st.container(key=f"cycle_{cycle}_{seen[cycle]}"):
            _group(cycle, tuple(rows))
    pages = -(-logs.total // PER_PAGE)
    if pages > 1:
        st.pagination(pages, key="page", bind="query-params")


def _group(cycle: int, rows: Sequence[LogRow]) -> None:
    heading(f"Cycle {cycle}" if cycle else "Outside a cycle", f"{rows[0].timestamp:%a %d %b %H:%M:%S}")
    st.html(f'<ul class="lines log">{"".join(_line(row) for row in rows)}</ul>')


def _line(row: LogRow) -> str:
    payload = orjson.dumps(_payload(row), option=orjson.OPT_INDENT_2, default=str).decode()
    event_day = wording.day(row.event_day) if row.event_day else ""
    about = " ".join(part for part in (row.station_code, row.extreme, event_day, row.venue.title()) if part)
    return (
        f'<li class="{row.level.lower()}" data-seq="{row.seq}" data-action="{escape(row.action_type)}">'
        f'<time title="{iso(row.timestamp)}">{wording.clock(row.timestamp, UTC)}</time>'
        f'<span class="what">{escape(row.action_type)}</span><span class="where">{escape(about)}</span>'
        f"<details><summary>{escape(row.message)}</summary><pre>{escape(payload)}</pre></details></li>"
    )


def _payload(row: LogRow) -> dict[str, object]:
    return {
        "seq": row.seq, "type": row.type, "timestamp": iso(row.timestamp), "level": row.level, "desk": row.desk,
        "event_id": row.event_id, "data": dict(row.data), "measured": dict(row.measured),
    }  # fmt: skip


def csv_of(rows: Sequence[LogRow]) -> str:
    """Return the lines that are shown, one a line."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow((*SHOWN, "data"))
    for row in rows:
        cells = {name: str(getattr(row, name) or "") for name in SHOWN} | {"timestamp": iso(row.timestamp)}
        writer.writerow((*(filed(cell) for cell in cells.values()), orjson.dumps(dict(row.data), default=str).decode()))
    return text.getvalue()
