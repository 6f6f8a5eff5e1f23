"""Boxes over a table whose choices, and its page, stay in the address; an empty box lets everything through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True, slots=True)
class Box:
    name: str  # in the address
    label: str
    options: Sequence[str]  # as they stand in the address: Streamlit binds what is shown
    free: bool = False  # other values than the options may be typed
    nothing: str = "all"  # what an empty box stands for


def filters(boxes: Sequence[Box], *, key: str) -> Mapping[str, str]:
    """Draw the boxes in one line; return what was chosen, "" for all."""
    with st.container(key=key, horizontal=True, vertical_alignment="bottom", gap="small"):
        found = {box.name: _box(box) for box in boxes}
    return {name: value or "" for name, value in found.items()}


def _box(box: Box) -> str | None:
    asked = st.query_params.get(box.name, "")
    options = [*box.options, *([asked] if asked and asked not in box.options else [])]
    chosen: str | None = st.selectbox(
        box.label, options, index=None, key=box.name, bind="query-params", placeholder=box.nothing,
        accept_new_options=box.free,
    )  # fmt: skip
    return chosen


def page_asked(total: int | None = None, per_page: int = 1) -> int:
    """Return the page of the address; the last one where a filter has left fewer."""
    told = str(st.session_state.get("page") or st.query_params.get("page") or "")
    page = max(1, int(told)) if told.isdecimal() and len(told) < 9 else 1
    return page if total is None else min(page, max(1, -(-total // per_page)))
