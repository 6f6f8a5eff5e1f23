"""A replay finds the settings that held when each cycle was lived."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import StoreError
from core.settings import load_settings
from core.store.sessions import FOLDER, record_settings, recorded_settings, settings_of

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
OWN = load_settings(None, stations=("KLGA",), edge_min=0.03, risk={"open_r": 3.0})
OTHER = load_settings(None, stations=("EGLC",), edge_min=0.01)
GIVEN = load_settings(None, api_port=9000)


def test_each_cycle_has_the_settings_of_its_own_part_of_the_session(tmp_path: Path) -> None:
    record_settings(OWN, tmp_path, NOON)
    record_settings(OTHER, tmp_path, NOON + HOUR)

    found = recorded_settings(GIVEN, tmp_path)
    held = [settings_of(found, NOON + hours * HOUR, GIVEN) for hours in (0, 1, 1.5)]

    assert [each.stations for each in held] == [("KLGA",), ("KLGA",), ("EGLC",)]  # a restart begins where the last cycle ended
    assert (held[0].edge_min, held[0].risk.open_r, held[0].weather) == (0.03, 3.0, OWN.weather)
    assert {each.api_port for each in held} == {9000}, "what decides nothing is of today"


def test_settings_that_stay_the_same_are_noted_once(tmp_path: Path) -> None:
    record_settings(OWN, tmp_path, NOON)
    record_settings(OWN.model_copy(update={"api_port": 9001}), tmp_path, NOON + HOUR)

    assert len(recorded_settings(GIVEN, tmp_path)) == 1


def test_a_folder_that_notes_nothing_is_replayed_with_what_is_given(tmp_path: Path) -> None:
    assert settings_of(recorded_settings(GIVEN, tmp_path), NOON, GIVEN) is GIVEN


def test_no_key_and_no_address_is_noted(tmp_path: Path) -> None:
    secret = load_settings(
        None, sources={"zeus": {"key": "sesame", "base_url": "http://there"}}, database_url="sqlite:///there"
    )

    record_settings(secret, tmp_path, NOON)

    (file,) = (tmp_path / FOLDER).glob("*.json")
    assert "sesame" not in file.read_text()
    assert "there" not in file.read_text()


def test_a_note_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    record_settings(OWN, tmp_path, NOON)
    (file,) = (tmp_path / FOLDER).glob("*.json")
    file.write_text("{")

    with pytest.raises(StoreError, match=f"{file.name} does not hold the settings of a session"):
        recorded_settings(GIVEN, tmp_path)
