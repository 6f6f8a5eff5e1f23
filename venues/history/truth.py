"""What was forecast for a day and what the official maximum came to be: for scoring alone, never among the records."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

from core.store.layout import QUARANTINE
from venues.history.rows import History
from venues.history.sets import WARM_UP_FROM, City, PriceSet
from venues.history.weather import MODELS, fahrenheit_or_none

DAILY_SUMMARY = "outcomes/noaa_sod_daily_max_us.csv.gz"
_OFFICIAL, _REPORTED = "actual_tmax_f", "klga_metar_max_f"


def read_truth(real_dir: Path, data_dir: Path, city: City) -> tuple[list[date], list[list[float]], list[float]]:
    """Return days, forecasts of each source and official maxima [degrees Fahrenheit], NaN where there is none.

    Raises:
        UnreadableError: the file is missing or is another one.
    """
    history = History(real_dir, data_dir / QUARANTINE / "import")
    columns = tuple(MODELS[city.forecast_source].values())
    days, sources, official = [], [], []
    for _, row in history.rows(city.forecasts, ("target_date_local", _OFFICIAL, *columns)):
        try:
            day = date.fromisoformat(row["target_date_local"])
            values = [_number(row[name]) for name in (*columns, _OFFICIAL)]
        except ValueError:
            continue  # the import has told of it
        if day >= WARM_UP_FROM:
            days.append(day)
            sources.append(values[:-1])
            official.append(values[-1])
    return days, sources, official


def _number(text: str) -> float:
    value = fahrenheit_or_none(text)
    return math.nan if value is None else value


def read_settled_readings(real_dir: Path, data_dir: Path, prices: PriceSet) -> dict[date, float]:
    """Return the whole-degree maximum of the station's reports that agrees with the winner, where the venue names no value."""
    history = History(real_dir, data_dir / QUARANTINE / "import")
    rows = history.rows(prices.winners, ("target_date", _REPORTED))
    return {date.fromisoformat(row["target_date"]): float(row[_REPORTED]) for _, row in rows if row[_REPORTED]}


def read_daily_summary(real_dir: Path, data_dir: Path, station: str) -> dict[date, int]:
    """Return the official daily maxima of a station by standard-time day [degrees Fahrenheit]."""
    history = History(real_dir, data_dir / QUARANTINE / "import")
    rows = history.rows(DAILY_SUMMARY, ("station", "local_standard_date", "max_f"))
    found = [row for _, row in rows if row["station"] == station and row["max_f"]]
    return {date.fromisoformat(row["local_standard_date"]): round(float(row["max_f"])) for row in found}
