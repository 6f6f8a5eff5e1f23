"""Model against market at every moment at which both were read, where a set is too short for checkpoints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from agents.research.verification import LISTED_BEFORE, final_word, highs_of
from agents.weather.desk import WeatherDesk
from agents.weather.evaluation import WeatherEvaluation
from agents.weather.listed import Listed
from core.metrics.scores import brier, log_score, ranked_probability_score
from core.model.record import Kind
from core.model.station import Station
from core.settings import Settings
from core.store.archive import Archive
from core.units import FloatArray, instant

BEFORE = "before the day"
PHASES = (BEFORE, "00 to 09", "09 to 12", "12 to 15", "15 to 24")  # local clock of the station
_ENDS = (9, 12, 15, 24)


@dataclass(frozen=True, slots=True)
class Moment:
    """One event at one moment: probabilities of its ladder, cold to warm."""

    city: str
    day: date
    phase: str
    model: FloatArray
    market: FloatArray
    winner: int  # rank in the ladder


@dataclass(frozen=True, slots=True)
class MomentScore:
    """Means over events, each event the mean over its own moments: an event read more often weighs no more."""

    name: str
    n_events: int
    n_moments: int
    model_log: float
    market_log: float
    model_brier: float
    market_brier: float
    model_rps: float  # [brackets]
    market_rps: float
    model_better: int  # events in which the model's log score is the lower one


def moments(archive: Archive, settings: Settings, station: Station, first: date, last: date) -> Iterator[Moment]:
    """Yield the settled highs of a station at each moment at which prices were read, where the model could speak."""
    desk = WeatherDesk((station,), settings)
    for listed in highs_of(archive, station, first, last):
        word, instants = final_word(archive, listed), _price_instants(archive, listed)
        if word is None or not instants:
            continue
        evaluation = desk.evaluate(desk.observe(archive.as_of([instant(at) for at in instants])), settings)
        for column, other in enumerate(evaluation.panel.events):
            if other.event.event_id == listed.event.event_id:
                yield from _moments(evaluation, column, listed, word["winner"])


def _price_instants(archive: Archive, listed: Listed) -> list[int]:
    """Return when prices were read before the day was over, oldest first."""
    end = instant(listed.end)
    prints = archive.as_of([end]).span(Kind.PRINTS, listed.event.event_id, instant(listed.start) - LISTED_BEFORE, end)
    found: list[int] = np.unique(prints.received_at).tolist()
    return found


def _moments(evaluation: WeatherEvaluation, column: int, listed: Listed, winner: str) -> Iterator[Moment]:
    event, n = listed.event, len(listed.event.ladder)
    won = [bracket.market_id for bracket in event.ladder].index(winner)
    for row, at in enumerate(evaluation.panel.instants.tolist()):
        model, market = evaluation.p_model[row, column, :n], evaluation.p_market[row, column, :n]
        if np.isfinite(model).all() and np.isfinite(market).all():
            yield Moment(event.city, event.event_day, phase_of(listed, at), model, market, won)


def phase_of(listed: Listed, at: int) -> str:
    """Return the part of the station's day that a moment lies in."""
    if at < listed.start:
        return BEFORE
    hour = (at - listed.start) / 3.6e9
    return next(phase for phase, end in zip(PHASES[1:], _ENDS, strict=True) if hour < end or end == _ENDS[-1])


def moment_scores(found: Sequence[Moment]) -> tuple[MomentScore, ...]:
    """Return the scores of each phase, then of each city and of all cities before the day."""
    ahead = [moment for moment in found if moment.phase == BEFORE]
    cities = sorted({moment.city for moment in ahead})
    groups = [
        *((phase, [moment for moment in found if moment.phase == phase]) for phase in PHASES),
        *((f"{city}, {BEFORE}", [moment for moment in ahead if moment.city == city]) for city in cities),
    ]
    return tuple(_score(name, members) for name, members in groups if members)


def _score(name: str, members: Sequence[Moment]) -> MomentScore:
    by_event: dict[tuple[str, date], list[Moment]] = defaultdict(list)
    for moment in members:
        by_event[moment.city, moment.day].append(moment)
    means = np.array([np.mean([_losses(moment) for moment in each], axis=0) for each in by_event.values()])
    (model_log, market_log), (model_brier, market_brier), (model_rps, market_rps) = means.mean(axis=0).reshape(3, 2).tolist()
    return MomentScore(
        name, len(by_event), len(members), model_log, market_log, model_brier, market_brier, model_rps, market_rps,
        model_better=int((means[:, 0] < means[:, 1]).sum()),
    )  # fmt: skip


def _losses(moment: Moment) -> list[float]:
    winner = np.array(moment.winner)
    return [
        float(rule(law, winner))
        for rule in (log_score, brier, ranked_probability_score)
        for law in (moment.model, moment.market)
    ]
