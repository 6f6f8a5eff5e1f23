"""A table with its export: what is downloaded is exactly what is shown."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.components.page import heading
from dashboard.components.table import Column, Row, csv_table, table


def exported(title: str, note: str, columns: Sequence[Column], rows: Sequence[Row], *, name: str, kind: str = "") -> None:
    """Draw a heading with a button for the rows below it, then the rows."""
    with st.container(key=f"head_{name}", horizontal=True, vertical_alignment="center", gap="small"):
        heading(title, note)
        st.download_button(
            "CSV", csv_table(columns, rows), f"{name}.csv", "text/csv", key=f"csv_{name}", disabled=not rows,
            on_click="ignore", help="Exactly the rows that are shown",
        )  # fmt: skip
    if rows:
        st.html(table(columns, rows, kind=kind))
