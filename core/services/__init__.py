"""One class per family of questions; frozen answers that carry `as_of`, `source` and `n`.

Faces ask these and nothing else. Everything is read-only, and what does not exist yet is an honest empty answer: `n` is 0 and
`missing` says what is absent and which command makes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.services.activity import ActivityService
from core.services.edges import EdgeService
from core.services.explain import ExplainService
from core.services.pairs import PairService
from core.services.positions import PositionService
from core.services.sources import SourceService
from core.services.stations import StationService
from core.services.status import StatusService
from core.services.trades import TradeService
from core.services.verification import VerificationService
from core.services.weather import WeatherService


@dataclass(frozen=True, slots=True)
class Services:
    """What a face holds: built once by `core.wiring.faces.build_services`, shared between threads."""

    status: StatusService
    edges: EdgeService
    trades: TradeService
    activity: ActivityService
    weather: WeatherService
    positions: PositionService
    stations: StationService
    pairs: PairService
    sources: SourceService
    explain: ExplainService
    verification: VerificationService
