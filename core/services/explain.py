"""One trade from its inputs to its settlement: what was known, believed, allowed, done, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import orjson

from core.model.orders import Role, Status
from core.services.inputs import Book, Terms, Vintage, book_at, inputs_at, terms_of
from core.services.journal_rows import Row
from core.services.shelves import Shelves
from core.services.trades import Trade, TradeService
from core.services.values import number, rows_of, usd, whole
from core.services.weather import RuleLine, WeatherService
from core.units import MICRO, instant

SOURCE = "journal: decision, order, fills, settlements; evaluations; archive: inputs and books"
MOST_MARKS = 200


@dataclass(frozen=True, slots=True)
class Meaning:
    """A check in plain words."""

    stage: str
    sentence: str
    formula: str


# In what a check or a measure counts; what is not here is a plain number. R: the desk's unit of risk.
UNITS: Mapping[str, str] = {
    **dict.fromkeys(
        ("bracket", "city_day", "region_day", "desk_day", "open_risk", "source", "day_loss", "week_loss", "worst_day"), "R"
    ),
    **dict.fromkeys(("market_cap", "bankroll", "min_cash", "trade_ceiling", "rounded_fee"), "$"),
    **dict.fromkeys(("priced", "fair_gap", "spread", "limit_price", "estimated_cost", "exit_edge"), "$ per share"),
    **dict.fromkeys(("book_age", "forecast_age", "forecast_confirmed", "metar_age"), "s"),
    **dict.fromkeys(("disagreement", "moved", "off_curve"), "°"),
    **dict.fromkeys(("regime", "earned_size"), "× size"),
    "print_age": "min", "minimum_size": "shares", "kelly_cap": "of equity", "depth": "of what is shown",
}  # fmt: skip
UNKNOWN_CHECK = Meaning("", "", "")


@dataclass(frozen=True, slots=True)
class BelievedBracket:
    rank: int
    bracket: str
    lower: int | None
    upper: int | None
    p_model: float | None
    p_market: float | None
    p_pooled: float | None
    edge: float | None  # of the better side
    side: str
    traded: bool  # it is the bracket of this trade


@dataclass(frozen=True, slots=True)
class Measure:
    """One number that the regime was judged by, and where it would have changed."""

    name: str
    value: float | None
    limit: float | None
    unit: str = ""  # of UNITS


@dataclass(frozen=True, slots=True)
class Belief:
    """What the desk thought of the event when it decided; temperatures in `unit`."""

    unit: str
    mean: float | None
    sd: float | None
    forecast: float | None
    floor: float | None  # extreme observed by then
    p_no_more: float | None  # that it stands
    p_model: float | None  # of the bracket
    p_market: float | None
    p_pooled: float | None
    pool_weight: float | None  # of the model
    fair: float | None  # of a share of the traded side [USD]
    price: float | None  # all-in, of the reference size; of a sale what it fetched less its fee [USD per share]
    edge: float | None  # fair value less price; of a sale price less fair value
    fraction: float | None  # growth-optimal share of wealth
    n_residuals: int | None
    regime: str
    regime_reason: str
    measures: tuple[Measure, ...]
    brackets: tuple[BelievedBracket, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """One check of the decision. `allowed_shares` None: it set no bound; `bound` marks the one that set the size."""

    name: str
    stage: str
    sentence: str
    formula: str
    value: float | None
    limit: float | None
    verdict: str
    allowed_shares: Decimal | None
    bound: bool
    unit: str = ""  # of value and limit, of UNITS


@dataclass(frozen=True, slots=True)
class Sizing:
    """From what the optimum wanted to what was sent [shares]."""

    held: Decimal
    wanted: Decimal
    allowed: Decimal
    ordered: Decimal  # below 0 sells
    filled: Decimal
    reason: str  # the limit that bound, or why nothing did
    sentence: str


@dataclass(frozen=True, slots=True)
class Sent:
    order_id: str
    role: str  # "entry", "exit", ...
    status: str
    limit_price: Decimal  # the worst that it accepted
    reference_price: Decimal  # the average that the decision saw, fees apart
    placed_at: datetime
    reason: str  # why less than all was filled


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
class Marks:
    """The best bid of the token at each cycle since; at most `MOST_MARKS` of `n`."""

    n: int
    at: tuple[datetime, ...]
    bid: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """One word about how the event ended."""

    finality: str  # "provisional": ours; "final": the venue's
    revision: int
    at: datetime
    winner: str
    wins: bool  # the token pays by this word
    reading: float | None
    evidence: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Moments:
    """The cycle of the decision."""

    number: int
    cause: str
    scheduled_at: datetime
    sealed_at: datetime  # nothing that came later was known
    fill_at: datetime


@dataclass(frozen=True, slots=True)
class TradeExplanation:
    """To be read from top to bottom. A part that does not exist is None or empty, `notes` says why."""

    as_of: datetime
    source: str
    n: int  # records that the decision stood on
    trade: Trade
    moments: Moments | None
    inputs: tuple[Vintage, ...]
    rule: RuleLine | None
    belief: Belief | None
    decision_book: Book | None
    fill_book: Book | None
    terms: Terms | None  # of the venue: fee with its formula and numbers
    sizing: Sizing | None
    checks: tuple[Asked, ...]
    order: Sent | None
    fills: tuple[Execution, ...]
    marks: Marks
    words: tuple[Word, ...]
    agreed: bool | None  # ours and the venue's; None while one of them is missing
    notes: tuple[str, ...]
    missing: str = ""


class ExplainService:
    """Answers from the journal, the evaluations of the decision's cycle, and the records known then."""

    def __init__(self, shelves: Shelves, checks: Mapping[str, Meaning], reasons: Mapping[str, str]) -> None:
        self._shelves, self._checks, self._reasons = shelves, checks, reasons
        self._trades, self._weather = TradeService(shelves), WeatherService(shelves)

    def explain(self, trade_id: str) -> TradeExplanation:
        """Return everything about one execution; UnknownIdError when there is none of that name."""
        trade, journal = self._trades.one(trade_id), self._shelves.journal()
        assert journal is not None  # it told the trade
        row = journal.order(trade.order_id) or {}
        moments = _moments(row)
        decided = moments.sealed_at if moments else trade.timestamp
        outlook, brackets = self._evaluated(trade, moments)
        inputs = inputs_at(self._shelves.archive(), trade.event_id, trade.station_code, decided)
        fills = tuple(_executions(journal.fills_of(trade.order_id), trade_id))
        words = tuple(_word(one, trade) for one in journal.words(trade.event_id))
        archive, rule = self._shelves.archive(), self._weather.rule(trade.event_id, decided)[1]
        belief, checks = _belief(row, outlook, brackets, trade), tuple(self._asked(row))
        own = next((one for one in fills if one.this), None)
        levels = [(one.price, one.taken) for one in own.levels] if own else []
        decision_book = book_at(archive, trade.event_id, trade.token_id, decided)
        return TradeExplanation(
            as_of=self._shelves.present().now, source=SOURCE, n=len(inputs), trade=trade, moments=moments, inputs=inputs,
            rule=rule, belief=belief, decision_book=decision_book,
            fill_book=book_at(archive, trade.event_id, trade.token_id, trade.timestamp),
            terms=terms_of(archive, trade.event_id, decided, levels, trade.fee_usd), sizing=self._sizing(row), checks=checks,
            order=_sent(row), fills=fills, marks=self._marks(trade), words=words, agreed=_agreed(words),
            notes=tuple(_notes(inputs, belief, decision_book, words, trade)),
        )  # fmt: skip

    def _evaluated(self, trade: Trade, moments: Moments | None) -> tuple[Row | None, Sequence[Row]]:
        store = self._shelves.evaluations()
        if store is None or moments is None:
            return None, ()
        outlooks, brackets = store.at(moments.scheduled_at)
        outlook = next((row for row in rows_of(outlooks) if row["event_id"] == trade.event_id), None)
        return outlook, [row for row in rows_of(brackets) if row["event_id"] == trade.event_id]

    def _asked(self, row: Row) -> Iterator[Asked]:
        for check in orjson.loads(row.get("checks") or "[]"):
            meaning = self._checks.get(check["name"], UNKNOWN_CHECK)
            allowed = check.get("allowed_micro")
            yield Asked(
                check["name"], meaning.stage, meaning.sentence, meaning.formula, check["value"], check["limit"],
                check["verdict"], None if allowed is None else usd(allowed), check["name"] == row["reason_code"],
                UNITS.get(check["name"], ""),
            )  # fmt: skip

    def _sizing(self, row: Row) -> Sizing | None:
        if row.get("wanted_micro") is None:
            return None
        reason = row["reason_code"]
        return Sizing(
            usd(row["held_micro"]), usd(row["wanted_micro"]), usd(row["allowed_micro"]), usd(row["order_micro"]),
            usd(row["filled_micro"]), reason, self._reasons.get(reason, ""),
        )  # fmt: skip

    def _marks(self, trade: Trade) -> Marks:
        store = self._shelves.evaluations()
        if store is None:
            return Marks(0, (), ())
        _, columns = store.history(trade.event_id, trade.timestamp)
        own = np.flatnonzero(np.asarray(columns["market_id"] == trade.market_id, bool))
        kept = own[::-1][:: max(1, -(-len(own) // MOST_MARKS))][::-1]  # the newest is always shown
        bids = columns["yes_bid" if trade.side == "YES" else "no_bid"]
        at = tuple(instant(int(columns["scheduled_at"][i])) for i in kept)
        return Marks(len(own), at, tuple(number(bids[i]) for i in kept))


def _moments(row: Row) -> Moments | None:
    if row.get("sealed_at") is None:
        return None
    at = (instant(row[name]) for name in ("scheduled_at", "sealed_at", "fill_at"))
    return Moments(row["number"], row["cause"], *at)


def _belief(row: Row, outlook: Row | None, brackets: Sequence[Row], trade: Trade) -> Belief | None:
    told: Mapping[str, Any] = orjson.loads(row.get("belief") or "{}")
    if not told and outlook is None:
        return None
    seen = outlook or {}
    pooled = number(told.get("p_pooled"))
    measures = (
        Measure(name, number(told[name]), number(told[f"{name}_limit"]), UNITS.get(name, ""))
        for name in sorted(told)
        if f"{name}_limit" in told
    )
    return Belief(
        unit=trade.unit, mean=number(told.get("mean", seen.get("mean"))), sd=number(told.get("sd", seen.get("sd"))),
        forecast=number(seen.get("forecast")), floor=number(told.get("floor", seen.get("floor"))),
        p_no_more=number(seen.get("p_no_more")), p_model=number(told.get("p_model")), p_market=number(told.get("p_market")),
        p_pooled=pooled, pool_weight=number(seen.get("pool_weight")),
        fair=None if pooled is None else pooled if trade.side == "YES" else 1.0 - pooled,
        price=number(told.get("price")) if trade.action == "buy" else _fetched(trade),
        edge=number(told.get("edge")) if trade.action == "buy" else trade.edge, fraction=trade.f_kelly,
        n_residuals=whole(told.get("n_residuals")),
        regime=str(told.get("regime", "")), regime_reason=str(told.get("regime_reason", "")), measures=tuple(measures),
        brackets=tuple(_bracket(one, trade) for one in sorted(brackets, key=lambda one: one["bracket"])),
    )  # fmt: skip


def _fetched(trade: Trade) -> float | None:
    return float((trade.size_usd - trade.fee_usd) / trade.shares) if trade.shares else None


def _bracket(row: Row, trade: Trade) -> BelievedBracket:
    return BelievedBracket(
        int(row["bracket"]), row["label"], whole(row["lower"]), whole(row["upper"]), number(row["p_model"]),
        number(row["p_market"]), number(row["p_pooled"]), number(row["edge"]), row["side"] or "",
        row["market_id"] == trade.market_id,
    )  # fmt: skip


def _sent(row: Row) -> Sent | None:
    if not row:
        return None
    role, status = Role(row["role"]).name.lower(), Status(row["status"]).name.lower().replace("_", " ")
    limit, reference, placed = usd(row["limit_micro"]), usd(row["reference_micro"]), instant(row["placed_at"])
    return Sent(row["order_id"], role, status, limit, reference, placed, row["reason"] or "")


def _executions(rows: Sequence[Row], trade_id: str) -> Iterator[Execution]:
    for row in rows:
        size = abs(row["size_micro"])
        levels = (Taken(*(usd(part) for part in level)) for level in orjson.loads(row["levels"] or "[]"))
        yield Execution(
            row["execution_id"], instant(row["at"]), usd(size), usd(row["notional_micro"] * MICRO // max(1, size)),
            usd(row["fee_micro"]), tuple(levels), row["execution_id"] == trade_id,
        )  # fmt: skip


def _word(row: Row, trade: Trade) -> Word:
    wins = (row["winner"] == trade.market_id) == (trade.side == "YES")
    return Word(
        row["finality"], row["revision"], instant(row["at"]), row["winner_label"], wins, number(row["reading"]),
        orjson.loads(row["evidence"] or "{}"),
    )  # fmt: skip


def _agreed(words: Sequence[Word]) -> bool | None:
    newest = {word.finality: word.winner for word in words}
    return newest["final"] == newest["provisional"] if len(newest) == 2 else None


def _notes(
    inputs: Sequence[Vintage], belief: Belief | None, book: Book | None, words: Sequence[Word], trade: Trade
) -> Iterator[str]:
    if not inputs:
        yield "The records of that moment are not in this data folder."
    if belief is None or not belief.brackets:
        yield "The evaluation of that cycle is not kept here."
    if inputs and book is None:
        yield "No book of that moment was recorded: the trade met prints only."
    if not words and trade.outcome == "pending":
        yield "The event has not ended: nobody has said how it settles."
