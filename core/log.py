"""Structured process logs: one JSON object a line, one file a UTC day, no secret in any of them."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from core.clock import wall_now
from core.settings import Settings
from core.units import iso

KEPT_DAYS = 30
HIDDEN = "[hidden]"
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_CREDENTIALS = re.compile(
    r"(://[^/\s:@]*:)[^@\s/]+@|((?:api_?key|secret|password|authorization|bearer|[?&]token)[\"'=:\s]+(?:bearer\s+)?)[^\s&\"',;]+",
    re.I,
)


def configure(settings: Settings, process: str) -> None:
    """Send all logging of this process to `data_dir/logs/{process}-{UTC day}.jsonl`."""
    handler = DayFile(settings.data_dir / "logs", process)
    handler.setFormatter(JsonLine(process, secrets_of(settings)))
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, DayFile)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(settings.log_level)
    logging.captureWarnings(capture=True)


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Return every text of the settings that must never be printed, longest first."""
    password = urlsplit(settings.database_url).password if settings.database_url else None
    found = {source.key for source in settings.sources.values()} | {password or ""}
    return tuple(sorted(found - {""}, key=len, reverse=True))


class JsonLine(logging.Formatter):
    """One record as one line of JSON; values given with `extra=` stand beside the message."""

    def __init__(self, process: str, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._process, self._secrets = process, tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": iso(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname,
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(self._hide(line), ensure_ascii=False, separators=(",", ":"))

    def _hide(self, value: object) -> object:
        """Return `value` as JSON values without secrets: each text is cleaned before it is escaped."""
        if isinstance(value, dict):
            return {str(name): self._hide(part) for name, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._hide(part) for part in value]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        return self._clean(str(value))

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return _CREDENTIALS.sub(lambda found: f"{found[1]}{HIDDEN}@" if found[1] else f"{found[2]}{HIDDEN}", text)


class DayFile(logging.Handler):
    """Append to the file of the present UTC day; a new day opens a new file and removes those past keeping."""

    def __init__(self, folder: Path, process: str, now: Callable[[], datetime] = wall_now) -> None:
        super().__init__()
        self._folder, self._process, self._now = folder, process, now
        self._path: Path | None = None
        self._file: IO[str] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._opened().write(self.format(record) + "\n")
        except Exception:  # a log that cannot be written must not stop what it logs
            self.handleError(record)

    def close(self) -> None:
        self.acquire()
        try:
            if self._file is not None:
                self._file.close()
            self._file = self._path = None
        finally:
            self.release()
        super().close()

    def _opened(self) -> IO[str]:
        now = self._now().astimezone(UTC)
        path = self._folder / f"{self._process}-{now:%Y-%m-%d}.jsonl"
        if self._file is None or path != self._path:
            if self._file is not None:
                self._file.close()
            self._folder.mkdir(parents=True, exist_ok=True)
            self._path, self._file = path, path.open("a", encoding="utf-8", buffering=1)
            self._forget(now - timedelta(days=KEPT_DAYS))
        return self._file

    def _forget(self, before: datetime) -> None:
        oldest = f"{self._process}-{before:%Y-%m-%d}.jsonl"
        for path in self._folder.glob(f"{self._process}-????-??-??.jsonl"):
            if path.name < oldest:
                path.unlink(missing_ok=True)
