"""What was sent and what came back: the order's life, its fills, what they cost, and where the result came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import orjson

from core.model.orders import Role, Status
from core.services.explain_belief import Belief
from core.services.inputs import Book
from core.services.journal_rows import Row
from core.services.trade_rows import Told, order_type
from core.services.values import price_of, usd
from core.units import MICRO, instant

FILLED, PART = "filled", "partially filled"


@dataclass(frozen=True, slots=True)
class Sent:
    order_id: str
    role: str  # "entry", "exit", ...
    status: str
    limit_price: Decimal  # the worst that it accepted
    reference_price: Decimal  # the average that the decision saw, fees apart
    placed_at: datetime
    reason: str  # why less than all was filled
    kind: str = ""  # immediate or resting
    fair: Decimal | None = None  # value of a share that it was sent at
    good_until: datetime | None = None  # None: at once or never
    cancel_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One state of an order and when it came; `note` says what brought it."""

    state: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    price: Decimal
    shown: Decimal
    taken: Decimal


@dataclass(frozen=True, slots=True)
class Execution:
    trade_id: str
    at: datetime
    shares: Decimal
    price: Decimal
    fee_usd: Decimal
    levels: tuple[Taken, ...]
    this: bool  # the one that is explained


@dataclass(frozen=True, slots=True)
class Costs:
    """What getting in (or out) cost [USD per share], above 0 is against us; None: there was no book to tell."""

    mid: float | None  # of the token's book at the decision
    decision_price: float | None  # average that the decision saw for its size
    fill_price: float
    half_spread: float | None  # best price less mid
    walk: float | None  # the decision's average less the best price
    latency: float | None  # fill price less the decision's average
    fee: float
    total: float | None  # the four together
    total_usd: float | None


@dataclass(frozen=True, slots=True)
class Attribution:
    """Where the net result came from [USD]; the parts add up to `net`. None: not decided, or not known.

    `edge` is fair value against the mid for the shares that the result is about, `spread`, `latency` and `fee` are what it
    cost to trade them, `luck` what they paid (or were worth when they were sold) over fair value.
    """

    edge: float | None
    spread: float | None
    latency: float | None
    fee: float
    luck: float | None
    net: float | None


def sent_of(row: Row) -> Sent | None:
    """Return the order behind a trade."""
    if not row:
        return None
    role, status = Role(row["role"]).name.lower(), said(row["status"])
    limit, reference, placed = usd(row["limit_micro"]), usd(row["reference_micro"]), instant(row["placed_at"])
    good, cancel = row.get("good_until"), row.get("cancel_at")
    return Sent(
        row["order_id"], role, status, limit, reference, placed, row["reason"] or "", order_type(row),
        usd(row["fair_micro"]) if row.get("fair_micro") else None, instant(good) if good else None,
        instant(cancel) if cancel else None,
    )  # fmt: skip


def said(status: int) -> str:
    """Return a status in words."""
    return Status(status).name.lower().replace("_", " ")


def life_of(row: Row, fills: Sequence[Execution]) -> tuple[Step, ...]:
    """Return the states of an order in the order in which they came, as far as the journal dates them."""
    if not row:
        return ()
    steps = sorted(_steps(row, fills), key=lambda step: step.at)
    final, last = said(row["status"]), max((step.at for step in steps), default=None)
    if final not in {step.state for step in steps} and final not in (PART, "submitting"):
        ended = _ended_at(row) or last
        steps += [Step(final, max(ended, last) if last else ended, row["reason"] or "")] if ended else []
    return tuple(steps)


def _steps(row: Row, fills: Sequence[Execution]) -> Iterator[Step]:
    placed, sealed = instant(row["placed_at"]), row.get("sealed_at")
    if sealed is not None:
        yield Step("intended", instant(sealed), "durable before anything is sent")
    yield Step("submitted", placed, order_type(row))
    if row.get("good_until"):
        yield Step("working", placed, "rests in the book")
    left = abs(row["size_micro"])
    for fill in fills:
        left -= int(fill.shares * MICRO)
        yield Step(PART if left > 0 else FILLED, fill.at, f"{fill.shares.normalize():f} shares")
    if row.get("cancel_at"):
        yield Step("cancel asked", instant(row["cancel_at"]), "what is filled before it counts")


def _ended_at(row: Row) -> datetime | None:
    for name in ("cancel_at", "good_until", "heard_at"):
        if row.get(name) and (name != "good_until" or row["status"] == Status.EXPIRED):
            return instant(row[name])
    return None


def executions_of(rows: Sequence[Row], trade_id: str) -> Iterator[Execution]:
    """Yield the fills of an order with the levels that they took."""
    for row in rows:
        size = abs(row["size_micro"])
        levels = (Taken(*(usd(part) for part in level)) for level in orjson.loads(row["levels"] or "[]"))
        yield Execution(
            row["execution_id"], instant(row["at"]), usd(size), price_of(row["notional_micro"], size),
            usd(row["fee_micro"]), tuple(levels), row["execution_id"] == trade_id,
        )  # fmt: skip


def costs_of(row: Row, book: Book | None) -> Costs:
    """Return what one execution cost against the mid of the book that its decision saw."""
    size, buys = abs(row["size_micro"]) / MICRO, row["size_micro"] > 0
    sign = 1.0 if buys else -1.0
    paid, fee = row["notional_micro"] / abs(row["size_micro"]), row["fee_micro"] / abs(row["size_micro"])
    reference = row["reference_micro"] / MICRO if row.get("reference_micro") else None
    mid = _mid(book)
    side = (book.asks if buys else book.bids) if book else ()
    best = float(side[0].price) if side else None
    half = None if mid is None or best is None else sign * (best - mid)
    walk = None if best is None or reference is None else sign * (reference - best)
    latency = None if reference is None else sign * (paid - reference)
    total = None if half is None or walk is None or latency is None else half + walk + latency + fee
    return Costs(
        mid=mid, decision_price=reference, fill_price=round(paid, 9), half_spread=_round(half), walk=_round(walk),
        latency=_round(latency), fee=round(fee, 9), total=_round(total),
        total_usd=None if total is None else round(total * size, 6),
    )  # fmt: skip


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 9)


def _mid(book: Book | None) -> float | None:
    if book is None or not book.bids or not book.asks:
        return None
    return float(book.bids[0].price + book.asks[0].price) / 2


def attribution_of(told: Told, belief: Belief | None, costs: Costs) -> Attribution:
    """Return where the net result of a trade came from."""
    result, buys, fee = told.result, told.row["size_micro"] > 0, -told.row["fee_micro"] / MICRO
    fair, seen = belief.fair if belief else None, costs.decision_price
    gross = None if result.gross_micro is None else result.gross_micro / MICRO
    net = None if gross is None else gross + fee
    if fair is None or seen is None:
        return Attribution(None, None, None, fee, None, net)
    shares, sign, mid = result.shares_micro / MICRO, 1.0 if buys else -1.0, costs.mid if costs.mid is not None else seen
    edge, spread = shares * sign * (fair - mid), -shares * sign * (seen - mid)
    latency = -shares * sign * (costs.fill_price - seen)
    luck = None if gross is None else gross - (edge + spread + latency)
    return Attribution(edge=_round(edge), spread=_round(spread), latency=_round(latency), fee=fee, luck=_round(luck), net=net)
