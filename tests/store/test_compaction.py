"""A day that is closed holds what its files held, whatever happens on the way."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from agents.backfill import Shelving
from core.errors import StoreError
from core.model.record import Kind, Record
from core.store.archive import Archive, Stack
from core.store.catalogue import Catalogue
from core.store.encoding import encoded
from core.store.layout import CATALOGUE, closed_path
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


def stacks(archive: Archive) -> list[Stack]:
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
    """Nothing is put in its place before it was compared: also a closed day that was there stays byte for byte."""
    write_closed_days(tmp_path, [forecast(30, 7.0)])
    store = SnapshotStore(tmp_path)
    some_days(store, 2)
    files = {path: path.read_bytes() for name in ("snapshots", "archive") for path in files_under(tmp_path / name)}
    before = stacks(Archive(tmp_path))
    from core.store import placing

    assemble = placing._assemble

    def damaging(target: Path, *given: object) -> None:
        assemble(target, *given)  # type: ignore[arg-type]
        table = pq.read_table(target, memory_map=False)
        pq.write_table(table.slice(0, len(table) - 1).replace_schema_metadata(table.schema.metadata), target)

    monkeypatch.setattr(placing, "_assemble", damaging)

    with pytest.raises(StoreError, match="stay as they are"):
        Archive(tmp_path, store).close_days(FIRST + timedelta(days=1))

    assert {path: path.read_bytes() for name in ("snapshots", "archive") for path in files_under(tmp_path / name)} == files
    assert not files_under(tmp_path / "incoming")
    for one, other in zip(before, stacks(Archive(tmp_path)), strict=True):
        same_stack(one, other)


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


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def write_again(path: Path, foot: dict[str, bytes] | None, *without: str) -> None:
    table = pq.read_table(path, memory_map=False)
    pq.write_table(table.drop_columns(list(without)).replace_schema_metadata(foot or table.schema.metadata), path)


GARBAGE: dict[str, Callable[[Path], object]] = {
    "no parquet": lambda path: path.write_bytes(b"xx"),
    "no foot": lambda path: write_again(path, {"other": b""}),
    "foot is no JSON": lambda path: write_again(path, {"subjects": b"{"}),
    "columns are missing": lambda path: write_again(path, None, "content", "received_at", "first_at"),
    "a folder": make_folder,
}


@pytest.mark.parametrize("damage", GARBAGE)
def test_a_closed_file_that_is_garbage_is_named_and_the_other_days_close(tmp_path: Path, damage: str) -> None:
    write_closed_days(tmp_path, [forecast(0, 7.0)])
    path = closed_path(tmp_path, Kind.FORECAST, FIRST)
    GARBAGE[damage](path)
    (path.parent / "not-a-day!.parquet").write_bytes(b"")
    store = SnapshotStore(tmp_path)
    some_days(store, 3)
    archive = Archive(tmp_path, store)

    with pytest.raises(StoreError, match="restore that file, or remove it") as told:
        archive.close_days(FIRST + timedelta(days=2))

    assert str(path) in str(told.value)
    assert closed_path(tmp_path, Kind.EVENTS, FIRST).exists()
    assert closed_path(tmp_path, Kind.FORECAST, FIRST + timedelta(days=1)).exists()
    assert {entry.kind for entry in store.catalogue.before(FIRST + timedelta(days=2))} == {Kind.FORECAST}
    with pytest.raises(StoreError, match="restore that file, or remove it"):
        write_closed_days(tmp_path, [forecast(1, 8.0)])
    store.publish([forecast(60 * 80, 1.0)])  # the engine goes on


def some_record(chance: random.Random, hour: int) -> Record:
    """Return one of few contents of few sources, so that runs meet, break and repeat in every order."""
    celsius, answers = float(chance.randrange(2)), chance.random() > 0.15
    return forecast(
        60 * hour, *[celsius] * chance.randrange(3) if answers else (), subject=chance.choice(["EGLC", "KLGA"]),
        source=chance.choice(["open_meteo", "zeus"]), error=None if answers else "down", raw=b"" if chance.random() < 0.3 else None,
    )  # fmt: skip


def lose_catalogue(folder: Path) -> None:
    for path in folder.glob(f"{CATALOGUE}*"):
        path.unlink()


@pytest.mark.parametrize("seed", range(6))
def test_whatever_lies_where_readers_see_the_runs_of_the_records_alone(tmp_path: Path, seed: int) -> None:
    """Late records, backfilled ones, days that are closed and a lost index: compared with all of it published in order."""
    chance = random.Random(seed)
    store = SnapshotStore(tmp_path)
    known: dict[str, Record] = {}

    def keep(some: list[Record]) -> list[Record]:
        new = {encoded(record).identity: record for record in some}
        known.update(new)
        return list(new.values())

    for hour in range(0, 96, chance.choice([2, 3, 5])):
        store.publish(keep([some_record(chance, hour - chance.choice([0, 0, 0, 7])) for _ in range(chance.randrange(5))]))
    for _ in range(4):
        act = chance.choice(["close", "late", "backfill", "lose"])
        if act == "close":
            Archive(tmp_path, store).close_days(FIRST + timedelta(days=chance.randrange(1, 4)))
        elif act == "late":
            store.publish(keep([some_record(chance, chance.randrange(96)) for _ in range(6)]))
        elif act == "backfill":
            now = START + timedelta(days=9)
            shelving = Shelving(tmp_path, now)
            heard = {(each.source, each.subject, each.received_at) for each in known.values()}
            past = [some_record(chance, chance.randrange(96)) for _ in range(6)]
            past = list({(each.source, each.subject, each.received_at): each for each in past if each.error is None}.values())
            keep([each for each in past if (each.source, each.subject, each.received_at) not in heard])
            shelving.keep([("key", past, ())])
            shelving.close()
        else:
            store.close()
            lose_catalogue(tmp_path)
            store = SnapshotStore(tmp_path)
        plain = SnapshotStore(tmp_path / f"plain-{_}")
        plain.publish(list(known.values()))
        wanted, got = stacks(Archive(tmp_path / f"plain-{_}")), stacks(Archive(tmp_path))
        plain.close()
        for one, other in zip(wanted, got, strict=True):
            same_stack(one, other)


@pytest.mark.parametrize("seed", range(3))
def test_a_day_that_was_written_but_not_forgotten_closes_after_the_index_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    store = SnapshotStore(tmp_path)
    for hour in range(96):
        store.publish([some_record(chance, hour) for _ in range(3)])
    before = stacks(Archive(tmp_path))

    class StoppedError(Exception):
        pass

    def stop(*_: object) -> None:
        raise StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(Catalogue, "move_on", stop)
        with pytest.raises(StoppedError):
            Archive(tmp_path, store).close_days(FIRST + timedelta(days=2))
    store.close()
    lose_catalogue(tmp_path)

    again = SnapshotStore(tmp_path)
    for one, other in zip(before, stacks(Archive(tmp_path)), strict=True):
        same_stack(one, other)
    Archive(tmp_path, again).close_days(FIRST + timedelta(days=3))
    for one, other in zip(before, stacks(Archive(tmp_path)), strict=True):
        same_stack(one, other)
