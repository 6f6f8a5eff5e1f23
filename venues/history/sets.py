"""Which sets of station-days there are, and the files each is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from core.days import ONE_DAY

WARM_UP_FROM = date(2022, 1, 1)  # forecasts and reports before the first market, to learn from
EARLY_FROM = date(2023, 12, 25)  # first day with trades
LISTED_FROM = date(2024, 8, 16)  # first day with a file of markets
LISTED_UNTIL = date(2025, 2, 8)
MARKETS = "markets/kalshi_markets.csv.gz"
STATION_DAYS = "aligned/kalshi_station_days.csv.gz"


@dataclass(frozen=True, slots=True)
class City:
    """A Kalshi series with the station it settles on and the one whose reports we have."""

    series: str  # as in tickers to 2024-10-23; KX before it from then on
    settles_on: str
    reports_of: str
    forecast_source: str
    forecasts: str
    trades: str

    @property
    def reports(self) -> str:
        return f"observations/metar_{self.reports_of}.csv.gz"


MIAMI = City(
    "HIGHMIA", "KMIA", "KMIA", "mos", "forecasts/mos_gfs_nam_KMIA_day_ahead.csv.gz", "markets/kalshi_trades_kxhighmia.csv.gz"
)
NEW_YORK = City(
    "HIGHNY", "KNYC", "KLGA", "gribstream", "forecasts/gribstream_KNYC_day_ahead.csv.gz",
    "markets/kalshi_trades_kxhighny.csv.gz",
)  # fmt: skip
CHICAGO = City(
    "HIGHCHI", "KMDW", "KORD", "mos", "forecasts/mos_gfs_nam_KMDW_day_ahead.csv.gz", "markets/kalshi_trades_kxhighchi.csv.gz"
)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of work that is done once: its rows come from one city and these files."""

    name: str
    what: str  # row of `importer.READERS`
    city: City
    files: tuple[str, ...]


def _shared(city: City) -> tuple[Part, ...]:
    return (
        Part(f"forecasts {city.settles_on}", "forecasts", city, (city.forecasts,)),
        Part(f"reports {city.reports_of}", "reports", city, (city.reports,)),
    )


def _listed(city: City) -> tuple[Part, ...]:
    return (
        *_shared(city),
        Part(f"listings {city.series}", "listings", city, (MARKETS,)),
        Part(f"prints {city.series}", "prints", city, (city.trades,)),
    )


def _derived(city: City) -> tuple[Part, ...]:
    return (
        *_shared(city),
        Part(f"derived listings {city.series}", "derived listings", city, (city.trades, STATION_DAYS, MARKETS)),
        Part(f"early prints {city.series}", "early prints", city, (city.trades,)),
    )


LEARNING = "E"  # the set of days before the others, from which the model learns first
SPANS: Mapping[str, tuple[date, date]] = {
    **dict.fromkeys("ABC", (LISTED_FROM, LISTED_UNTIL)), LEARNING: (EARLY_FROM, LISTED_FROM - ONE_DAY)
}  # fmt: skip
SETS: Mapping[str, Sequence[Part]] = {
    "A": _listed(MIAMI),
    "B": _listed(NEW_YORK),
    "C": _listed(CHICAGO),
    "E": (*_derived(NEW_YORK), *_derived(CHICAGO), *_derived(MIAMI)),
}


def cities_of(name: str) -> tuple[City, ...]:
    """Return the cities of a set, each once."""
    return tuple(dict.fromkeys(part.city for part in SETS[name]))
