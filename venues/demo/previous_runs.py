"""What was forecast days before: for each hour the run that was newest so many times 24 hours earlier."""

from __future__ import annotations

from venues.demo.open_meteo import OpenMeteo


class PreviousRuns(OpenMeteo):
    """Answers under /open-meteo-previous-runs: the same curves as the forecast service showed, by their lead.

    `temperature_2m_previous_dayN` of an hour is what /open-meteo/v1/forecast said of it from the moment at which the run
    that began N times 24 hours before the hour's own six hours had appeared, until the next one did.
    """
