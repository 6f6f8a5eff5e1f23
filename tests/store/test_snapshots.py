"""Publishing: whole or not at all, byte-exact, once."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import StoreError
from core.model.record import Kind
from core.store.archive import Archive
from core.store.catalogue import Catalogue
from core.store.encoding import decoded, encoded
from core.store.snapshots import SnapshotStore
from tests.store.samples import files_under, forecast, listing, minutes, same_stack


@given(raw=st.binary(max_size=200), celsius=st.lists(st.floats(width=64), max_size=5), at=st.integers(0, 10**6))
@settings(max_examples=150, deadline=None)
def test_a_file_gives_back_every_byte_and_every_bit(raw: bytes, celsius: list[float], at: int) -> None:
    record = forecast(at / 7, *celsius, raw=raw)

    back = decoded(encoded(record).file(), "x").record

    assert back.raw == raw
    assert (back.received_at, back.issued_at, dict(back.facts)) == (record.received_at, record.issued_at, record.facts)
    np.testing.assert_array_equal(back.rows["celsius"], record.rows["celsius"])
    assert {name: values.dtype.kind for name, values in back.rows.items()} == {
        "model": "O", "variable": "O", "valid_at": "i", "celsius": "f",
    }  # fmt: skip


def test_a_snapshot_lies_where_a_person_looks_for_it(tmp_path: Path) -> None:
    SnapshotStore(tmp_path).publish([forecast(0, 1.0)])

    (path,) = files_under(tmp_path / "snapshots")
    assert path.parent == tmp_path / "snapshots/open_meteo/EGLC/2026-03-01"
    assert path.name.startswith("2026-03-01T120000.000000Z-")
    header = orjson.loads(path.read_bytes())
    assert header["received_at"] == "2026-03-01T12:00:00Z"
    assert header["issued_at"] == "2026-03-01T11:00:00Z"
    assert header["raw"] == {"text": "(1.0,)"}


@pytest.mark.parametrize("subject", ["", "..", ".", "a/b", "a b", "é", "x" * 121, "a\n"])
def test_a_subject_that_is_no_file_name_is_refused(tmp_path: Path, subject: str) -> None:
    with pytest.raises(StoreError, match="subject"):
        SnapshotStore(tmp_path).publish([forecast(0, 1.0, subject=subject)])

    assert not (tmp_path / "snapshots").exists()


def test_the_folder_of_references_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="source 'references'"):
        SnapshotStore(tmp_path).publish([forecast(0, 1.0, source="references")])


def test_a_column_of_the_wrong_type_is_refused_before_anyone_reads_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="'lower' is str, must be int64"):
        SnapshotStore(tmp_path).publish([listing(0, lower=np.array(["a"], dtype=object))])
    with pytest.raises(StoreError, match="equally long"):
        SnapshotStore(tmp_path).publish([listing(0, lower=np.arange(2), upper=np.arange(3))])


def test_an_unchanged_payload_is_stored_once_and_referenced(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    store.publish([forecast(0, 1.0), forecast(0, 2.0, subject="KLGA")])

    store.publish([forecast(15, 1.0), forecast(15, 2.0, subject="KLGA")])

    references = files_under(tmp_path / "snapshots/references")
    assert len(references) == 1  # a file for the whole batch
    assert len(files_under(tmp_path / "snapshots")) == 3
    stack = Archive(tmp_path).as_of([minutes(60)]).stack(Kind.FORECAST, "EGLC", minutes(-60))
    assert len(stack) == 2
    assert stack.first_at.tolist() == [stack.received_at[0]] * 2
    np.testing.assert_array_equal(stack.rows(0)["celsius"], stack.rows(1)["celsius"])


def test_the_same_bytes_read_by_another_decoder_are_not_the_same_payload(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    store.publish([forecast(0, 1.0)])

    store.publish([replace(forecast(15, 2.0, raw=b"(1.0,)"), decoder=2)])

    assert not (tmp_path / "snapshots/references").exists()


def test_each_utc_day_stands_alone(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)

    store.publish([forecast(0, 1.0)])
    store.publish([forecast(13 * 60, 1.0)])

    assert not (tmp_path / "snapshots/references").exists()
    stack = Archive(tmp_path).as_of([minutes(6000)]).stack(Kind.FORECAST, "EGLC", minutes(600))
    assert stack.first_at.tolist() == [int(minutes(0).timestamp() * 1e6)]  # the age survives midnight and the span


def test_publishing_again_changes_nothing(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    batch = [forecast(0, 1.0), forecast(15, 1.0), forecast(30, 2.0)]
    store.publish(batch)
    files, index = files_under(tmp_path / "snapshots"), store.catalogue.all()

    store.publish(batch)

    assert files_under(tmp_path / "snapshots") == files
    assert store.catalogue.all() == index


def test_a_crash_between_file_and_catalogue_is_mended_at_the_next_start(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    store.publish([forecast(0, 1.0)])
    store.publish([forecast(15, 1.0), forecast(15, 2.0, subject="KLGA")])
    index = store.catalogue.all()
    store.close()
    with sqlite3.connect(tmp_path / "catalogue.db") as database:
        database.execute("delete from snapshots where received_at > ?", (int(minutes(1).timestamp() * 1e6),))
    database.close()

    mended = SnapshotStore(tmp_path)

    assert mended.catalogue.all() == index
    mended.publish([forecast(15, 1.0), forecast(15, 2.0, subject="KLGA")])
    assert mended.catalogue.all() == index


@pytest.mark.parametrize("damage", [None, b"", b"SQLite format 3\0 and then nonsense" * 200])
def test_a_missing_or_corrupt_catalogue_is_rebuilt_from_the_files(tmp_path: Path, damage: bytes | None) -> None:
    store = SnapshotStore(tmp_path)
    for cycle in range(5):
        store.publish([forecast(15 * cycle, float(cycle // 2)), forecast(15 * cycle, float(cycle), subject="KLGA")])
    index = store.catalogue.all()
    stack = Archive(tmp_path).as_of([minutes(600)]).stack(Kind.FORECAST, "EGLC", minutes(-60))
    store.close()
    for path in tmp_path.glob("catalogue.db*"):
        path.unlink()
    if damage is not None:
        (tmp_path / "catalogue.db").write_bytes(damage)

    again = SnapshotStore(tmp_path)

    assert again.catalogue.all() == index
    same_stack(Archive(tmp_path).as_of([minutes(600)]).stack(Kind.FORECAST, "EGLC", minutes(-60)), stack)


def test_a_rebuild_gives_the_same_index(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    for cycle in range(8):
        store.publish([forecast(15 * cycle, float(cycle // 3)), forecast(15 * cycle, 0.0, error="timeout", subject="KLGA")])
    index = store.catalogue.all()

    assert store.catalogue.rebuild() == 16
    assert store.catalogue.all() == index


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b.replace(b"2.0", b"9.0")])
def test_a_damaged_file_is_set_aside_and_the_others_go_on(
    tmp_path: Path, damage: object, caplog: pytest.LogCaptureFixture
) -> None:
    store = SnapshotStore(tmp_path)
    store.publish([forecast(0, 1.0), forecast(15, 2.0), forecast(30, 3.0)])
    path = next((tmp_path / "snapshots").rglob("*T121500*.json"))
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    store.close()
    archive = Archive(tmp_path, SnapshotStore(tmp_path))

    stacks = [archive.as_of([minutes(60)]).stack(Kind.FORECAST, "EGLC", minutes(-since)) for since in (60, 90)]

    for stack in stacks:
        assert stack.columns["celsius"].tolist() == [1.0, 3.0]
    assert [record.getMessage().count("T121500") > 0 for record in caplog.records] == [True]
    assert len(files_under(tmp_path / "quarantine")) == 1
    assert Catalogue(tmp_path).rebuild() == 2


def test_a_reader_leaves_a_damaged_file_where_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = SnapshotStore(tmp_path)
    store.publish([forecast(0, 1.0), forecast(15, 2.0)])
    path = next((tmp_path / "snapshots").rglob("*T121500*.json"))
    path.write_bytes(path.read_bytes()[:40])
    reader = Archive(tmp_path)

    for since in (60, 90):
        assert len(reader.as_of([minutes(60)]).stack(Kind.FORECAST, "EGLC", minutes(-since))) == 1

    assert path.exists()
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("number", "way"), [(errno.ENOSPC, "free some space"), (errno.EROFS, "read-only"), (errno.EACCES, "right")]
)
def test_a_full_disk_is_told_with_folder_and_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, way: str
) -> None:
    store = SnapshotStore(tmp_path)

    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        with pytest.raises(StoreError, match=way) as told:
            store.publish([forecast(0, 1.0)])
    assert str(tmp_path) in str(told.value)
    assert files_under(tmp_path / "incoming") == []
    store.publish([forecast(0, 1.0)])
    assert len(store.catalogue.all()) == 1


_WRITER = """
import sys
from pathlib import Path
from core.store.snapshots import SnapshotStore
from tests.store.samples import forecast
store = SnapshotStore(Path(sys.argv[1]))
first = int(sys.argv[2])
for cycle in range(first, first + 2000):
    store.publish([forecast(cycle, float(cycle // 3), subject=f"S{n}") for n in range(6)])
    print(cycle, flush=True)
"""


def test_a_kill_while_publishing_leaves_nothing_torn(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    acknowledged = -1
    for kill in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path), str(acknowledged + 1)], stdout=subprocess.PIPE, cwd=root, text=True
        )
        assert writer.stdout is not None
        for _ in range(5 + kill * 3):
            acknowledged = int(writer.stdout.readline())
        time.sleep(kill * 0.0013)  # fall at different points of a batch
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split()
        acknowledged = int(rest[-1]) if rest else acknowledged
        writer.wait()
        writer.stdout.close()

        visible = Catalogue(tmp_path, readonly=True)
        counts = {
            len([entry for entry in visible.all() if entry.received_at == at]) for at in {e.received_at for e in visible.all()}
        }
        assert counts == {6}  # a batch is there whole or not at all
        assert len(visible.all()) >= 6 * (acknowledged + 1)
        visible.close()

    store = SnapshotStore(tmp_path)
    index = store.catalogue.all()
    store.catalogue.rebuild()
    assert store.catalogue.all() == index
    assert not (tmp_path / "quarantine").exists()
    assert files_under(tmp_path / "incoming") == []


def _publish_many(folder: str, count: int) -> None:
    store = SnapshotStore(Path(folder))
    for cycle in range(count):
        store.publish([forecast(cycle, float(cycle), float(cycle), subject=name) for name in ("EGLC", "KLGA")])


def test_a_concurrent_reader_sees_whole_batches_in_order(tmp_path: Path) -> None:
    reader = Archive(tmp_path)  # opened before there is anything
    assert len(reader.as_of([minutes(1e4)]).stack(Kind.FORECAST, "EGLC", minutes(-60))) == 0
    writer = multiprocessing.get_context("spawn").Process(target=_publish_many, args=(str(tmp_path), 150))
    writer.start()
    seen: list[int] = []
    while not seen or seen[-1] < 150:
        view = reader.as_of([minutes(1e4)])
        one, other = (view.stack(Kind.FORECAST, name, minutes(-60)) for name in ("EGLC", "KLGA"))
        assert one.columns["celsius"].tolist() == [float(i // 2) for i in range(2 * len(one))]
        assert len(other) >= len(one) or not seen
        seen.append(len(one))
        assert writer.is_alive() or len(reader.as_of([minutes(1e4)]).stack(Kind.FORECAST, "EGLC", minutes(-60))) == 150
    writer.join()

    assert seen == sorted(seen)
