"""One settled event in words and numbers: what was forecast, what METAR gave, what the venue said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from core.checkpoints import CHECKPOINTS, EARLIER
from core.services.listings import Listing
from core.services.settled import Settled
from core.services.values import in_fahrenheit, moment, number, whole

EVENING = len(EARLIER)  # the last look before the settlement day begins
UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class SettledRow:
    """One settled event; readings in `unit`, brackets as the venue names them, "" where they are not known."""

    event_id: str
    station_code: str
    city: str
    venue: str
    event_day: date
    extreme: str
    unit: str
    winner: int  # rank in the ladder
    winner_bracket: str
    reading: float | None  # that settled
    named: bool  # by the venue; else only its bracket was
    own_reading: int | None  # by the rule from the station's own reports
    own_winner: int | None
    own_bracket: str
    agreed: bool | None  # None: the station's reports are not there
    forecast: float | None  # of the evening before
    settled_at: datetime | None  # receipt of the outcome


@dataclass(frozen=True, slots=True)
class Settlements:
    """`total` rows match; METAR agreed in `agreed` of the `compared` events among all `n`."""

    as_of: datetime
    source: str
    n: int
    total: int
    limit: int
    offset: int
    rows: tuple[SettledRow, ...]
    compared: int
    agreed: int
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Forecast of the evening before against METAR, for one settled event."""

    event_id: str
    station_code: str
    city: str
    venue: str
    event_day: date
    extreme: str
    unit: str
    zeus_prediction_f: float | None
    zeus_forecast_time: datetime | None
    zeus_forecast_look: str
    metar_actual_f: float | None
    error_f: float | None  # METAR less forecast
    error_pct: float | None  # of METAR
    zeus_bracket: str
    metar_bracket: str
    brackets_match: bool | None
    winning_bracket: str
    metar_observation_count: int
    available: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Comparisons:
    as_of: datetime
    source: str
    n: int
    total: int
    limit: int
    offset: int
    comparisons: tuple[Comparison, ...]
    available: bool  # whether any row of this page is
    reason: str
    missing: str = ""


def settled_row(settled: Settled, row: int, city: str, listing: Listing) -> SettledRow:
    """Return one settled event."""
    winner, own = int(settled.winner[row]), int(settled.own_winner[row])
    return SettledRow(
        str(settled.event_id[row]), str(settled.station[row]), city, str(settled.venue[row]), settled.day(row),
        str(settled.extreme[row]), str(settled.unit[row]), winner, listing.label(winner), number(settled.reading[row]),
        bool(settled.exact[row]), whole(settled.own[row]), None if own == UNKNOWN else own, listing.label(own),
        None if own == UNKNOWN else own == winner, number(settled.forecast[row, EVENING]), moment(settled.since[row]),
    )  # fmt: skip


def comparison(settled: Settled, row: int, city: str, listing: Listing, reports: int) -> Comparison:
    """Return one settled event as forecast against METAR; temperatures in °F whatever the event's unit."""
    unit, forecast, own = str(settled.unit[row]), settled.forecast[row, EVENING], settled.own[row]
    look, code = CHECKPOINTS[0].name, str(settled.station[row])
    guess, real = listing.rank_of(float(forecast)), int(settled.own_winner[row])
    ours, theirs = in_fahrenheit(number(forecast), unit), in_fahrenheit(number(own), unit)
    error = None if ours is None or theirs is None else theirs - ours
    said = np.isfinite(forecast), np.isfinite(own)
    reason = {
        (True, True): "",
        (False, True): f"no forecast had come by {look}",
        (True, False): f"no METAR report of {code} on that day is known",
        (False, False): f"neither a forecast by {look} nor a METAR report of {code} is known",
    }[bool(said[0]), bool(said[1])]
    return Comparison(
        str(settled.event_id[row]), code, city, str(settled.venue[row]), settled.day(row), str(settled.extreme[row]), unit,
        ours, moment(settled.at[row, EVENING]) if said[0] else None, look, theirs, None if error is None else round(error, 6),
        None if error is None or not theirs else round(100 * error / theirs, 6), listing.label(guess), listing.label(real),
        guess == real if min(guess, real) > UNKNOWN else None, listing.label(int(settled.winner[row])), reports, not reason,
        reason,
    )  # fmt: skip
