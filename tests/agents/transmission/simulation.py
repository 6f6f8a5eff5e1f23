"""600 desks for 90 days under the governor: what it costs a desk with a true edge, and what it saves one without.

Every desk is a run of one account; sizes, limits, fills and payouts go through `mark`, `rule` and the fold of the journal.
The book of a day: a dozen events in four regions of three cities, one or two brackets of each offered at 0.1 to 0.5 with a
claimed edge of 5 to 9 cents after fees; forecast errors of a region are correlated. The desks see the same offers, each has
its own weather. Cities of the east are bought at 16:15Z and end before the desk day does; those of the west are bought at
12:30Z and end in the next one. On the way a bid moves part of the way to the end, for each desk its own.

    python -m tests.agents.transmission.simulation 600 90
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from statistics import NormalDist
from unittest.mock import patch

import numpy as np

from agents.commands import lifted, may_rebase, rebased
from agents.transmission.equity import Marks
from agents.transmission.profiles import DAY_LOSS, DRAWDOWN_ALL_TIME, DRAWDOWN_REFERENCE, RESULTS_Z, WEEK_LOSS
from agents.transmission.ruling import guard, mark, orders_of, rule
from agents.transmission.tripwires import READINGS
from core.journal.buffered import SilentJournal
from core.journal.changes import Execution, Intention, Obedience, Payout
from core.journal.fold import apply
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.event import Fees
from core.model.governor import NUMBERS
from core.model.orders import Orders, Reports, Status
from core.model.settlement import Finality, Settlement
from core.prices import fees_micro
from core.settings import Settings
from core.units import MICRO, BoolArray, FloatArray, IntArray, micros
from tests.agents.transmission.builders import (
    NORMAL,
    Market,
    account_of,
    cycle_of,
    instrument_of,
    quotes_of,
    settings_of,
    targets_of,
)

REGIONS, CITIES, STATES = 4, 3, 6  # regions, cities of each, brackets of an event
WITHIN = 0.5  # correlation of forecast errors of two cities of a region
FEES = Fees(0.05)
FIRST = date(2026, 1, 5)  # a Monday
LOOKS = (("east", 16.25), ("marks", 24.0), ("west ends", 32.0), ("west", 36.5))  # hours after midnight of the desk day's date
TOLD = {"east": (0.0, 0.3, 0.6, 1.0), "west": (0.35, 0.7, 1.0, 0.0)}  # part of the way to the end at each look
CLAIMED = None


@dataclass(frozen=True)
class Truth:
    """What a share gains over its all-in price, CLAIMED or [USD], and settings of risk that differ."""

    gain: float | None
    risk: dict[str, float] = field(default_factory=dict)


TRUTHS = {
    "true edge": Truth(CLAIMED), "no edge": Truth(0.0), "-3 c": Truth(-0.03),
    "-3 c, unjudged": Truth(-0.03, {"results_z": 1e9}),  # only the drawdowns stop it
}  # fmt: skip


@dataclass(frozen=True)
class Offered:
    """One event: its offers, what each is claimed to be worth, and how it ends for each desk."""

    event: str
    side: str  # "east" or "west"
    markets: tuple[Market, ...]
    end: IntArray  # (n_desks,) bracket that wins
    mid: FloatArray  # (STATES,)


@dataclass
class Seen:
    """What is kept of each day, (n_days, n_desks)."""

    day_trip: list[BoolArray] = field(default_factory=list)
    week_trip: list[BoolArray] = field(default_factory=list)
    new_trips: list[IntArray] = field(default_factory=list)  # bits
    realised_r: list[FloatArray] = field(default_factory=list)
    result_r: list[FloatArray] = field(default_factory=list)
    half: list[BoolArray] = field(default_factory=list)
    cause: list[BoolArray] = field(default_factory=list)
    loss_r: list[FloatArray] = field(default_factory=list)  # since the last act of a person, in R0 of now
    loss_act_r: list[FloatArray] = field(default_factory=list)  # in R0 of that act
    acts: list[IntArray] = field(default_factory=list)
    stopped: list[BoolArray] = field(default_factory=list)


def offered(day: int, side: str, gain: float | None, n_desks: int, rng: np.random.Generator) -> list[Offered]:
    """Return the events of one half of the world of one event day."""
    found = []
    regions = range(REGIONS // 2) if side == "east" else range(REGIONS // 2, REGIONS)
    normal = NormalDist()
    for region in regions:
        shared = rng.standard_normal(n_desks)
        for city in range(CITIES):
            error = np.sqrt(WITHIN) * shared + np.sqrt(1 - WITHIN) * rng.standard_normal(n_desks)
            mean, sd = rng.uniform(-0.5, 0.5), rng.uniform(1.1, 1.8)
            edges = [normal.cdf((edge - mean) / sd) for edge in np.arange(1, STATES) - STATES / 2]
            mid = np.round(np.diff([0.0, *edges, 1.0]), 2)
            chosen = np.flatnonzero((mid >= 0.11) & (mid <= 0.48))
            chosen = rng.choice(chosen, min(len(chosen), int(rng.integers(1, 3))), replace=False)
            claimed = rng.uniform(0.05, 0.09, STATES)
            name = f"{side}{region}{city}-{day}"
            found.append(_event(name, side, region, city, FIRST + timedelta(days=day + 1), mid, chosen, claimed, gain, error))
    return found


def _event(
    name: str, side: str, region: int, city: int, day: date, mid: FloatArray, chosen: IntArray, claimed: FloatArray,
    gain: float | None, error: FloatArray,
) -> Offered:  # fmt: skip
    ask = np.round(mid + 0.01, 2)
    paid = ask + FEES.rate * ask * (1 - ask)
    fair = paid + claimed
    chance = mid / mid.sum()
    chance[chosen] = np.clip(fair if gain is CLAIMED else paid + gain, 0.01, 0.95)[chosen]
    rest = np.setdiff1d(np.arange(STATES), chosen)
    chance[rest] *= (1 - chance[chosen].sum()) / chance[rest].sum()
    # the order of the states along the error is that of the temperatures: neighbours win together
    rank = np.array([NormalDist().cdf(float(z)) for z in error])
    end = np.searchsorted(np.cumsum(chance)[:-1], rank)
    markets = tuple(
        Market(
            instrument_of(
                name, int(bracket), city=f"{side}-{region}-{city}", day=day, region=f"{side}-{region}", source=f"{side}-{region}"
            ),
            fair=float(fair[bracket]), asks=((float(ask[bracket]), 1e6),), bids=((float(mid[bracket] - 0.01), 1e6),),
            earned="normal", fees=FEES, limit_price=float(ask[bracket]),
        )
        for bracket in np.sort(chosen)
    )  # fmt: skip
    return Offered(name, side, markets, end, mid)


def play(truth: Truth, n_desks: int, n_days: int, seed: int) -> Seen:
    """Return what so many desks see; a person lifts and rebases at the start of the day after a pause, as often as is allowed."""
    rng = np.random.default_rng(seed)
    settings = settings_of(NORMAL | truth.risk, per_market_cap_usd=1e6, daily_bankroll_cap_usd=1e6)
    account = account_of(n_runs=n_desks)
    journal = SilentJournal(account)
    open_now: dict[str, Offered] = {}
    seen, since, unit_then = Seen(), account.equity_micro, np.full(n_desks, 100 * MICRO, np.int64)
    for day in range(n_days):
        account, acted = _person(journal, account, day)
        since = np.where(acted, account.equity_micro, since)
        unit_then = np.where(acted, account.unit_r_micro, unit_then)
        begun, before, trips, worst = account, account.tripped, np.zeros(n_desks, np.int64), np.zeros((2, n_desks))
        for look, (name, _) in enumerate(LOOKS):
            cycle = _cycle(day, look)
            offers = offered(day, name, truth.gain, n_desks, rng) if name in TOLD else []
            for event in [each for each in open_now.values() if TOLD[each.side][look] == 1.0]:
                account = _settled(cycle, account, open_now.pop(event.event))
            open_now |= {each.event: each for each in offers}
            with _bids(open_now, look):
                account = _look(journal, cycle, account, offers, settings)
            trips |= account.tripped & ~before
            before = account.tripped
            lost = since - account.equity_micro
            worst = np.maximum(worst, [lost / np.maximum(account.unit_r_micro, 1), lost / unit_then])
        _keep(seen, begun, account, trips, worst, acted, settings)
    return seen


def _cycle(day: int, look: int) -> Cycle:
    at = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(days=day, hours=LOOKS[look][1])
    return cycle_of(at, 4 * day + look + 1)


def _person(journal: SilentJournal, account: Account, day: int) -> tuple[Account, BoolArray]:
    acts = may_rebase(account) | ((account.tripped & RESULTS_Z) != 0)
    if not acts.any():
        return account, acts
    after = rebased(lifted(account, RESULTS_Z))
    return journal.commit(_cycle(day, 0), account, Obedience(f"act-{day}", after.tripped, (), after.governor)), acts


def _look(journal: SilentJournal, cycle: Cycle, account: Account, offers: list[Offered], settings: Settings) -> Account:
    markets = [market for each in offers for market in each.markets] or [_NOTHING]
    quotes, targets = quotes_of(markets), targets_of(markets, account.n_runs)
    ask = targets.price
    price = ask + FEES.rate * ask * (1 - ask)
    share = settings.weather.kelly_fraction * np.maximum(targets.fair - price, 0) / (1 - price)
    wanted = np.maximum(account.equity_micro, 0)[:, None] / MICRO * share / price
    wanted = wanted if offers else np.full_like(wanted, np.nan)
    targets = replace(targets, target=wanted, price=price, worst_loss=price, edge=targets.fair - price)
    risk = mark(account, cycle, targets, quotes, 0, settings)
    account = replace(account, **{name: getattr(risk, name) for name in risk.__slots__})
    orders = orders_of(rule(targets, guard(quotes, settings), 0, account, cycle, settings), targets, account, cycle)
    named = set(orders.token)
    instruments = tuple(m.instrument for m in markets if m.instrument.token in named)
    account = journal.commit(cycle, account, Intention((), orders, instruments, risk))
    if not len(orders):
        return account
    return journal.commit(cycle, account, Execution(_filled(orders, markets, cycle)))


_NOTHING = Market(instrument_of("nothing"), opened=False)


def _filled(orders: Orders, markets: list[Market], cycle: Cycle) -> Reports:
    """Return every order filled whole at its ask."""
    ask = {m.instrument.token: round(m.asks[0][0] * MICRO) for m in markets}
    price, size = np.array([ask[token] for token in orders.token], np.int64), orders.size_micro
    nothing = np.zeros(len(orders), np.int64)
    return Reports(
        orders.order_id, tuple(f"x{each}" for each in orders.order_id), nothing + Status.FILLED, nothing + micros(cycle.fill_at),
        size, size * price // MICRO, fees_micro(price, size, FEES), ((),) * len(orders), ("",) * len(orders),
    )  # fmt: skip


@contextmanager
def _bids(open_now: dict[str, Offered], look: int) -> Iterator[None]:
    """Mark holdings at the bids of each desk's own weather: a part of the way from the mid to the end."""

    def marks(account: Account, *_: object) -> Marks:
        value = np.zeros_like(account.held_micro)
        for i, instrument in enumerate(account.instruments):
            event = open_now.get(instrument.event_id)
            if event is not None:
                told, won = TOLD[event.side][look], event.end == instrument.bracket
                bid = np.clip((1 - told) * event.mid[instrument.bracket] + told * won - 0.01, 0.0, 1.0)
                value[:, i] = np.floor(account.held_micro[:, i] * bid).astype(np.int64)
        return Marks(value, np.zeros(len(account.instruments), np.bool_))

    with patch("agents.transmission.tripwires.marks_of", marks), patch("agents.transmission.ruling.marks_of", marks):
        yield


def _settled(cycle: Cycle, account: Account, event: Offered) -> Account:
    """Return the account once an event has ended: each group of desks hears how it ended for them."""
    columns = np.array([i.event_id == event.event for i in account.instruments], np.bool_)
    if not columns.any():
        return account
    parts = []
    for end in np.unique(event.end):
        rows = np.flatnonzero(event.end == end)
        word = Settlement(
            f"{event.event}/final/0", "polymarket", event.event, "EGLC", cycle.scheduled_at.date(), Finality.FINAL, 0,
            f"{event.event}-{end}", f"{end}°C", None, {},
        )  # fmt: skip
        parts.append((rows, apply(cycle, taken(account, rows), Payout(word))))
    return joined(account, parts)


RUNS = (
    "cash_micro", "held_micro", "cost_micro", "claim_micro", "fees_micro", "realised_micro", "start_micro", "equity_micro",
    "unit_r_micro", "day_start_micro", "week_start_micro", "high_water_micro", "tripped", "owed_micro",
)  # fmt: skip


BY_RUN = tuple(name for name in NUMBERS if name != "claim_day")


def taken(account: Account, rows: IntArray) -> Account:
    """Return some runs of an account; none of their orders works."""
    governor = replace(account.governor, **{name: getattr(account.governor, name)[rows] for name in BY_RUN})
    return replace(account, governor=governor, outcomes={}, **{name: getattr(account, name)[rows] for name in RUNS})


def joined(account: Account, parts: list[tuple[IntArray, Account]]) -> Account:
    """Return the account of all runs again."""
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))
    one = parts[0][1]
    governor = replace(
        one.governor,
        **{name: np.concatenate([getattr(a.governor, name) for _, a in parts])[order] for name in BY_RUN},
    )
    return replace(
        one, governor=governor, **{name: np.concatenate([getattr(a, name) for _, a in parts])[order] for name in RUNS}
    )


def _keep(
    seen: Seen, begun: Account, account: Account, trips: IntArray, worst: FloatArray, acted: BoolArray, s: Settings
) -> None:
    unit = np.maximum(account.unit_r_micro, 1)
    z, drawdown = READINGS["results_z"](account, s), READINGS["drawdown_reference"](account, s)
    seen.day_trip.append((trips & DAY_LOSS) != 0)
    seen.week_trip.append((trips & WEEK_LOSS) != 0)
    seen.new_trips.append(trips)
    won = account.realised_micro - account.fees_micro - begun.realised_micro + begun.fees_micro
    seen.realised_r.append(won / unit)
    seen.result_r.append((account.equity_micro - account.day_start_micro) / unit)
    seen.half.append(account.governor.step_micro < MICRO)
    seen.cause.append(~((z > -s.risk.step_up_z) & (drawdown < s.risk.step_up_r)))
    seen.loss_r.append(worst[0])
    seen.loss_act_r.append(worst[1])
    seen.acts.append(acted.astype(np.int64))
    seen.stopped.append(account.tripped & (DRAWDOWN_ALL_TIME | DRAWDOWN_REFERENCE | RESULTS_Z) != 0)


def longest(flags: BoolArray) -> IntArray:
    """Return for how many days in a row something held for each desk at most; flags (n_days, n_desks)."""
    best = length = np.zeros(flags.shape[1], np.int64)
    for row in flags:
        length = np.where(row, length + 1, 0)
        best = np.maximum(best, length)
    return best


@dataclass(frozen=True)
class Summary:
    """The figures of one truth."""

    truth: str
    day_trips: float  # share of desk days
    day_desks: float  # share of desks that ever
    week_trips: float  # share of desk weeks
    week_desks: float
    stuck_days: int  # longest at half size without cause
    half_days: int  # longest at half size
    half_desks: float  # share of desks that were so for more than 30 days in a row
    half_share: float
    loss_r: float  # largest between two acts, in R0 of its day
    loss_act_r: float  # in R0 of the act
    worst_day_r: float  # largest realised loss of a desk day
    mean_r: float  # mean result of a desk day
    sd_r: float
    reference: float  # share of desks that ever tripped
    all_time: float
    results: float
    acts: float  # per desk


def summary(name: str, seen: Seen) -> Summary:
    """Return the figures of what was seen."""
    day, week, trips = (np.array(part) for part in (seen.day_trip, seen.week_trip, seen.new_trips))
    half, cause, result = np.array(seen.half), np.array(seen.cause), np.array(seen.result_r)
    weeks = np.add.reduceat(week, np.arange(0, len(week), 7), axis=0) > 0
    ever = {bit: float(((trips & bit) != 0).any(axis=0).mean()) for bit in (DRAWDOWN_REFERENCE, DRAWDOWN_ALL_TIME, RESULTS_Z)}
    return Summary(
        name, float(day.mean()), float(day.any(axis=0).mean()), float(weeks.mean()), float(week.any(axis=0).mean()),
        int(longest(half & ~cause).max()), int(longest(half).max()), float((longest(half) > 30).mean()), float(half.mean()),
        float(np.max(seen.loss_r)), float(np.max(seen.loss_act_r)), float(-np.min(seen.realised_r)),
        float(result.mean()), float(result.std()), ever[DRAWDOWN_REFERENCE], ever[DRAWDOWN_ALL_TIME], ever[RESULTS_Z],
        float(np.sum(seen.acts, axis=0).mean()),
    )  # fmt: skip


ROWS = (
    ("desk days on which the day's limit trips", "day_trips", "{:.2%}"),
    ("desks that trip it at least once", "day_desks", "{:.1%}"),
    ("desk weeks in which the week's limit trips", "week_trips", "{:.2%}"),
    ("desks that trip it at least once", "week_desks", "{:.1%}"),
    ("longest at half size without cause [days]", "stuck_days", "{}"),
    ("longest at half size [days]", "half_days", "{}"),
    ("desks at half size for more than 30 days in a row", "half_desks", "{:.1%}"),
    ("desk days at half size", "half_share", "{:.1%}"),
    ("largest loss between two acts of a person [R0 of then]", "loss_r", "{:.2f}"),
    ("the same [R0 of the act]", "loss_act_r", "{:.2f}"),
    ("largest realised loss of a desk day [R0]", "worst_day_r", "{:.2f}"),
    ("mean result of a desk day [R0]", "mean_r", "{:+.3f}"),
    ("its standard deviation [R0]", "sd_r", "{:.3f}"),
    ("desks that trip 12 R0 from the reference", "reference", "{:.1%}"),
    ("desks that trip 15 R0 from the all-time high", "all_time", "{:.1%}"),
    ("desks whose results fall behind their claims", "results", "{:.1%}"),
    ("acts of a person per desk", "acts", "{:.2f}"),
)


def report(found: list[Summary], n_desks: int, n_days: int, seed: int) -> str:
    """Return the table of figures."""
    lines = [
        f"{n_desks} desks x {n_days} days, seed {seed}: python -m tests.agents.transmission.simulation {n_desks} {n_days} {seed}",
        "",
        f"{'':58}" + "".join(f"{each.truth:>18}" for each in found),
    ]
    lines += [f"{text:58}" + "".join(f"{form.format(getattr(each, name)):>18}" for each in found) for text, name, form in ROWS]
    return "\n".join(lines) + "\n"


def main(n_desks: int = 600, n_days: int = 90, seed: int = 7) -> str:
    """Return the report of all truths."""
    found = [summary(name, play(truth, n_desks, n_days, seed)) for name, truth in TRUTHS.items()]
    return report(found, n_desks, n_days, seed)


if __name__ == "__main__":
    sys.stdout.write(main(*(int(word) for word in sys.argv[1:])))
