"""The Zeus service: a field of grid cells, in Kelvin, for holders of a key; its past is written again and again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from venues.demo.answers import Answer, Ask, BadRequest, reply
from venues.demo.coordinates import degrees, nearest
from venues.demo.forecasts import Forecasts
from venues.demo.noise import key, normal, normals
from venues.demo.stations import Station

MODEL = "zeus"
_VARIABLE = "2m_temperature"
_OTHERS = (
    "2m_dewpoint_temperature", "total_precipitation", "100m_u_component_of_wind", "100m_v_component_of_wind",
    "surface_pressure",
)  # fmt: skip
_HOUR = 3600
_MOST_HOURS = 360
_KELVIN = 273.15
_CREDITS = 20_000
# age of an hour [s] from which on another analysis of it is shown, and how far that one is from the first [K]
_REVISIONS = ((6 * _HOUR, 0.35), (30 * _HOUR, 0.25), (5 * 86_400, 0.2))
_CELL = 0.9  # K; mean distance of a cell's air from a station's thermometer, beyond the bias of any model
_FLATTER = 0.12  # of the daily swing that a cell does not have


class Zeus:
    """Answers under /zeus."""

    def __init__(self, seed: int, forecasts: Forecasts) -> None:
        self._seed = seed
        self._forecasts = forecasts

    def answer(self, ask: Ask, path: str) -> Answer | None:
        """Answer a request for `path` below /zeus; None if there is no such path."""
        if path not in ("/forecast", "/api-keys/usage"):
            return None
        if not ask.header("authorization").startswith("Bearer demo"):
            return reply({"detail": "Invalid or missing API key"}, 401)
        if path == "/api-keys/usage":
            return reply(_usage(ask.second))
        try:
            return self._forecast(ask)
        except BadRequest as error:
            return reply({"detail": str(error)}, 422)

    def _forecast(self, ask: Ask) -> Answer:
        places = list(zip(degrees(ask, "latitude"), degrees(ask, "longitude"), strict=False))
        if len(places) != 1:
            raise BadRequest("latitude and longitude are required, one of each")
        variable = ask.one("variable", _VARIABLE)
        if variable != _VARIABLE:
            known = variable in _OTHERS
            return reply(
                {"detail": f"variable {variable!r} is {'not served here' if known else 'unknown'}"}, 404 if known else 422
            )
        station = nearest(*places[0])
        if station is None:
            return reply({"detail": "no data for this location"}, 404)
        first, count = _hours(ask, station)
        values = [round(float(value), 2) for value in self._kelvin(station, first, count, ask.second)]
        times = [datetime.fromtimestamp(hour * _HOUR, station.tz) for hour in range(first, first + count)]
        return reply({
            _VARIABLE: {"data": values, "unit": "K"},
            "time": {"data": [at.isoformat(" ") for at in times], "unit": "ISO 8601"},
        })  # fmt: skip

    def _kelvin(self, station: Station, first: int, count: int, second: int) -> list[float]:
        # a day more at either end, so that the mean of the day around each hour is known
        raw = self._forecasts.hourly(station, MODEL, first - 12, count + 24, second)
        celsius = np.array([np.nan if value is None else value for value in raw])
        total = np.concatenate([[0.0], np.cumsum(celsius)])
        around = (total[24 : 24 + count] - total[:count]) / 24.0
        here = celsius[12 : 12 + count]
        bias = _CELL * normal(self._seed, "cell", station.code)
        field = here + _FLATTER * (around - here) + bias + _KELVIN
        hours = np.arange(first, first + count, dtype=np.int64)
        for number, (age, size) in enumerate(_REVISIONS):
            moved = normals(key(self._seed, "revision", station.code, number), hours)
            field = field + np.where(second - hours * _HOUR >= age, size * moved, 0.0)
        out: list[float] = field.tolist()
        return out


def _hours(ask: Ask, station: Station) -> tuple[int, int]:
    start = _instant(ask.one("start_time"), station) if ask.one("start_time") else ask.second
    first = start // _HOUR
    until = ask.one("end_time")
    count = -(-_instant(until, station) // _HOUR) - first if until else int(ask.number("predict_hours", 24))
    if not 1 <= count <= _MOST_HOURS:
        raise BadRequest(f"between 1 and {_MOST_HOURS} hours can be asked for, not {count}")
    if first + count > ask.second // _HOUR + _MOST_HOURS:
        raise BadRequest(f"the forecast ends {_MOST_HOURS} hours ahead")
    return first, count


def _instant(text: str, station: Station) -> int:
    # a plus in a query is a space to those who do not escape it
    try:
        at = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        raise BadRequest(f"not a time: {text!r}") from None
    return int((at if at.tzinfo else at.replace(tzinfo=station.tz)).timestamp())


def _usage(second: int) -> dict[str, int | str]:
    used = second % 86_400 // 9
    midnight = datetime.fromtimestamp(second, UTC).replace(hour=0, minute=0, second=0) + timedelta(days=1)
    resets = midnight.isoformat()
    return {"credits_used": used, "credits_remaining": _CREDITS - used, "credits_limit": _CREDITS, "resets_at": resets}
