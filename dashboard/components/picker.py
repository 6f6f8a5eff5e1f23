"""The event picker: city, day, high or low, venue; a choice goes into the address, and the page follows the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import streamlit as st

from core.services.edges import Outlook
from dashboard import selection, wording
from dashboard.selection import Selection

LABELS = {"station": "City", "day": "Day", "extreme": "High or low", "venue": "Venue"}


def picker(outlooks: Sequence[Outlook], current: Selection, now: datetime) -> None:
    """Draw the four boxes."""
    cities = {one.station_code: f"{one.city} {one.station_code}" for one in outlooks}
    said: dict[str, Callable[[str], str]] = {
        "station": lambda code: cities.get(code, code),
        "day": lambda text: wording.day(on) if (on := selection.day_of(text)) else text,
        "extreme": lambda kind: "lowest" if kind == "low" else "highest",
        "venue": str.title,
    }
    with st.container(key="picker", horizontal=True, gap="small"):
        for field in selection.FIELDS:
            options = selection.choices(outlooks, current, field)
            value = getattr(current, field)
            if value in options:
                st.session_state[_key(field)] = value
            st.selectbox(
                LABELS[field], options, index=0 if value in options else None, key=_key(field), format_func=said[field],
                label_visibility="collapsed", placeholder=LABELS[field], on_change=_picked,
                args=(field, outlooks, current, now),
            )  # fmt: skip


def _picked(field: str, outlooks: Sequence[Outlook], current: Selection, now: datetime) -> None:
    value = st.session_state.get(_key(field))
    if not value:
        return
    wanted = Selection(**{name: getattr(current, name) for name in selection.FIELDS} | {field: value})
    found = selection.nearest(outlooks, wanted, field, now)
    if found is not None:
        own = selection.of(found)
        st.query_params.update({name: getattr(own, name) for name in selection.FIELDS})


def _key(field: str) -> str:
    return f"pick_{field}"
