"""Which sets of station-days there are, and the files each is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

WARM_UP_FROM = date(2022, 1, 1)  # forecasts and reports before the first market, to learn from
LISTED_FROM = date(2024, 8, 16)  # first day with a file of markets; trades begin earlier
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


SETS: Mapping[str, Sequence[Part]] = {
    "A": _listed(MIAMI),
    "B": _listed(NEW_YORK),
    "C": _listed(CHICAGO),
    "E": (*_derived(NEW_YORK), *_derived(CHICAGO), *_derived(MIAMI)),
}
