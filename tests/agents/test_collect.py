"""What breaks while one source is read costs nobody else an answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.collect import collect, published
from core.clock import SteppedClock
from core.model.cycle import Cause, Cycle
from core.model.record import Ask, Kind, Record
from core.store.archive import Archive
from core.store.snapshots import SnapshotStore

NOW = datetime(2026, 6, 11, 17, 0, tzinfo=UTC)
ASKS = [Ask(Kind.FORECAST, "EGLC"), Ask(Kind.FORECAST, "KLGA"), Ask(Kind.METAR, "EGLC")]


def answer(source: str, kind: Kind, subject: str) -> Record:
    rows = {"valid_at": np.array([1], np.int64), "celsius": np.array([20.5]), "model": np.array(["m"], object)}
    rows["variable"] = np.array(["hourly"], object)
    return Record(source, kind, subject, NOW, None, b"20.5", rows if kind is Kind.FORECAST else {})


class Sound:
    name, gives = "metar", frozenset({Kind.METAR})

    def fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        return (answer(self.name, ask.kind, ask.subject) for ask in asks)


class Breaking:
    """Answers the first question, and breaks at the second."""

    name, gives = "open_meteo", frozenset({Kind.FORECAST})

    def fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        yield answer(self.name, asks[0].kind, asks[0].subject)
        raise OverflowError("cannot convert float infinity to integer")


def test_a_source_that_breaks_fails_only_its_own_open_questions(tmp_path: Path) -> None:
    store, clock = SnapshotStore(tmp_path), SteppedClock(NOW)
    cycle = Cycle("weather", NOW, 1, Cause.SCHEDULE, (), NOW, NOW)
    with ThreadPoolExecutor(2) as pool:
        sources = {source.name: source for source in (Sound(), Breaking())}
        _, records = collect(cycle, ASKS, sources, store, clock=clock, pool=pool, latency=timedelta(0))

    assert [(record.kind, record.subject, record.error is None) for record in records] == [
        (Kind.METAR, "EGLC", True), (Kind.FORECAST, "EGLC", True), (Kind.FORECAST, "KLGA", False),
    ]  # fmt: skip
    stack = Archive(tmp_path).as_of([NOW]).stack(Kind.FORECAST, "KLGA", NOW - timedelta(hours=1), failed=True)
    assert "open_meteo: an answer broke its reader" in str(stack.error[0])
    assert "OverflowError" in str(stack.error[0])


@pytest.mark.parametrize(
    "facts",
    [{"tick_micro": 10**300}, {"title": "half a \ud83d character"}, {"what": object()}],
    ids=["number", "text", "thing"],
)
def test_an_answer_that_cannot_be_kept_as_read_is_kept_as_bytes(tmp_path: Path, facts: dict[str, object]) -> None:
    odd = Record("polymarket", Kind.EVENTS, "event-1", NOW, None, b'{"as": "it came"}', {}, facts)

    published([answer("open_meteo", Kind.FORECAST, "EGLC"), odd], SnapshotStore(tmp_path))

    view = Archive(tmp_path).as_of([NOW])
    assert len(view.stack(Kind.FORECAST, "EGLC", NOW - timedelta(hours=1))) == 1
    stack = view.stack(Kind.EVENTS, "event-1", NOW - timedelta(hours=1), failed=True)
    assert "cannot be kept as it was read" in str(stack.error[0])
    assert not len(view.stack(Kind.EVENTS, "event-1", NOW - timedelta(hours=1)))
