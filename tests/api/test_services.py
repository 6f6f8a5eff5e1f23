"""Answers for the pages: the event card, market history, positions; and what is said where something is missing."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from agents.transmission.tripwires import KILL
from core.clock import wall_now
from core.errors import UnknownIdError
from core.services import Services
from core.store.evaluations import EvaluationStore
from core.wiring.faces import build_services
from tests.api import world
from tests.api.conftest import settings_of

TODAY, TOMORROW = world.event_id(world.TODAY), world.event_id(world.TOMORROW)


def test_the_card_says_the_rule_in_one_sentence(services: Services) -> None:
    rule = services.weather.card(TODAY).rule

    assert rule is not None
    assert rule.sentence == "Highest listed report of KLGA by Weather Underground, whole °F, halves up, civil day"
    assert rule.text == world.TEXT


def test_the_card_shows_the_running_maximum_not_the_current_reading(services: Services) -> None:
    """6.7 °C listed at 16:51Z is 44.06 °F; the 5.6 °C an hour later takes nothing away."""
    card = services.weather.card(TODAY)

    assert [(step.at.hour, step.value, step.reading) for step in card.running] == [(15, 42.98, 43), (16, 44.06, 44)]
    assert (card.floor, card.n) == (44, 3)
    assert [dot.reading for dot in card.dots] == [43, 44, 42]
    assert card.next_report_at == datetime(2026, 12, 9, 18, 51, tzinfo=UTC)


def test_the_card_tells_the_forecast_now_from_the_one_as_issued(services: Services) -> None:
    """The window began at 05:00Z: of vintages 30 h, 15 h and 5 min old the first two were there... the 15 h one at 03:15Z."""
    card = services.weather.card(TODAY)

    assert card.now_curve is not None
    assert card.issued_curve is not None
    assert card.now_curve.received_at == world.NOW - timedelta(minutes=5)
    assert card.issued_curve.received_at == world.NOW - timedelta(hours=15)
    assert [curve.received_at for curve in card.earlier] == [world.NOW - timedelta(hours=30)]
    assert card.now_curve.models == ("gfs", "icon")
    # 0.5 + 3 + 4 at the peak, icon a degree warmer, their mean 8.0 °C
    assert card.now_curve.extreme == 46.4


def test_before_its_window_an_event_has_no_curve_as_issued_and_no_floor(services: Services) -> None:
    card = services.weather.card(TOMORROW)

    assert card.issued_curve is None
    assert card.floor is None
    assert card.running == ()


def test_bands_carry_continuous_edges_and_the_floor_kills_the_cold_ones(services: Services) -> None:
    bands = services.weather.card(TODAY).bands

    assert [(band.bottom, band.top) for band in bands] == [(None, 39.5), (39.5, 41.5), (41.5, 43.5), (43.5, 45.5), (45.5, None)]
    assert [band.dead for band in bands] == [True, True, True, False, False]


def test_the_fan_never_lies_below_what_was_observed(services: Services) -> None:
    fan = services.weather.card(TODAY).fan

    assert fan is not None
    assert fan.q10 == fan.q25 == 44.06  # mean 45, sd 2: the lower quarter would begin at 43.65
    assert (fan.q50, fan.q75) == (45.0, pytest.approx(46.349))


def test_market_history_is_aligned_and_keeps_the_newest_cycle_when_reduced(services: Services) -> None:
    whole, reduced = services.weather.market(TODAY), services.weather.market(TODAY, max_points=2)

    assert whole.n == reduced.n == len(whole.at) == 3
    assert whole.brackets[0].p_model == pytest.approx((0.32, 0.31, 0.30))
    assert reduced.at == (whole.at[0], whole.at[2])


@pytest.mark.parametrize("ask", ["card", "market"])
def test_an_event_that_was_never_evaluated_is_unknown(services: Services, ask: str) -> None:
    with pytest.raises(UnknownIdError, match="never evaluated"):
        getattr(services.weather, ask)("nothing-like-this")


def test_the_ladder_stands_from_cold_to_warm_with_its_outlook(services: Services) -> None:
    ladder = services.edges.ladder(TODAY)

    assert [rung.rank for rung in ladder.rungs] == [0, 1, 2, 3, 4]
    assert ladder.outlook is not None
    assert (ladder.outlook.floor, ladder.outlook.sources) == (44.0, ("open_meteo",))
    assert (ladder.outlook.best_edge, ladder.outlook.best_bracket) == (0.08, "39°F or below")


def test_an_event_whose_rule_is_not_understood_keeps_its_civil_day_and_breaks_nothing(tmp_path: Path) -> None:
    world.build(tmp_path)
    store = EvaluationStore(tmp_path, "weather")
    unknown = world.outlooks((world.TOMORROW,), world.NOW)
    unknown |= {"window_start": np.array([0]), "window_end": np.array([0]), "refusal": world.texts("no station in the text")}
    store.append(world.NOW + timedelta(minutes=1), unknown, {})
    store.close()
    services = build_services(settings_of(tmp_path))

    outlook = next(one for one in services.edges.events().outlooks if one.event_day == world.TOMORROW)
    assert (outlook.window_start, outlook.refusal) == (datetime(2026, 12, 10, 5, tzinfo=UTC), "no station in the text")
    assert {row.event_day for row in services.edges.current().edges} == {world.TODAY}
    assert services.weather.card(TOMORROW).bands == ()


def test_the_picker_lists_open_events_by_day(services: Services) -> None:
    events = services.edges.events().outlooks

    assert [(one.event_day, one.best_bracket, one.best_edge) for one in events] == [
        (world.TODAY, "39°F or below", 0.08), (world.TOMORROW, "39°F or below", 0.08),
    ]  # fmt: skip
    assert len(services.edges.events(only_open=False).outlooks) == 3


def test_a_position_is_valued_at_the_bid_of_its_whole_size(services: Services) -> None:
    """60 YES meet 100 shares at 20 ¢; 30 NO meet only 10: the book is not deep enough."""
    position = services.positions.event(TODAY)

    no, yes = position.holdings
    assert (yes.side, yes.bid, yes.value_usd, yes.unrealised_usd) == ("YES", 0.2, Decimal(12), Decimal("-0.6"))
    assert (no.side, no.shares, no.cost_usd, no.bid) == ("NO", 30, 21, None)
    assert (yes.sellable_usd, no.sellable_usd) == (12, Decimal("7.7"))
    assert position.value_usd is None
    assert (position.fees_usd, position.realized_usd) == (Decimal("0.75"), Decimal("1.4"))


def test_each_outcome_says_what_it_pays_and_the_floor_rules_some_out(services: Services) -> None:
    """30 NO of 40-41 at a cost of 21, 60 YES of 44-45 at 12.60."""
    position = services.positions.event(TODAY)

    assert [one.pays_usd for one in position.outcomes] == [30, 0, 30, 90, 30]
    assert [one.possible for one in position.outcomes] == [False, False, False, True, True]
    assert (position.worst_usd, position.best_usd) == (Decimal("-3.6"), Decimal("56.4"))


def test_the_portfolio_counts_the_worst_case_over_all_outcomes(services: Services) -> None:
    portfolio = services.positions.portfolio()

    assert portfolio.at_risk_usd == Decimal("33.6")
    assert [event.event_id for event in portfolio.events] == [TODAY]
    assert services.positions.event(TOMORROW).holdings == ()


def test_an_empty_folder_gives_empty_answers_that_name_the_command(tmp_path: Path) -> None:
    services = build_services(settings_of(tmp_path / "nowhere"))

    answers = [
        services.status.strip(), services.edges.current(), services.edges.events(), services.trades.recent(),
        services.activity.logs(), services.activity.dates(), services.positions.portfolio(), services.positions.event("x"),
    ]  # fmt: skip
    assert all(answer.n == 0 for answer in answers)
    assert all("start_all.sh" in answer.missing for answer in answers)
    assert services.activity.version() == 0
    assert not (tmp_path / "nowhere").exists()  # to look is not to make


def test_an_engine_that_is_gone_is_said_and_the_numbers_stay(tmp_path: Path) -> None:
    world.build(tmp_path, engine=False)
    world.beat(tmp_path, world.NOW, pid=2**22 + 1)  # above the largest process id
    status = build_services(settings_of(tmp_path)).status.strip()

    assert not status.trading_engine.running
    assert status.warnings[0].code == "engine_down"
    assert status.money.cash_usd == Decimal("10036.8")
    assert status.system.system_state == "error"  # nobody asked it to rest: TRANSMISSION 1.1 has a word for that


def test_time_stands_still_while_the_engine_works_and_runs_on_while_it_waits(tmp_path: Path) -> None:
    world.build(tmp_path, engine=False)
    services = build_services(settings_of(tmp_path))

    world.beat(tmp_path, world.NOW, "evaluating", speed=300.0)
    assert services.status.strip().as_of == world.NOW
    world.beat(tmp_path, world.NOW, "waiting", speed=1e9)
    assert services.status.strip().as_of == world.NOW + world.EVERY  # never past the next cycle


def test_a_live_world_has_the_machine_s_clock(tmp_path: Path) -> None:
    services = build_services(settings_of(tmp_path).model_copy(update={"mode": "live"}))
    before = wall_now()

    assert before <= services.status.strip().as_of <= wall_now()


def test_a_replaced_folder_is_read_anew(tmp_path: Path) -> None:
    world.build(tmp_path)
    services = build_services(settings_of(tmp_path))
    assert services.trades.recent().n == 4
    for path in sorted(tmp_path.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else os.unlink(path)

    assert services.trades.recent().n == 0
    world.build(tmp_path)
    assert services.trades.recent().n == 4
    assert services.edges.current().n == 10


def test_a_bracket_that_was_ordered_in_its_newest_cycle_is_a_trade_of_that_size(tmp_path: Path) -> None:
    """40 shares at a reference price of 22 cents."""
    world.build(tmp_path)
    at = world.append(tmp_path, [(world.token(world.TOMORROW, 1), 40, 220_000)])
    rows = build_services(settings_of(tmp_path)).edges.current(event_day=world.TOMORROW).edges

    traded = [row for row in rows if row.decision == "trade"]
    assert [(row.rank, row.size_usd, row.reason, row.decision_time_utc) for row in traded] == [(1, Decimal("8.8"), "ok", at)]
    assert traded[0].held_yes == 40


def test_a_tripwire_that_holds_is_the_first_thing_said(tmp_path: Path) -> None:
    world.build(tmp_path)
    world.append(tmp_path, [], tripped=KILL)
    status = build_services(settings_of(tmp_path)).status.strip()

    assert (status.risk.can_trade, status.risk.state, status.risk.tripped) == (False, "pause", ("kill_switch",))
    assert status.warnings[0].severity == "danger"
    assert "a person lifts it" in status.warnings[0].message
    assert status.system.system_state == "paused"


def test_the_lines_of_one_event_are_its_own(services: Services) -> None:
    logs = services.activity.logs(event_id=TODAY).logs

    assert logs
    assert {row.event_id for row in logs} == {TODAY}
