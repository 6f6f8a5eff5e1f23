"""Fills of one token folded into results: the arithmetic alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.metrics.results import Fill, results
from core.units import MICRO


def buy(shares: int, cents: int, fee: int = 0) -> Fill:
    return Fill(shares * MICRO, shares * cents * 10_000, fee)


def sell(shares: int, cents: int, fee: int = 0) -> Fill:
    return Fill(-shares * MICRO, shares * cents * 10_000, fee)


def test_a_buy_without_a_final_word_is_pending() -> None:
    (result,) = results([buy(10, 30)], None)

    assert (result.status, result.outcome, result.gross_micro) == ("open", "pending", None)


def test_a_winner_pays_a_dollar_a_share_and_a_loser_nothing() -> None:
    (won,), (lost,) = results([buy(10, 30, 5)], MICRO), results([buy(10, 30, 5)], 0)

    assert (won.outcome, won.gross_micro) == ("win", 7 * MICRO)
    assert (lost.outcome, lost.gross_micro) == ("loss", -3 * MICRO)
    assert won.risk_micro == lost.risk_micro == 3 * MICRO + 5


def test_a_sale_takes_cost_away_pro_rata_and_the_rest_settles() -> None:
    """10 at 30 ¢ and 10 at 50 ¢, half sold at 60 ¢: 6.00 − 4.00; the rest cost 4.00 and pays 10.00."""
    first, second, sale = results([buy(10, 30), buy(10, 50), sell(10, 60)], MICRO)

    assert (sale.status, sale.gross_micro, sale.outcome) == ("closed", 2 * MICRO, "win")
    assert first.gross_micro + second.gross_micro == 6 * MICRO
    assert (first.status, second.status) == ("settled", "settled")


def test_a_buy_that_was_sold_whole_is_closed_by_its_sale() -> None:
    entry, sale = results([buy(10, 30), sell(10, 20)], None)

    assert (entry.status, entry.outcome, entry.gross_micro) == ("closed", "closed", 0)
    assert (sale.outcome, sale.gross_micro) == ("loss", -MICRO)


STEPS = st.lists(st.tuples(st.integers(1, 5_000_000), st.integers(1, 999_999), st.booleans()), min_size=1, max_size=8)


@given(STEPS, st.sampled_from([0, MICRO]))
def test_all_results_add_up_to_proceeds_and_payout_less_cost(steps: list[tuple[int, int, bool]], pays: int) -> None:
    fills, held = [], 0
    for size, price, sells in steps:
        size = min(size, held) if sells else size
        if size:
            fills.append(Fill(-size if sells else size, size * price // MICRO, 0))
            held += -size if sells else size

    total = sum(result.gross_micro or 0 for result in results(fills, pays))

    paid = sum(fill.notional_micro * (1 if fill.size_micro < 0 else -1) for fill in fills)
    assert abs(total - (paid + held * pays // MICRO)) <= len(fills)  # each payout floors a millionth
