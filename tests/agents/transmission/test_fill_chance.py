"""What a decision says of its resting order: how likely anything of it is filled, as the paper broker fills."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.cycle import look
from agents.paper import PaperBroker
from agents.prints import Tape
from agents.transmission.fill_chance import LOOK_BACK, chances, fill_chance
from agents.transmission.ruling import decisions_of, guard, mark, rule
from agents.transmission.standing import standing_of
from core.metrics.edges import fill_calibration
from core.model.account import new_account
from core.model.decision import STATED_FILL, Decision
from core.model.event import Instrument, Side
from core.model.orders import Orders, Role, Status
from core.model.quotes import Quotes
from core.model.record import Record
from core.settings import Settings
from core.store.archive import View
from core.units import MICRO, FloatArray, micros
from tests.agents.paper import builders as paper
from tests.agents.paper.builders import AT, SEALED, Trade, World, world_in
from tests.agents.transmission.builders import (
    NORMAL,
    START,
    Market,
    account_of,
    cycle_of,
    quotes_of,
    settings_of,
    targets_of,
)

HOUR = LOOK_BACK.total_seconds() / 6.0
QUARTER = HOUR / 4.0


def stated(
    at_price: int = 0, through: int = 0, shares: float = 0.0, ahead: float = 0.01, seconds: float = QUARTER
) -> float:  # fmt: skip
    one = (np.array([at_price]), np.array([through]), np.array([shares]), np.array([ahead]), np.array([[seconds]]))
    return float(fill_chance(*one)[0, 0])


# The formula


def test_it_is_the_chance_that_more_prints_come_than_the_queue_swallows() -> None:
    """By hand: 23.75 + 1/4 prints at the price in 6 h are 1 in a quarter of an hour, 25 shares each: a queue of 50 swallows 2.

    P(N > M), N ~ Poisson(1), M ~ Poisson(2): 0.182585, summed term by term; nothing comes through but a 96th of a print.
    """
    n, m = np.arange(60), np.arange(60)
    factorial = np.cumprod(np.concatenate([[1.0], np.arange(1.0, 60.0)]))
    came, swallowed = np.exp(-1.0) / factorial, np.exp(-2.0) * 2.0**m / factorial
    more = float(sum(came[i] * swallowed[:i].sum() for i in n))
    prints = 6 * 4 - 0.25

    found = fill_chance(
        np.array([prints]), np.array([0.0]), np.array([25.0 * (prints + 1.0) - 20.0]), np.array([50.0]), np.array([[QUARTER]])
    )

    assert more == pytest.approx(0.182585, abs=1e-6)
    assert found[0, 0] == pytest.approx(1.0 - np.exp(-0.25 / 24.0) * (1.0 - more), abs=1e-12)


def test_a_print_through_the_price_asks_for_no_queue() -> None:
    """Four an hour are one in a quarter of an hour: 63 %, whoever stands ahead."""
    assert stated(through=24, shares=480.0, ahead=1e6) == pytest.approx(1.0 - np.exp(-24.25 / 24.0), abs=1e-9)


def test_without_a_print_it_is_the_priors_small_value() -> None:
    """Half a print in six hours is 2 % in a quarter of an hour, behind a queue 1 %: what may come through."""
    assert stated() == pytest.approx(1.0 - np.exp(-0.5 / 24.0), abs=1e-4)
    assert stated(ahead=1e4) == pytest.approx(1.0 - np.exp(-0.25 / 24.0), abs=1e-9)


def test_it_grows_with_life_and_volume_and_falls_with_the_queue() -> None:
    lives = [stated(12, 2, 280.0, 60.0, seconds) for seconds in np.linspace(0.0, 4 * HOUR, 80)]
    queues = [stated(12, 2, 280.0, ahead) for ahead in np.linspace(0.0, 200.0, 80)]
    larger = [stated(12, 2, shares, 60.0) for shares in np.linspace(0.0, 5_000.0, 80)]
    more = [stated(6 * n, n, 140.0 * n, 60.0) for n in range(80)]

    assert lives[0] == 0.0
    assert (np.diff(lives) > 0).all()
    assert (np.diff(queues) < 0).all()
    assert (np.diff(larger) > 0).all()
    assert (np.diff(more) > 0).all()
    assert all(0.0 <= each <= 1.0 for each in (*lives, *queues, *larger, *more))


def test_an_order_whose_life_is_over_has_no_chance() -> None:
    assert stated(50, 50, 5_000.0, seconds=-1.0) == 0.0


def test_alone_or_among_others_it_says_the_same_bits() -> None:
    random = np.random.default_rng(5)
    n, n_runs = 257, 7
    at_price, through = (random.integers(0, 60, n) for _ in range(2))
    shares, ahead = random.gamma(2.0, 300.0, n), random.gamma(1.0, 200.0, n)
    seconds = random.uniform(-60.0, 2_000.0, (n_runs, n))

    together = fill_chance(at_price, through, shares, ahead, seconds)

    assert together.shape == (n_runs, n)
    for i in range(n):
        own = [each[i : i + 1] for each in (at_price, through, shares, ahead)]
        alone = [fill_chance(*own, seconds[run : run + 1, i : i + 1]) for run in range(n_runs)]
        assert np.concatenate(alone).ravel().tolist() == together[:, i].tolist()


# Against the paper broker


@dataclass(frozen=True)
class Street:
    """One market whose takers sell at random, by the law of the formula."""

    instrument: Instrument
    queue: float
    per_hour: float  # prints at the price
    through_per_hour: float
    mean_shares: float

    @property
    def bids(self) -> tuple[tuple[float, float], ...]:
        return (*([(0.28, self.queue)] if self.queue else []), (0.2, 9.0))

    def trades(self, random: np.random.Generator, begin: float, end: float) -> list[Trade]:
        """Return the prints between two instants, hours from the order's."""
        trades = []
        for rate, price in ((self.per_hour, 0.28), (self.through_per_hour, 0.27)):
            for hour in random.uniform(begin, end, random.poisson(rate * (end - begin))).tolist():
                size = max(round(float(random.exponential(self.mean_shares)), 2), 0.01)
                trades.append((AT + timedelta(hours=hour), price, size, "no"))
        return trades


LIFE = timedelta(minutes=16)
LIFE_HOURS, SEALED_HOURS = LIFE.total_seconds() / 3_600.0, (SEALED - AT).total_seconds() / 3_600.0
TOGETHER = 30  # streets of one event


def streets(random: np.random.Generator, n: int) -> Iterator[Street]:
    for i in range(n):
        market = replace(paper.instrument(), event_id=f"e{i // TOGETHER}", token=f"t{i}", market_id=f"m{i}")
        mean, rate = float(random.uniform(5.0, 80.0)), 0.0 if i % 5 == 0 else float(10.0 ** random.uniform(-0.5, 1.4))
        queue, through = float(random.choice([0.0, 1.0, 4.0])) * mean, rate * float(random.choice([0.0, 0.3, 1.0]))
        yield Street(market, round(queue, 2), rate, through, mean)


def records(event: Sequence[Street], random: np.random.Generator) -> list[Record]:
    """Return what is known of an event: listing, book, the tape before its orders and that of their life."""
    n, name = len(event), event[0].instrument.event_id
    own = [each.instrument for each in event]
    listing, book, before, after = (
        paper.listing(), paper.book(SEALED),
        *([(each.instrument.market_id, *trade) for each in event for trade in each.trades(random, *hours)]
          for hours in ((-6.0, SEALED_HOURS), (0.0, LIFE_HOURS))),
    )  # fmt: skip
    listed = {
        "market_id": paper.text(*(each.market_id for each in own)), "yes": paper.text(*(each.token for each in own)),
        "no": paper.text(*(f"{each.token}-no" for each in own)), "label": paper.text(*["12°C"] * n),
        "lower": np.full(n, 12), "upper": np.full(n, 12), "accepting": np.ones(n, np.bool_),
    }  # fmt: skip
    levels = [(each.instrument.token, *level) for each in event for level in each.bids]
    shown = {
        "token": paper.text(*(token for token, *_ in levels)), "side": paper.text(*["bid"] * len(levels)),
        "price_micro": np.array([round(price * MICRO) for _, price, _ in levels], np.int64),
        "size_micro": np.array([round(size * MICRO) for *_, size in levels], np.int64),
    }  # fmt: skip
    facts = {"tokens": {each.token: book.facts["tokens"][paper.token()] for each in own}}
    found = [replace(listing, rows=listed), replace(book, rows=shown, facts=facts)]
    for at, told in ((SEALED, before), (AT + 2 * LIFE, [*before, *after])):
        record = paper.prints(at, *(trade for _, *trade in told))  # type: ignore[arg-type]
        found.append(replace(record, rows={**record.rows, "market_id": paper.text(*(market for market, *_ in told))}))
    return [replace(each, subject=name, raw=f"{name}{i}".encode()) for i, each in enumerate(found)]


def said_of(all_streets: list[Street], view: View) -> FloatArray:
    """Return what is stated of one order in each street."""
    markets = [Market(each.instrument, bids=each.bids) for each in all_streets]
    standing = standing_of(targets_of(markets), account_of())
    full = np.ones((1, standing.n), np.bool_)
    price = np.full(standing.n, 280_000)
    life = np.full((1, standing.n), LIFE // timedelta(microseconds=1))
    return chances(standing, quotes_of(markets), 0, Tape(view), rests=full, price=price, life=life)[0]


def filled_of(all_streets: list[Street], world: World) -> np.ndarray:
    """Return of which order the real broker filled anything."""
    n = len(all_streets)
    nothing, one = np.zeros(n, np.int64), np.ones(n, np.int64)
    names = tuple(f"o-{i}" for i in range(n))
    orders = Orders(
        order_id=names, decision_id=tuple(f"d-{i}" for i in range(n)), run=nothing,
        token=tuple(each.instrument.token for each in all_streets), role=one * Role.ENTRY, parent=-one,
        size_micro=one * 20 * MICRO, limit_micro=one * 280_000, reference_micro=one * 280_000, fair_micro=nothing,
        status=one * Status.WORKING, filled_micro=nothing, placed_at=one * micros(AT), good_until=one * micros(AT + LIFE),
        cancel_at=nothing,
    )  # fmt: skip
    empty = np.zeros((1, n), np.int64)
    account = replace(
        new_account("weather", "test", 10**12), instruments=tuple(each.instrument for each in all_streets), held_micro=empty,
        cost_micro=empty, claim_micro=empty,
    )  # fmt: skip
    reports, _ = PaperBroker(paper.settings()).execute(orders, account, world.archive, AT + 2 * LIFE)
    hit = {name for name, size in zip(reports.order_id, reports.size_micro.tolist(), strict=True) if size}
    assert set(reports.order_id) == set(names)
    return np.array([name in hit for name in names])


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[FloatArray, np.ndarray, list[Street]]:
    """Return what was stated of 2,400 orders, whether the broker filled anything of them, and their streets."""
    random = np.random.default_rng(2026)
    every = list(streets(random, 2_400))
    with world_in(Path(tmp_path_factory.mktemp("streets"))) as world:
        for first in range(0, len(every), TOGETHER):
            world.hold(*records(every[first : first + TOGETHER], random))
        return said_of(every, world.archive.as_of([SEALED])), filled_of(every, world), every


def test_orders_are_filled_as_often_as_was_stated(lived: tuple[FloatArray, np.ndarray, list[Street]]) -> None:
    """2,400 orders over every rate, queue and size, of a sampling error of 0.7 points; the half print counted on top adds 0.6.

    Within 2.5 points over all, within 2 of Wilson's interval at each step.
    """
    said, filled, _ = lived
    steps = fill_calibration(said, filled)

    assert 0.25 < filled.mean() < 0.6
    assert said.mean() == pytest.approx(filled.mean(), abs=0.025)
    assert len(steps) == 5
    assert all(each.low_filled - 0.02 <= each.stated <= each.high_filled + 0.02 for each in steps)


def test_it_holds_for_each_kind_of_market(lived: tuple[FloatArray, np.ndarray, list[Street]]) -> None:
    """Behind a queue or none, with prints through the price or without, and where nobody trades: 400 orders or more of each."""
    said, filled, every = lived
    queued, through, traded = (
        np.array([getattr(each, name) > 0 for each in every]) for name in ("queue", "through_per_hour", "per_hour")
    )
    kinds = [queued & through, queued & ~through & traded, ~queued & traded, ~traded]

    assert all(kind.sum() >= 400 for kind in kinds)
    assert [float(said[kind].mean()) for kind in kinds] == pytest.approx(
        [float(filled[kind].mean()) for kind in kinds], abs=0.05
    )
    assert filled[~traded].sum() == 0


# In a decision

RESTING = settings_of(NORMAL, {"resting": True})
WIDE = Market(paper.instrument(), wanted=50.0, asks=((0.38, 1e4),), bids=((0.28, 60.0),))


def decided(settings: Settings, tape: Tape | None, market: Market = WIDE, n_runs: int = 1) -> tuple[Decision, ...]:
    cycle, account, targets, quotes = cycle_of(), account_of(n_runs=n_runs), targets_of([market], n_runs), quotes_of([market])
    risk = mark(account, cycle, targets, quotes, 0, settings)
    account = replace(account, **{name: getattr(risk, name) for name in risk.__slots__})
    ruling = rule(targets, guard(quotes, settings, (), tape), 0, account, cycle, settings)
    return decisions_of(ruling, targets, account, cycle)


def test_a_decision_whose_order_rests_states_it_beside_what_it_believes() -> None:
    """Nobody recorded the tape: half a print in six hours, in a life of 16 minutes above all other bids."""
    (told,) = decided(RESTING, None)

    assert told.reason_code == "rests"
    assert told.belief == {"p_model": 0.5, STATED_FILL: pytest.approx(1.0 - np.exp(-0.5 * 960 / 21_600), abs=1e-5)}


def test_an_order_that_takes_states_nothing() -> None:
    taken = replace(WIDE, asks=((0.30, 1e4),))

    assert [STATED_FILL in told.belief for told in decided(RESTING, None, taken)] == [False]


def test_every_run_states_its_own() -> None:
    first, second = decided(RESTING, None, n_runs=2)

    assert (first.run, second.run) == (0, 1)
    assert first.belief == second.belief


def test_only_what_was_known_at_the_look_counts_and_only_what_was_sold(tmp_path: Path) -> None:
    """A tick above the bid of 0.28 all that was sold at 0.29 and below is counted, of six hours, told by then."""
    at = START
    tape = [(at - timedelta(minutes=i), 0.28, 30.0, "no") for i in range(10, 22)]
    others = [
        (at - timedelta(minutes=9), 0.30, 30.0, "no"),  # above our price
        (at - timedelta(minutes=9), 0.28, 30.0, "yes"),  # bought
        (at - timedelta(hours=7), 0.28, 30.0, "no"),  # long ago
    ]
    with world_in(tmp_path) as world:
        world.hold(paper.prints(at - timedelta(minutes=1), *tape, *others), paper.prints(at - timedelta(minutes=1), *tape[:5]))
        world.hold(paper.prints(at + timedelta(minutes=5), (at - timedelta(minutes=5), 0.28, 500.0, "no")))
        alone = Tape(world.archive.as_of([at]))
        block = Tape(world.archive.as_of([at, at + timedelta(minutes=15)]))

        told, among = (decided(RESTING, each)[0].belief[STATED_FILL] for each in (alone, block))

    assert told == among == pytest.approx(1.0 - np.exp(-12.5 * 960 / 21_600), abs=2e-4)


def test_who_buys_yes_sells_no(tmp_path: Path) -> None:
    """Six that bought YES at 0.72 sold NO at 0.28; those that sold YES at 0.28 did not."""
    no = replace(WIDE, instrument=paper.instrument(Side.NO))
    tape = [
        (START - timedelta(minutes=i), price, 30.0, taker)
        for i in range(1, 7)
        for price, taker in ((0.72, "yes"), (0.28, "no"))
    ]
    with world_in(tmp_path) as world:
        world.hold(paper.prints(START - timedelta(seconds=1), *tape))
        (told,) = decided(RESTING, Tape(world.archive.as_of([START])), no)

    assert told.belief[STATED_FILL] == pytest.approx(1.0 - np.exp(-6.5 * 960 / 21_600), abs=2e-4)


def test_where_nothing_may_rest_no_tape_is_asked() -> None:
    class Closed(Tape):
        def sold(self, *asked: object) -> Iterator[object]:  # type: ignore[override]
            raise AssertionError("the tape was read")

    (told,) = decided(settings_of(NORMAL), Closed(None))  # type: ignore[arg-type]

    assert STATED_FILL not in told.belief


@dataclass(frozen=True)
class Blind:
    """A desk that sees nothing."""

    name: str = "weather"

    def observe(self, view: View) -> None:
        return None

    def quotes(self, panel: None) -> Quotes:
        return quotes_of([WIDE])

    def evaluate(self, panel: None, settings: Settings) -> None:
        return None


@pytest.mark.parametrize("resting", [False, True])
def test_a_look_brings_the_tape_only_where_orders_may_rest(tmp_path: Path, resting: bool) -> None:
    with world_in(tmp_path) as world:
        block = look(Blind(), world.archive.as_of([AT]), settings_of(weather={"resting": resting}))  # type: ignore[arg-type]

    assert (block.guarded.tape is not None) is resting
