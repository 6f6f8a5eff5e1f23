"""A person's copy of the trades, a file for each UTC day of execution: `trades/{YYYY-MM-DD}/paper_trades.csv`.

Follows the journal and is never read back. A UTC day has 24 hours all year, so no clock change touches it. A settlement,
a correction or a sale changes rows of earlier days: the files of all days on which the event was traded are written anew.
Which columns there are and which are left out (`mae`, `mfe`, spread, depth): see `core.journal.trade_lines`.
"""

from __future__ import annotations

import csv
import fcntl
import io
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson

from core.errors import StoreError
from core.journal.lines import Among, FillLine, RiskLine, SettlementLine
from core.journal.reader import JournalReader
from core.journal.trade_lines import COLUMNS, Behind, Course, ended_cells, fixed_cells, row_of
from core.metrics.results import Fill, results
from core.model.event import Side
from core.model.settlement import Finality
from core.store.durable import write_durable, writing
from core.store.layout import INCOMING
from core.units import MICRO, instant, micros

FOLDER, NAME, MARK = "trades", "paper_trades.csv", "copied.json"
FORMAT = 2  # of the files; another one is written anew from the first day on
BOOKED_BEFORE = timedelta(days=2)  # by how much the instant of a fill may lie after that of the cycle that booked it
EVERYTHING = 10_000_000
MOST_KNOWN = 5_000  # executions whose fixed cells are kept in memory
_LOG = logging.getLogger("hermes.copies")
Place = tuple[int, int]  # cycle and line of a booking
Holding = tuple[str, int, str]
Fixed = dict[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class _Mark:
    """Up to where the files follow the journal: its version, and the last fill and word of each desk."""

    world: str = ""
    version: int = 0
    fills: Mapping[str, Place] = field(default_factory=dict)
    words: Mapping[str, Place] = field(default_factory=dict)


class TradeCopies:
    """The files of one data folder. Any number of engines may follow: whoever is later writes what is newer."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir, self._folder = data_dir, data_dir / FOLDER
        self._seen = -1
        self._fixed: Fixed = {}

    def follow(self, reader: JournalReader) -> tuple[date, ...]:
        """Bring the files up to the journal and return the days that were written; what cannot be written waits.

        Nothing is read but the version while nothing was booked, and no more than what came since the last time.
        """
        version = reader.version()
        if version == self._seen:
            return ()
        try:
            with self._alone():
                written = self._follow(reader, version)
        except (OSError, StoreError) as error:
            _LOG.warning("the copies of the trades in %s wait: %s", self._folder, error)
            return ()
        self._seen = version
        return written

    def again(self, reader: JournalReader) -> tuple[tuple[date, ...], tuple[date, ...]]:
        """Make every file again from the journal; return all days with trades, and those whose file was missing or wrong."""
        with self._alone():
            mark = _Mark(world=reader.world(), version=reader.version())
            fills = reader.fills(limit=EVERYTHING, newest_first=False)
            days = tuple(sorted({_day(fill) for fill in fills}))
            written = self._write(reader, days)
            self._save(_followed(mark, fills, reader.settlements(limit=EVERYTHING, newest_first=False)))
        return days, written

    def _follow(self, reader: JournalReader, version: int) -> tuple[date, ...]:
        mark = self._mark(reader.world(), version)
        fills, words = _fills_after(reader, mark), _words_after(reader, mark)
        if not fills and not words:
            return ()
        events = {fill.event_id for fill in fills} | {line.settlement.event_id for line in words}
        traded = (fill for event_id in sorted(events) for fill in _of_event(reader, event_id))
        written = self._write(reader, sorted({_day(fill) for fill in traded}))
        self._save(_followed(_Mark(mark.world, version, mark.fills, mark.words), fills, words))
        return written

    def _write(self, reader: JournalReader, days: Sequence[date]) -> tuple[date, ...]:
        """Write the files that are not as the journal says; each is whole, or the old one stays."""
        written = []
        for day in days:
            path, content = self._folder / day.isoformat() / NAME, csv_of(reader, day, self._fixed)
            if not path.exists() or path.read_bytes() != content:
                with writing(path.parent):
                    write_durable({path: content}, self._data_dir / INCOMING)
                written.append(day)
        for name in list(self._fixed)[:-MOST_KNOWN]:
            del self._fixed[name]
        return tuple(written)

    def _mark(self, world: str, version: int) -> _Mark:
        try:
            kept = orjson.loads((self._folder / MARK).read_bytes())
            fills, words = ({desk: tuple(place) for desk, place in kept[name].items()} for name in ("fills", "words"))
            mark = _Mark(kept["world"], kept["version"], fills, words)
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return _Mark(world)
        fits = kept.get("format") == FORMAT and mark.world == world and mark.version <= version
        return mark if fits else _Mark(world)

    def _save(self, mark: _Mark) -> None:
        kept = {"format": FORMAT, "world": mark.world, "version": mark.version, "fills": mark.fills, "words": mark.words}
        with writing(self._folder):
            write_durable({self._folder / MARK: orjson.dumps(kept)}, self._data_dir / INCOMING)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process at a time read the journal and write: else an older reading could come last."""
        with writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = (self._folder / "copied.lock").open("w")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def csv_of(reader: JournalReader, day: date, fixed: Fixed | None = None) -> bytes:
    """Return the file of one UTC day, its rows in the order of execution; only the heading where nothing was traded.

    `fixed` keeps what never changes of an execution from one time to the next.
    """
    start, known = datetime(day.year, day.month, day.day, tzinfo=UTC), {} if fixed is None else fixed
    booked = reader.fills(Among(start=start - BOOKED_BEFORE), EVERYTHING, newest_first=False)
    mine = sorted((fill for fill in booked if _day(fill) == day), key=lambda fill: (fill.at, fill.scheduled_at, fill.line))
    events = list(dict.fromkeys(fill.event_id for fill in mine))
    words = reader.settlements_of(events)
    came = {id_: course for event_id in events for id_, course in _courses(reader, event_id, words[event_id])}
    told = {one.execution_id: one for fill in mine for one in _told_of(fill, came[fill.execution_id])}
    _learn(reader, [fill for id_, fill in told.items() if id_ not in known], known)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for fill in mine:
        final, ours = (newest_word(words[fill.event_id], finality) for finality in (Finality.FINAL, Finality.PROVISIONAL))
        course = came[fill.execution_id]
        writer.writerow(row_of(fill, course, known, ended_cells(fill, course, final, ours)))
    return text.getvalue().encode("utf-8")


def _learn(reader: JournalReader, fills: Sequence[FillLine], known: Fixed) -> None:
    about, world = reader.instruments([fill.token for fill in fills]), reader.world()
    risks: dict[tuple[str, datetime, int], RiskLine | None] = {}  # executions of one cycle share one
    for fill in fills:
        order = reader.order(fill.order_id)
        behind = Behind()
        if order:
            moment = (order.desk, order.scheduled_at, order.run)
            if moment not in risks:
                risks[moment] = _risk_of(reader, *moment)
            behind = Behind(order, reader.decision(order.decision_id), risks[moment])
        known[fill.execution_id] = fixed_cells(fill, about[fill.token], behind, world)


def _risk_of(reader: JournalReader, desk: str, at: datetime, run: int) -> RiskLine | None:
    return next(iter(reader.risk(desk, at, at + timedelta(microseconds=1), 1, run=run)), None)


def _told_of(fill: FillLine, course: Course) -> Iterator[FillLine]:
    """Yield the executions of which a row tells something: itself, its entry, its exit."""
    yield from (fill, course.entry)
    if course.exit:
        yield course.exit


def newest_word(words: Sequence[SettlementLine], finality: Finality) -> SettlementLine | None:
    """Return the word of a kind that holds: the newest revision."""
    own = [line for line in words if line.settlement.finality is finality]
    return max(own, key=lambda line: line.settlement.revision, default=None)


def _courses(reader: JournalReader, event_id: str, words: Sequence[SettlementLine]) -> Iterator[tuple[str, Course]]:
    holdings: dict[Holding, list[FillLine]] = {}
    for fill in _of_event(reader, event_id):
        holdings.setdefault((fill.desk, fill.run, fill.token), []).append(fill)
    final, about = newest_word(words, Finality.FINAL), reader.instruments([token for _, _, token in holdings])
    for (_, _, token), fills in holdings.items():
        wins = final is not None and (final.settlement.winner == about[token].market_id) == (about[token].side is Side.YES)
        pays = None if final is None else MICRO * wins
        came = results([Fill(fill.size_micro, fill.notional_micro, fill.fee_micro) for fill in fills], pays)
        for fill, result in zip(fills, came, strict=True):
            left = None if result.exit is None else fills[result.exit]
            yield fill.execution_id, Course(result, fills[result.entry], left, pays)


def _day(fill: FillLine) -> date:
    return fill.at.astimezone(UTC).date()


def _of_event(reader: JournalReader, event_id: str) -> Sequence[FillLine]:
    return reader.fills(Among(event_id=event_id), EVERYTHING, newest_first=False)


def _fills_after(reader: JournalReader, mark: _Mark) -> list[FillLine]:
    return [
        fill
        for desk in reader.desks()
        for fill in reader.fills(_since(desk, mark.fills), EVERYTHING, newest_first=False)
        if (micros(fill.scheduled_at), fill.line) > mark.fills.get(desk, (-1, -1))
    ]


def _words_after(reader: JournalReader, mark: _Mark) -> list[SettlementLine]:
    return [
        line
        for desk in reader.desks()
        for line in reader.settlements(_since(desk, mark.words), EVERYTHING, newest_first=False)
        if (micros(line.scheduled_at), line.line) > mark.words.get(desk, (-1, -1))
    ]


def _since(desk: str, places: Mapping[str, Place]) -> Among:
    return Among(desk=desk, start=instant(places[desk][0]) if desk in places else None)


def _followed(mark: _Mark, fills: Iterable[FillLine], words: Iterable[SettlementLine]) -> _Mark:
    """Return the mark after what was booked since."""
    return _Mark(mark.world, mark.version, _places(mark.fills, fills), _places(mark.words, words))


def _places(known: Mapping[str, Place], lines: Iterable[FillLine | SettlementLine]) -> Mapping[str, Place]:
    places = dict(known)
    for line in lines:
        places[line.desk] = max(places.get(line.desk, (-1, -1)), (micros(line.scheduled_at), line.line))
    return places
