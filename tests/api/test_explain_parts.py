"""The parts of an explanation that add up: costs, attribution, marks, the law, where each input lies, trades on prints only."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from core.events import event_facts
from core.journal.changes import Execution
from core.model.event import Side
from core.model.record import Kind, Record
from core.services import Services
from core.services.explain import TradeExplanation
from core.store.archive import Archive
from core.store.evaluations import EvaluationStore
from core.store.snapshots import SnapshotStore
from core.units import MICRO, micros
from core.wiring.faces import build_services
from tests.api import world
from tests.api.conftest import settings_of

PRINTED = date(2026, 12, 11)  # a day whose market nobody recorded books of


def newest(services: Services) -> TradeExplanation:
    return services.explain.explain(services.trades.recent(limit=1).trades[0].trade_id)


@pytest.fixture(scope="module")
def bought(tmp_path_factory: pytest.TempPathFactory) -> TradeExplanation:
    """10 YES at 25 cents that the decision saw at 22: bid 20, asked 22, 25 cents of fee; held for 25 cents."""
    folder = tmp_path_factory.mktemp("bought")
    world.build(folder)
    journal, of = world.open_journal(folder), world.cycle(4, world.NOW)
    account = journal.account("weather")
    intended = world.intention(of, account, [(world.token(world.TODAY, 4), 10, 250_000)])
    intended = replace(
        intended, orders=replace(intended.orders, reference_micro=np.array([225_000]), fair_micro=np.array([250_000]))
    )
    account = journal.commit(of, account, intended)
    filled = world._reports([(intended.orders.order_id[0], 10 * MICRO, 250_000)], of)
    world.close(journal, of, journal.commit(of, account, Execution(filled, micros(of.fill_at))))
    journal.close()
    return newest(build_services(settings_of(folder)))


def test_costs_go_from_the_mid_to_the_fill_step_by_step(bought: TradeExplanation) -> None:
    """Mid 21, best 22, the decision's average 22.5, filled at 25, fee 2.5 cents a share: 6.5 cents in all."""
    costs = bought.costs

    assert (costs.mid, costs.decision_price, costs.fill_price) == (pytest.approx(0.21), 0.225, 0.25)
    assert [costs.half_spread, costs.walk, costs.latency, costs.fee] == pytest.approx([0.01, 0.005, 0.025, 0.025])
    assert costs.total == pytest.approx(0.065)
    assert costs.total_usd == pytest.approx(0.65)


def test_before_the_end_luck_is_unknown_and_the_rest_is_not(bought: TradeExplanation) -> None:
    """Fair 25 against mid 21: 40 cents of edge on 10 shares; 15 cents of spread, 25 of latency, 25 of fee."""
    parts = bought.attribution

    assert [parts.edge, parts.spread, parts.latency, parts.fee] == pytest.approx([0.4, -0.15, -0.25, -0.25])
    assert (parts.luck, parts.net) == (None, None)


@pytest.mark.parametrize("outcome", ["win"])
def test_attribution_adds_up_to_the_net_result(services: Services, outcome: str) -> None:
    for row in services.trades.history(outcome=outcome).trades:
        parts = services.explain.explain(row.trade_id).attribution
        told = [parts.edge, parts.spread, parts.latency, parts.fee, parts.luck]
        assert None not in told
        assert sum(told) == pytest.approx(float(row.realized_pnl or 0))  # type: ignore[arg-type]
        assert parts.net == pytest.approx(float(row.realized_pnl or 0))


def test_a_sale_earns_over_fair_value_and_the_rest_is_what_fair_value_did(services: Services) -> None:
    """20 NO sold at 77 cents, held for 75, that had cost 70: 40 cents over fair value, 1.00 $ since the purchase."""
    sale = next(one for one in services.trades.history().trades if one.action == "sell")
    parts = services.explain.explain(sale.trade_id).attribution

    assert parts.edge is not None
    assert parts.luck is not None
    assert parts.edge + (parts.spread or 0) + (parts.latency or 0) == pytest.approx(0.4)
    assert parts.luck == pytest.approx(1.0)


def test_every_input_names_its_file_and_the_hash_of_its_bytes(folder: Path, services: Services) -> None:
    told = services.explain.explain(services.trades.history(outcome="pending", side="YES").trades[0].trade_id)

    assert len(told.inputs) >= 3
    for one in told.inputs:
        assert (folder / one.path).is_file(), one.kind
        assert len(one.sha256) == 64
    forecast = next(one for one in told.inputs if one.kind == "forecast")
    assert forecast.sha256 == hashlib.sha256(b"f%f" % 0.0).hexdigest()


def test_an_input_of_a_closed_day_names_the_file_of_that_day(tmp_path: Path) -> None:
    world.build(tmp_path)
    before = newest(build_services(settings_of(tmp_path)))
    store = SnapshotStore(tmp_path)
    Archive(tmp_path, store).close_days(world.NOW.date() + timedelta(days=1))
    store.close()

    after = newest(build_services(settings_of(tmp_path)))

    assert {one.kind: one.sha256 for one in after.inputs} == {one.kind: one.sha256 for one in before.inputs}
    assert all(one.path.endswith(".parquet") for one in after.inputs)


def test_marks_are_worth_what_the_bid_pays_for_the_shares_of_the_trade(services: Services) -> None:
    told = services.explain.explain(services.trades.history(outcome="pending", side="YES").trades[0].trade_id)

    assert (told.marks.source, told.marks.value) == ("evaluations", (Decimal("12"),))
    assert told.marks.mae == told.trade.mae == pytest.approx(-0.85 / 12.85, abs=1e-6)


def test_the_law_over_readings_is_that_of_the_cycle(tmp_path: Path) -> None:
    world.build(tmp_path)
    told = '{"reading":[44,45,46],"p":[0.2,0.5,0.3],"parts":[[1.0,45.0,2.0,null]]}'
    at = world.append(tmp_path, [(world.token(world.TODAY, 4), 10, 220_000)])
    store = EvaluationStore(tmp_path, "weather")
    outlooks = {**world.outlooks((world.TODAY,), at), "distribution": world.texts(told)}
    store.append(at, outlooks, world.brackets((world.TODAY,), 0.0))
    store.close()

    law = newest(build_services(settings_of(tmp_path))).distribution

    assert law is not None
    assert (law.readings, law.p, law.floor) == ((44, 45, 46), (0.2, 0.5, 0.3), 44.0)
    assert [(part.location, part.df) for part in law.parts] == [(45.0, None)]


def test_evaluations_that_kept_no_law_still_explain(bought: TradeExplanation) -> None:
    assert bought.distribution is None
    assert bought.belief is not None


def test_size_says_what_the_decision_kept_of_its_optimum(tmp_path: Path) -> None:
    world.build(tmp_path)
    kept = {"view": 0.0, "hedge": 1.0, "optimum": 400.0, "lambda": 0.25, "correlation_scale": 0.8, "lockup_cost": 0.001}
    traded_on_prints(tmp_path, **kept)

    sizing = newest(build_services(settings_of(tmp_path))).sizing

    assert sizing is not None
    assert (sizing.role, sizing.optimum, sizing.kelly_share) == ("hedge", 400.0, 0.25)
    assert (sizing.correlation_scale, sizing.lock_up) == (0.8, 0.001)


def test_a_trade_on_prints_only_is_explained_from_prints(tmp_path: Path) -> None:
    """NO at 60 cents where YES last printed 42, 40 and 35 cents: worth 57, 59 and 64 cents after the slip of one."""
    world.build(tmp_path)
    traded_on_prints(tmp_path)

    told = newest(build_services(settings_of(tmp_path)))

    assert (told.decision_book, told.fill_book) == (None, None)
    assert "Prints only, descriptive." in told.notes
    assert "No book of that moment was recorded: the trade met prints only." in told.notes
    assert told.marks.source == "recorded prints"
    assert told.marks.bid == pytest.approx((0.57, 0.59, 0.64))
    assert (told.costs.half_spread, told.costs.walk) == (None, None)
    assert told.costs.latency == 0
    assert told.marks.mae == pytest.approx((5.7 - 6 - 0.25) / 6.25, abs=1e-6)
    assert {one.kind for one in told.inputs} >= {"events", "prints"}


def traded_on_prints(folder: Path, **belief: object) -> None:
    """Buy 10 NO of a day of which prints alone are recorded; three more prints follow."""
    one, of = world.token(PRINTED, 2, Side.NO), world.cycle(4, world.NOW)
    facts, rows = event_facts(world.event(PRINTED))
    listed = Record(
        "polymarket", Kind.EVENTS, world.event_id(PRINTED), world.NOW - timedelta(hours=1), None, b"{}", rows, facts
    )
    before = printed(world.NOW - timedelta(minutes=5), (world.NOW - timedelta(minutes=6), 400_000))
    at = of.fill_at
    since = [(at + timedelta(minutes=minute), price) for minute, price in ((1, 420_000), (2, 400_000), (3, 350_000))]
    store = SnapshotStore(folder)
    store.publish([listed, before, printed(at + timedelta(minutes=4), *since)])
    store.close()
    journal = world.open_journal(folder)
    account = journal.account("weather")
    intended = world.intention(of, account, [(one, 10, 600_000)])
    kept = {**intended.decisions[0].belief, "prints_only": True, **belief}
    intended = replace(intended, decisions=(replace(intended.decisions[0], belief=kept),))
    account = journal.commit(of, account, intended)
    filled = world._reports([(intended.orders.order_id[0], 10 * MICRO, 600_000)], of)
    account = journal.commit(of, account, Execution(filled, micros(of.fill_at)))
    world.close(journal, of, account)
    journal.close()
    world.beat(folder, at + timedelta(minutes=5), "stopped")


def printed(received_at: datetime, *trades: tuple[datetime, int]) -> Record:
    rows = {
        "market_id": world.texts(*[world.ladder(PRINTED)[2].market_id] * len(trades)),
        "valid_at": np.array([micros(at) for at, _ in trades], np.int64),
        "yes_price_micro": np.array([price for _, price in trades], np.int64),
        "size_micro": np.full(len(trades), 50 * MICRO, np.int64), "taker": world.texts(*["no"] * len(trades)),
    }  # fmt: skip
    return Record("polymarket", Kind.PRINTS, world.event_id(PRINTED), received_at, None, b"%d" % micros(received_at), rows, {})
