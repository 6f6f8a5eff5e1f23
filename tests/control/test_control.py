"""Commands, jobs and heartbeats: any process appends, nothing asked is lost or done twice."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.control.beats import Beats
from core.control.commands import Commands
from core.control.jobs import ENDED, Jobs, JobState
from core.errors import StoreError
from core.model.command import Command, To, Verb
from core.model.ids import CommandId

AT = datetime(2025, 11, 12, 17, tzinfo=UTC)
FORK = multiprocessing.get_context("fork")


def command(name: str, to: To = To.ENGINE, verb: Verb = Verb.KILL) -> Command:
    return Command(CommandId(name), to, verb, '{"reason":"test"}', "operator", AT)


def test_a_command_comes_back_as_it_was_posted_in_order_and_to_its_recipient(tmp_path: Path) -> None:
    commands = Commands(tmp_path)
    for posted in (command("b"), command("a", verb=Verb.CYCLE), command("s", To.SUPERVISOR, Verb.RESTART)):
        commands.post(posted)

    assert Commands(tmp_path / "control.db").pending(To.ENGINE) == (command("b"), command("a", verb=Verb.CYCLE))
    assert commands.pending(To.SUPERVISOR) == (command("s", To.SUPERVISOR, Verb.RESTART),)
    assert commands.newest(2) == (command("s", To.SUPERVISOR, Verb.RESTART), command("a", verb=Verb.CYCLE))


def test_the_same_id_is_the_same_command(tmp_path: Path) -> None:
    commands = Commands(tmp_path)

    assert commands.post(command("a")) == commands.post(command("a")) == commands.place("a")
    assert len(commands.pending(To.ENGINE)) == 1


def test_a_command_is_taken_once_by_each_desk(tmp_path: Path) -> None:
    commands = Commands(tmp_path)
    commands.post(command("a"))

    assert commands.taken("a", taker="weather", at=AT) is True
    assert commands.taken("a", taker="weather", at=AT + timedelta(seconds=1)) is False
    assert commands.pending(To.ENGINE, taker="weather") == ()
    assert commands.pending(To.ENGINE, taker="futures") == (command("a"),)
    assert commands.takers("a") == {"weather": AT}


def test_pending_starts_after_a_place(tmp_path: Path) -> None:
    commands = Commands(tmp_path)
    first = commands.post(command("a"))
    commands.post(command("b"))

    assert commands.pending(To.ENGINE, first) == (command("b"),)
    assert (commands.command("b"), commands.command("c"), commands.place("c")) == (command("b"), None, 0)


def _post_many(folder: Path, who: int) -> None:
    commands, jobs = Commands(folder), Jobs(folder)
    for number in range(20):
        commands.post(command(f"{who}-{number}"))
        jobs.start("race", pid=who, at=AT)


def test_processes_append_at_once_and_one_of_them_gets_the_job(tmp_path: Path) -> None:
    Jobs(tmp_path).ask("race", "backtest", "{}", by="me", at=AT)
    writers = [FORK.Process(target=_post_many, args=(tmp_path, who)) for who in (1, 2, 3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert len(Commands(tmp_path).pending(To.ENGINE)) == 60
    assert [job.job_id for job in Jobs(tmp_path).running()] == ["race"]


def test_a_job_runs_from_asked_to_done(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    asked = jobs.ask("r1", "backtest", '{"start":"2025-11-01"}', by="me", at=AT)

    assert (asked.state, asked.progress, jobs.waiting()) == (JobState.WAITING, 0.0, (asked,))
    assert jobs.start("r1", pid=42, at=AT) is True
    assert jobs.start("r1", pid=43, at=AT) is False
    assert jobs.progress("r1", 0.5, "day 3 of 6") is True
    assert jobs.end("r1", JobState.DONE, AT + timedelta(seconds=9), result='{"pnl":1}') is True
    done = jobs.job("r1")
    assert done is not None
    assert (done.state, done.progress, done.pid, done.result) == (JobState.DONE, 1.0, 42, '{"pnl":1}')
    assert (done.started_at, done.ended_at) == (AT, AT + timedelta(seconds=9))


@pytest.mark.parametrize("state", sorted(ENDED))
def test_a_job_ends_once(tmp_path: Path, state: JobState) -> None:
    jobs = Jobs(tmp_path)
    jobs.ask("r1", "backtest", "{}", by="me", at=AT)
    jobs.start("r1", pid=42, at=AT)
    jobs.end("r1", state, AT)

    assert jobs.end("r1", JobState.FAILED, AT) is False
    assert jobs.progress("r1", 0.9) is False
    assert jobs.cancel("r1", AT) is False


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_is_told(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    jobs.ask("waits", "backtest", "{}", by="me", at=AT)
    jobs.ask("runs", "backtest", "{}", by="me", at=AT)
    jobs.start("runs", pid=42, at=AT)

    assert jobs.cancel("waits", AT)
    assert jobs.cancel("runs", AT)

    assert [(job.job_id, job.state) for job in jobs.newest()] == [("runs", JobState.RUNNING), ("waits", JobState.CANCELLED)]
    assert jobs.progress("runs", 0.1) is False
    assert (jobs.count(), jobs.count("backtest"), jobs.count("sweep")) == (2, 2, 0)


def test_a_job_cannot_end_as_running(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot end as running"):
        Jobs(tmp_path).end("r1", JobState.RUNNING, AT)


def test_the_newest_beat_of_each_process_is_kept(tmp_path: Path) -> None:
    beats, wall = Beats(tmp_path), AT + timedelta(days=200)
    beats.beat("engine", AT, "analyzing", wall_at=wall, pid=1)
    beats.beat("sidecar", wall, "ready", wall_at=wall)
    due = AT + timedelta(minutes=15)
    beats.beat("engine", AT, "ready", wall_at=wall, pid=7, cycle=3, phase="complete", next_due=due, config_hash="ab", speed=300)

    beat = Beats(tmp_path).read("engine")

    assert beat is not None
    assert (beat.at, beat.wall_at, beat.state, beat.pid, beat.speed, beat.next_due) == (AT, wall, "ready", 7, 300.0, due)
    assert beat.facts["config_hash"] == "ab"
    assert [b.process for b in beats.all()] == ["engine", "sidecar"]
    assert beats.read("dashboard") is None
    beats.forget("sidecar")
    assert [b.process for b in beats.all()] == ["engine"]


def test_a_beat_without_facts_has_plain_answers(tmp_path: Path) -> None:
    Beats(tmp_path).beat("engine", AT, "starting")

    beat = Beats(tmp_path).read("engine")

    assert beat is not None
    assert (beat.pid, beat.speed, beat.next_due) == (0, 1.0, None)


def test_a_damaged_control_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "control.db").write_bytes(b"not ours " * 1000)

    with pytest.raises(StoreError, match=r"control\.db.*move it away"):
        Commands(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="HERMES_DATA_DIR"):
        Commands(tmp_path / "file" / "data")
