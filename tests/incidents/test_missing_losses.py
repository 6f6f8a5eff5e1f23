"""A paper bot that showed no losses: outcomes with another label than YES or NO were left out in silence. FACTS I.10."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import WireError
from core.journal.changes import Payout
from core.model.settlement import Finality
from core.wiring.faces import build_services
from tests.api import world
from tests.api.conftest import settings_of
from venues.polymarket.gamma import tokens_of
from venues.polymarket.outcomes import parse_outcome


def closed(outcomes: str, prices: str = '["0", "1"]') -> dict[str, object]:
    return {
        "id": "m1", "conditionId": "c1", "closed": True, "umaResolutionStatus": "resolved", "acceptingOrders": False,
        "outcomes": outcomes, "outcomePrices": prices, "clobTokenIds": '["1", "2"]',
    }  # fmt: skip


@pytest.mark.parametrize("labels", ['["Up", "Down"]', '["YES", "NO"]', '["Yes", "Maybe"]', '["Yes"]', '["Yes", "No", "Void"]'])
def test_an_outcome_with_an_unknown_label_is_an_error(labels: str) -> None:
    """Guard: `_refuse_other_labels` of venues/polymarket/outcomes.py. It is kept as a failed answer and asked for again."""
    with pytest.raises(WireError):
        parse_outcome({"slug": "e", "markets": [closed(labels)]}, b"", world.NOW)


@pytest.mark.parametrize("labels", ['["Up", "Down"]', '["Yes", "No", "Void"]', "[]"])
def test_a_market_with_unknown_labels_has_no_tokens_to_trade(labels: str) -> None:
    """Guard: the names are compared in `tokens_of`, venues/polymarket/gamma.py."""
    with pytest.raises(WireError):
        tokens_of(closed(labels))


def test_labels_in_the_other_order_keep_their_meaning() -> None:
    won = parse_outcome({"slug": "e", "markets": [closed('["No", "Yes"]')]}, b"", world.NOW)

    assert (won.facts["final"], won.facts["winner"]) == (True, "m1")


def test_every_execution_is_counted_as_something(tmp_path: Path) -> None:
    """Guard: `Result.outcome` has no other word. What is filtered away by one of them is found by another."""
    world.build(tmp_path)
    services = build_services(settings_of(tmp_path))
    everything = services.trades.page(limit=1000)
    parts = [services.trades.page(outcome=outcome).total for outcome in ("win", "loss", "pending", "closed")]

    assert sum(parts) == everything.total == everything.wins + everything.losses + everything.pending + everything.closed
    assert all(one.outcome in ("win", "loss", "pending", "closed") for one in everything.trades)


@pytest.mark.parametrize(("winner", "won", "lost"), [(1, 0, 2), (3, 2, 0)])
def test_losses_of_both_sides_show_with_their_money(tmp_path: Path, winner: int, won: int, lost: int) -> None:
    """50 NO of bracket 1, 20 sold since, and 60 YES of bracket 3: bracket 1 settles both against us, bracket 3 both for us.

    Guard: `pays` in core/services/trade_book.py is 0 for a loser, not "nothing known".
    """
    world.build(tmp_path)
    settle(tmp_path, winner)

    rows = build_services(settings_of(tmp_path)).trades.page(event_day=world.TODAY)

    buys = [one for one in rows.trades if one.action == "buy"]
    assert sum(one.outcome == "win" for one in buys) == won
    assert sum(one.outcome == "loss" for one in buys) == lost
    assert all((one.pnl_gross or 0) < 0 for one in buys if one.outcome == "loss")
    assert rows.pending == 0


def settle(folder: Path, winner: int) -> None:
    journal, of = world.open_journal(folder), world.cycle(4, world.NOW)
    account = journal.account("weather")
    account = journal.commit(of, account, world.intention(of, account, []))
    paid: Payout = world.payout(world.TODAY, winner, Finality.FINAL, of)
    journal.commit(of, account, paid)
    journal.close()
