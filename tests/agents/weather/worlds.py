"""A small archive of one or more events, built record by record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from agents.weather.desk import WeatherDesk
from agents.weather.evaluation import WeatherEvaluation
from core.days import settlement_window
from core.events import event_facts
from core.model.event import Bracket, Event, Fees, checked_ladder
from core.model.record import Kind, Record
from core.model.rule import DayWindow, Grade, Precision, Rounding, SettlementRule, Statistic
from core.registry import load_stations
from core.settings import Settings
from core.store.archive import Archive
from core.store.snapshots import SnapshotStore
from core.units import MISSING, Unit, micros

DAY = date(2026, 6, 12)
FEES = Fees(0.05)
SETTINGS = Settings(_env_file=None)
LISTED_AT = datetime(2026, 6, 9, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def rule(station: str = "KLGA", unit: Unit = Unit.FAHRENHEIT, **more: object) -> SettlementRule:
    parts: dict[str, object] = {
        "station": station, "source": "wunderground", "source_url": "https://example.test", "unit": unit,
        "statistic": Statistic.MAX_LISTED_REPORT, "precision": Precision.WHOLE, "rounding": Rounding.HALF_UP,
        "window": DayWindow.CIVIL, "revision_cutoff": "first_next_day_point", "fallback_source": "", "no_data": "",
        "text": "highest temperature", "sha256": "0" * 64, "grade": Grade.CAPTURED,
    }  # fmt: skip
    return SettlementRule(**{**parts, **more})  # type: ignore[arg-type]


def ladder(event_id: str, lowest: int, step: int, n: int = 11) -> tuple[Bracket, ...]:
    """Return a tail up to `lowest`, n - 2 brackets of `step` readings, and a tail."""

    def bracket(i: int) -> Bracket:
        lower = None if i == 0 else lowest + 1 + (i - 1) * step
        upper = None if i == n - 1 else lowest + i * step
        return Bracket(lower, upper, f"{lower}-{upper}", f"{event_id}-m{i}", f"{event_id}-y{i}", f"{event_id}-n{i}")

    return checked_ladder(tuple(bracket(i) for i in range(n)))


def event(event_id: str = "nyc-12", *, lowest: int = 69, step: int = 2, day: date = DAY, n: int = 11, **more: object) -> Event:
    own = rule(**more)
    return Event(
        venue="polymarket", event_id=event_id, title="Highest temperature", city="New York", event_day=day,
        extreme=own.statistic.extreme, rule=own, ladder=ladder(event_id, lowest, step, n), fees=FEES, tick_micro=10_000,
        min_size_micro=5_000_000, liquidity_usd=50_000.0, opens_at=LISTED_AT, closes_at=None, accepting=True,
    )  # fmt: skip


def listing(found: Event, at: datetime = LISTED_AT) -> Record:
    facts, rows = event_facts(found)
    return Record("polymarket", Kind.EVENTS, found.event_id, at, None, f"{found.event_id}{at}".encode(), rows, facts)


def book(found: Event, at: datetime, fair: Sequence[float], *, half_spread: float = 0.01, size: float = 500.0) -> Record:
    """Return a book two levels deep on each side around `fair` of YES, on cents."""
    rows: list[tuple[str, str, int, int]] = []
    for bracket, mid in zip(found.ladder, fair, strict=True):
        for token, centre in ((bracket.yes, mid), (bracket.no, 1.0 - mid)):
            for side, sign in (("bid", -1), ("ask", 1)):
                for level in (0, 1):
                    price = round(centre + sign * (half_spread + 0.01 * level), 2)
                    if 0.0 < price < 1.0:
                        rows.append((token, side, round(price * 1e6), round(size * 1e6)))
    columns = {
        name: np.array([row[i] for row in rows], dtype=object if i < 2 else np.int64)
        for i, name in enumerate(("token", "side", "price_micro", "size_micro"))
    }
    return Record("polymarket", Kind.BOOKS, found.event_id, at, None, repr(rows).encode(), columns, {"tokens": {}})


def prints(found: Event, at: datetime, yes: Sequence[float]) -> Record:
    n = len(found.ladder)
    columns = {
        "market_id": np.array([b.market_id for b in found.ladder] * 2, dtype=object),
        "valid_at": np.full(2 * n, micros(at), np.int64), "yes_price_micro": np.array([round(p * 1e6) for p in yes] * 2, np.int64),
        "size_micro": np.full(2 * n, 10_000_000, np.int64), "taker": np.array(["yes"] * n + ["no"] * n, dtype=object),
    }  # fmt: skip
    return Record("polymarket", Kind.PRINTS, found.event_id, at, None, repr(yes).encode(), columns)


def curve(peak_celsius: float, at: datetime, tz_hours: int, swing: float = 8.0) -> float:
    """Return a diurnal curve that peaks at 15:00 standard time."""
    hour = (at.hour + at.minute / 60.0 + tz_hours) % 24
    return peak_celsius - swing / 2 * (1 - float(np.cos((hour - 15) / 24 * 2 * np.pi)))


def forecast(
    station: str, at: datetime, peaks: Sequence[float], *, tz_hours: int = -5, days: int = 4, first: datetime | None = None
) -> Record:
    """Return a forecast of hourly curves, one model per peak [degrees Celsius]."""
    start = (first or at).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    hours = [start + HOUR * i for i in range(24 * (days + 1))]
    rows = [(f"model{i}", micros(hour), curve(peak, hour, tz_hours)) for i, peak in enumerate(peaks) for hour in hours]
    columns = {
        "model": np.array([row[0] for row in rows], dtype=object), "variable": np.array(["hourly"] * len(rows), dtype=object),
        "valid_at": np.array([row[1] for row in rows], np.int64), "celsius": np.array([row[2] for row in rows], np.float64),
    }  # fmt: skip
    return Record("open_meteo", Kind.FORECAST, station, at, None, repr((tuple(peaks), start)).encode(), columns)


def daily_forecast(station: str, at: datetime, day_start: datetime, maxima: Sequence[float], source: str = "mos") -> Record:
    n = len(maxima)
    columns = {
        "model": np.array([f"model{i}" for i in range(n)], dtype=object), "variable": np.array(["daily_max"] * n, dtype=object),
        "valid_at": np.full(n, micros(day_start), np.int64), "celsius": np.array(maxima, np.float64),
    }  # fmt: skip
    return Record(source, Kind.FORECAST, station, at, None, repr(maxima).encode(), columns)


def metar(station: str, at: datetime, reports: Sequence[tuple[datetime, int]], *, exact: bool = True) -> Record:
    """Return reports of (valid at, tenths of a degree Celsius)."""
    n = len(reports)
    columns = {
        "valid_at": np.array([micros(valid) for valid, _ in reports], np.int64), "report": np.array(["METAR"] * n, dtype=object),
        "corrected": np.zeros(n, bool), "tenths": np.array([tenths for _, tenths in reports], np.int64),
        "exact": np.full(n, exact), **{name: np.full(n, MISSING, np.int64) for name in ("max6", "min6", "max24", "min24")},
        "raw": np.array([""] * n, dtype=object),
    }  # fmt: skip
    return Record("metar", Kind.METAR, station, at, None, repr(reports).encode(), columns)


def outcome(found: Event, at: datetime, reading: int, *, value: bool = True) -> Record:
    winner = found.winner_of(reading)
    columns = {
        "market_id": np.array([b.market_id for b in found.ladder], dtype=object),
        "won": np.array([b is winner for b in found.ladder]),
    }
    facts = {"final": True, "winner": winner.market_id, "value": float(reading) if value else None, "accepting": False}
    return Record("polymarket", Kind.OUTCOMES, found.event_id, at, None, f"{found.event_id}{reading}".encode(), columns, facts)


def archive_of(folder: Path, records: Sequence[Record]) -> Archive:
    store = SnapshotStore(folder)
    store.publish(records)
    return Archive(folder, store)


def look(
    archive: Archive, *instants: datetime, settings: Settings = SETTINGS, desk: WeatherDesk | None = None
) -> WeatherEvaluation:
    """Evaluate with a desk that remembers nothing, unless one is given."""
    desk = desk or WeatherDesk(tuple(load_stations().values()), settings)
    return desk.evaluate(desk.observe(archive.as_of(instants)), settings)


def quarter_hours(start: datetime, count: int) -> list[datetime]:
    return [start + timedelta(minutes=15) * i for i in range(count)]


def window_start(found: Event) -> datetime:
    return settlement_window(found.rule, load_stations()[found.rule.station].tz, found.event_day)[0]


def live_records(found: Event, start: datetime, count: int, peaks: Sequence[float], fair: Sequence[float]) -> list[Record]:
    """Return what an engine would have recorded every quarter of an hour while nothing moved."""
    instants = quarter_hours(start, count)
    station = found.rule.station
    records = [listing(found)]
    for at in instants:
        records.append(forecast(station, at, peaks, first=start))
        records.append(book(found, at, fair))
        reports = [(at - timedelta(minutes=9 + 60 * k), round(10 * curve(peaks[0], at - timedelta(minutes=9 + 60 * k), -5)))
                   for k in (2, 1, 0)]  # fmt: skip
        records.append(metar(station, at, reports))
    return records
