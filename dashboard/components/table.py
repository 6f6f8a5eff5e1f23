"""Tables as HTML with tabular figures; every cell carries its exact number, so that what is shown can be read by machine."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from dashboard.wording import NONE

FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet begins to reckon


@dataclass(frozen=True, slots=True)
class Column:
    field: str
    label: str
    left: bool = False
    minor: bool = False  # left out of a phone's cards


@dataclass(frozen=True, slots=True)
class Cell:
    """What is shown, the exact number behind it, and on hover why, or why there is none."""

    text: str
    value: object = None
    title: str = ""
    tone: str = ""
    link: str = ""  # address that a click opens


@dataclass(frozen=True, slots=True)
class Row:
    name: str  # of the row, in every cell's `data-bracket`
    cells: Sequence[Cell]
    kind: str = ""


def table(columns: Sequence[Column], rows: Sequence[Row], *, kind: str = "") -> str:
    """Return a table; on a phone each row is a card."""
    head = "".join(f'<th scope="col" class="{_classes(column)}">{escape(column.label)}</th>' for column in columns)
    body = "".join(_row(columns, row) for row in rows)
    return f'<table class="grid {kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def facts(pairs: Sequence[tuple[str, Cell]], *, field: str) -> str:
    """Return names and values line by line."""
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td data-field="{field}" data-name="{escape(name)}" '
        f'data-value="{_exact(cell.value)}" title="{escape(cell.title)}" class="{cell.tone}">{escape(cell.text)}</td></tr>'
        for name, cell in pairs
    )
    return f'<table class="pairs"><tbody>{lines}</tbody></table>'


def csv_table(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """Return the rows that are shown, column by column, each cell with its exact number where it has one."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column.label or column.field for column in columns])
    for row in rows:
        writer.writerow([inert(_plain(cell)) for cell in row.cells])
    return text.getvalue()


def _plain(cell: Cell) -> str:
    return "" if cell.text == NONE else cell.text if cell.value is None else str(cell.value)


def inert(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in FORMULAS and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _row(columns: Sequence[Column], row: Row) -> str:
    cells = "".join(_cell(row.name, column, cell) for column, cell in zip(columns, row.cells, strict=True))
    return f'<tr class="{row.kind}">{cells}</tr>'


def _cell(name: str, column: Column, cell: Cell) -> str:
    classes = f"{_classes(column)} {cell.tone}".strip()
    return (
        f'<td class="{classes}" data-label="{escape(column.label)}" data-bracket="{escape(name)}" '
        f'data-field="{column.field}" data-value="{_exact(cell.value)}" title="{escape(cell.title)}">{_text(cell)}</td>'
    )


def _text(cell: Cell) -> str:
    text = escape(cell.text)
    return f'<a href="{escape(cell.link)}" target="_self">{text}</a>' if cell.link else text


def _classes(column: Column) -> str:
    return " ".join(name for name, on in (("left", column.left), ("minor", column.minor), (column.field, True)) if on)


def _exact(value: object) -> str:
    return "" if value is None else escape(str(value))
