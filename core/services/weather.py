"""One event on its temperature axis: rule, curves, observations, brackets, and what the market said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import orjson

from core.errors import LadderError, RuleError, UnknownIdError
from core.events import event_of, rule_of
from core.journal.tables import ACTIVITY
from core.model.record import Kind
from core.model.rule import DayWindow, Extreme, Rounding, SettlementRule, Statistic
from core.model.station import ReportPrecision, Station
from core.readings import edges
from core.services.curves import Curve, Dot, Frame, Step, dots, next_report, running, vintages
from core.services.edges import window_of_row
from core.services.shelves import Shelves
from core.services.values import day, moment, number
from core.store.archive import Stack, View
from core.units import Columns, Unit, instant

SOURCE = "archive: forecasts, METAR, event texts; evaluations"
SERIES = ("p_market", "p_model", "p_pooled")  # in the order of `BracketSeries`
LISTED_BEFORE = timedelta(days=5)  # how long before its window an event may have been listed, and a forecast be of use
TEXT_RECENT, TEXT_AGE = timedelta(hours=2), timedelta(days=10)  # how far back a text is looked for
NORMAL_QUARTILE, NORMAL_DECILE = 0.674490, 1.281552  # distances in sd that hold 50 and 80 %

# How a rule is said in one sentence.
STATISTICS: Mapping[Statistic, str] = {
    Statistic.OFFICIAL_MAX: "official maximum", Statistic.OFFICIAL_MIN: "official minimum",
    Statistic.MAX_LISTED_REPORT: "highest listed report", Statistic.MIN_LISTED_REPORT: "lowest listed report",
    Statistic.MAX_HOURLY_READING: "highest hourly reading", Statistic.MIN_HOURLY_READING: "lowest hourly reading",
    Statistic.DAILY_EXTRACT: "highest of the daily extract", Statistic.DAILY_EXTRACT_MIN: "lowest of the daily extract",
}  # fmt: skip
WINDOWS: Mapping[DayWindow, str] = {DayWindow.CIVIL: "civil day", DayWindow.STANDARD_TIME: "standard-time day"}
ROUNDINGS: Mapping[Rounding, str] = {
    Rounding.AS_PRINTED: "as printed", Rounding.HALF_UP: "halves up", Rounding.FLOOR: "rounded down",
}  # fmt: skip
# Settlement sources by name; one that is not here is said as it is written.
SOURCES: Mapping[str, str] = {
    "wunderground": "Weather Underground", "nws_climate_report": "the NWS climate report",
    "weather_company": "The Weather Company", "hko": "the Hong Kong Observatory",
    "cwa": "the Central Weather Administration",
}  # fmt: skip
LIVE, INFERRED = "live", "inferred"
_ADVICE = re.compile(r"; (add its form once it has been read|do not trade the event)")


@dataclass(frozen=True, slots=True)
class Band:
    """A bracket on the axis: continuous edges in the card's unit, None where the tail is open."""

    rank: int
    label: str
    bottom: float | None
    top: float | None
    p_model: float | None
    p_market: float | None
    p_pooled: float | None
    dead: bool  # cannot settle any more, given the floor


@dataclass(frozen=True, slots=True)
class Fan:
    """Quantiles of the day's extreme by the model, in the card's unit: for 50 and 80 % around the forecast."""

    q10: float
    q25: float
    q50: float
    q75: float
    q90: float


@dataclass(frozen=True, slots=True)
class RuleLine:
    """The settlement rule in one sentence, and where it comes from."""

    sentence: str
    station_code: str
    source: str
    source_url: str
    statistic: str
    unit: str
    precision: str
    rounding: str
    window: str
    grade: str
    sha256: str
    text: str
    refusal: str


@dataclass(frozen=True, slots=True)
class ListingChange:
    """The last time that an event's listing said something else than before: its statements, and what differs."""

    at: datetime
    before: str
    after: str
    difference: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventCard:
    """All that one figure needs. Every series ends at `as_of`; a part that does not exist is empty, `notes` says why."""

    as_of: datetime
    source: str
    n: int  # reports within the window
    event_id: str
    title: str
    venue: str
    station_code: str
    station_name: str
    city: str
    tz: str
    event_day: date
    extreme: str
    unit: str
    window_start: datetime
    window_end: datetime
    closes_at: datetime | None
    rule: RuleLine | None
    now_curve: Curve | None
    issued_curve: Curve | None  # the last one received before the settlement window began
    earlier: tuple[Curve, ...]  # oldest first
    dots: tuple[Dot, ...]
    running: tuple[Step, ...]
    floor: int | None
    floor_at: datetime | None
    next_report_at: datetime | None  # by the station's cadence
    fan: Fan | None
    bands: tuple[Band, ...]
    notes: tuple[str, ...]
    missing: str = ""
    changed: ListingChange | None = None
    simulated_only: bool = False  # its rule is inferred: such a rule is traded in this world, and not on the live one


@dataclass(frozen=True, slots=True)
class BracketSeries:
    """Probabilities of one bracket by cycle; None where there was none."""

    rank: int
    label: str
    p_market: tuple[float | None, ...]
    p_model: tuple[float | None, ...]
    p_pooled: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class MarketHistory:
    as_of: datetime
    source: str
    n: int  # cycles, before the reduction
    event_id: str
    at: tuple[datetime, ...]
    brackets: tuple[BracketSeries, ...]
    missing: str = ""


class WeatherService:
    """Answers from the archive (forecasts, METAR, event texts) and the evaluation store."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def card(self, event_id: str) -> EventCard:
        """Return the event's figure; UnknownIdError when it was never evaluated."""
        now = self._shelves.present().now
        outlook, brackets = self._newest(event_id)
        archive, station = self._shelves.archive(), self._station(outlook["station"])
        view = archive.as_of([now]) if archive else None
        stack = view.stack(Kind.EVENTS, event_id, now - TEXT_AGE) if view else None
        rule, line = _rule(stack)
        window = window_of_row(outlook, self._shelves.stations())
        frame = Frame(*window, Unit(outlook["unit"]), Extreme(outlook["extreme"]), now)
        card = _card(outlook, brackets, _Series.read(view, frame, rule, station), frame, rule, line, station)
        return replace(card, changed=self._change(event_id), simulated_only=self._simulated_only(line))

    def _change(self, event_id: str) -> ListingChange | None:
        journal, said = self._shelves.journal(), (ACTIVITY.c.event_id == event_id, ACTIVITY.c.type == "listing_changed")
        _, rows = journal.keep(("changed", event_id), lambda: journal.logs(said, 1, 0)) if journal else (0, ())
        for row in rows:
            told = orjson.loads(row["data"] or "{}")
            before, after = (str(told.get(name, "")) for name in ("before", "after"))
            return ListingChange(instant(row["at"]), before, after, tuple(str(one) for one in told.get("difference", ())))
        return None

    def _simulated_only(self, line: RuleLine | None) -> bool:
        traded_live = self._shelves.present().world == LIVE or self._shelves.settings.weather.inferred_rules
        return line is not None and line.grade == INFERRED and not traded_live

    def market(self, event_id: str, *, max_points: int = 300) -> MarketHistory:
        """Return the probability of each bracket over time."""
        now, store = self._shelves.present().now, self._shelves.evaluations()
        if store is None:
            return MarketHistory(now, "evaluations", 0, event_id, (), (), self._shelves.missing())
        _, columns = store.history(event_id)
        if not len(columns["event_id"]):
            raise UnknownIdError(f"event {event_id[:80]!r} was never evaluated here")
        return _market(now, event_id, columns, max_points)

    def _newest(self, event_id: str) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]:
        believed = self._shelves.believed()
        outlook = believed.outlook(event_id) if believed else None
        if believed is None or outlook is None:
            raise UnknownIdError(f"event {event_id[:80]!r} was never evaluated here")
        return outlook, believed.brackets(event_id)

    def _station(self, code: str) -> Station:
        found = self._shelves.stations().get(code)
        if found is None:
            raise UnknownIdError(f"station {code} is not in data/registry/stations.csv")
        return found

    def rule(self, event_id: str, at: datetime) -> tuple[SettlementRule | None, RuleLine | None]:
        """Return what an event's newest text said at an instant: the rule, and the rule in one sentence."""
        archive = self._shelves.archive()
        if archive is None:
            return None, None
        view = archive.as_of([at])
        for age in (TEXT_RECENT, TEXT_AGE):
            stack = view.span(Kind.EVENTS, event_id, at - age, at)
            if len(stack):
                return _rule(stack)
        return None, None


def _rule(stack: Stack | None) -> tuple[SettlementRule | None, RuleLine | None]:
    if stack is None or not len(stack):
        return None, None
    facts = stack.facts[-1]
    rule = rule_of(facts["rule"]) if facts["rule"] else None
    refusal = facts["refusal"]
    try:
        event_of(facts, stack.rows(len(stack) - 1))
    except (RuleError, LadderError) as error:
        refusal = refusal or str(error)
    return rule, _rule_line(rule, facts, refusal)


@dataclass(frozen=True, slots=True)
class _Series:
    now_curve: Curve | None = None
    issued_curve: Curve | None = None
    earlier: tuple[Curve, ...] = ()
    dots: tuple[Dot, ...] = ()
    steps: tuple[Step, ...] = ()
    count: int = 0

    @classmethod
    def read(cls, view: View | None, frame: Frame, rule: SettlementRule | None, station: Station) -> _Series:
        if view is None:
            return cls()
        # One bound for all instants of a day: the archive keeps what it read for it.
        since = frame.start - LISTED_BEFORE
        forecasts = view.stack(Kind.FORECAST, station.code, since)
        reports = view.stack(Kind.METAR, station.code, since)
        steps, count = running(reports, frame, rule, station) if rule and len(reports) else ((), 0)
        seen = dots(reports, frame, rule, station) if len(reports) else ()
        return cls(*vintages(forecasts, frame), seen, steps, count)


def _card(
    outlook: Mapping[str, Any], brackets: Sequence[Mapping[str, Any]], series: _Series, frame: Frame,
    rule: SettlementRule | None, line: RuleLine | None, station: Station,
) -> EventCard:  # fmt: skip
    floor = series.steps[-1] if series.steps else None
    after = max(series.dots[-1].at, frame.now - timedelta(hours=1)) if series.dots else frame.now
    return EventCard(
        as_of=frame.now, source=SOURCE, n=series.count, event_id=outlook["event_id"], title=outlook["title"],
        venue=outlook["venue"], station_code=station.code, station_name=station.name, city=outlook["city"], tz=station.tz,
        event_day=day(outlook["event_day"]) or frame.start.date(), extreme=str(frame.extreme), unit=str(frame.unit),
        window_start=frame.start, window_end=frame.end, closes_at=moment(outlook["closes_at"]), rule=line,
        now_curve=series.now_curve, issued_curve=series.issued_curve, earlier=series.earlier, dots=series.dots,
        running=series.steps, floor=floor.reading if floor else None, floor_at=floor.at if floor else None,
        next_report_at=next_report(station, after), fan=_fan(outlook, floor, frame),
        bands=_bands(brackets, rule, station, floor, frame), notes=tuple(_notes(series, line, frame)),
    )  # fmt: skip


def _fan(outlook: Mapping[str, Any], floor: Step | None, frame: Frame) -> Fan | None:
    """Return quantiles of the extreme; what was observed already bounds them."""
    mean, sd = number(outlook["mean"]), number(outlook["sd"])
    if mean is None or sd is None:
        return None
    spans = (-NORMAL_DECILE, -NORMAL_QUARTILE, 0.0, NORMAL_QUARTILE, NORMAL_DECILE)
    values = [mean + span * sd for span in spans]
    if floor is not None:
        bound = max if frame.extreme is Extreme.HIGH else min
        values = [bound(value, floor.value) for value in values]
    return Fan(*(round(value, 3) for value in values))


def _bands(
    brackets: Sequence[Mapping[str, Any]], rule: SettlementRule | None, station: Station, floor: Step | None, frame: Frame
) -> tuple[Band, ...]:
    bands = []
    for row in sorted(brackets, key=lambda one: one["bracket"]):
        lower, upper = number(row["lower"]), number(row["upper"])
        bands.append(
            Band(
                rank=int(row["bracket"]), label=row["label"], bottom=_edge(lower, 0, rule, station.report_precision),
                top=_edge(upper, 1, rule, station.report_precision), p_model=number(row["p_model"]),
                p_market=number(row["p_market"]), p_pooled=number(row["p_pooled"]),
                dead=is_dead(lower, upper, floor.reading if floor else None, frame.extreme),
            )
        )  # fmt: skip
    return tuple(bands)


def _edge(reading: float | None, end: int, rule: SettlementRule | None, precision: ReportPrecision) -> float | None:
    if reading is None:
        return None
    if rule is None:  # the text is not understood: halves between whole readings are the best that can be drawn
        return reading - 0.5 + end
    return round(float(edges(rule, precision, np.array(int(reading)))[end]), 6)


def is_dead(lower: float | None, upper: float | None, floor: float | None, extreme: str) -> bool:
    """Return whether a bracket cannot settle any more: the observed extreme has passed it."""
    if floor is None:
        return False
    if extreme == Extreme.HIGH:
        return upper is not None and upper < floor
    return lower is not None and lower > floor


def _notes(series: _Series, line: RuleLine | None, frame: Frame) -> list[str]:
    notes = []
    if line is None:
        notes.append("The event's text was not received in the last ten days: the rule is not shown.")
    if series.now_curve is None:
        notes.append("No forecast covers this day yet.")
    if not series.dots and frame.now >= frame.start:
        notes.append("No METAR of this day was received.")
    return notes


def refusals(text: str) -> tuple[str, ...]:
    """Return the sentences of a refusal, each of them once."""
    parts = (part.strip().removeprefix("rule: ") for part in _ADVICE.sub("", text).split("; "))
    return tuple(dict.fromkeys(part for part in parts if part))


def _rule_line(rule: SettlementRule | None, facts: Mapping[str, Any], refusal: str) -> RuleLine:
    if rule is None:
        return RuleLine("The settlement text is not understood.", *("",) * 8, "", facts["sha256"], facts["text"], refusal)
    how = f"whole °{rule.unit}" if rule.precision == "whole" else f"tenths of °{rule.unit}"
    sentence = (
        f"{STATISTICS[rule.statistic].capitalize()} of {rule.station} by {SOURCES.get(rule.source, rule.source)}, {how}, "
        f"{ROUNDINGS[rule.rounding]}, {WINDOWS[rule.window]}"
    )
    return RuleLine(
        sentence, rule.station, rule.source, rule.source_url, str(rule.statistic), str(rule.unit), str(rule.precision),
        str(rule.rounding), str(rule.window), str(rule.grade), rule.sha256, rule.text, refusal,
    )  # fmt: skip


def _market(now: datetime, event_id: str, columns: Columns, max_points: int) -> MarketHistory:
    instants, place = np.unique(columns["scheduled_at"], return_inverse=True)
    step = max(1, -(-len(instants) // max_points))
    kept = np.arange(len(instants))[::-1][::step][::-1]  # the newest cycle is always shown
    series = []
    for rank in np.unique(columns["bracket"]).tolist():
        rows = columns["bracket"] == rank
        series.append(
            BracketSeries(
                rank, str(columns["label"][rows][-1]),
                *(_spread(columns[name][rows], place[rows], len(instants), kept) for name in SERIES),
            )
        )  # fmt: skip
    at = tuple(instant(int(one)) for one in instants[kept])
    return MarketHistory(now, "evaluations of the weather desk", len(instants), event_id, at, tuple(series))


def _spread(values: np.ndarray, place: np.ndarray, length: int, kept: np.ndarray) -> tuple[float | None, ...]:
    row = np.full(length, np.nan)
    row[place] = values
    return tuple(number(value) for value in row[kept])
