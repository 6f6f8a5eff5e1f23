"""All events of one day sized together, account by account: the option `joint`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from agents.weather.evaluation import WeatherEvaluation
from agents.weather.sizing.correlation import correlations
from agents.weather.sizing.growth import Optimum
from agents.weather.sizing.joint import joint_optimum
from agents.weather.sizing.ladder import Holding, Levels, within_means
from agents.weather.sizing.scenarios import scenarios
from core.model.station import Station
from core.settings import Settings
from core.units import BoolArray, FloatArray, IntArray

OTHER_EXTREME = 0.5  # of the correlation is left between the high and the low of a day
"""A judgement, to be replaced by residuals."""


def jointly(
    found: Optimum, probability: FloatArray, levels: Levels, held: FloatArray, cash: FloatArray, known: BoolArray,
    evaluation: WeatherEvaluation, row: int, events: IntArray, settings: Settings,
) -> Optimum:  # fmt: skip
    """Return the optimum of each event, replaced by that of all events of its day where several have one.

    Args:
        found: of each event alone, rows by run and then event.
        probability, levels: of the same rows.
        held: (n_runs, n_events, n_brackets, YES/NO) [shares].
        cash: of the share of wealth that is staked on a day, less what its holdings cost anew, (n_runs, n_events); the
            same for all events of a day.
        known: (n_events,) where there is an opinion.
        evaluation, row, events: whose.
        settings: how stations correlate.
    """
    listed = [evaluation.panel.events[i] for i in events.tolist()]
    n_runs, n_events = held.shape[:2]
    trade, value, gap, wealth = (part.copy() for part in (found.trade, found.value, found.gap, found.wealth))
    for day in dict.fromkeys(each.event.event_day for each in listed):
        mine = np.flatnonzero([each.event.event_day == day and sure for each, sure in zip(listed, known.tolist(), strict=True)])
        if len(mine) < 2:
            continue
        believed = _shrunk(evaluation, row, events[mine], probability[mine])
        place, weight = scenarios(believed, _correlation([listed[i].station for i in mine], evaluation, events[mine], settings))
        for run in range(n_runs):
            rows = run * n_events + mine
            yes, no = (np.ascontiguousarray(held[run, mine, :, side]) for side in (0, 1))
            money = float(cash[run, mine[0]])
            part = within_means(levels.of_rows(rows), Holding(np.full(len(mine), money), yes, no))
            best = joint_optimum(place, weight, part, money, yes, no)
            if best is not None:
                trade[rows], value[rows], gap[rows] = best.trade, best.value, best.gap
                wealth[rows] = np.nan  # that of an event alone says nothing here
    return replace(found, trade=trade, value=value, gap=gap, wealth=wealth)


def _shrunk(evaluation: WeatherEvaluation, row: int, events: IntArray, probability: FloatArray) -> FloatArray:
    """Return beliefs drawn towards the market by what records have not earned: a share of Kelly is Kelly on those."""
    factor = evaluation.panel.skills.factor[row, events][:, None]
    market = evaluation.p_market[row, events]
    return np.where(np.isnan(market), probability, factor * probability + (1.0 - factor) * market)


def _correlation(stations: list[Station], evaluation: WeatherEvaluation, events: IntArray, settings: Settings) -> FloatArray:
    distance = correlations(tuple(stations), settings.weather.correlation_km, settings.weather.station_correlation)
    same = np.array([[one.code == other.code for other in stations] for one in stations])
    high = evaluation.panel.lattice.high[events]
    extreme = np.where(high[:, None] == high[None, :], 1.0, OTHER_EXTREME)
    return np.where(same, 1.0, distance) * extreme
