"""Tables as HTML with tabular figures; every cell carries its exact number, so that what is shown can be read by machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


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


def _row(columns: Sequence[Column], row: Row) -> str:
    cells = "".join(_cell(row.name, column, cell) for column, cell in zip(columns, row.cells, strict=True))
    return f'<tr class="{row.kind}">{cells}</tr>'


def _cell(name: str, column: Column, cell: Cell) -> str:
    classes = f"{_classes(column)} {cell.tone}".strip()
    return (
        f'<td class="{classes}" data-label="{escape(column.label)}" data-bracket="{escape(name)}" '
        f'data-field="{column.field}" data-value="{_exact(cell.value)}" title="{escape(cell.title)}">{escape(cell.text)}</td>'
    )


def _classes(column: Column) -> str:
    return " ".join(name for name, on in (("left", column.left), ("minor", column.minor), (column.field, True)) if on)


def _exact(value: object) -> str:
    return "" if value is None else escape(str(value))
