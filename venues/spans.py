"""The elements of a JSON array with the very bytes they came as: the archive keeps bytes, `json` alone loses them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from core.errors import WireError

_DECODER = json.JSONDecoder()
_BLANKS = " \t\r\n"


def json_elements(raw: bytes, what: str) -> Iterator[tuple[bytes, Any]]:
    """Yield (bytes, value) of each element; an empty body has none; WireError when it is no array."""
    try:
        text = raw.decode("utf-8")
        at = _after_blanks(text, 0)
        if at == len(text):
            return
        if text[at] != "[":
            raise ValueError(f"it starts with {text[at : at + 40]!r}")
        at = _after_blanks(text, at + 1)
        while text[at] != "]":
            element, end = _DECODER.raw_decode(text, at)
            yield text[at:end].encode("utf-8"), element
            at = _after_blanks(text, end)
            if text[at] == ",":
                at = _after_blanks(text, at + 1)
            elif text[at] != "]":
                raise ValueError(f"a comma is missing at character {at}")
        if _after_blanks(text, at + 1) != len(text):
            raise ValueError(f"something follows its end at character {at}")
    except (ValueError, IndexError, RecursionError) as error:
        raise WireError(f"{what}: the answer is not a JSON array ({error}); the bytes are kept") from error


def member(raw: bytes, key: str, what: str) -> bytes:
    """Return the bytes of the value under a key of a JSON object; WireError when it is no object or has no such key."""
    try:
        text = raw.decode("utf-8")
        at = _after_blanks(text, 0)
        if text[at] != "{":
            raise ValueError(f"it starts with {text[at : at + 40]!r}")
        at = _after_blanks(text, at + 1)
        while text[at] != "}":
            name, end = _DECODER.raw_decode(text, at)
            at = _after_blanks(text, end)
            if text[at] != ":":
                raise ValueError(f"a colon is missing at character {at}")
            at = _after_blanks(text, at + 1)
            _, end = _DECODER.raw_decode(text, at)
            if name == key:
                return text[at:end].encode("utf-8")
            at = _after_blanks(text, end)
            at = _after_blanks(text, at + 1) if text[at] == "," else at
        raise ValueError(f"it has no {key}")
    except (ValueError, IndexError, RecursionError) as error:
        raise WireError(f"{what}: {error}; the bytes are kept") from error


def joined(spans: Iterable[bytes]) -> bytes:
    """Return the array of the given elements, each byte for byte."""
    return b"[" + b",".join(spans) + b"]"


def _after_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at
