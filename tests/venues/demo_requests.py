"""Requests that a desk makes of each service of the demo world, for tests that need one of every kind."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from venues.demo.answers import Answer
from venues.demo.world import World

HEADERS = {"User-Agent": "hermes tests", "Authorization": "Bearer demo"}
MODELS = "ecmwf_ifs025,gfs_seamless,icon_seamless"
PLACE = "latitude=40.7795&longitude=-73.8803&hourly=temperature_2m"
REPORTING = "EGLC,KLGA,KMIA,KORD,RJTT,RKSI"
Request = tuple[str, str, bytes]


def iso(milliseconds: int) -> str:
    """Return an instant as the header carries it."""
    at = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def requests_of(world: World, service: str, at: int) -> list[Request]:
    """Return what a desk would ask a service at an instant."""
    day = f"{datetime.fromtimestamp(at // 1000, UTC):%Y-%m-%d}"
    paths = {
        "awc": [f"/metar?ids={REPORTING}&format=json&hours=3"],
        "nws": ["/gridpoints/OKX/37,39", "/stations/KLGA/observations?limit=40", "/stations/KMIA/observations/latest"],
        "iem": [
            f"/cgi-bin/request/asos.py?station=LGA&station=EGLC&data=metar&data=tmpf&sts={iso(at - 7_200_000)}&ets={iso(at)}",
            f"/json/cli.py?station=KNYC&year={day[:4]}",
        ],
        "zeus": ["/forecast?latitude=40.7795&longitude=-73.8803&variable=2m_temperature&predict_hours=48"],
        "open-meteo": [f"/v1/forecast?{PLACE}&models={MODELS}&timeformat=unixtime"],
        "open-meteo-ensemble": [f"/v1/ensemble?{PLACE}&models=gfs_seamless&timeformat=unixtime&forecast_days=3"],
        "open-meteo-previous-runs": [f"/v1/forecast?{PLACE}_previous_day1&models={MODELS}&start_date={day}&end_date={day}"],
    }
    if service in paths:
        return [("GET", f"/{service}{path}", b"") for path in paths[service]]
    return _of_market(world, service, at)


def slugs_around(at: int, cities: tuple[str, ...] = ("nyc", "london"), days: tuple[int, ...] = (-1, 0, 1)) -> list[str]:
    """Return the names of a few events around an instant."""
    dates = [datetime.fromtimestamp(at // 1000 + 86_400 * n, UTC) for n in days]
    return [f"highest-temperature-in-{city}-on-{day:%B}-{day.day}-{day.year}".lower() for city in cities for day in dates]


def _of_market(world: World, service: str, at: int) -> list[Request]:
    if service == "kalshi":
        return _of_kalshi(world, at)
    slugs = slugs_around(at)
    if service == "gamma":
        return [("GET", f"/gamma/events?slug={slug}", b"") for slug in slugs]
    events = [event for slug in slugs if (event := world.exchange.find(slug, at)) is not None]
    conditions = [world.exchange.condition(event, 5) for event in events]
    if service == "data":
        return [("GET", f"/data/trades?market={condition}&limit=50", b"") for condition in conditions[:2]]
    tokens = [world.exchange.token(event, place, side) for event in events for place in range(3, 7) for side in (0, 1)]
    asked = json.dumps([{"token_id": token} for token in tokens]).encode()
    open_tokens = [
        token for token in tokens if said(world, ("GET", f"/clob/tick-size?token_id={token}", b""), at).status == 200
    ]
    return [
        ("POST", "/clob/books", asked),
        *[("GET", f"/clob/book?token_id={token}", b"") for token in open_tokens[:6]],
        *[("GET", f"/clob/markets/{condition}", b"") for condition in conditions],
    ]


def _of_kalshi(world: World, at: int) -> list[Request]:
    root = "/kalshi/trade-api/v2"
    listed = [f"{root}/events?series_ticker={name}&with_nested_markets=true" for name in ("KXHIGHNY", "KXLOWTNYC")]
    tickers = [
        market["ticker"]
        for path in listed
        for event in json.loads(said(world, ("GET", path, b""), at).body)["events"]
        for market in event["markets"]
        if market["status"] == "active"
    ]
    books = f"{root}/markets/orderbooks?tickers={','.join(tickers[:40])}"
    return [("GET", path, b"") for path in (*listed, books, *(f"{root}/markets/{ticker}/orderbook" for ticker in tickers[:6]))]


def said(world: World, request: Request, at: int) -> Answer:
    """Return a world's answer to a desk."""
    return world.answer(*request, iso(at), HEADERS)
