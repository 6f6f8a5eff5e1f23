"""What the weather service's pages look like: points, layers, periods and observations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

from venues.demo.answers import lasting_json
from venues.demo.noise import key
from venues.demo.reports import Report, half_up, hectopascals, raw_text
from venues.demo.stations import Station

HOST = "https://api.weather.gov"  # its links lead to itself, wherever it is asked
_HOUR = 3600
_OFFICES = {
    "KNYC": ("OKX", 34, 38), "KLGA": ("OKX", 37, 39), "KMDW": ("LOT", 72, 69), "KORD": ("LOT", 66, 77), "KMIA": ("MFL", 106, 51),
    "KAUS": ("EWX", 159, 88), "KDEN": ("BOU", 74, 66), "KLAX": ("LOX", 149, 41),
}  # fmt: skip
Spot = tuple[str, int, int]  # office, column and row of its grid


def american(station: Station) -> bool:
    """Say whether the service covers a station."""
    return station.tenths


@lru_cache(maxsize=64)
def spot(station: Station) -> Spot:
    """Return the office and the grid cell of a station."""
    luck = key("grid", station.code)
    return _OFFICES.get(station.code) or (station.code[1:], 20 + luck % 120, 20 + luck // 200 % 80)


CONTEXT: list[Any] = [
    "https://geojson.org/geojson-ld/geojson-context.jsonld",
    {
        "@version": "1.1",
        "wx": f"{HOST}/ontology#",
        "s": "https://schema.org/",
        "geo": "http://www.opengis.net/ont/geosparql#",
        "unit": "http://codes.wmo.int/common/unit/",
        "@vocab": f"{HOST}/ontology#",
        "geometry": {"@id": "s:GeoCoordinates", "@type": "geo:wktLiteral"},
        "value": {"@id": "s:value"},
        "unitCode": {"@id": "s:unitCode", "@type": "@id"},
        "forecastOffice": {"@type": "@id"},
    },
]


def point_body(station: Station, short: str, latitude: float, longitude: float) -> dict[str, Any]:
    """Return the page of a point: which office's grid it lies in."""
    office, column, row = spot(station)
    address, grid = f"{HOST}/points/{short}", f"{HOST}/gridpoints/{office}/{column},{row}"
    city, _, state = station.name.removesuffix(", US").rpartition(", ")
    return {
        "@context": CONTEXT,
        "id": address,
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [longitude, latitude]},
        "properties": {
            "@id": address,
            "@type": "wx:Point",
            "cwa": office,
            "forecastOffice": f"{HOST}/offices/{office}",
            "gridId": office,
            "gridX": column,
            "gridY": row,
            "forecast": f"{grid}/forecast",
            "forecastHourly": f"{grid}/forecast/hourly",
            "forecastGridData": grid,
            "observationStations": f"{grid}/stations",
            "relativeLocation": {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [station.lon, station.lat]},
                "properties": {
                    "city": city.partition("/")[0],
                    "state": state,
                    "distance": {"unitCode": "wmoUnit:m", "value": 1854.2},
                    "bearing": {"unitCode": "wmoUnit:degree_(angle)", "value": 213},
                },
            },
            "forecastZone": f"{HOST}/zones/forecast/{state}Z015",
            "county": f"{HOST}/zones/county/{state}C037",
            "fireWeatherZone": f"{HOST}/zones/fire/{state}Z015",
            "timeZone": station.zone,
            "radarStation": f"K{office}",
        },
    }


def stations_body(station: Station) -> dict[str, Any]:
    """Return the page of the stations around a grid cell: one."""
    address = f"{HOST}/stations/{station.code}"
    fields = {
        "@id": address,
        "@type": "wx:ObservationStation",
        "elevation": {"unitCode": "wmoUnit:m", "value": station.elevation},
        "stationIdentifier": station.code,
        "name": station.name,
        "timeZone": station.zone,
    }
    place = {"type": "Point", "coordinates": [station.lon, station.lat]}
    features = [{"id": address, "type": "Feature", "geometry": place, "properties": fields}]
    return {"@context": CONTEXT, "type": "FeatureCollection", "features": features, "observationStations": [address]}


def runs(first: int, values: list[int]) -> Iterator[tuple[int, int, int]]:
    """Yield (hour, length, value) of whole-degree hours, equal ones in a row as one interval."""
    # equal hours in a row are one interval
    hour = first
    for value, same in groupby(values):
        length = len(list(same))
        yield hour, length, value
        hour += length


def layer(intervals: Iterable[tuple[int, int, int]]) -> dict[str, Any]:
    """Return a layer of intervals (hour, length, degrees Fahrenheit), in degrees Celsius."""
    return {
        "uom": "wmoUnit:degC",
        "values": [
            {"validTime": f"{stamp(hour * _HOUR)}/{duration(length)}", "value": (value - 32) / 1.8}
            for hour, length, value in intervals
        ],
    }


def daily(station: Station, first: int, values: list[int]) -> Iterator[tuple[int, int, int]]:
    """Yield the start of each daytime window, its highest and the following night's lowest value."""
    # from seven in the morning, standard time; neither window is the calendar day
    for start in range(first - (first + station.utc_hours - 7) % 24 + 24, first + len(values) - 26, 24):
        here = start - first
        yield start, max(values[here : here + 13]), min(values[here + 12 : here + 26])


def period(station: Station, hour: int, number: int, degrees: int) -> dict[str, Any]:
    """Return an hour of the hourly forecast."""
    start, end = (datetime.fromtimestamp((hour + n) * _HOUR, station.tz) for n in (0, 1))
    day = 6 <= start.hour < 18
    return {
        "number": number,
        "name": "",
        "startTime": start.isoformat(),
        "endTime": end.isoformat(),
        "isDaytime": day,
        "temperature": degrees,
        "temperatureUnit": "F",
        "temperatureTrend": None,
        "probabilityOfPrecipitation": {"unitCode": "wmoUnit:percent", "value": 0},
        "dewpoint": {"unitCode": "wmoUnit:degC", "value": (degrees - 41 - degrees % 5) / 1.8},
        "relativeHumidity": {"unitCode": "wmoUnit:percent", "value": 62},
        "windSpeed": "7 mph",
        "windDirection": "S",
        "icon": f"{HOST}/icons/land/{'day' if day else 'night'}/sct?size=small",
        "shortForecast": "Partly Sunny" if day else "Partly Cloudy",
        "detailedForecast": "",
    }


def cell_shape(station: Station) -> dict[str, Any]:
    """Return the outline of a grid cell."""
    lat, lon = station.lat, station.lon
    corners = ((-0.012, -0.013), (0.011, -0.015), (0.013, 0.012), (-0.010, 0.014), (-0.012, -0.013))
    return {"type": "Polygon", "coordinates": [[[round(lon + x, 7), round(lat + y, 7)] for y, x in corners]]}


def reported(station: Station, report: Report) -> bytes:
    """Return a report as an observation."""
    text = raw_text(station, report).partition(" ")[2]
    celsius = None if report.tenths is None else report.tenths / 10.0
    return observed(station, report.valid, celsius, report.dew / 10.0, text, report.pressure / 100.0)


def observed(station: Station, second: int, celsius: float | None, dew: float, text: str, inches: float) -> bytes:
    """Return an observation."""
    address = f"{HOST}/stations/{station.code}/observations/{stamp(second)}"
    pascals = int(hectopascals(half_up(int(inches * 1000), 10)) * 100)
    return lasting_json({
        "id": address,
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [round(station.lon, 2), round(station.lat, 2)]},
        "properties": {
            "@id": address,
            "@type": "wx:ObservationStation",
            "elevation": {"unitCode": "wmoUnit:m", "value": station.elevation},
            "station": f"{HOST}/stations/{station.code}",
            "timestamp": stamp(second),
            "rawMessage": text,
            "textDescription": "Mostly Cloudy",
            "icon": f"{HOST}/icons/land/day/bkn?size=medium",
            "presentWeather": [],
            "temperature": _measure("degC", celsius),
            "dewpoint": _measure("degC", None if celsius is None else dew),
            "windDirection": _measure("degree_(angle)", 200),
            "windSpeed": _measure("km_h-1", 11.16),
            "windGust": _measure("km_h-1", None),
            "barometricPressure": _measure("Pa", pascals),
            "seaLevelPressure": _measure("Pa", pascals),
            "visibility": _measure("m", 16_090, "C"),
            "maxTemperatureLast24Hours": {"unitCode": "wmoUnit:degC", "value": None},
            "minTemperatureLast24Hours": {"unitCode": "wmoUnit:degC", "value": None},
            "precipitationLastHour": _measure("m", None),
            "precipitationLast3Hours": _measure("m", None),
            "precipitationLast6Hours": _measure("m", 0, "C"),
            "relativeHumidity": _measure("percent", None if celsius is None else 62.5),
            "windChill": _measure("degC", None, "V"),
            "heatIndex": _measure("degC", None if celsius is None else celsius + 0.4),
            "cloudLayers": [{"base": {"unitCode": "wmoUnit:m", "value": 1370}, "amount": "BKN"}],
        },
    })  # fmt: skip


def duration(hours: int) -> str:
    """Return a length as the service prints it."""
    days, rest = divmod(hours, 24)
    return f"P{days}D" + (f"T{rest}H" if rest else "") if days else f"PT{rest}H"


def stamp(second: int) -> str:
    """Return an instant as the service prints it."""
    return datetime.fromtimestamp(second, UTC).isoformat()


def _measure(unit: str, value: float | None, control: str = "") -> dict[str, Any]:
    return {"unitCode": f"wmoUnit:{unit}", "value": value, "qualityControl": control or ("Z" if value is None else "V")}
