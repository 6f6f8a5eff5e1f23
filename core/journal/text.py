"""Values as canonical JSON text: the same value gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Set
from decimal import Decimal

import orjson

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def json_text(value: object) -> str:
    """Return JSON with sorted keys; NaN and infinity become null, frozen dataclasses objects."""
    return orjson.dumps(value, _plain, _OPTIONS).decode()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        return sorted(value)
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a journal row")
