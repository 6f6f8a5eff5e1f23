"""What the rows of a record may be made of, and which rows each kind has."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import StoreError
from core.model.record import Kind
from core.units import MISSING, Columns

DTYPES: Mapping[str, np.dtype[Any]] = {
    "int64": np.dtype(np.int64), "float64": np.dtype(np.float64), "bool": np.dtype(bool), "str": np.dtype(object),
}  # fmt: skip
FILLS: Mapping[str, Any] = {"int64": MISSING, "float64": np.nan, "bool": False, "str": ""}
_OF_KIND = {"i": "int64", "u": "int64", "f": "float64", "b": "bool", "O": "str", "U": "str"}

# As `docs/records.md` lists them: an empty stack has them too.
SHAPES: Mapping[Kind, Mapping[str, str]] = {
    Kind.EVENTS: {
        "market_id": "str", "yes": "str", "no": "str", "label": "str", "lower": "int64", "upper": "int64", "accepting": "bool",
    },
    Kind.BOOKS: {"token": "str", "side": "str", "price_micro": "int64", "size_micro": "int64"},
    Kind.PRINTS: {"market_id": "str", "valid_at": "int64", "yes_price_micro": "int64", "size_micro": "int64", "taker": "str"},
    Kind.OUTCOMES: {"market_id": "str", "won": "bool"},
    Kind.FORECAST: {"model": "str", "variable": "str", "valid_at": "int64", "celsius": "float64"},
    Kind.ENSEMBLE: {"model": "str", "member": "int64", "valid_at": "int64", "celsius": "float64"},
    Kind.CLIMATE: {"event_day": "str", "high_f": "int64", "low_f": "int64", "preliminary": "bool", "product": "str"},
    Kind.METAR: {
        "valid_at": "int64", "report": "str", "corrected": "bool", "tenths": "int64", "exact": "bool",
        "max6": "int64", "min6": "int64", "max24": "int64", "min24": "int64", "raw": "str",
    },
    Kind.COMMANDS: {"command_id": "str", "verb": "str", "arguments": "str", "by": "str"},
}  # fmt: skip


def dtype_name(values: NDArray[Any]) -> str:
    """Return which of the four stored types an array has; StoreError for any other."""
    try:
        return _OF_KIND[values.dtype.kind]
    except KeyError:
        raise StoreError(f"a column of type {values.dtype} cannot be stored; use one of {', '.join(DTYPES)}") from None


def canonical(rows: Mapping[str, Any], kind: Kind) -> Columns:
    """Return the columns in the four stored types; StoreError when lengths or types are not those of the kind."""
    shape = SHAPES.get(kind, {})
    if not rows:
        return {}
    columns = {name: _column(name, np.asarray(values), shape.get(name)) for name, values in rows.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise StoreError(f"columns of one record must be equally long, got {lengths}")
    return columns


def _column(name: str, values: NDArray[Any], wanted: str | None) -> NDArray[Any]:
    if values.ndim != 1:
        raise StoreError(f"column {name!r} has {values.ndim} dimensions, needs 1")
    if wanted and not len(values):
        return np.empty(0, DTYPES[wanted])
    stored = dtype_name(values)
    if (wanted, stored) == ("float64", "int64"):
        stored = "float64"
    if wanted and wanted != stored:
        raise StoreError(f"column {name!r} is {stored}, must be {wanted}")
    if stored != "str":
        return np.ascontiguousarray(values, DTYPES[stored])
    try:
        return texts(values.tolist())
    except TypeError:
        raise StoreError(f"column {name!r} holds something that is no text; empty text stands for none") from None


def texts(words: list[str]) -> NDArray[Any]:
    """Return an object array; equal words share one string, since tokens come back in every record. TypeError: no text."""
    column = np.empty(len(words), dtype=object)
    column[:] = list(map(sys.intern, words))
    return column


def filled(stored: str, length: int) -> NDArray[Any]:
    """Return a column of "no value"."""
    return np.full(length, FILLS[stored], DTYPES[stored])
