"""Captured rule texts, and systematic alterations of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class Text:
    name: str
    venue: str
    event_day: date
    primary: str  # Polymarket: the description
    secondary: str
    ticker: str
    resolution_source: str


def captured_texts(captures: Path, venue: str) -> list[Text]:
    """Return the texts of a venue that state a rule (a notice and contract fragments do not)."""
    texts = []
    for path in sorted((captures / "fixtures" / "rules").glob(f"{venue}_*.json")):
        body = json.loads(path.read_text("utf-8"))
        if venue == "kalshi" and "rules_primary" not in body:
            continue
        texts.append(Text(
            name=path.stem, venue=venue, event_day=date.fromisoformat(body["event_day"]),
            primary=body.get("rules_primary") or body["description"], secondary=body.get("rules_secondary") or "",
            ticker=body["event_or_ticker"] if venue == "kalshi" else "", resolution_source=body.get("resolution_source") or "",
        ))  # fmt: skip
    return texts


POLYMARKET_SWAPS: tuple[tuple[str, str], ...] = (
    # station names
    ("LaGuardia Airport", "Miami Intl Airport"),
    ("LaGuardia Airport", "Central Park"),
    ("London City Airport", "London Heathrow Airport"),
    ("London City Airport", "Incheon Intl Airport"),
    ("Incheon Intl Airport", "London City Airport"),
    ("Ben Gurion International Airport", "Istanbul Airport"),
    ("Jinan Yaoqiang International Airport", "Incheon Intl Airport"),
    ("Miami Intl Airport", "LaGuardia Airport"),
    ("Istanbul Airport", "Sabiha Gokcen Airport"),
    ("Vnukovo International Airport", "Sheremetyevo International Airport"),
    ("Hong Kong Observatory", "Hong Kong International Airport"),
    ("Hong Kong International Airport", "Hong Kong Observatory"),
    ("Esenboğa Intl Airport", "Ben Gurion International Airport"),
    ("San Francisco International Airport", "Seattle-Tacoma International Airport"),
    ("Seattle-Tacoma International Airport", "San Francisco International Airport"),
    ("Sao Paulo-Guarulhos International Airport", "Congonhas Airport"),
    ("Taipei's Central", "Tainan's Central"),
    # station codes in the address
    ("KLGA", "KJFK"),
    ("site=klga", "site=kjfk"),
    ("site=klga", "site=knyc"),
    ("EGLC", "EGLL"),
    ("site=eglc", "site=egll"),
    ("RKSI", "RKSS"),
    ("LLBG", "LTFM"),
    ("LTFM", "LTAC"),
    ("UUWW", "UUEE"),
    ("ZSJN", "ZSPD"),
    ("VHHH", "RCSS"),
    ("KMIA", "KFLL"),
    ("LTAC", "LTFM"),
    ("site=ksfo", "site=ksea"),
    ("site=ksea", "site=ksfo"),
    ("site=sbgr", "site=sbsp"),
    ("ID=46692", "ID=46690"),
    ("climat.htm", "forecast.htm"),
    ("wrh/timeseries", "wrh/climate"),
    ("history/daily", "history/monthly"),
    ("site=klga", "site=klga&hours=720"),
    # units
    ("in degrees Fahrenheit on", "in degrees Celsius on"),
    ("in degrees Celsius on", "in degrees Fahrenheit on"),
    ("whole degrees Fahrenheit", "whole degrees Celsius"),
    ("whole degrees Celsius", "whole degrees Fahrenheit"),
    ("21°F)", "21°C)"),
    ("9°C)", "9°F)"),
    ("displays °C", "displays °F"),
    ("displays °F", "displays °C"),
    ("Metric Units", "US Units w/ kts"),
    ("US Units w/ kts", "Metric Units"),
    ("temperatures in Celsius", "temperatures in Fahrenheit"),
    # sources
    ("information from Wunderground", "information from NOAA"),
    ("information from NOAA", "information from Wunderground"),
    ("recorded by NOAA", "recorded by the Met Office"),
    ("recorded by NOAA at", "recorded at"),
    ("information from Wunderground", "information from AccuWeather"),
    ("www.wunderground.com", "www.accuweather.com"),
    ("www.weather.gov/wrh", "www.noaa.gov/wrh"),
    ("weather.gov.hk", "hko.gov.hk"),
    ("information from the Hong Kong Observatory", "information from the Macao Observatory"),
    ("www.cwa.gov.tw", "www.cwb.gov.tw"),
    ("the Weather Underground Daily Observations table", "the AccuWeather table"),
    ("Weather Underground, not", "AccuWeather, not"),
    # highest and lowest
    ("contains the highest", "contains the lowest"),
    ("contains the lowest", "contains the highest"),
    ("specifically the highest", "specifically the lowest"),
    ("specifically the lowest", "specifically the highest"),
    ("based on the highest", "based on the lowest"),
    ("Daily Max", "Daily Min"),
    ("Daily Min", "Daily Max"),
    ("highest temperature", "average temperature"),
    ('"Temp" column', '"Dew Point" column'),
    # day and window
    ("for all times on this day", "for all times on the following day"),
    ("for all times on this day", "between 6 AM and 6 PM on this day"),
    ("for all times on this day", "for all times in UTC on this day"),
    ("on the specified date", "on the following date"),
    ("the specified date once", "the previous date once"),
    (" 2025", " 2024"),
    ("'26", "'25"),
    ("'25", "'26"),
    (" Jun '", " Jul '"),
    (" Mar '", " Apr '"),
    (" Sep '", " Oct '"),
    (" Aug '", " Sep '"),
    ("on 10 Jun", "on 11 Jun"),
    ("on 28 Sep", "on 29 Sep"),
    ("on 17 Mar", "on 16 Mar"),
    ("on 5 Oct", "on 6 Oct"),
    # hourly data
    ("off of the Hourly Data", "off of the 5-minute Data"),
    ('"Show Hourly Data"', '"Show All Data"'),
    ('This market will resolve off of the Hourly Data provided using the "Show Hourly Data" button.\n\n', ""),
    # precision
    ("to whole degrees", "to tenths of degrees"),
    ("to one decimal place", "to two decimal places"),
    ("one decimal place", "whole degrees"),
    # lock, revisions, no data, fallback
    ("until the first data point", "until the last data point"),
    ("until the first datapoint", "until the last datapoint"),
    ("has been finalized", "has been guessed"),
    ("after data is finalized", "after data is initially published"),
    ("initially published", "finalized"),
    ("once information is finalized", "once information is available"),
    (" once information is finalized", ""),
    ("lowest bracket", "highest bracket"),
    ("11:59 PM ET", "11:59 AM ET"),
    ("on the day following", "on the seventh day following"),
    ("on the seventh day following", "on the day following"),
    ("initial publication of", "final publication of"),
    ("seven (7)", "three (3)"),
    ("will be eligible", "will not be eligible"),
)

KALSHI_SWAPS: tuple[tuple[str, str], ...] = (
    ("New York City", "Chicago"),
    ("New York City", "Boise"),
    ("New York City", "Los Angeles"),
    ("San Francisco for", "Seattle for"),
    ("Chicago for", "Houston for"),
    ("Houston for", "Dallas for"),
    ("Chicago (", "Houston ("),
    ("Los Angeles (", "New York City ("),
    ("CLINYC", "CLILGA"),
    ("CLINYC", "CLIMDW"),
    ("CLINYC", "CLIBOS"),
    ("CLIMDW", "CLIORD"),
    ("CLIMDW", "CLINYC"),
    ("CLISFO", "CLISEA"),
    ("CLIHOU", "CLIIAH"),
    ("CLILAX", "CLISFO"),
    (" (CLINYC)", ""),
    (" (CLIMDW)", ""),
    (" (CLILAX)", ""),
    ("wfo=okx", "wfo=lot"),
    ("wfo=mtr", "wfo=lox"),
    ("wfo=lot", "wfo=okx"),
    ("wfo=hgx", "wfo=fwd"),
    ("Central Park NY", "LaGuardia NY"),
    ("San Francisco Airport", "San Francisco Downtown"),
    ("Chicago - Midway, IL", "Chicago - O'Hare, IL"),
    ("Houston-Hobby, TX", "Houston Intercontinental, TX"),
    ("weather.gov/wrh/Climate", "weather.gov/wrh/timeseries"),
    ("fahrenheit", "celsius"),
    ("fahrenheit", "kelvin"),
    ("maximum temperature recorded", "minimum temperature recorded"),
    ("minimum temperature recorded", "maximum temperature recorded"),
    ("maximum temperature recorded", "average temperature recorded"),
    ("maximum/minimum temperature", "average temperature"),
    ("according to The Weather Company", "according to the National Weather Service's Climatological Report (Daily)"),
    ("according to The Weather Company", "according to AccuWeather"),
    ("according to the National Weather Service's Climatological Report (Daily)", "according to The Weather Company"),
    ("Climatological Report (Daily), then", "Climatological Report (Monthly), then"),
    (
        "as reported by the Weather Company",
        "as reported by the corresponding NWS Climatological Report (Daily) linked in the rules above",
    ),
    ("corresponding NWS Climatological Report (Daily)", "Weather Company"),
    ("latest version", "first version"),
    ("Jun 3, 2026", "Jun 4, 2026"),
    ("May 22, 2026", "May 21, 2026"),
    ("Aug 6, 2026", "Aug 7, 2026"),
    ("Sep 15, 2026", "Sep 15, 2025"),
    ("Oct 6, 2026", "Oct 7, 2026"),
    ("Sep 25, 2026", "Sep 26, 2026"),
    ("less than", "greater than"),
    ("greater than", "less than"),
    ("between", "outside"),
    ("69-70", "70-71"),
    ("46-47", "47-48"),
    ("less than 63", "less than 64"),
    ("greater than 70", "greater than 71"),
    ("last fair price", "lowest bracket"),
    ("material error", "small error"),
    ("initial non-preliminary publication", "last publication"),
    ("resolves to Yes", "resolves to No"),
)


def alterations(text: Text, swaps: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, Text]]:
    """Yield every altered text: each swap at each single place where it applies, and at all places at once."""
    for before, after in swaps:
        for altered, label in _altered(text, before, after):
            yield label, altered


def _altered(text: Text, before: str, after: str) -> Iterator[tuple[Text, str]]:
    whole = f"{text.primary}\x00{text.secondary}"
    places = [at for at in range(len(whole)) if whole.startswith(before, at)]
    versions = [whole[:at] + after + whole[at + len(before) :] for at in places]
    if len(places) > 1:
        versions.append(whole.replace(before, after))
    for number, version in enumerate(versions):
        primary, _, secondary = version.partition("\x00")
        yield (
            Text(text.name, text.venue, text.event_day, primary, secondary, text.ticker, text.resolution_source),
            f"{text.name}: {before!r} -> {after!r} ({number + 1})",
        )
