"""Beliefs as SQL columns."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from core.errors import StoreError
from core.store.evaluations import EvaluationStore
from core.units import Columns, micros
from tests.store.samples import minutes


def words(*values: str) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    return np.array(values, dtype=object)


def outlooks(mean: float, *events: str) -> Columns:
    days = words(*(f"2026-03-0{n + 1}" for n in range(len(events))))
    return {
        "event_id": words(*events),
        "event_day": days,
        "mean": np.full(len(events), mean),
        "floor": np.full(len(events), np.nan),
    }


def brackets(p: float, *events: str) -> Columns:
    return {
        "event_id": words(*(event for event in events for _ in range(3))), "bracket": np.tile(np.arange(3), len(events)),
        "p_model": np.full(3 * len(events), p), "side": words(*(["YES", "NO", ""] * len(events))),
    }  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> EvaluationStore:
    return EvaluationStore(tmp_path, "weather")


def test_the_newest_cycle_comes_back_as_it_was_given(store: EvaluationStore) -> None:
    store.append(minutes(0), outlooks(11.5, "a", "b"), brackets(0.1, "a", "b"))
    store.append(minutes(15), outlooks(12.5, "a"), brackets(0.2, "a"))

    at, seen, ladder = store.newest()

    assert at == minutes(15)
    assert seen["mean"].tolist() == [12.5]
    assert np.isnan(seen["floor"]).all()
    assert np.isnan(seen["sd"]).all()  # not given: no value
    assert ladder["bracket"].tolist() == [0, 1, 2]
    assert ladder["side"].tolist() == ["YES", "NO", ""]
    assert store.newest("b")[0] == minutes(0)
    assert store.newest("unknown")[0] is None


def test_the_same_cycle_again_replaces_its_rows(store: EvaluationStore) -> None:
    store.append(minutes(0), outlooks(11.5, "a", "b"), brackets(0.1, "a", "b"))
    store.append(minutes(0), outlooks(13.0, "a"), brackets(0.3, "a"))

    assert store.newest()[1]["mean"].tolist() == [13.0]
    assert store.newest("b")[0] is None
    assert store.history("a")[1]["p_model"].tolist() == [0.3] * 3


def test_history_is_oldest_first_and_carries_its_cycle(store: EvaluationStore) -> None:
    for cycle in (30, 0, 15):
        store.append(minutes(cycle), outlooks(float(cycle), "a"), brackets(0.5, "a"))

    seen, ladder = store.history("a", minutes(15))

    assert seen["scheduled_at"].tolist() == [micros(minutes(15)), micros(minutes(30))]
    assert ladder["scheduled_at"].tolist() == [micros(minutes(15))] * 3 + [micros(minutes(30))] * 3


def test_events_gives_each_its_newest_outlook(store: EvaluationStore) -> None:
    store.append(minutes(0), outlooks(1.0, "a", "b", "c"), {})
    store.append(minutes(15), outlooks(2.0, "a"), {})

    found = store.events()

    assert dict(zip(found["event_id"], found["mean"], strict=True)) == {"a": 2.0, "b": 1.0, "c": 1.0}
    assert store.events(date(2026, 3, 2), date(2026, 3, 2))["event_id"].tolist() == ["b"]


def test_a_face_may_open_before_the_desk_has_written(tmp_path: Path) -> None:
    face = EvaluationStore(tmp_path, "weather", readonly=True)
    assert face.newest()[0] is None
    assert face.events()["mean"].dtype == np.float64
    assert not (tmp_path / "evaluations").exists()

    EvaluationStore(tmp_path, "weather").append(minutes(0), outlooks(1.0, "a"), brackets(0.5, "a"))

    assert face.newest()[1]["event_id"].tolist() == ["a"]
    with pytest.raises(StoreError, match="reading only"):
        face.append(minutes(15), {}, {})


def test_a_column_that_a_desk_adds_is_kept(tmp_path: Path, store: EvaluationStore) -> None:
    face = EvaluationStore(tmp_path, "weather", readonly=True)
    store.append(minutes(0), outlooks(1.0, "a"), {})
    face.newest()
    store.append(minutes(15), {**outlooks(1.0, "a"), "challenger": np.array([0.25]), "cold": np.array([True])}, {})

    seen = face.history("a")[0]

    np.testing.assert_array_equal(seen["challenger"], [np.nan, 0.25])
    assert seen["cold"].tolist() == [False, True]


def test_implied_means_are_those_of_the_looks_that_had_one(tmp_path: Path, store: EvaluationStore) -> None:
    """A face that opened before the desk added the column finds it once it is there."""
    face = EvaluationStore(tmp_path, "weather", readonly=True)
    span = micros(minutes(0)), micros(minutes(45))
    assert face.implied_between("a", *span) == []  # no file yet, or no such column
    store.append(minutes(0), {**outlooks(1.0, "a", "b"), "unit": words("F", "C")}, {})
    assert face.implied_between("a", *span) == []
    for after, mean in ((15, 45.5), (30, np.nan), (45, 46.0), (60, 47.0)):
        store.append(minutes(after), {**outlooks(1.0, "a"), "unit": words("F"), "market_mean": np.array([mean])}, {})

    assert face.implied_between("a", *span) == [(micros(minutes(15)), 45.5, "F"), (micros(minutes(45)), 46.0, "F")]
    assert store.implied_between("a", *span) == face.implied_between("a", *span)
    assert face.implied_between("b", *span) == []


def test_anyone_can_ask_in_sql(tmp_path: Path, store: EvaluationStore) -> None:
    store.append(minutes(0), outlooks(1.0, "a"), brackets(0.5, "a"))

    with sqlite3.connect(tmp_path / "evaluations/weather.db") as database:
        rows = database.execute(
            "select o.mean, e.p_model from outlooks o join evaluations e using (event_id, scheduled_at) where e.bracket = 1"
        ).fetchall()
    database.close()

    assert rows == [(1.0, 0.5)]


def test_a_failed_append_leaves_the_former_rows(store: EvaluationStore) -> None:
    store.append(minutes(0), outlooks(1.0, "a"), brackets(0.5, "a"))

    with pytest.raises(StoreError, match="lack bracket"):
        store.append(minutes(0), outlooks(2.0, "a"), {"event_id": words("a")})

    assert store.newest()[1]["mean"].tolist() == [1.0]
