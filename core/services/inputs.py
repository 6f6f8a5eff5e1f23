"""What was known at an instant: the newest record of each source about an event, its book, and the venue's terms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from core.model.event import FeeRounding, Fees
from core.model.record import Kind
from core.prices import fee_micro, fee_per_share
from core.services.shelves import Shelves
from core.services.values import usd
from core.store.archive import Archive, Stack, View
from core.store.origin import Origin, origin_of
from core.units import MISSING, Columns, instant, micro

# Kind → how far back the newest record is looked for, the near first: most looks end there.
LOOKED_BACK: Mapping[Kind, tuple[timedelta, ...]] = {
    Kind.FORECAST: (timedelta(hours=2), timedelta(hours=36)),
    Kind.ENSEMBLE: (timedelta(hours=2), timedelta(hours=36)),
    Kind.METAR: (timedelta(hours=2), timedelta(hours=36)),
    Kind.CLIMATE: (timedelta(hours=36),),
    Kind.EVENTS: (timedelta(hours=2), timedelta(days=10)),
    Kind.BOOKS: (timedelta(hours=1), timedelta(hours=12)),
    Kind.PRINTS: (timedelta(hours=1), timedelta(hours=12)),
}
OF_EVENT = frozenset({Kind.EVENTS, Kind.BOOKS, Kind.PRINTS})  # the others are about a station
MOST_LEVELS = 8
ROUNDINGS: Mapping[FeeRounding, str] = {
    FeeRounding.HALF_UP_5: "to 0.00001 $, halves up",
    FeeRounding.UP_CENT: "up to the next cent",
}


@dataclass(frozen=True, slots=True)
class Vintage:
    """One record that the decision knew; ages are at that moment."""

    kind: str
    source: str
    subject: str
    issued_at: datetime | None
    received_at: datetime
    first_at: datetime  # when this very content was first received
    age_seconds: float  # since it was received
    content_age_seconds: float  # since this content was first received
    what: str
    quarantined: tuple[str, ...]
    path: str = ""  # of its file, in the data folder; "" where it is gone
    sha256: str = ""  # of the bytes that the source sent


@dataclass(frozen=True, slots=True)
class Offer:
    price: Decimal
    shares: Decimal


@dataclass(frozen=True, slots=True)
class Book:
    """One token's book, best first; at most `MOST_LEVELS` a side."""

    received_at: datetime
    age_seconds: float
    bids: tuple[Offer, ...]
    asks: tuple[Offer, ...]
    n_levels: int


@dataclass(frozen=True, slots=True)
class FeeLine:
    price: Decimal
    shares: Decimal
    fee_usd: float  # before rounding


@dataclass(frozen=True, slots=True)
class Terms:
    """The venue's fee of one execution, with its numbers."""

    formula: str
    rate: float
    exponent: float
    rounding: str
    lines: tuple[FeeLine, ...]
    fee_usd: Decimal  # by the formula
    booked_usd: Decimal
    tick: Decimal
    minimum_shares: Decimal


def inputs_at(shelves: Shelves, event_id: str, station: str, at: datetime) -> tuple[Vintage, ...]:
    """Return the newest record of each kind and source received by an instant, and where it lies."""
    archive = shelves.archive()
    if archive is None:
        return ()
    view, catalogue = archive.as_of([at]), shelves.catalogue()

    def origin(stack: Stack, index: int) -> Origin | None:
        return origin_of(view, catalogue, shelves.data_dir, stack, index)

    found = [
        vintage
        for kind in LOOKED_BACK
        for vintage in _vintages(_newest(view, kind, event_id if kind in OF_EVENT else station, at), at, origin)
    ]
    return tuple(found)


def _newest(view: View, kind: Kind, subject: str, at: datetime) -> Stack | None:
    for span in LOOKED_BACK[kind]:
        stack = view.span(kind, subject, at - span, at)
        if len(stack):
            return stack
    return None


def _vintages(
    stack: Stack | None, at: datetime, origin: Callable[[Stack, int], Origin | None]
) -> Iterator[Vintage]:  # fmt: skip
    if stack is None:
        return
    for source, index in sorted({name: place for place, name in enumerate(stack.source)}.items()):
        received, first = instant(int(stack.received_at[index])), instant(int(stack.first_at[index]))
        issued = int(stack.issued_at[index])
        facts, lies = stack.facts[index], origin(stack, index)
        yield Vintage(
            str(stack.kind), source, stack.subject, instant(issued) if issued > 0 else None, received, first,
            (at - received).total_seconds(), (at - first).total_seconds(), _what(stack.kind, stack.rows(index), facts),
            tuple(map(str, facts.get("quarantined", ()))), lies.path if lies else "", lies.sha256 if lies else "",
        )  # fmt: skip


def _what(kind: Kind, rows: Columns, facts: Mapping[str, object]) -> str:
    """Return a record in a few words."""
    if kind in (Kind.FORECAST, Kind.ENSEMBLE):
        return f"{', '.join(sorted(set(rows['model'].tolist())))}: {len(rows['valid_at'])} values"
    if kind is Kind.METAR:
        known = np.flatnonzero(rows["tenths"] != MISSING)
        newest = known[np.argmax(rows["valid_at"][known])] if len(known) else -1
        return f"{len(rows['valid_at'])} reports, newest: {rows['raw'][newest]}" if newest >= 0 else "no temperature"
    if kind is Kind.EVENTS:
        return f"rule {str(facts.get('sha256', ''))[:6]}, {len(rows['label'])} brackets"
    if kind is Kind.BOOKS:
        return f"{len(rows['token'])} levels of {len(set(rows['token'].tolist()))} tokens"
    return f"{len(next(iter(rows.values()), ()))} rows"


def book_at(archive: Archive | None, event_id: str, token: str, at: datetime) -> Book | None:
    """Return the newest book of a token received by an instant, None where there is none."""
    stack = _newest(archive.as_of([at]), Kind.BOOKS, event_id, at) if archive else None
    if stack is None:
        return None
    rows, received = stack.rows(len(stack) - 1), instant(int(stack.received_at[-1]))
    mine = np.asarray(rows["token"] == token, bool)
    bids, asks = (_offers(rows, mine & np.asarray(rows["side"] == side, bool)) for side in ("bid", "ask"))
    n_levels = len(bids) + len(asks)
    return Book(received, (at - received).total_seconds(), bids[:MOST_LEVELS], asks[:MOST_LEVELS], n_levels)


def _offers(rows: Columns, which: np.ndarray) -> tuple[Offer, ...]:
    prices, sizes = rows["price_micro"][which].tolist(), rows["size_micro"][which].tolist()
    return tuple(Offer(usd(price), usd(size)) for price, size in zip(prices, sizes, strict=True))


def terms_of(
    archive: Archive | None, event_id: str, at: datetime, levels: Sequence[tuple[Decimal, Decimal]], booked: Decimal
) -> Terms | None:
    """Return the fee of an execution as the venue's listing of that moment asks for it."""
    stack = _newest(archive.as_of([at]), Kind.EVENTS, event_id, at) if archive else None
    if stack is None:
        return None
    facts = stack.facts[-1]
    told = facts["fees"]
    fees = Fees(told["rate"], told["exponent"], FeeRounding(told["rounding"]))
    price, size = (np.array([micro(level[part]) for level in levels], np.int64) for part in (0, 1))
    lines = (FeeLine(p, s, float(fee_per_share(np.array(float(p)), fees)) * float(s)) for p, s in levels)
    power = "" if fees.exponent == 1.0 else f" ^ {fees.exponent:g}"
    return Terms(
        f"Σ shares × {fees.rate:g} × (price × (1 − price)){power}, rounded once {ROUNDINGS[fees.rounding]}", fees.rate,
        fees.exponent, ROUNDINGS[fees.rounding], tuple(lines), usd(fee_micro(price, size, fees)), booked,
        usd(facts["tick_micro"]), usd(facts["min_size_micro"]),
    )  # fmt: skip
