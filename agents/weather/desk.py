"""The weather desk behind the door of `core.ports.Desk`."""

from __future__ import annotations

from collections.abc import Sequence

from agents.weather.asks import asks_of
from agents.weather.columns import columns_of
from agents.weather.evaluation import WeatherEvaluation, evaluate
from agents.weather.models import model_of
from agents.weather.panel import PanelMemory, WeatherPanel, build_panel
from agents.weather.proposal import propose
from agents.weather.quotes import quotes_of
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.event import Instrument
from core.model.quotes import Quotes
from core.model.record import Ask
from core.model.station import Station
from core.model.targets import Targets
from core.settings import Settings
from core.store.archive import View
from core.units import Columns


class WeatherDesk:
    """Events of some stations, one archive.

    What it remembers are decoded records and learned states of that archive; another archive needs another desk.
    """

    name = "weather"

    def __init__(self, stations: Sequence[Station], settings: Settings) -> None:
        """Raise SettingsError when the chosen model does not exist."""
        model_of(settings)
        self._stations, self._settings = tuple(stations), settings
        self._memory = PanelMemory(self._stations)

    def asks(self, cycle: Cycle, account: Account, view: View) -> tuple[Ask, ...]:
        """Return what is to be asked before the cycle."""
        return asks_of(self._stations, cycle, account, view, self._memory, self._settings)

    def observe(self, view: View) -> WeatherPanel:
        """Return what the view knows of the open events."""
        return build_panel(view, self._stations, self._settings, self._memory)

    def evaluate(self, panel: WeatherPanel, settings: Settings) -> WeatherEvaluation:
        """Return what is believed of a panel; no account is in sight."""
        return evaluate(panel, settings)

    def quotes(self, panel: WeatherPanel) -> Quotes:
        """Return the quotes of the panel's instruments, in their order."""
        return quotes_of(panel)

    def instruments(self, evaluation: WeatherEvaluation) -> tuple[Instrument, ...]:
        """Return the tokens of all events: by event, brackets cold to warm, YES before NO."""
        return evaluation.panel.instruments

    def propose(self, evaluation: WeatherEvaluation, row: int, account: Account, settings: Settings) -> Targets:
        """Return what each account should hold at one instant, before any limit."""
        return propose(evaluation, row, account, settings)

    def columns(self, evaluation: WeatherEvaluation, row: int) -> tuple[Columns, Columns]:
        """Return what was believed at one instant: a row per event, a row per bracket."""
        return columns_of(evaluation, row)
