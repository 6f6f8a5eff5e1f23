"""Long work: asked for by a face, started by the supervisor, followed by everyone."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from core.control.database import ControlFile
from core.units import instant, micros


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Job:
    job_id: str
    kind: str  # "backtest", ...
    request: str  # JSON
    by: str
    asked_at: datetime
    state: JobState
    progress: float  # 0..1
    note: str  # what it does now, or why it failed
    result: str  # JSON, "" before the end
    pid: int  # 0 before it runs
    started_at: datetime | None
    ended_at: datetime | None
    cancel_asked: bool


_TABLES = """
CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, request TEXT NOT NULL,
    asked_by TEXT NOT NULL, asked_at INTEGER NOT NULL, state TEXT NOT NULL, progress REAL NOT NULL, note TEXT NOT NULL,
    result TEXT NOT NULL, pid INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER, cancel_asked INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, seq);
CREATE INDEX IF NOT EXISTS jobs_by_kind ON jobs (kind, seq);
"""


class Jobs:
    """Jobs with their progress; `path` is control.db or its folder."""

    def __init__(self, path: Path) -> None:
        self._file = ControlFile(path, _TABLES)

    def ask(self, job_id: str, kind: str, request: str, *, by: str, at: datetime) -> Job:
        """Leave a job to be started; the same id again is the same job."""
        with self._file.writing() as connection:
            connection.execute(
                "INSERT INTO jobs (job_id, kind, request, asked_by, asked_at, state, progress, note, result, pid, "
                "cancel_asked) VALUES (?, ?, ?, ?, ?, 'waiting', 0, '', '', 0, 0) ON CONFLICT DO NOTHING",
                (job_id, kind, request, by, micros(at)),
            )
            return _job(connection.execute("SELECT * FROM jobs WHERE job_id = ?", (job_id,)).fetchone())

    def waiting(self) -> tuple[Job, ...]:
        """Return the jobs to start, oldest first."""
        return self._jobs("WHERE state = 'waiting' ORDER BY seq")

    def running(self) -> tuple[Job, ...]:
        """Return the jobs that run, oldest first."""
        return self._jobs("WHERE state = 'running' ORDER BY seq")

    def start(self, job_id: str, pid: int, at: datetime) -> bool:
        """Take a waiting job; False when another was faster or it was cancelled."""
        return self._write(
            "UPDATE jobs SET state = 'running', pid = ?, started_at = ? WHERE job_id = ? AND state = 'waiting'",
            pid, micros(at), job_id,
        )  # fmt: skip

    def progress(self, job_id: str, done: float, note: str = "") -> bool:
        """Say how far a job is (0..1); False when it should stop: cancelled, or no longer running."""
        statement = "UPDATE jobs SET progress = ?, note = ? WHERE job_id = ? AND state = 'running'"
        said = self._write(statement, min(max(done, 0.0), 1.0), note, job_id)
        return said and not self.cancel_asked(job_id)

    def end(self, job_id: str, state: JobState, at: datetime, *, result: str = "", note: str = "") -> bool:
        """Say how a job ended; False when it had ended before."""
        if state not in ENDED:
            raise ValueError(f"a job cannot end as {state}")
        return self._write(
            "UPDATE jobs SET state = ?, ended_at = ?, result = ?, note = ?, "
            "progress = CASE ? WHEN 'done' THEN 1 ELSE progress END WHERE job_id = ? AND state IN ('waiting', 'running')",
            str(state), micros(at), result, note, str(state), job_id,
        )  # fmt: skip

    def cancel(self, job_id: str, at: datetime) -> bool:
        """Ask a job to stop: a waiting one ends at once, a running one is told; False when it had ended."""
        ended = self._write(
            "UPDATE jobs SET state = 'cancelled', ended_at = ?, cancel_asked = 1 WHERE job_id = ? AND state = 'waiting'",
            micros(at), job_id,
        )  # fmt: skip
        return ended or self._write("UPDATE jobs SET cancel_asked = 1 WHERE job_id = ? AND state = 'running'", job_id)

    def cancel_asked(self, job_id: str) -> bool:
        """Return whether a person wants the job to stop."""
        job = self.job(job_id)
        return job is not None and job.cancel_asked

    def job(self, job_id: str) -> Job | None:
        """Return a job by its id."""
        return next(iter(self._jobs("WHERE job_id = ?", job_id)), None)

    def newest(self, limit: int = 100, offset: int = 0, kind: str = "") -> tuple[Job, ...]:
        """Return the jobs, newest first."""
        if kind:
            return self._jobs("WHERE kind = ? ORDER BY seq DESC LIMIT ? OFFSET ?", kind, limit, offset)
        return self._jobs("ORDER BY seq DESC LIMIT ? OFFSET ?", limit, offset)

    def count(self, kind: str = "") -> int:
        """Return how many jobs there are."""
        where, values = (" WHERE kind = ?", (kind,)) if kind else ("", ())
        return int(self._file.rows(f"SELECT count(*) FROM jobs{where}", *values)[0][0])

    def _write(self, statement: str, *values: object) -> bool:
        with self._file.writing() as connection:
            return connection.execute(statement, values).rowcount == 1

    def _jobs(self, tail: str, *values: object) -> tuple[Job, ...]:
        return tuple(_job(row) for row in self._file.rows(f"SELECT * FROM jobs {tail}", *values))


def _job(row: sqlite3.Row) -> Job:
    started, ended = (None if row[name] is None else instant(row[name]) for name in ("started_at", "ended_at"))
    return Job(
        row["job_id"], row["kind"], row["request"], row["asked_by"], instant(row["asked_at"]), JobState(row["state"]),
        row["progress"], row["note"], row["result"], row["pid"], started, ended, bool(row["cancel_asked"]),
    )  # fmt: skip
