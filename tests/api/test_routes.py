"""The routes against their documented fields, their declared models and the journal that the world wrote."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel
from starlette.testclient import TestClient

from api import (
    models,
    models_metrics,
    models_signals,
    models_stations,
    models_system,
    models_trade,
    models_trades,
    models_verification,
)
from api.stream import CHANNELS
from tests.api import world
from tests.api.conftest import client_of

# FACTS III.1 and III.3: the documented minimum of each reply.
STATUS_FIELDS = {
    "timestamp", "version", "execution_mode", "mode", "trading_engine", "cycle", "stations", "data_collection", "sources",
    "open_events", "risk", "system",
}  # fmt: skip
NESTED_FIELDS = {
    "trading_engine": {"running", "pid", "started_at", "config_hash"},
    "cycle": {"number", "interval_seconds", "last_cycle_time", "next_cycle_time", "seconds_until_next"},
    "data_collection": {"snapshots_dir_exists", "trades_dir_exists", "recent_snapshots_24h"},
    "risk": {"can_trade", "reason"},
    "system": {
        "system_state", "current_regime", "active_strategy", "daily_pnl_r", "weekly_pnl_r", "current_r",
        "consecutive_red_days", "can_trade", "risk_reason",
    },
}  # fmt: skip
EDGE_FIELDS = {
    "station_code", "city", "venue", "event_day", "bracket", "lower_f", "upper_f", "unit", "market_id", "side", "p_zeus",
    "p_pooled", "p_mkt", "p_market", "executable_price", "edge", "edge_pct", "f_kelly", "size_usd", "decision", "reason",
    "decision_time_utc", "age_seconds",
}  # fmt: skip
TRADE_FIELDS = {
    "trade_id", "timestamp", "station_code", "city", "venue", "event_day", "bracket_name", "bracket_lower_f",
    "bracket_upper_f", "side", "market_id", "token_id", "price", "shares", "fee_usd", "size_usd", "edge", "edge_pct",
    "f_kelly", "p_zeus", "p_mkt", "sigma_z", "model", "reason", "outcome", "realized_pnl", "result_r", "resolved_at",
    "winner_bracket",
}  # fmt: skip
LOG_FIELDS = {
    "seq", "timestamp", "level", "station_code", "event_day", "cycle", "action_type", "message", "data",
}  # fmt: skip
ENVELOPE = {"count", "total", "limit", "offset", "has_more"}

ROUTES: dict[str, type[BaseModel]] = {
    "/": models.RootReply,
    "/api": models.RootReply,
    "/health": models.HealthReply,
    "/api/status": models.StatusReply,
    "/api/edges/current": models.EdgesReply,
    "/api/trades": models_trades.TradesReply,
    "/api/trades/recent": models_trades.TradesReply,
    "/api/trades/history": models_trades.TradesReply,
    "/api/trades/summary": models_trades.TradeSummaryReply,
    "/api/logs/activity": models.LogsReply,
    "/api/logs/available-dates": models.LogDaysReply,
    "/api/stations": models_stations.StationsReply,
    "/api/system/positions": models_stations.PositionsReply,
    "/api/system/status": models_system.SystemStatusReply,
    "/api/system/risk": models_system.RiskReportReply,
    "/api/risk": models_system.RiskReportReply,
    "/api/system/health": models_system.SystemHealthReply,
    "/api/system/orders": models_system.OrdersReply,
    "/api/system/commands": models_system.CommandsReply,
    "/api/compare/zeus-vs-metar": models_verification.ComparisonsReply,
    "/api/metrics": models_metrics.MetricsReply,
    "/api/performance/pnl": models_metrics.PnlReply,
    "/api/performance/metrics": models_metrics.ReportReply,
}
NAMED: dict[str, type[BaseModel]] = {  # routes with a name in their path
    "/api/trades/recent/{limit}": models_trades.TradesReply,
    "/api/trades/{trade_id}": models_trade.TradeExplanationReply,
    "/api/stations/{code}": models_stations.StationDetailReply,
    "/api/system/commands/{command_id}": models_system.CommandReply,
}
DECLARED = {**ROUTES, **NAMED}
POSTED: dict[str, type[BaseModel]] = {
    **dict.fromkeys(
        (f"/api/system/{name}" for name in ("flatten_all", "kill", "lift", "dial", "rebase")), models_system.CommandReply
    ),
    **dict.fromkeys(("/api/signals/generate", "/api/signal"), models_signals.GeneratedReply),
    "/api/trades/resolve": models_trades.ResolutionReply,
}
EVERY = {**DECLARED, **POSTED}
DOCS = Path(__file__).resolve().parents[2] / "docs" / "api.md"


@pytest.mark.parametrize("path", ROUTES)
def test_every_reply_has_its_declared_shape_and_nothing_else(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    ROUTES[path].model_validate_json(answer.content)


@pytest.mark.parametrize("path", ROUTES)
def test_a_trailing_slash_answers_the_same_without_a_redirect(client: TestClient, path: str) -> None:
    answer = client.get(path.rstrip("/") + "/", follow_redirects=False)

    assert answer.status_code == 200
    ROUTES[path].model_validate_json(answer.content)


@pytest.mark.parametrize("path", ROUTES)
def test_a_folder_that_does_not_exist_is_an_honest_empty_answer(empty_client: TestClient, path: str) -> None:
    answer = empty_client.get(path)

    assert answer.status_code == 200
    ROUTES[path].model_validate_json(answer.content)
    if "missing" in answer.json():
        assert "start_all.sh" in answer.json()["missing"]
        assert answer.json()["n"] == 0


@pytest.mark.parametrize("path", [*ROUTES, "/nothing/here"])
def test_every_reply_says_how_long_it_took(client: TestClient, path: str) -> None:
    assert float(client.get(path).headers["X-Process-Time-ms"]) >= 0


@pytest.mark.parametrize("path", [path for path in ROUTES if path != "/"])
def test_an_unknown_parameter_is_an_error(client: TestClient, path: str) -> None:
    answer = client.get(path, params={"staton_code": "KLGA"})

    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "staton_code"
    assert "this route takes" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/edges/current?limit=0", "limit"),
        ("/api/edges/current?limit=x", "limit"),
        ("/api/edges/current?offset=-1", "offset"),
        ("/api/edges/current?event_day=1765238400", "event_day"),
        ("/api/edges/current?event_day=2026-W50-3", "event_day"),
        ("/api/edges/current?event_day=2026-02-30", "event_day"),
        ("/api/edges/current?station_code=..%2f..", "station_code"),
        ("/api/edges/current?venue=A!", "venue"),
        ("/api/edges/current?venue=foo", "venue"),
        ("/api/stations?venue=foo", "venue"),
        ("/api/stations?region=A!", "region"),
        ("/api/stations/K-A", "code"),
        ("/api/trades/x%20y", "trade_id"),
        ("/api/trades/history?venue=foo", "venue"),
        ("/api/trades/history?sort=random", "sort"),
        ("/api/trades/history?side=MAYBE", "side"),
        ("/api/logs/activity?text=%00", "text"),
        ("/api/logs/activity?text=a%0ab", "text"),
        ("/api/edges/current?limit=5&limit=6", "limit"),
        ("/api/trades/history?outcome=maybe", "outcome"),
        ("/api/trades/history?start_date=2026-12-09&end_date=2026-12-01", "end_date"),
        ("/api/logs/activity?event_day=yesterday", "event_day"),
        ("/api/logs/activity?event_day=2026-13-01", "event_day"),
        ("/api/logs/activity?action_type=magic", "action_type"),
        ("/api/logs/activity?log_level=LOUD", "log_level"),
        ("/api/system/orders?status=lost", "status"),
        ("/api/system/orders?status=../x", "status"),
        ("/api/system/risk?desk=A!", "desk"),
    ],
)
def test_a_malformed_filter_is_refused_by_name(client: TestClient, path: str, field: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 422
    assert set(answer.json()) == {"error"}
    assert answer.json()["error"]["field"] == field


@pytest.mark.parametrize("path", ["/api/edges/current", "/api/trades/recent", "/api/trades/history", "/api/logs/activity"])
def test_an_unknown_station_is_not_found(client: TestClient, path: str) -> None:
    answer = client.get(path, params={"station_code": "ZZZZ"})

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown"


def test_an_unknown_route_is_not_found_in_the_same_shape(client: TestClient) -> None:
    answer = client.get("/api/nothing")

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown"
    assert "/docs" in answer.json()["error"]["message"]


def test_a_wrong_method_is_refused_in_the_same_shape(client: TestClient) -> None:
    answer = client.post("/api/status")

    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"


def test_status_has_the_documented_fields(client: TestClient) -> None:
    status = client.get("/api/status").json()

    assert set(status) >= STATUS_FIELDS
    for name, fields in NESTED_FIELDS.items():
        assert set(status[name]) >= fields, name
    assert set(status["sources"]["metar"]) >= {"healthy", "last_success", "age_seconds", "error"}


def test_status_tells_the_simulated_world_and_its_clock(client: TestClient) -> None:
    status = client.get("/api/status").json()

    assert status["world"] == "demo:7"
    assert status["simulated"] is True
    assert status["seed"] == 7
    assert status["as_of"] == "2026-12-09T18:15:00Z"  # the engine's instant, not the machine's
    assert status["timestamp"] != status["as_of"]
    assert status["cycle"]["seconds_until_next"] == 900.0
    assert [notice["code"] for notice in status["warnings"]] == ["simulated"]


def test_status_counts_the_money_of_the_journal(client: TestClient) -> None:
    """10,000 − 30 − 35 − 12.60 + 15.40 + 100 paid − 4 × 0.25 fees."""
    money = client.get("/api/status").json()["money"]

    assert money["cash_usd"] == 10_036.8
    assert money["fees_usd"] == 1.0
    assert money["at_risk_usd"] == 33.6  # 30 NO at 0.70 and 60 YES at 0.21, if 40-41 wins
    assert money["allowed_usd"] == 400.0  # 4 R0 of 1 % of 10,000


def test_edges_have_the_documented_fields_and_fall(client: TestClient) -> None:
    reply = client.get("/api/edges/current").json()

    assert set(reply) >= {"edges", *ENVELOPE}
    assert all(set(row) >= EDGE_FIELDS for row in reply["edges"])
    edges = [row["edge"] for row in reply["edges"]]
    known = [edge for edge in edges if edge is not None]
    assert known == sorted(known, reverse=True)
    assert edges[len(known) :] == [None] * (len(edges) - len(known))  # what cannot be bought stands last


def test_edges_hold_every_bracket_of_open_events_and_no_expired_one(client: TestClient) -> None:
    reply = client.get("/api/edges/current").json()

    days = [row["event_day"] for row in reply["edges"]]
    assert sorted(set(days)) == ["2026-12-09", "2026-12-10"]  # the seventh is over
    assert {day: days.count(day) for day in set(days)} == {"2026-12-09": 5, "2026-12-10": 5}


def test_edges_can_be_filtered(client: TestClient) -> None:
    day = client.get("/api/edges/current", params={"event_day": "2026-12-10", "station_code": "klga", "venue": "polymarket"})
    other = client.get("/api/edges/current", params={"venue": "kalshi"})
    elsewhere = client.get("/api/edges/current", params={"station_code": "EGLC"})

    assert {row["event_day"] for row in day.json()["edges"]} == {"2026-12-10"}
    assert other.json()["edges"] == []
    assert elsewhere.json()["total"] == 0


def test_a_fahrenheit_bracket_keeps_its_edges_and_an_open_tail_is_null(client: TestClient) -> None:
    rows = client.get("/api/edges/current", params={"event_day": "2026-12-10"}).json()["edges"]

    by_rank = {row["rank"]: row for row in rows}
    assert (by_rank[0]["lower_f"], by_rank[0]["upper_f"]) == (None, 39.0)
    assert (by_rank[2]["lower_f"], by_rank[2]["upper_f"]) == (42.0, 43.0)
    assert by_rank[4]["upper_f"] is None


def test_a_held_bracket_without_a_new_order_is_a_skip_on_target(client: TestClient) -> None:
    rows = client.get("/api/edges/current", params={"event_day": "2026-12-09"}).json()["edges"]

    wanted = next(row for row in rows if row["rank"] == 0)  # the desk would trade it, the newest cycle ordered nothing
    assert (wanted["decision"], wanted["reason"], wanted["size_usd"]) == ("skip", "on_target", 0)
    held = next(row for row in rows if row["rank"] == 3)
    assert (held["held_yes"], held["reason"]) == (60, "edge_below_minimum")


@pytest.mark.parametrize(
    ("path", "name"),
    [("/api/edges/current", "edges"), ("/api/trades/recent", "trades"), ("/api/logs/activity", "logs")],
)
def test_pages_join_into_the_whole(client: TestClient, path: str, name: str) -> None:
    whole = client.get(path, params={"limit": 100}).json()
    pages, offset, more = [], 0, True
    while more:
        page = client.get(path, params={"limit": 3, "offset": offset}).json()
        assert page["count"] == len(page[name])
        assert page["total"] == whole["total"]
        pages, offset, more = pages + page[name], offset + 3, page["has_more"]

    assert pages == whole[name]
    assert whole["has_more"] is False


def test_trades_have_the_documented_fields(client: TestClient) -> None:
    reply = client.get("/api/trades/recent").json()

    assert set(reply) >= {"trades", "total_size_usd", *ENVELOPE}
    assert reply["count"] == 4
    assert all(set(row) >= TRADE_FIELDS for row in reply["trades"])


def test_a_final_settlement_decides_and_the_provisional_word_stands_beside(client: TestClient) -> None:
    """100 YES at 0.30 pay 100: 70 gross, less a fee of 0.25; worst case at entry 30.25."""
    rows = client.get("/api/trades/history", params={"start_date": "2026-12-07", "end_date": "2026-12-07"}).json()["trades"]

    (row,) = rows
    assert (row["outcome"], row["status"], row["winner_bracket"]) == ("win", "settled", "42-43°F")
    assert (row["provisional_outcome"], row["provisional_winner"]) == ("loss", "40-41°F")
    assert row["realized_pnl"] == 69.75
    assert row["result_r"] == pytest.approx(69.75 / 30.25, abs=1e-6)
    assert row["resolved_at"] == "2026-12-09T18:15:02Z"


def test_an_open_trade_is_pending_and_has_no_result(client: TestClient) -> None:
    rows = client.get("/api/trades/history", params={"outcome": "pending"}).json()["trades"]

    assert {row["event_day"] for row in rows} == {"2026-12-09"}
    assert all(row["realized_pnl"] is None and row["result_r"] is None for row in rows)


def test_a_sale_is_an_exit_row(client: TestClient) -> None:
    """20 of 50 NO bought at 0.70 are sold at 0.77: 1.40 gross, 1.15 after its fee."""
    rows = client.get("/api/trades/recent", params={"station_code": "KLGA"}).json()["trades"]

    (row,) = [row for row in rows if row["action"] == "sell"]
    assert (row["shares"], row["price"], row["realized_pnl"], row["pnl_gross"]) == (20, 0.77, 1.15, 1.4)
    assert (row["status"], row["outcome"]) == ("closed", "win")


def test_results_add_up_to_what_the_journal_realised(client: TestClient) -> None:
    reply = client.get("/api/trades/recent").json()
    realised = client.get("/api/status").json()["money"]["realized_pnl_usd"]

    gross = sum(row["pnl_gross"] for row in reply["trades"] if row["pnl_gross"] is not None)
    assert gross == pytest.approx(realised, abs=1e-9)
    counted = [reply[name] for name in ("wins", "losses", "pending", "closed")]
    assert counted == [2, 0, 2, 0]  # of four rows: the buy that settled, and the sale above its cost
    assert sum(counted) == reply["total"]
    assert reply["total_size_usd"] == 30 + 35 + 12.6 + 15.4


def test_trades_of_another_day_or_world_are_absent(client: TestClient) -> None:
    assert client.get("/api/trades/recent", params={"trade_date": "2026-12-08"}).json()["trades"] == []
    assert client.get("/api/trades/recent", params={"trade_date": "2026-12-09"}).json()["count"] == 4
    assert client.get("/api/trades/history", params={"mode": "live"}).json()["total"] == 0
    assert client.get("/api/trades/history", params={"venue": "kalshi"}).json()["total"] == 0


def test_logs_have_the_documented_fields_newest_first(client: TestClient) -> None:
    reply = client.get("/api/logs/activity").json()

    assert all(set(row) >= LOG_FIELDS for row in reply["logs"])
    seqs = [row["seq"] for row in reply["logs"]]
    assert seqs == sorted(seqs, reverse=True)
    assert reply["total"] == reply["n"] == max(seqs)


def test_logs_can_be_filtered(client: TestClient) -> None:
    def ask(**given: str) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = client.get("/api/logs/activity", params=given).json()["logs"]
        return rows

    assert {row["event_day"] for row in ask(event_day="today")} == {"2026-12-09"}
    assert ask(event_day="tomorrow") == ask(event_day="future") == []
    assert {row["event_day"] for row in ask(event_day="past_3_days", station_code="KLGA")} == {"2026-12-07"}
    assert {row["event_day"] for row in ask(event_day="2026-12-07")} == {"2026-12-07"}
    assert {row["action_type"] for row in ask(action_type="settlement")} == {"settlement"}
    assert {row["level"] for row in ask(log_level="WARNING")} == {"WARNING"}
    assert len(ask(text="COMPLETE, 100% of")) == 3  # any case, and % is a letter
    assert ask(text="complete%of") == []
    assert ask(day="2026-12-08") == []


def test_a_day_filter_uses_the_station_s_own_day(tmp_path_factory: pytest.TempPathFactory) -> None:
    """At 03:00Z on the tenth it is still the ninth in New York."""
    folder = tmp_path_factory.mktemp("night")
    world.build(folder, now=datetime(2026, 12, 10, 3, tzinfo=UTC))
    with client_of(folder) as client:
        today = client.get("/api/logs/activity", params={"event_day": "today"}).json()["logs"]

    assert {row["event_day"] for row in today} == {"2026-12-09"}


def test_available_dates_are_newest_first(client: TestClient) -> None:
    reply = client.get("/api/logs/available-dates").json()

    assert reply["dates"] == [{"date": "2026-12-09", "label": "Today", "count": reply["n"]}]


def test_money_is_written_exactly(client: TestClient) -> None:
    text = client.get("/api/trades/recent").text

    assert '"price":0.77' in text
    assert '"price":"' not in text


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_docs_list_every_route_with_an_example_and_load_nothing(client: TestClient, page: str) -> None:
    answer = client.get(page)

    assert answer.status_code == 200
    for path in [*EVERY, "/ws/trading", "/ws"]:
        assert f"<code>{path}" in answer.text
    assert answer.text.count("Example reply") == len(EVERY)
    assert "https://" not in answer.text.replace("https://example.org", "")
    assert "src=" not in answer.text


def test_every_example_has_the_declared_shape(client: TestClient) -> None:
    for model in set(EVERY.values()):
        example = model.model_json_schema()["example"]
        model.model_validate_json(json.dumps(example))


def test_openapi_declares_a_model_for_every_route(client: TestClient) -> None:
    document = client.get("/openapi.json").json()

    assert set(document["paths"]) == set(EVERY)
    for path, model in EVERY.items():
        (operation,) = document["paths"][path].values()
        (answer,) = (each for status, each in operation["responses"].items() if status.startswith("2"))
        schema = answer["content"]["application/json"]["schema"]
        assert schema["$ref"].endswith(f"/{model.__name__}")


def test_the_manual_names_every_route_parameter_and_channel(client: TestClient) -> None:
    manual, document = DOCS.read_text("utf-8"), client.get("/openapi.json").json()

    for path, operations in document["paths"].items():
        assert f"`{path}`" in manual, path
        (operation,) = operations.values()
        for parameter in operation.get("parameters", []):
            assert f"`{parameter['name']}`" in manual, (path, parameter["name"])
    for channel in CHANNELS:
        assert f"`{channel}`" in manual, channel


def test_every_address_in_the_manual_answers(client: TestClient) -> None:
    asked = re.findall(r"http://127\.0\.0\.1:8000(/[^\s'\"`]*)", DOCS.read_text("utf-8"))

    assert len(asked) >= len(ROUTES)
    for address in asked:
        assert client.get(address).status_code == 200, address


@pytest.mark.parametrize("path", [*ROUTES, "/docs", "/api/stations/KLGA"])
def test_head_asks_as_get_does_and_gets_no_body(client: TestClient, path: str) -> None:
    answer = client.head(path)

    assert answer.status_code == client.get(path).status_code == 200
    assert answer.content == b""
    assert int(answer.headers["content-length"]) > 0


def test_history_can_be_narrowed_and_ordered(client: TestClient) -> None:
    """Net: the win 70 − 0.25, the sale 1.40 − 0.25; two are pending."""

    def ask(**given: str) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = client.get("/api/trades/history", params=given).json()["trades"]
        return rows

    assert [row["realized_pnl"] for row in ask(sort="best")][:2] == [69.75, 1.15]
    assert [row["realized_pnl"] for row in ask(sort="worst")] == [1.15, 69.75, None, None]
    assert {row["side"] for row in ask(side="NO")} == {"NO"}
    assert ask(extreme="low") == []
    assert len(ask(extreme="high")) == 4
    assert [row["size_usd"] for row in ask(sort="largest", limit="2")] == [35, 30]


def test_a_page_of_trades_holds_its_rows_and_the_sums_of_all(client: TestClient) -> None:
    whole = client.get("/api/trades/history").json()
    second = client.get("/api/trades/history", params={"limit": 2, "offset": 2}).json()

    assert second["trades"] == whole["trades"][2:4]
    assert (second["total"], second["has_more"]) == (4, False)
    assert second["total_size_usd"] == whole["total_size_usd"]


def test_a_trade_tells_its_growth_optimal_share_and_its_model(client: TestClient) -> None:
    for row in client.get("/api/trades/recent").json()["trades"]:
        assert (row["f_kelly"], row["model"]) == (0.031, "residual")


def test_a_trade_is_explained_from_its_inputs_to_its_settlement(client: TestClient) -> None:
    settled = client.get("/api/trades/history", params={"outcome": "win", "side": "YES"}).json()["trades"][0]

    answer = client.get(f"/api/trades/{settled['trade_id']}")

    assert answer.status_code == 200
    told = models_trade.TradeExplanationReply.model_validate_json(answer.content)
    assert told.trade.trade_id == settled["trade_id"]
    assert [word.finality for word in told.words] == ["provisional", "final"]


@pytest.mark.parametrize("path", ["/api/trades/x-0000000000000000-0", "/api/stations/ZZZZ"])
def test_a_name_that_nothing_has_is_not_found(client: TestClient, empty_client: TestClient, path: str) -> None:
    for asked in (client, empty_client):
        answer = asked.get(path)

        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "unknown"


def test_a_station_tells_where_it_is_and_what_is_open(client: TestClient) -> None:
    """Newest METAR 5.6 °C at 17:51Z; 33.60 $ at risk less the 30 NO that pay wherever 40-41 is not."""
    told = client.get("/api/stations/klga").json()

    assert told["station"]["city"] == "New York"
    assert (told["station"]["metar_c"], told["station"]["metar_at"]) == (5.6, "2026-12-09T17:51:00Z")
    assert [event["event_day"] for event in told["events"]] == ["2026-12-09", "2026-12-10"]
    assert {row["venue"] for row in told["listings"]} <= {"polymarket", "kalshi"}


def test_positions_are_those_of_the_account(client: TestClient) -> None:
    told = client.get("/api/system/positions").json()

    assert told["n"] == 2
    assert [(one["side"], one["shares"]) for one in told["events"][0]["holdings"]] == [("NO", 30), ("YES", 60)]
    assert told["at_risk_usd"] == 33.6
