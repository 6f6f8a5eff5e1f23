"""Settled days as the desk itself scores them: what it and the market believed at each checkpoint, and what came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np

from agents.research.rivals import GRID, Rivals, Truth, rivals_of
from agents.research.verify import Ahead, ScoredDay, Spoken
from agents.research.wrong_rule import Settled
from agents.weather.desk import WeatherDesk
from agents.weather.listed import Listed, ListingMemory
from agents.weather.skill import Skill
from agents.weather.track import Scored, newest_of
from agents.weather.track_rows import scored_of_rows, track_rows
from core.days import ONE_DAY
from core.metrics.scores import ranked_probability_score
from core.model.record import Kind
from core.model.rule import Extreme
from core.model.station import Station
from core.readings import received_per_row
from core.settings import Settings
from core.store.archive import Archive
from core.store.track import TrackStore
from core.units import Unit, instant, micros

SETTLED_WITHIN = timedelta(days=2)  # of the end of the day: by then the venue has spoken
LISTED_BEFORE, AROUND = timedelta(days=10), timedelta(days=1)
END_OF_TIME = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Believed:
    """Settled events, oldest outcome first, and what they have earned in the end."""

    scored: tuple[Scored, ...]
    earned: tuple[Skill, ...]


def believed(
    archive: Archive, settings: Settings, stations: Sequence[Station], last: date, store: TrackStore | None = None
) -> Believed:
    """Return every settled event of some stations up to a day, each believed with what all earlier ones had taught.

    What a store keeps of the same maker is not made again, and what is new is kept there.
    """
    desk = WeatherDesk(stations, settings)
    until = datetime.combine(last + ONE_DAY, time(12), UTC) + SETTLED_WITHIN
    view = archive.as_of([until])
    kept: tuple[Scored, ...] = ()
    if store is not None:
        rows = store.track(desk.maker)
        desk.resume(rows)
        kept = tuple(each for each in scored_of_rows(rows) if each.since <= micros(until))
    new, earned = desk.settled(view), desk.earned(until)
    if store is not None:
        _, states = desk.learned()
        store.append(track_rows(new, desk.maker), states)
    return Believed(newest_of((*kept, *new)), earned)


def scored_days(
    scored: Sequence[Scored], station: str, truth: Truth, first: date, last: date, *, extreme: Extreme = Extreme.HIGH
) -> Iterator[ScoredDay]:
    """Yield the settled days of one station beside its rivals, oldest first."""
    rivals = rivals_of(truth)
    for each in sorted(scored, key=lambda each: (each.event_day, each.event_id)):
        if each.station == station and first <= each.event_day <= last and each.extreme is extreme:
            yield scored_day(each, truth, rivals)


def scored_day(scored: Scored, truth: Truth, rivals: Rivals) -> ScoredDay:
    """Return one settled event beside its rivals."""
    official = scored.reading if scored.exact else truth.value(scored.event_day)
    value = official if np.isfinite(official) and (scored.exact or truth.settles) else None
    return ScoredDay(
        day=scored.event_day, station=scored.station, winner=scored.winner, value=value,
        own_winner=None if scored.own_winner < 0 else scored.own_winner,
        own_value=None if np.isnan(scored.own) else round(scored.own),
        spoken=tuple(
            Spoken(
                model=scored.p_model[i], market=scored.p_market[i], print_age_seconds=float(scored.market_age[i]),
                pooled=scored.p_pooled[i], lower=float(scored.lower[i]), upper=float(scored.upper[i]),
                rps=float(scored.rps[i]), width=float(scored.width[i]), traded=bool(np.isfinite(scored.claimed[i])),
            )
            for i in range(len(scored.p_model))
        ),
        ahead=_ahead(scored, rivals, official),
    )  # fmt: skip


def _ahead(scored: Scored, rivals: Rivals, official: float) -> Ahead | None:
    """Return the scores a day ahead; None without a value, or where the settled reading is not known to be it."""
    laws = rivals.pmfs(scored.event_day)
    if not laws or not np.isfinite(official) or not np.isfinite(scored.rps[0]) or scored.reading != official:
        return None
    if scored.unit is not Unit.FAHRENHEIT:
        return None
    outcome = np.array(round(official) - GRID[0], np.int64)
    return Ahead(
        model=float(scored.rps[0]), rivals={name: float(ranked_probability_score(pmf, outcome)) for name, pmf in laws.items()},
        lower=float(scored.lower[0]), upper=float(scored.upper[0]), width=float(scored.width[0]),
        residual=float(official - scored.forecast[-len(scored.p_model)]), miss=float(official - scored.mean[-len(scored.p_model)]),
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
