"""The elements of a JSON array with the very bytes they came as: the archive keeps bytes, `json` alone loses them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from core.errors import WireError
from core.units import writable

_DECODER = json.JSONDecoder()
_BLANKS = " \t\r\n"
_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")  # of one beyond the first 65,536, spelled as an escape
_FIRST_KEY = re.compile(rb"[ \t\r\n]*\[[ \t\r\n]*(\{[ \t\r\n]*\"[^\"\\]{1,64}\"[ \t\r\n]*:)")


def json_elements(raw: bytes, what: str) -> Iterator[tuple[bytes, Any]]:
    """Yield (bytes, value) of each element; an empty body has none; WireError when it is no array."""
    parts = candidates(raw)
    try:
        values = [orjson.loads(part) for part in parts]
    except orjson.JSONDecodeError:  # cut in a wrong place, or no JSON: the slower reader knows, and says what
        parts = []
    if parts:
        yield from zip(parts, values, strict=True)
    else:
        yield from _read_elements(raw, what)


def candidates(raw: bytes) -> list[bytes]:
    """Return what must be the elements of an array of objects if each of them is JSON; nothing where that is not clear.

    Services begin each object of a list with the same key: the array is cut there, wherever as many braces were closed as
    opened. Texts between commas that are JSON each are the elements, since an array can be read in one way only.
    """
    found = _FIRST_KEY.match(raw)
    end = raw.rstrip()
    if found is None or not end.endswith(b"]"):
        return []
    head = found[1]
    pieces = end[found.start(1) : -1].rstrip().split(b"," + head)
    pieces[1:] = [head + piece for piece in pieces[1:]]
    if len(pieces) == end.count(b"{") == end.count(b"}"):  # objects of one level
        return pieces if all(piece.endswith(b"}") for piece in pieces) else []
    parts: list[bytes] = []
    begun, depth = b"", 0
    for piece in pieces:
        begun = begun + b"," + piece if depth else piece
        depth += piece.count(b"{") - piece.count(b"}")
        if depth == 0:
            parts.append(begun)
    return parts if depth == 0 and all(part.endswith(b"}") for part in parts) else []


def _read_elements(raw: bytes, what: str) -> Iterator[tuple[bytes, Any]]:
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
            yield text[at:end].encode("utf-8"), _clean(element, text[at:end])
            at = _after_part(text, end, "]")
        if _after_blanks(text, at + 1) != len(text):
            raise ValueError(f"something follows its end at character {at}")
    except (ValueError, IndexError, RecursionError) as error:
        raise WireError(f"{what}: the answer is not a JSON array ({error}); the bytes are kept") from error


def member(raw: bytes, key: str, what: str) -> bytes:
    """Return the bytes of the value under a key of a JSON object; WireError when it is no object or has no such key."""
    try:
        found = next((text for name, text, _ in json_members(raw.decode("utf-8")) if name == key), None)
        if found is None:
            raise ValueError(f"it has no {key}")
        return found.encode("utf-8")
    except (ValueError, IndexError, RecursionError) as error:
        raise WireError(f"{what}: {error}; the bytes are kept") from error


def json_members(text: str) -> Iterator[tuple[str, str, Any]]:
    """Yield (name, text, value) of each member of a JSON object; ValueError or IndexError where it is none."""
    at = _after_blanks(text, 0)
    if text[at] != "{":
        raise ValueError(f"it starts with {text[at : at + 40]!r}")
    at = _after_blanks(text, at + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        at = _after_blanks(text, at)
        if not isinstance(key, str) or text[at] != ":":
            raise ValueError(f"no name of a member stands before character {at}")
        start = _after_blanks(text, at + 1)
        value, end = _DECODER.raw_decode(text, start)
        yield writable(key), text[start:end], _clean(value, text[start:end])
        at = _after_part(text, end, "}")
    if _after_blanks(text, at + 1) != len(text):
        raise ValueError(f"something follows its end at character {at}")


def joined(spans: Iterable[bytes]) -> bytes:
    """Return the array of the given elements, each byte for byte."""
    return b"[" + b",".join(spans) + b"]"


def _after_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at


def _after_part(text: str, at: int, end: str) -> int:
    """Return where the next part of an array or an object begins, or where its end stands."""
    at = _after_blanks(text, at)
    if text[at] == end:
        return at
    if text[at] != ",":
        raise ValueError(f"a comma is missing at character {at}")
    at = _after_blanks(text, at + 1)
    if text[at] == end:
        raise ValueError(f"nothing follows the comma before character {at}")
    return at


def json_value(text: str | bytes) -> Any:
    """Return what a JSON text says, half characters as question marks; ValueError where it is none."""
    try:
        return _cleaned(json.loads(text, parse_constant=lambda _: math.inf))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _clean(value: Any, text: str) -> Any:
    return _cleaned(value) if _HALF_CHARACTER.search(text) else value


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return writable(value)
    if isinstance(value, list):
        return [_cleaned(each) for each in value]
    if isinstance(value, dict):
        return {writable(key): _cleaned(each) for key, each in value.items()}
    return value


def json_object(raw: bytes, what: str) -> Mapping[str, Any]:
    """Return the object that an answer is; WireError when it is none."""
    try:
        body = _loads(raw)
    except (ValueError, RecursionError) as error:
        raise WireError(f"{what}: the answer is no JSON ({error}); the bytes are kept") from error
    if not isinstance(body, dict):
        raise WireError(f"{what}: the answer is no object ({str(body)[:60]}); the bytes are kept")
    return body


def _loads(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:  # numbers beyond all numbers, and what calls itself none, are read and quarantined
        return json_value(raw)
