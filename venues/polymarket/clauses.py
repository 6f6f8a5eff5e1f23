"""The sentences that Polymarket's rule texts were seen to be made of, by clause (captured 2025-02 to 2026-10)."""

from __future__ import annotations

from venues.sentences import Sentences, forms

SLOTS = {
    "extreme": "highest|lowest",
    "unit": "Fahrenheit|Celsius",
    "letter": "[FC]",
    "system": r"Metric Units|US Units w/ kts",
    "date": r"\d{1,2} [A-Z][a-z]+ '\d{2}|[A-Z][a-z]+ \d{1,2}, \d{4}",
    "place": r'[^,."]{3,80}?',
    "agency": "NOAA",
    "observatory": "Hong Kong Observatory",
    "bureau": "Central Weather Administration",
    "wunderground": "Wunderground",
    "column": "Max|Min",
    "url": r'https://[^\s"]+?',
    "deadline": "day|seventh day",
    "lock": "first data point|finalized|published",
    "cutoff": "first datapoint|finalized|initially published|initial publication",
    "final": "once information is finalized",
    "step": "whole|one decimal",
    "number": r"\d{1,2}(?:\.\d)?",
}

CLAUSES: Sentences = {
    name: forms(SLOTS, *templates)
    for name, templates in {
        "table": (
            """This market will resolve based on the {extreme} temperature recorded in the 'Daily Observations' table on
            Weather Underground, not the figure displayed in the 'Day High & Low' summary section; in the event of any
            discrepancy between the two, the Daily Observations table shall be the primary resolution source not the Day
            High & Low section.""",
        ),
        "subject": (
            """This market will resolve to the temperature range that contains the {extreme} temperature recorded <by
            {agency} >at the {place} in degrees {unit} on {date}.""",
            """This market will resolve to the temperature range that contains the {extreme} temperature recorded by the
            {observatory} in degrees {unit} on {date}.""",
            """This market will resolve to the temperature range that contains the {extreme} temperature recorded by
            Taipei's {bureau} in degrees {unit} on {date}.""",
        ),
        "source": (
            """The resolution source for this market will be information from {wunderground}, specifically the {extreme}
            temperature recorded for all times on this day< by the Forecast> for the {place}< {final}>, available here:
            {url}<.>""",
            """The resolution source for this market will be information from {agency}, specifically the {extreme} reading
            under the "Temp" column for all times on this day, available here: {url}<.>""",
            """The resolution source for this market will be information from {agency}, specifically the {extreme} reading
            under the "Temp" column on the specified date {final} for all hours on that date, available here: {url}<.>""",
            """The resolution source for this market will be information from the {observatory}, specifically the "Absolute
            Daily {column} (deg. C)" the specified date {final} in the relevant "Daily Extract", available here: {url}<.>""",
            """The resolution source for this market will be information from the Taipei {bureau}, specifically the
            {extreme} reading under the "Temperature" column on the specified date {final} for all hours on that date,
            available here: {url}<.>""",
        ),
        "hourly": ("""This market will resolve off of the Hourly Data provided using the "Show Hourly Data" button.""",),
        "fallback": (
            """If NOAA data for the observation date is unavailable by 11:59 PM ET on the {deadline} following the
            observation date, the Weather Underground Daily Observations table will be used as the resolution source.""",
        ),
        "empty": (
            """In the event that there is no data for the observation date by 11:59 PM ET on the {deadline} following the
            observation date, this market will resolve to the lowest bracket.""",
        ),
        "display": (
            """To toggle between Fahrenheit and Celsius, click the gear icon next to the search bar and switch the
            Temperature setting between °F and °C.""",
            """To toggle between Fahrenheit and Celsius, click the "Switch to {system}" button until the relevant table
            displays °{letter}.""",
        ),
        "lock": (
            """This market can not resolve until the {lock} for the following date has been published on the resolution
            source.""",
            """This market can not resolve to "Yes" until< all> data for this date has been {lock}.""",
            """This market can not resolve until data for this date has been {lock}.""",
            """This market will resolve once the {lock} for the following date has been published on the resolution source,
            or by 11:59 PM ET on the {deadline} following the observation date, whichever comes first.""",
            """This market will resolve once data for this date has been {lock} on the resolution source, or by 11:59 PM ET
            on the {deadline} following the observation date, whichever comes first.""",
        ),
        "precision": (
            """The resolution source for this market measures temperatures to {step} degrees {unit} (eg, {number}°{letter}).""",
            """The resolution source for this market measures temperatures in {unit} to {step} place (eg,
            {number}°{letter}).""",
        ),
        "level": ("""Thus, this is the level of precision that will be used when resolving the market.""",),
        "revisions": (
            """Revisions to temperatures recorded within this market's timeframe will be considered until the {cutoff} for
            the following date has been published, after which any alterations will not be considered.""",
            """Any revisions to temperatures recorded after data is {cutoff} for this market's timeframe will not be
            considered< for this market's resolution>.""",
            """Any revisions published after the Hong Kong Observatory's {cutoff} of data for this market's timeframe will
            not be considered for this market's resolution. That initial publication is the revisions cutoff.""",
        ),
        "correction": (
            """In the case that the Resolution Source publishes data, sufficient to settle a Market, that is clearly
            erroneous and the result of technical or operational error, or of unauthorized interference with the
            Resolution Source or its data, the Market may remain open for a period of up to seven (7) calendar days (ET)
            from the time of the original release, in anticipation of a correction by the Resolution Source. If the
            Resolution Source publishes a corrected value within that period, that value will be eligible for resolution.
            If no corrected value is published within that period, Polymarket will issue a Clarification to determine
            whether the originally published value may be eligible for resolution, or whether other action is required to
            preserve the orderly functioning of the Market.""",
        ),
        "exception": (
            """Revisions remain subject to the cutoff above. The only exception is a correction of a clearly erroneous print
            under the preceding paragraph, which will be used even if published after the cutoff.""",
        ),
    }.items()
}
