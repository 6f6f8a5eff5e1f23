"""What is known at each instant, as arrays: instants x events x brackets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace

import numpy as np

from agents.weather.books import BookMemory, Books, read_books
from agents.weather.discretise import Lattice, lattice_of
from agents.weather.forecasts import (
    Current,
    ForecastMemory,
    Forecasts,
    each_model,
    empty_forecasts,
    forecast_stack,
    read_forecasts,
)
from agents.weather.law import Guidance, Progress
from agents.weather.learning import CaseMemory, Learned
from agents.weather.listed import Listed, ListingMemory, Listings
from agents.weather.members import MemberMemory, read_members
from agents.weather.models import model_of
from agents.weather.neighbours import read_neighbours
from agents.weather.observations import FloorMemory, Seen, empty_seen, metar_stack, read_observations
from agents.weather.running_days import RunningMemory, progress_of
from agents.weather.skill import SkillMemory, Skills, read_skills
from agents.weather.track import TrackMemory
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
    skills: Skills  # (n_instants, n_events)
    guidance: Guidance = field(default_factory=Guidance)  # what the chosen model asks for besides
    progress: Progress = field(default_factory=Progress)  # what settled days taught of running ones

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
        self.members = MemberMemory()
        self.cases = CaseMemory(self.listings, self.forecasts)
        self.running = RunningMemory()
        self.instruments: dict[str, tuple[Instrument, ...]] = {}
        self.axis: tuple[list[tuple[Instrument, ...]], tuple[Instrument, ...]] = ([], ())  # of the last look, by event and all
        self.finished: set[str] = set()  # events whose last word was heard so long ago that it will not change
        self.track = TrackMemory()
        self.skills = SkillMemory(self.track)

    def aside(self) -> PanelMemory:
        """Return a memory for looks at the past: it shares what was learned and decoded, and leaves alone what is of the present."""
        other = copy(self)
        other.books, other.instruments, other.axis = BookMemory(), {}, ([], ())
        return other


def build_panel(view: View, stations: Sequence[Station], settings: Settings, memory: PanelMemory | None = None) -> WeatherPanel:
    """Return what the view knows of the open events of these stations.

    Args:
        view: of the archive, at the instants asked about.
        stations: whose events count, by the station that their own rule names.
        settings: the interval between two looks.
        memory: of earlier panels of the same archive and stations.
    """
    memory = memory or PanelMemory(stations)
    looks = looks_of(view.instants, settings)
    events, listings = memory.listings.read(view, looks)
    memory.forecasts.forget(looks)
    take_in(view, settings, memory)
    return panel_of(view, events, listings, settings, memory)


def take_in(view: View, settings: Settings, memory: PanelMemory) -> None:
    """Read what was settled since the last view; again it is nothing."""
    take_in_since(view, looks_of(view.instants, settings), settings, memory)


def take_in_since(view: View, looks: InstantArray, settings: Settings, memory: PanelMemory) -> None:
    """Read what was settled up to the view and may count at these looks; settled days are looked at once more as they ran."""
    memory.cases.take_in(view, looks, model_of(settings))
    fresh, memory.cases.fresh = memory.cases.fresh, []
    memory.running.take_in(view, fresh, memory.forecasts, memory.cases.climates, memory.floors, memory.cases.books)


def looks_of(instants: InstantArray, settings: Settings) -> InstantArray:
    """Return the instants, then the same one interval earlier."""
    return np.concatenate([instants, instants - settings.interval_seconds * MICRO])


def panel_of(
    view: View, events: tuple[Listed, ...], listings: Listings, settings: Settings, memory: PanelMemory
) -> WeatherPanel:
    """Return what the view knows of some events, given what their listings say at each look; outcomes were taken in before."""
    instants, looks = view.instants, looks_of(view.instants, settings)
    forecasts, seen = empty_forecasts(len(looks), len(events)), empty_seen(len(looks), len(events))
    currents: dict[int, Current] = {}
    for code, own in _by_station(events).items():
        year = instant(int(instants[0])).year
        offset = int(standard_offset(own[0][1].station.tz, year).total_seconds()) * MICRO
        stack = forecast_stack(view, code, looks)
        current = read_forecasts(memory.forecasts, memory.cases.climates, stack, own, looks, offset, forecasts)
        currents |= current
        read_observations(metar_stack(view, code, looks), own, looks, current, seen, memory.floors)
        read_neighbours(view, own, looks, memory.cases.neighbours, seen, memory.floors)
    transfer = memory.cases.transfers.known(events, looks)
    seen = replace(seen, excess_law=transfer.law, excess_mean=transfer.mean)
    lattice = lattice_of([(each.event, each.station.report_precision) for each in events])
    return WeatherPanel(
        instants=instants, looks=looks, events=events,
        instruments=_axis(events, memory), lattice=lattice,
        start=np.array([each.start for each in events], np.int64), end=np.array([each.end for each in events], np.int64),
        cadence=np.array([60.0 * each.station.cadence_minutes for each in events], np.float64),
        degree=np.array([1.0 if each.event.rule.unit == "F" else 1.0 / 1.8 for each in events], np.float64),
        listings=listings, forecasts=forecasts, seen=seen,
        learned=memory.cases.learned(events, looks, forecasts.n_models, forecasts.daily),
        books=read_books(view, events, lattice.exists.shape[-1], memory.books),
        progress=progress_of(memory.running, events, looks, forecasts, seen, lattice.high),
        skills=read_skills(memory.skills, events, instants), guidance=_guidance(view, events, looks, currents, settings, memory),
    )  # fmt: skip


def _guidance(
    view: View, events: Sequence[Listed], looks: InstantArray, currents: Mapping[int, Current], settings: Settings,
    memory: PanelMemory,
) -> Guidance:  # fmt: skip
    """Return each forecast apart, and what the chosen model asks for besides: members and lessons only where it does."""
    model, found, n = model_of(settings), Guidance(), len(events)
    names, extremes = each_model(currents, len(looks), n)
    found = replace(found, models=names, extremes=extremes)
    if model.members:
        found = replace(found, members=read_members(view, _by_station(events), looks, memory.members, n))
    if model.learn is not None:
        which, lessons = memory.cases.lessons(events, looks, model)
        found = replace(found, lesson=which, lessons=lessons)
    return found


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
