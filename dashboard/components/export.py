"""A table with its export: what is downloaded is what is shown, or all that the filters let through."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard.components.page import heading
from dashboard.components.table import Column, Row, csv_table, table


def exported(
    title: str, note: str, columns: Sequence[Column], rows: Sequence[Row], *, name: str, kind: str = "",
    everything: Callable[[], Sequence[Row]] | None = None,
) -> None:  # fmt: skip
    """Draw a heading with a button for the rows below it, then the rows.

    Args:
        everything: the rows of the file, where a page shows a part of them; asked for when the button is pressed.
    """
    whole = everything
    data = csv_table(columns, rows) if whole is None else lambda: csv_table(columns, whole())
    told = "Exactly the rows that are shown" if whole is None else "All rows that pass the filters, not only this page"
    with st.container(key=f"head_{name}", horizontal=True, vertical_alignment="center", gap="small"):
        heading(title, note)
        st.download_button(
            "CSV", data, f"{name}.csv", "text/csv", key=f"csv_{name}", disabled=not rows, on_click="ignore", help=told,
        )  # fmt: skip
    if rows:
        st.html(table(columns, rows, kind=kind))
