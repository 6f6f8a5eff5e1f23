"""How trading went over 45 decided events: numbers by hand, filters, windows, routes, and what a refresh costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from core.errors import NotAllowedError, UnknownIdError
from core.services import Services, performance
from core.services.choice import Choice
from core.services.journal_rows import JournalRows
from core.services.marks import ABOVE_ALL
from core.services.performed import COUNTED, closing_values
from core.services.traded import EventFacts, Traded, TradedBook
from core.settings import Settings
from core.store.evaluations import EvaluationStore
from core.units import MICRO
from core.wiring.faces import build_services
from tests.api import history, world
from tests.api.conftest import client_of
from tests.api.history import FIRST, LOSS, N_DAYS, RISK, WIN

N_WON = N_DAYS // 3
DOCUMENTED = {  # FACTS III.2
    "window_trades", "profit_factor", "expected_r", "win_rate", "win_rate_wilson_lb", "total_trades", "total_wins",
    "total_losses", "avg_win_r", "avg_loss_r",
}  # fmt: skip
NET = N_WON * WIN + (N_DAYS - N_WON) * LOSS


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weeks")
    history.build(folder)
    return folder


@pytest.fixture(scope="module")
def asked(weeks: Path) -> Services:
    return build_services(Settings(data_dir=weeks, mode="demo"))


@pytest.fixture(scope="module")
def sidecar(weeks: Path) -> Iterator[TestClient]:
    with client_of(weeks) as made:
        yield made


def figures(asked: Services, choice: Choice | None = None) -> dict[str, Any]:
    return {one.name: one for one in asked.performance.summary(choice).figures}


# Numbers


def test_figures_are_those_worked_by_hand(asked: Services) -> None:
    """15 of 45 won 84.50 $, 30 lost 15.50 $, each on 65.50 $."""
    found = asked.metrics.metrics(window=N_DAYS)

    assert (found.window_trades, found.total_trades, found.total_wins, found.total_losses) == (45, 45, 15, 30)
    assert found.expected_r == pytest.approx(NET / N_DAYS / RISK)
    assert found.profit_factor == pytest.approx(15 * WIN / (30 * -LOSS))
    assert found.win_rate == pytest.approx(1 / 3)
    assert found.win_rate_wilson_lb == pytest.approx(0.2136, abs=5e-5)  # SCIENCE 5.4's formula at 15 of 45
    assert found.avg_win_r == pytest.approx(WIN / RISK)
    assert found.avg_loss_r == pytest.approx(LOSS / RISK)
    assert found.drawdown_r == pytest.approx(2 * LOSS / RISK)
    assert (found.net_usd, found.fees_usd) == pytest.approx((NET, 22.5))
    assert found.costs_share == pytest.approx(22.5 / (15 * (WIN + 0.5) + 30 * -(LOSS + 0.5)))
    assert found.turnover_roi == pytest.approx(NET / (N_DAYS * RISK))
    assert (found.open_trades, found.counted) == (2, COUNTED)
    assert found.expected_r_low is not None
    assert found.expected_r_low < found.expected_r


def test_the_window_rolls_and_says_when_it_is_too_short(asked: Services) -> None:
    """The newest 20 of 45: days 25 to 44, of which 27, 30, 33, 36, 39 and 42 won."""
    found = asked.metrics.metrics()

    assert (found.window, found.window_trades, found.total_trades) == (20, 20, 45)
    assert found.win_rate == pytest.approx(6 / 20)
    assert found.expected_r_low is None
    assert found.reasons["expected_r_low"] == "not enough data (20 of 30 dates)"
    assert found.verdict == "not enough data (20 of 300 trades, 20 of 60 dates)"
    assert (found.decay.n, found.decay.n_before) == (20, 20)


def test_without_a_loss_the_profit_factor_is_null_with_its_reason(asked: Services) -> None:
    (won,) = asked.performance.events(sort="best", limit=1).events
    found = figures(asked, Choice(first=won.event_day, last=won.event_day))["event_profit_factor"]

    assert (found.value, found.reason, found.n) == (None, "no losing event", 1)


def test_parts_add_up_to_what_the_journal_booked(asked: Services, weeks: Path) -> None:
    parts = asked.performance.attribution().attribution
    journal = JournalRows(weeks / "hermes.db")
    (account,) = journal.accounts()
    open_fees = 4 * 250_000  # of the two events that are open
    journal.close()

    assert parts.edge_usd + parts.spread_usd + parts.fee_usd + parts.luck_usd == parts.net_usd == Decimal(str(NET))
    assert int(account.realised_micro[0] - account.fees_micro[0]) + open_fees == int(parts.net_usd * 1_000_000)
    assert parts.ladder["latency"] == parts.net_usd
    assert parts.fee_usd == Decimal("-22.5")


def test_the_mid_of_the_decision_prices_edge_and_spread(asked: Services) -> None:
    """YES at a mid of 21¢ for 30¢: 9 $ of spread an event, and as much edge, since fair value was what was paid; NO had no ask."""
    parts = asked.performance.attribution().attribution

    assert parts.spread_usd == Decimal(-9 * N_DAYS)
    assert parts.edge_usd == Decimal(9 * N_DAYS)
    assert parts.ladder["mid"] - parts.ladder["touch"] == Decimal(N_DAYS)  # 22¢ were asked
    assert parts.ladder["depth"] - parts.ladder["fees"] == Decimal("22.5")


def test_prices_are_followed_to_the_declared_checkpoints(asked: Services) -> None:
    """An hour on the mid of YES stood at 21¢, at 09:00 at 25¢; a NO without an ask counts as half way to a dollar, 88.5¢."""
    found = asked.performance.followed()
    hour = next(one for one in found.markouts if (one.name, one.kind) == ("60 min", "all"))
    minute = next(one for one in found.markouts if (one.name, one.kind) == ("1 min", "all"))
    ahead, same = found.closing

    assert hour.mean == pytest.approx((100 * (0.21 - 0.30) + 50 * (0.885 - 0.70)) / 150)
    assert (minute.mean, minute.n, minute.unknown) == (None, 0, 2 * (N_DAYS + 2))
    assert ahead.mean == pytest.approx((100 * (0.25 - 0.30) + 50 * (0.885 - 0.70)) / 150)
    assert (ahead.n, same.n) == (N_DAYS + 1, 0)  # of the newest, 09:00 is still to come


def test_the_implied_mean_is_followed_the_way_that_each_trade_wanted(asked: Services) -> None:
    """From 45 °F to 43.8 at 09:00: 100 YES of 42-43 °F wanted it to fall, 50 NO of 40-41 °F to rise."""
    ahead, same = asked.performance.followed().closing

    assert ahead.degrees == pytest.approx((100 * 1.2 + 50 * -1.2) / 150)
    assert (ahead.degrees_n, ahead.degrees_dates) == (N_DAYS + 1, N_DAYS + 1)
    assert (ahead.held_mean, ahead.no_mean) == (0, 2)  # of the newest, 09:00 is still to come
    assert (ahead.degrees_low, ahead.degrees_high) == pytest.approx((0.4, 0.4))  # every event alike
    assert (same.degrees, same.degrees_n, same.degrees_reason) == (None, 0, "nothing was traded")


def test_one_side_wants_the_implied_mean_its_own_way(asked: Services) -> None:
    yes, no = (asked.performance.followed(Choice(side=side)).closing[0] for side in ("YES", "NO"))

    assert (yes.degrees, no.degrees) == pytest.approx((1.2, -1.2))


def test_a_desk_that_kept_no_implied_mean_says_so(tmp_path: Path) -> None:
    world.build(tmp_path)  # its outlooks have none
    found = build_services(Settings(data_dir=tmp_path, mode="demo")).performance.followed().closing

    assert {one.degrees for one in found} == {None}
    assert {one.degrees_reason for one in found} <= {"no implied mean", "nothing was traded"}
    assert "no implied mean" in {one.degrees_reason for one in found}


def test_a_bracket_that_held_the_implied_mean_is_left_out_and_counted() -> None:
    """Bought at 45 °F: 44-45 °F (edges 43.5 and 45.5) held it, 46 °F or higher did not."""
    micro = lambda *values: np.array([round(value * MICRO) for value in values], np.int64)  # noqa: E731  # a column of two rows
    columns = {
        **{name: np.zeros(2, np.int64) for name in TradedBook.nothing()}, "size": micro(10, 30), "notional": micro(5, 9),
        "yes": np.ones(2, np.int64), "ahead": np.ones(2, np.int64), "implied": micro(45, 45), "implied_later": micro(45.7, 45.7),
        "edge_below": micro(43.5, 45.5), "edge_above": np.array([45_500_000, ABOVE_ALL]),
    }  # fmt: skip
    facts = EventFacts(
        "weather", "e", "polymarket", "KLGA", "New York", FIRST, "high", "KLGA-HIGH", "residual", "STABLE", 1, world.NOW, "x"
    )
    traded = Traded(1, columns, (facts,), np.array([-1]), np.zeros(1, np.int64))

    both = next(closing_values(traded, np.array([True, True])))
    alone = next(closing_values(traded, np.array([True, False])))

    assert both.degrees == pytest.approx(0.7)
    assert (both.degrees_n, both.held_mean, both.no_mean, both.executions) == (1, 1, 0, 2)
    assert (alone.degrees, alone.degrees_n, alone.held_mean) == (None, 0, 1)
    assert alone.degrees_reason == "every bracket held the implied mean"


def test_a_markout_that_nobody_quoted_says_how_near_a_quote_had_to_be(asked: Services) -> None:
    """Looks are an hour apart here."""
    reasons = {one.name: one.reason for one in asked.performance.followed().markouts if one.kind == "all"}

    assert reasons == {"1 min": "no quote within the minute", "5 min": "no quote within 5 min", "60 min": ""}


def test_days_carry_the_equity_and_the_band_of_true_claims(asked: Services) -> None:
    found = asked.performance.pnl()
    last = found.days[-1]

    assert found.start_usd == 10_000
    assert last.total_usd == Decimal(str(NET))
    assert sum(one.n for one in found.days) == N_DAYS
    assert last.equity_usd is not None
    assert last.low_usd < last.claimed_usd < last.high_usd
    assert last.claimed_usd == pytest.approx(-0.5 * N_DAYS)
    assert all((later.day - one.day).days == 1 for one, later in zip(found.days, found.days[1:], strict=False))
    assert all(one.drawdown_r <= 0 for one in found.days)


def test_a_filter_other_than_the_desk_has_no_equity(asked: Services) -> None:
    found = asked.performance.pnl(Choice(side="NO"))

    assert found.start_usd is None
    assert {one.equity_usd for one in found.days} == {None}
    assert found.days[-1].total_usd == Decimal(str(N_DAYS * 14.75))


def test_the_tear_sheet_stands_on_days_that_are_over(asked: Services) -> None:
    found = asked.performance.tear_sheet()
    sharpe = next(one for one in found.figures if one.name == "sharpe")

    assert found.n == N_DAYS + 1  # 47 evenings, the last of which still runs
    assert "√365" in found.annual
    assert sharpe.value is not None
    assert sharpe.n == found.n


# Filters


@pytest.mark.parametrize(
    ("choice", "n"),
    [
        (Choice(station_code="KLGA"), 45), (Choice(station_code="KMIA"), 0), (Choice(venue="polymarket"), 45), (Choice(lead=1), 45),
        (Choice(lead=0), 0), (Choice(regime="STABLE"), 45), (Choice(regime="VOLATILE"), 0), (Choice(strategy="residual"), 45),
        (Choice(symbol="KLGA-HIGH"), 45), (Choice(symbol="KLGA-LOW"), 0), (Choice(days=10), 10), (Choice(window=7), 7),
        (Choice(first=FIRST, last=FIRST + timedelta(days=4)), 5), (Choice(desk="weather"), 45), (Choice(side="YES"), 45),
        (Choice(extreme="low"), 0),
    ],
)  # fmt: skip
def test_filters_narrow_what_is_counted(asked: Services, choice: Choice, n: int) -> None:
    assert asked.performance.summary(choice).n == n


def test_one_side_is_netted_alone(asked: Services) -> None:
    """50 NO at 70¢ always pay: 50 − 35 − 0.25."""
    found = figures(asked, Choice(side="NO"))

    assert found["event_win_rate"].value == 1.0
    assert found["net_usd"].value == pytest.approx(14.75 * N_DAYS)


def test_tables_by_kind_add_up(asked: Services) -> None:
    found = {one.dimension: one.rows for one in asked.performance.groups().groups}

    assert {"station", "venue", "lead", "regime", "strategy", "symbol", "weekday", "hour", "side", "bracket"} <= set(found)
    for dimension in ("station", "lead", "weekday", "hour"):
        assert sum(row.n for row in found[dimension]) == N_DAYS
        assert sum(row.net_usd or 0.0 for row in found[dimension]) == pytest.approx(NET)
    assert [row.name for row in found["hour"]] == ["17:00Z"]
    assert found["weekday"][0].name == "Monday"
    assert sum(row.net_usd or 0.0 for row in found["side"]) == pytest.approx(NET)


def test_the_worst_events_come_first_and_name_their_trade(asked: Services) -> None:
    found = asked.performance.events()

    assert (len(found.events), found.total) == (10, N_DAYS)
    assert {one.net_usd for one in found.events} == {Decimal("-15.5")}
    assert asked.trades.one(found.events[0].trade_id).event_id == found.events[0].event_id


@pytest.mark.parametrize(
    ("choice", "error"),
    [
        (Choice(station_code="ZZZZ"), UnknownIdError), (Choice(desk="nobody"), UnknownIdError), (Choice(venue="foo"), NotAllowedError),
        (Choice(window=0), NotAllowedError), (Choice(side="MAYBE"), NotAllowedError),
        (Choice(first=date(2026, 9, 9), last=FIRST), NotAllowedError),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(asked: Services, choice: Choice, error: type[Exception]) -> None:
    with pytest.raises(error):
        asked.performance.summary(choice)


# What it costs


def test_a_refresh_without_news_reads_nothing(weeks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = build_services(Settings(data_dir=weeks, mode="demo")).performance
    asked.summary()
    read: list[str] = []
    for name in ("traded_after", "words_after"):
        monkeypatch.setattr(JournalRows, name, lambda *_, name=name: read.append(name) or ())
    for name in ("quotes_between", "implied_between"):
        monkeypatch.setattr(EvaluationStore, name, lambda *_, name=name: read.append(name) or [])

    asked.summary()
    asked.groups()
    asked.attribution()

    assert read == []


def test_a_new_cycle_reads_only_what_it_booked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history.build(tmp_path, 5)
    asked = build_services(Settings(data_dir=tmp_path, mode="demo")).performance
    before = asked.summary()
    rows: list[int] = []
    whole = JournalRows.traded_after
    monkeypatch.setattr(JournalRows, "traded_after", lambda *given: _counted(rows, whole(*given)))

    history.go_on(tmp_path, 5)
    after = asked.summary()

    assert (before.n, after.n) == (5, 6)
    assert rows == [2]


def test_a_cycle_that_decides_nothing_works_nothing_out_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history.build(tmp_path, 5)
    asked = build_services(Settings(data_dir=tmp_path, mode="demo")).performance
    before = asked.groups().groups
    history.correct(tmp_path, 5, FIRST, winner=2)  # says again what was said
    monkeypatch.setattr(performance, "groups", lambda *_: pytest.fail("the tables are made again"))

    assert asked.groups().groups == before


def _counted(rows: list[int], found: Any) -> Any:
    rows.append(len(found))
    return found


def test_a_corrected_word_changes_the_result(tmp_path: Path) -> None:
    history.build(tmp_path, 3)
    asked = build_services(Settings(data_dir=tmp_path, mode="demo")).performance
    before = asked.events(sort="newest", limit=1).events[0]

    history.correct(tmp_path, 3, before.event_day, winner=2)
    after = next(one for one in asked.events(sort="newest").events if one.event_id == before.event_id)

    assert (before.net_usd, after.net_usd) == (Decimal("-15.5"), Decimal("84.5"))


# Routes


def test_the_report_tells_the_implied_mean_beside_cents_and_odds(sidecar: TestClient) -> None:
    ahead = sidecar.get("/api/performance/metrics").json()["closing"][0]

    assert ahead["degrees"] == pytest.approx(0.4)
    assert (ahead["degrees_n"], ahead["held_mean"], ahead["degrees_reason"]) == (N_DAYS + 1, 0, "")
    assert {"mean", "logit", "degrees_low", "degrees_high"} <= set(ahead)


def test_metrics_have_the_documented_fields(sidecar: TestClient) -> None:
    body = sidecar.get("/api/metrics").json()

    assert set(body) >= DOCUMENTED
    assert all(body[name] is not None for name in DOCUMENTED)


def test_the_account_as_a_whole_is_all_desks_together(sidecar: TestClient) -> None:
    whole, desk = sidecar.get("/api/metrics").json(), sidecar.get("/api/metrics?desk=weather").json()

    assert whole == desk
    assert sidecar.get("/api/metrics?desk=futures").status_code == 404


@pytest.mark.parametrize("path", ["/api/metrics", "/api/performance/pnl", "/api/performance/metrics"])
def test_before_the_first_trade_everything_is_null_with_a_reason(empty_client: TestClient, path: str) -> None:
    body = empty_client.get(path).json()

    assert body["n"] == 0
    assert body["missing"]
    for one in body.get("figures", []):
        assert one["value"] is None
        assert one["reason"]


def test_the_report_takes_every_filter(sidecar: TestClient) -> None:
    address = "/api/performance/metrics?station_code=klga&venue=polymarket&lead=1&side=NO&strategy=residual&regime=STABLE"
    body = sidecar.get(
        f"{address}&symbol=KLGA-HIGH&extreme=high&start_date=2026-09-01&end_date=2026-12-01&days=40&window=9"
    ).json()

    assert (body["n"], body["total"]) == (9, 40)
    assert len(body["worst"]) == 9
    assert body["attribution"]["net_usd"] == pytest.approx(9 * 14.75)


def test_a_settled_event_of_the_small_world_is_told(client: TestClient) -> None:
    """100 YES at 30¢ with a fee of 25¢ won: 69.75 $ on 30.25 $."""
    body = client.get("/api/metrics").json()

    assert body["total_wins"] == 1
    assert body["expected_r"] == pytest.approx(69.75 / 30.25)
    assert body["profit_factor"] is None
    assert body["reasons"]["profit_factor"] == "no losing event"


def test_a_choice_of_nothing_but_a_desk_has_an_equity() -> None:
    assert Choice().of_desk
    assert Choice(desk="weather", days=3).of_desk
    assert not replace(Choice(), side="NO").of_desk
    assert world.STATION == "KLGA"
