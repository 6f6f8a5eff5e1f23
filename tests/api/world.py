"""A small world, written by the real writers: three New York highs, two bought, one sold in part, one settled."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from core.control.beats import Beats
from core.days import settlement_window
from core.events import event_facts
from core.journal.changes import Closing, Execution, Intention, Payout, Risk
from core.journal.durable import DurableJournal
from core.model.account import Account
from core.model.activity import Action, Activity, Severity
from core.model.cycle import Cause, Cycle
from core.model.decision import Check, Decision, Verdict
from core.model.event import NO_FEES, Bracket, Event, Instrument, Side, instruments_of
from core.model.orders import Level, Orders, Reports, Role, Status
from core.model.record import Kind, Record
from core.model.rule import DayWindow, Extreme, Precision, Rounding, SettlementRule, Statistic
from core.model.settlement import Finality, Settlement
from core.settings import load_settings
from core.settings.identity import config_hash
from core.store.evaluations import EvaluationStore
from core.store.snapshots import SnapshotStore
from core.units import MICRO, Columns, Unit, iso, micros

WORLD, SEED, STATION, TZ = "demo:7", 7, "KLGA", "America/New_York"
NOW = datetime(2026, 12, 9, 18, 15, tzinfo=UTC)  # 13:15 in New York
EVERY = timedelta(minutes=15)
HASH = config_hash(load_settings(None), WORLD)  # of a face that was given nothing
SETTLED_DAY, TODAY, TOMORROW = date(2026, 12, 7), date(2026, 12, 9), date(2026, 12, 10)
LOWERS = (None, 40, 42, 44, 46)  # °F, two-degree brackets between two tails
TEXT = "This market resolves to the highest temperature recorded at LaGuardia."


def event_id(day: date) -> str:
    return f"highest-temperature-in-nyc-on-{day:%B}-{day.day}-{day.year}".lower()


def rule() -> SettlementRule:
    return SettlementRule(
        STATION, "wunderground", "https://example.org/KLGA", Statistic.MAX_LISTED_REPORT, Unit.FAHRENHEIT, Precision.WHOLE,
        Rounding.HALF_UP, DayWindow.CIVIL, "finalized", "", "", TEXT, hashlib.sha256(TEXT.encode()).hexdigest(),
    )  # fmt: skip


def ladder(day: date) -> tuple[Bracket, ...]:
    spans = [(low, None if rank == len(LOWERS) - 1 else (low or 38) + 1) for rank, low in enumerate(LOWERS)]
    return tuple(
        Bracket(low, high, _label(low, high), f"m{day.day}-{rank}", f"y{day.day}-{rank}", f"n{day.day}-{rank}")
        for rank, (low, high) in enumerate(spans)
    )


def _label(low: int | None, high: int | None) -> str:
    if low is None:
        return f"{high}°F or below"
    return f"{low}°F or higher" if high is None else f"{low}-{high}°F"


def event(day: date) -> Event:
    return Event(
        "polymarket", event_id(day), f"Highest temperature in NYC on {day}", "New York", day, Extreme.HIGH, rule(), ladder(day),
        NO_FEES, 10_000, 5 * MICRO, 20_000.0, None, None, True,
    )  # fmt: skip


def token(day: date, rank: int, side: Side = Side.YES) -> Instrument:
    return next(one for one in instruments_of(event(day), "new_york") if one.bracket == rank and one.side is side)


def build(folder: Path, *, now: datetime = NOW, engine: bool = True) -> None:
    """Write a world whose newest cycle is at `now`."""
    _records(folder, now)
    _evaluations(folder, now)
    _journal(folder, now)
    if engine:
        beat(folder, now)


def beat(folder: Path, now: datetime, state: str = "waiting", **facts: object) -> None:
    told = {
        "pid": os.getpid(), "world": WORLD, "interval_seconds": 900.0, "config_hash": HASH, "speed": 0.0, "cycle": 3,
        "scheduled_at": iso(now), "next_due": iso(now + EVERY),
        "sources": {"metar": {"metar": {"name": "metar", "last_success_at": iso(now), "last_error": ""}}},
    }  # fmt: skip
    Beats(folder).beat("engine", now, state, **{**told, **facts})


def texts(*values: object) -> np.ndarray:
    return np.array(values, dtype=object)


def _records(folder: Path, now: datetime) -> None:
    store = SnapshotStore(folder)
    for day in (TODAY, TOMORROW):
        facts, rows = event_facts(event(day))
        listed_at = now - timedelta(hours=20)
        store.publish([Record("polymarket", Kind.EVENTS, event_id(day), listed_at, None, b"{}", rows, facts)])
    window = settlement_window(rule(), TZ, TODAY)
    for age, warmer in ((timedelta(hours=30), -1.0), (timedelta(hours=15), 0.0), (timedelta(minutes=5), 0.5)):
        store.publish([forecast(now - age, window[0], warmer)])
    # 6.7 °C is 44.06 °F: the running maximum; 7.8 °C later is a correction that never came.
    for at, tenths in ((datetime(2026, 12, 9, 15, 51, tzinfo=UTC), 61), (datetime(2026, 12, 9, 16, 51, tzinfo=UTC), 67)):
        store.publish([metar(at + timedelta(minutes=4), at, tenths)])
    store.publish([metar(datetime(2026, 12, 9, 17, 55, tzinfo=UTC), datetime(2026, 12, 9, 17, 51, tzinfo=UTC), 56)])
    store.publish([books(TODAY, now - timedelta(seconds=20)), books(TOMORROW, now - timedelta(seconds=20))])
    store.close()


def forecast(received_at: datetime, start: datetime, warmer: float) -> Record:
    hours = [start + timedelta(hours=hour) for hour in range(48)]
    celsius = [warmer + 3.0 + 4.0 * np.sin((hour - 10) / 24 * 2 * np.pi) for hour in range(48)]
    rows = {
        "model": texts(*["gfs"] * 48, *["icon"] * 48), "variable": texts(*["hourly"] * 96),
        "valid_at": np.array([micros(at) for at in hours] * 2, np.int64),
        "celsius": np.array([*celsius, *(one + 1.0 for one in celsius)], np.float64),
    }  # fmt: skip
    return Record(
        "open_meteo", Kind.FORECAST, STATION, received_at, received_at - timedelta(hours=4), b"f%f" % warmer, rows, {}
    )


def metar(received_at: datetime, at: datetime, tenths: int) -> Record:
    missing = np.full(1, -32_768, np.int64)
    rows = {
        "valid_at": np.array([micros(at)], np.int64), "report": texts("METAR"), "corrected": np.array([False]),
        "tenths": np.array([tenths], np.int64), "exact": np.array([True]), "max6": missing, "min6": missing, "max24": missing,
        "min24": missing, "raw": texts(f"METAR KLGA {at:%d%H%M}Z T{tenths:05d}"),
    }  # fmt: skip
    return Record("metar", Kind.METAR, STATION, received_at, None, b"m%d" % micros(at), rows, {})


def books(day: date, received_at: datetime) -> Record:
    """Every YES: 100 shares bid at 0.20, 50 more at 0.10, offered at 0.22; every NO: 10 shares bid at 0.77."""
    sides, price, size, tokens = [], [], [], []
    for bracket in ladder(day):
        for name, side, cents, shares in (
            (bracket.yes, "bid", 20, 100), (bracket.yes, "bid", 10, 50), (bracket.yes, "ask", 22, 80),
            (bracket.no, "bid", 77, 10),
        ):  # fmt: skip
            tokens.append(name)
            sides.append(side)
            price.append(cents * 10_000)
            size.append(shares * MICRO)
    rows = {
        "token": texts(*tokens), "side": texts(*sides), "price_micro": np.array(price, np.int64),
        "size_micro": np.array(size, np.int64),
    }  # fmt: skip
    return Record("polymarket", Kind.BOOKS, event_id(day), received_at, None, b"b%d" % day.day, rows, {"tokens": {}})


def _evaluations(folder: Path, now: datetime) -> None:
    store = EvaluationStore(folder, "weather")
    for ago, shift in ((2, 0.02), (1, 0.01), (0, 0.0)):
        at = now - ago * EVERY
        store.append(at, outlooks((TODAY, TOMORROW), at), brackets((TODAY, TOMORROW), shift))
    store.append(NOW - timedelta(days=2), outlooks((SETTLED_DAY,), now - timedelta(days=2)), brackets((SETTLED_DAY,), 0.0))
    store.close()


def outlooks(days: Sequence[date], at: datetime) -> Columns:
    windows = [settlement_window(rule(), TZ, day) for day in days]
    n = len(days)
    whole = {
        "observed_at": 0, "forecast_received_at": micros(at), "forecast_first_at": micros(at), "book_received_at": micros(at),
        "metar_received_at": micros(at), "closes_at": 0, "n_residuals": 0,
    }  # fmt: skip
    return {
        "event_id": texts(*(event_id(day) for day in days)), "venue": texts(*["polymarket"] * n),
        "station": texts(*[STATION] * n), "city": texts(*["New York"] * n),
        "event_day": texts(*(day.isoformat() for day in days)),
        "extreme": texts(*["high"] * n), "unit": texts(*["F"] * n), "title": texts(*(event(day).title for day in days)),
        "regime": texts(*["STABLE"] * n), "mean": np.full(n, 45.0), "sd": np.full(n, 2.0), "forecast": np.full(n, 45.5),
        "floor": np.array([44.0 if day == TODAY else np.nan for day in days]), "p_no_more": np.full(n, np.nan),
        "window_start": np.array([micros(start) for start, _ in windows], np.int64),
        "window_end": np.array([micros(end) for _, end in windows], np.int64), "rule_sha": texts(*["5b"] * n),
        "rule_grade": texts(*["captured"] * n), "sources": texts(*['["open_meteo"]'] * n), "pool_weight": np.full(n, 0.3),
        "refusal": texts(*[""] * n), **{name: np.full(n, value, np.int64) for name, value in whole.items()},
    }  # fmt: skip


def brackets(days: Sequence[date], shift: float) -> Columns:
    rungs = [(day, rank, bracket) for day in days for rank, bracket in enumerate(ladder(day))]
    n = len(rungs)
    edge = np.array([0.08 - 0.05 * rank + shift for _, rank, _ in rungs])
    edge[-1] = np.nan  # nothing can be bought there
    side = texts(*(("YES" if rank < 3 else "NO") for _, rank, _ in rungs))
    side[-1] = ""
    return {
        "event_id": texts(*(event_id(day) for day, _, _ in rungs)),
        "bracket": np.array([rank for _, rank, _ in rungs], np.int64),
        "label": texts(*(one.label for _, _, one in rungs)),
        "lower": np.array([np.nan if one.lower is None else one.lower for _, _, one in rungs], np.float64),
        "upper": np.array([np.nan if one.upper is None else one.upper for _, _, one in rungs], np.float64),
        "market_id": texts(*(one.market_id for _, _, one in rungs)), "yes": texts(*(one.yes for _, _, one in rungs)),
        "no": texts(*(one.no for _, _, one in rungs)), "p_model": np.full(n, 0.3 + shift), "p_market": np.full(n, 0.2),
        "p_pooled": np.full(n, 0.25), "yes_bid": np.full(n, 0.2), "yes_ask": np.full(n, 0.22), "no_bid": np.full(n, 0.77),
        "no_ask": np.full(n, np.nan), "yes_price": np.full(n, 0.225), "no_price": np.full(n, np.nan), "edge_yes": edge,
        "edge_no": np.full(n, np.nan), "yes_depth": np.full(n, 80.0), "no_depth": np.full(n, 0.0),
        "fraction_yes": np.full(n, 0.031), "fraction_no": np.full(n, 0.0), "edge": edge, "side": side,
        "decision": texts(*("trade" if value > 0.05 else "skip" for value in edge)),
        "reason": texts(*("ok" if value > 0.05 else "edge_below_minimum" for value in edge)),
    }  # fmt: skip


# The journal: cycle 1 buys 100 YES of bracket 2 (settled day, wins) and 50 NO of bracket 1 today, cycle 2 buys 60 YES of
# bracket 3 today and sells 20 of the NO, cycle 3 settles the first event.


def cycle(number: int, now: datetime) -> Cycle:
    at = now - (3 - number) * EVERY
    return Cycle("weather", at, number, Cause.SCHEDULE, (), at + timedelta(seconds=2), at + timedelta(seconds=4))


def open_journal(folder: Path) -> DurableJournal:
    return DurableJournal(folder / "hermes.db", desk="weather", world=WORLD, start_micro=10_000 * MICRO)


def _journal(folder: Path, now: datetime) -> None:
    journal = open_journal(folder)
    account = journal.account("weather")
    first, second, third = (cycle(number, now) for number in (1, 2, 3))
    won, no, yes = token(SETTLED_DAY, 2), token(TODAY, 1, Side.NO), token(TODAY, 3)
    account = trade(journal, first, account, [(won, 100, 300_000), (no, 50, 700_000)])
    account = trade(journal, second, account, [(yes, 60, 210_000), (no, -20, 770_000)])
    account = journal.commit(third, account, intention(third, account, []))
    account = journal.commit(third, account, Execution(_reports([]), micros(third.fill_at)))
    for finality, winner in ((Finality.PROVISIONAL, 1), (Finality.FINAL, 2)):
        account = journal.commit(third, account, payout(SETTLED_DAY, winner, finality, third))
    close(journal, third, account)
    journal.close()


def trade(journal: DurableJournal, of: Cycle, account: Account, wanted: Sequence[tuple[Instrument, int, int]]) -> Account:
    """Order, fill and close one cycle: (instrument, signed shares, price)."""
    account = journal.commit(of, account, intention(of, account, wanted))
    rows = [(_name("o-", of, one.token), abs(shares) * MICRO, price) for one, shares, price in wanted]
    lines = tuple(
        _said(of, Action.TRADE, f"bought {one.label}", "trade_placed", one, trade_id=_name("x-", of, one.token))
        for one, _, _ in wanted
    )
    account = journal.commit(of, account, Execution(_reports(rows, of), micros(of.fill_at), lines))
    return close(journal, of, account)


def intention(of: Cycle, account: Account, wanted: Sequence[tuple[Instrument, int, int]]) -> Intention:
    belief = {
        "p_model": 0.3,
        "p_market": 0.2,
        "p_pooled": 0.25,
        "sd": 2.0,
        "edge": 0.08,
        "f_kelly": 0.031,
        "model": "residual",
        "regime": "STABLE",
    }
    decisions = tuple(
        Decision(
            _name("d-", of, one.token), 0, one.token, 0, shares * MICRO, shares * MICRO, shares * MICRO, "ok",
            (Check("spread", 0.02, 0.04, Verdict.PASS),), belief,
        )
        for one, shares, _ in wanted
    )  # fmt: skip
    n = len(wanted)
    orders = Orders(
        tuple(_name("o-", of, one.token) for one, _, _ in wanted), tuple(one.decision_id for one in decisions),
        np.zeros(n, np.int64), tuple(one.token for one, _, _ in wanted),
        np.array([Role.ENTRY if shares > 0 else Role.EXIT for _, shares, _ in wanted], np.int64), np.full(n, -1, np.int64),
        np.array([shares * MICRO for _, shares, _ in wanted], np.int64), np.array([price for *_, price in wanted], np.int64),
        np.array([price for *_, price in wanted], np.int64), np.array([price for *_, price in wanted], np.int64),
        np.full(n, Status.SUBMITTING, np.int64), np.zeros(n, np.int64),
        np.full(n, micros(of.fill_at), np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64),
    )  # fmt: skip
    lines = (_said(of, Action.DECISION, "New York 2026-12-09: best edge +8.0¢", "edges_updated", token(TODAY, 1)),)
    return Intention(decisions, orders, tuple(one for one, _, _ in wanted), _risk(account), lines)


def append(folder: Path, wanted: Sequence[tuple[Instrument, int, int]], *, tripped: int = 0) -> datetime:
    """Add one cycle, evaluated and ordered, 15 minutes after the newest; return its instant."""
    of = cycle(4, NOW)
    store = EvaluationStore(folder, "weather")
    store.append(of.scheduled_at, outlooks((TODAY, TOMORROW), of.scheduled_at), brackets((TODAY, TOMORROW), 0.0))
    store.close()
    journal = open_journal(folder)
    account = journal.account("weather")
    account = replace(account, tripped=account.tripped | tripped)
    trade(journal, of, account, wanted)
    journal.close()
    beat(folder, of.scheduled_at, cycle=4)
    return of.scheduled_at


def close(journal: DurableJournal, of: Cycle, account: Account) -> Account:
    line = Activity(
        of.sealed_at, Action.CYCLE, f"cycle #{of.number} complete, 100% of it", type="cycle_complete",
        data={"cycle_number": of.number}, measured={"duration_ms": 41.5},
    )  # fmt: skip
    warning = Activity(of.sealed_at, Action.ERROR, "metar: no answer", Severity.WARNING, "source_error")
    return journal.commit(of, account, Closing((line, warning)))


def payout(day: date, winner: int, finality: Finality, of: Cycle) -> Payout:
    bracket = ladder(day)[winner]
    word = Settlement(
        f"{event_id(day)}/{finality}/0", "polymarket", event_id(day), STATION, day, finality, 0, bracket.market_id,
        bracket.label,
        43.0, {"source": "venue"},
    )  # fmt: skip
    line = Activity(
        of.sealed_at, Action.SETTLEMENT, f"New York {day}: {bracket.label}", type="settlement", station=STATION, event_day=day,
        event_id=event_id(day),
    )  # fmt: skip
    return Payout(word, (line,))


def _said(of: Cycle, action: Action, message: str, kind: str, one: Instrument, **data: object) -> Activity:
    return Activity(
        of.sealed_at, action, message, type=kind, station=one.station, event_day=one.event_day, event_id=one.event_id,
        data={"station_code": one.station, **data},
    )  # fmt: skip


def _risk(account: Account) -> Risk:
    equity = account.cash_micro + account.cost_micro.sum(axis=1)
    start = account.start_micro
    return Risk(
        NOW.toordinal(), equity, start // 100, start, start, np.maximum(equity, start), account.tripped, account.governor
    )


def _reports(rows: Sequence[tuple[str, int, int]], of: Cycle | None = None) -> Reports:
    n, at = len(rows), micros(of.fill_at) if of else 0
    return Reports(
        tuple(order for order, _, _ in rows), tuple(f"x-{order[2:]}-1" for order, _, _ in rows),
        np.full(n, Status.FILLED, np.int64), np.full(n, at, np.int64), np.array([size for _, size, _ in rows], np.int64),
        np.array([size * price // MICRO for _, size, price in rows], np.int64), np.full(n, 250_000, np.int64),
        tuple((Level(price, 500 * MICRO, size),) for _, size, price in rows), ("",) * n,
    )  # fmt: skip


def _name(kind: str, of: Cycle, name: str) -> str:
    return kind + hashlib.sha1(f"{of.desk}|{of.scheduled_at}|0|{name}".encode()).hexdigest()[:16]
