"""A person's copy of the trades: equal to the journal to the cent, whole or not there, and back when it was deleted."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.journal.reader import JournalReader
from core.journal.trade_copies import FOLDER, NAME, TradeCopies, csv_of
from core.journal.trade_lines import COLUMNS, _cell
from core.orchestrator import main
from tests.api import world
from tests.api.test_trades import corrected

DAY = date(2026, 12, 9)  # UTC day of all executions of the world
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    world.build(tmp_path)
    return tmp_path


def reader_of(folder: Path) -> JournalReader:
    return JournalReader(folder / "hermes.db")


def rows(folder: Path, day: date = DAY) -> list[dict[str, str]]:
    text = path_of(folder, day).read_bytes().decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def path_of(folder: Path, day: date = DAY) -> Path:
    return folder / FOLDER / day.isoformat() / NAME


def test_the_file_of_a_day_is_equal_to_the_journal_to_the_cent(folder: Path) -> None:
    reader = reader_of(folder)

    assert TradeCopies(folder).follow(reader) == (DAY,)

    told, fills = rows(folder), reader.fills(newest_first=False)
    assert [row["trade_id"] for row in told] == [fill.execution_id for fill in fills]
    for row, fill in zip(told, fills, strict=True):
        assert Decimal(row["shares"]) * 1_000_000 == abs(fill.size_micro)
        assert Decimal(row["size_usd"]) * 1_000_000 == fill.notional_micro
        assert Decimal(row["fee_usd"]) * 1_000_000 == fill.fee_micro
        assert row["action"] == ("buy" if fill.size_micro > 0 else "sell")
    risk = reader.account("weather")
    assert risk is not None
    gross = sum(Decimal(row["pnl_gross_usd"]) for row in told if row["pnl_gross_usd"])
    assert gross * 1_000_000 == int(risk.realised_micro[0])
    assert sum(Decimal(row["fee_usd"]) for row in told) * 1_000_000 == int(risk.fees_micro[0])


def test_every_column_that_a_person_needs_is_filled(folder: Path) -> None:
    """100 YES at 30 cents that paid 100 $, less 25 cents of fee."""
    TradeCopies(folder).follow(reader_of(folder))

    won = next(row for row in rows(folder) if row["outcome"] == "win" and row["side"] == "YES")
    expected = {
        "executed_at_utc": "2026-12-09T17:45:04Z", "city": "New York", "station": "KLGA", "venue": "polymarket",
        "event_day": "2026-12-07", "bracket": "42-43°F", "action": "buy", "price_usd": "0.3", "shares": "100",
        "fee_usd": "0.25", "size_usd": "30", "edge_usd": "0.08", "p_model": "0.3", "p_market": "0.2", "p_pooled": "0.25",
        "pnl_gross_usd": "70", "pnl_net_usd": "69.75", "max_loss_usd": "30.25", "winner": "42-43°F", "status": "settled",
        "provisional_winner": "40-41°F", "settlement_revision": "0", "decided_at_utc": "2026-12-09T17:45:00Z",
    }  # fmt: skip
    assert {name: won[name] for name in expected} == expected
    assert tuple(won) == COLUMNS
    assert Decimal(won["result_r"]) == pytest.approx(Decimal("69.75") / Decimal("30.25"), abs=Decimal("1e-6"))


def test_nothing_is_written_while_nothing_is_booked(folder: Path) -> None:
    reader, copies = reader_of(folder), TradeCopies(folder)
    copies.follow(reader)
    before = {path: path.stat().st_mtime_ns for path in (folder / FOLDER).rglob("*.csv")}

    assert copies.follow(reader) == ()
    world.append(folder, [])  # a cycle without an order
    assert copies.follow(reader) == ()
    assert TradeCopies(folder).follow(reader) == ()  # nor by a process that starts
    assert {path: path.stat().st_mtime_ns for path in (folder / FOLDER).rglob("*.csv")} == before


def test_a_restart_goes_on_where_the_last_process_was(folder: Path) -> None:
    TradeCopies(folder).follow(reader_of(folder))
    world.append(folder, [(world.token(world.TOMORROW, 1), 40, 220_000)])

    assert TradeCopies(folder).follow(reader_of(folder)) == (DAY,)
    assert len(rows(folder)) == 5


def test_a_correction_changes_the_file_of_the_day_of_the_execution(folder: Path) -> None:
    reader, copies = reader_of(folder), TradeCopies(folder)
    copies.follow(reader)
    corrected(folder)

    assert copies.follow(reader) == (DAY,)

    lost = next(row for row in rows(folder) if row["event_day"] == "2026-12-07")
    assert (lost["outcome"], lost["pnl_net_usd"], lost["settlement_revision"]) == ("loss", "-30.25", "1")
    assert path_of(folder).read_bytes() == csv_of(reader, DAY)


def test_a_process_killed_between_temporary_file_and_rename_leaves_the_old_file_whole(folder: Path) -> None:
    TradeCopies(folder).follow(reader_of(folder))
    before = path_of(folder).read_bytes()
    world.append(folder, [(world.token(world.TOMORROW, 1), 40, 220_000)])

    killed = follow_apart(folder, "before:rename")

    assert killed.returncode == -signal.SIGKILL
    assert path_of(folder).read_bytes() == before
    assert any((folder / "incoming").iterdir())  # it had come that far
    assert follow_apart(folder, "").returncode == 0
    assert path_of(folder).read_bytes() == csv_of(reader_of(folder), DAY)
    assert len(rows(folder)) == 5


def test_a_process_killed_between_the_files_and_the_mark_writes_the_same_again(folder: Path) -> None:
    """The first rename is that of the file, the second that of the mark."""
    killed = follow_apart(folder, "before:rename@2")

    assert killed.returncode == -signal.SIGKILL
    assert path_of(folder).read_bytes() == csv_of(reader_of(folder), DAY)
    assert not (folder / FOLDER / "copied.json").exists()
    assert TradeCopies(folder).follow(reader_of(folder)) == ()  # the file is as the journal says already


def follow_apart(folder: Path, failpoint: str) -> subprocess.CompletedProcess[bytes]:
    code = (
        "import sys; from pathlib import Path; from core.journal.reader import JournalReader\n"
        "from core.journal.trade_copies import TradeCopies; folder = Path(sys.argv[1])\n"
        "TradeCopies(folder).follow(JournalReader(folder / 'hermes.db'))"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=ROOT, env={**os.environ, "HERMES_FAILPOINT": failpoint}, check=False,
        capture_output=True, timeout=60,
    )  # fmt: skip


def test_a_deleted_and_a_changed_file_come_back_by_the_doctor(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    TradeCopies(folder).follow(reader_of(folder))
    whole = path_of(folder).read_bytes()
    path_of(folder).unlink()

    assert main(["--mode", "doctor", "--copies", "--data", str(folder)]) == 0
    assert "1 days with trades" in capsys.readouterr().out
    assert path_of(folder).read_bytes() == whole
    path_of(folder).write_bytes(whole.replace(b"69.75", b"96.75"))
    main(["--mode", "doctor", "--copies", "--data", str(folder)])
    assert "written again: 2026-12-09" in capsys.readouterr().out
    assert path_of(folder).read_bytes() == whole


def test_a_journal_of_another_world_is_copied_from_its_first_day(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copies = TradeCopies(folder)
    copies.follow(reader_of(folder))
    (folder / FOLDER / "copied.json").write_text('{"format": 1, "world": "live", "version": 1, "fills": {}, "words": {}}')
    path_of(folder).unlink()

    assert TradeCopies(folder).follow(reader_of(folder)) == (DAY,)


@pytest.mark.parametrize(
    "mark", ["", "{", "[]", '{"format": 1}', '{"format":1,"world":"demo:7","version":3,"fills":[],"words":{}}']
)
def test_a_damaged_mark_costs_no_more_than_a_look_at_everything(folder: Path, mark: str) -> None:
    (folder / FOLDER).mkdir()
    (folder / FOLDER / "copied.json").write_text(mark)

    assert TradeCopies(folder).follow(reader_of(folder)) == (DAY,)
    assert len(rows(folder)) == 4


def test_what_cannot_be_written_waits_and_stops_nobody(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / FOLDER).write_text("in the way")
    copies = TradeCopies(folder)

    assert copies.follow(reader_of(folder)) == ()
    assert "wait" in caplog.text
    (folder / FOLDER).unlink()
    assert copies.follow(reader_of(folder)) == (DAY,)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"), ("+1", "'+1"), ("-5°C or below", "'-5°C or below"), ("@x", "'@x"), ("\t=1", "'\t=1"),
        ("42-43°F", "42-43°F"), (Decimal("-1.200000"), "-1.2"), (Decimal("100"), "100"), (-0.05, "-0.05"), (1e-9, "0.000000001"),
        (None, ""), (float("nan"), ""), (datetime(2026, 11, 1, 5, 30, tzinfo=UTC), "2026-11-01T05:30:00Z"),
    ],
)  # fmt: skip
def test_no_cell_is_a_formula_and_numbers_stay_numbers(value: object, cell: str) -> None:
    assert _cell(value) == cell


def test_a_utc_day_has_24_hours_also_when_the_clocks_of_the_station_change(folder: Path) -> None:
    """On 8 March 2026 New York has 23 hours and on 1 November 25: an execution belongs to the UTC day of its instant."""
    assert csv_of(reader_of(folder), date(2026, 3, 8)).count(b"\r\n") == 1  # the heading alone
    for last in (datetime(2026, 3, 8, 23, 59, 59, tzinfo=UTC), datetime(2026, 11, 1, 23, 59, 59, tzinfo=UTC)):
        assert last.date() != (last + timedelta(seconds=1)).date()
