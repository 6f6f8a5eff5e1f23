"""What an event of a city must have said on a day of which no text is kept: the form of its time, with its own names.

A form is that of the texts captured nearest to the day. What is read from it is graded *inferred*.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from core.model.rule import Grade, SettlementRule
from core.registry import load_stations
from core.units import Unit
from venues.history.sets import Town
from venues.polymarket.rules import parse_rule

NEXT_POINT_FROM = date(2026, 5, 27)  # events before wait for final data, later ones for the first data point of the next day
TABLE_FROM = date(2026, 8, 1)  # the table of observations outranks the summary
EVIDENCE = (
    "no text in the data: the form of texts captured nearest to the day, with the city's place and page; "
    "ladder from the labels of its prices"
)
_EXAMPLES = {Unit.FAHRENHEIT: "21°F", Unit.CELSIUS: "9°C"}
_WORDS = {Unit.FAHRENHEIT: "Fahrenheit", Unit.CELSIUS: "Celsius"}

_TABLE = (
    "This market will resolve based on the highest temperature recorded in the 'Daily Observations' table on Weather "
    "Underground, not the figure displayed in the 'Day High & Low' summary section; in the event of any discrepancy between the "
    "two, the Daily Observations table shall be the primary resolution source not the Day High & Low section."
)
_SUBJECT = (
    "This market will resolve to the temperature range that contains the highest temperature recorded at the {place} Station in "
    "degrees {unit} on {date}."
)
_PRECISION = (
    "The resolution source for this market measures temperatures to whole degrees {unit} (eg, {example}). Thus, this is the "
    "level of precision that will be used when resolving the market."
)
_FINAL = (
    "The resolution source for this market will be information from Wunderground, specifically the highest temperature recorded "
    "for all times on this day by the Forecast for the {place} Station once information is finalized, available here: {url}.",
    'This market can not resolve to "Yes" until all data for this date has been finalized.',
    "Any revisions to temperatures recorded after data is finalized for this market's timeframe will not be considered for this "
    "market's resolution.",
)
_NEXT_POINT = (
    "The resolution source for this market will be information from Wunderground, specifically the highest temperature recorded "
    "for all times on this day for the {place} Station, available here: {url}.",
    "This market can not resolve until the first data point for the following date has been published on the resolution source.",
    "Revisions to temperatures recorded within this market's timeframe will be considered until the first datapoint for the "
    "following date has been published, after which any alterations will not be considered.",
)
_OBSERVATORY = (
    "This market will resolve to the temperature range that contains the highest temperature recorded by the {place} in degrees "
    "Celsius on {date}.",
    'The resolution source for this market will be information from the {place}, specifically the "Absolute Daily Max (deg. C)" '
    'the specified date once information is finalized in the relevant "Daily Extract", available here: '
    "https://www.weather.gov.hk/en/cis/climat.htm",
    "This market can not resolve until data for this date has been published.",
    "The resolution source for this market measures temperatures in Celsius to one decimal place (eg, 9.1°C). Thus, this is the "
    "level of precision that will be used when resolving the market.",
    "Any revisions to temperatures recorded after data is initially published for this market's timeframe will not be considered "
    "for this market's resolution.",
)


def inferred_rule(town: Town, day: date) -> SettlementRule:
    """Return the rule of a city's highest temperature on a day; RuleError where its form contradicts the registry."""
    return replace(parse_rule(text_of(town, day), event_day=day), grade=Grade.INFERRED)


def text_of(town: Town, day: date) -> str:
    """Return the text in the form of its time."""
    unit = Unit.FAHRENHEIT if load_stations()[town.station].country == "US" else Unit.CELSIUS
    said = {
        "place": town.place, "unit": _WORDS[unit], "example": _EXAMPLES[unit], "date": f"{day.day} {day:%b '%y}",
        "url": f"https://www.wunderground.com/history/daily/{town.page}",
    }  # fmt: skip
    return "\n\n".join(sentence.format(**said) for sentence in _form(town, day))


def _form(town: Town, day: date) -> tuple[str, ...]:
    if not town.page:
        return _OBSERVATORY
    source, lock, revisions = _NEXT_POINT if day >= NEXT_POINT_FROM else _FINAL
    return (*((_TABLE,) if day >= TABLE_FROM else ()), _SUBJECT, source, lock, _PRECISION, revisions)
