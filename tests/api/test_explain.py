"""One trade explained: every number against the world that was written."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.errors import UnknownIdError
from core.services import Services
from core.services.explain import TradeExplanation
from core.wiring.faces import build_services
from tests.api import world
from tests.api.conftest import settings_of


def explained(services: Services, *, side: str, outcome: str | None = None, action: str = "buy") -> TradeExplanation:
    found = services.trades.history(side=side, outcome=outcome).trades
    return services.explain.explain(next(one for one in found if one.action == action).trade_id)


@pytest.fixture(scope="module")
def pending(services: Services) -> TradeExplanation:
    """60 YES of 44-45 at 21 cents, bought in cycle 2."""
    return explained(services, side="YES", outcome="pending")


def test_inputs_are_those_that_were_known_when_the_cycle_was_sealed(pending: TradeExplanation) -> None:
    """Cycle 2 was sealed at 18:00:02; the forecast and the books of 18:10 and later were not known."""
    assert pending.moments is not None
    sealed = world.NOW - world.EVERY + timedelta(seconds=2)
    assert (pending.moments.number, pending.moments.sealed_at) == (2, sealed)
    inputs = {one.kind: one for one in pending.inputs}
    assert inputs["forecast"].received_at == world.NOW - timedelta(hours=15)
    assert inputs["forecast"].age_seconds == 15 * 3600 - 900 + 2
    assert inputs["forecast"].issued_at == world.NOW - timedelta(hours=19)
    assert "gfs, icon" in inputs["forecast"].what
    assert "METAR KLGA 091751Z" in inputs["metar"].what
    assert "books" not in inputs
    assert pending.decision_book is None


def test_belief_is_that_of_the_decision_with_every_bracket_of_its_cycle(pending: TradeExplanation) -> None:
    belief = pending.belief
    assert belief is not None
    assert (belief.p_model, belief.p_market, belief.p_pooled, belief.fair) == (0.3, 0.2, 0.25, 0.25)
    assert (belief.sd, belief.forecast, belief.edge, belief.fraction) == (2.0, 45.5, 0.08, 0.031)
    assert [one.p_model for one in belief.brackets] == [pytest.approx(0.31)] * 5  # of cycle 2, not of the newest
    assert [one.traded for one in belief.brackets] == [False, False, False, True, False]


def test_fair_value_of_a_no_is_what_the_pool_leaves(services: Services) -> None:
    belief = explained(services, side="NO").belief

    assert belief is not None
    assert belief.fair == 0.75


def test_the_check_that_bound_is_marked_and_said_in_words(services: Services, pending: TradeExplanation) -> None:
    (check,) = pending.checks
    assert (check.name, check.value, check.limit, check.verdict) == ("spread", 0.02, 0.04, "pass")
    assert check.sentence == "No wide spread."
    assert not check.bound
    assert pending.sizing is not None
    assert (pending.sizing.wanted, pending.sizing.ordered, pending.sizing.filled) == (60, 60, 60)


def test_a_check_says_in_what_its_numbers_count(pending: TradeExplanation) -> None:
    assert [(one.name, one.unit) for one in pending.checks] == [("spread", "$ per share")]


def test_a_sale_shows_what_it_fetched_over_fair_value(services: Services) -> None:
    """Its price less its own fee, less the pool's value of a share; a buy shows the edge of buying."""
    sale = next(one for one in services.trades.history().trades if one.action == "sell")
    belief = services.explain.explain(sale.trade_id).belief

    assert belief is not None
    assert belief.price == pytest.approx(float((sale.size_usd - sale.fee_usd) / sale.shares))
    assert belief.edge == sale.edge == pytest.approx(belief.price - belief.fair)
    assert sale.edge != 0.08  # what the decision thought of buying


def test_order_and_fill_are_those_of_the_journal(pending: TradeExplanation) -> None:
    assert pending.order is not None
    assert (pending.order.role, pending.order.limit_price) == ("entry", Decimal("0.21"))
    (fill,) = pending.fills
    assert (fill.this, fill.shares, fill.price, fill.fee_usd) == (True, 60, Decimal("0.21"), Decimal("0.25"))
    assert [(level.price, level.shown, level.taken) for level in fill.levels] == [(Decimal("0.21"), 500, 60)]


def test_the_fee_is_reckoned_anew_and_set_beside_what_was_booked(pending: TradeExplanation) -> None:
    """The world's venue takes no fee, its journal booked 25 cents: the page must not hide that."""
    assert pending.terms is not None
    assert (pending.terms.fee_usd, pending.terms.booked_usd) == (0, Decimal("0.25"))
    assert pending.terms.formula.startswith("Σ shares × 0 × (price × (1 − price))")


def test_marks_follow_the_bid_of_the_traded_side_since_the_trade(services: Services, pending: TradeExplanation) -> None:
    assert pending.marks.at == (world.NOW,)
    assert pending.marks.bid == (0.2,)
    assert explained(services, side="NO").marks.bid[-1] == 0.77


def test_settlement_shows_both_words_and_that_they_differ(services: Services) -> None:
    """We said bracket 1, the venue bracket 2: the YES of bracket 2 wins by the final word only."""
    told = explained(services, side="YES", outcome="win")

    assert [(word.finality, word.winner, word.wins) for word in told.words] == [
        ("provisional", "40-41°F", False), ("final", "42-43°F", True),
    ]  # fmt: skip
    assert told.agreed is False
    assert dict(told.words[0].evidence) == {"source": "venue"}


def test_what_is_not_there_is_said(services: Services, pending: TradeExplanation) -> None:
    assert "The event has not ended: nobody has said how it settles." in pending.notes
    told = explained(services, side="YES", outcome="win")
    assert told.rule is None
    assert "No book of that moment was recorded: the trade met prints only." in told.notes


def test_the_book_of_the_moment_is_the_traded_tokens_own(tmp_path: Path) -> None:
    """Cycle 4, 15 minutes after the newest books: 22 cents asked, 20 and 10 bid, received 15 min 20 s before."""
    world.build(tmp_path)
    world.append(tmp_path, [(world.token(world.TODAY, 4), 10, 220_000)])
    services = build_services(settings_of(tmp_path))
    newest = services.trades.recent(limit=1).trades[0]

    book = services.explain.explain(newest.trade_id).decision_book

    assert book is not None
    assert [(offer.price, offer.shares) for offer in book.bids] == [(Decimal("0.2"), 100), (Decimal("0.1"), 50)]
    assert [(offer.price, offer.shares) for offer in book.asks] == [(Decimal("0.22"), 80)]
    assert book.age_seconds == 15 * 60 + 20 + 2


def test_a_trade_that_is_not_there_is_unknown(services: Services) -> None:
    with pytest.raises(UnknownIdError, match="no trade 'x-nothing'"):
        services.explain.explain("x-nothing")
