"""Process logs: one line of JSON, one file a UTC day, no secrets."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.log import HIDDEN, DayFile, JsonLine, configure, secrets_of
from core.settings import load_settings

LOG = logging.getLogger("tests.log")


@pytest.fixture
def _quiet_afterwards() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def a_record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, message, arguments, None)
    record.__dict__.update(extra)
    return record


@pytest.mark.usefixtures("_quiet_afterwards")
def test_each_call_is_one_line_of_json_in_the_file_of_its_process(tmp_path: Path) -> None:
    configure(load_settings(None, data_dir=tmp_path, log_level="INFO"), "engine")
    LOG.info("cycle %d\nof many", 7, extra={"station": "KLGA", "at_risk": 1.5})
    LOG.debug("not of interest")

    (path,) = (tmp_path / "logs").glob("engine-????-??-??.jsonl")
    (line,) = lines(path)
    assert (line["message"], line["level"], line["process"], line["logger"]) == (
        "cycle 7\nof many",
        "INFO",
        "engine",
        "tests.log",
    )
    assert (line["station"], line["at_risk"]) == ("KLGA", 1.5)
    assert str(line["at"]).endswith("Z")


@pytest.mark.usefixtures("_quiet_afterwards")
def test_configuring_twice_does_not_write_twice(tmp_path: Path) -> None:
    for _ in range(2):
        configure(load_settings(None, data_dir=tmp_path), "engine")
    LOG.warning("once")

    (path,) = (tmp_path / "logs").glob("*.jsonl")
    assert len(lines(path)) == 1


def test_a_new_utc_day_opens_a_new_file_and_drops_those_past_keeping(tmp_path: Path) -> None:
    now = [datetime(2026, 11, 13, 23, 59, tzinfo=UTC)]
    old, other = tmp_path / "engine-2026-10-01.jsonl", tmp_path / "sidecar-2026-10-01.jsonl"
    old.touch()
    other.touch()
    handler = DayFile(tmp_path, "engine", lambda: now[0])
    handler.setFormatter(JsonLine("engine"))

    handler.emit(a_record("before"))
    now[0] += timedelta(minutes=1)
    handler.emit(a_record("after"))
    handler.close()

    assert [line["message"] for line in lines(tmp_path / "engine-2026-11-13.jsonl")] == ["before"]
    assert [line["message"] for line in lines(tmp_path / "engine-2026-11-14.jsonl")] == ["after"]
    assert (old.exists(), other.exists()) == (False, True)


def test_an_exception_leaves_its_trace() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        record = a_record("it failed")
        record.exc_info = sys.exc_info()

    assert "ValueError: broken" in json.loads(JsonLine("engine").format(record))["trace"]


def test_what_settings_hold_secret_is_hidden_wherever_it_stands() -> None:
    settings = load_settings(
        None,
        sources={"zeus": {"key": 'quo"ted-key'}, "other": {"key": ""}},
        database_url="postgresql://hermes:pass-word@db/hermes",
    )
    line = JsonLine("engine", secrets_of(settings)).format(
        a_record('asked with quo"ted-key', url="https://x/?k=pass-word", nested={"list": ['quo"ted-key', 1]})
    )

    assert "ted-key" not in line
    assert "pass-word" not in line
    assert json.loads(line)["nested"] == {"list": [HIDDEN, 1]}


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer s3cr3t",
        "GET https://x.org/a?apikey=s3cr3t&b=1",
        "GET https://x.org/a?token=s3cr3t",
        "postgresql://user:s3cr3t@host/db",
        "{'password': 's3cr3t'}",
        'api_key="s3cr3t"',
    ],
)
def test_what_looks_like_a_credential_is_hidden(text: str) -> None:
    shown = json.loads(JsonLine("engine").format(a_record(text)))["message"]

    assert "s3cr3t" not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize("text", ["token y-123 of bracket 3", "https://x.org/a?token_id=12", "2026-11-13T17:00:00Z at 51%"])
def test_ordinary_words_are_left_alone(text: str) -> None:
    assert json.loads(JsonLine("engine").format(a_record("%s", text)))["message"] == text
