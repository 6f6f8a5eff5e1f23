"""Answers as bytes, encoded once: exact decimals, ISO instants with `Z`, documented names beside our own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import orjson
from fastapi.responses import Response

from core.services.edges import Edge

# Documented names that differ from the field they repeat.
ALIASES: Mapping[type, Mapping[str, str]] = {
    Edge: {"p_zeus": "p_model", "p_mkt": "p_market"},
}
OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def encode(value: object) -> bytes:
    """Return `value` as JSON; dataclasses by their fields, NaN as null."""
    return orjson.dumps(value, _plain, OPTIONS)


def reply(answer: object, status: int = 200) -> Response:
    """Return an answer of a service as the reply of a route."""
    return Response(encode(answer), status, media_type="application/json")


def reply_list(answer: Any, name: str) -> Response:
    """Return a page of rows in its envelope: `{name: [...], count, total, limit, offset, has_more, ...}`."""
    body = {field.name: getattr(answer, field.name) for field in fields(answer)}
    rows = body.pop(name)
    total, offset = body.get("total", len(rows)), body.get("offset", 0)
    envelope = {name: rows, "count": len(rows), "total": total, "limit": body.get("limit", len(rows)), "offset": offset}
    return reply({**envelope, "has_more": offset + len(rows) < total, **body})


def reply_row(answer: Any, name: str) -> Response:
    """Return a row with the parts of its explanation beside its own fields; a part wins over a field of its name."""
    return reply({**_plain(getattr(answer, name)), **_plain(answer)})


def _plain(value: object) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f")) if value.is_finite() else None
    if is_dataclass(value) and not isinstance(value, type):
        return {name: getattr(value, source) for name, source in _names(type(value))}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


@cache
def _names(kind: type) -> tuple[tuple[str, str], ...]:
    own = tuple((field.name, field.name) for field in fields(kind))
    return own + tuple(ALIASES.get(kind, {}).items())
