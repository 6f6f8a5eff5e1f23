"""Nothing outside moves, only the clock: one set of orders, and never a second."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from requests import PreparedRequest, Response

from core.days import desk_day
from core.settings import Settings
from core.units import instant
from tests.e2e.desk_in_process import ChangedWorld, ask, money_rows, settings_for, trade, with_body

FROZEN_AT = datetime(2026, 6, 2, 6, tzinfo=UTC)  # ten hours before the desk day rolls, while the forecasts are young
TWO_DAYS_ON = "june-4"
CYCLES = 96
RESTARTS = {"in one go": (96,), "restarted in between": (3, 1, 20, 15, 2, 35, 20)}
# Small as shipped; and so large, and content with so little edge, that the depth of the books binds.
ACCOUNTS = {
    "probe": {"start_cash_usd": 10_000, "edge_min": 0.02},
    "large": {"start_cash_usd": 1_000_000, "edge_min": 0.005, "risk": {"probe_share": 0.25}},
}


def only_two_days_on(request: PreparedRequest, response: Response) -> Response:
    """List the events of one day only."""
    listing = "/gamma/events" in str(request.url) and TWO_DAYS_ON not in str(request.url)
    return with_body(response, b"[]") if listing else response


def frozen_session(data: Path, account: str, parts: Sequence[int]) -> Settings:
    """Trade on the same payloads again and again, received anew in each cycle."""
    settings = settings_for(data, weather={"pool_weight": 0.7}, **ACCOUNTS[account])
    for cycles in parts:
        trade(settings, ChangedWorld(only_two_days_on, frozen_at=FROZEN_AT), cycles, start=FROZEN_AT)
    return settings


@pytest.fixture(scope="module", params=ACCOUNTS)
def sessions(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same frozen day twice: in one go, and with a new process's memory in between."""
    folders = {name: tmp_path_factory.mktemp("frozen") / "data" for name in RESTARTS}
    for name, parts in RESTARTS.items():
        frozen_session(folders[name], request.param, parts)
    return folders


@pytest.mark.parametrize("run", RESTARTS)
def test_a_frozen_market_gets_one_set_of_orders(sessions: dict[str, Path], run: str) -> None:
    data = sessions[run]

    orders = ask(data, "SELECT scheduled_at, count(*) FROM orders GROUP BY scheduled_at")

    assert len(orders) == 1, [f"{instant(at):%d %H:%M} {count}" for at, count in orders]
    assert orders[0][1] >= 8
    assert ask(data, "SELECT count(*) FROM cycles WHERE phase = 'complete'") == [(CYCLES,)]


@pytest.mark.parametrize("run", RESTARTS)
def test_the_desk_day_rolled_while_it_could_have_traded(sessions: dict[str, Path], run: str) -> None:
    """What the test above claims would be cheap with a desk that was not allowed to trade at 16:00Z."""
    rows = ask(sessions[run], "SELECT scheduled_at, reason_code FROM decisions ORDER BY scheduled_at")
    days = {instant(at): desk_day(instant(at)) for at, _ in rows}
    rolled = next(after for before, after in pairwise(days) if days[before] != days[after])

    after_the_roll = {reason for at, reason in rows if rolled <= instant(at) <= rolled.replace(hour=18)}

    assert (rolled.hour, rolled.minute) == (16, 0)
    assert after_the_roll <= {"on_target", "depth", "estimated_cost", "limit_price", "earned_size", "minimum_size"}


@pytest.mark.parametrize("run", RESTARTS)
def test_everything_was_received_anew_in_each_cycle(sessions: dict[str, Path], run: str) -> None:
    with sqlite3.connect(sessions[run] / "catalogue.db") as connection:
        receipts = connection.execute(
            "SELECT count(DISTINCT received_at), count(DISTINCT content) FROM snapshots WHERE kind = 'books' GROUP BY subject"
        ).fetchall()

    assert receipts
    # two contents: a look and a fill ask for the tokens of an event in different orders
    assert all(times >= CYCLES - 1 and contents <= 2 for times, contents in receipts)


def test_a_restart_changes_no_row(sessions: dict[str, Path]) -> None:
    in_one_go, restarted = (money_rows(sessions[run]) for run in RESTARTS)

    assert restarted == in_one_go
