"""Services for a face: agents for words only; no venue, no writer of money, no engine."""

from __future__ import annotations

from collections.abc import Mapping

from agents.transmission.described import CHECKS
from agents.transmission.reasons import REASONS as ORDER_REASONS
from agents.transmission.tripwires import TRIPWIRES
from agents.weather.reasons import REASONS as SKIP_REASONS
from core.services import Services
from core.services.activity import ActivityService
from core.services.edges import EdgeService
from core.services.explain import ExplainService, Meaning
from core.services.pairs import PairService
from core.services.positions import PositionService
from core.services.shelves import Shelves, Wire
from core.services.sources import SourceService
from core.services.stations import StationService
from core.services.status import StatusService
from core.services.trades import TradeService
from core.services.verification import VerificationService
from core.services.weather import WeatherService
from core.settings import Settings

CHECKED: Mapping[str, Meaning] = {row.name: Meaning(row.family, row.sentence, row.formula) for row in CHECKS}
REASONS: Mapping[str, str] = {**SKIP_REASONS, **ORDER_REASONS}


def build_services(settings: Settings) -> Services:
    """Return the services over the data folder of `settings`; nothing is opened before it is asked for."""
    wires = {bit: Wire(wire.name, wire.action, wire.ends) for bit, wire in TRIPWIRES.items()}
    shelves = Shelves(settings, wires)
    stations = StationService(shelves, REASONS)
    return Services(
        status=StatusService(shelves),
        edges=EdgeService(shelves),
        trades=TradeService(shelves),
        activity=ActivityService(shelves),
        weather=WeatherService(shelves),
        positions=PositionService(shelves),
        stations=stations,
        pairs=PairService(shelves, stations),
        sources=SourceService(shelves),
        explain=ExplainService(shelves, CHECKED, REASONS),
        verification=VerificationService(shelves),
    )
