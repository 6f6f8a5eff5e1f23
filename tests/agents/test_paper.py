"""The paper broker: fills from recorded books and prints, the same after every restart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.paper import GRACE, LivePaperBroker, PaperBroker
from core.clock import SteppedClock
from core.journal.changes import Execution, Intention
from core.journal.fold import apply
from core.model.account import Account, new_account
from core.model.cycle import Cause, Cycle
from core.model.event import Instrument, Side
from core.model.orders import Level, Orders, Reports, Role, Status, no_orders
from core.model.record import Ask, Kind, Record
from core.model.rule import Extreme
from core.settings import Settings
from core.store.archive import Archive
from core.store.snapshots import SnapshotStore
from core.units import MICRO, Unit, micros

AT = datetime(2026, 11, 12, 17, 0, 3, tzinfo=UTC)
SEALED = AT - timedelta(seconds=2)
EVENT = "highest-temperature-in-london-on-november-13-2026"
ASKS, BIDS = [(0.30, 100.0), (0.31, 50.0), (0.35, 500.0)], [(0.28, 80.0), (0.25, 200.0)]
FEES = {"rate": 0.05, "exponent": 1.0, "rounding": "half_up_5"}


def token(side: Side = Side.YES) -> str:
    return f"token-{side}"


def instrument(side: Side = Side.YES, venue: str = "polymarket") -> Instrument:
    return Instrument(
        token=token(side), venue=venue, event_id=EVENT, station="EGLC", city="London", event_day=date(2026, 11, 13),
        extreme=Extreme.HIGH, bracket=3, label="12°C", lower=12, upper=12, unit=Unit.CELSIUS, side=side, market_id="m3",
        settlement_source="wunderground", region="england",
    )  # fmt: skip


def text(*values: str) -> np.ndarray:
    return np.array(values, dtype=object)


def listing(at: datetime = AT - timedelta(hours=1), **changed: object) -> Record:
    facts = {
        "venue": "polymarket",
        "event_id": EVENT,
        "fees": FEES,
        "tick_micro": 10_000,
        "min_size_micro": 5 * MICRO,
        **changed,
    }
    rows = {
        "market_id": text("m3"), "yes": text(token()), "no": text(token(Side.NO)), "label": text("12°C"),
        "lower": np.array([12]), "upper": np.array([12]), "accepting": np.array([True]),
    }  # fmt: skip
    return Record("polymarket", Kind.EVENTS, EVENT, at, None, f"listing {changed}".encode(), rows, facts)


def book(at: datetime, asks: Sequence[tuple[float, float]] = ASKS, bids: Sequence[tuple[float, float]] = BIDS) -> Record:
    levels = [("ask", *level) for level in asks] + [("bid", *level) for level in bids]
    rows = {
        "token": text(*[token()] * len(levels)), "side": text(*(side for side, _, _ in levels)),
        "price_micro": np.array([round(price * MICRO) for _, price, _ in levels], np.int64),
        "size_micro": np.array([round(size * MICRO) for _, _, size in levels], np.int64),
    }  # fmt: skip
    facts = {"tokens": {token(): {"tick_micro": 10_000, "min_size_micro": 5 * MICRO, "changed_at": 0, "hash": ""}}}
    return Record("polymarket", Kind.BOOKS, EVENT, at, None, f"{asks} {bids}".encode(), rows, facts)


Trade = tuple[datetime, float, float, str]


def prints(at: datetime, *trades: Trade) -> Record:
    rows = {
        "market_id": text(*["m3"] * len(trades)), "valid_at": np.array([micros(t[0]) for t in trades], np.int64),
        "yes_price_micro": np.array([round(t[1] * MICRO) for t in trades], np.int64),
        "size_micro": np.array([round(t[2] * MICRO) for t in trades], np.int64), "taker": text(*(t[3] for t in trades)),
    }  # fmt: skip
    return Record("polymarket", Kind.PRINTS, EVENT, at, None, f"{at}{trades}".encode(), rows, {})


def order(
    size: float = 20.0, limit: float = 0.33, reference: float = 0.30, *, side: Side = Side.YES, run: int = 0,
    status: Status = Status.SUBMITTING, name: str = "o-a", placed: datetime = AT,
) -> Orders:  # fmt: skip
    def one(value: int) -> np.ndarray:
        return np.array([value], np.int64)

    return Orders(
        (name,), ("d-a",), one(run), (token(side),), one(Role.ENTRY if size > 0 else Role.EXIT), one(-1),
        one(round(size * MICRO)), one(round(limit * MICRO)), one(round(reference * MICRO)), one(round(reference * MICRO)), one(status), one(0),
        one(micros(placed)), one(0), one(0),
    )  # fmt: skip


def account(working: Orders | None = None, *, held: float = 0.0, n_runs: int = 1, **changed: object) -> Account:
    both = (instrument(), instrument(Side.NO))
    shares = np.tile(np.array([round(held * MICRO), 0], np.int64), (n_runs, 1))
    return replace(
        new_account("weather", "test", 10_000 * MICRO, n_runs), instruments=both, held_micro=shares, cost_micro=shares // 4,
        claim_micro=shares // 4, working=working or no_orders(), **changed,
    )  # type: ignore[arg-type]  # fmt: skip


@dataclass
class World:
    """A data folder that is written and read as an engine would."""

    folder: Path
    snapshots: SnapshotStore
    archive: Archive
    paper: PaperBroker = field(default_factory=lambda: PaperBroker(Settings.model_construct(**defaults())))

    def hold(self, *records: Record) -> World:
        self.snapshots.publish(records)
        return self

    def execute(self, orders: Orders, holder: Account | None = None, at: datetime = AT) -> Reports:
        reports, heard_at = self.paper.execute(orders, holder or account(), self.archive, at)
        assert heard_at == at
        return reports


def defaults() -> dict[str, object]:
    return {name: info.get_default(call_default_factory=True) for name, info in Settings.model_fields.items()}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    snapshots = SnapshotStore(tmp_path)
    yield World(tmp_path, snapshots, Archive(tmp_path, snapshots))
    snapshots.close()


def sizes(reports: Reports) -> list[float]:
    return [int(size) / MICRO for size in reports.size_micro if size]


def statuses(reports: Reports) -> list[str]:
    return [Status(int(status)).name for status in reports.status]


def test_an_order_walks_the_asks_up_to_its_limit_and_pays_one_fee(world: World) -> None:
    """100 at 0.30 and 20 at 0.31 cost 36.20 USD; fee 0.05 x (100 x 0.21 + 20 x 0.2139) = 1.26390."""
    world.hold(listing(), book(SEALED))

    reports = world.execute(order(120.0))

    assert statuses(reports) == ["FILLED"]
    assert reports.execution_id == ("x-a-0",)
    assert reports.notional_micro.tolist() == [36_200_000]
    assert reports.fee_micro.tolist() == [1_263_900]
    assert reports.levels == ((Level(300_000, 100 * MICRO, 100 * MICRO), Level(310_000, 50 * MICRO, 20 * MICRO)),)


def test_what_the_limit_price_does_not_reach_expires_with_its_reason(world: World) -> None:
    world.hold(listing(), book(SEALED))

    reports = world.execute(order(200.0))

    assert sizes(reports) == [150.0]
    assert statuses(reports) == ["PARTIALLY_FILLED", "EXPIRED"]
    assert reports.reason == ("", "part_depth")


def test_no_price_is_better_than_the_one_shown_and_none_is_a_midpoint(world: World) -> None:
    world.hold(listing(), book(SEALED))

    below = world.execute(order(20.0, limit=0.29))

    assert sizes(below) == []
    assert below.reason == ("no_depth",)


def test_a_sale_walks_the_bids(world: World) -> None:
    """80 at 0.28 and 20 at 0.25 bring 27.40 USD."""
    world.hold(listing(), book(SEALED))

    reports = world.execute(order(-100.0, limit=0.25), account(held=100.0))

    assert sizes(reports) == [100.0]
    assert reports.notional_micro.tolist() == [27_400_000]


def test_recorded_depth_is_not_filled_twice(world: World) -> None:
    world.hold(listing(), book(SEALED))
    mine = {(0, token(), 1): (Level(300_000, 100 * MICRO, 90 * MICRO),)}
    others = {(1, token(), 1): (Level(300_000, 100 * MICRO, 90 * MICRO),)}
    changed = {(0, token(), 1): (Level(300_000, 99 * MICRO, 90 * MICRO),)}

    assert sizes(world.execute(order(100.0, limit=0.30), account(taken=mine))) == [10.0]
    assert sizes(world.execute(order(100.0, limit=0.30), account(taken=others, n_runs=2))) == [100.0]
    assert sizes(world.execute(order(100.0, limit=0.30), account(taken=changed))) == [100.0]


def test_two_orders_of_one_call_share_the_book(world: World) -> None:
    world.hold(listing(), book(SEALED))
    waiting = order(60.0, limit=0.30, name="o-b")

    reports = world.execute(order(60.0, limit=0.30), account(waiting))

    assert reports.order_id == ("o-a", "o-b", "o-b")
    assert sizes(reports) == [60.0, 40.0]


def test_an_order_that_is_given_and_working_is_answered_once(world: World) -> None:
    world.hold(listing(), book(SEALED))
    working = order(20.0)

    reports = world.execute(working, account(working))

    assert reports.order_id == ("o-a",)


def test_a_book_older_than_a_minute_fills_nothing(world: World) -> None:
    young, old = AT - timedelta(seconds=60), AT - timedelta(seconds=61)

    world.hold(listing(), book(old))
    before = world.execute(order())
    world.hold(book(young))

    assert statuses(before) == ["EXPIRED"]
    assert before.reason == ("book_missing",)
    assert sizes(world.execute(order())) == [20.0]


def test_a_book_that_came_later_is_not_seen(world: World) -> None:
    world.hold(listing(), book(SEALED), book(AT + timedelta(seconds=1), [(0.01, 1_000.0)]))

    reports = world.execute(order())

    assert reports.notional_micro.tolist() == [6 * MICRO]


@pytest.mark.parametrize(("size", "limit", "reason"), [(4.99, 0.33, "minimum_size"), (20.0, 0.335, "off_tick")])
def test_the_venue_rejects_what_its_rules_forbid(world: World, size: float, limit: float, reason: str) -> None:
    world.hold(listing(), book(SEALED))

    reports = world.execute(order(size, limit))

    assert statuses(reports) == ["REJECTED"]
    assert reports.reason == (reason,)


def test_dust_in_the_book_leaves_no_dust_in_the_account(world: World) -> None:
    world.hold(listing(), book(SEALED, [(0.30, 10.123456), (0.31, 5.0)]))

    reports = world.execute(order(20.0, limit=0.31))

    assert sizes(reports) == [15.12]
    assert reports.notional_micro.tolist()[:1] == [-(-(300_000 * 10_123_456 + 310_000 * 4_996_544) // MICRO)]


def test_an_event_without_a_listing_fills_nothing(world: World) -> None:
    reports = world.hold(book(SEALED)).execute(order())

    assert reports.reason == ("not_listed",)


def test_the_reports_can_be_booked(world: World) -> None:
    world.hold(listing(), book(SEALED))
    cycle = Cycle("weather", AT - timedelta(seconds=3), 1, Cause.SCHEDULE, (), SEALED, AT)
    start = new_account("weather", "test", 10_000 * MICRO)
    intended = apply(cycle, start, Intention((), order(200.0), (instrument(),)))

    booked = apply(cycle, intended, Execution(world.execute(intended.working, intended), micros(AT)))

    assert len(booked.working) == 0
    assert booked.held_micro.tolist() == [[150 * MICRO]]
    assert booked.taken[(0, token(), 1)][0] == Level(300_000, 100 * MICRO, 100 * MICRO)


# Prints only: SCIENCE 5.3

LATER = AT + timedelta(minutes=10)
HEARD = AT + timedelta(minutes=15)


def waiting(size: float = 20.0, **changed: object) -> Account:
    return account(order(size, 0.33, 0.31, status=Status.WORKING, **changed))  # type: ignore[arg-type]


def test_where_only_prints_exist_an_order_waits_for_the_next_look(world: World) -> None:
    world.hold(listing(), prints(SEALED, (SEALED, 0.30, 500.0, "yes")))

    first = world.execute(order())
    again = world.execute(no_orders(), waiting(), AT)

    assert statuses(first) == ["WORKING"]
    assert statuses(again) == ["WORKING"]  # a restart in the same cycle is not a later look


@pytest.mark.parametrize(
    ("trade", "filled"),
    [
        ((LATER, 0.31, 150.0, "yes"), [15.0]),  # a tenth of it
        ((LATER, 0.33, 150.0, "yes"), [15.0]),  # worse, and within the limit
        ((LATER, 0.30, 150.0, "yes"), []),  # better than our reference price: never
        ((LATER, 0.34, 150.0, "yes"), []),  # beyond the limit: the edge is gone
        ((LATER, 0.31, 150.0, "no"), []),  # the other side
        ((AT, 0.31, 150.0, "yes"), []),  # not later
        ((SEALED, 0.31, 150.0, "yes"), []),
        ((LATER, 0.31, 999.0, "yes"), [20.0]),
    ],
)
def test_only_a_later_print_on_our_side_at_our_price_or_worse_fills(world: World, trade: Trade, filled: list[float]) -> None:
    world.hold(listing(), prints(HEARD, trade))

    reports = world.execute(no_orders(), waiting(), HEARD)

    assert sizes(reports) == filled
    assert statuses(reports)[-1] == ("FILLED" if filled == [20.0] else "EXPIRED")
    if filled:
        assert reports.at[0] == micros(LATER)
        assert reports.notional_micro[0] == round(trade[1] * MICRO) * round(filled[0])


def test_a_print_that_was_received_later_fills_nothing(world: World) -> None:
    world.hold(
        listing(), prints(SEALED, (SEALED, 0.30, 9.0, "yes")), prints(HEARD + timedelta(seconds=1), (LATER, 0.31, 500.0, "yes"))
    )

    reports = world.execute(no_orders(), waiting(), HEARD)

    assert reports.reason == ("no_print",)


def test_overlapping_answers_count_a_trade_once(world: World) -> None:
    one, two = (LATER, 0.31, 50.0, "yes"), (LATER + timedelta(minutes=1), 0.32, 60.0, "yes")
    world.hold(listing(), prints(LATER, one), prints(HEARD, one, two))

    reports = world.execute(no_orders(), waiting(), HEARD)

    assert sizes(reports) == [5.0, 6.0]
    assert reports.execution_id == ("x-a-0", "x-a-1", "")
    assert reports.reason[-1] == "part_print"


def test_buying_no_follows_takers_of_no(world: World) -> None:
    """YES at 0.69 taken by a buyer of NO is NO at 0.31."""
    world.hold(listing(), prints(HEARD, (LATER, 0.69, 100.0, "no"), (LATER, 0.31, 100.0, "yes")))

    reports = world.execute(no_orders(), waiting(side=Side.NO), HEARD)

    assert sizes(reports) == [10.0]


def test_selling_yes_follows_takers_of_no_at_our_price_or_lower(world: World) -> None:
    world.hold(listing(), prints(HEARD, (LATER, 0.28, 100.0, "no"), (LATER, 0.30, 100.0, "no"), (LATER, 0.28, 100.0, "yes")))
    selling = account(order(-20.0, 0.27, 0.29, status=Status.WORKING), held=20.0)

    reports = world.execute(no_orders(), selling, HEARD)

    assert sizes(reports) == [10.0]


# Live: collect, then answer as a replay would


@dataclass
class Venue:
    """A source that answers with a book of the present instant."""

    clock: SteppedClock
    asks: list[tuple[float, float]] = field(default_factory=lambda: [(0.31, 100.0)])
    asked: list[Ask] = field(default_factory=list)
    delay: timedelta = timedelta(seconds=1)
    name: str = "polymarket"
    gives: frozenset[Kind] = frozenset({Kind.BOOKS})

    def fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        self.asked += asks
        self.clock.wait_until(self.clock.now() + self.delay)
        yield book(self.clock.now(), self.asks)


Live = Callable[[datetime], tuple[LivePaperBroker, Venue, SteppedClock]]


@pytest.fixture
def live(world: World) -> Live:
    def build(now: datetime) -> tuple[LivePaperBroker, Venue, SteppedClock]:
        clock = SteppedClock(now)
        venue = Venue(clock)
        return LivePaperBroker(world.paper, {"polymarket": venue}, world.snapshots, clock), venue, clock

    return build


def test_live_collects_the_books_at_the_moment_of_the_order(world: World, live: Live) -> None:
    world.hold(listing(), book(SEALED))
    broker, venue, clock = live(SEALED)

    reports, heard_at = broker.execute(order(), account(), world.archive, AT)

    assert clock.now() >= AT
    assert venue.asked == [Ask(Kind.BOOKS, EVENT, tokens=(token(), token(Side.NO)))]
    assert heard_at == AT + timedelta(seconds=1)
    assert reports.notional_micro.tolist() == [6_200_000]


def same(first: Reports, second: Reports) -> bool:
    return all(
        np.array_equal(getattr(first, name), getattr(second, name)) for name in ("status", "at", "size_micro", "fee_micro")
    ) and (first.execution_id == second.execution_id and first.levels == second.levels and first.reason == second.reason)


def test_a_replay_at_the_recorded_instant_gives_the_same_fills(world: World, live: Live) -> None:
    world.hold(listing(), book(SEALED))
    reports, heard_at = live(SEALED)[0].execute(order(), account(), world.archive, AT)
    world.hold(book(AT + timedelta(minutes=15), [(0.05, 100.0)]))

    assert same(world.execute(order(), at=heard_at), reports)


@pytest.mark.parametrize("downtime", [timedelta(seconds=2), timedelta(hours=3)])
def test_killed_after_the_collection_the_fills_are_the_same(world: World, live: Live, downtime: timedelta) -> None:
    world.hold(listing(), book(SEALED))
    reports, heard_at = live(SEALED)[0].execute(order(), account(), world.archive, AT)
    back, venue, _ = live(AT + downtime)

    again, heard_again = back.execute(order(), account(), world.archive, AT)

    assert venue.asked == []
    assert heard_again == heard_at
    assert same(reports, again)


def test_killed_before_the_collection_the_orders_expire(world: World, live: Live) -> None:
    world.hold(listing(), book(SEALED))
    back, venue, clock = live(AT + GRACE + timedelta(seconds=1))

    reports, heard_at = back.execute(order(), account(), world.archive, AT)

    assert venue.asked == []
    assert heard_at == clock.now()
    assert statuses(reports) == ["EXPIRED"]
    assert reports.reason == ("book_late",)
    assert same(world.execute(order(), at=heard_at), reports)


def test_hearing_of_waiting_orders_collects_nothing(world: World, live: Live) -> None:
    world.hold(listing(), prints(HEARD, (LATER, 0.31, 150.0, "yes")))
    broker, venue, _ = live(HEARD)

    reports, heard_at = broker.execute(no_orders(), waiting(), world.archive, HEARD)

    assert venue.asked == []
    assert heard_at == HEARD
    assert sizes(reports) == [15.0]


def test_a_venue_that_does_not_answer_leaves_the_book_of_the_look(world: World, live: Live) -> None:
    """The failure is recorded; the book of two seconds before is young enough, live and in a replay."""
    world.hold(listing(), book(SEALED))
    broker, venue, clock = live(SEALED)
    venue.fetch = lambda asks: iter(  # type: ignore[method-assign]
        [Record("polymarket", Kind.BOOKS, EVENT, clock.now(), None, b"", {}, {}, error="timed out")]
    )

    reports, heard_at = broker.execute(order(), account(), world.archive, AT)

    assert heard_at == AT
    assert reports.notional_micro.tolist() == [6 * MICRO]
