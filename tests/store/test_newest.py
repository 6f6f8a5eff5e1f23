"""What is newest, what came since: the same as the stacks say, however an archive is read and whatever comes in between."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from core.model.record import Kind
from core.store.archive import Archive, View
from core.store.parquet import write_closed_days
from core.store.snapshots import SnapshotStore
from tests.store.samples import forecast, minutes, same_stack

LONG_AGO = minutes(-(10**5))
STATIONS = ("EGLC", "KLGA", "KMIA")


def assert_newest(view: View, since: float) -> None:
    """Compare `newest` with the last record of the stack, of every station."""
    for subject in STATIONS:
        whole, found = (read(Kind.FORECAST, subject, minutes(since)) for read in (view.stack, view.newest))
        assert len(found) == min(len(whole), 1)
        if len(found):
            assert (found.received_at[0], found.first_at[0]) == (whole.received_at[-1], whole.first_at[-1])
            assert (found.source, found.error, dict(found.facts[0])) == (whole.source[-1:], (None,), dict(whole.facts[-1]))
            rows = whole.rows(-1)
            assert {name: values.tolist() for name, values in found.columns.items()} == {
                name: values.tolist() for name, values in rows.items()
            }


def batches(seed: int) -> list[list[object]]:
    chance = np.random.default_rng(seed)
    found: list[list[object]] = []
    for at in range(0, 6_000, 97):  # four days
        batch = []
        for subject in STATIONS:
            if chance.random() < 0.7:
                value = float(chance.integers(0, 3))  # often the same again
                error = "down" if chance.random() < 0.2 else None
                batch.append(
                    forecast(at, value, subject=subject) if error is None else forecast(at, error=error, subject=subject)
                )
        found.append(batch)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_newest_answer_is_the_last_of_the_stack_while_records_come_in(tmp_path: Path, seed: int) -> None:
    store = SnapshotStore(tmp_path)
    archive = Archive(tmp_path, store)
    for number, batch in enumerate(batches(seed)):
        store.publish(batch)  # type: ignore[arg-type]
        at = minutes(97 * number)
        assert_newest(archive.as_of([at]), 97 * number - 300)
        if number % 5 == 0:
            assert_newest(archive.as_of([at - timedelta(minutes=200)]), 97 * number - 900)  # a view of the past in between
        if number % 20 == 19:
            archive.close_days((at - timedelta(days=1)).date())
            assert_newest(archive.as_of([at]), -(10**5))


def test_the_newest_answer_is_the_same_for_whoever_comes_later(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    for batch in batches(7):
        store.publish(batch)  # type: ignore[arg-type]
    writer = Archive(tmp_path, store)
    writer.close_days(minutes(3_000).date())
    reader = Archive(tmp_path)
    for at in range(0, 6_000, 211):
        for archive in (writer, reader):
            assert_newest(archive.as_of([minutes(at)]), at - 400)


def test_an_older_answer_that_comes_late_does_not_replace_the_newest(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    archive = Archive(tmp_path, store)
    store.publish([forecast(0, 1.0), forecast(60, 2.0)])
    assert archive.as_of([minutes(60)]).newest(Kind.FORECAST, "EGLC", LONG_AGO).columns["celsius"].tolist() == [2.0]

    store.publish([forecast(30, 3.0), forecast(61, error="down")])

    assert archive.as_of([minutes(90)]).newest(Kind.FORECAST, "EGLC", LONG_AGO).columns["celsius"].tolist() == [2.0]
    assert_newest(archive.as_of([minutes(90)]), -1)


def test_who_was_heard_of_is_the_same_for_whoever_comes_later_and_whatever_comes_late(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    archive = Archive(tmp_path, store)
    for received in ({"EGLC": 0, "KLGA": 10}, {"KMIA": 30, "EGLC": 20}, {"KNYC": 15}, {"KLGA": 40}, {"RKSI": 40}):
        store.publish([forecast(at, 1.0, subject=subject) for subject, at in received.items()])
        for since in range(0, 50, 5):
            here, there = (reader.as_of([minutes(50)]) for reader in (archive, Archive(tmp_path)))
            assert here.subjects(Kind.FORECAST, minutes(since)) == there.subjects(Kind.FORECAST, minutes(since))


def growing(where: Path, seed: int, *, closed_at: int, before: float, back: float) -> Iterator[tuple[View, datetime]]:
    """Yield views of the last minutes of an archive that grows, and of which the first days are closed on the way."""
    store = SnapshotStore(where)
    archive = Archive(where, store)
    for number, batch in enumerate(batches(seed)):
        store.publish(batch)  # type: ignore[arg-type]
        if number == closed_at:
            archive.close_days(minutes(before).date())
        yield archive.as_of([minutes(97 * number)]), minutes(97 * number - back)


def test_what_was_heard_is_what_the_stacks_hold_after_an_instant(tmp_path: Path) -> None:
    for view, since in growing(tmp_path, 3, closed_at=40, before=2_900, back=200):
        stacks = [view.stack(Kind.FORECAST, subject, since + timedelta(microseconds=1), failed=True) for subject in STATIONS]
        told = [
            (stack.subject, *line)
            for stack in stacks
            for line in zip(stack.source, stack.received_at.tolist(), stack.first_at.tolist(), stack.error, strict=True)
        ]
        assert [each[:5] for each in view.heard(Kind.FORECAST, since)] == told


def test_what_was_received_is_the_stacks_of_all_subjects(tmp_path: Path) -> None:
    for view, since in growing(tmp_path, 5, closed_at=30, before=1_500, back=300):
        stacks = [view.stack(Kind.FORECAST, subject, since) for subject in view.subjects(Kind.FORECAST, since)]
        found = list(view.received(Kind.FORECAST, since))
        assert [stack.subject for stack in found] == [stack.subject for stack in stacks if len(stack)]
        for one, other in zip(found, (stack for stack in stacks if len(stack)), strict=True):
            same_stack(one, other)


@pytest.mark.parametrize("closed", [False, True])
def test_the_current_answers_of_instants_far_apart_are_those_that_the_whole_stack_has(tmp_path: Path, closed: bool) -> None:
    records = [record for batch in batches(7) for record in batch]
    if closed:
        write_closed_days(tmp_path, records[:60])  # type: ignore[arg-type]
    SnapshotStore(tmp_path).publish(records[60 if closed else 0 :])  # type: ignore[arg-type]
    archive, lookback = Archive(tmp_path), timedelta(minutes=400)
    view = archive.as_of([minutes(at) for at in (900, 1_700, 1_701, 3_300, 5_000)])

    for subject in STATIONS:
        found, whole = view.current(Kind.FORECAST, subject, lookback), view.stack(Kind.FORECAST, subject, LONG_AGO)
        for at in view.instants:
            told = [
                stack.rows(int(stack.newest(np.array([at]))[0]))["celsius"].tolist()
                if len(stack) and stack.newest(np.array([at]))[0] >= 0
                and stack.received_at[stack.newest(np.array([at]))[0]] >= at - lookback // timedelta(microseconds=1) else None
                for stack in (found, whole)
            ]  # fmt: skip
            assert told[0] == told[1]
        if not closed:
            assert len(found) <= len(view.instants)
        everything = view.stack(Kind.FORECAST, subject, LONG_AGO, failed=True)
        assert view.asked(Kind.FORECAST, subject, LONG_AGO).tolist() == everything.received_at.tolist()
