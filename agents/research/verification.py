"""Walks over settled days: what desk and market believed at each checkpoint, read as of it, and what came."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np

from agents.research.rivals import Rivals, Truth, rivals_of
from agents.research.verify import CHECKPOINTS, Ahead, ScoredDay, Spoken, on_grid
from agents.settlement import LAST_REPORT
from agents.weather.desk import WeatherDesk
from agents.weather.evaluation import WeatherEvaluation
from agents.weather.listed import Listed
from core.days import ONE_DAY
from core.model.record import Kind
from core.model.rule import Extreme
from core.model.station import Station
from core.readings import listed_extreme, received_per_row
from core.settings import Settings
from core.store.archive import Archive
from core.units import MICRO, instant

SETTLED_WITHIN = timedelta(days=2)  # of the end of the day: by then the venue has spoken


def scored_days(
    archive: Archive, settings: Settings, station: Station, truth: Truth, first: date, last: date
) -> Iterator[ScoredDay]:
    """Yield the settled highs of one station, each believed with what all earlier days had taught."""
    desk, rivals = WeatherDesk((station,), settings), rivals_of(truth)
    for offset in range((last - first).days + 1):
        day = first + offset * ONE_DAY
        view = archive.as_of([checkpoint.at(station.tz, day) for checkpoint in CHECKPOINTS])
        evaluation = desk.evaluate(desk.observe(view), settings)
        for column, listed in enumerate(evaluation.panel.events):
            if listed.event.event_day == day and listed.event.extreme is Extreme.HIGH and listed.event.ladder:
                yield from _scored(archive, evaluation, column, listed, truth, rivals)


def _scored(
    archive: Archive, evaluation: WeatherEvaluation, column: int, listed: Listed, truth: Truth, rivals: Rivals
) -> Iterator[ScoredDay]:
    event, later = listed.event, instant(listed.end) + SETTLED_WITHIN
    outcomes = archive.as_of([later]).span(Kind.OUTCOMES, event.event_id, instant(listed.end), later)
    if not len(outcomes) or not outcomes.facts[-1]["final"]:
        return
    markets = [bracket.market_id for bracket in event.ladder]
    winner, value = markets.index(outcomes.facts[-1]["winner"]), outcomes.facts[-1]["value"]
    reading = own_reading(archive, listed)
    official = truth.value(event.event_day) if value is None else value
    yield ScoredDay(
        day=event.event_day, winner=winner, value=value,
        own_winner=None if reading is None else markets.index(event.winner_of(reading).market_id), own_value=reading,
        spoken=tuple(_spoken(evaluation, row, column, len(markets)) for row in range(len(CHECKPOINTS))),
        ahead=_ahead(evaluation, column, rivals, event.event_day, official),
    )  # fmt: skip


def own_reading(archive: Archive, listed: Listed) -> int | None:
    """Return the reading that the station's own reports give when the last of them is in; None without any."""
    start, end = instant(listed.start), instant(listed.end)
    as_of = end + LAST_REPORT
    stack = archive.as_of([as_of]).span(Kind.METAR, listed.station.code, start - timedelta(hours=1), as_of)
    if not len(stack):
        return None
    received = received_per_row(stack.received_at, stack.offsets)
    return listed_extreme(stack.columns, received, listed.event.rule, listed.station, (start, end), as_of).reading


def _spoken(evaluation: WeatherEvaluation, row: int, column: int, n: int) -> Spoken:
    books = evaluation.panel.books
    printed = np.isfinite(books.last_yes[row, column, :n])
    newest = books.print_at[row, column, :n].max(axis=-1)[printed]
    ages = (int(evaluation.panel.instants[row]) - newest) / MICRO
    return Spoken(
        evaluation.p_model[row, column, :n], evaluation.p_market[row, column, :n],
        float(np.median(ages)) if len(ages) else float("nan"),
    )  # fmt: skip


def _ahead(evaluation: WeatherEvaluation, column: int, rivals: Rivals, day: date, official: float) -> Ahead | None:
    laws = rivals.pmfs(day)
    model = on_grid(evaluation.panel.lattice.readings[column], evaluation.pmf[0, column])
    if laws is None or not np.isfinite(official) or not np.isfinite(model).all():
        return None
    return Ahead(model, *laws, value=round(official))
