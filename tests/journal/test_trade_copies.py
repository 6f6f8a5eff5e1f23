"""A person's copy of the trades: equal to the journal to the cent, whole or not there, and back when it was deleted."""

from __future__ import annotations

import csv
import io
import os
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.journal.reader import JournalReader
from core.journal.trade_copies import FOLDER, FORMAT, NAME, TradeCopies, csv_of
from core.journal.trade_lines import COLUMNS, _cell
from core.model.event import Side
from core.orchestrator import main
from core.services.trade_rows import Trade
from core.wiring.faces import build_services
from tests.api import world
from tests.api.conftest import settings_of
from tests.api.test_trades import corrected

DAY = date(2026, 12, 9)  # UTC day of all executions of the world
SHARED = {  # column: field of the API's trade row
    "trade_id": "trade_id", "executed_at_utc": "timestamp", "desk": "desk", "venue": "venue", "city": "city",
    "station": "station_code", "event_day": "event_day", "extreme": "extreme", "symbol": "symbol", "bracket": "bracket_name",
    "side": "side", "action": "action", "shares": "shares", "price_usd": "price", "size_usd": "size_usd", "fee_usd": "fee_usd",
    "edge_usd": "edge", "p_model": "p_model", "p_market": "p_market", "p_pooled": "p_pooled", "model": "model",
    "status": "status", "outcome": "outcome", "win_loss": "win_loss", "pnl_gross_usd": "pnl_gross", "pnl_net_usd": "pnl_net",
    "result_usd": "result_usd", "max_loss_usd": "max_loss_usd", "result_r": "result_r", "order_type_entry": "order_type_entry",
    "slippage_entry_usd": "slippage_entry", "equity_at_entry_usd": "equity_at_entry", "operator_state": "operator_state",
    "exited_at_utc": "timestamp_exit", "exit_price_usd": "exit_price", "exit_reason": "exit_reason",
    "holding_minutes": "holding_minutes", "winner": "winner_bracket", "reading": "settlement_reading",
    "provisional_winner": "provisional_winner", "event_id": "event_id", "market_id": "market_id", "token_id": "token_id",
    "order_id": "order_id", "decision_id": "decision_id",
}  # fmt: skip
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


def test_the_end_and_the_entry_of_a_trade_stand_in_its_row(folder: Path) -> None:
    """Bought at 17:45:04 with 10,000 $ and the dial at 5; settled at 18:15:02, 29 minutes and 58 seconds later."""
    TradeCopies(folder).follow(reader_of(folder))

    won = next(row for row in rows(folder) if row["outcome"] == "win" and row["side"] == "YES")
    expected = {
        "symbol": "KLGA-HIGH", "exited_at_utc": "2026-12-09T18:15:02Z", "exit_price_usd": "1", "exit_reason": "Settlement",
        "win_loss": "Win", "holding_minutes": "29.967", "order_type_entry": "limit, immediate or cancel",
        "slippage_entry_usd": "0.0", "equity_at_entry_usd": "10000", "operator_state": "5", "result_usd": "69.75",
    }  # fmt: skip
    assert {name: won[name] for name in expected} == expected
    opened = next(row for row in rows(folder) if row["status"] == "open")
    assert {opened[name] for name in ("exited_at_utc", "exit_price_usd", "exit_reason", "win_loss", "holding_minutes")} == {""}


def test_the_files_say_the_same_as_the_rows_of_the_api(folder: Path) -> None:
    """Resting and immediate orders filled beside their reference, a purchase sold in two parts, the last in a flatten."""
    world.append(folder, [(world.token(world.TODAY, 1, Side.NO), -30, 650_000), (world.token(world.TOMORROW, 1), 40, 220_000)])
    with sqlite3.connect(folder / "hermes.db") as journal:
        journal.execute("UPDATE orders SET reference_micro = reference_micro - 12345")
        journal.execute("UPDATE orders SET good_until = scheduled_at + 900000000 WHERE size_micro IN (50000000, 60000000)")
        journal.execute("UPDATE orders SET role = 1 WHERE size_micro = -20000000")
        journal.execute(
            "UPDATE risk SET governor = json_set(governor, '$.flatten', 1, '$.dial', 2), equity_micro = equity_micro - 7"
            " WHERE scheduled_at = (SELECT max(scheduled_at) FROM risk)"
        )
    journal.close()

    assert_equal_to_the_api(folder)
    told = rows(folder)
    assert {row["exit_reason"] for row in told} == {"", "Settlement", "Stop", "Flatten"}
    assert {row["order_type_entry"] for row in told} == {"limit, immediate or cancel", "limit, resting"}
    assert {row["operator_state"] for row in told} == {"5", "2"}
    assert {row["win_loss"] for row in told} == {"", "Win", "Loss"}


def test_the_files_say_the_same_as_the_rows_of_the_api_after_a_correction(folder: Path) -> None:
    assert_equal_to_the_api(folder)
    corrected(folder)
    assert_equal_to_the_api(folder)


def assert_equal_to_the_api(folder: Path) -> None:
    TradeCopies(folder).follow(reader_of(folder))
    of_api: dict[str, Trade] = {one.trade_id: one for one in build_services(settings_of(folder)).trades.page().trades}
    told = rows(folder)
    assert {row["trade_id"] for row in told} == set(of_api)
    for row in told:
        one = of_api[row["trade_id"]]
        assert {name: row[name] for name in SHARED} == {name: _cell(getattr(one, field)) for name, field in SHARED.items()}


def test_a_sale_on_a_later_day_ends_the_row_of_the_day_of_its_purchase(folder: Path) -> None:
    """The purchase of the 9th has its end in the file of the 9th, the sale of the 10th has its entry of the 9th."""
    reader, copies = reader_of(folder), TradeCopies(folder)
    copies.follow(reader)
    journal, of, later = world.open_journal(folder), world.cycle(99, world.NOW), DAY + timedelta(days=1)
    world.trade(journal, of, journal.account("weather"), [(world.token(world.TODAY, 3), -60, 250_000)])
    journal.close()
    with sqlite3.connect(folder / "hermes.db") as changed:  # it was bought at 21 cents
        changed.execute("UPDATE orders SET reference_micro = 200000, good_until = 1 WHERE size_micro = 60000000")
    changed.close()

    assert TradeCopies(folder).follow(reader) == (DAY, later)

    bought, sold = next(row for row in rows(folder) if row["shares"] == "60"), rows(folder, later)[0]
    assert (bought["status"], bought["exited_at_utc"], bought["exit_price_usd"]) == ("closed", sold["executed_at_utc"], "0.25")
    assert bought["exit_reason"] == sold["exit_reason"] == "Target"
    for row in (bought, sold):
        assert (row["order_type_entry"], row["slippage_entry_usd"], row["holding_minutes"]) == (
            "limit, resting",
            "0.01",
            "1455.0",
        )


def test_files_of_an_older_format_are_written_anew(folder: Path) -> None:
    TradeCopies(folder).follow(reader_of(folder))
    mark, whole = folder / FOLDER / "copied.json", path_of(folder).read_bytes()
    mark.write_text(mark.read_text().replace(f'"format":{FORMAT}', f'"format":{FORMAT - 1}'))
    path_of(folder).write_bytes(b"trade_id\r\n")

    assert TradeCopies(folder).follow(reader_of(folder)) == (DAY,)
    assert path_of(folder).read_bytes() == whole


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
    (folder / FOLDER / "copied.json").write_text('{"format": 2, "world": "live", "version": 1, "fills": {}, "words": {}}')
    path_of(folder).unlink()

    assert TradeCopies(folder).follow(reader_of(folder)) == (DAY,)


@pytest.mark.parametrize(
    "mark", ["", "{", "[]", '{"format": 2}', '{"format":2,"world":"demo:7","version":3,"fills":[],"words":{}}']
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
        ("\n=1", "'\n=1"), (-3, "-3"),
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
