"""Scoring what a backfill brought: stopped between weeks, taken up again, and the same record in the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.store.track import TrackStore
from core.units import Columns
from core.wiring.desk import learn, made_again
from tests.agents.test_verify import FIRST, READINGS, all_records
from tests.agents.weather.worlds import SETTINGS, archive_of

LAST = FIRST + timedelta(days=len(READINGS))
UNTIL = datetime(LAST.year, LAST.month, LAST.day, 23, tzinfo=UTC)
MIDDLE = datetime(2024, 9, 9, 23, tzinfo=UTC)


def kept(folder: Path) -> Columns:
    return TrackStore(folder, "weather", readonly=True).track()


def recorded(folder: Path) -> Path:
    archive_of(folder, sorted(all_records(), key=lambda record: record.received_at)).close()
    return folder


def test_scoring_that_is_stopped_keeps_what_it_has_and_says_only_news(tmp_path: Path) -> None:
    folder, told = recorded(tmp_path), list[int]()

    assert learn(SETTINGS, folder, "live", UNTIL, watch=told.append, stopping=lambda: True) == 0
    assert (told, len(kept(folder)["event_id"])) == ([], 0)
    assert learn(SETTINGS, folder, "live", UNTIL, watch=told.append) == len(READINGS)
    assert told[-1] == len(READINGS)
    assert 0 not in told


def test_scoring_in_parts_leaves_the_record_that_is_made_at_once(tmp_path: Path) -> None:
    folder = recorded(tmp_path)

    assert learn(SETTINGS, folder, "live", MIDDLE) == 4
    assert learn(SETTINGS, folder, "live", UNTIL) == len(READINGS) - 4
    assert learn(SETTINGS, folder, "live", UNTIL) == 0
    _, track, _ = made_again(SETTINGS, folder, "live", UNTIL)

    assert track["event_id"].tolist() == kept(folder)["event_id"].tolist()
    assert all(kept(folder)[name].tobytes() == track[name].tobytes() for name in ("mean", "sd", "lower", "rps", "forecast"))
    assert kept(folder)["p_pooled"].tolist() == track["p_pooled"].tolist()
