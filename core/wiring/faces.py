"""Services for a face: agents for words only; no venue, no writer of money, no engine."""

from __future__ import annotations

from agents.transmission.tripwires import TRIPWIRES
from core.services import Services
from core.services.activity import ActivityService
from core.services.edges import EdgeService
from core.services.positions import PositionService
from core.services.shelves import Shelves, Wire
from core.services.status import StatusService
from core.services.trades import TradeService
from core.services.weather import WeatherService
from core.settings import Settings


def build_services(settings: Settings) -> Services:
    """Return the services over the data folder of `settings`; nothing is opened before it is asked for."""
    wires = {bit: Wire(wire.name, wire.action, wire.ends) for bit, wire in TRIPWIRES.items()}
    shelves = Shelves(settings, wires)
    return Services(
        status=StatusService(shelves),
        edges=EdgeService(shelves),
        trades=TradeService(shelves),
        activity=ActivityService(shelves),
        weather=WeatherService(shelves),
        positions=PositionService(shelves),
    )
