"""The trade row of both documented families, its filters, sums and settlement looks, against the world that was written."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from core.control.commands import Commands
from core.errors import NotAllowedError
from core.journal.changes import Conversion, Execution, Intention
from core.model.command import Caller, Scope, To, Verb
from core.model.event import Side
from core.model.orders import Level, Reports, Status
from core.model.settlement import Finality
from core.services import Services
from core.services.journal_rows import JournalRows
from core.services.trade_rows import Trade
from core.units import MICRO, micros
from core.wiring.faces import build_services
from tests.api import world
from tests.api.conftest import client_of, settings_of

# TRANSMISSION 1.9, and FACTS III.2
ROW_FIELDS = {
    "trade_id", "desk", "venue", "instrument", "symbol", "side", "trade_type", "strategy_used", "regime_at_entry",
    "timestamp_entry", "timestamp_exit", "entry_price", "exit_price", "stop_price", "target_price", "position_size",
    "max_loss_usd", "equity_at_entry", "order_type_entry", "order_type_exit", "execution_latency_ms_entry",
    "execution_latency_ms_exit", "slippage_entry", "slippage_exit", "fees_usd", "pnl_gross", "pnl_net", "result_r", "result_usd",
    "win_loss", "exit_reason", "holding_minutes", "mae", "mfe", "edge_at_entry", "p_model", "p_market", "spread_at_entry",
    "depth_at_entry", "operator_state", "rule_breaks", "decision_id", "notes",
}  # fmt: skip
ENVELOPE = {"trades", "total", "limit", "offset", "has_more"}
PERSON = Caller("a test", frozenset(Scope))


def rows_of(services: Services) -> dict[str, Trade]:
    """The four rows of the world by what they are."""
    won, no, yes, sale = "won", "no", "yes", "sale"
    found: dict[str, Trade] = {}
    for one in services.trades.page().trades:
        name = sale if one.action == "sell" else won if one.outcome == "win" else no if one.side == "NO" else yes
        found[name] = one
    return found


@pytest.fixture(scope="module")
def rows(services: Services) -> dict[str, Trade]:
    return rows_of(services)


def test_one_row_carries_the_fields_of_both_families(client: TestClient) -> None:
    for path in ("/api/trades", "/api/trades/recent", "/api/trades/recent/3", "/api/trades/history"):
        reply = client.get(path).json()
        assert set(reply) >= ENVELOPE, path
        assert set(reply["trades"][0]) >= ROW_FIELDS, path


def test_a_settled_buy_is_a_whole_trade(rows: dict[str, Trade]) -> None:
    """100 YES at 30 cents and 25 cents of fee pay 100 $: 69.75 $ on a worst case of 30.25 $."""
    won = rows["won"]

    assert (won.entry_price, won.exit_price, won.position_size) == (Decimal("0.3"), 1, 100)
    assert (won.pnl_gross, won.fees_usd, won.pnl_net) == (70, Decimal("0.25"), Decimal("69.75"))
    assert won.result_usd == won.pnl_net
    assert (won.max_loss_usd, won.result_r) == (Decimal("30.25"), pytest.approx(69.75 / 30.25, abs=1e-6))
    assert (won.win_loss, won.exit_reason, won.order_type_exit) == ("Win", "Settlement", "settlement")
    assert won.timestamp_exit == world.cycle(3, world.NOW).sealed_at
    assert won.holding_minutes == pytest.approx(29 + 58 / 60, abs=1e-3)
    assert (won.symbol, won.trade_type, won.strategy_used) == ("KLGA-HIGH", "YES", "residual")
    assert (won.spread_at_entry, won.depth_at_entry) == (0.02, 500)
    assert (won.slippage_entry, won.execution_latency_ms_entry) == (0, 2000)
    assert (won.equity_at_entry, won.operator_state) == (10_000, 5)


def test_the_entry_of_a_sale_is_the_purchase_whose_shares_it_sold(rows: dict[str, Trade]) -> None:
    """20 of the 50 NO that cost 70 cents, at 77 cents a quarter of an hour later: 1.40 $ less 25 cents."""
    sale, bought = rows["sale"], rows["no"]

    assert (sale.timestamp_entry, sale.entry_price) == (bought.timestamp, Decimal("0.7"))
    assert (sale.timestamp_exit, sale.exit_price) == (sale.timestamp, Decimal("0.77"))
    assert (sale.holding_minutes, sale.exit_reason, sale.win_loss) == (15, "Target", "Win")
    assert (sale.pnl_net, sale.max_loss_usd) == (Decimal("1.15"), 14)


def test_a_sale_while_everything_is_sold_is_a_flatten(tmp_path: Path) -> None:
    world.build(tmp_path)
    with sqlite3.connect(tmp_path / "hermes.db") as journal:
        journal.execute("""update risk set governor = json_set(governor, '$.flatten', 1, '$.dial', 2)""")
    journal.close()

    sale = rows_of(build_services(settings_of(tmp_path)))["sale"]

    assert (sale.exit_reason, sale.operator_state) == ("Flatten", 2)


def test_what_is_open_has_no_end(rows: dict[str, Trade]) -> None:
    for name in ("no", "yes"):
        one = rows[name]
        assert (one.timestamp_exit, one.exit_price, one.exit_reason, one.win_loss, one.holding_minutes) == (None,) * 5


def test_worst_and_best_stand_are_by_the_bid_in_r(rows: dict[str, Trade]) -> None:
    """60 YES at 21 cents, 25 cents of fee; the only look since bids 20 cents: (12 - 12.60 - 0.25) / 12.85."""
    assert rows["yes"].mae == rows["yes"].mfe == pytest.approx((12 - 12.6 - 0.25) / 12.85, abs=1e-6)
    assert rows["won"].mae is None  # no look since had its event


def test_rows_of_a_token_add_up_to_what_the_journal_realised(rows: dict[str, Trade]) -> None:
    assert sum(one.pnl_gross for one in rows.values() if one.pnl_gross is not None) == Decimal("71.4")


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("strategy=residual", 4), ("regime=STABLE", 4), ("regime=VOLATILE", 0), ("symbol=KLGA-HIGH", 4), ("symbol=KLGA-LOW", 0),
        ("desk=weather", 4), ("station_code=klga", 4), ("event_day=2026-12-07", 1), ("event_day=2026-12-09", 3),
        ("venue=polymarket", 4), ("venue=kalshi", 0), ("outcome=win", 2), ("outcome=pending", 2), ("outcome=loss", 0),
        ("outcome=win&event_day=2026-12-09", 1), ("limit=1&offset=3", 4),
    ],
)  # fmt: skip
def test_every_filter_narrows(client: TestClient, query: str, n: int) -> None:
    reply = client.get(f"/api/trades?{query}").json()

    assert reply["total"] == n
    assert len(reply["trades"]) == min(n, reply["limit"], max(0, n - reply["offset"]))
    assert reply["has_more"] == (reply["offset"] + len(reply["trades"]) < n)


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("strategy=magic", 422, "strategy"), ("regime=CALM", 422, "regime"), ("regime=stable", 422, "regime"),
        ("symbol=ZZZZ-HIGH", 404, None), ("symbol=KLGA", 404, None), ("desk=kitchen", 404, None), ("station_code=ZZZZ", 404, None),
        ("venue=foo", 422, "venue"), ("outcome=maybe", 422, "outcome"), ("event_day=tomorrow", 422, "event_day"),
        ("limit=0", 422, "limit"), ("limit=1001", 422, "limit"), ("symbl=KLGA-HIGH", 422, "symbl"),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_match_is_an_error(client: TestClient, query: str, status: int, field: str | None) -> None:
    answer = client.get(f"/api/trades?{query}")

    assert answer.status_code == status
    assert answer.json()["error"].get("field") == field


def test_recent_by_number_history_summary_and_one_trade_do_not_clash(client: TestClient) -> None:
    assert len(client.get("/api/trades/recent/2").json()["trades"]) == 2
    assert len(client.get("/api/trades/recent/2/").json()["trades"]) == 2
    assert client.get("/api/trades/recent/0").status_code == 422
    assert client.get("/api/trades/recent/two").status_code == 422
    assert client.get("/api/trades/summary").json()["total_trades"] == 4
    assert client.get("/api/trades/resolve").status_code in (404, 405)  # only POST asks for a look
    newest = client.get("/api/trades/recent/1").json()["trades"][0]
    told = client.get(f"/api/trades/{newest['trade_id']}/", follow_redirects=False)
    assert told.status_code == 200
    assert {name: told.json()[name] for name in newest if name != "notes"} == {
        name: value for name, value in newest.items() if name != "notes"
    }
    assert told.json()["trade"] == newest


def test_the_summary_counts_events_beside_rows(client: TestClient) -> None:
    """Gross 71.40 of one payout and one sale; their fees 0.50; the two open rows' fees stand in the fees alone."""
    summary = client.get("/api/trades/summary").json()

    assert (summary["total_trades"], summary["buys"], summary["sells"], summary["events"]) == (4, 3, 1, 2)
    assert (summary["wins"], summary["losses"], summary["pending"], summary["closed"]) == (2, 0, 2, 0)
    assert (summary["total_gross_pnl"], summary["total_realized_pnl"], summary["total_fee_usd"]) == (71.4, 70.9, 1.0)
    assert summary["win_rate"] == 1.0
    assert summary["avg_edge_pct"] == 8.0
    assert (summary["largest_win_usd"], summary["largest_loss_usd"]) == (69.75, None)
    assert {group["name"]: group["trades"] for group in summary["by"]["side"]} == {"NO": 2, "YES": 2}
    assert "One event is one observation" in summary["note"]
    assert client.get("/api/trades/summary?start_date=2026-12-08").json()["total_trades"] == 3


def test_resolve_asks_the_desk_once_and_says_what_the_journal_knows(tmp_path: Path) -> None:
    world.build(tmp_path)
    with client_of(tmp_path) as client:
        first, again = (client.post("/api/trades/resolve?trade_date=2026-12-09&station_code=KLGA").json() for _ in range(2))
        slashed = client.post("/api/trades/resolve/", params={"trade_date": "2026-12-09"}, follow_redirects=False)

    asked = Commands(tmp_path).pending(To.ENGINE, taker="weather")
    assert [(command.verb, command.command_id) for command in asked] == [(Verb.CYCLE, first["command_id"])]
    assert first["success"] is True
    assert (first["resolved"], first["pending"], first["wins"], first["losses"]) == (2, 2, 2, 0)
    assert (first["total_pnl"], first["trade_date"]) == (70.9, "2026-12-09")
    assert "2 of 4 trades wait" in first["message"]
    assert {**again, "as_of": ""} == {**first, "as_of": ""}
    assert slashed.status_code == 200


def test_resolve_asks_nobody_where_all_is_decided(tmp_path: Path) -> None:
    world.build(tmp_path)
    services = build_services(settings_of(tmp_path))

    answer = services.sums.resolve(PERSON, trade_date=world.SETTLED_DAY)

    assert (answer.n, answer.command_id) == (0, None)
    assert Commands(tmp_path).pending(To.ENGINE, taker="weather") == ()


def test_resolve_is_refused_to_a_reader(services: Services) -> None:
    with pytest.raises(NotAllowedError, match="scope control"):
        services.sums.resolve(Caller("a reader", frozenset({Scope.READ})))


def test_a_part_that_was_filled_is_a_row_of_that_part(tmp_path: Path) -> None:
    """Of 40 ordered at 22 cents 25 were there; the rest expired."""
    world.build(tmp_path)
    partly(tmp_path, 40, 25)
    services = build_services(settings_of(tmp_path))

    newest = services.trades.page(limit=1).trades[0]
    told = services.explain.explain(newest.trade_id)

    assert (newest.position_size, newest.size_usd) == (25, Decimal("5.5"))
    assert told.order is not None
    assert told.order.status == "expired"
    assert (told.sizing.ordered, told.sizing.filled) == (40, 25) if told.sizing else False
    assert [(step.state, step.note) for step in told.life][-2:] == [
        ("partially filled", "25 shares"),
        ("expired", "part_depth"),
    ]


def test_an_order_that_rested_tells_how_long(tmp_path: Path) -> None:
    """Placed at 22 cents good for an hour, met half an hour later in another cycle, then taken back."""
    world.build(tmp_path)
    rested(tmp_path)
    services = build_services(settings_of(tmp_path))

    newest = services.trades.page(limit=1).trades[0]
    told = services.explain.explain(newest.trade_id)

    placed = world.cycle(4, world.NOW)
    assert newest.order_type_entry == "limit, resting"
    assert newest.execution_latency_ms_entry == (timedelta(minutes=30, seconds=2)).total_seconds() * 1000
    assert told.moments is not None
    assert told.moments.scheduled_at == placed.scheduled_at  # what was known when it was placed
    assert [step.state for step in told.life] == [
        "intended",
        "submitted",
        "working",
        "partially filled",
        "cancel asked",
        "cancelled",
    ]
    assert [step.at for step in told.life] == sorted(step.at for step in told.life)


def test_a_corrected_settlement_turns_the_row_and_both_words_stand(tmp_path: Path) -> None:
    """The venue first said bracket 2, which paid 100 $; a day later bracket 1: they are taken back."""
    world.build(tmp_path)
    corrected(tmp_path)
    services = build_services(settings_of(tmp_path))

    row = next(one for one in services.trades.page(event_day=world.SETTLED_DAY).trades)
    told = services.explain.explain(row.trade_id)

    assert (row.outcome, row.win_loss, row.pnl_net, row.exit_price) == ("loss", "Loss", Decimal("-30.25"), 0)
    assert row.result_r == -1
    assert "settlement corrected 1 time(s)" in row.notes
    finals = [word for word in told.words if word.finality == "final"]
    assert [(word.corrects, word.wins, word.paid_usd) for word in finals] == [(False, True, 100), (True, False, -100)]
    assert told.attribution.net == pytest.approx(-30.25)


def test_rows_of_a_converted_event_add_up_to_what_the_journal_realised(tmp_path: Path) -> None:
    """10 NO of two brackets at 70 and 77 cents become 10 $ and YES of the three others; one of those three then wins."""
    world.build(tmp_path)
    realised = converted(tmp_path)
    services = build_services(settings_of(tmp_path))

    found = services.trades.page(event_day=world.TOMORROW)
    told = services.explain.explain(found.trades[0].trade_id)

    assert sum(one.pnl_gross for one in found.trades if one.pnl_gross is not None) == realised == Decimal("5.3")
    assert any("10 shares of the token were converted" in note for note in told.notes)


def test_a_journal_of_the_first_schema_still_explains(tmp_path: Path) -> None:
    world.build(tmp_path)
    with sqlite3.connect(tmp_path / "hermes.db") as journal:
        journal.execute("drop table conversions")
        for table, names in {"orders": ("fair_micro", "good_until", "cancel_at"), "risk": ("owed_micro", "governor")}.items():
            for name in names:
                journal.execute(f"alter table {table} drop column {name}")
    journal.close()
    services = build_services(settings_of(tmp_path))

    rows = rows_of(services)
    told = services.explain.explain(rows["won"].trade_id)

    assert (rows["won"].operator_state, rows["won"].equity_at_entry) == (None, 10_000)
    assert rows["won"].order_type_entry == "limit, immediate or cancel"
    assert told.order is not None
    assert (told.order.fair, told.order.good_until) == (None, None)


def test_a_new_version_costs_what_was_booked_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.build(tmp_path)
    services = build_services(settings_of(tmp_path))
    services.trades.page()
    read: list[int] = []
    after = JournalRows.fills_after

    def counted(self: JournalRows, desk: str, place: tuple[int, int]) -> object:
        found = after(self, desk, place)
        read.append(len(found))
        return found

    monkeypatch.setattr(JournalRows, "fills_after", counted)
    world.append(tmp_path, [(world.token(world.TOMORROW, 1), 40, 220_000)])

    assert services.trades.page().total == 5
    assert services.stations.cards() is not None
    assert services.trades.recent().total == 5
    assert read == [1]


def partly(folder: Path, ordered: int, filled: int) -> None:
    """One cycle more whose order is met in part."""
    journal, of = world.open_journal(folder), world.cycle(4, world.NOW)
    account = journal.account("weather")
    one = world.token(world.TODAY, 4)
    intended = world.intention(of, account, [(one, ordered, 220_000)])
    account = journal.commit(of, account, intended)
    journal.commit(
        of, account, Execution(reports(intended, of.fill_at, filled, Status.EXPIRED, "part_depth"), micros(of.fill_at))
    )
    journal.close()


def rested(folder: Path) -> None:
    """An order that rests for an hour, is met half an hour later in another cycle and then taken back."""
    journal, of = world.open_journal(folder), world.cycle(4, world.NOW)
    account = journal.account("weather")
    one = world.token(world.TODAY, 4)
    intended = world.intention(of, account, [(one, 40, 220_000)])
    until = np.array([micros(of.fill_at + timedelta(hours=1))], np.int64)
    intended = replace(intended, orders=replace(intended.orders, good_until=until))
    account = journal.commit(of, account, intended)
    account = world.close(journal, of, account)
    later = world.cycle(6, world.NOW)
    account = journal.commit(later, account, replace(world.intention(later, account, []), cancels=intended.orders.order_id))
    at = of.fill_at + timedelta(minutes=30)
    journal.commit(later, account, Execution(reports(intended, at, 25, Status.CANCELLED, "taken back"), micros(later.fill_at)))
    journal.close()


def converted(folder: Path) -> Decimal:
    """Two NO of one event, converted, then the final word: bracket 4. Return what the event realised."""
    journal, of = world.open_journal(folder), world.cycle(4, world.NOW)
    account = journal.account("weather")
    before = int(account.realised_micro[0])
    no = [world.token(world.TOMORROW, rank, Side.NO) for rank in (0, 1)]
    yes = [world.token(world.TOMORROW, rank) for rank in (2, 3, 4)]
    account = world.trade(journal, of, account, [(no[0], 10, 700_000), (no[1], 10, 770_000)])
    later = world.cycle(5, world.NOW)
    account = journal.commit(later, account, world.intention(later, account, []))
    change = Conversion("c-1", 0, tuple(one.token for one in no), tuple(one.token for one in yes), 10 * MICRO, 0, (*no, *yes))
    account = journal.commit(later, account, change)
    account = journal.commit(later, account, world.payout(world.TOMORROW, 4, Finality.FINAL, later))
    journal.close()
    return Decimal(int(account.realised_micro[0]) - before) / MICRO


def corrected(folder: Path) -> None:
    """The final word about the settled day, told anew."""
    journal, of = world.open_journal(folder), world.cycle(4, world.NOW)
    account = journal.account("weather")
    account = journal.commit(of, account, world.intention(of, account, []))
    word = world.payout(world.SETTLED_DAY, 1, Finality.FINAL, of)
    settlement = replace(word.settlement, settlement_id=word.settlement.settlement_id[:-1] + "1", revision=1)
    journal.commit(of, account, replace(word, settlement=settlement))
    journal.close()


def reports(intended: Intention, at: object, filled: int, last: Status, reason: str) -> Reports:
    """A fill in part, then the end of the order."""
    order, size = intended.orders.order_id[0], filled * MICRO
    level = Level(220_000, 500 * MICRO, size)

    def numbers(*values: int) -> np.ndarray:
        return np.array(values, np.int64)

    return Reports(
        (order, order), (f"x-{order[2:]}-1", ""), numbers(Status.PARTIALLY_FILLED, last), numbers(micros(at), micros(at)),
        numbers(size, 0), numbers(size * 220_000 // MICRO, 0), numbers(50_000, 0), ((level,), ()), ("", reason),
    )  # type: ignore[arg-type]  # fmt: skip
