"""One METAR or SPECI, text to value: strict, and never guessing a month from the present."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.errors import WireError
from core.units import MISSING

# Archives put a printing time and an operator's mark around the report; the head is looked for, not assumed first.
_HEAD = re.compile(
    r"(?:\b(?P<kind>METAR|SPECI) +)?(?:(?P<before>COR) +)?\b(?P<station>[A-Z][A-Z0-9]{3}) +"
    r"(?P<day>\d{2})(?P<hour>\d{2})(?P<minute>\d{2})Z(?= |=|$)"
)
_CORRECTION = re.compile(r"COR|CC[A-Z]")
_BODY_TEMPERATURE = re.compile(r"(M?\d{2}|//|XX|MM)/(?:M?\d{2}|//|XX|MM)?")
_TENTHS_GROUP = re.compile(r"T([01])(\d{3})[01]\d{3}")
_SIX_HOUR_GROUP = re.compile(r"([12])([01])(\d{3})")
_DAY_GROUP = re.compile(r"4([01])(\d{3})([01])(\d{3})")
_TREND = frozenset({"BECMG", "TEMPO", "NOSIG", "PROB30", "PROB40"})
_AUTOMATED = frozenset({"AO1", "AO2", "A01", "A02", "AO1A", "AO2A"})  # a zero is often typed for the letter
_PLAUSIBLE_TENTHS = 700  # nothing on Earth is warmer or colder than 70 °C at screen height, the poles apart
_LONGEST_DISTANCE = timedelta(days=1)
_ROUNDING_SLACK_TENTHS = 10  # a T-group further from its own body than this is garbled


@dataclass(frozen=True, slots=True)
class Report:
    """What one report says; temperatures in tenths of a degree Celsius, `MISSING` where it says nothing."""

    station: str
    valid_at: datetime
    kind: str  # "METAR" or "SPECI"
    corrected: bool
    automatic: bool
    tenths: int  # of the T-group where there is one, else of the body
    exact: bool  # True: from a T-group
    max6: int
    min6: int
    max24: int
    min24: int
    raw: str  # the report itself, archive marks and `=` removed


def decode_report(raw: str, valid_at: datetime, kind: str = "") -> Report:
    """Return what `raw` says, its day and time read against `valid_at`; WireError when it is no report.

    `valid_at` gives month and year (an archive's column, the service's `obsTime`); day, hour and minute are the
    report's own. `kind` stands in where the text lacks its `METAR` or `SPECI`.
    """
    line = " ".join(raw.split())
    head = _HEAD.search(line)
    if head is None:
        raise WireError(f"metar: no station and time in {raw[:80]!r}; keep the text, do not count it")
    tokens = _without_marks(line[head.end() :])
    body, remarks = _sections(tokens)
    automated = not _AUTOMATED.isdisjoint(remarks)
    from_body = _body_tenths(body)
    from_group = _group_tenths(remarks, from_body) if automated else MISSING
    max6, min6, max24, min24 = _extremes(remarks) if automated else (MISSING,) * 4
    corrected = bool(head["before"]) or any(_CORRECTION.fullmatch(token) for token in body[:2])
    return Report(
        station=head["station"],
        valid_at=_instant(int(head["day"]), int(head["hour"]), int(head["minute"]), valid_at, head.group()),
        kind=head["kind"] or kind or "METAR",
        corrected=corrected,
        automatic="AUTO" in body[:3],
        tenths=from_body if from_group == MISSING else from_group,
        exact=from_group != MISSING,
        max6=max6,
        min6=min6,
        max24=max24,
        min24=min24,
        raw=" ".join((head.group(), *tokens)),
    )


def _without_marks(tail: str) -> list[str]:
    # `=` ends a report; what an archive wrote behind it, or in brackets at the very end, is not the station's.
    tokens = tail.partition("=")[0].split()
    while tokens and re.fullmatch(r"\([A-Za-z0-9]+\)", tokens[-1]):
        tokens.pop()
    return tokens


def _sections(tokens: list[str]) -> tuple[list[str], list[str]]:
    cut = tokens.index("RMK") if "RMK" in tokens else len(tokens)
    body = tokens[:cut]
    trend = next((i for i, token in enumerate(body) if token in _TREND), len(body))
    return body[:trend], tokens[cut + 1 :]


def _instant(day: int, hour: int, minute: int, reference: datetime, text: str) -> datetime:
    if reference.tzinfo is None:
        raise ValueError(f"{reference!r} has no time zone")
    at = reference.astimezone(UTC)
    try:
        candidates = [
            midnight.replace(hour=hour, minute=minute)
            for midnight in (_midnight(at) + timedelta(days=shift) for shift in (-2, -1, 0, 1, 2))
            if midnight.day == day
        ]
    except (ValueError, OverflowError):
        raise WireError(f"metar: {text!r} has no such time of day; keep the text, do not count it") from None
    near = min(candidates, key=lambda candidate: abs(candidate - at), default=None)
    if near is None or abs(near - at) > _LONGEST_DISTANCE:
        raise WireError(f"metar: {text!r} is not within a day of {at:%Y-%m-%d %H:%M}Z; keep the text, do not count it")
    return near


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _body_tenths(body: list[str]) -> int:
    for before, token in zip(["", *body], body, strict=False):
        found = _BODY_TEMPERATURE.fullmatch(token)
        if found is not None:
            text = found[1]
            if not text[-1].isdigit() or before == "M":  # a minus that lost its number: which side of zero, nobody knows
                return MISSING
            return -10 * int(text[1:]) if text[0] == "M" else 10 * int(text)
    return MISSING


def _signed(sign: str, digits: str) -> int:
    tenths = -int(digits) if sign == "1" else int(digits)
    return tenths if abs(tenths) <= _PLAUSIBLE_TENTHS else MISSING


def _group_tenths(remarks: list[str], body_tenths: int) -> int:
    for token in remarks:
        found = _TENTHS_GROUP.fullmatch(token)
        if found is not None:
            tenths = _signed(found[1], found[2])
            garbled = body_tenths != MISSING and abs(tenths - body_tenths) > _ROUNDING_SLACK_TENTHS
            return MISSING if garbled else tenths
    return MISSING


def _extremes(remarks: list[str]) -> tuple[int, int, int, int]:
    # Only whole words count: `RWY03L 10004KT` holds five digits too, and is wind.
    six = {"1": MISSING, "2": MISSING}
    max24 = min24 = MISSING
    for token in remarks:
        if (short := _SIX_HOUR_GROUP.fullmatch(token)) is not None and six[short[1]] == MISSING:
            six[short[1]] = _signed(short[2], short[3])
        elif (long := _DAY_GROUP.fullmatch(token)) is not None and max24 == MISSING:
            max24, min24 = _signed(long[1], long[2]), _signed(long[3], long[4])
    return six["1"], six["2"], max24, min24
