"""The weather desk behind the door of `core.ports.Desk`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from agents.weather.asks import asks_of
from agents.weather.columns import columns_of
from agents.weather.evaluation import WeatherEvaluation, evaluate
from agents.weather.models import model_of
from agents.weather.panel import PanelMemory, WeatherPanel, build_panel, take_in
from agents.weather.proposal import propose
from agents.weather.quotes import quotes_of
from agents.weather.scoring import Scorer
from agents.weather.skill import Skill
from agents.weather.track import Scored
from agents.weather.track_rows import filter_rows_of, joined, maker_of, scored_of_rows, state_rows, track_rows
from agents.weather.vintages import DAY
from core.checkpoints import CHECKPOINTS
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.event import Instrument
from core.model.quotes import Quotes
from core.model.record import Ask
from core.model.station import Station
from core.model.targets import Targets
from core.settings import Settings
from core.store.archive import View
from core.units import Columns, micros


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
        self._memory.skills.prior = settings.weather.pool_weight
        self._day, self._maker = -1, maker_of(settings, self._stations)
        self._first_of_day: WeatherPanel | None = None
        self._scorer = Scorer(settings, self._memory, evaluate)

    def asks(self, cycle: Cycle, account: Account, view: View) -> tuple[Ask, ...]:
        """Return what is to be asked before the cycle."""
        return asks_of(self._stations, cycle, account, view, self._memory, self._settings)

    def observe(self, view: View) -> WeatherPanel:
        """Return what the view knows of the open events; what was settled since the last view is scored before."""
        self._scorer.take_in(view)  # first: it may read further back, and each settled day is looked at once
        panel = build_panel(view, self._stations, self._settings, self._memory)
        if int(panel.instants[0]) // DAY != self._day:  # the filter's states are told once a UTC day, as all others
            self._day, self._first_of_day = int(panel.instants[0]) // DAY, panel
        return panel

    def settled(self, view: View) -> tuple[Scored, ...]:
        """Return the events that were scored since this or `learned` was asked last, oldest outcome first."""
        self._scorer.take_in(view)  # first: it may read further back, and each settled day is looked at once
        take_in(view, self._settings, self._memory)
        return self._memory.track.fresh()

    def earned(self, at: datetime) -> tuple[Skill, ...]:
        """Return what each venue has earned at each checkpoint, as known when the UTC day of an instant began."""
        day = micros(at) // DAY * DAY
        return tuple(
            self._memory.skills.of(venue, checkpoint, day)
            for venue in self._memory.track.venues
            for checkpoint in range(len(CHECKPOINTS))
        )

    @property
    def maker(self) -> str:
        """Return who makes what this desk learns; see `track_rows.maker_of`."""
        return self._maker

    def resume(self, kept: Columns) -> None:
        """Take back settled events that were scored and kept before; rows of another maker are left aside."""
        own = kept["maker"] == self._maker
        self._scorer.resume(scored_of_rows({name: column[own] for name, column in kept.items()}))

    def learned(self) -> tuple[Columns, Columns]:
        """Return what was learned since this was asked last: rows of settled events, rows of states."""
        maker = self._maker
        states = state_rows(self._memory.skills.fresh(), maker)
        if self._first_of_day is not None:
            states, self._first_of_day = joined(states, filter_rows_of(self._first_of_day, maker)), None
        return track_rows(self._memory.track.fresh(), maker), states

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
