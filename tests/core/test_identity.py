"""The name of the settings: equal where processes decide and show alike, another one as soon as a limit differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.settings import load_settings
from core.settings.identity import APART, config_hash
from core.settings.schema import Settings

WORLD = "demo:7"


@pytest.mark.parametrize(
    "given",
    [{"api_port": 9000}, {"dashboard_port": 9001}, {"data_dir": Path("elsewhere")}, {"mode": "live"}, {"world_port": 5}],
)
def test_where_a_process_looks_and_listens_changes_nothing(given: dict[str, object]) -> None:
    assert config_hash(load_settings(None, **given), WORLD) == config_hash(load_settings(None), WORLD)


@pytest.mark.parametrize(
    "given",
    [
        {"edge_min": 0.06},
        {"risk": {"day_loss_r": 1.5}},
        {"weather": {"kelly_fraction": 0.2}},
        {"stations": ("KLGA",)},
        {"seed": 8},
    ],
)
def test_what_decides_changes_the_name(given: dict[str, object]) -> None:
    assert config_hash(load_settings(None, **given), WORLD) != config_hash(load_settings(None), WORLD)


def test_a_world_in_which_rules_count_otherwise_has_another_name() -> None:
    assert config_hash(load_settings(None), "live") != config_hash(load_settings(None), WORLD)


def test_only_settings_that_exist_are_left_out() -> None:
    assert set(Settings.model_fields) >= APART
