"""Books, prints, orders and accounts of one bracket, for tests of the paper broker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from agents.paper import PaperBroker
from core.model.account import Account, new_account
from core.model.cycle import Cause, Cycle
from core.model.event import Instrument, Side
from core.model.orders import Orders, Reports, Role, Status, no_orders
from core.model.record import Kind, Record
from core.model.rule import Extreme
from core.settings import Settings
from core.store.archive import Archive
from core.store.snapshots import SnapshotStore
from core.units import MICRO, Unit, micros

AT = datetime(2026, 11, 12, 17, 0, 3, tzinfo=UTC)
SEALED = AT - timedelta(seconds=2)
LATER, HEARD = AT + timedelta(minutes=10), AT + timedelta(minutes=15)
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


def book(
    at: datetime, asks: Sequence[tuple[float, float]] = ASKS, bids: Sequence[tuple[float, float]] = BIDS,
    **terms: object,
) -> Record:  # fmt: skip
    levels = [("ask", *level) for level in asks] + [("bid", *level) for level in bids]
    rows = {
        "token": text(*[token()] * len(levels)), "side": text(*(side for side, _, _ in levels)),
        "price_micro": np.array([round(price * MICRO) for _, price, _ in levels], np.int64),
        "size_micro": np.array([round(size * MICRO) for _, _, size in levels], np.int64),
    }  # fmt: skip
    known = {"tick_micro": 10_000, "min_size_micro": 5 * MICRO, "changed_at": 0, "hash": "", **terms}
    return Record(
        "polymarket", Kind.BOOKS, EVENT, at, None, f"{asks} {bids} {terms}".encode(), rows, {"tokens": {token(): known}}
    )


def failure(at: datetime) -> Record:
    return Record("polymarket", Kind.BOOKS, EVENT, at, None, b"", {}, {}, error="timed out")


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
    status: Status = Status.SUBMITTING, name: str = "o-a", placed: datetime = AT, until: datetime | None = None,
    cancel: datetime | None = None, filled: float = 0.0,
) -> Orders:  # fmt: skip
    def one(value: int) -> np.ndarray:
        return np.array([value], np.int64)

    return Orders(
        order_id=(name,), decision_id=(f"d{name[1:]}",), run=one(run), token=(token(side),),
        role=one(Role.ENTRY if size > 0 else Role.EXIT), parent=one(-1), size_micro=one(round(size * MICRO)),
        limit_micro=one(round(limit * MICRO)), reference_micro=one(round(reference * MICRO)), fair_micro=one(0),
        status=one(status), filled_micro=one(round(filled * MICRO)), placed_at=one(micros(placed)),
        good_until=one(micros(until) if until else 0), cancel_at=one(micros(cancel) if cancel else 0),
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
    paper: PaperBroker = field(default_factory=lambda: PaperBroker(settings()))

    def hold(self, *records: Record) -> World:
        self.snapshots.publish(records)
        return self

    def execute(self, orders: Orders, holder: Account | None = None, at: datetime = AT) -> Reports:
        reports, heard_at = self.paper.execute(orders, holder or account(), self.archive, at)
        assert heard_at == at
        return reports


@contextmanager
def world_in(folder: Path) -> Iterator[World]:
    snapshots = SnapshotStore(folder)
    yield World(folder, snapshots, Archive(folder, snapshots))
    snapshots.close()


def settings(**weather: object) -> Settings:
    """Return the defaults, whatever the environment says, with some settings of the desk changed."""
    defaults = {name: info.get_default(call_default_factory=True) for name, info in Settings.model_fields.items()}
    built = Settings.model_construct(**defaults)
    return built.model_copy(update={"weather": built.weather.model_copy(update=weather)}) if weather else built


def sizes(reports: Reports) -> list[float]:
    return [int(size) / MICRO for size in reports.size_micro if size]


def statuses(reports: Reports) -> list[str]:
    return [Status(int(status)).name for status in reports.status]


def waiting(size: float = 20.0, **changed: object) -> Account:
    return account(order(size, 0.33, 0.31, status=Status.WORKING, **changed))  # type: ignore[arg-type]


def cycle(fill_at: datetime) -> Cycle:
    """Return a look whose orders meet the book of `fill_at`."""
    sealed_at = fill_at - timedelta(seconds=2)
    return Cycle("weather", sealed_at - timedelta(seconds=1), 1, Cause.SCHEDULE, (), sealed_at, fill_at)
