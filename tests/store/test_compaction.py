"""A day that is closed holds what its files held, whatever happens on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from core.errors import StoreError
from core.model.record import Kind, Record
from core.store.archive import Archive
from core.store.catalogue import Catalogue
from core.store.parquet import write_closed_days
from core.store.snapshots import SnapshotStore
from tests.conftest import ROOT
from tests.store.samples import START, files_under, forecast, listing, minutes, same_stack

FIRST = START.date()


def some_days(store: SnapshotStore, days: int = 4) -> None:
    """Publish forecasts that change every third hour, listings of two events and now and then a failure."""
    for hour in range(24 * days):
        batch: list[Record] = [
            forecast(60 * hour, 20.0 + hour // 3, 21.0 + hour // 3),
            forecast(60 * hour, 9.0, subject="KLGA"),
            listing(60 * hour, f"event-{hour // 30}", raw=b"{%d}" % (hour // 5), lower=np.array([hour // 5], np.int64)),
        ]
        if hour % 7 == 0:
            batch.append(forecast(60 * hour + 1, error="down", subject="EGLC"))
        store.publish(batch)


def stacks(archive: Archive) -> list[object]:
    view = archive.as_of([START + timedelta(days=9)])
    subjects = [(kind, subject) for kind in (Kind.FORECAST, Kind.EVENTS) for subject in view.subjects(kind, START)]
    return [view.stack(kind, subject, START, failed=True) for kind, subject in subjects]


def test_readers_see_the_same_before_and_after(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    some_days(store)
    before = stacks(Archive(tmp_path))
    bystander = Archive(tmp_path)
    stacks(bystander)
    archive = Archive(tmp_path, store)
    kept = stacks(archive)

    done = archive.close_days(FIRST + timedelta(days=3))

    assert done.days == (FIRST, FIRST + timedelta(days=1), FIRST + timedelta(days=2))
    assert done.records == 189  # 60 hours of three records each, and a failure in every seventh hour
    for reader in (archive, bystander, Archive(tmp_path)):
        after = stacks(reader)
        assert len(after) == len(before)
        for one, other in zip(before, after, strict=True):
            same_stack(one, other)
    assert [stack.subject for stack in kept] == [stack.subject for stack in before]


def test_the_files_of_closed_days_are_gone_and_nothing_else(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    some_days(store)
    archive = Archive(tmp_path, store)

    archive.close_days(FIRST + timedelta(days=2))

    left = {path.parent.name for path in files_under(tmp_path / "snapshots")}
    assert left == {str(FIRST + timedelta(days=n)) for n in (2, 3, 4)}
    assert Catalogue(tmp_path, readonly=True).count(until=0) == 0


def test_raw_bytes_of_a_closed_day_can_be_read(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    store.publish([forecast(0, 1.0, raw=b"\xff\x00 as it came")])
    archive = Archive(tmp_path, store)

    archive.close_days(FIRST + timedelta(days=1))
    view = Archive(tmp_path).as_of([minutes(60)])

    assert view.raw(view.stack(Kind.FORECAST, "EGLC", START), 0) == b"\xff\x00 as it came"


def test_what_is_published_afterwards_goes_on_with_the_run_of_equal_content(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    store.publish([forecast(0, 20.0)])
    archive = Archive(tmp_path, store)
    archive.close_days(FIRST + timedelta(days=1))

    store.publish([forecast(24 * 60, 20.0)])

    stack = archive.as_of([minutes(25 * 60)]).stack(Kind.FORECAST, "EGLC", START)
    assert stack.first_at.tolist() == [stack.received_at[0]] * 2


def test_a_record_that_comes_late_joins_its_closed_day(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    some_days(store, 2)
    archive = Archive(tmp_path, store)
    archive.close_days(FIRST + timedelta(days=1))

    store.publish([forecast(90.5, 33.0)])
    archive.close_days(FIRST + timedelta(days=1))

    stack = Archive(tmp_path).as_of([minutes(91)]).stack(Kind.FORECAST, "EGLC", START)
    assert stack.rows(-1)["celsius"].tolist() == [33.0]


def test_a_closed_day_takes_in_subjects_between_those_it_has(tmp_path: Path) -> None:
    write_closed_days(tmp_path, [forecast(0, 1.0, subject="EGLC"), forecast(0, 3.0, subject="RKSI")])
    store = SnapshotStore(tmp_path)
    store.publish([forecast(60, 2.0, subject="KLGA")])

    Archive(tmp_path, store).close_days(FIRST + timedelta(days=1))

    view = Archive(tmp_path).as_of([minutes(90)])
    found = {
        subject: view.stack(Kind.FORECAST, subject, START).columns["celsius"].tolist() for subject in ("EGLC", "KLGA", "RKSI")
    }
    assert found == {"EGLC": [1.0], "KLGA": [2.0], "RKSI": [3.0]}


def test_a_day_that_does_not_agree_keeps_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SnapshotStore(tmp_path)
    some_days(store, 2)
    files = files_under(tmp_path / "snapshots")
    from core.store import compaction

    write = compaction.write_day

    def damaging(*given: object) -> Path:
        path: Path = write(*given)  # type: ignore[arg-type]
        table = pq.read_table(path, memory_map=False)
        pq.write_table(table.slice(0, len(table) - 1).replace_schema_metadata(table.schema.metadata), path)
        return path

    monkeypatch.setattr(compaction, "write_day", damaging)

    with pytest.raises(StoreError, match="stay as they are"):
        Archive(tmp_path, store).close_days(FIRST + timedelta(days=1))

    assert files_under(tmp_path / "snapshots") == files


KILLED = """
import os, signal, sys
from datetime import timedelta
from pathlib import Path
from core.store import compaction
from core.store.archive import Archive
from core.store.snapshots import SnapshotStore
from tests.store.samples import START
where, moment = Path(sys.argv[1]), sys.argv[2]
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
if moment == "written": compaction.subjects_of_day = die
if moment == "removing": compaction._remove = die
if moment == "forgetting":
    from core.store.catalogue import Catalogue
    Catalogue.move_on = die
Archive(where, SnapshotStore(where)).close_days(START.date() + timedelta(days=2))
"""


@pytest.mark.parametrize("moment", ["written", "forgetting", "removing"])
def test_a_kill_on_the_way_loses_nothing_and_doubles_nothing(tmp_path: Path, moment: str) -> None:
    store = SnapshotStore(tmp_path)
    some_days(store)
    before = stacks(Archive(tmp_path))
    store.close()

    died = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), moment], cwd=ROOT, check=False, env=dict(os.environ))
    assert died.returncode == -signal.SIGKILL
    for one, other in zip(before, stacks(Archive(tmp_path)), strict=True):
        same_stack(one, other)

    again = Archive(tmp_path, SnapshotStore(tmp_path))
    again.close_days(FIRST + timedelta(days=2))
    for one, other in zip(before, stacks(again), strict=True):
        same_stack(one, other)


def test_records_of_one_instant_form_runs_in_the_order_of_their_stack(tmp_path: Path) -> None:
    """A source that answers twice at an instant, once as before and once anew, is no reason to leave a day as it is."""
    store = SnapshotStore(tmp_path)
    for number in range(24):
        store.publish([forecast(60 * number, 9.0), forecast(60 * number, 20.0 + number)])
    hot = stacks(Archive(tmp_path))

    Archive(tmp_path, store).close_days(FIRST + timedelta(days=1))

    for one, other in zip(hot, stacks(Archive(tmp_path)), strict=True):
        same_stack(one, other)


def test_only_the_writer_closes_days(tmp_path: Path) -> None:
    some_days(SnapshotStore(tmp_path), 1)

    with pytest.raises(StoreError, match="only the process that writes"):
        Archive(tmp_path).close_days(FIRST + timedelta(days=1))
