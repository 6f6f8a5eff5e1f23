"""Recorded event-days without a file: panels and books of a drifting market, seeded, in the desk's own types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
from scipy.special import ndtr

from agents.weather.books import read_books
from agents.weather.discretise import lattice_of
from agents.weather.forecasts import empty_forecasts
from agents.weather.law import PEAK_HOURS, PEAK_SD
from agents.weather.learning import Learned
from agents.weather.listed import Listed, Listings
from agents.weather.observations import empty_seen
from agents.weather.panel import WeatherPanel
from agents.weather.skill import SkillMemory, read_skills
from agents.weather.track import TrackMemory
from core.days import settlement_window
from core.events import event_facts
from core.journal.changes import Payout
from core.model.cycle import Cause, Cycle
from core.model.event import Event, instruments_of
from core.model.record import Kind
from core.model.settlement import Finality, Settlement
from core.model.station import Station
from core.store.archive import Stack
from core.units import MICRO, FloatArray, InstantArray, Unit, instant, micros
from tests.agents.weather.worlds import event

FIRST_DAY = date(2026, 6, 1)
INTERVAL = timedelta(minutes=15)
SEALED, FILLED = timedelta(seconds=2), timedelta(seconds=4)
N_CYCLES, N_BRACKETS, N_LEVELS = 96, 9, 3
HOUR = 3_600 * MICRO
RIGHT = 0.6  # how often the desk's forecast is borne out: it must neither run out of money nor of depth in a month
LEARNED_SPREAD = 2.0  # degrees of the rule


@dataclass(frozen=True)
class Day:
    """One event-day: what the desk has observed of it, its cycles, its records, how its events end."""

    panel: WeatherPanel
    cycles: tuple[Cycle, ...]
    archive: MemoryArchive
    payouts: tuple[Payout, ...]


class MemoryArchive:
    """Stacks that are in memory, behind the calls that a desk and a broker make of an archive."""

    def __init__(self, stacks: Mapping[tuple[Kind, str], Stack]) -> None:
        self._stacks = stacks

    def as_of(self, instants: Sequence[datetime]) -> MemoryView:
        return MemoryView(self._stacks, np.array([micros(at) for at in instants], np.int64))


class MemoryView:
    """What the stacks hold up to the last instant."""

    def __init__(self, stacks: Mapping[tuple[Kind, str], Stack], instants: InstantArray) -> None:
        self._stacks, self.instants = stacks, instants

    def subjects(self, kind: Kind, since: datetime) -> tuple[str, ...]:
        return tuple(sorted(subject for of, subject in self._stacks if of is kind and len(self.stack(of, subject, since))))

    def newest(self, kind: Kind, subject: str, since: datetime) -> Stack:
        found = self.stack(kind, subject, since)
        return self.stack(kind, subject, instant(int(found.received_at[-1]))) if len(found) else found

    def asked(self, kind: Kind, subject: str, since: datetime) -> InstantArray:
        return self.stack(kind, subject, since).received_at

    def stack(self, kind: Kind, subject: str, since: datetime, *, failed: bool = False) -> Stack:
        whole = self._stacks.get((kind, subject))
        if whole is None:
            return _stack(kind, subject, np.empty(0, np.int64), (), {}, 0)
        first, last = np.searchsorted(whole.received_at, [micros(since), int(self.instants[-1]) + 1]).tolist()
        offsets = whole.offsets[first : last + 1]
        rows = slice(int(offsets[0]), int(offsets[-1]))
        return replace(
            whole, received_at=whole.received_at[first:last], first_at=whole.first_at[first:last],
            issued_at=whole.issued_at[first:last], offsets=offsets - offsets[0], source=whole.source[first:last],
            facts=whole.facts[first:last], error=whole.error[first:last],
            columns={name: values[rows] for name, values in whole.columns.items()}, until=int(self.instants[-1]),
        )  # fmt: skip


def _stack(
    kind: Kind, subject: str, received: InstantArray, facts: Sequence[Mapping[str, object]], columns: Mapping[str, np.ndarray],
    rows: int,
) -> Stack:  # fmt: skip
    """Return records of `rows` rows each."""
    n = len(received)
    return Stack(
        kind, subject, received, received, np.zeros(n, np.int64), rows * np.arange(n + 1), ("polymarket",) * n, tuple(facts),
        (None,) * n, dict(columns),
    )  # fmt: skip


def record_day(
    number: int, stations: Sequence[Station], chance: np.random.Generator, *, drift: float, disagreement: float
) -> Day:
    """Return one event-day of a market that drifts by `drift` a cycle around a belief `disagreement` degrees away.

    Args:
        number: of the day, from 0.
        stations: one event each.
        drift: sd of the market's and the forecast's steps [degrees of the rule].
        disagreement: sd of forecast - market [degrees of the rule].
    """
    day = FIRST_DAY + timedelta(days=number)
    listed = tuple(_listed(station, day, i) for i, station in enumerate(stations))
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    cycles = tuple(_cycle(midnight + INTERVAL * i, number * N_CYCLES + i + 1) for i in range(N_CYCLES))
    market = _walk(chance, (N_CYCLES, len(listed)), 0.7 * drift)
    model = _walk(chance, market.shape, 0.7 * drift) + chance.normal(0.0, disagreement, len(listed))
    centre = np.array([_centre(each.event) for each in listed]) + chance.normal(0.0, 1.0, len(listed))
    archive = MemoryArchive(dict(
        part
        for column, each in enumerate(listed)
        for part in _records(each, cycles, centre[column] + market[:, column], chance)
    ))  # fmt: skip
    panel = _panel(listed, cycles, archive, centre + market + model)
    right = centre + market[-1] + np.where(chance.random(len(listed)) < RIGHT, model[-1], 0.0)  # else the market was
    winners = (each.event.winner_of(round(float(right[i]))) for i, each in enumerate(listed))
    return Day(panel, cycles, archive, tuple(_payout(each.event, winner) for each, winner in zip(listed, winners, strict=True)))


def _cycle(at: datetime, number: int) -> Cycle:
    return Cycle("weather", at, number, Cause.SCHEDULE, (), at + SEALED, at + FILLED)


def _listed(station: Station, day: date, i: int) -> Listed:
    unit = Unit.FAHRENHEIT if i % 2 else Unit.CELSIUS
    lowest, step = (69, 2) if i % 2 else (21, 1)
    found = event(f"{station.code}-{day}", lowest=lowest, step=step, station=station.code, unit=unit, day=day, n=N_BRACKETS)
    start, end = settlement_window(found.rule, station.tz, day)
    return Listed(replace(found, city=station.city), station, micros(start), micros(end))


def _centre(found: Event) -> float:
    inner = found.ladder[len(found.ladder) // 2]
    assert inner.lower is not None
    assert inner.upper is not None
    return (inner.lower + inner.upper) / 2


def _walk(chance: np.random.Generator, shape: tuple[int, int], step: float) -> FloatArray:
    """Return a walk that is drawn back to 0."""
    steps, at, walked = chance.normal(0.0, step, shape), np.zeros(shape[1]), np.empty(shape)
    for i in range(shape[0]):
        at = 0.97 * at + steps[i]
        walked[i] = at
    return walked


def _records(
    listed: Listed, cycles: Sequence[Cycle], mean: FloatArray, chance: np.random.Generator
) -> list[tuple[tuple[Kind, str], Stack]]:
    """Return the listing of an event and its books, one a cycle: the market's normal law on cents, three levels a side."""
    found = listed.event
    facts, rows = event_facts(found)
    edges = np.array([np.inf if b.upper is None else b.upper + 0.5 for b in found.ladder])
    to_peak = (listed.start + 15 * HOUR - np.array([micros(cycle.sealed_at) for cycle in cycles])) / HOUR
    sd = np.interp(to_peak, PEAK_HOURS, PEAK_SD[1]) * (1.0 if found.rule.unit == "F" else 1 / 1.8)  # others know the hour too
    below = ndtr((edges - mean[:, None]) / sd[:, None])
    yes = np.diff(below, prepend=0.0)
    mid = np.stack([yes, 1.0 - yes], axis=-1)  # (n_cycles, n_brackets, YES/NO)
    away = 0.01 * (1.0 + np.arange(N_LEVELS))
    price = np.round(np.stack([mid[..., None] - away, mid[..., None] + away], axis=-2), 2)  # bid, ask
    price = np.clip(price, 0.01, 0.99)
    size = chance.integers(500, 5_000, price.shape)
    n_rows = N_BRACKETS * 2 * 2 * N_LEVELS
    tokens = np.repeat(np.array([t for b in found.ladder for t in (b.yes, b.no)], dtype=object), 2 * N_LEVELS)
    sides = np.tile(np.repeat(np.array(["bid", "ask"], dtype=object), N_LEVELS), 2 * N_BRACKETS)
    columns = {
        "token": np.tile(tokens, len(cycles)), "side": np.tile(sides, len(cycles)),
        "price_micro": np.rint(price * MICRO).astype(np.int64).ravel(), "size_micro": (size * MICRO).ravel(),
    }  # fmt: skip
    received = np.array([micros(cycle.sealed_at) - MICRO for cycle in cycles], np.int64)
    first = np.array([received[0] - 24 * HOUR], np.int64)
    return [
        ((Kind.EVENTS, found.event_id), _stack(Kind.EVENTS, found.event_id, first, (facts,), rows, N_BRACKETS)),
        (
            (Kind.BOOKS, found.event_id),
            _stack(Kind.BOOKS, found.event_id, received, ({"tokens": {}},) * len(cycles), columns, n_rows),
        ),
    ]


def _panel(listed: tuple[Listed, ...], cycles: Sequence[Cycle], archive: MemoryArchive, mean: FloatArray) -> WeatherPanel:
    """Return what a look at the day knows; books are read from the records, the rest is drawn."""
    sealed = [cycle.sealed_at for cycle in cycles]
    instants = np.array([micros(at) for at in sealed], np.int64)
    looks = np.concatenate([instants, instants - INTERVAL // timedelta(microseconds=1)])
    mean = np.concatenate([mean, mean[[0, *range(len(mean) - 1)]]])
    shape = (len(looks), len(listed))
    start, end = (np.array([getattr(each, name) for each in listed], np.int64) for name in ("start", "end"))
    at = np.broadcast_to(looks[:, None], shape)
    peak = np.broadcast_to(start + 15 * HOUR, shape)
    running = (at >= start) & (at < end)
    forecasts = replace(
        empty_forecasts(*shape), extreme=mean, n_models=np.full(shape, 3.0), disagreement=np.full(shape, 0.8),
        curve_sd=np.full(shape, 3.0), remaining=np.where(running, mean, np.nan), peak_at=peak, rest_peak_at=peak,
        moved=np.full(shape, 0.1), received_at=at - HOUR // 6, first_at=at - 3 * HOUR,
        sources=np.full(shape, "open_meteo", dtype=object),
    )  # fmt: skip
    seen = replace(empty_seen(*shape), received_at=at - HOUR // 10, newest_at=at - HOUR // 5, error=np.full(shape, 0.1))
    listings = Listings(
        known=np.ones(shape, np.bool_), trust=np.zeros(shape, np.int64), accepting=np.ones(shape, np.bool_),
        liquidity_usd=np.full(shape, 50_000.0), tick_micro=np.full(shape, 10_000, np.int64),
        min_size_micro=np.full(shape, 5_000_000, np.int64), closes_at=np.zeros(shape, np.int64), received_at=at - 24 * HOUR,
    )  # fmt: skip
    learned = Learned(
        bias=np.zeros(shape), spread=np.full(shape, LEARNED_SPREAD), n=np.full(shape, 40.0), usual_disagreement=np.ones(shape)
    )
    return WeatherPanel(
        instants=instants, looks=looks, events=listed,
        instruments=tuple(i for each in listed for i in instruments_of(each.event, each.station.region)),
        lattice=lattice_of([(each.event, each.station.report_precision) for each in listed]), start=start, end=end,
        cadence=np.full(len(listed), 3_600.0), degree=np.array([1.0 if each.event.rule.unit == "F" else 1 / 1.8 for each in listed]),
        listings=listings, forecasts=forecasts, seen=seen, learned=learned,
        books=read_books(archive.as_of(sealed), listed, N_BRACKETS),  # type: ignore[arg-type]
        skills=read_skills(SkillMemory(TrackMemory()), listed, instants),
    )  # fmt: skip


def _payout(found: Event, winner: object) -> Payout:
    market_id, label = winner.market_id, winner.label  # type: ignore[attr-defined]
    return Payout(
        Settlement(
            settlement_id=f"{found.event_id}/{Finality.FINAL}/0", venue=found.venue, event_id=found.event_id,
            station=found.rule.station, event_day=found.event_day, finality=Finality.FINAL, revision=0, winner=market_id,
            winner_label=label, reading=None, evidence={},
        )
    )  # fmt: skip
