"""Random books and orders that take, and what our broker makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np

from agents.paper import PaperBroker
from core.model.account import new_account
from core.model.event import Instrument, Side
from core.model.orders import Orders, Role, Status
from core.model.record import Kind, Record
from core.model.rule import Extreme
from core.units import MICRO, Unit, decimal_of, micro, micros
from tests.agents.paper.builders import settings, text, world_in

AT = datetime(2026, 11, 12, 17, 0, 3, tzinfo=UTC)
TOGETHER = 250  # questions in one look
VENUES = {
    "polymarket": ("0.05", "half_up_5", ("0.01", "0.001")),
    "kalshi": ("0.07", "up_cent", ("0.01",)),
}
Levels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A book and one order, numbers as text."""

    venue: str
    tick: str
    bids: Levels
    asks: Levels
    buys: bool
    size: str
    limit: str

    @property
    def wire(self) -> dict[str, object]:
        """Return it as the other engine reads it."""
        rate, rounding, _ = VENUES[self.venue]
        return {
            "tick": self.tick, "bids": self.bids, "asks": self.asks, "buys": self.buys, "size": self.size,
            "limit": self.limit, "rate": rate, "rounding": rounding,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What was filled, level by level, and its fee."""

    fills: tuple[tuple[Decimal, Decimal], ...]
    fee: Decimal


def questions(n: int, seed: int) -> Iterator[Question]:
    """Yield random questions: deep, thin and one-sided books, prices near both ends, orders that reach and that do not."""
    random = np.random.default_rng(seed)
    for _ in range(n):
        venue = "kalshi" if random.random() < 0.3 else "polymarket"
        yield _question(random, venue, str(random.choice(VENUES[venue][2])))


def _question(random: np.random.Generator, venue: str, tick: str) -> Question:
    n_ticks = int(1 / Decimal(tick))
    middle = int(random.integers(2, n_ticks - 1))
    bids, asks = (_levels(random, venue, Decimal(tick), middle, sign, n_ticks) for sign in (-1, 1))
    buys = bool(random.random() < 0.6)
    reach = int(random.integers(-2, 12))
    ticks = int(np.clip(middle + (reach if buys else -reach), 1, n_ticks - 1))
    limit = ticks * Decimal(tick)
    whole = venue == "kalshi"
    size = Decimal(int(random.lognormal(3.5, 1.2)) + 5) if whole else Decimal(int(100 * random.lognormal(3.5, 1.2)) + 500) / 100
    if not whole and buys and size * limit < 1:
        size = (1 / limit).quantize(Decimal("0.01")) + 5
    return Question(venue, tick, bids, asks, buys, str(size), str(limit))


def _levels(random: np.random.Generator, venue: str, tick: Decimal, middle: int, sign: int, n_ticks: int) -> Levels:
    """Return a side, best first; one in ten is empty."""
    n = 0 if random.random() < 0.1 else int(random.integers(1, 9))
    at, levels = middle + (0 if sign < 0 else 1), []
    for _ in range(n):
        if not 1 <= at <= n_ticks - 1:
            break
        size = int(random.lognormal(3.0, 1.5)) + 1 if venue == "kalshi" else (int(100 * random.lognormal(3.0, 1.5)) + 1) / 100
        levels.append((str(at * tick), str(size)))
        at += sign * int(random.integers(1, 4))
    return tuple(levels)


def ours(asked: Sequence[Question], folder: Path) -> Iterator[Answer]:
    """Yield what our broker fills: each book is recorded, each order is sent."""
    for start in range(0, len(asked), TOGETHER):
        part = asked[start : start + TOGETHER]
        with world_in(folder / str(start)) as world:
            world.hold(*_records(part))
            instruments = tuple(_instrument(i, each) for i, each in enumerate(part))
            held = np.array([[0 if each.buys else micro(each.size) for each in part]], np.int64)
            account = replace(
                new_account("weather", "test", 10**15), instruments=instruments, held_micro=held, cost_micro=held // 4,
                claim_micro=held // 4,
            )  # fmt: skip
            reports, _ = PaperBroker(settings()).execute(_orders(part), account, world.archive, AT)
        found = {order_id: Answer((), Decimal(0)) for order_id in (f"o-{i}" for i in range(len(part)))}
        for i, order_id in enumerate(reports.order_id):
            assert Status(int(reports.status[i])) is not Status.REJECTED, (reports.reason[i], part[int(order_id[2:])])
            if reports.execution_id[i]:
                fills = tuple((decimal_of(each.price_micro), decimal_of(each.taken_micro)) for each in reports.levels[i])
                found[order_id] = Answer(fills, decimal_of(int(reports.fee_micro[i])))
        yield from found.values()


def _records(part: Sequence[Question]) -> list[Record]:
    records = []
    for i, each in enumerate(part):
        rate, rounding, _ = VENUES[each.venue]
        terms = {"tick_micro": micro(each.tick), "min_size_micro": MICRO if each.venue == "kalshi" else 5 * MICRO}
        facts = {
            "venue": each.venue, "event_id": f"e{i}", **terms,
            "fees": {"rate": float(rate), "exponent": 1.0, "rounding": rounding},
        }  # fmt: skip
        rows = {
            "market_id": text("m"), "yes": text(f"t{i}"), "no": text(f"n{i}"), "label": text("x"), "lower": np.array([1]),
            "upper": np.array([1]), "accepting": np.array([True]),
        }  # fmt: skip
        records.append(Record(each.venue, Kind.EVENTS, f"e{i}", AT - timedelta(hours=1), None, f"l{i}".encode(), rows, facts))
        levels = [("bid", *level) for level in each.bids] + [("ask", *level) for level in each.asks]
        shown = {
            "token": text(*[f"t{i}"] * len(levels)), "side": text(*(side for side, _, _ in levels)),
            "price_micro": np.array([micro(price) for _, price, _ in levels], np.int64),
            "size_micro": np.array([micro(size) for _, _, size in levels], np.int64),
        }  # fmt: skip
        tokens = {"tokens": {f"t{i}": terms}}
        records.append(
            Record(each.venue, Kind.BOOKS, f"e{i}", AT - timedelta(seconds=1), None, f"b{i}".encode(), shown, tokens)
        )
    return records


def _instrument(i: int, each: Question) -> Instrument:
    return Instrument(
        token=f"t{i}", venue=each.venue, event_id=f"e{i}", station="EGLC", city="London", event_day=date(2026, 11, 13),
        extreme=Extreme.HIGH, bracket=0, label="x", lower=1, upper=1, unit=Unit.CELSIUS, side=Side.YES, market_id="m",
        settlement_source="wunderground", region="england",
    )  # fmt: skip


def _orders(part: Sequence[Question]) -> Orders:
    n = len(part)
    nothing = np.zeros(n, np.int64)
    signed = np.array([micro(each.size) * (1 if each.buys else -1) for each in part], np.int64)
    limit = np.array([micro(each.limit) for each in part], np.int64)
    return Orders(
        order_id=tuple(f"o-{i}" for i in range(n)), decision_id=tuple(f"d-{i}" for i in range(n)), run=nothing,
        token=tuple(f"t{i}" for i in range(n)), role=np.where(signed > 0, Role.ENTRY, Role.EXIT).astype(np.int64),
        parent=nothing - 1, size_micro=signed, limit_micro=limit, reference_micro=limit, fair_micro=limit,
        status=np.full(n, Status.SUBMITTING, np.int64), filled_micro=nothing, placed_at=np.full(n, micros(AT), np.int64),
        good_until=nothing, cancel_at=nothing,
    )  # fmt: skip
