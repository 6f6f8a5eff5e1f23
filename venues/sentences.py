"""A rule text read sentence by sentence: every one must be known, none may be skipped.

A text that says something new must not be half understood, so what no pattern takes is a refusal that names it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

from core.errors import RuleError

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"'})

Sentences = Mapping[str, Sequence["re.Pattern[str]"]]  # name of a clause → the forms it was seen in
Said = Mapping[str, Mapping[str, str]]  # name of a clause → what its form caught


def forms(slots: Mapping[str, str], *templates: str) -> tuple[re.Pattern[str], ...]:
    """Return patterns of sentences as they are printed.

    `{slot}` is caught by its pattern, `<words>` may be absent, any run of white space stands for any other.
    """
    return tuple(_form(template, slots) for template in templates)


def _form(template: str, slots: Mapping[str, str]) -> re.Pattern[str]:
    marks = {"<": "(?:", ">": ")?"}
    parts = [
        f"(?P<{part[1:-1]}>{slots[part[1:-1]]})" if part.startswith("{") else marks.get(part) or _verbatim(part)
        for part in re.split(r"(\{[a-z]+\}|[<>])", template.strip())
    ]
    return re.compile("".join(parts) + r"(?=\s|$)")


def _verbatim(words: str) -> str:
    return r"\s+".join(re.escape(word) for word in re.split(r"\s+", words))


def read_sentences(text: str, known: Sentences) -> Said:
    """Return what each clause of `text` says; RuleError for a sentence that is unknown or stands twice."""
    plain = text.translate(_PLAIN).strip()
    said: dict[str, Mapping[str, str]] = {}
    at = 0
    while at < len(plain):
        name, found = _next(plain, at, known)
        if name in said:
            raise RuleError(f"the text says twice: {found.group()[:120]!r}; read it and decide which holds")
        caught = {slot: " ".join(words.split()) for slot, words in found.groupdict().items() if words is not None}
        said[name] = {"form": str(known[name].index(found.re)), **caught}
        at = found.end()
        while at < len(plain) and plain[at].isspace():
            at += 1
    return said


def one_of(what: str, *values: str) -> str:
    """Return the value that all given clauses agree on; RuleError when they differ."""
    named = {" ".join(value.split()) for value in values if value}
    if len(named) != 1:
        raise RuleError(
            f"the text names {what} as {' and '.join(sorted(map(repr, named))) or 'nothing'}; do not trade the event"
        )
    return named.pop()


def clause(said: Said, name: str) -> Mapping[str, str]:
    """Return a clause that no rule can be without."""
    if name not in said:
        raise RuleError(f"the text lacks its {name} clause; do not trade the event")
    return said[name]


def check_day(text: str, event_day: date) -> None:
    """Raise RuleError unless `text` ("3 Jul '26", "February 10, 2025", "Jun 3, 2026") is the event day."""
    words = re.findall(r"[A-Za-z]+|\d+", text)
    month = next((word.lower() for word in words if word.isalpha()), "")
    numbers = [int(word) for word in words if word.isdigit()]
    known = month in _FULL_MONTHS or month in MONTHS or month == "sept"
    try:
        if not known or len(numbers) != 2:
            raise ValueError(text)
        day, year = numbers
        named = date(year if year > 99 else 2000 + year, MONTHS.index(month[:3]) + 1, day)
    except ValueError:
        raise RuleError(f"the text's date {text!r} is no date; do not trade the event") from None
    if named != event_day:
        raise RuleError(f"the text is about {named}, the event about {event_day}; do not trade the event")


def _next(plain: str, at: int, known: Sentences) -> tuple[str, re.Match[str]]:
    for name, forms in known.items():
        for pattern in forms:
            if (found := pattern.match(plain, at)) is not None:
                return name, found
    raise RuleError(f"a sentence is not understood: {plain[at : at + 120]!r}; add its form once it has been read")
