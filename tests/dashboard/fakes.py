"""A small Services made of the frozen answers alone: Miami and London of a fixed day, with a version that can be raised."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import cos, exp, pi
from typing import Any

from core.errors import StoreError, UnknownIdError
from core.services.activity import LogRow, Logs
from core.services.curves import Curve, Dot, Step
from core.services.earned import Earned, earned
from core.services.edges import Edge, Ladder, Outlook, Outlooks
from core.services.money import MoneyState
from core.services.positions import EventPosition, Holding, OutcomeState
from core.services.processes import EngineState
from core.services.risk import RiskState
from core.services.status import Collection, CycleState, Notice, SourceState, Status
from core.services.system import SystemState
from core.services.trades import Trades
from core.services.weather import Band, BracketSeries, EventCard, Fan, MarketHistory, RuleLine

DAY = date(2026, 12, 9)
START = datetime(2026, 12, 9, 5, tzinfo=UTC)  # midnight in Miami's standard time
NOW = START + timedelta(hours=12, minutes=45, seconds=2)
MIAMI = "highest-temperature-in-miami-on-december-9-2026"
LONDON = "highest-temperature-in-london-on-december-9-2026"
TITLES = {MIAMI: ("Miami", "KMIA", "F"), LONDON: ("London", "EGLC", "C")}

# rank: lower, upper, model, market, YES ask, NO ask, side, edge, depth, target, reason
LADDER: tuple[tuple[Any, ...], ...] = (
    (None, 74, 0.0004, 0.021, 0.03, 0.98, "NO", 0.002, 400.0, None, "edge_small"),
    (75, 76, 0.002, 0.012, 0.01, 0.99, "", None, None, None, "no_price"),
    (77, 78, 0.16, 0.014, 0.02, 0.99, "YES", 0.098, 80.0, ("YES", 40), "as_wanted"),
    (79, 80, 0.63, 0.62, 0.67, 0.34, "YES", -0.011, 145.0, None, "edge_small"),
    (81, 82, 0.20, 0.33, 0.38, 0.63, "NO", 0.072, 210.0, ("NO", 24), "earned_size"),
    (83, None, 0.008, 0.006, 0.01, 0.99, "", None, None, None, "no_price"),
)


def curve(label: str, peak: float, hours: float, *, start: datetime = START) -> Curve:
    """Return a day with its maximum soon after two in the afternoon."""
    at = tuple(start + timedelta(hours=hour) for hour in range(-3, 28))
    value = tuple(
        round(peak - 7 * (1 - cos((hour - 14.2) / 24 * 2 * pi)) * (1 + 0.3 * exp(-hour / 9)), 2) for hour in range(-3, 28)
    )
    received = NOW - timedelta(hours=hours)
    return Curve(
        label, received, received, received - timedelta(hours=1), ("ecmwf_ifs025", "gfs_seamless"), at, value, max(value)
    )


PAYS = (*[Decimal(24)] * 2, Decimal(64), Decimal(24), Decimal(0), Decimal(24))  # 40 YES 77-78 and 24 NO 81-82


@dataclass
class World:
    """What the fake answers say now; a test changes it and raises the version."""

    version: int = 100
    cycle: int = 214
    now: datetime = NOW
    peak: float = 79.8
    running: bool = True
    simulated: bool = True
    missing: str = ""
    broken: set[str] = field(default_factory=set)  # answers that fail

    def advance(self) -> None:
        """Complete one cycle: time, numbers and the version move."""
        self.version += 12
        self.cycle += 1
        self.now += timedelta(minutes=15)
        self.peak += 0.2


class FakeStatus:
    def __init__(self, world: World) -> None:
        self.world = world

    def strip(self) -> Status:
        world = self.world
        if "status" in world.broken:
            raise RuntimeError("broken on purpose")
        notice = Notice("warning", "source_down", "zeus: no key, using 3 others")
        age = 12.0 if world.running else 7_200.0
        return Status(
            as_of=world.now, source="fake", n=world.version, timestamp=world.now, version="0.1.0",
            journal_version=world.version, execution_mode="PAPER", mode="demo",
            world="demo:7" if world.simulated else "live", simulated=world.simulated,
            seed=7 if world.simulated else None, speed=300.0 if world.simulated else None, desk="weather",
            trading_engine=EngineState(world.running, 1, world.now, 0.4, "resting", "abc"),
            cycle=CycleState(
                world.cycle, 900, world.now - timedelta(seconds=age), world.now + timedelta(seconds=48), 48.0, age
            ),
            stations=("EGLC", "KMIA"), data_collection=Collection(True, True, 12),
            sources={"metar": SourceState("metar", True, world.now, 5.0, None)}, open_events=2,
            risk=RiskState(True, "normal", "", ()), money=self._money(), system=self._system(),
            warnings=(notice, Notice("info", "simulated", "Simulated world")), missing=world.missing,
        )  # fmt: skip

    def _money(self) -> MoneyState:
        return MoneyState(
            Decimal("9876.10"), Decimal("9998.80"), Decimal("-1.20"), Decimal("3.1"), -0.012, 0.03, Decimal("84.2"),
            Decimal(400), Decimal(100), Decimal("2.10"), Decimal("0.4"), self.world.now,
        )  # fmt: skip

    def _system(self) -> SystemState:
        return SystemState("ready", "STABLE", "residual on the weather desk", -0.01, 0.03, 1.0, 0, True, "")


class FakeEdges:
    def __init__(self, world: World) -> None:
        self.world = world

    def events(self, *, only_open: bool = True) -> Outlooks:
        if "events" in self.world.broken:
            raise StoreError("evaluations: the file is not a database; move it away")
        if self.world.missing:
            return Outlooks(self.world.now, "fake", 0, (), self.world.missing)
        found = (self.outlook(LONDON), self.outlook(MIAMI))
        return Outlooks(self.world.now, "fake", len(found), found)

    def outlook(self, event_id: str) -> Outlook:
        city, station, unit = TITLES[event_id]
        start = START if event_id == MIAMI else START - timedelta(hours=5)
        return Outlook(
            event_id=event_id, venue="polymarket", station_code=station, city=city, event_day=DAY, extreme="high", unit=unit,
            title=f"Highest temperature in {city}?", regime="STABLE", mean=79.6, sd=0.9, forecast=self.world.peak, floor=78.0,
            observed_at=self.world.now, p_no_more=0.1, window_start=start, window_end=start + timedelta(hours=24),
            closes_at=None, forecast_received_at=self.world.now, forecast_first_at=self.world.now, book_received_at=self.world.now,
            metar_received_at=self.world.now, rule_sha="3fa2c1", rule_grade="trusted", sources=("open_meteo",), n_residuals=40,
            pool_weight=0.3, refusal="", decided_at=self.world.now - timedelta(seconds=12),
            best_edge=0.098 if event_id == MIAMI else 0.01, best_bracket="77-78°F", best_side="YES", n_brackets=6, open=True,
        )  # fmt: skip

    def ladder(self, event_id: str) -> Ladder:
        if "ladder" in self.world.broken:
            raise RuntimeError("broken on purpose")
        if event_id not in TITLES:
            raise UnknownIdError(f"event {event_id!r} was never evaluated here")
        rungs = tuple(self._edge(event_id, rank, row) for rank, row in enumerate(LADDER))
        return Ladder(self.world.now, "fake", len(rungs), event_id, self.outlook(event_id), rungs)

    def _edge(self, event_id: str, rank: int, row: tuple[Any, ...]) -> Edge:
        lower, upper, model, market, yes, no, side, edge, depth, wanted, reason = row
        city, station, unit = TITLES[event_id]
        target = {} if wanted is None else {f"target_{wanted[0].lower()}": Decimal(wanted[1])}
        return Edge(
            station_code=station, city=city, venue="polymarket", event_id=event_id, event_day=DAY, extreme="high",
            bracket=label(lower, upper, unit), rank=rank, lower=lower, upper=upper, lower_f=lower, upper_f=upper, unit=unit,
            market_id=f"0x{rank}", token_id=f"{rank}1", side=side, p_model=model, p_pooled=(model + market) / 2,
            p_market=market, yes_bid=round(yes - 0.01, 2), yes_ask=yes, no_bid=round(no - 0.01, 2), no_ask=no,
            executable_price=None if edge is None else yes, edge=edge, edge_pct=None if edge is None else 100 * edge,
            edge_yes=edge, edge_no=None, depth_shares=depth, f_kelly=0.02, size_usd=Decimal(8) if wanted else Decimal(0),
            decision="trade" if wanted else "skip", reason=reason, decision_time_utc=self.world.now, age_seconds=12.0,
            held_yes=Decimal(40 if rank == 2 else 0), held_no=Decimal(24 if rank == 4 else 0), **target,
        )  # fmt: skip


def label(lower: int | None, upper: int | None, unit: str) -> str:
    if lower is None:
        return f"{upper}°{unit} or below"
    return f"{lower}°{unit} or higher" if upper is None else f"{lower}-{upper}°{unit}"


class FakeWeather:
    def __init__(self, world: World) -> None:
        self.world = world

    def card(self, event_id: str) -> EventCard:
        if "card" in self.world.broken:
            raise RuntimeError("broken on purpose")
        city, station, unit = TITLES[event_id]
        tz = "America/New_York" if event_id == MIAMI else "Europe/London"
        start = START if event_id == MIAMI else START - timedelta(hours=5)
        peak = self.world.peak
        temperatures = (66, 65.5, 65, 65, 64.5, 64.5, 65, 67, 70, 75, 76, 78, 78)
        dots = tuple(
            Dot(START + timedelta(hours=hour - 0.1), NOW, value, int(value), "METAR", True, f"KMIA 09{hour:02d}53Z")
            for hour, value in enumerate(temperatures)
            if hour
        )
        steps = tuple(Step(dot.at, dot.value, int(dot.value)) for dot in (dots[0], *dots[6:11]))
        return EventCard(
            as_of=self.world.now, source="fake", n=len(dots), event_id=event_id, title=city, venue="polymarket",
            station_code=station, station_name=f"{city} airport", city=city, tz=tz, event_day=DAY, extreme="high", unit=unit,
            window_start=start, window_end=start + timedelta(hours=24), closes_at=None, rule=self._rule(station, unit),
            now_curve=curve("now", peak, 0.5), issued_curve=curve("as issued", peak - 0.4, 13),
            earlier=(curve("earlier", peak - 2.2, 48), curve("earlier", peak - 1.6, 24)), dots=dots, running=steps, floor=78,
            floor_at=dots[-1].at, next_report_at=self.world.now + timedelta(minutes=8),
            fan=Fan(peak - 0.7, peak - 0.35, peak, peak + 0.35, peak + 0.7), bands=tuple(self._bands()), notes=(),
        )  # fmt: skip

    def _rule(self, station: str, unit: str) -> RuleLine:
        return RuleLine(
            f"Highest listed report of {station} by Weather Underground, whole °{unit}, as printed, civil day", station,
            "Weather Underground", "https://example.invalid", "max_listed_report", unit, "whole", "as_printed", "civil",
            "trusted", "3fa2c1" * 10, "This market resolves to <the> temperature range.", "",
        )  # fmt: skip

    def _bands(self) -> list[Band]:
        return [
            Band(
                rank, label(row[0], row[1], "F"), None if row[0] is None else row[0] - 0.5,
                None if row[1] is None else row[1] + 0.5, row[2], row[3], row[3], rank < 2,
            )
            for rank, row in enumerate(LADDER)
        ]  # fmt: skip

    def market(self, event_id: str, *, max_points: int = 300) -> MarketHistory:
        count = 160
        at = tuple(self.world.now - timedelta(minutes=15 * (count - place)) for place in range(count))
        series = tuple(
            BracketSeries(rank, label(row[0], row[1], "F"), self._walk(row[3], rank, count), (), ())
            for rank, row in enumerate(LADDER)
        )
        return MarketHistory(self.world.now, "fake", count, event_id, at, series)

    def _walk(self, level: float, rank: int, count: int) -> tuple[float, ...]:
        return tuple(
            round(min(1, max(0, level + 0.05 * cos((place // 7) * (rank + 1) * 1.7) * (level**0.5))), 3)
            for place in range(count)
        )


class FakePositions:
    def __init__(self, world: World) -> None:
        self.world = world

    def event(self, event_id: str) -> EventPosition:
        outcomes = tuple(
            OutcomeState(rank, label(row[0], row[1], "F"), PAYS[rank], PAYS[rank] - Decimal("15.92"), row[2], rank >= 2)
            for rank, row in enumerate(LADDER)
        )
        held = (
            Holding("21", "0x2", "77-78°F", 2, "YES", Decimal(40), Decimal("0.02"), Decimal("0.8"), 0.02, self.world.now, 12.0,
                    Decimal("0.8"), Decimal(0)),
            Holding("41", "0x4", "81-82°F", 4, "NO", Decimal(24), Decimal("0.63"), Decimal("15.12"), 0.6, self.world.now, 12.0,
                    Decimal("14.51"), Decimal("-0.61")),
        )  # fmt: skip
        return EventPosition(
            as_of=self.world.now, source="fake", n=2, event_id=event_id, venue="polymarket", station_code="KMIA", city="Miami",
            event_day=DAY, extreme="high", holdings=held, cost_usd=Decimal("15.92"), value_usd=Decimal("15.31"),
            unrealised_usd=Decimal("-0.61"), fees_usd=Decimal("0.41"), realized_usd=Decimal(0), worst_usd=Decimal("-15.92"),
            best_usd=Decimal("48.08"), outcomes=outcomes,
        )  # fmt: skip


class FakeActivity:
    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: list[dict[str, Any]] = []

    def version(self) -> int:
        return self.world.version

    def logs(self, *, limit: int = 100, offset: int = 0, **filters: Any) -> Logs:
        self.asked.append(filters)
        if self.world.missing:
            return Logs(self.world.now, "fake", 0, 0, limit, offset, (), self.world.missing)
        rows = [row for row in self._rows() if filters.get("station_code") in (None, row.station_code)]
        rows = [row for row in rows if filters.get("action_type") in (None, row.action_type)]
        return Logs(self.world.now, "fake", self.world.version, len(rows), limit, offset, tuple(rows[offset : offset + limit]))

    def _rows(self) -> list[LogRow]:
        lines = (
            ("trade", "INFO", "KMIA", "Miami 2026-12-09: bought 24 NO 81-82°F at 63.0¢, fee 0.39 $"),
            ("decision", "INFO", "KMIA", "Miami 2026-12-09: forecast 79.8°F, best edge +9.8¢, 2 to trade, STABLE"),
            ("error", "WARNING", "", "open_meteo forecast: 1 unanswered, first EGLC: <timeout>"),
            ("cycle", "INFO", "", "cycle: 12 events, 132 brackets evaluated, 2 orders"),
        )
        return [
            LogRow(
                seq=self.world.version - place, timestamp=self.world.now - timedelta(seconds=place * 5), level=level,
                desk="weather", station_code=station, event_day=DAY if station else None, event_id=MIAMI if station else "",
                cycle=self.world.cycle - place // len(lines), action_type=action, type="", message=message,
                data={"bracket": "81-82°F", "note": "<b>"}, measured={"ms": 12},
            )
            for place, (action, level, station, message) in enumerate(lines * 3)
        ]  # fmt: skip


class FakeTrades:
    def __init__(self, world: World) -> None:
        self.world = world

    def recent(self, *, limit: int = 100, offset: int = 0, **filters: Any) -> Trades:
        none = Decimal(0)
        return Trades(self.world.now, "fake", 0, 0, limit, offset, (), none, none, none, 0, 0, 0)


class FakeVerification:
    """Nothing has settled in this world."""

    def earned(self, venue: str, station_code: str, event_day: date) -> Earned:
        return earned({}, venue, "12:45")


class FakeServices:
    """Stands where `Services` stands."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()
        self.status, self.edges, self.weather = FakeStatus(self.world), FakeEdges(self.world), FakeWeather(self.world)
        self.positions, self.activity = FakePositions(self.world), FakeActivity(self.world)
        self.trades = FakeTrades(self.world)
        self.verification = FakeVerification()
