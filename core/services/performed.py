"""What trading came to, made of decided events: by day, by kind, claimed against realised, part by part, and what followed it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from core.days import desk_day
from core.metrics.attribution import RUNGS
from core.metrics.claims import claim_of_return
from core.metrics.edges import moved, moved_degrees, moved_logit, slope_interval
from core.metrics.events import EVENT_ROWS, Events, edges_of
from core.metrics.figures import figure, finite
from core.metrics.inference import date_interval
from core.metrics.netting import UNKNOWN
from core.services.marks import ABOVE_ALL, HORIZONS, NOWHERE
from core.services.scored import GROUP, MOST_GROUPS, EdgePoint
from core.services.traded import PLACES, EventFacts, Traded
from core.services.values import usd
from core.units import MICRO, BoolArray, FloatArray, IntArray, instant

COUNTED = "One event is one observation: its legs win and lose together and are netted; R is the all-in cost"
NOT_TRADED = "nothing was traded"
Z90 = 1.6448536269514722
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FIGURES = (
    "expected_r",
    "event_profit_factor",
    "event_win_rate",
    "win_rate_wilson_lb",
    "break_even_rate",
    "net_usd",
    "turnover_roi",
)
SHOWN = tuple(
    replace(row, interval=row.interval if row.name == FIGURES[0] else None) for row in EVENT_ROWS if row.name in FIGURES
)
NAMES = {"event_profit_factor": "profit_factor", "event_win_rate": "win_rate"}


@dataclass(frozen=True, slots=True)
class PnlDay:
    """Events that were decided on one desk day, and all up to then; the band is where 90 % end up if every claim is true."""

    day: date
    n: int
    net_usd: Decimal
    net_r: float
    total_usd: Decimal
    total_r: float
    claimed_usd: float
    low_usd: float
    high_usd: float
    drawdown_r: float  # of the curve that starts at 0
    equity_usd: Decimal | None = None  # at the end of the day, marked at the bid; None under a filter
    equity_drawdown: float | None = None  # [fraction], from the highest end of a day so far, the start included


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Events of one kind; a figure is None where its reason stands in `reasons`."""

    name: str
    n: int
    n_dates: int
    expected_r: float | None
    low: float | None  # 90 % by dates
    high: float | None
    profit_factor: float | None
    win_rate: float | None
    win_rate_wilson_lb: float | None
    break_even_rate: float | None
    net_usd: float | None
    turnover_roi: float | None
    verdict: str
    reasons: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Group:
    dimension: str
    rows: tuple[GroupRow, ...]


@dataclass(frozen=True, slots=True)
class Attribution:
    """Parts of the result after fees: they add up to it to the last micro-dollar. `ladder`: the result at each rung's prices."""

    n: int
    net_usd: Decimal
    edge_usd: Decimal
    spread_usd: Decimal
    fee_usd: Decimal
    luck_usd: Decimal
    ladder: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class EventResult:
    """One decided event with the parts of its result."""

    event_id: str
    desk: str
    venue: str
    station_code: str
    city: str
    event_day: date
    extreme: str
    regime: str
    strategy: str
    lead_days: int
    entered_at: datetime
    decided_at: datetime
    trade_id: str  # its first execution
    result_r: float
    risk_usd: Decimal
    net_usd: Decimal
    claimed_usd: Decimal | None
    edge_usd: Decimal
    spread_usd: Decimal
    fee_usd: Decimal
    luck_usd: Decimal


@dataclass(frozen=True, slots=True)
class Moved:
    """How prices moved our way after executions, mean of events [USD per share and nats], 90 % by dates."""

    name: str
    kind: str  # "maker", "taker" or "all"
    mean: float | None
    low: float | None
    high: float | None
    logit: float | None
    ahead: float | None  # share of events of which the price moved our way
    n: int  # events
    n_dates: int
    executions: int
    unknown: int  # executions after which nobody quoted
    reason: str  # why there is no number, "" where there is one


@dataclass(frozen=True, slots=True)
class Closing(Moved):
    """The same at a declared checkpoint, and how far the mean that the books imply moved the way that the trade wanted."""

    degrees: float | None  # mean of events [°F]
    degrees_low: float | None  # 90 % by dates
    degrees_high: float | None
    degrees_n: int  # events
    degrees_dates: int
    held_mean: int  # executions left out: their bracket held the implied mean, so that no way was wanted
    no_mean: int  # executions left out: at entry or at the checkpoint the books implied no mean
    degrees_reason: str  # why there are no degrees, "" where there are


def daily(events: Events) -> tuple[PnlDay, ...]:
    """Return a row for each desk day from the first to the last on which an event was decided."""
    if not len(events):
        return ()
    day = np.array([desk_day(instant(int(at))).toordinal() for at in events.decided_at], np.int64)
    first, n_days = int(day.min()), int(day.max() - day.min()) + 1
    place, money = day - first, events.money

    def of_days(values: FloatArray) -> FloatArray:
        added: FloatArray = np.bincount(place, weights=values, minlength=n_days).astype(np.float64)
        return added

    net, counts = np.zeros(n_days, np.int64), np.bincount(place, minlength=n_days)
    np.add.at(net, place, money.net)
    r = of_days(events.r)
    curve = np.cumsum(r)
    below = curve - np.maximum.accumulate(np.maximum(curve, 0.0))
    claimed = np.cumsum(of_days(money.claimed / MICRO))
    spread = Z90 * np.sqrt(np.cumsum(of_days(np.square(money.claim_sd / MICRO))))
    total = np.cumsum(net)
    return tuple(
        PnlDay(
            date.fromordinal(first + i), int(counts[i]), usd(net[i]), float(r[i]), usd(total[i]), float(curve[i]),
            float(claimed[i]), float(claimed[i] - spread[i]), float(claimed[i] + spread[i]), float(below[i]),
        )
        for i in range(n_days)
    )  # fmt: skip


def group_row(name: str, events: Events) -> GroupRow:
    """Return the figures of some events."""
    found = {row.name: figure(row, events, len(events)) for row in SHOWN}
    interval = found["expected_r"]
    values = {NAMES.get(name, name): one.value for name, one in found.items()}
    reasons = {NAMES.get(name, name): one.reason for name, one in found.items() if one.reason}
    return GroupRow(
        name, len(events), events.n_dates, low=interval.low, high=interval.high, verdict=claim_of_return(events),
        reasons=reasons, **values,
    )  # fmt: skip


# How events fall into kinds. Of sides and brackets the legs are netted within the kind: an event may stand in several.
EVENT_KINDS: Mapping[str, Callable[[EventFacts], str]] = {
    "station": lambda one: one.station,
    "venue": lambda one: one.venue,
    "lead": lambda one: f"D−{one.lead}" if one.lead else "D",
    "regime": lambda one: one.regime or "unknown",
    "strategy": lambda one: one.strategy or "unknown",
    "symbol": lambda one: one.symbol,
    "extreme": lambda one: one.extreme,
    "weekday": lambda one: WEEKDAYS[one.entered_at.weekday()],
    "hour": lambda one: f"{one.entered_at:%H}:00Z",
}
LEG_KINDS: Mapping[str, tuple[str, ...]] = {"side": ("YES", "NO"), "bracket": PLACES}


def groups(traded: Traded, rows: BoolArray, events: Events) -> Iterator[Group]:
    """Yield the tables by kind of some executions and the events that they make."""
    for dimension, kind in EVENT_KINDS.items():
        named = np.array([kind(traded.facts[i]) for i in events.money.event.tolist()], object)
        names = sorted(set(named.tolist()), key=lambda name: WEEKDAYS.index(name) if name in WEEKDAYS else name)
        yield Group(dimension, tuple(group_row(name, events.taken(named == name)) for name in names))
    for dimension, kinds in LEG_KINDS.items():
        some = ((name, traded.events(rows & leg_kind(traded, dimension, name))) for name in kinds)
        yield Group(dimension, tuple(group_row(name, found) for name, found in some if len(found)))


def leg_kind(traded: Traded, dimension: str, name: str) -> BoolArray:
    """Return which executions are of one side, or of one place in the ladder."""
    column, wanted = ("yes", int(name == "YES")) if dimension == "side" else ("place", PLACES.index(name))
    found: BoolArray = traded.columns[column] == wanted
    return found


def edge_points(events: Events) -> tuple[EdgePoint, ...]:
    """Return claimed against realised edge of events in groups of like claims, smallest claim first [USD per share bought]."""
    claimed, realised = edges_of(events)
    known = np.flatnonzero(np.isfinite(claimed))
    order = known[np.argsort(claimed[known], kind="stable")]
    parts = np.array_split(order, min(max(len(order) // GROUP, 1), MOST_GROUPS)) if len(order) else []
    return tuple(_point(claimed[each], realised[each], events.ordinal[each]) for each in parts)


def slope(events: Events) -> tuple[float, float] | None:
    """Return the 90 % interval of the slope of realised on claimed edge."""
    found = slope_interval(*edges_of(events), events.ordinal)
    return (found.low, found.high) if found else None


def attribution(events: Events) -> Attribution:
    """Return the parts of the result of some events."""
    money = events.money
    rungs = money.ladder.sum(axis=0) if len(events) else np.zeros(len(RUNGS), np.int64)
    return Attribution(
        len(events), usd(money.net.sum()), usd(money.edge.sum()), usd(money.spread.sum()), usd(-money.fees.sum()),
        usd(money.luck.sum()), {name: usd(rungs[i]) for i, name in enumerate(RUNGS)},
    )  # fmt: skip


def event_results(traded: Traded, events: Events, places: Sequence[int]) -> tuple[EventResult, ...]:
    """Return some of the events whole."""
    return tuple(_event_result(traded.facts[int(events.money.event[i])], events, i) for i in places)


def markouts(traded: Traded, rows: BoolArray) -> Iterator[Moved]:
    """Yield how prices moved after the executions: 1, 5 and 60 minutes on, all of them and by maker and taker."""
    maker = traded.columns["maker"] > 0
    for minutes in HORIZONS:
        late = f"no quote within {'the minute' if minutes == 1 else f'{minutes} min'}"
        for kind, some in (("all", rows), ("maker", rows & maker), ("taker", rows & ~maker)):
            yield _moved(traded, some, f"{minutes} min", kind, traded.columns[f"after_{minutes}"], late)


def closing_values(traded: Traded, rows: BoolArray) -> Iterator[Closing]:
    """Yield prices at the declared checkpoints against those that were paid: 09:00 for day-ahead entries, else an hour on."""
    ahead = traded.columns["ahead"] > 0
    for name, some in (("day ahead, 09:00 of the day", rows & ahead), ("same day, 60 min", rows & ~ahead)):
        found = _moved(traded, some, name, "all", traded.columns["closing"], "no quote at the checkpoint")
        yield Closing(**asdict(found), **_degrees(traded, some))


def _moved(traded: Traded, rows: BoolArray, name: str, kind: str, later_micro: IntArray, late: str) -> Moved:
    """Return the row of some executions; `late` is said where none of them was quoted later."""
    columns, picked = traded.columns, np.flatnonzero(rows & (later_micro != UNKNOWN))
    price, later = columns["notional"][picked] / np.maximum(np.abs(columns["size"][picked]), 1), later_micro[picked] / MICRO
    bought = columns["size"][picked] > 0
    cents, ordinal = _by_event(traded, picked, moved(price, later, bought))
    odds, _ = _by_event(traded, picked, moved_logit(price, later, bought))
    interval = date_interval(cents, ordinal) if len(cents) else None
    return Moved(
        name, kind, finite(cents.mean()) if len(cents) else None, interval.low if interval else None,
        interval.high if interval else None, finite(odds.mean()) if len(cents) else None,
        float((cents > 0).mean()) if len(cents) else None, len(cents), len(np.unique(ordinal)), len(picked),
        int(rows.sum()) - len(picked), "" if len(cents) else late if rows.any() else NOT_TRADED,
    )  # fmt: skip


def _degrees(traded: Traded, rows: BoolArray) -> dict[str, Any]:
    """Return what a row of closing value says of the implied mean, by the fields of `Closing`."""
    columns = traded.columns
    told = np.flatnonzero(rows & (columns["implied"] != NOWHERE) & (columns["implied_later"] != NOWHERE))
    mean, later, lower, upper = (
        _fahrenheit(columns[name][told]) for name in ("implied", "implied_later", "edge_below", "edge_above")
    )
    gains = (columns["yes"][told] > 0) == (columns["size"][told] > 0)
    way = moved_degrees(mean, later, lower, upper, gains)
    known = np.isfinite(way)
    degrees, ordinal = _by_event(traded, told[known], way[known])
    interval = date_interval(degrees, ordinal) if len(degrees) else None
    reason = "every bracket held the implied mean" if len(told) else "no implied mean" if rows.any() else NOT_TRADED
    return {
        "degrees": finite(degrees.mean()) if len(degrees) else None, "degrees_low": interval.low if interval else None,
        "degrees_high": interval.high if interval else None, "degrees_n": len(degrees),
        "degrees_dates": len(np.unique(ordinal)), "held_mean": len(told) - int(known.sum()),
        "no_mean": int(rows.sum()) - len(told), "degrees_reason": "" if len(degrees) else reason,
    }  # fmt: skip


def _fahrenheit(micro: IntArray) -> FloatArray:
    """Return temperatures in °F, those that lie nowhere without a bound."""
    return np.where(micro == NOWHERE, -np.inf, np.where(micro == ABOVE_ALL, np.inf, micro / MICRO))


def _by_event(traded: Traded, picked: IntArray, values: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return the mean of each event of some executions, weighted by their shares, and its date as a day number."""
    size = np.abs(traded.columns["size"][picked]).astype(np.float64)
    events, group = np.unique(traded.columns["event"][picked], return_inverse=True)
    weight = np.bincount(group, weights=size, minlength=len(events))
    means: FloatArray = np.bincount(group, weights=size * values, minlength=len(events)) / weight
    return means, np.array([traded.facts[i].day.toordinal() for i in events.tolist()], np.int64)


def _point(claimed: FloatArray, realised: FloatArray, ordinal: IntArray) -> EdgePoint:
    found = date_interval(realised, ordinal)
    low, high = (found.low, found.high) if found else (None, None)
    return EdgePoint(float(claimed.mean()), float(realised.mean()), low, high, len(claimed), len(np.unique(ordinal)))


def _event_result(facts: EventFacts, events: Events, i: int) -> EventResult:
    money = events.money
    return EventResult(
        event_id=facts.event_id, desk=facts.desk, venue=facts.venue, station_code=facts.station, city=facts.city,
        event_day=facts.day, extreme=facts.extreme, regime=facts.regime, strategy=facts.strategy, lead_days=facts.lead,
        entered_at=facts.entered_at, decided_at=instant(int(events.decided_at[i])), trade_id=facts.first_trade,
        result_r=float(events.r[i]), risk_usd=usd(money.risk[i]), net_usd=usd(money.net[i]),
        claimed_usd=usd(money.claimed[i]) if money.claim_known[i] else None, edge_usd=usd(money.edge[i]),
        spread_usd=usd(money.spread[i]), fee_usd=usd(-money.fees[i]), luck_usd=usd(money.luck[i]),
    )  # fmt: skip
