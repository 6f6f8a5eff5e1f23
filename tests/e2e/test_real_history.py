"""Real history end to end: Miami in the archive, the desk over it, the scores of both sides."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from core.journal.reader import JournalReader
from core.services import Services
from core.settings import load_settings
from core.wiring.faces import build_services
from tests.e2e.conftest import orchestrator

SPAN = ("--start", "2024-12-01", "--end", "2024-12-07")
SCORE_KEYS = {"n_days", "settlement", "checkpoints", "day1"}
SETTLEMENT_KEYS = {"bracket_agree", "value_agree", "n"}
CHECKPOINT_KEYS = {
    "at", "n", "model_log", "market_log", "model_brier", "market_brier", "model_top", "market_top", "median_print_age_s"
}  # fmt: skip
DAY1_KEYS = {"rps_model", "rps_baseline", "rps_bias_corrected", "change_pct", "ci90", "coverage80", "width80"}


@dataclass(frozen=True)
class Miami:
    """An archive of sets A and E, scored over all of set A."""

    real: Path
    data: Path
    printed: str
    result: dict[str, Any]


@pytest.fixture(scope="module")
def miami(captures: Path, tmp_path_factory: pytest.TempPathFactory) -> Miami:
    """Import sets A and E once, and verify all of A."""
    real, folder = captures / "real", tmp_path_factory.mktemp("miami")
    target = folder / "scores.json"
    done = orchestrator(
        "--mode", "verify", "--real-data", str(real), "--set", "A", "--data", str(folder / "data"), "--json", str(target)
    )
    assert done.returncode == 0, done.stderr
    return Miami(real, folder / "data", done.stdout, json.loads(target.read_text()))


@pytest.fixture(scope="module")
def week(miami: Miami) -> str:
    """Run the desk over a week of the archive."""
    done = orchestrator("--mode", "backtest", "--world", "archive", "--stations", "KMIA", *SPAN, "--data", str(miami.data))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_metar_text_alone_settles_miami_as_the_venue_did(miami: Miami) -> None:
    """Six-hour groups included: the venue's own evidence differs on three days (2024-10-07, 11-11, 11-27)."""
    settlement = miami.result["sets"]["A"]["settlement"]

    assert settlement["n"] == 176
    assert settlement["bracket_agree"] >= 173
    assert settlement["value_agree"] >= 169


def test_the_scores_have_the_documented_keys_and_are_in_range(miami: Miami) -> None:
    found = miami.result["sets"]["A"]

    assert miami.result.keys() == {"sets", "pooled", "audit", "uncertainty", "earned"}
    assert found.keys() == miami.result["pooled"].keys() == SCORE_KEYS
    assert found["settlement"].keys() == SETTLEMENT_KEYS
    assert found["day1"].keys() >= DAY1_KEYS
    assert all(each.keys() >= CHECKPOINT_KEYS for each in found["checkpoints"])
    assert [each["at"] for each in found["checkpoints"]] == ["17:45 D-1", "08:45", "10:45", "12:45", "14:45"]
    assert found["n_days"] == 177
    assert found == miami.result["pooled"]  # one set is the whole


def test_the_market_is_scored_as_others_measured_it(miami: Miami) -> None:
    """SCIENCE 3.3: 1.236 at 18:00 and .380 at 15:00, by another de-vig and 15 minutes later; it moves by up to .08 and .17."""
    first, *_, last = miami.result["sets"]["A"]["checkpoints"]

    assert first["market_log"] == pytest.approx(1.236, abs=0.08)
    assert last["market_log"] == pytest.approx(0.380, abs=0.08)
    assert first["model_log"] < 1.6  # six brackets alike would cost 1.79


def test_the_result_says_what_it_is_good_for(miami: Miami, week: str) -> None:
    assert "prints only, descriptive" in miami.printed
    assert "prints only, descriptive" in week


def test_a_week_of_real_prints_is_traded_and_its_money_is_proven(miami: Miami, week: str) -> None:
    fills = int((re.search(r"(\d+) fills", week) or ["", "0"])[1])
    doctor = orchestrator("--mode", "doctor", "--ledger", "--data", str(miami.data))

    assert fills > 0
    assert doctor.returncode == 0, doctor.stdout
    assert f"{fills} fills" in doctor.stdout


def test_every_fill_was_a_later_print_no_better_than_the_one_seen_and_within_its_limit(miami: Miami, week: str) -> None:
    """TRANSMISSION 1.7, SCIENCE 5.3: never the print that was seen, at its price or worse, a tenth of the later one at most."""
    connection = JournalReader(f"sqlite:///{miami.data / 'hermes.db'}").connection()
    rows = connection.execute(text(
        "SELECT f.at, f.size_micro, f.levels, o.placed_at, o.limit_micro, o.reference_micro FROM fills f "
        "JOIN orders o ON o.order_id = f.order_id"
    )).mappings().all()  # fmt: skip
    connection.close()

    assert rows
    for row in rows:
        (level,) = json.loads(row["levels"])
        price, shown, taken = (
            level if isinstance(level, list) else (level["price_micro"], level["shown_micro"], level["taken_micro"])
        )
        low, high = sorted((row["reference_micro"], row["limit_micro"]))
        assert row["at"] > row["placed_at"]
        assert low <= price <= high
        assert taken == abs(row["size_micro"]) <= shown / 10


def test_the_faces_open_the_folder_and_say_what_it_is(miami: Miami, week: str) -> None:
    services: Services = build_services(load_settings(None, data_dir=miami.data, mode="replay"))
    status, edges = services.status.strip(), services.edges.current(station_code="KMIA")

    assert (status.world, status.grade, status.simulated) == ("archive", "prints only, descriptive", False)
    assert status.as_of.date().isoformat() == "2024-12-07"  # the archive stands still at its last cycle
    assert status.missing == ""
    assert "engine_down" not in {notice.code for notice in status.warnings}
    assert edges.edges
    assert {edge.station_code for edge in edges.edges} == {"KMIA"}


def test_every_trade_on_prints_is_explained_by_prints(miami: Miami, week: str) -> None:
    services: Services = build_services(load_settings(None, data_dir=miami.data, mode="replay"))
    rows = services.trades.page(limit=1000).trades

    assert rows
    for row in rows:
        told = services.explain.explain(row.trade_id)
        assert (told.decision_book, told.fill_book, told.costs.half_spread) == (None, None, None)
        assert "Prints only, descriptive." in told.notes
        assert {"prints", "events"} <= {one.kind for one in told.inputs}
        assert all(one.sha256 and one.path for one in told.inputs)
        assert told.marks.source in ("recorded prints", "")
        assert told.distribution is not None
        parts = told.attribution
        if parts.luck is not None:
            assert sum((parts.edge, parts.spread, parts.latency, parts.fee, parts.luck)) == pytest.approx(parts.net)


def test_a_second_backtest_keeps_the_first(miami: Miami, week: str) -> None:
    again = orchestrator(
        "--mode", "backtest", "--world", "archive", "--stations", "KMIA", "--start", "2024-12-01", "--end", "2024-12-01",
        "--data", str(miami.data),
    )  # fmt: skip

    assert again.returncode == 0, again.stderr
    assert (miami.data / "runs" / "backtest-001" / "hermes.db").is_file()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--mode", "verify", "--set", "A"), "or --real-data DIR"),
        (("--mode", "verify", "--set", "Z", "--real-data", "REAL"), "no set Z; there are A, B, C, D, E, F, G, H, I, J"),
        (("--mode", "verify", "--set", "A", "--real-data", "EMPTY"), "it is not a folder of real history"),
        (("--mode", "verify", "--set", "A", "--real-data", "NOWHERE"), "is no folder"),
        (("--mode", "verify", "--set", "A", "--real-data", "REAL", "--start", "2026-01-01"), "set A runs from 2024-08-16"),
        (("--mode", "import", "--set", "A", "--real-data", "PART"), "metar_KMIA.csv.gz cannot be read"),
        (("--mode", "backtest", "--start", "2024-12-02", "--end", "2024-12-01"), "lies before --start"),
        (("--mode", "backtest", "--start", "2024-12-01", "--end", "2024-12-01"), "holds no records"),
        (("--mode", "backtest", *SPAN, "--stations", "KXYZ", "--data", "MIAMI"), "no station KXYZ"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_in_one_line(miami: Miami, tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    (tmp_path / "empty").mkdir()
    part = tmp_path / "part" / "forecasts"
    part.mkdir(parents=True)
    part.joinpath("mos_gfs_nam_KMIA_day_ahead.csv.gz").symlink_to(
        miami.real / "forecasts" / "mos_gfs_nam_KMIA_day_ahead.csv.gz"
    )
    places = {
        "REAL": miami.real, "EMPTY": tmp_path / "empty", "NOWHERE": tmp_path / "nowhere", "PART": tmp_path / "part",
        "MIAMI": miami.data,
    }  # fmt: skip
    given = [str(places.get(argument, argument)) for argument in arguments]
    data = [] if "--data" in given else ["--data", str(tmp_path / "data")]
    done = orchestrator(*given, *data)

    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def verified(captures: Path, folder: Path, sets: str, *more: str) -> tuple[str, dict[str, Any]]:
    target = folder / "scores.json"
    done = orchestrator(
        "--mode", "verify", "--real-data", str(captures / "real"), "--set", sets, "--data", str(folder / "data"), "--json",
        str(target), *more,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(target.read_text())


def test_listed_reports_settle_every_polymarket_day_and_wrong_rules_do_not(captures: Path, tmp_path: Path) -> None:
    """README: 28 of 28 (set F) and 13 of 13 (set J). Where the rule is read wrongly, days are lost; halves never lie on a T-group."""
    printed, result = verified(captures, tmp_path, "F,J", "--rules")
    counted = {each["name"]: (each["bracket"], each["value"]) for each in result["rules"]["F"]}

    assert result["sets"]["F"]["settlement"] == {"bracket_agree": 28, "value_agree": 28, "n": 28}
    assert result["sets"]["J"]["settlement"] == {"bracket_agree": 13, "value_agree": 13, "n": 13}
    assert counted["by the rule"] == counted["halves to even"] == (28, 28)
    for wrong in (
        "standard instead of civil day", "UTC day", "six-hour groups where only listed reports count",
        "whole °C first, then °F", "floor instead of half up", "official daily summary of KLGA",
    ):  # fmt: skip
        assert counted[wrong][0] < 28, wrong
        assert counted[wrong][1] < 28, wrong
    assert "price points each ten minutes, no forecast" in printed
    market = result["sets"]["F"]["checkpoints"]
    assert all(each["model_log"] is None and each["market_log"] > 0 for each in market)


def test_model_and_market_are_scored_at_the_moments_of_set_g(captures: Path, tmp_path: Path) -> None:
    """70 events of 14 cities; before the day the market is known to be near 1.6 nats, half an hour before its end near 0."""
    printed, result = verified(captures, tmp_path, "G")
    found = {each["name"]: each for each in result["moments"]["G"]}

    assert found["00 to 09"]["n_events"] == found["15 to 24"]["n_events"] == 70
    assert sum(name.endswith(", before the day") for name in found) == 14
    assert found["15 to 24"]["market_log"] < 0.1 < found["before the day"]["market_log"]
    assert 1.0 < found["before the day"]["model_log"] < 2.4  # eleven brackets alike would cost 2.40
    assert "Few days, and all cities share their weather" in printed
