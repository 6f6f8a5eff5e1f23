"""One example of each reply about forecasts and what settled, for `/docs`: Miami, 15 August 2024."""

from __future__ import annotations

from typing import Any

COMPARISONS: dict[str, Any] = {
    "comparisons": [
        {
            "event_id": "HIGHMIA-24AUG15",
            "station_code": "KMIA",
            "city": "Miami",
            "venue": "kalshi",
            "event_day": "2024-08-15",
            "extreme": "high",
            "unit": "F",
            "zeus_prediction_f": 93.0,
            "zeus_forecast_time": "2024-08-14T22:45:00Z",
            "zeus_forecast_look": "17:45 D-1",
            "metar_actual_f": 98.0,
            "error_f": 5.0,
            "error_pct": 5.102041,
            "zeus_bracket": "93° to 94°",
            "metar_bracket": "95° or above",
            "brackets_match": False,
            "winning_bracket": "95° or above",
            "metar_observation_count": 26,
            "available": True,
            "reason": "",
        }
    ],
    "count": 1,
    "total": 232,
    "limit": 1,
    "offset": 0,
    "has_more": True,
    "as_of": "2024-08-16T14:00:00Z",
    "source": "track record: beliefs at the checkpoints of each settled event",
    "n": 232,
    "available": True,
    "reason": "",
    "missing": "",
}
