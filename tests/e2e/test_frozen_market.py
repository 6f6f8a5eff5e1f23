"""Nothing outside moves, only the clock: one set of orders, and never a second."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from requests import PreparedRequest, Response

from core.days import desk_day
from core.settings import Settings
from core.units import instant
from tests.e2e.desk_in_process import FEW, Change, ChangedWorld, ask, money_rows, settings_for, trade, with_body

STATIONS = (*FEW, "RKSI")
RESTARTS = {"in one go": (), "restarted in between": (3, 1, 20, 15, 2)}


@dataclass(frozen=True)
class Frozen:
    """A moment before the desk day rolls at 16:00Z, the day that is listed, and for how many cycles its window is ahead."""

    at: datetime
    days: tuple[str, ...]  # as each venue writes it
    cycles: int
    traded: tuple[tuple[str, str], ...]  # venue, unit
    given: Mapping[str, Any]

    def parts(self, run: str) -> tuple[int, ...]:
        """Return after how many cycles each a new process goes on."""
        return (*RESTARTS[run], self.cycles - sum(RESTARTS[run]))


POLYMARKET = (("polymarket", "C"),)
TWO_DAYS_ON = datetime(2026, 6, 2, 6, tzinfo=UTC), ("june-4",), 96, POLYMARKET
# Small as shipped; and so large, and content with so little edge, that the depth of the books binds. Kalshi lists a day only
# fifteen hours ahead.
MARKETS = {
    "probe": Frozen(*TWO_DAYS_ON, {"start_cash_usd": 10_000, "edge_min": 0.01}),
    "large": Frozen(*TWO_DAYS_ON, {"start_cash_usd": 1_000_000, "edge_min": 0.005, "risk": {"probe_share": 0.25}}),
    "both venues": Frozen(
        datetime(2026, 6, 2, 14, 30, tzinfo=UTC), ("june-4", "26JUN03"), 54, (("kalshi", "F"), *POLYMARKET),
        {"start_cash_usd": 10_000, "edge_min": 0.005},
    ),
}  # fmt: skip


def listed(days: tuple[str, ...]) -> Change:
    """Return a change that lists the events of some days only."""

    def change(request: PreparedRequest, response: Response) -> Response:
        if not urlsplit(str(request.url)).path.endswith(("/events", "/events/keyset")) or response.status_code != 200:
            return response
        body = json.loads(response.raw.read())
        kept = [
            event
            for event in (body["events"] if isinstance(body, dict) else body)
            if any(day in f"{event.get('slug')} {event.get('event_ticker')}" for day in days)
        ]
        return with_body(response, json.dumps({**body, "events": kept} if isinstance(body, dict) else kept).encode())

    return change


def frozen_session(data: Path, market: Frozen, run: str) -> Settings:
    """Trade on the same payloads again and again, received anew in each cycle."""
    settings = settings_for(data, stations=STATIONS, weather={"pool_weight": 0.7}, **market.given)
    world = ChangedWorld(listed(market.days), frozen_at=market.at)
    for cycles in market.parts(run):
        trade(settings, world, cycles, start=market.at)
    return settings


@pytest.fixture(scope="module", params=MARKETS)
def sessions(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same frozen day twice: in one go, and with a new process's memory in between."""
    folders = {run: tmp_path_factory.mktemp("frozen") / "data" for run in RESTARTS}
    for run in RESTARTS:
        frozen_session(folders[run], MARKETS[request.param], run)
    return folders


@pytest.fixture
def market(request: pytest.FixtureRequest) -> Frozen:
    """The frozen market of `sessions`."""
    return MARKETS[request.node.callspec.params["sessions"]]


@pytest.mark.parametrize("run", RESTARTS)
def test_a_frozen_market_gets_one_set_of_orders(sessions: dict[str, Path], run: str, market: Frozen) -> None:
    data = sessions[run]

    orders = ask(data, "SELECT scheduled_at, count(*) FROM orders GROUP BY scheduled_at")

    assert len(orders) == 1, [f"{instant(at):%d %H:%M} {count}" for at, count in orders]
    assert orders[0][1] >= 8
    assert ask(data, "SELECT count(*) FROM cycles WHERE phase = 'complete'") == [(market.cycles,)]
    traded = ask(data, "SELECT DISTINCT i.venue, i.unit FROM orders JOIN instruments i USING (token)")
    extremes = ask(data, "SELECT DISTINCT i.extreme FROM orders JOIN instruments i USING (token)")
    assert set(traded) == set(market.traded)
    assert set(extremes) == {("high",), ("low",)}


@pytest.mark.parametrize("run", RESTARTS)
def test_the_desk_day_rolled_while_it_could_have_traded(sessions: dict[str, Path], run: str) -> None:
    """What the test above claims would be cheap with a desk that was not allowed to trade at 16:00Z."""
    rows = ask(sessions[run], "SELECT scheduled_at, reason_code FROM decisions ORDER BY scheduled_at")
    days = {instant(at): desk_day(instant(at)) for at, _ in rows}
    rolled = next(after for before, after in pairwise(days) if days[before] != days[after])

    after_the_roll = {reason for at, reason in rows if rolled <= instant(at) <= rolled.replace(hour=18)}

    assert (rolled.hour, rolled.minute) == (16, 0)
    too_little = {"on_target", "depth", "estimated_cost", "limit_price", "earned_size", "minimum_size", "rounded_fee", "spread"}
    assert after_the_roll <= too_little


@pytest.mark.parametrize("run", RESTARTS)
def test_everything_was_received_anew_in_each_cycle(sessions: dict[str, Path], run: str, market: Frozen) -> None:
    with sqlite3.connect(sessions[run] / "catalogue.db") as connection:
        receipts = connection.execute(
            "SELECT count(DISTINCT received_at), count(DISTINCT content) FROM snapshots WHERE kind = 'books' GROUP BY subject"
        ).fetchall()

    assert receipts
    # two contents: a look and a fill ask for the tokens of an event in different orders
    assert all(times >= market.cycles - 1 and contents <= 2 for times, contents in receipts)


def test_a_restart_changes_no_row(sessions: dict[str, Path]) -> None:
    in_one_go, restarted = (money_rows(sessions[run]) for run in RESTARTS)

    assert restarted == in_one_go
