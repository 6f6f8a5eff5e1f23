"""Every execution of a journal with its result, kept in memory and extended by what was booked since it was last asked."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from core.metrics.results import Fill, Result, results
from core.model.settlement import Finality
from core.services.journal_rows import JournalRows, Row
from core.services.values import number
from core.units import MICRO

Place = tuple[int, int]  # cycle and line of a booking: the order in which a desk books
Holding = tuple[str, int, str]  # desk, run, token
BEFORE_ALL: Place = (-(2**62), -1)


@dataclass(frozen=True, slots=True)
class Count:
    """What is counted of an execution without reading it whole: enough to filter, sort and add up."""

    row: Row
    result: Result
    entry_id: str  # the oldest execution whose shares it sold; of a buy its own
    exit_id: str | None  # the newest sale of its shares, once all are gone; of a sale its own

    @property
    def trade_id(self) -> str:
        trade_id: str = self.row["execution_id"]
        return trade_id

    @property
    def net_micro(self) -> int | None:
        gross = self.result.gross_micro
        return None if gross is None else gross - int(self.row["fee_micro"])


def wins(row: Row, word: Row) -> bool:
    """Return whether the token pays by a word about its event."""
    return bool((row["market_id"] == word["winner"]) == (row["side"] == "YES"))


class TradeBook:
    """The executions of one opened journal. A new version costs what was booked in it, not what there is."""

    def __init__(self, journal: JournalRows) -> None:
        self._journal, self._lock = journal, threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._version = -1
        self._marks: dict[tuple[str, str], Place] = {}
        self._rows: dict[Holding, list[Row]] = {}
        self._of_event: dict[str, dict[Holding, None]] = {}
        self._counts: dict[Holding, tuple[Count, ...]] = {}
        self._by_id: dict[str, Count] = {}
        self._newest_first: tuple[Count, ...] = ()
        self.finals: Mapping[str, Row] = {}
        self.provisionals: Mapping[str, Row] = {}

    def counts(self) -> Sequence[Count]:
        """Return every execution, newest first."""
        with self._lock:
            self._refresh()
            return self._newest_first

    def count(self, trade_id: str) -> Count | None:
        """Return one execution, None where there is none of that name."""
        with self._lock:
            self._refresh()
            return self._by_id.get(trade_id)

    def of_events(self, event_ids: Collection[str]) -> Iterator[Count]:
        """Yield the executions of some events."""
        with self._lock:
            self._refresh()
            held = [holding for event_id in event_ids for holding in self._of_event.get(event_id, ())]
            found = [count for holding in held for count in self._counts[holding]]
        return iter(found)

    def _refresh(self) -> None:
        version = self._journal.version()
        if version == self._version:
            return
        if version < self._version:  # another journal took its place
            self._forget()
        changed = {*self._new_fills(), *self._new_words()}
        for holding in changed:
            self._counts[holding] = tuple(self._counted(self._rows[holding]))
            self._by_id |= {count.trade_id: count for count in self._counts[holding]}
        if changed:
            every = (count for counts in self._counts.values() for count in counts)
            self._newest_first = tuple(sorted(every, key=_when, reverse=True))
        self._version = version

    def _new_fills(self) -> Iterator[Holding]:
        for desk in self._journal.desks():
            for row in self._journal.fills_after(desk, self._marks.get(("fills", desk), BEFORE_ALL)):
                belief: Mapping[str, Any] = orjson.loads(row["belief"] or "{}")
                kept = {name: value for name, value in row.items() if name != "belief"}
                kept |= {"regime": str(belief.get("regime", "")), "strategy": str(belief.get("model", ""))}
                kept["edge"] = number(belief.get("edge")) if row["size_micro"] > 0 else None
                holding = (row["desk"], row["run"], row["token"])
                self._rows.setdefault(holding, []).append(kept)
                self._of_event.setdefault(row["event_id"], {})[holding] = None
                self._marks["fills", desk] = (row["scheduled_at"], row["line"])
                yield holding

    def _new_words(self) -> Iterator[Holding]:
        kinds = {str(Finality.FINAL): dict(self.finals), str(Finality.PROVISIONAL): dict(self.provisionals)}
        for desk in self._journal.desks():
            for row in self._journal.words_after(desk, self._marks.get(("words", desk), BEFORE_ALL)):
                known = kinds[row["finality"]]
                if row["event_id"] not in known or row["revision"] >= known[row["event_id"]]["revision"]:
                    known[row["event_id"]] = row
                self._marks["words", desk] = (row["scheduled_at"], row["line"])
                yield from self._of_event.get(row["event_id"], ())
        self.finals, self.provisionals = kinds[str(Finality.FINAL)], kinds[str(Finality.PROVISIONAL)]

    def _counted(self, rows: Sequence[Row]) -> Iterator[Count]:
        final = self.finals.get(rows[0]["event_id"])
        pays = None if final is None else MICRO * wins(rows[0], final)
        fills = [Fill(row["size_micro"], row["notional_micro"], row["fee_micro"]) for row in rows]
        for row, result in zip(rows, results(fills, pays), strict=True):
            gone = None if result.exit is None else str(rows[result.exit]["execution_id"])
            yield Count(row, result, str(rows[result.entry]["execution_id"]), gone)


def _when(count: Count) -> tuple[int, int, int]:
    row = count.row
    return row["at"], row["scheduled_at"], row["line"]
