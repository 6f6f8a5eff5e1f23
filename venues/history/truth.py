"""What was forecast for a day and what the official maximum came to be: for scoring alone, never among the records."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

from core.store.layout import QUARANTINE
from venues.history.rows import History
from venues.history.sets import WARM_UP_FROM, City
from venues.history.weather import MODELS, fahrenheit_or_none

_OFFICIAL = "actual_tmax_f"


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
