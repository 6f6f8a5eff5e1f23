"""Single looks far back: a span is what a stack of that time was, and nothing of it stays in memory."""

from __future__ import annotations

from pathlib import Path

from core.model.record import Kind
from core.store.archive import Archive
from core.store.snapshots import SnapshotStore
from tests.store.samples import forecast, minutes, same_stack


def archive(folder: Path) -> Archive:
    store = SnapshotStore(folder)
    store.publish([forecast(at, 10.0 + at // 30, 11.0) for at in range(0, 100, 10)] + [forecast(35, 0.0, error="down")])
    return Archive(folder, store)


def test_a_span_is_the_stack_of_its_end(tmp_path: Path) -> None:
    kept = archive(tmp_path)

    span = kept.as_of([minutes(90)]).span(Kind.FORECAST, "EGLC", minutes(20), minutes(55))

    same_stack(span, kept.as_of([minutes(55)]).stack(Kind.FORECAST, "EGLC", minutes(20)))
    assert len(span) == 4


def test_a_span_never_reaches_beyond_the_view(tmp_path: Path) -> None:
    span = archive(tmp_path).as_of([minutes(40)]).span(Kind.FORECAST, "EGLC", minutes(0), minutes(90))

    assert span.received_at[-1] == int(minutes(40).timestamp() * 1e6)


def test_a_span_keeps_nothing(tmp_path: Path) -> None:
    kept = archive(tmp_path)

    kept.as_of([minutes(90)]).span(Kind.FORECAST, "EGLC", minutes(0), minutes(90))

    assert kept.nbytes == 0
