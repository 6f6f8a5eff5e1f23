"""Hard floors come from the statistic that settles, at its own station; everything else is soft."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from agents.weather.discretise import bracket_mass, cumulative, lattice_of, reading_mass
from agents.weather.law import single
from agents.weather.neighbours import LEAST_DAYS, LEAST_SD, NeighbourMemory, robust
from agents.weather.observations import Seen, empty_seen
from agents.weather.panel import WeatherPanel, build_panel
from agents.weather.spikes import NEIGHBOUR_ERRS, soft_floor
from core.days import settlement_window, window_of
from core.model.record import Record
from core.model.rule import DayWindow, Extreme, Precision, Rounding, Statistic
from core.model.station import ReportPrecision
from core.readings import Extremum, listed_extreme
from core.registry import REGISTRY, distance_kilometres, load_stations
from core.units import MISSING, Unit, micros, parse_iso
from tests.agents.weather.worlds import DAY, SETTINGS, archive_of, event, listing, metar, outcome
from tests.core.rules import Line, a_rule, columns_of
from venues.metar.wire import decode_report

HOUR = timedelta(hours=1)
STATIONS = load_stations()
KNYC, KMDW, KLGA, KMIA = (STATIONS[code] for code in ("KNYC", "KMDW", "KLGA", "KMIA"))
PAIR = ("KNYC", "KLGA", Extreme.HIGH)
ORDINAL = DAY.toordinal()
CLIMATE = {"station": "KNYC", "window": DayWindow.STANDARD_TIME, "source": "nws_climate_report"}
PARK = event("park", lowest=69, statistic=Statistic.OFFICIAL_MAX, **CLIMATE)
START = settlement_window(PARK.rule, KNYC.tz, PARK.event_day)[0]


# The neighbour


def settled(days: int, apart: int, *, low: bool = False) -> Iterator[Record]:
    """Yield days of Central Park that settled so many degrees above the reports of LaGuardia: 77 F, lows 59."""
    statistic = Statistic.OFFICIAL_MIN if low else Statistic.OFFICIAL_MAX
    for back in range(days + 1, 1, -1):
        found = event(f"park-{back}", lowest=69, day=DAY - timedelta(days=back), statistic=statistic, **CLIMATE)
        start = settlement_window(found.rule, KNYC.tz, found.event_day)[0]
        yield listing(found, start - timedelta(days=2))
        for h in range(24):
            at = start + timedelta(hours=h, minutes=51)
            yield metar("KLGA", at + timedelta(minutes=5), [(at, 250 if h == 15 else 150 if h == 5 else 200)])
        yield outcome(found, start + timedelta(hours=33), (59 if low else 77) + apart + (back % 3 - 1))


def running(folder: Path, records: list[Record], *, low: bool = False, own: bool = False) -> WeatherPanel:
    statistic = Statistic.OFFICIAL_MIN if low else Statistic.OFFICIAL_MAX
    found = event("park", lowest=69, statistic=statistic, **CLIMATE)
    times = [START + timedelta(hours=h, minutes=51) for h in range(16)]
    shown = [(at, 200 + 5 * (8 - abs(8 - h)) * (-1 if low else 1)) for h, at in enumerate(times)]
    now = [metar("KLGA", at + timedelta(minutes=5), [(at, tenths)]) for at, tenths in shown]
    now += [metar("KNYC", START + 10 * HOUR, [(START + 9 * HOUR, 210)])] if own else []
    view = archive_of(folder, [*records, listing(found), *now]).as_of([START + n * HOUR for n in (-1, 1, 9, 16)])
    return build_panel(view, (KNYC,), SETTINGS)


def of_event(panel: WeatherPanel, name: str) -> np.ndarray:
    column = [each.event.event_id for each in panel.events].index("park")
    return getattr(panel.seen, name)[: len(panel.instants), column]  # type: ignore[no-any-return]


@pytest.mark.parametrize(("low", "shown"), [(False, 75.0), (True, 61.0)])
def test_a_neighbour_tells_where_a_silent_station_is(tmp_path: Path, low: bool, shown: float) -> None:
    """At 16 hours LaGuardia has seen 24 (16) degrees; the park settled three degrees below it on the mean."""
    panel = running(tmp_path, list(settled(40, -3, low=low)), low=low)

    assert np.isnan(of_event(panel, "floor")).all()
    assert np.isnan(of_event(panel, "near")[0])  # before its day
    assert of_event(panel, "near")[3] == pytest.approx(shown - 3.0, abs=0.1)
    assert of_event(panel, "near_sd")[3] == pytest.approx(np.sqrt(2 / 3), abs=0.05)


def test_too_few_settled_days_say_nothing(tmp_path: Path) -> None:
    assert np.isnan(of_event(running(tmp_path, list(settled(LEAST_DAYS - 1, -3))), "near")).all()


def test_a_station_that_reports_itself_needs_no_neighbour(tmp_path: Path) -> None:
    panel = running(tmp_path, list(settled(40, -3)), own=True)

    assert np.isfinite(of_event(panel, "near")[2])
    assert np.isnan(of_event(panel, "near")[3])
    assert of_event(panel, "floor")[3] == 70.0


def test_outcomes_of_the_future_teach_nothing() -> None:
    memory = NeighbourMemory()
    for back in range(2, 32):
        memory.add(PAIR, ORDINAL - back, 1_000 + back, -2.0)

    early, late = (memory.known(PAIR, ORDINAL - 2, np.array([at]))[0][0] for at in (1_020, 1_031))

    assert np.isnan(early)
    assert late == -2.0
    assert np.isnan(memory.known(PAIR, ORDINAL - 20, np.array([1_031]))[0][0])  # the embargo leaves twelve


def test_outliers_do_not_move_a_neighbour_s_law() -> None:
    plain = np.tile([-1.0, -2.0, -3.0], 10)

    mean, sd = robust(plain)
    moved, wider = robust(np.concatenate([plain, [25.0]]))

    assert (mean, sd) == (pytest.approx(-2.0), pytest.approx(np.sqrt(2 / 3)))
    assert abs(moved - mean) < 0.25
    assert wider < 1.5 * sd
    assert robust(np.full(30, 4.0)) == (4.0, LEAST_SD)
    assert np.isnan(robust(plain[: LEAST_DAYS - 1])).all()


def told(near: float, sd: float) -> Seen:
    found = empty_seen(1, 1)
    found.near[:], found.near_sd[:] = near, sd
    return found


def test_a_neighbour_censors_softly() -> None:
    """P(M <= x) is that of what comes times that of what was there: 72 +- 2 to come, 80 +- 1 seen next door."""
    lattice = lattice_of([(PARK, ReportPrecision.TENTHS)])
    law = single(np.array([[72.0]]), np.array([[2.0]]), np.array([[np.inf]]))
    nothing = np.full((1, 1), np.nan)

    mass = reading_mass(cumulative(lattice, law, nothing, soft=soft_floor(lattice, told(80.0, 1.0)), source_risk=False))[0, 0]

    x = lattice.readings[0] + 0.5
    cdf = norm.cdf(x, 72, 2) * (NEIGHBOUR_ERRS + (1 - NEIGHBOUR_ERRS) * norm.cdf(x, 80, 1))
    cdf[-1] = 1.0
    assert mass == pytest.approx(np.diff(cdf, prepend=0.0), abs=1e-12)


@pytest.mark.parametrize("statistic", [Statistic.OFFICIAL_MAX, Statistic.OFFICIAL_MIN])
@pytest.mark.parametrize("seed", range(20))
def test_a_proxy_never_sets_a_hard_floor(statistic: Statistic, seed: int) -> None:
    """Whatever a neighbour says, what was possible stays possible: each tail keeps a fiftieth of its mass at least."""
    dice = np.random.default_rng(seed)
    lattice = lattice_of([(event("park", lowest=69, statistic=statistic, **CLIMATE), ReportPrecision.TENTHS)])
    law = single(*(np.array([[value]]) for value in (dice.uniform(65, 95), dice.uniform(0.5, 5), 8.0)))
    nothing = np.full((1, 1), np.nan)
    seen = told(dice.uniform(20, 140), dice.uniform(LEAST_SD, 4))

    soft = soft_floor(lattice, seen)
    before, after = (cumulative(lattice, law, nothing, soft=part, source_risk=False)[0, 0, 1:] for part in (None, soft))

    assert soft is not None
    if statistic is Statistic.OFFICIAL_MAX:
        assert (after >= NEIGHBOUR_ERRS * before - 1e-15).all()
        assert (after <= before + 1e-15).all()
    else:
        assert (1 - after >= NEIGHBOUR_ERRS * (1 - before) - 1e-15).all()
        assert (after >= before - 1e-15).all()
    assert bracket_mass(lattice, np.concatenate([[0.0], after])[None, None])[0, 0].sum() == pytest.approx(1.0)


def test_neighbours_are_near_report_in_tenths_and_have_none_of_their_own() -> None:
    with (REGISTRY / "neighbours.csv").open() as file:
        rows = list(csv.DictReader(file))

    assert {(row["station"], row["neighbour"]) for row in rows} == {("KNYC", "KLGA"), ("KMDW", "KORD")}
    for station in (KNYC, KMDW):
        (neighbour,) = station.neighbours
        assert distance_kilometres(station, neighbour) < 30
        assert neighbour.report_precision is ReportPrecision.TENTHS
        assert neighbour.neighbours == ()
    assert all(not station.neighbours for code, station in STATIONS.items() if code not in ("KNYC", "KMDW"))


def reports(captures: Path, station: str, first: str, until: str) -> list[Line]:
    lines = []
    with gzip.open(captures / f"real/observations/metar_{station}.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            if first <= row["valid_utc"] < until:
                report = decode_report(row["raw"], parse_iso(row["valid_utc"]))
                received = report.valid_at + timedelta(minutes=5)
                groups = {name: getattr(report, name) for name in ("max6", "min6", "max24", "min24")}
                lines.append(
                    Line(report.valid_at, report.tenths, received, report.kind, report.corrected, report.exact, **groups)
                )
    return lines


@pytest.mark.parametrize(("series", "code", "neighbour", "above"), [
    ("HIGHNY", "KNYC", "KLGA", (41, 75, 81)), ("HIGHCHI", "KMDW", "KORD", (2, 6, 6)), ("HIGHMIA", "KMIA", "KMIA", (0, 0, 1)),
])  # fmt: skip
def test_a_neighbour_s_maximum_as_a_floor_would_have_killed_winners(
    captures: Path, series: str, code: str, neighbour: str, above: tuple[int, int, int]
) -> None:
    """Of 177 days each: by reports alone, with six-hour groups, with those of the day too. They tune nothing.

    A station's own reports kill no winner; its own day group did once, on 2025-01-20, when Miami's climate report said 71
    and group and NOAA's summary of the day 73.
    """
    with gzip.open(captures / "real/aligned/kalshi_station_days.csv.gz", "rt") as file:
        days = [row for row in csv.DictReader(file) if row["series"] == series and row["target_date"] >= "2024-08-16"]
    columns, received = columns_of(reports(captures, neighbour, "2024-08-15", "2025-02-10"))
    later = datetime(2025, 6, 1, tzinfo=UTC)
    killed = [0, 0, 0]
    for row in days:
        window = window_of(DayWindow.STANDARD_TIME, STATIONS[code].tz, date.fromisoformat(row["target_date"]))
        inside = (columns["valid_at"] > micros(window[0] - HOUR)) & (columns["valid_at"] < micros(window[1] + 7 * HOUR))
        part = {name: column[inside] for name, column in columns.items()}
        without = {**part, "max24": np.full_like(part["max24"], MISSING)}
        listed, official = a_rule(Statistic.MAX_LISTED_REPORT), a_rule(Statistic.OFFICIAL_MAX)
        for i, (rule, told_by) in enumerate(((listed, part), (official, without), (official, part))):
            found = listed_extreme(told_by, received[inside], rule, STATIONS[neighbour], window, later)
            killed[i] += bool(
                row["winner_high_f"] and found.reading is not None and found.reading > float(row["winner_high_f"])
            )

    assert len(days) == 177
    assert tuple(killed) == above


# Golden cases: FACTS I.9 and I.5, as far as the numbers stand there


def extreme_of(code: str, statistic: Statistic, day: date, lines: list[Line], **more: object) -> Extremum:
    station, rule = STATIONS[code], a_rule(statistic, **more)  # type: ignore[arg-type]
    window = window_of(
        DayWindow.STANDARD_TIME if statistic in (Statistic.OFFICIAL_MAX, Statistic.OFFICIAL_MIN) else DayWindow.CIVIL,
        station.tz,
        day,
    )
    columns, received = columns_of(lines)
    return listed_extreme(columns, received, rule, station, window, datetime(2027, 1, 1, tzinfo=UTC))


def at(day: date, hour: int, minute: int, tenths: int, **more: object) -> Line:
    valid = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
    return Line(valid, tenths, valid + timedelta(minutes=4), **more)  # type: ignore[arg-type]


def test_laguardia_2026_07_20_is_82_in_the_bracket_82_to_83() -> None:
    """T0278."""
    day = date(2026, 7, 20)
    found = extreme_of("KLGA", Statistic.MAX_LISTED_REPORT, day, [at(day, 18, 51, 272), at(day, 19, 51, 278)])
    ladder = event("x", lowest=77).ladder

    assert found.reading == 82
    assert next(b for b in ladder if b.holds(found.reading)).label == "82-83"


def test_london_2026_07_12_at_1320_kills_27() -> None:
    """28 C at 13:20Z: every bracket of 27 and below is dead from the receipt of that report on."""
    day = date(2026, 7, 12)
    found = extreme_of(
        "EGLC", Statistic.MAX_LISTED_REPORT, day, [at(day, 12, 50, 270, exact=False), at(day, 13, 20, 280, exact=False)],
        unit=Unit.CELSIUS,
    )  # fmt: skip
    city = event("london", lowest=22, step=1, station="EGLC", unit=Unit.CELSIUS)
    lattice = lattice_of([(city, ReportPrecision.WHOLE)])
    law = single(np.array([[27.0]]), np.array([[1.5]]), np.array([[8.0]]))

    mass = bracket_mass(lattice, cumulative(lattice, law, np.array([[float(found.reading or 0)]]), source_risk=False))[0, 0]

    assert (found.reading, found.exact) == (28, True)
    assert mass[: city.ladder.index(city.winner_of(28))].tolist() == [0.0] * 6
    assert mass.sum() == pytest.approx(1.0)


def test_o_hare_2026_06_09_is_31_in_celsius_and_87_in_fahrenheit() -> None:
    day = date(2026, 6, 9)
    lines = [at(day, 19, 51, 300), at(day, 20, 51, 306)]

    assert extreme_of("KORD", Statistic.MAX_LISTED_REPORT, day, lines, unit=Unit.CELSIUS).reading == 31
    assert extreme_of("KORD", Statistic.MAX_LISTED_REPORT, day, lines).reading == 87


def test_miami_2026_09_02_was_89_by_its_reports_and_90_by_its_group() -> None:
    """89 F is a T-group of 31.7, 90 F of 32.2; the group of 23:53Z sums up 17:53Z to 23:53Z."""
    day = date(2026, 9, 2)
    lines = [at(day, 18, 53, 317), at(day, 19, 53, 311), at(day, 23, 53, 294, max6=322)]

    assert extreme_of("KMIA", Statistic.MAX_LISTED_REPORT, day, lines).reading == 89
    assert extreme_of("KMIA", Statistic.MAX_HOURLY_READING, day, lines).reading == 89
    assert extreme_of("KMIA", Statistic.OFFICIAL_MAX, day, lines).reading == 90


def test_hong_kong_low_of_2026_08_16_shows_29_and_settles_28() -> None:
    day = date(2026, 8, 16)
    extract = {"unit": Unit.CELSIUS, "rounding": Rounding.FLOOR, "precision": Precision.TENTH}

    assert extreme_of("HKO", Statistic.DAILY_EXTRACT_MIN, day, [at(day, 2, 0, 289)], **extract).reading == 28


def test_a_table_of_another_instrument_has_no_floor_of_any_kind(tmp_path: Path) -> None:
    for statistic in (Statistic.DAILY_EXTRACT, Statistic.DAILY_EXTRACT_MIN):
        found = event(
            "hko", lowest=25, step=1, station="HKO", unit=Unit.CELSIUS, statistic=statistic, rounding=Rounding.FLOOR,
            precision=Precision.TENTH,
        )  # fmt: skip
        start = settlement_window(found.rule, STATIONS["HKO"].tz, found.event_day)[0]
        shown = [(start + n * HOUR, 280 + n) for n in range(8)]
        view = archive_of(tmp_path / statistic, [listing(found), metar("HKO", start + 8 * HOUR, shown)]).as_of(
            [start + 9 * HOUR]
        )
        seen = build_panel(view, (STATIONS["HKO"],), SETTINGS).seen

        for name in ("floor", "raw", "loose", "near"):
            assert np.isnan(getattr(seen, name)).all()


# Windows: 23, 24 and 25 hours, by the clock and by standard time


@pytest.mark.parametrize(("window", "day", "hours", "first"), [
    (DayWindow.CIVIL, date(2026, 3, 8), 23, 5), (DayWindow.CIVIL, date(2026, 6, 12), 24, 4),
    (DayWindow.CIVIL, date(2026, 11, 1), 25, 4), (DayWindow.STANDARD_TIME, date(2026, 3, 8), 24, 5),
    (DayWindow.STANDARD_TIME, date(2026, 6, 12), 24, 5), (DayWindow.STANDARD_TIME, date(2026, 11, 1), 24, 5),
])  # fmt: skip
@pytest.mark.parametrize("sign", [1, -1])
def test_a_report_counts_in_the_hours_of_its_window_alone(
    window: DayWindow, day: date, hours: int, first: int, sign: int
) -> None:
    """New York; FACTS I.4: Kalshi's day is 05:00Z to 05:00Z all year."""
    start, end = window_of(window, KLGA.tz, day)
    rule = a_rule(Statistic.MAX_LISTED_REPORT if sign > 0 else Statistic.MIN_LISTED_REPORT)
    counted = []
    for hour in range(-3, 32):
        valid = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour)
        columns, received = columns_of([Line(valid, sign * 300, valid)])
        if listed_extreme(columns, received, rule, KLGA, (start, end), end + 9 * HOUR).reading is not None:
            counted.append(hour)

    assert (end - start) == hours * HOUR
    assert counted == list(range(first, first + hours))


def test_the_first_hour_of_a_summer_day_belongs_to_the_climate_day_before() -> None:
    """00:30 by the clock of 12 June is 04:30Z: warmest of the civil day, and no part of the climate day."""
    day = date(2026, 6, 12)
    lines = [at(day, 4, 30, 300, report="SPECI"), at(day, 18, 51, 250)]

    assert extreme_of("KLGA", Statistic.MAX_LISTED_REPORT, day, lines).reading == 86
    assert extreme_of("KLGA", Statistic.OFFICIAL_MAX, day, lines).reading == 77
    assert extreme_of("KLGA", Statistic.OFFICIAL_MAX, day - timedelta(days=1), lines).reading == 86
