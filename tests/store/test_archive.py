"""As of an instant: never more, and the same from every tier."""

from __future__ import annotations

import shutil
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import LookaheadError
from core.model.record import Kind, Record
from core.store.archive import Archive, Stack
from core.store.parquet import ClosedRecords, write_closed_days, write_closed_table
from core.store.snapshots import SnapshotStore
from core.units import micros
from tests.store.samples import files_under, forecast, listing, minutes, same_stack

FOREVER = minutes(10**6)


def stack_of(archive: Archive, at: datetime = FOREVER, since: float = -(10**5), failed: bool = False, **words: object) -> Stack:
    return archive.as_of([at]).stack(Kind.FORECAST, "EGLC", minutes(since), failed=failed, **words)  # type: ignore[arg-type]


def test_a_view_holds_what_was_received_and_nothing_later(tmp_path: Path) -> None:
    SnapshotStore(tmp_path).publish([forecast(at, float(at), at + 0.5) for at in (0, 15, 30)])

    stack = stack_of(Archive(tmp_path), minutes(20), 10)

    assert stack.columns["celsius"].tolist() == [15.0, 15.5]
    assert stack.issued_at.tolist() == [micros(minutes(-45))]
    assert stack.newest(np.array([micros(minutes(at)) for at in (10, 14, 15, 20)])).tolist() == [-1, -1, 0, 0]


def test_the_instant_of_receipt_counts_as_received(tmp_path: Path) -> None:
    SnapshotStore(tmp_path).publish([forecast(0, 1.0), forecast(15, 2.0)])

    assert len(stack_of(Archive(tmp_path), minutes(15), 15)) == 1


def test_asking_for_the_future_is_a_bug(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    with pytest.raises(LookaheadError, match="ascend"):
        archive.as_of([minutes(15), minutes(0)])
    with pytest.raises(LookaheadError, match="one instant"):
        archive.as_of([])
    with pytest.raises(ValueError, match="time zone"):
        archive.as_of([datetime(2026, 1, 1)])  # noqa: DTZ001
    with pytest.raises(LookaheadError, match="not 2026-03-01 12:16"):
        stack_of(archive, minutes(15)).newest(np.array([micros(minutes(16))]))


def test_an_empty_stack_has_the_columns_of_its_kind(tmp_path: Path) -> None:
    stack = stack_of(Archive(tmp_path / "nothing"))

    assert {name: values.dtype.kind for name, values in stack.columns.items()} == {
        "model": "O", "variable": "O", "valid_at": "i", "celsius": "f",
    }  # fmt: skip
    assert stack.newest(np.array([0])).tolist() == [-1]


def test_shared_arrays_cannot_be_written_to(tmp_path: Path) -> None:
    SnapshotStore(tmp_path).publish([forecast(0, 1.0)])
    stack = stack_of(Archive(tmp_path))

    for values in (stack.received_at, stack.first_at, stack.offsets, stack.columns["celsius"]):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1


def test_failed_questions_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    SnapshotStore(tmp_path).publish([forecast(0, 1.0), forecast(15, error="timeout"), forecast(30, 1.0), forecast(45, 2.0)])
    archive = Archive(tmp_path)

    stack, everything = stack_of(archive), stack_of(archive, failed=True)

    assert stack.columns["celsius"].tolist() == [1.0, 1.0, 2.0]
    assert everything.error == (None, "timeout", None, None)
    assert everything.offsets.tolist() == [0, 1, 1, 2, 3]
    # an unanswered question does not make an unchanged forecast younger
    assert stack.first_at.tolist() == [micros(minutes(at)) for at in (0, 0, 45)]


def test_sources_are_told_apart(tmp_path: Path) -> None:
    SnapshotStore(tmp_path).publish(
        [forecast(0, 1.0), forecast(1, 9.0, source="zeus"), forecast(15, 1.0), forecast(16, 8.0, source="zeus")]
    )
    archive = Archive(tmp_path)

    assert stack_of(archive).source == ("open_meteo", "zeus", "open_meteo", "zeus")
    assert stack_of(archive, sources=["zeus"]).columns["celsius"].tolist() == [9.0, 8.0]
    assert stack_of(archive, sources=["open_meteo"]).first_at.tolist() == [micros(minutes(0))] * 2


def test_a_content_that_comes_back_is_new_again(tmp_path: Path) -> None:
    SnapshotStore(tmp_path).publish([forecast(15 * n, value) for n, value in enumerate((1.0, 1.0, 2.0, 1.0))])

    assert stack_of(Archive(tmp_path)).first_at.tolist() == [micros(minutes(at)) for at in (0, 0, 30, 45)]


def test_subjects_are_those_with_a_record_in_the_span(tmp_path: Path) -> None:
    SnapshotStore(tmp_path).publish([forecast(0, 1.0), forecast(30, 1.0, subject="KLGA"), listing(30)])
    write_closed_days(tmp_path, [forecast(-3000, 1.0, subject="KMIA"), forecast(-2990, 1.0, subject="KMIA")])
    archive = Archive(tmp_path)

    def subjects(since: float, until: float) -> tuple[str, ...]:
        return archive.as_of([minutes(until)]).subjects(Kind.FORECAST, minutes(since))

    assert subjects(-1, 60) == ("EGLC", "KLGA")
    assert subjects(-1, 29) == ("EGLC",)
    assert subjects(-4000, 29) == ("EGLC", "KMIA")
    assert subjects(-2995, -2991) == ()
    assert subjects(-2990, -2990) == ("KMIA",)


def test_raw_bytes_come_back_from_both_tiers(tmp_path: Path) -> None:
    record = forecast(0, 1.0, raw=b"\xff\x00 torn utf-8")
    SnapshotStore(tmp_path / "hot").publish([record, forecast(15, 1.0, raw=record.raw)])
    write_closed_days(tmp_path / "closed", [record, forecast(15, 1.0, raw=record.raw)])

    for tier in ("hot", "closed"):
        view = Archive(tmp_path / tier).as_of([FOREVER])
        stack = view.stack(Kind.FORECAST, "EGLC", minutes(-1))
        assert [view.raw(stack, index) for index in (0, 1)] == [record.raw] * 2


def test_a_reader_without_the_right_to_write_reads_all(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    store.publish([forecast(0, 1.0), forecast(15, 1.0)])
    store.close()
    before = files_under(tmp_path)

    assert len(stack_of(Archive(tmp_path))) == 2
    (tmp_path / "catalogue.db").unlink()
    assert len(stack_of(Archive(tmp_path))) == 2
    assert [path for path in files_under(tmp_path) if "catalogue" not in path.name] == [
        path for path in before if "catalogue" not in path.name
    ]


def test_late_and_unordered_records_find_their_place(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    archives = [Archive(tmp_path, store), Archive(tmp_path)]
    for at in (30, 0, 45, 15, 20):
        store.publish([forecast(at, float(at)), forecast(at, float(at), source="zeus")])
        kept = [stack_of(archive) for archive in archives]
        for stack in kept:
            same_stack(stack, stack_of(Archive(tmp_path)))

    assert kept[0].columns["celsius"].tolist()[::2] == [0.0, 15.0, 20.0, 30.0, 45.0]


def test_a_stack_does_not_change_after_it_was_given(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    archive = Archive(tmp_path, store)
    store.publish([forecast(0, 1.0), forecast(30, 3.0)])
    stack = stack_of(archive)

    for at in (15, 45, 10):
        store.publish([forecast(at, float(at))])
        stack_of(archive)

    assert stack.columns["celsius"].tolist() == [1.0, 3.0]


def test_a_record_of_more_columns_leaves_the_older_ones_empty(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    archive = Archive(tmp_path, store)
    store.publish([listing(0, market_id=np.array(["a"], dtype=object))])
    archive.as_of([FOREVER]).stack(Kind.EVENTS, "event-1", minutes(-1))
    store.publish([listing(1, market_id=np.array(["a"], dtype=object), depth=np.array([0.5]))])

    stack = archive.as_of([FOREVER]).stack(Kind.EVENTS, "event-1", minutes(-1))

    np.testing.assert_array_equal(stack.columns["depth"], [np.nan, 0.5])
    assert stack.columns["lower"].tolist() == [-32768, -32768]


def test_threads_may_share_one_archive(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    archive = Archive(tmp_path, store)
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(60):
                values = stack_of(archive).columns["celsius"].tolist()
                assert values == sorted(values)
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for at in range(60):
        store.publish([forecast(at, float(at))])
    for reader in readers:
        reader.join()

    assert failures == []
    assert len(stack_of(archive)) == 60


_SOURCES = st.sampled_from(["open_meteo", "zeus"])
_RECORDS = st.lists(
    st.builds(
        lambda at, value, rows, source, failed: (
            forecast(at, error="down", source=source) if failed else forecast(at, *([value] * rows), source=source)
        ),
        st.integers(0, 4000), st.sampled_from([1.0, 2.0, float("nan"), -0.0]), st.integers(0, 3), _SOURCES, st.booleans(),
    ),
    max_size=12,
)  # fmt: skip


def _unique(records: list[Record]) -> list[Record]:
    return list({(record.received_at, record.source): record for record in records}.values())


@given(records=_RECORDS, cut=st.integers(0, 4000), since=st.integers(0, 4000))
@settings(max_examples=25, deadline=None)
def test_deleting_what_came_later_changes_no_view(records: list[Record], cut: int, since: int) -> None:
    """The one promise all research rests on, in both tiers and in a mixture of them."""
    kept = _unique(records)
    folder = Path(tempfile.mkdtemp())
    try:
        for tier in ("hot", "closed", "both"):
            for name, some in (("all", kept), ("cut", [record for record in kept if record.received_at <= minutes(cut)])):
                hot = [record for record in some if tier == "hot" or (tier == "both" and record.received_at > minutes(1500))]
                write_closed_days(folder / tier / name, [record for record in some if record not in hot])
                store = SnapshotStore(folder / tier / name)
                for record in hot:
                    store.publish([record])
                store.close()
            everything, past = (Archive(folder / tier / name) for name in ("all", "cut"))
            for failed in (False, True):
                same_stack(stack_of(everything, minutes(cut), since, failed), stack_of(past, minutes(cut), since, failed))
                naive = [
                    record
                    for record in sorted(kept, key=lambda record: (record.received_at, record.source))
                    if minutes(since) <= record.received_at <= minutes(cut) and (failed or record.error is None)
                ]
                stack = stack_of(everything, minutes(cut), since, failed)
                assert stack.received_at.tolist() == [micros(record.received_at) for record in naive]
                assert stack.error == tuple(record.error for record in naive)
        stacks = [stack_of(Archive(folder / tier / "all"), failed=True) for tier in ("hot", "closed", "both")]
        same_stack(stacks[0], stacks[1])
        same_stack(stacks[0], stacks[2])
    finally:
        shutil.rmtree(folder)


def test_files_of_the_future_can_be_deleted(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    for at in range(0, 90, 15):
        store.publish([forecast(at, float(at // 30)), listing(at)])
    before = stack_of(Archive(tmp_path), minutes(40))
    for path in files_under(tmp_path / "snapshots"):
        if path.name > "2026-03-01T124000":
            path.unlink()
    store.catalogue.rebuild()

    same_stack(stack_of(Archive(tmp_path), minutes(40)), before)


def test_both_tiers_merge_and_a_record_in_both_counts_once(tmp_path: Path) -> None:
    records = [forecast(200 * n, float(n // 3), float(n)) for n in range(40)]  # five days and a half
    SnapshotStore(tmp_path / "hot").publish(records)
    SnapshotStore(tmp_path / "both").publish(records[15:])
    write_closed_days(tmp_path / "both", records[:25])

    hot, both = (Archive(tmp_path / name) for name in ("hot", "both"))
    for at, since in ((10**5, -(10**5)), (4000, 100), (5000, 4900), (10**5, 3000)):
        same_stack(stack_of(both, minutes(at), since), stack_of(hot, minutes(at), since))


def test_a_single_look_far_back_reads_the_same_and_keeps_nothing(tmp_path: Path) -> None:
    records = [forecast(200 * n, float(n // 3)) for n in range(40)] + [forecast(4100, error="down")]
    write_closed_days(tmp_path, records[:25])
    SnapshotStore(tmp_path).publish(records[15:])
    archive = Archive(tmp_path)
    view = archive.as_of([minutes(6000)])

    span = view.span(Kind.FORECAST, "EGLC", minutes(1000), minutes(5000))

    assert archive.nbytes == 0
    same_stack(span, stack_of(Archive(tmp_path), minutes(5000), 1000))
    assert len(view.span(Kind.FORECAST, "EGLC", minutes(6500), minutes(7000))) == 0  # never later than the view


def test_a_walk_forward_over_closed_days_reads_each_as_of(tmp_path: Path) -> None:
    records = [forecast(500 * n, float(n)) for n in range(20)]
    write_closed_days(tmp_path, records)
    walking = Archive(tmp_path)

    for at in range(0, 10_000, 720):
        same_stack(stack_of(walking, minutes(at), at - 2000), stack_of(Archive(tmp_path), minutes(at), at - 2000))


def test_a_closed_day_written_later_is_noticed(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    write_closed_days(tmp_path, [forecast(0, 1.0)])
    assert len(stack_of(archive)) == 1

    write_closed_days(tmp_path, [forecast(0, 1.0), forecast(5, 2.0), forecast(3000, 3.0)])

    assert stack_of(archive).columns["celsius"].tolist() == [1.0, 2.0, 3.0]


def test_a_table_of_single_rows_reads_like_records(tmp_path: Path) -> None:
    """The fast way in must agree with the slow one in every bit, hashes included."""
    at = np.array([micros(minutes(n * 7)) for n in (3, 1, 1, 2, 300)])
    rows = {
        "market_id": np.array(["a", "b", "b", "a", "a"], dtype=object), "valid_at": at,
        "yes_price_micro": np.array([10_000, 20_000, 20_000, 30_000, 40_000]), "size_micro": np.arange(5),
        "taker": np.array(["yes", "no", "yes", "no", "yes"], dtype=object),
    }  # fmt: skip
    raw = [b"3", b"1", b"1x", b"2", b"300"]
    subjects = ["e1", "e1", "e1", "e2", "e2"]
    write_closed_table(tmp_path / "fast", ClosedRecords(Kind.PRINTS, "kalshi", subjects, at, raw, rows))
    records = [
        Record(
            "kalshi", Kind.PRINTS, subjects[n], datetime.fromtimestamp(at[n] / 1e6, UTC), None, raw[n],
            {name: values[n : n + 1] for name, values in rows.items()},
        )
        for n in (0, 2, 1, 3, 4)
    ]  # fmt: skip
    write_closed_days(tmp_path / "slow", records)

    for subject in ("e1", "e2"):
        fast, slow = (
            Archive(tmp_path / way).as_of([FOREVER]).stack(Kind.PRINTS, subject, minutes(0)) for way in ("fast", "slow")
        )
        assert sorted(fast.digest.tolist()) == sorted(slow.digest.tolist())
        assert fast.received_at.tolist() == slow.received_at.tolist()
        assert sorted(fast.columns["size_micro"].tolist()) == sorted(slow.columns["size_micro"].tolist())
    import pyarrow.parquet as pq

    contents = [
        sorted(pq.read_table(path, columns=["content"])["content"].to_pylist())
        for way in ("fast", "slow")
        for path in files_under(tmp_path / way / "archive")[:1]
    ]
    assert contents[0] == contents[1]


def test_equal_prints_of_one_instant_stay_two_and_a_second_import_adds_none(tmp_path: Path) -> None:
    at = np.full(3, micros(minutes(0)))
    rows = {"market_id": np.array(["a"] * 3, dtype=object), "size_micro": np.array([1, 1, 2])}
    records = ClosedRecords(Kind.PRINTS, "kalshi", ["e"] * 3, at, [b"1", b"1", b"2"], rows)

    for _ in range(2):
        write_closed_table(tmp_path, records)

        stack = Archive(tmp_path).as_of([FOREVER]).stack(Kind.PRINTS, "e", minutes(0))
        assert stack.columns["size_micro"].tolist() == [1, 1, 2]


def test_a_thousand_cycles_cost_no_more_memory_and_no_more_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SnapshotStore(tmp_path)
    monkeypatch.setattr("os.fsync", lambda _: None)
    archive = Archive(tmp_path, store)
    loads: list[str] = []
    load = store.load
    monkeypatch.setattr(store, "load", lambda path: loads.append(path) or load(path))
    sizes = []
    for cycle in range(1000):
        store.publish([forecast(15 * cycle, *([cycle / 7] * 40))])
        stack = stack_of(archive, minutes(15 * cycle), 15 * cycle - 1440)
        assert len(stack) == min(cycle + 1, 97)
        sizes.append(archive.nbytes)

    assert len(loads) == 1000  # one payload a cycle, straight from memory
    assert max(sizes[500:]) <= 2 * max(sizes[:300])
