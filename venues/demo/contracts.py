"""What is traded on each station: a venue, high or low, a statistic, a unit, and the venue's names for all of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from venues.demo.places import BY_CODE, DEFAULT
from venues.demo.stations import Station

POLYMARKET, KALSHI = "polymarket", "kalshi"
FIRST_DAY = date(2026, 3, 16)  # ladders of eleven and the observatory of Hong Kong, both since
_PAGES = "https://www.wunderground.com/history/daily/"
_PARIS = date(2026, 4, 19)  # since then its events are about the smaller airport


@dataclass(frozen=True, slots=True)
class City:
    """How Polymarket lists a station."""

    station: str
    token: str  # in slugs
    title: str
    question: str  # its name in questions
    rule_name: str  # of the station in rule texts
    page: str  # where the source shows the day
    series: str  # id of its series
    tag: str  # id of its tag
    fahrenheit: bool = False
    source: str = "wunderground"
    first_day: date = FIRST_DAY
    gaps: float = 0.0  # share of days without an event


@dataclass(frozen=True, slots=True)
class Report:
    """How Kalshi lists a station."""

    station: str
    tail: str  # of its tickers
    city: str  # in titles and rule texts
    report: str  # name of the climate report
    office: str
    location: str  # as the office's page offers it
    modern: bool  # a series of the second generation: another title, and a T in its ticker


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """One row of a venue's calendar: every day has an event of it."""

    index: int
    station: Station
    low: bool
    words: City | Report

    @property
    def venue(self) -> str:
        """Name the exchange."""
        return POLYMARKET if isinstance(self.words, City) else KALSHI

    @property
    def city(self) -> City:
        """Return Polymarket's words."""
        assert isinstance(self.words, City)
        return self.words

    @property
    def report(self) -> Report:
        """Return Kalshi's words."""
        assert isinstance(self.words, Report)
        return self.words

    @property
    def official(self) -> bool:
        """Say whether the official extreme counts, not the list of reports."""
        return isinstance(self.words, Report)

    @property
    def extract(self) -> bool:
        """Say whether a daily extract with tenths counts."""
        return isinstance(self.words, City) and self.words.source == "hko"

    @property
    def fahrenheit(self) -> bool:
        """Say whether it settles in degrees Fahrenheit."""
        return isinstance(self.words, Report) or self.words.fahrenheit

    @property
    def width(self) -> int:
        """Return the degrees in a bracket."""
        return 2 if self.fahrenheit else 1

    @property
    def series(self) -> str:
        """Return what stands before the day in its events' names."""
        if isinstance(self.words, City):
            return f"{'lowest' if self.low else 'highest'}-temperature-in-{self.words.token}"
        if self.low:
            return f"KXLOWT{'NYC' if self.words.tail == 'NY' else self.words.tail}"
        return f"KXHIGH{'T' if self.words.modern else ''}{self.words.tail}"

    @property
    def first_day(self) -> date:
        """Return the first day with an event."""
        return self.words.first_day if isinstance(self.words, City) else FIRST_DAY

    def window(self, day: date) -> tuple[int, int]:
        """Return the UTC seconds [start, end) of its day."""
        return self.station.standard_window(day) if self.official else self.station.day_window(day)


_CITIES = (
    City("EGLC", "london", "London", "London", "London City Airport Station", f"{_PAGES}gb/london/EGLC", "10006", "100166"),
    City("KLGA", "nyc", "NYC", "New York City", "LaGuardia Airport Station", f"{_PAGES}us/ny/new-york-city/KLGA", "10005",
         "100091", fahrenheit=True),
    City("KMIA", "miami", "Miami", "Miami", "Miami Intl Airport Station", f"{_PAGES}us/fl/miami/KMIA", "10312", "103814",
         fahrenheit=True),
    City("KORD", "chicago", "Chicago", "Chicago", "Chicago O'Hare Intl Airport Station", f"{_PAGES}us/il/chicago/KORD", "10726",
         "103932", fahrenheit=True),
    City("RJTT", "tokyo", "Tokyo", "Tokyo", "Tokyo Haneda Airport Station", f"{_PAGES}jp/tokyo/RJTT", "10740", "104122"),
    City("RKSI", "seoul", "Seoul", "Seoul", "Incheon Intl Airport Station", f"{_PAGES}kr/incheon/RKSI", "10742", "104101"),
    City("EDDM", "munich", "Munich", "Munich", "Munich Airport Station", f"{_PAGES}de/munich/EDDM", "11272", "104230"),
    City("LFPB", "paris", "Paris", "Paris", "Paris-Le Bourget Airport Station", f"{_PAGES}fr/paris/LFPB", "11168", "104221",
         first_day=_PARIS),
    City("ZSPD", "shanghai", "Shanghai", "Shanghai", "Shanghai Pudong International Airport Station",
         f"{_PAGES}cn/shanghai/ZSPD", "11301", "104241"),
    City("WSSS", "singapore", "Singapore", "Singapore", "Singapore Changi Airport Station", f"{_PAGES}sg/singapore/WSSS",
         "11307", "104247"),
    City("NZWN", "wellington", "Wellington", "Wellington", "Wellington International Airport Station",
         f"{_PAGES}nz/wellington/NZWN", "11313", "104253", gaps=0.07),
    City("LTFM", "istanbul", "Istanbul", "Istanbul", "Istanbul Airport", "https://www.weather.gov/wrh/timeseries?site=LTFM",
         "11319", "104259", source="noaa"),
    City("HKO", "hong-kong", "Hong Kong", "Hong Kong", "Hong Kong Observatory",
         "https://www.weather.gov.hk/en/cis/climat.htm", "11325", "104265", source="hko"),
    City("LEMD", "madrid", "Madrid", "Madrid", "Adolfo Suárez Madrid-Barajas Airport Station", f"{_PAGES}es/madrid/LEMD",
         "11331", "104271"),
    City("EHAM", "amsterdam", "Amsterdam", "Amsterdam", "Amsterdam Airport Schiphol Station", f"{_PAGES}nl/schiphol/EHAM",
         "11337", "104277"),
    City("LIMC", "milan", "Milan", "Milan", "Malpensa Intl Airport Station", f"{_PAGES}it/milan/LIMC", "11343", "104283"),
    City("EPWA", "warsaw", "Warsaw", "Warsaw", "Warsaw Chopin Airport Station", f"{_PAGES}pl/warsaw/EPWA", "11349", "104289"),
    City("CYYZ", "toronto", "Toronto", "Toronto", "Toronto Pearson Intl Airport Station", f"{_PAGES}ca/mississauga/CYYZ",
         "11355", "104295"),
    City("SAEZ", "buenos-aires", "Buenos Aires", "Buenos Aires", "Minister Pistarini Intl Airport Station",
         f"{_PAGES}ar/ezeiza/SAEZ", "11361", "104301"),
    City("SBGR", "sao-paulo", "Sao Paulo", "Sao Paulo", "Sao Paulo-Guarulhos International Airport Station",
         f"{_PAGES}br/guarulhos/SBGR", "11367", "104307"),
    City("ZBAA", "beijing", "Beijing", "Beijing", "Beijing Capital International Airport Station", f"{_PAGES}cn/beijing/ZBAA",
         "11373", "104313"),
    City("RKPK", "busan", "Busan", "Busan", "Gimhae Intl Airport Station", f"{_PAGES}kr/busan/RKPK", "11379", "104319"),
    City("LTAC", "ankara", "Ankara", "Ankara", "Esenboğa Intl Airport Station", f"{_PAGES}tr/%C3%A7ubuk/LTAC", "11385", "104325"),
    City("KATL", "atlanta", "Atlanta", "Atlanta", "Hartsfield-Jackson International Airport Station",
         f"{_PAGES}us/ga/atlanta/KATL", "11391", "104331", fahrenheit=True),
    City("KDAL", "dallas", "Dallas", "Dallas", "Dallas Love Field Station", f"{_PAGES}us/tx/dallas/KDAL", "11397", "104337",
         fahrenheit=True),
    City("KSEA", "seattle", "Seattle", "Seattle", "Seattle-Tacoma International Airport Station",
         f"{_PAGES}us/wa/seatac/KSEA", "11403", "104343", fahrenheit=True),
    City("KSFO", "san-francisco", "San Francisco", "San Francisco", "San Francisco International Airport Station",
         f"{_PAGES}us/ca/san-francisco/KSFO", "11409", "104349", fahrenheit=True),
)  # fmt: skip
_COLD = ("EGLC", "KLGA", "KMIA", "RJTT", "RKSI")  # cities with lowest temperatures too

_REPORTS = (
    Report("KNYC", "NY", "New York City", "CLINYC", "okx", "Central Park NY", False),
    Report("KMDW", "CHI", "Chicago", "CLIMDW", "lot", "Chicago - Midway, IL", False),
    Report("KMIA", "MIA", "Miami", "CLIMIA", "mfl", "Miami", False),
    Report("KAUS", "AUS", "Austin", "CLIAUS", "ewx", "Austin Bergstrom", False),
    Report("KDEN", "DEN", "Denver", "CLIDEN", "bou", "Denver", False),
    Report("KLAX", "LAX", "Los Angeles", "CLILAX", "lox", "LA Airport", False),
    Report("KPHL", "PHIL", "Philadelphia", "CLIPHL", "phi", "Philadelphia", False),
    Report("KATL", "ATL", "Atlanta", "CLIATL", "ffc", "Atlanta", True),
    Report("KBOS", "BOS", "Boston", "CLIBOS", "box", "Boston", True),
    Report("KDFW", "DAL", "Dallas", "CLIDFW", "fwd", "Dallas/Fort Worth", True),
    Report("KHOU", "HOU", "Houston", "CLIHOU", "hgx", "Houston-Hobby, TX", True),
    Report("KPHX", "PHX", "Phoenix", "CLIPHX", "psr", "Phoenix", True),
    Report("KSEA", "SEA", "Seattle", "CLISEA", "sew", "Seattle", True),
    Report("KSFO", "SFO", "San Francisco", "CLISFO", "mtr", "San Francisco Airport", True),
)
_COLD_REPORTS = ("KNYC", "KMDW", "KAUS", "KHOU")

_ROWS: tuple[tuple[City | Report, bool], ...] = (
    *((city, False) for city in _CITIES),
    *((city, True) for city in _CITIES if city.station in _COLD),
    *((report, False) for report in _REPORTS),
    *((report, True) for report in _REPORTS if report.station in _COLD_REPORTS),
)
CONTRACTS: tuple[Contract, ...] = tuple(
    Contract(index, BY_CODE[words.station], low, words) for index, (words, low) in enumerate(_ROWS)
)
BY_SERIES = {contract.series: contract for contract in CONTRACTS}
DEFAULT_CONTRACTS = tuple(contract for contract in CONTRACTS if contract.station.code in DEFAULT)
