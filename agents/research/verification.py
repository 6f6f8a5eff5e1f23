"""Walks over settled days: what desk and market believed at each checkpoint, read as of it, and what came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np

from agents.research.rivals import Rivals, Truth, rivals_of
from agents.research.verify import CHECKPOINTS, Ahead, ScoredDay, Spoken, on_grid
from agents.research.wrong_rule import Settled
from agents.settlement import LAST_REPORT
from agents.weather.books import PRINTS_LOOKBACK
from agents.weather.desk import WeatherDesk
from agents.weather.evaluation import WeatherEvaluation
from agents.weather.listed import Listed, ListingMemory
from core.days import ONE_DAY
from core.model.record import Kind
from core.model.rule import Extreme
from core.model.station import Station
from core.readings import listed_extreme, received_per_row
from core.settings import Settings
from core.store.archive import Archive, Stack
from core.units import MICRO, FloatArray, instant

SETTLED_WITHIN = timedelta(days=2)  # of the end of the day: by then the venue has spoken
LISTED_BEFORE, AROUND = timedelta(days=10), timedelta(days=1)
END_OF_TIME = datetime(2200, 1, 1, tzinfo=UTC)
POINT_SECONDS = 7_200.0  # prices that are shown come each hour: where none came for two, the series has stopped


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
    event, word = listed.event, final_word(archive, listed)
    if word is None:
        return
    markets = [bracket.market_id for bracket in event.ladder]
    winner, value = markets.index(word["winner"]), word["value"]
    reading = own_reading(archive, listed)
    official = truth.value(event.event_day) if value is None else value
    value = official if value is None and truth.settles and np.isfinite(official) else value
    yield ScoredDay(
        day=event.event_day, winner=winner, value=value,
        own_winner=None if reading is None else markets.index(event.winner_of(reading).market_id), own_value=reading,
        spoken=_spoken(archive, evaluation, column, listed),
        ahead=_ahead(evaluation, column, rivals, event.event_day, official),
    )  # fmt: skip


def highs_of(archive: Archive, station: Station, first: date, last: date) -> Iterator[Listed]:
    """Yield the events about a station's highest temperature of some days, from all that was ever listed, oldest day first."""
    memory, view = ListingMemory({station.code: station}), archive.as_of([END_OF_TIME])
    since = datetime.combine(first - LISTED_BEFORE, time(), UTC)
    found = []
    for event_id in view.subjects(Kind.EVENTS, since):
        listed = memory.listed(view.span(Kind.EVENTS, event_id, since, END_OF_TIME))
        if listed is not None and listed.event.ladder and listed.event.extreme is Extreme.HIGH:
            found.append(listed)
    within = (listed for listed in found if first <= listed.event.event_day <= last)
    yield from sorted(within, key=lambda listed: (listed.event.event_day, listed.event.event_id))


def final_word(archive: Archive, listed: Listed) -> Mapping[str, Any] | None:
    """Return what the venue finally said of an event, None where it has not."""
    later = instant(listed.end) + SETTLED_WITHIN
    outcomes = archive.as_of([later]).span(Kind.OUTCOMES, listed.event.event_id, instant(listed.end), later)
    return outcomes.facts[-1] if len(outcomes) and outcomes.facts[-1]["final"] else None


def settled_days(
    archive: Archive, station: Station, reporter: Station, truth: Truth, first: date, last: date
) -> Iterator[Settled]:
    """Yield the settled highs of a station with all reports of a reporter around them, itself or a neighbour."""
    for listed in highs_of(archive, station, first, last):
        word = final_word(archive, listed)
        start, end = instant(listed.start) - AROUND, instant(listed.end) + AROUND
        stack = archive.as_of([end]).span(Kind.METAR, reporter.code, start, end)
        if word is None or not len(stack):
            continue
        value = word["value"]
        if value is None and truth.settles and np.isfinite(truth.value(listed.event.event_day)):
            value = truth.value(listed.event.event_day)
        yield Settled(
            listed.event, reporter, word["winner"], None if value is None else round(value), stack.columns,
            received_per_row(stack.received_at, stack.offsets),
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


def _spoken(archive: Archive, evaluation: WeatherEvaluation, column: int, listed: Listed) -> tuple[Spoken, ...]:
    n, instants = len(listed.event.ladder), evaluation.panel.instants
    last = instant(int(instants[-1]))
    prints = archive.as_of([last]).span(Kind.PRINTS, listed.event.event_id, last - PRINTS_LOOKBACK, last)
    markets = [bracket.market_id for bracket in listed.event.ladder]
    return tuple(
        Spoken(
            evaluation.p_model[row, column, :n],
            _still_shown(evaluation.p_market[row, column, :n], prints, int(instants[row])),
            _median_age(prints, markets, int(instants[row])),
        )
        for row in range(len(instants))
    )


def _still_shown(market: FloatArray, prints: Stack, at: int) -> FloatArray:
    """Return what the market says, nothing where prices are only shown and the showing has stopped."""
    known = received_per_row(prints.received_at, prints.offsets) <= at
    if not known.any() or prints.columns["size_micro"][known].any():
        return market
    age = (at - int(prints.columns["valid_at"][known].max())) / MICRO
    return market if age <= POINT_SECONDS else np.full_like(market, np.nan)


def _median_age(prints: Stack, markets: Sequence[str], at: int) -> float:
    """Return the median age of the last print of each bracket that was printed [s]; NaN: none was."""
    known = received_per_row(prints.received_at, prints.offsets) <= at
    names, valid_at = prints.columns["market_id"][known], prints.columns["valid_at"][known]
    newest = [int(valid_at[mine].max()) for market in markets if (mine := np.asarray(names == market, bool)).any()]
    return float(np.median((at - np.array(newest, np.int64)) / MICRO)) if newest else float("nan")


def _ahead(evaluation: WeatherEvaluation, column: int, rivals: Rivals, day: date, official: float) -> Ahead | None:
    laws = rivals.pmfs(day)
    model = on_grid(evaluation.panel.lattice.readings[column], evaluation.pmf[0, column])
    if laws is None or not np.isfinite(official) or not np.isfinite(model).all():
        return None
    return Ahead(model, *laws, value=round(official))
