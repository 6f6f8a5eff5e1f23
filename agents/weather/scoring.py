"""Scores each settled event once: evaluates the looks of its day again from what was known at each, and says what came."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from agents.weather.books import PRINTS_LOOKBACK
from agents.weather.discretise import PADDED
from agents.weather.evaluation import WeatherEvaluation
from agents.weather.listed import Listed, Listings
from agents.weather.panel import PanelMemory, WeatherPanel, looks_of, panel_of, take_in_since
from agents.weather.track import N, Scored, place_of
from agents.weather.vintages import DAY
from core.checkpoints import LOOKS
from core.metrics.calibration import central_width
from core.metrics.scores import integral_transform, ranked_probability_score
from core.model.event import Bracket
from core.model.record import Kind
from core.readings import listed_extreme, received_per_row
from core.settings import Settings
from core.store.archive import Stack, View
from core.units import MICRO, FloatArray, IntArray, instant, micros, total

TRACK_DAYS = 500  # of outcomes that count
SHOWN_FOR = 7_200  # seconds that a price which was only shown stands for the market
LISTED_BEFORE = timedelta(days=20)  # of its outcome, an event is listed
BELIEVED_BEFORE = 14 * DAY  # of its outcome, the first look at an event at the latest
LAST_REPORT = timedelta(minutes=10)  # after its window a station's last report of the day can be expected
AROUND = timedelta(hours=1)

Evaluate = Callable[[WeatherPanel, Settings], WeatherEvaluation]
Word = tuple[str, int, Mapping[str, Any]]  # event, when its final outcome was received, what it said


class _Asked(NamedTuple):
    """A settled event, its listings, its markets from cold to warm, and LOOKS."""

    listed: Listed
    heard: Stack
    markets: tuple[str, ...]
    instants: tuple[datetime, ...]


@dataclass(slots=True)
class Scorer:
    """Reads outcomes as they come in and scores their events, oldest first."""

    settings: Settings
    memory: PanelMemory
    evaluate: Evaluate
    _said: dict[str, tuple[str, object]] = field(default_factory=dict)  # last final word: winner and value
    _read: int = -1

    def resume(self, scored: Iterable[Scored]) -> None:
        """Take back events that were scored before; outcomes are read all the same: some may have come in behind them."""
        self.memory.track.give(scored)

    def take_in(self, view: View) -> None:
        """Score what was settled since the last view, and again what was scored without an outcome that came in behind it."""
        until = int(view.instants[-1])
        since = max(self._read + 1, until - TRACK_DAYS * DAY)
        if since > until:
            return
        track = self.memory.track
        words = sorted(self._words(view, since), key=_order)
        self._read = until
        track.forget(until - TRACK_DAYS * DAY)
        missing = next((word for word in words if not track.has(word[0], word[1]) and self._asked(view, word)), None)
        if missing is None:
            return
        track.forget_from(*_order(missing))
        # what had been settled when the oldest of them was believed
        oldest = np.array([missing[1] - BELIEVED_BEFORE, until], np.int64)
        take_in_since(view, oldest, self.settings, self.memory)
        for word in words:
            if _order(word) >= _order(missing) and (asked := self._asked(view, word)) is not None:
                track.add(self._scored(view, word, asked))

    def _words(self, view: View, since: int) -> Iterable[Word]:
        """Yield the final words received from `since` on that are news; what was said before is known from a look further back."""
        begin = instant(since) - (LISTED_BEFORE if self._read < 0 else timedelta())
        for stack in view.received(Kind.OUTCOMES, begin):
            for received_at, facts in zip(stack.received_at.tolist(), stack.facts, strict=True):
                said = (str(facts["winner"]), facts["value"])
                if facts["final"] and facts["winner"] and self._said.get(stack.subject) != said:
                    self._said[stack.subject] = said
                    if received_at >= since:
                        yield stack.subject, received_at, facts

    def _asked(self, view: View, word: Word) -> _Asked | None:
        """Return the event of a word and its looks; None where it is none of ours, or settled before the last of them."""
        event_id, since, facts = word
        heard = view.span(Kind.EVENTS, event_id, instant(since) - LISTED_BEFORE, instant(since))
        found, _ = self.memory.listings.alone(heard, np.array([since], np.int64))
        if not found or not found[0].event.ladder:
            return None
        listed = found[0]
        markets = tuple(bracket.market_id for bracket in listed.event.ladder)
        instants = tuple(each.at(listed.station.tz, listed.event.event_day) for each in LOOKS)
        if facts["winner"] not in markets or micros(instants[-1]) > since:
            return None
        return _Asked(listed, heard, markets, instants)

    def _scored(self, view: View, word: Word, asked: _Asked) -> Scored:
        _, since, facts = word
        listed, heard, markets, instants = asked
        looks = looks_of(np.array([micros(each) for each in instants], np.int64), self.settings)
        _, listings = self.memory.listings.alone(heard, looks)
        past = view.earlier(instants)
        evaluation = self._believed(past, listed, listings)
        scored = scored_of(evaluation, listed, since, markets.index(facts["winner"]), facts["value"], self._own(view, listed))
        return _by_prints(scored, past, markets) if evaluation.panel.books.prints_only.any() else scored

    def _believed(self, view: View, listed: Listed, listings: Listings) -> WeatherEvaluation:
        return self.evaluate(panel_of(view, (listed,), listings, self.settings, self.memory.aside()), self.settings)

    def _own(self, view: View, listed: Listed) -> int | None:
        """Return the reading that the station's own reports give when the last of them is in; None without any."""
        start, end = instant(listed.start), instant(listed.end)
        stack = view.span(Kind.METAR, listed.station.code, start - AROUND, end + LAST_REPORT)
        return own_reading(stack, listed)


def _order(word: Word) -> tuple[int, str]:
    return word[1], word[0]


def own_reading(stack: Stack, listed: Listed) -> int | None:
    """Return the reading that a station's reports give, received until ten minutes after the window; None without any."""
    if not len(stack):
        return None
    window = instant(listed.start), instant(listed.end)
    received = received_per_row(stack.received_at, stack.offsets)
    return listed_extreme(stack.columns, received, listed.event.rule, listed.station, window, window[1] + LAST_REPORT).reading


def scored_of(evaluation: WeatherEvaluation, listed: Listed, since: int, winner: int, value: object, own: int | None) -> Scored:
    """Return a settled event as it was believed at each of LOOKS, of an evaluation of that event alone at those instants."""
    event, panel = listed.event, evaluation.panel
    n, rows = len(event.ladder), slice(len(LOOKS) - N, None)
    reading, exact = _reading(event.ladder[winner], value, own)
    issued = _marks(evaluation.pmf[rows, 0], evaluation.p_model[rows, 0, :n], panel.lattice.readings[0], winner, reading)
    raw = _marks(evaluation.pmf_raw[rows, 0], evaluation.p_raw[rows, 0, :n], panel.lattice.readings[0], winner, reading)
    mean, sd = _moments(evaluation.pmf[: len(LOOKS), 0], panel.lattice.readings[0])
    claimed, realised, closing = _bought(evaluation, rows, winner)
    p_market = np.where(evaluation.heard[rows, 0, None], evaluation.p_market[rows, 0, :n], np.nan)
    own_winner = -1 if own is None else event.ladder.index(event.winner_of(own))
    return Scored(
        event_id=event.event_id, venue=event.venue, station=event.rule.station, event_day=event.event_day,
        extreme=event.extreme, unit=event.rule.unit, since=since, winner=winner, reading=reading, exact=exact,
        own=float("nan") if own is None else float(own), own_winner=own_winner, at=panel.instants,
        forecast=panel.forecasts.extreme[: len(LOOKS), 0], sources=_sources(panel),
        mean=mean, sd=sd, floor=panel.seen.floor[: len(LOOKS), 0],
        n_residuals=panel.learned.n[: len(LOOKS), 0].astype(np.int64), p_model=evaluation.p_model[rows, 0, :n], p_market=p_market,
        p_pooled=evaluation.p_pooled[rows, 0, :n], lower=issued.lower, upper=issued.upper,
        rps=issued.rps, width=issued.width, raw_lower=raw.lower, raw_upper=raw.upper,
        market_age=_market_age(panel)[rows], booked=np.where(panel.books.prints_only[rows, 0], 0.0, 1.0),
        claimed=claimed, realised=realised, closing=closing,
    )  # fmt: skip


def _reading(bracket: Bracket, value: object, own: int | None) -> tuple[float, bool]:
    """Return the reading that settled and whether the venue named it: our own only where it lies in the winning bracket."""
    if isinstance(value, int | float) and bracket.holds(round(value)):
        return float(value), True
    if bracket.lower is not None and bracket.lower == bracket.upper:
        return float(bracket.lower), False
    return (float(own) if own is not None and bracket.holds(own) else float("nan")), False


class _Marks(NamedTuple):
    lower: FloatArray
    upper: FloatArray
    rps: FloatArray
    width: FloatArray


def _marks(each: FloatArray, brackets: FloatArray, readings: IntArray, winner: int, reading: float) -> _Marks:
    """Return the span of the integral transform, the ranked probability score and the width of the law at each checkpoint.

    The span is that of the bracket, and there is no score, where no reading is known.

    Args:
        each: mass of each reading, shape (n_checkpoints, n_readings).
        brackets: the same of each bracket.
        readings: ascending, PADDED at the end.
        winner: rank of the bracket that settled.
        reading: that settled; NaN: not known.
    """
    place = np.flatnonzero(readings == reading)
    pmf = each if len(place) else brackets
    outcome = np.full(N, place[0] if len(place) else winner, np.int64)
    lower, upper = integral_transform(pmf, outcome)
    rps = ranked_probability_score(pmf, outcome) if len(place) else np.full(N, np.nan)
    real = readings < PADDED
    edges = np.concatenate([readings[real][:1] - 0.5, readings[real] + 0.5])
    cumulative = np.concatenate([np.zeros((N, 1)), np.cumsum(each[:, real], axis=-1)], axis=-1)
    mute = np.asarray(np.isnan(pmf).any(axis=-1), np.bool_)
    width = central_width(edges, np.where(mute[:, None], np.linspace(0.0, 1.0, len(edges)), cumulative))
    return _Marks(*(np.where(mute, np.nan, part) for part in (lower, upper, rps, width)))


def _moments(pmf: FloatArray, readings: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of the reading, of masses (n_looks, n_readings)."""
    degrees = np.where(readings < PADDED, readings, 0).astype(np.float64)
    mean = total(pmf * degrees)
    return mean, np.sqrt(total(pmf * np.square(degrees - mean[:, None])))


def _bought(evaluation: WeatherEvaluation, rows: slice, winner: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return claimed, realised and closing edge of one share of each side that was wanted; NaN where none was.

    The closing line of an entry of the evening before is the market at the first checkpoint of the day; others have none.
    """
    offers, n = evaluation.offers, evaluation.p_model.shape[-1]
    sides = np.stack([evaluation.stakes.yes, evaluation.stakes.no], axis=-1)[rows, 0] > 0
    sides = sides & (evaluation.regimes.multiplier[rows, 0] > 0)[:, None, None]
    won = np.stack([np.arange(n) == winner, np.arange(n) != winner], axis=-1)
    market = np.stack([evaluation.p_market[rows, 0], 1.0 - evaluation.p_market[rows, 0]], axis=-1)
    moved = np.full_like(market, np.nan)
    moved[0] = market[1] - market[0]
    price = offers.price[rows, 0]
    gains = (offers.edge[rows, 0], won - price, moved)
    claimed, realised, closing = (np.where(sides, gain, 0.0).sum(axis=(-2, -1)) for gain in gains)
    none = ~sides.any(axis=(-2, -1))
    return np.where(none, np.nan, claimed), np.where(none, np.nan, realised), np.where(none, np.nan, closing)


def _by_prints(scored: Scored, view: View, markets: Sequence[str]) -> Scored:
    """Return an event of which only prints are known with the median age of its brackets' last ones.

    Prints of size 0 are prices that were shown, each hour: where none came for two the showing has stopped, and the market
    is silent.
    """
    last = instant(int(view.instants[-1]))
    prints = view.span(Kind.PRINTS, scored.event_id, last - PRINTS_LOOKBACK, last)
    received = received_per_row(prints.received_at, prints.offsets)
    market, age = scored.p_market.copy(), scored.market_age.copy()
    for row, at in enumerate(scored.at[place_of(0) :].tolist()):
        known = received <= at
        names, valid_at = prints.columns["market_id"][known], prints.columns["valid_at"][known]
        newest = [int(valid_at[mine].max()) for each in markets if (mine := np.asarray(names == each, bool)).any()]
        age[row] = float(np.median((at - np.array(newest, np.int64)) / MICRO)) if newest else float("nan")
        shown = known.any() and not prints.columns["size_micro"][known].any()
        if shown and at - int(valid_at.max()) > SHOWN_FOR * MICRO:
            market[row] = np.nan
    return replace(scored, p_market=market, market_age=age)


def _sources(panel: WeatherPanel) -> dict[str, FloatArray]:
    """Return the extreme that each model forecast at each look."""
    return {name: panel.guidance.extremes[: len(LOOKS), 0, i] for i, name in enumerate(panel.guidance.models)}


def _market_age(panel: WeatherPanel) -> FloatArray:
    """Return the age of the book, or of the median last print, at each look [s]; NaN: neither."""
    books, at = panel.books, panel.instants
    printed = np.where(books.print_at[:, 0] > 0, (at[:, None, None] - books.print_at[:, 0]) / MICRO, np.nan).min(axis=-1)
    seen = np.isfinite(printed)
    median = np.array([np.median(row[there]) if there.any() else np.nan for row, there in zip(printed, seen, strict=True)])
    return np.where(books.received_at[:, 0] > 0, (at - books.received_at[:, 0]) / MICRO, median)
