"""Services for a face: agents for words only; no venue, no writer of money, no engine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from agents.preview import Ground, Previewing
from agents.transmission.described import CHECKS
from agents.transmission.gauges import gauges
from agents.transmission.reasons import REASONS as ORDER_REASONS
from agents.transmission.tripwires import TRIPWIRES
from agents.weather.reasons import REASONS as SKIP_REASONS
from core.model.account import Account
from core.model.station import Station
from core.services import Services
from core.services.activity import ActivityService
from core.services.edges import EdgeService
from core.services.explain import ExplainService, Meaning
from core.services.machine import MachineService
from core.services.metrics import MetricsService
from core.services.operator import OperatorService
from core.services.orders import OrderService
from core.services.pairs import PairService
from core.services.performance import PerformanceService
from core.services.positions import PositionService
from core.services.processes import ProcessService
from core.services.risk import RiskService
from core.services.shelves import Shelves, Wire
from core.services.signals import SignalService
from core.services.sources import SourceService
from core.services.stations import StationService
from core.services.status import StatusService
from core.services.system import SystemService
from core.services.trade_sums import TradeSums
from core.services.trades import TradeService
from core.services.verification import VerificationService
from core.services.weather import WeatherService
from core.settings import Settings
from core.store.sessions import recorded_settings
from core.units import Columns

CHECKED: Mapping[str, Meaning] = {row.name: Meaning(row.family, row.sentence, row.formula) for row in CHECKS}
REASONS: Mapping[str, str] = {**SKIP_REASONS, **ORDER_REASONS}


def build_services(settings: Settings) -> Services:
    """Return the services over the data folder of `settings`; nothing is opened before it is asked for."""
    wires = {bit: Wire(wire.name, wire.action, wire.ends) for bit, wire in TRIPWIRES.items()}
    shelves = Shelves(settings, wires)
    stations, trades = StationService(shelves, REASONS), TradeService(shelves)
    performance = PerformanceService(shelves)
    return Services(
        status=StatusService(shelves),
        edges=EdgeService(shelves),
        trades=trades,
        sums=TradeSums(shelves, trades),
        activity=ActivityService(shelves),
        weather=WeatherService(shelves),
        positions=PositionService(shelves),
        stations=stations,
        pairs=PairService(shelves, stations),
        sources=SourceService(shelves),
        explain=ExplainService(shelves, CHECKED, REASONS),
        verification=VerificationService(shelves),
        performance=performance,
        metrics=MetricsService(performance),
        system=SystemService(shelves),
        risk=RiskService(shelves, gauges),
        orders=OrderService(shelves),
        operator=OperatorService(shelves),
        processes=ProcessService(shelves),
        machine=MachineService(shelves),
        signals=SignalService(shelves, Previewing(_ground(shelves)), CHECKED, REASONS),
    )


def _ground(shelves: Shelves) -> Ground:
    """Return what a preview stands on: readers alone."""

    def account(desk: str) -> Account | None:
        journal = shelves.journal()
        return next((one for one in journal.accounts() if one.desk == desk), None) if journal else None

    def kept(maker: str, since: int) -> Columns | None:
        track = shelves.track()
        return track.track(maker, since) if track else None

    return Ground(
        archive=shelves.archive, account=account, now=lambda: _looked_at(shelves),
        settings=lambda: shelves.settings.in_world(shelves.present().world), stations=lambda: _stations(shelves), kept=kept,
    )  # fmt: skip


def _looked_at(shelves: Shelves) -> datetime:
    """Return the instant that a preview is of: now; in a simulated world, where time leaps, that of the newest cycle."""
    present, journal = shelves.present(), shelves.journal()
    newest = journal.newest_cycle() if journal and present.simulated else None
    return newest.cycle.sealed_at if newest else present.now


def _stations(shelves: Shelves) -> tuple[Station, ...]:
    """Return the stations of the session that is recorded here; of an old one, which did not say, those it evaluated."""
    recorded, believed = recorded_settings(shelves.settings, shelves.data_dir), shelves.believed()
    codes: tuple[str, ...] = recorded[-1].settings.stations if recorded else shelves.settings.stations
    if not codes and believed is not None:
        codes = tuple(dict.fromkeys(str(row["station"]) for row in believed.outlooks(None)))
    known = shelves.stations()
    return tuple(known[code] for code in codes if code in known)
