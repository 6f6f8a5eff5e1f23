"""All that was traded, as arrays that are extended by what was booked since they were last asked for: nothing is read twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import orjson

from core.metrics.attribution import netted
from core.metrics.events import Events
from core.metrics.netting import UNKNOWN, Executions, decided
from core.metrics.results import fair_of, symbol_of
from core.model.settlement import Finality
from core.services.journal_rows import JournalRows, Row
from core.services.marks import HORIZONS, LOOK_AHEAD, NOWHERE, Asked, checkpoint_of, lead_days, mark, shift
from core.services.shelves import Shelves
from core.services.trade_book import BEFORE_ALL, Place
from core.services.values import number
from core.units import MICRO, BoolArray, IntArray, instant, micros

OPEN, OTHER = -1, -2  # which market of an event won: nobody said, or one that was not traded
LOW_TAIL, INSIDE, HIGH_TAIL = "low tail", "inside", "high tail"
TEMPERATURES = ("implied", "implied_later", "edge_below", "edge_above")  # of `marks.Shift` [micro-°F]
NUMBERS = (
    "event", "market", "token", "yes", "size", "notional", "fee", "fair", "mid", "touch", "depth", "at", "maker", "place", "ahead",
    "closing", *(f"after_{minutes}" for minutes in HORIZONS), *TEMPERATURES,
)  # fmt: skip
PLACES = (LOW_TAIL, INSIDE, HIGH_TAIL)


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What an event was when it was first traded."""

    desk: str
    event_id: str
    venue: str
    station: str
    city: str
    day: date
    extreme: str
    symbol: str
    strategy: str
    regime: str
    lead: int  # days before the event day, station's own time
    entered_at: datetime
    first_trade: str


@dataclass(frozen=True, slots=True, eq=False)
class Traded:
    """One state of the book: columns of executions, and the events they belong to."""

    revision: int
    columns: Mapping[str, IntArray]
    facts: tuple[EventFacts, ...]
    winner: IntArray  # (n_events,) market that won, OPEN or OTHER
    final_at: IntArray  # (n_events,) first final word [µs], 0: none yet

    @property
    def decided_any(self) -> bool:
        """Whether any event has been decided."""
        return bool(decided(self.executions, len(self.facts)).any())

    @property
    def executions(self) -> Executions:
        """The executions, with what their shares pay."""
        c = self.columns
        won = self.winner[c["event"]]
        yes = c["yes"] > 0
        pays = np.where(won == OPEN, UNKNOWN, ((c["market"] == won) == yes).astype(np.int64))
        return Executions(
            c["event"], c["market"], c["token"], yes, c["size"], c["notional"], c["fee"], c["fair"], c["mid"], c["touch"],
            c["depth"], pays,
        )  # fmt: skip

    def events(self, rows: BoolArray) -> Events:
        """Return the decided events of some of the executions, in the order in which they were decided."""
        picked = np.flatnonzero(rows)
        money = netted(self.executions.taken(picked), len(self.facts))
        event, at = self.columns["event"][picked], self.columns["at"][picked]
        first, last = np.full(len(self.facts), 2**62), np.zeros(len(self.facts), np.int64)
        np.minimum.at(first, event, at)
        np.maximum.at(last, event, at)
        ended = np.where(self.final_at > 0, self.final_at, last)[money.event]
        ordinal = np.array([self.facts[i].day.toordinal() for i in money.event.tolist()], np.int64)
        order = np.lexsort((money.event, ended))
        return Events(money.taken(order), ordinal[order], first[money.event][order], ended[order])


class TradedBook:
    """The trades of one opened journal."""

    def __init__(self, journal: JournalRows, shelves: Shelves) -> None:
        self._journal, self._shelves, self._lock = journal, shelves, threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._version = -1
        self._places: dict[tuple[str, str], Place] = {}
        self._events: dict[tuple[str, str], int] = {}
        self._markets: dict[tuple[int, str], int] = {}
        self._tokens: dict[tuple[str, str], int] = {}
        self._facts: list[EventFacts] = []
        self._finals: dict[str, tuple[int, str, int]] = {}  # event id: revision, winner, first said at
        self._waiting: dict[int, tuple[Asked, list[int]]] = {}  # row: marks that are wanted, and when they can be known [µs]
        self._columns = self.nothing()
        self._traded = Traded(0, self._columns, (), np.empty(0, np.int64), np.empty(0, np.int64))

    @staticmethod
    def nothing() -> dict[str, IntArray]:
        """Return the columns of a journal without trades."""
        return {name: np.empty(0, np.int64) for name in NUMBERS}

    def traded(self, now: datetime) -> Traded:
        """Return all that is booked; the same object for as long as nothing changed."""
        with self._lock:
            version = self._journal.version()
            if version != self._version:
                self._refresh(version, now)
            return self._traded

    def _refresh(self, version: int, now: datetime) -> None:
        if version < self._version:  # another journal took its place
            self._forget()
        fresh = [row for desk in self._journal.desks() for row in self._new_fills(desk)]
        said = [self._new_words(desk) for desk in self._journal.desks()]
        if fresh:
            self._append(fresh)
        marked = self._mark(now)
        if fresh or any(said) or marked:
            winner, final_at = self._ends()
            self._traded = Traded(self._traded.revision + 1, self._columns, tuple(self._facts), winner, final_at)
        self._version = version

    def _new_fills(self, desk: str) -> Iterator[Row]:
        for row in self._journal.traded_after(desk, self._places.get(("fills", desk), BEFORE_ALL)):
            self._places["fills", desk] = row["scheduled_at"], row["line"]
            yield row

    def _new_words(self, desk: str) -> bool:
        """Take up what was said of events since; True where it may change a result."""
        heard = False
        for row in self._journal.words_after(desk, self._places.get(("words", desk), BEFORE_ALL)):
            self._places["words", desk] = row["scheduled_at"], row["line"]
            if row["finality"] != Finality.FINAL:
                continue
            revision, _, first = self._finals.get(row["event_id"], (-1, "", row["at"]))
            if row["revision"] >= revision:
                self._finals[row["event_id"]] = row["revision"], row["winner"], first
                heard = True
        return heard

    def _ends(self) -> tuple[IntArray, IntArray]:
        said = [self._finals.get(facts.event_id) for facts in self._facts]
        winner = [
            OPEN if word is None else self._markets.get((event, word[1]), OTHER) for event, word in enumerate(said)
        ]  # fmt: skip
        return np.array(winner, np.int64), np.array([word[2] if word else 0 for word in said], np.int64)

    def _append(self, rows: list[Row]) -> None:
        first, stations = len(self._columns["event"]), self._shelves.stations()
        numbers = []
        for index, row in enumerate(rows, first):
            told: Mapping[str, Any] = orjson.loads(row["belief"] or "{}")
            day, at = date.fromisoformat(row["event_day"]), instant(row["at"])
            tz = stations[row["station"]].tz if row["station"] in stations else "UTC"
            lead = lead_days(tz, day, at)
            event = self._event(row, told, day, at, lead)
            ordered_at = int(row["ordered_at"] or row["scheduled_at"])
            until = checkpoint_of(tz, day, row["at"], lead > 0)
            asked = Asked(
                row["event_id"], int(row["bracket"]), row["side"], row["size_micro"] > 0, ordered_at, row["at"], until,
                row["lower"], row["upper"],
            )  # fmt: skip
            self._waiting[index] = asked, sorted({row["at"], row["at"] + LOOK_AHEAD, max(row["at"], until)})
            rests = bool(row.get("good_until"))
            numbers.append((
                event, self._markets.setdefault((event, row["market_id"]), len(self._markets)),
                self._tokens.setdefault((row["desk"], row["token"]), len(self._tokens)), int(row["side"] == "YES"),
                row["size_micro"], row["notional_micro"], row["fee_micro"], _fair(row, told), UNKNOWN, UNKNOWN,
                row["reference_micro"] or UNKNOWN, row["at"], int(rests and row["at"] > row["placed_at"]),
                0 if row["lower"] is None else 2 if row["upper"] is None else 1, int(lead > 0),
                *(UNKNOWN,) * (1 + len(HORIZONS)), *(NOWHERE,) * len(TEMPERATURES),
            ))  # fmt: skip
        added = np.array(numbers, np.int64).reshape(len(rows), len(NUMBERS))
        self._columns = {name: np.concatenate([self._columns[name], added[:, i]]) for i, name in enumerate(NUMBERS)}

    def _event(self, row: Row, told: Mapping[str, Any], day: date, at: datetime, lead: int) -> int:
        key = (row["desk"], row["event_id"])
        if key not in self._events:
            self._events[key] = len(self._facts)
            self._facts.append(EventFacts(
                row["desk"], row["event_id"], row["venue"], row["station"], row["city"], day, row["extreme"],
                symbol_of(row["station"], row["extreme"]), str(told.get("model", "")), str(told.get("regime", "")), lead, at,
                row["execution_id"],
            ))  # fmt: skip
        return self._events[key]

    def _mark(self, now: datetime) -> bool:
        """Look up quotes for executions of which some can be known by now; True where any were found."""
        store, upto = self._shelves.evaluations(), micros(now)
        ready = {row: asked for row, (asked, due) in self._waiting.items() if due[0] <= upto}
        found = {row: mark(store, asked) for row, asked in ready.items()}
        shifts = [shift(store, asked) for asked in ready.values()]
        for row in ready:
            due = [each for each in self._waiting[row][1] if each > upto]
            if due:
                self._waiting[row] = ready[row], due
            else:
                del self._waiting[row]
        if not found:
            return False
        rows = np.array(list(found), np.int64)
        values = {
            "mid": [one.mid for one in found.values()], "touch": [one.touch for one in found.values()],
            "closing": [one.closing for one in found.values()],
            **{f"after_{minutes}": [one.after[i] for one in found.values()] for i, minutes in enumerate(HORIZONS)},
            **{name: [getattr(one, name) for one in shifts] for name in TEMPERATURES},
        }  # fmt: skip
        columns = dict(self._columns)
        for name, column in values.items():
            columns[name] = columns[name].copy()  # a state that was given away stays as it is
            columns[name][rows] = column
        self._columns = columns
        return True


def _fair(row: Row, told: Mapping[str, Any]) -> int:
    """Return what a share was held for at the decision [micro-USD]."""
    if row.get("fair_micro"):
        return int(row["fair_micro"])
    fair = fair_of(number(told.get("p_pooled")), row["side"])
    return UNKNOWN if fair is None else round(fair * MICRO)
