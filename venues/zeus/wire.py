"""A Zeus answer: hours with their own offset beside temperatures in Kelvin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np

from core.errors import WireError
from core.model.record import Kind, Record
from core.units import iso, micros, parse_iso
from venues.sanity import believable_part, number_or_none, quarantine
from venues.spans import json_object

DECODER = 1
SOURCE = "zeus"
VARIABLE = "2m_temperature"
_FREEZING_KELVIN = 273.15


def parse_forecast(raw: bytes, station: str, received_at: datetime) -> Record:
    """Return the `forecast` record of one place.

    Two forms are understood: `{"2m_temperature": {"data", "unit"}, "time": {"data"}}`, and that of 2025,
    `{"hourly": {"time", "2m_temperature"}}`. Others are not guessed at.

    Raises:
        WireError: another form or unit, unequal lengths, times without offset or order, nothing that lies ahead.
    """
    times, values = _columns(json_object(raw, SOURCE))
    instants = _instants(times)
    if len(instants) != len(values):
        raise WireError(f"zeus: {len(values)} temperatures stand beside {len(instants)} times; the bytes are kept")
    numbers = [number_or_none(value) for value in values]
    if any(number is None and value is not None for number, value in zip(numbers, values, strict=True)):
        raise WireError("zeus: a temperature is no number; the bytes are kept")
    if not instants or instants[-1] < micros(received_at):
        last = times[-1] if times else "nothing"
        raise WireError(f"zeus: the answer ends with {last}, before {iso(received_at)}; the bytes are kept")
    present = np.array([number is not None for number in numbers], np.bool_)
    celsius = np.array([number for number in numbers if number is not None], np.float64) - _FREEZING_KELVIN
    kept, lie = believable_part(celsius, f"{station} {SOURCE} hourly")
    if not kept.any():
        raise WireError(f"zeus: {lie or f'{station} has no temperature at all'}; the bytes are kept")
    n = int(kept.sum())
    return Record(
        source=SOURCE, kind=Kind.FORECAST, subject=station, received_at=received_at, issued_at=None, raw=raw,
        rows={
            "model": np.array([SOURCE] * n, dtype=object), "variable": np.array(["hourly"] * n, dtype=object),
            "valid_at": np.array(instants, np.int64)[present][kept], "celsius": celsius[kept],
        },
        facts=quarantine([lie] if lie else []), decoder=DECODER,
    )  # fmt: skip


def _columns(body: Mapping[str, Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    hourly = body.get("hourly")
    if isinstance(body.get(VARIABLE), dict) and isinstance(body.get("time"), dict):
        times, values, unit = body["time"].get("data"), body[VARIABLE].get("data"), body[VARIABLE].get("unit")
    elif isinstance(hourly, dict):
        units = body.get("hourly_units")
        times, values = hourly.get("time"), hourly.get(VARIABLE)
        unit = units.get(VARIABLE, "K") if isinstance(units, dict) else "K"
    else:
        raise WireError(f"zeus: neither {VARIABLE} and time nor hourly in {sorted(body)[:8]}; the bytes are kept")
    if not isinstance(times, list) or not isinstance(values, list):
        raise WireError(f"zeus: {VARIABLE} or its times are no lists; the bytes are kept")
    if unit != "K":
        raise WireError(f"zeus: {VARIABLE} is in {unit!r}, not in K; the bytes are kept")
    return times, values


def _instants(times: Sequence[Any]) -> list[int]:
    # "2026-01-23 07:00:00+10:00": local time with its offset; without one nobody knows which hour is meant.
    try:
        instants = [micros(parse_iso(str(text))) for text in times]
    except (ValueError, OverflowError) as error:
        raise WireError(f"zeus: a time is not understood ({error}); the bytes are kept") from error
    if any(later <= earlier for earlier, later in pairwise(instants)):
        raise WireError("zeus: times do not ascend; the bytes are kept")
    return instants
