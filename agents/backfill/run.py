"""Ask all sources at the same time, each in its own order and at its host's pace; one writer keeps what they yield."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from agents.backfill.plan import Answered, HasPast, Piece, finished_days, pieces_of
from agents.backfill.shelving import Shelving
from core.clock import monotonic_seconds
from core.errors import HermesError
from core.model.record import Kind, Record
from core.model.station import Station
from core.registry import Series

LEAST_PAUSE, BUSY = 20.0, 5.0  # seconds between two writes, and how many times the last write's own time
MOST_ROWS, MOST_BYTES = 600_000, 96_000_000  # that wait in memory
AHEAD = 12  # pieces that a source may be ahead of the writer
AGAIN_AFTER = 16.0  # seconds until a host is asked again for what failed: its breaker has let go by then
LISTENING = 0.2  # seconds between two looks at whether to stop


@dataclass(frozen=True, slots=True)
class Step:
    """One answered piece, for whoever watches."""

    piece: Piece
    records: int
    errors: tuple[str, ...]
    done: int  # pieces
    of: int
    left_seconds: float  # about


@dataclass(slots=True)
class Backfilled:
    """What a run did."""

    pieces: int = 0
    already: int = 0  # questions that an earlier run had finished
    kept: Mapping[str, int] = field(default_factory=dict)  # kind → records
    repeated: int = 0  # were kept by an earlier run
    later: int = 0  # would not be known yet
    before: int = 0  # left out: cycles that are recorded would have known it
    failed: dict[str, str] = field(default_factory=dict)  # piece → first reason
    stopped: bool = False


class Backfill:
    """One run over some sources."""

    def __init__(
        self, sources: Sequence[HasPast], shelving: Shelving, now: datetime, *, watch: Callable[[Step], None],
        stopping: Callable[[], bool] = lambda: False, pause_seconds: float = LEAST_PAUSE, again_seconds: float = AGAIN_AFTER,
    ) -> None:  # fmt: skip
        self._sources = {source.name: source for source in sources}
        self._shelving, self._now, self._watch, self._stopping = shelving, now, watch, stopping
        self._pause, self._again = pause_seconds, again_seconds
        self._waiting: list[Answered] = []
        self._rows = self._bytes = 0
        self._written_at, self._write_seconds = monotonic_seconds(), 0.0

    def run(self, stations: Sequence[Station], series: Sequence[Series], n_days: int) -> Backfilled:
        """Ask everything that is missing; what failed is asked once more at the end."""
        result = Backfilled()
        pieces: list[Piece] = []
        for source in self._sources.values():
            missing, already = pieces_of(source, stations, series, n_days, self._now, self._shelving.done)
            pieces += missing
            result.already += already
        result.pieces = len(pieces)
        failed = self._round(pieces)
        if failed and not self._stopping():
            threading.Event().wait(self._again)
            failed = self._round(list(failed))
        result.stopped = self._stopping()
        result.failed = {f"{p.source} {p.subject} {p.days[0]} to {p.days[-1]}": reason for p, reason in failed.items()}
        result.kept, result.repeated = dict(self._shelving.kept), self._shelving.repeated
        result.later, result.before = self._shelving.later, self._shelving.before
        return result

    def _round(self, pieces: Sequence[Piece]) -> dict[Piece, str]:
        failed: dict[Piece, str] = {}
        weight = sum(len(piece.days) for piece in pieces)
        begun, done, days = monotonic_seconds(), 0, 0
        with _Asking(self._sources, pieces) as asking:
            for answered in asking.answers(self._stopping):
                done, days = done + 1, days + len(answered.piece.days)
                if answered.errors:
                    failed[answered.piece] = answered.errors[0]
                left = (monotonic_seconds() - begun) / days * (weight - days)
                self._watch(Step(answered.piece, len(answered.records), answered.errors, done, len(pieces), left))
                self._take(answered)
        self._write()
        return failed

    def _take(self, answered: Answered) -> None:
        self._waiting.append(answered)
        self._rows += sum(map(_rows_of, answered.records))
        self._bytes += sum(len(raw) for raw in {id(record.raw): record.raw for record in answered.records}.values())
        waited = monotonic_seconds() - self._written_at
        full = self._rows >= MOST_ROWS or self._bytes >= MOST_BYTES
        if full or waited >= max(self._pause, BUSY * self._write_seconds):
            self._write()

    def _write(self) -> None:
        """Write what waits: in one go, since each write touches every day that it speaks of."""
        begun = monotonic_seconds()
        if self._waiting:
            self._shelving.keep(
                (answered.piece.key, answered.records, finished_days(answered, self._now)) for answered in self._waiting
            )
        self._waiting, self._rows, self._bytes = [], 0, 0
        self._written_at = monotonic_seconds()
        self._write_seconds = self._written_at - begun


class _Asking:
    """A thread for each source that works off its questions; answers come in the order in which they are ready."""

    def __init__(self, sources: Mapping[str, HasPast], pieces: Sequence[Piece]) -> None:
        self._answers: queue.Queue[Answered | None] = queue.Queue()
        self._stop = threading.Event()
        names = dict.fromkeys(piece.source for piece in pieces)
        self._places = {name: threading.BoundedSemaphore(AHEAD) for name in names}
        self._threads = [
            threading.Thread(target=self._ask, args=(sources[name], [p for p in pieces if p.source == name]), daemon=True)
            for name in names
        ]

    def __enter__(self) -> _Asking:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *why: object) -> None:
        self._stop.set()

    def answers(self, stopping: Callable[[], bool]) -> Iterator[Answered]:
        running = len(self._threads)
        while running and not stopping():
            try:
                answered = self._answers.get(timeout=LISTENING)
            except queue.Empty:
                continue
            if answered is None:
                running -= 1
                continue
            yield answered
            self._places[answered.piece.source].release()

    def _ask(self, source: HasPast, pieces: Sequence[Piece]) -> None:
        try:
            for piece in pieces:
                while not self._places[source.name].acquire(timeout=LISTENING):
                    if self._stop.is_set():
                        return
                if self._stop.is_set():
                    return
                self._answers.put(answered_by(source, piece))
        finally:
            self._answers.put(None)


def answered_by(source: HasPast, piece: Piece) -> Answered:
    """Return what a source says of a piece; a failure is told, never raised."""
    records: list[Record] = []
    errors: list[str] = []
    try:
        for record in source.past(piece.ask):
            if record.error is None:
                records.append(record)
            else:
                errors.append(record.error)
    except HermesError as error:
        errors.append(str(error))
    except Exception as error:  # a thread that dies silently would end the run as if all were well
        errors.append(f"{source.name}: {type(error).__name__}: {error}")
    if errors and piece.kind is not Kind.EVENTS:
        records = []  # half of a station's history would stand for the whole
    return Answered(piece, tuple(records), tuple(dict.fromkeys(errors)))


def _rows_of(record: Record) -> int:
    return len(next(iter(record.rows.values()), ()))
