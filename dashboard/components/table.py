"""Tables as HTML with tabular figures; every cell carries its exact number, so that what is shown can be read by machine."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from html import escape

from core.units import inert, iso
from dashboard.wording import NONE


@dataclass(frozen=True, slots=True)
class Column:
    """What one column is called, on the page and in the file: the header there names the unit of what stands below it."""

    field: str
    label: str
    left: bool = False
    minor: bool = False  # left out of a phone's cards
    named: str = ""  # header in the file, where it is not the label
    scale: int = 1  # a number of the file is the exact value times this, to be in the unit of the header
    as_said: bool = False  # the file holds what is shown: a bracket's name, not its rank
    file_only: bool = False  # on the page it stands inside another column


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
    shown = [column for column in columns if not column.file_only]
    head = "".join(f'<th scope="col" class="{_classes(column)}">{escape(column.label)}</th>' for column in shown)
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
    """Return rows, column by column, each cell with its exact number in the unit of the header where it has one."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column.named or column.label or column.field for column in columns])
    for row in rows:
        writer.writerow([filed(_plain(column, cell)) for column, cell in zip(columns, row.cells, strict=True)])
    return text.getvalue()


def _plain(column: Column, cell: Cell) -> str:
    if cell.text == NONE or cell.value is None or column.as_said:
        return "" if cell.text == NONE else cell.text
    if isinstance(cell.value, datetime):
        return iso(cell.value)
    if isinstance(cell.value, Decimal | float) or column.scale != 1:
        return f"{(Decimal(str(cell.value)) * column.scale).normalize():f}"
    return str(cell.value)


def filed(text: str) -> str:
    """Return a cell as it stands in a file: a number as it is, words so that no spreadsheet runs them."""
    return text if _is_number(text) else inert(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _row(columns: Sequence[Column], row: Row) -> str:
    pairs = zip(columns, row.cells, strict=True)
    cells = "".join(_cell(row.name, column, cell) for column, cell in pairs if not column.file_only)
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
