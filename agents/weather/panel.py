"""What is known at each instant, as arrays: instants x events x brackets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.weather.books import BookMemory, Books, read_books
from agents.weather.discretise import Lattice, lattice_of
from agents.weather.forecasts import ForecastMemory, Forecasts, empty_forecasts, forecast_stack, read_forecasts
from agents.weather.learning import Learned, ResidualMemory
from agents.weather.listed import Listed, ListingMemory, Listings
from agents.weather.observations import FloorMemory, Seen, empty_seen, metar_stack, read_observations
from core.days import standard_offset
from core.model.event import Instrument, instruments_of
from core.model.station import Station
from core.settings import Settings
from core.store.archive import View
from core.units import MICRO, BoolArray, FloatArray, InstantArray, instant


@dataclass(frozen=True, slots=True)
class WeatherPanel:
    """Everything was read as of its own look: the instants of the view, then the same instants one interval earlier.

    The second half is there for the regime, which takes the stricter of the last two: stateless, so that a restart, a
    replay and a block of a day say the same. Books, prints and instruments exist for the instants alone.
    """

    instants: InstantArray  # (n_instants,)
    looks: InstantArray  # (2 x n_instants,)
    events: tuple[Listed, ...]
    instruments: tuple[Instrument, ...]  # by event, brackets cold to warm, YES before NO
    lattice: Lattice
    start: InstantArray  # (n_events,)
    end: InstantArray  # (n_events,)
    cadence: FloatArray  # (n_events,) distance of routine reports [s]
    degree: FloatArray  # (n_events,) the rule's degrees in one degree Fahrenheit
    listings: Listings  # (n_looks, n_events), as all that follow but books
    forecasts: Forecasts
    seen: Seen
    learned: Learned
    books: Books

    @property
    def present(self) -> BoolArray:
        """Return, (n_instants, n_events), which events are listed and whose window is not over."""
        here: BoolArray = self.listings.known[: len(self.instants)] & (self.instants[:, None] < self.end)
        return here


class PanelMemory:
    """What was decoded already; it makes a look cheap and changes none of its bits."""

    def __init__(self, stations: Sequence[Station]) -> None:
        self.listings = ListingMemory({station.code: station for station in stations})
        self.forecasts = ForecastMemory()
        self.floors = FloorMemory()
        self.books = BookMemory()
        self.residuals = ResidualMemory(self.listings, self.forecasts)
        self.instruments: dict[str, tuple[Instrument, ...]] = {}
        self.axis: tuple[list[tuple[Instrument, ...]], tuple[Instrument, ...]] = ([], ())  # of the last look, by event and all
        self.finished: set[str] = set()  # events whose last word was heard so long ago that it will not change


def build_panel(view: View, stations: Sequence[Station], settings: Settings, memory: PanelMemory | None = None) -> WeatherPanel:
    """Return what the view knows of the open events of these stations.

    Args:
        view: of the archive, at the instants asked about.
        stations: whose events count, by the station that their own rule names.
        settings: the interval between two looks.
        memory: of earlier panels of the same archive and stations.
    """
    memory = memory or PanelMemory(stations)
    instants = view.instants
    looks = np.concatenate([instants, instants - settings.interval_seconds * MICRO])
    events, listings = memory.listings.read(view, looks)
    memory.forecasts.forget(looks)
    memory.residuals.take_in(view, looks)
    forecasts, seen = empty_forecasts(len(looks), len(events)), empty_seen(len(looks), len(events))
    for code, own in _by_station(events).items():
        year = instant(int(instants[0])).year
        offset = int(standard_offset(own[0][1].station.tz, year).total_seconds()) * MICRO
        stack = forecast_stack(view, code, looks)
        current = read_forecasts(memory.forecasts, memory.residuals.climates, stack, own, looks, offset, forecasts)
        read_observations(metar_stack(view, code, looks), own, looks, current, seen, memory.floors)
    lattice = lattice_of([(each.event, each.station.report_precision) for each in events])
    return WeatherPanel(
        instants=instants, looks=looks, events=events,
        instruments=_axis(events, memory), lattice=lattice,
        start=np.array([each.start for each in events], np.int64), end=np.array([each.end for each in events], np.int64),
        cadence=np.array([60.0 * each.station.cadence_minutes for each in events], np.float64),
        degree=np.array([1.0 if each.event.rule.unit == "F" else 1.0 / 1.8 for each in events], np.float64),
        listings=listings, forecasts=forecasts, seen=seen,
        learned=memory.residuals.learned(events, looks, forecasts.n_models, forecasts.daily),
        books=read_books(view, events, lattice.exists.shape[-1], memory.books),
    )  # fmt: skip


def _by_station(events: Sequence[Listed]) -> dict[str, list[tuple[int, Listed]]]:
    grouped: dict[str, list[tuple[int, Listed]]] = {}
    for column, listed in enumerate(events):
        grouped.setdefault(listed.station.code, []).append((column, listed))
    return grouped


def _axis(events: Sequence[Listed], memory: PanelMemory) -> tuple[Instrument, ...]:
    """Return the instruments of all events; the same tuple as long as they are the same: much is remembered by it."""
    parts = [_instruments(each, memory) for each in events]
    before, axis = memory.axis
    if len(parts) != len(before) or any(one is not other for one, other in zip(parts, before, strict=True)):
        axis = tuple(instrument for part in parts for instrument in part)
        memory.axis = parts, axis
        memory.instruments = {each.event.event_id: part for each, part in zip(events, parts, strict=True)}
    return axis


def _instruments(listed: Listed, memory: PanelMemory) -> tuple[Instrument, ...]:
    """Return the tokens of an event; the same objects as long as it is listed alike."""
    event_id = listed.event.event_id
    known = memory.instruments.get(event_id, ())
    if len(known) != 2 * len(listed.event.ladder):
        known = memory.instruments[event_id] = instruments_of(listed.event, listed.station.region)
    return known
