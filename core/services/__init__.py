"""One class per family of questions; frozen answers that carry `as_of`, `source` and `n`.

Faces ask these and nothing else. Everything is read-only, and what does not exist yet is an honest empty answer: `n` is 0 and
`missing` says what is absent and which command makes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.services.activity import ActivityService
from core.services.edges import EdgeService
from core.services.explain import ExplainService
from core.services.machine import MachineService
from core.services.metrics import MetricsService
from core.services.operator import OperatorService
from core.services.orders import OrderService
from core.services.pairs import PairService
from core.services.performance import PerformanceService
from core.services.positions import PositionService
from core.services.processes import ProcessService
from core.services.risk import RiskService
from core.services.signals import SignalService
from core.services.sources import SourceService
from core.services.stations import StationService
from core.services.status import StatusService
from core.services.system import SystemService
from core.services.trade_sums import TradeSums
from core.services.trades import TradeService
from core.services.verification import VerificationService
from core.services.weather import WeatherService


@dataclass(frozen=True, slots=True)
class Services:
    """What a face holds: built once by `core.wiring.faces.build_services`, shared between threads."""

    status: StatusService
    edges: EdgeService
    trades: TradeService
    sums: TradeSums
    activity: ActivityService
    weather: WeatherService
    positions: PositionService
    stations: StationService
    pairs: PairService
    sources: SourceService
    explain: ExplainService
    verification: VerificationService
    performance: PerformanceService
    metrics: MetricsService
    system: SystemService
    risk: RiskService
    orders: OrderService
    operator: OperatorService
    processes: ProcessService
    signals: SignalService
    machine: MachineService
