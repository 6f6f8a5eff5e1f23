"""The shelf of what was learned: what is damaged is said, and a reader beside the writer sees what is complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import StoreError
from core.store.track import TrackStore
from tests.api.settled import Event, write


def test_a_damaged_file_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "evaluations").mkdir()
    (tmp_path / "evaluations" / "weather-track.db").write_bytes(b"no database" * 1_000)
    reader = TrackStore(tmp_path, "weather", readonly=True)

    for ask in (reader.track, reader.states, lambda: reader.version, lambda: reader.maker):
        with pytest.raises(StoreError, match="move that file away"):
            ask()


def test_a_reader_that_came_before_the_writer_sees_what_it_wrote(tmp_path: Path) -> None:
    reader = TrackStore(tmp_path, "weather", readonly=True)
    assert (len(reader.track()["event_id"]), reader.version, reader.maker) == (0, 0, "")

    write(tmp_path, [Event("e")])

    assert set(reader.track()["event_id"].tolist()) == {"e"}
    assert reader.version > 0
