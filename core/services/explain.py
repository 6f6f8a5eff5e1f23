"""One trade from its inputs to its settlement: what was known, believed, allowed, done, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import orjson

from core.services.explain_belief import UNITS, Belief, Distribution, Sizing, belief_of, distribution_of, sizing_of
from core.services.explain_marks import Marks, marks_of
from core.services.explain_order import (
    Attribution,
    Costs,
    Execution,
    Sent,
    Step,
    attribution_of,
    costs_of,
    executions_of,
    life_of,
    sent_of,
)
from core.services.inputs import Book, Terms, Vintage, book_at, inputs_at, terms_of
from core.services.journal_rows import JournalRows, Row
from core.services.shelves import Shelves
from core.services.trade_rows import Trade, trade_of
from core.services.trade_rows import belief_of as belief_of_row
from core.services.trades import TradeService
from core.services.values import number, rows_of, usd
from core.services.weather import RuleLine, WeatherService
from core.units import instant, iso, micros

__all__ = [
    "UNITS", "Asked", "Attribution", "Belief", "Costs", "Distribution", "Execution", "ExplainService", "Marks", "Meaning", "Sizing",
    "Step", "TradeExplanation", "Word",
]  # fmt: skip
SOURCE = "journal: decision, order, fills, settlements; evaluations; archive: inputs and books"


@dataclass(frozen=True, slots=True)
class Meaning:
    """A check in plain words."""

    stage: str
    sentence: str
    formula: str


UNKNOWN_CHECK = Meaning("", "", "")


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
class Word:
    """One word about how the event ended."""

    finality: str  # "provisional": ours; "final": the venue's
    revision: int
    at: datetime
    winner: str
    wins: bool  # the token pays by this word
    reading: float | None
    evidence: Mapping[str, object]
    corrects: bool = False  # it replaces an earlier word of the same kind
    paid_usd: Decimal | None = None  # moved to cash for all that was held of the token; below 0 was taken back


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
    distribution: Distribution | None
    decision_book: Book | None
    fill_book: Book | None
    terms: Terms | None  # of the venue: fee with its formula and numbers
    sizing: Sizing | None
    checks: tuple[Asked, ...]
    order: Sent | None
    life: tuple[Step, ...]  # of the order
    fills: tuple[Execution, ...]
    costs: Costs
    marks: Marks
    words: tuple[Word, ...]
    agreed: bool | None  # ours and the venue's; None while one of them is missing
    attribution: Attribution
    notes: tuple[str, ...]
    missing: str = ""


class ExplainService:
    """Answers from the journal, the evaluations of the decision's cycle, and the records known then."""

    def __init__(self, shelves: Shelves, checks: Mapping[str, Meaning], reasons: Mapping[str, str]) -> None:
        self._shelves, self._checks, self._reasons = shelves, checks, reasons
        self._trades, self._weather = TradeService(shelves), WeatherService(shelves)

    def explain(self, trade_id: str) -> TradeExplanation:
        """Return everything about one execution; UnknownIdError when there is none of that name."""
        told, journal, archive = self._trades.told(trade_id), self._shelves.journal(), self._shelves.archive()
        assert journal is not None  # it told the trade
        trade = trade_of(told)
        row = journal.order(trade.order_id) or {}
        moments, kept = _moments(row), belief_of_row(told.row)
        decided = moments.sealed_at if moments else trade.timestamp
        outlook, brackets = self._evaluated(trade, moments)
        inputs = inputs_at(self._shelves, trade.event_id, trade.station_code, decided)
        fills = tuple(executions_of(journal.fills_of(trade.order_id), trade_id))
        words = tuple(_words(journal, trade))
        belief = belief_of(kept, outlook, brackets, trade)
        own = next((one for one in fills if one.this), None)
        levels = [(one.price, one.taken) for one in own.levels] if own else []
        decision_book = book_at(archive, trade.event_id, trade.token_id, decided)
        costs = costs_of(told.row, decision_book)
        return TradeExplanation(
            as_of=self._shelves.present().now, source=SOURCE, n=len(inputs), trade=trade, moments=moments, inputs=inputs,
            rule=self._weather.rule(trade.event_id, decided)[1], belief=belief, distribution=distribution_of(outlook),
            decision_book=decision_book, fill_book=book_at(archive, trade.event_id, trade.token_id, trade.timestamp),
            terms=terms_of(archive, trade.event_id, decided, levels, trade.fee_usd),
            sizing=sizing_of(row, kept, self._reasons), checks=tuple(self._asked(row)), order=sent_of(row),
            life=life_of(row, fills), fills=fills, costs=costs, marks=marks_of(self._shelves, trade), words=words,
            agreed=_agreed(words), attribution=attribution_of(told, belief, costs),
            notes=(*_own(trade), *_converted(journal, trade), *_notes(inputs, belief, decision_book, words, trade)),
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


def _moments(row: Row) -> Moments | None:
    if row.get("sealed_at") is None:
        return None
    at = (instant(row[name]) for name in ("scheduled_at", "sealed_at", "fill_at"))
    return Moments(row["number"], row["cause"], *at)


def _words(journal: JournalRows, trade: Trade) -> Iterator[Word]:
    """Yield all that was said of how the event ended, and what each word paid for the token."""
    for row in journal.words(trade.event_id):
        paid = journal.paid(f"{row['desk']}/{row['settlement_id']}", trade.token_id)
        wins = (row["winner"] == trade.market_id) == (trade.side == "YES")
        yield Word(
            row["finality"], row["revision"], instant(row["at"]), row["winner_label"], wins, number(row["reading"]),
            orjson.loads(row["evidence"] or "{}"), row["revision"] > 0, None if paid is None else usd(paid),
        )  # fmt: skip


def _agreed(words: Sequence[Word]) -> bool | None:
    newest = {word.finality: word.winner for word in words}
    return newest["final"] == newest["provisional"] if len(newest) == 2 else None


def _own(trade: Trade) -> tuple[str, ...]:
    return tuple(f"{note[0].upper()}{note[1:]}." for note in trade.notes.split("; ") if note)


def _converted(journal: JournalRows, trade: Trade) -> Iterator[str]:
    """Yield how much of what was held was given to the venue since; the row goes on as if it were held, it pays the same."""
    for row in journal.conversions(trade.event_id):
        if row["at"] >= micros(trade.timestamp) and trade.token_id in orjson.loads(row["given"]):
            shares = usd(row["size_micro"]).normalize()
            yield (
                f"{shares:f} shares of the token were converted at {iso(instant(row['at']))}: into dollars and YES of the other "
                "brackets, which pay the same."
            )


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
