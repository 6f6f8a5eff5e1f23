"""Where settings come from, which name wins, and what a wrong one says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import SettingsError
from core.settings import Settings, SourceSettings, load_settings
from core.settings.describe import SECTIONS

BARE = """HOST PORT DEBUG LOG_LEVEL EDGE_MIN FEE_BP KELLY_CAP ACTIVE_STATIONS METAR_API_BASE METAR_USER_AGENT ZEUS_API_KEY
POLY_GAMMA_BASE DYNAMIC_INTERVAL_SECONDS MODEL_MODE""".split()  # noqa: SIM905 - a list of words reads as words


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*BARE, *(name for name in os.environ if name.startswith("HERMES_"))]:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_no_file_is_needed(env_file: Path) -> None:
    settings = load_settings(env_file)

    assert settings.mode == "auto"
    assert settings.edge_min == 0.05
    assert settings.api_host == "127.0.0.1"
    assert settings.stations == ()
    assert type(settings) is Settings


def test_arguments_win_over_the_environment_and_that_over_the_file(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file.write_text("HERMES_EDGE_MIN=0.01\nHERMES_SEED=1\nHERMES_SPEED=1\n")
    monkeypatch.setenv("HERMES_SEED", "2")
    monkeypatch.setenv("HERMES_SPEED", "2")

    settings = load_settings(env_file, speed=3)

    assert (settings.edge_min, settings.seed, settings.speed) == (0.01, 2, 3)


def test_documented_bare_names_are_aliases(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FACTS III.3."""
    env_file.write_text("EDGE_MIN=0.07\nKELLY_CAP=0.2\nDYNAMIC_INTERVAL_SECONDS=60\nMETAR_USER_AGENT=someone@example.org\n")
    monkeypatch.setenv("ACTIVE_STATIONS", "eglc, klga")

    settings = load_settings(env_file)

    assert (settings.edge_min, settings.kelly_cap, settings.interval_seconds) == (0.07, 0.2, 60)
    assert settings.stations == ("EGLC", "KLGA")
    assert settings.user_agent == "someone@example.org"


@pytest.mark.parametrize("prefixed_in", ["file", "environment"])
@pytest.mark.parametrize("bare_in", ["file", "environment"])
def test_the_hermes_name_wins_over_the_bare_one(
    env_file: Path, monkeypatch: pytest.MonkeyPatch, prefixed_in: str, bare_in: str
) -> None:
    lines = []
    for name, value, place in (("HERMES_EDGE_MIN", "0.2", prefixed_in), ("EDGE_MIN", "0.1", bare_in)):
        if place == "file":
            lines.append(f"{name}={value}\n")
        else:
            monkeypatch.setenv(name, value)
    env_file.write_text("".join(lines))

    assert load_settings(env_file).edge_min == 0.2
    assert load_settings(env_file, edge_min=0.3).edge_min == 0.3


def test_host_and_port_count_only_in_the_file(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "build-server-17")
    monkeypatch.setenv("PORT", "9")
    monkeypatch.setenv("DEBUG", "release")
    without = load_settings(env_file)
    env_file.write_text("HOST=127.0.0.2\nPORT=8123\nDEBUG=true\n")
    within = load_settings(env_file)

    assert (without.api_host, without.api_port, without.log_level) == ("127.0.0.1", 8000, "INFO")
    assert (within.api_host, within.api_port, within.log_level) == ("127.0.0.2", 8123, "DEBUG")


def test_better_names_win_over_host_and_debug(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file.write_text("HOST=127.0.0.2\nDEBUG=true\nLOG_LEVEL=WARNING\nPORT=1\n")
    monkeypatch.setenv("HERMES_API_HOST", "127.0.0.3")

    settings = load_settings(env_file, api_port=2)

    assert (settings.api_host, settings.log_level, settings.api_port) == ("127.0.0.3", "WARNING", 2)


def test_addresses_of_sources(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file.write_text("METAR_API_BASE=http://old\nPOLY_GAMMA_BASE=http://gamma\nZEUS_API_KEY=k\n")
    monkeypatch.setenv("HERMES_SOURCES__METAR__BASE_URL", "http://new")
    monkeypatch.setenv("HERMES_SOURCES__ZEUS__TIMEOUT_SECONDS", "9")

    settings = load_settings(env_file, sources={"open_meteo": SourceSettings(base_url="http://given")})

    assert settings.source("metar").base_url == "http://new"
    assert settings.source("polymarket_gamma").base_url == "http://gamma"
    assert (settings.source("zeus").key, settings.source("zeus").timeout_seconds) == ("k", 9)
    assert settings.source("open_meteo").base_url == "http://given"
    assert settings.source("never heard of") == SourceSettings()


def test_given_sources_win_over_everything_and_are_left_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METAR_API_BASE", "http://old")
    given = {"metar": {"base_url": "http://given"}, "zeus": {"enabled": False}}

    settings = load_settings(None, sources=given)

    assert settings.source("metar").base_url == "http://given"
    assert not settings.source("zeus").enabled
    assert given == {"metar": {"base_url": "http://given"}, "zeus": {"enabled": False}}


def test_sections_are_set_by_nested_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERMES_RISK__UNIT_PCT", "0.5")

    assert load_settings(None).risk.unit_pct == 0.5


def test_an_empty_value_is_no_value(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file.write_text("ZEUS_API_KEY=\nHERMES_EDGE_MIN=\n")
    monkeypatch.setenv("KELLY_CAP", "")

    settings = load_settings(env_file)

    assert (settings.edge_min, settings.kelly_cap, settings.source("zeus").key) == (0.05, 0.10, "")


def test_quotes_comments_export_and_a_byte_order_mark_are_understood(env_file: Path) -> None:
    env_file.write_bytes(
        "\ufeffexport HERMES_SEED=11\n# a remark\n\nHERMES_EDGE_MIN='0.2' # why\n".encode()
        + b'HOST="127.0.0.9"  # mine\nPORT=81 # ours\n'
    )

    settings = load_settings(env_file)

    assert (settings.seed, settings.edge_min, settings.api_host, settings.api_port) == (11, 0.2, "127.0.0.9", 81)


@pytest.mark.parametrize(
    "line", [b"\x00\x01\x02", b"just words", b"\xff\xfe\x41", b"=value", b"two words=1", b"HERMES_SEED=\x1b[0m", b"{"]
)
def test_a_corrupt_file_is_refused_and_the_line_named(env_file: Path, line: bytes) -> None:
    env_file.write_bytes(b"# first\nHERMES_SEED=3\n" + line + b"\n")

    with pytest.raises(SettingsError, match=r"\.env line 3 .* mend it or move the file away"):
        load_settings(env_file)


def test_what_stands_on_a_corrupt_line_is_not_repeated(env_file: Path) -> None:
    env_file.write_text("ZEUS_API_KEY s3cr3t\n")

    with pytest.raises(SettingsError) as told:
        load_settings(env_file)
    assert "s3cr3t" not in str(told.value)


def test_a_folder_in_place_of_the_file_is_refused(env_file: Path) -> None:
    env_file.mkdir()

    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(env_file)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("HERMES_EDGE_MIN", "abc", r"EDGE_MIN.*'abc'"),
        ("HERMES_RISK__UNIT_PCT", "9", r"risk\.unit_pct.*less than or equal to 2.*'9'"),
        ("HERMES_MODE", "real", r"mode.*'real'"),
        ("HERMES_EXECUTION_MODE", "live", r"EXECUTION_MODE.*'paper'"),
        ("HERMES_SOURCES", "{", r"sources.*mend"),
        ("HERMES_SOURCES__METAR__COLOUR", "red", r"sources\.metar\.colour"),
    ],
)
def test_a_wrong_value_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=told):
        load_settings(None)


def test_a_wrong_secret_is_named_but_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"sources\.zeus\.key") as told:
        load_settings(None, sources={"zeus": {"key": ["s3cr3t"]}})
    assert "s3cr3t" not in str(told.value)


def test_a_key_is_not_shown_by_its_own_settings() -> None:
    settings = load_settings(None, sources={"zeus": {"key": "s3cr3t"}}, database_url="postgresql://h:s3cr3t@db/h")

    assert "s3cr3t" not in repr(settings)


def test_every_setting_has_its_sentence() -> None:
    silent = [name for name, field in Settings.model_fields.items() if not field.description and name not in SECTIONS]

    assert silent == []
