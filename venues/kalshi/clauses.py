"""The sentences that Kalshi's temperature rules were seen to be made of (2024-08 to 2026-10)."""

from __future__ import annotations

from venues.sentences import Sentences, forms

SLOTS = {
    "extreme": "highest|lowest|maximum|minimum",
    "date": r"[A-Z][a-z]+ \d{1,2}, \d{4}",
    "place": r"[A-Z][A-Za-z .,'-]{2,60}?",
    "strike": r"(?:less than|greater than) -?\d{1,3}|between -?\d{1,3}-\d{1,3}",
    "unit": "fahrenheit|celsius",
    "report": "CLI[A-Z]{3}",
    "source": r"(?:National Weather Service's|NWS's) Daily Climate Report|The Weather Company|Weather Company"
    r"|(?:National Weather Service's|NWS) Climatological Report \(Daily\)",
    "url": r"https://www\.weather\.gov/wrh/Climate\?wfo=[a-z]{3}",
    "location": r'[^"]{3,60}',
}

PRIMARY: Sentences = {
    "primary": forms(
        SLOTS,
        """If the {extreme} temperature recorded in {place} for {date} as reported by the {source}, is {strike}°, then the
        market resolves to Yes.""",
        """If the {extreme} temperature recorded at {place}< ({report})> for {date}, is {strike}°< {unit}> according to<
        the> {source}, then the market resolves to Yes.""",
    ),
}

SECONDARY: Sentences = {
    name: forms(SLOTS, *templates)
    for name, templates in {
        "page": (
            """Data for {report} can be found by clicking the following URL: {url}, navigating to the "Observed Weather"
            tab, and choosing the location "{location}" with Daily Climate Report selected.""",
        ),
        "version": (
            """Please use the latest version of the data for the desired date, keeping in mind that different cities update
            their reports at different frequencies.""",
        ),
        "caution": ("""Not all weather data is the same.""",),
        "value": (
            """While checking a source like AccuWeather or Google Weather may help guide your decision, the official and
            final value used to determine this market is the maximum/minimum temperature as reported by the<
            corresponding> {source}< linked in the rules above>.""",
        ),
        "preliminary nws": (
            """Preliminary NWS reporting and measurement methods may be subject to underlying rounding and conversion
            nuances. Traders should exercise caution when interpreting preliminary NWS data.""",
        ),
        "preliminary twc": (
            """Reading weather data Preliminary Weather Company data may be subject to rounding and conversion differences
            from the final reported value. Use caution when interpreting preliminary Weather Company readings.""",
        ),
        "error": (
            """If it is determined in the sole discretion of the Exchange that there is a material error in the initial
            non-preliminary publication, Expiration may be held until the publication of a non-materially-erroneous data
            revision or until the Expiration Date, whichever comes first. If no data is available at the end of this
            period, all markets will resolve to the last fair price determined by Kalshi. Please note, a status of
            "Final" on weather.com/kalshi is provided for convenience only, and does not guarantee data to be error-free
            and thus exempt from the above.""",
        ),
    }.items()
}
