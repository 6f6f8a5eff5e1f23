"""One example of each reply about stations and positions, for `/docs`: a demo world, whose every number is simulated."""

from __future__ import annotations

from typing import Any

STATIONS: dict[str, Any] = {
    "stations": [
        {
            "station_code": "KLGA",
            "name": "LaGuardia Airport",
            "city": "New York",
            "country": "US",
            "latitude": 40.77724,
            "longitude": -73.87261,
            "elevation_metres": 6.3,
            "tz": "America/New_York",
            "region": "us-northeast",
            "report_minutes": [51],
            "report_precision": "tenths",
            "venues": ["polymarket"],
            "open_events": 2,
            "held_events": 2,
            "at_risk_usd": 6.272,
            "pnl_usd": 45.02779,
            "best_edge": 0.05141,
            "metar_c": 27.2,
            "metar_at": "2026-06-03T15:51:00Z",
            "metar_age_seconds": 4140.0,
        }
    ],
    "count": 1,
    "total": 6,
    "limit": 1,
    "offset": 0,
    "has_more": True,
    "as_of": "2026-06-03T17:00:00Z",
    "source": "evaluations, journal, archive: METAR and books",
    "n": 6,
    "missing": "",
}

STATION: dict[str, Any] = {
    "as_of": "2026-06-03T17:00:00Z",
    "source": "evaluations, journal, archive: METAR and books",
    "n": 3,
    "station": {
        "station_code": "KLGA",
        "name": "LaGuardia Airport",
        "city": "New York",
        "country": "US",
        "latitude": 40.77724,
        "longitude": -73.87261,
        "elevation_metres": 6.3,
        "tz": "America/New_York",
        "region": "us-northeast",
        "report_minutes": [51],
        "report_precision": "tenths",
        "venues": ["polymarket"],
        "open_events": 2,
        "held_events": 2,
        "at_risk_usd": 6.272,
        "pnl_usd": 45.02779,
        "best_edge": 0.05141,
        "metar_c": 27.2,
        "metar_at": "2026-06-03T15:51:00Z",
        "metar_age_seconds": 4140.0,
    },
    "events": [
        {
            "event_id": "highest-temperature-in-nyc-on-june-2-2026",
            "station_code": "KLGA",
            "city": "New York",
            "venue": "polymarket",
            "event_day": "2026-06-02",
            "extreme": "high",
            "unit": "F",
            "region": "us-northeast",
            "state": "settled",
            "why": "",
            "forecast": 72.8,
            "metar": 80.96,
            "metar_at": "2026-06-03T15:51:00Z",
            "metar_age_seconds": 4140.0,
            "floor": 74.0,
            "best_edge": -0.0009,
            "best_side": "NO",
            "best_bracket": "74-75°F",
            "regime": "STABLE",
            "held": [],
            "at_risk_usd": 0,
            "pnl_usd": 43.19724,
            "age_seconds": 47700.0,
            "window_start": "2026-06-02T04:00:00Z",
            "window_end": "2026-06-03T04:00:00Z",
        }
    ],
    "listings": [
        {
            "venue": "polymarket",
            "extreme": "high",
            "series": "highest-temperature-in-nyc",
            "evidence": "listed events of June 2026",
            "grade": "captured",
        }
    ],
    "missing": "",
}

POSITIONS: dict[str, Any] = {
    "as_of": "2026-06-03T17:00:00Z",
    "source": "journal: account; archive: books",
    "n": 28,
    "cash_usd": 9986.61244,
    "equity_usd": 10062.065308,
    "at_risk_usd": 37.62356,
    "events": [
        {
            "as_of": "2026-06-03T17:00:00Z",
            "source": "journal: account; archive: books",
            "n": 5,
            "event_id": "highest-temperature-in-chicago-on-june-3-2026",
            "venue": "polymarket",
            "station_code": "KORD",
            "city": "Chicago",
            "event_day": "2026-06-03",
            "extreme": "high",
            "holdings": [
                {
                    "token_id": "28482053998646188696548496276398863427963092534954462815011574348494024796827",
                    "market_id": "7705247",
                    "bracket": "61°F or below",
                    "rank": 0,
                    "side": "NO",
                    "shares": 5,
                    "average_price": 0.83,
                    "cost_usd": 4.15,
                    "bid": 0.98,
                    "bid_at": "2026-06-03T16:45:00Z",
                    "bid_age_seconds": 900.0,
                    "value_usd": 4.9,
                    "unrealised_usd": 0.75,
                    "sellable_usd": 4.9,
                    "unit": "F",
                }
            ],
            "cost_usd": 15.21019,
            "value_usd": 16.6781,
            "unrealised_usd": 1.46791,
            "fees_usd": 0.32715,
            "realized_usd": 0.6204,
            "worst_usd": -5.21019,
            "best_usd": 11.89981,
            "outcomes": [
                {
                    "rank": 0,
                    "bracket": "61°F or below",
                    "pays_usd": 10,
                    "pnl_usd": -5.21019,
                    "p_pooled": 0.01624,
                    "possible": True,
                }
            ],
            "missing": "",
        }
    ],
    "missing": "",
}
