"""Which sets of station-days there are, what each is good for, and the files it is made of."""

from __future__ import annotations

from collections.abc import Mapping
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
    reports_of: str  # "" where there are none
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
AUSTIN = City("HIGHAUS", "KAUS", "", "", "", "markets/kalshi_trades_kxhighaus.csv.gz")
DENVER = City("HIGHDEN", "KDEN", "", "", "", "markets/kalshi_trades_kxhighden.csv.gz")


@dataclass(frozen=True, slots=True)
class Town:
    """A city of Polymarket: how files, slugs and rule texts name it."""

    name: str  # in files, also in lower case
    slug: str
    station: str
    place: str  # in rule texts
    page: str  # of the station's daily history, below its site


NYC = Town("New York", "nyc", "KLGA", "LaGuardia Airport", "us/ny/new-york-city/KLGA")
LONDON = Town("London", "london", "EGLC", "London City Airport", "gb/london/EGLC")
MUNICH = Town("Munich", "munich", "EDDM", "Munich Airport", "de/munich/EDDM")
TOKYO = Town("Tokyo", "tokyo", "RJTT", "Tokyo Haneda Airport", "jp/tokyo/RJTT")
FOUR = (LONDON, MUNICH, NYC, TOKYO)
FOURTEEN = (
    Town("Ankara", "ankara", "LTAC", "Esenboğa Intl Airport", "tr/%C3%A7ubuk/LTAC"),
    Town("Buenos Aires", "buenos-aires", "SAEZ", "Minister Pistarini Intl Airport", "ar/ezeiza/SAEZ"),
    Town("Chicago", "chicago", "KORD", "Chicago O'Hare Intl Airport", "us/il/chicago/KORD"),
    Town("Guangzhou", "guangzhou", "ZGGG", "Guangzhou Baiyun International Airport", "cn/guangzhou/ZGGG"),
    Town("Hong Kong", "hong-kong", "HKO", "Hong Kong Observatory", ""),
    LONDON,
    Town("Miami", "miami", "KMIA", "Miami Intl Airport", "us/fl/miami/KMIA"),
    NYC,
    Town("Paris", "paris", "LFPB", "Paris-Le Bourget Airport", "fr/paris/LFPB"),
    Town("Qingdao", "qingdao", "ZSQD", "Qingdao Jiaodong International Airport", "cn/qingdao/ZSQD"),
    Town("Seoul", "seoul", "RKSI", "Incheon Intl Airport", "kr/incheon/RKSI"),
    Town("Shanghai", "shanghai", "ZSPD", "Shanghai Pudong International Airport", "cn/shanghai/ZSPD"),
    Town("Shenzhen", "shenzhen", "ZGSZ", "Shenzhen Bao'an International Airport", "cn/shenzhen/ZGSZ"),
    TOKYO,
)
_ALIASES = {"nyc": "new york"}


@dataclass(frozen=True, slots=True)
class PriceSet:
    """Polymarket events of which prices are known and no listing."""

    name: str
    towns: tuple[Town, ...]
    first: date
    last: date
    prices: str
    winners: str  # "" where none is known

    def town(self, name: str) -> Town:
        """Return the city that a file names; ValueError for one that is none of the set."""
        plain = _ALIASES.get(name.casefold(), name.casefold())
        found = next((town for town in self.towns if town.name.casefold() == plain), None)
        if found is None:
            raise ValueError(f"{name!r} is no city of set {self.name}")
        return found


SPRING_2025 = PriceSet(
    "F", (NYC,), date(2025, 3, 25), date(2025, 4, 23), "markets/polymarket_nyc_2025_10min.csv.gz",
    "outcomes/polymarket_nyc_2025_last_price_winner.csv.gz",
)  # fmt: skip
AUGUST_2026 = PriceSet(
    "G", FOURTEEN, date(2026, 8, 15), date(2026, 8, 19), "aligned/polymarket_2026-08_forecast_and_prices.csv.gz",
    "outcomes/polymarket_2026-08_last_price_winner.csv.gz",
)  # fmt: skip
HOURLY_2026 = PriceSet(
    "H", FOUR, date(2026, 3, 1), date(2026, 5, 13), "markets/polymarket_2026_hourly.csv.gz",
    "outcomes/polymarket_2026_resolved.csv.gz",
)  # fmt: skip
JUNE_2026 = PriceSet("I", FOUR, date(2026, 6, 21), date(2026, 6, 30), "markets/polymarket_2026-06_quotes.csv.gz", "")
FEBRUARY_2026 = PriceSet(
    "J", (NYC,), date(2026, 2, 3), date(2026, 2, 15), "markets/polymarket_nyc_2026-02_hourly.csv.gz",
    "outcomes/polymarket_nyc_2026-02_resolved.csv.gz",
)  # fmt: skip
LIVE_FORECASTS = "forecasts/openmeteo_live_2026-06.csv.gz"
PAGE_READINGS = "observations/wunderground_KLGA_2026-02.csv.gz"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of work that is done once: its rows come from one city or set and these files."""

    name: str
    what: str  # row of `importer.READERS`
    of: City | PriceSet
    files: tuple[str, ...]


def _shared(city: City) -> tuple[Part, ...]:
    return (
        *((Part(f"forecasts {city.settles_on}", "forecasts", city, (city.forecasts,)),) if city.forecasts else ()),
        *((Part(f"reports {city.reports_of}", "reports", city, (city.reports,)),) if city.reports_of else ()),
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


def _priced(prices: PriceSet) -> tuple[Part, ...]:
    files = (prices.prices, *((prices.winners,) if prices.winners else ()))
    return (
        Part(f"inferred listings {prices.name}", "inferred listings", prices, files),
        Part(f"price points {prices.name}", "price points", prices, (prices.prices,)),
    )


@dataclass(frozen=True, slots=True)
class RealSet:
    """A set of station-days: its event days, its parts, and what it is good for."""

    first: date
    last: date
    grade: str
    parts: tuple[Part, ...]


def _kalshi(grade: str, *cities: City) -> RealSet:
    return RealSet(LISTED_FROM, LISTED_UNTIL, grade, tuple(part for city in cities for part in _listed(city)))


def _polymarket(prices: PriceSet, grade: str, *more: Part) -> RealSet:
    return RealSet(prices.first, prices.last, grade, (*more, *_priced(prices)))


LEARNING = "E"  # the set of days before the others, from which the model learns first
PRINTS_ONLY = "prints only, descriptive"
SETS: Mapping[str, RealSet] = {
    "A": _kalshi(PRINTS_ONLY, MIAMI),
    "B": _kalshi(f"{PRINTS_ONLY}; reports of a station 10 km away", NEW_YORK),
    "C": _kalshi(f"{PRINTS_ONLY}; reports of another airport", CHICAGO),
    "D": _kalshi(f"{PRINTS_ONLY}; neither forecasts nor reports", AUSTIN, DENVER),
    "E": RealSet(
        EARLY_FROM, LISTED_FROM - ONE_DAY, f"{PRINTS_ONLY}; listings derived from what was traded",
        (*_derived(NEW_YORK), *_derived(CHICAGO), *_derived(MIAMI)),
    ),
    "F": _polymarket(
        SPRING_2025, "price points each ten minutes, no forecast; rule inferred, winner by the last price",
        Part("reports KLGA", "reports", NEW_YORK, (NEW_YORK.reports,)),
    ),
    "G": _polymarket(
        AUGUST_2026, "forecasts and price points of the same moment, five days, no reports; rule inferred, winner by the last price",
        Part("moment forecasts G", "moment forecasts", AUGUST_2026, (AUGUST_2026.prices,)),
    ),
    "H": _polymarket(HOURLY_2026, "hourly price points up to 12Z of the day, neither forecasts nor reports; rule inferred"),
    "I": _polymarket(
        JUNE_2026, "quotes without sizes from 00Z to 06Z, forecasts as fetched, no outcome, no reports; rule inferred",
        Part("fetched forecasts I", "fetched forecasts", JUNE_2026, (LIVE_FORECASTS,)),
        Part("quotes I", "quotes", JUNE_2026, (JUNE_2026.prices,)),
    ),
    "J": _polymarket(
        FEBRUARY_2026, "hourly price points, readings of the settlement page, no forecast; rule inferred",
        Part("page readings J", "page readings", FEBRUARY_2026, (PAGE_READINGS,)),
    ),
}  # fmt: skip

_LISTS = frozenset({"listings", "derived listings"})


def cities_of(name: str) -> tuple[City, ...]:
    """Return the cities of a Kalshi set, each once; of another none."""
    return tuple(dict.fromkeys(part.of for part in SETS[name].parts if part.what in _LISTS and isinstance(part.of, City)))


def stations_of(name: str) -> tuple[str, ...]:
    """Return the stations on which the events of a set settle."""
    towns = [town.station for part in SETS[name].parts if isinstance(part.of, PriceSet) for town in part.of.towns]
    return tuple(dict.fromkeys([*towns, *(city.settles_on for city in cities_of(name))]))
