"""What is held is decided anew at each look by the optimum itself: what is too much goes, and what was bought stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents.weather.evaluation import WeatherEvaluation
from agents.weather.proposal import propose
from core.model.account import Account, new_account
from core.settings import Settings
from core.units import MICRO
from tests.agents.weather.sizing.frozen import EVENING, Frozen, archive, free, session, tilted
from tests.agents.weather.worlds import archive_of, book, event, forecast, listing, look

CYCLES = 100
NEAR = (0.01, 0.02, 0.22, 0.28, 0.20, 0.14, 0.08, 0.03, 0.01, 0.01, 0.01)  # a market that is nearly right
HELD = 4  # the bracket that is held: fair value 0.245, bid 0.19
COLUMN = 2 * HELD
GAIN = 0.02  # of an exit, as it is set


def plain(kelly_fraction: float, **weather: float) -> Settings:
    """Return settings without margins: what is held costs what is asked for it."""
    return free(kelly_fraction, **weather).model_copy(update={"fee_bp": 0, "slippage_bp": 0})


def owner(found: WeatherEvaluation, shares: float, cash: float, columns: tuple[int, ...] = (COLUMN,)) -> Account:
    """Return an account that holds so many shares of each of some columns, bought at twenty cents."""
    start, held = new_account("weather", "test", round(cash * MICRO), 1), np.full((1, len(columns)), round(shares * MICRO))
    instruments = tuple(found.panel.instruments[column] for column in columns)
    return replace(start, instruments=instruments, held_micro=held, cost_micro=held // 5, claim_micro=held // 5)


def bought_and_sold(seen: Frozen) -> tuple[list[set[str]], list[set[str]]]:
    """Return the tokens that each cycle bought, and those that it sold."""
    sides = (1.0, -1.0)
    bought, sold = ([{t for t, change in orders.items() if sign * change > 0} for orders in seen.orders] for sign in sides)
    return bought, sold


def test_the_least_proceeds_are_the_marginal_value_and_the_gain_of_an_exit(tmp_path: Path) -> None:
    """W is 20,000 USD, and 30,000 if the bracket settles that is held: p / W over E[1 / W] lies below p."""
    settings = plain(1.0).model_copy(update={"edge_min": 0.5})  # nothing is bought
    found = look(archive(tmp_path, NEAR), EVENING, settings=settings)
    p = float(found.p_pooled[0, 0, HELD])

    targets = propose(found, 0, owner(found, 10_000.0, 20_000.0), settings)

    held = p / 30_000 / (p / 30_000 + (1 - p) / 20_000)
    assert targets.target[0, COLUMN] == 10_000.0
    assert np.delete(targets.target[0], COLUMN).max() == 0.0
    assert targets.kept_below[0, COLUMN] == pytest.approx(held + GAIN, abs=1e-9)
    assert targets.kept_below[0, COLUMN + 1] == pytest.approx(1 - held + GAIN, abs=1e-9)
    assert targets.belief[COLUMN]["marginal_value"] == pytest.approx(held, abs=1e-9)


def test_what_is_too_much_for_the_account_is_sold_in_part_below_fair_value(tmp_path: Path) -> None:
    """10,000 shares are too many: at a net bid of some 0.18 a share of the rest is worth 0.16, at a fair value of 0.24."""
    settings = plain(0.25)
    found = archive(tmp_path, NEAR, size=20_000.0)
    start = owner(look(found, EVENING, settings=settings), 10_000.0, 20_000.0)

    seen = session(found, settings, CYCLES, start)

    token, first = start.instruments[0].token, seen.targets[0]
    assert first.sell_price[COLUMN] < first.fair[COLUMN] - 0.05
    assert first.kept_below[0, COLUMN] == pytest.approx(first.sell_price[COLUMN], abs=1e-9)
    assert first.belief[COLUMN]["marginal_value"] == pytest.approx(first.sell_price[COLUMN] - GAIN, abs=1e-9)
    assert seen.orders[0][token] < -1_000.0
    assert seen.held[-1][token] > 1_000.0
    bought, sold = bought_and_sold(seen)
    assert not set().union(*bought) & set().union(*sold)
    assert not any(seen.orders[10:])


def test_a_bid_between_the_ticks_of_an_order_is_reached_from_the_tick_below(tmp_path: Path) -> None:
    """The same on a book of mills, where orders are on cents: a limit price of a cent more would never be met."""
    settings = plain(0.25)
    told = [forecast("KLGA", EVENING, (25.0, 25.5, 26.0), first=EVENING)]
    cents = book(event(), EVENING, NEAR, size=20_000.0)
    mills = replace(cents, rows={**cents.rows, "price_micro": cents.rows["price_micro"] + 4_000})
    found = archive_of(tmp_path, [listing(event()), *told, mills])
    start = owner(look(found, EVENING, settings=settings), 10_000.0, 20_000.0)

    seen = session(found, settings, 3, start)

    first, sent = seen.targets[0], seen.orders[0]
    assert first.sell_price[COLUMN] - 0.01 < first.kept_below[0, COLUMN] < first.sell_price[COLUMN]
    assert sent[start.instruments[0].token] < -1_000.0


def test_without_its_value_to_the_account_nothing_of_it_would_go(tmp_path: Path) -> None:
    """The same holding where no trade avoids ruin of what is staked: no value is known, and no bid reaches fair value."""
    settings = plain(0.25)
    found = archive(tmp_path, NEAR, size=20_000.0)
    start = owner(look(found, EVENING, settings=settings), 10_000.0, 0.0)

    seen = session(found, settings, 3, start)

    assert np.isnan(seen.targets[0].kept_below[0, COLUMN])
    assert not any(seen.orders)


def test_where_another_bracket_has_become_likelier_a_part_goes_below_fair_value(tmp_path: Path) -> None:
    """Bought in the first cycle at 0.12; from the fifth on another is twice as likely: net bid 0.105, fair value 0.117."""
    settings, times = plain(0.25), np.ones(11)
    times[HELD], times[6] = 0.6, 2.0

    seen = session(
        archive(tmp_path, size=1e6), settings, 20, believed=lambda first, n: tilted(first, times, settings) if n >= 5 else first
    )

    token, then = seen.targets[0].instruments[COLUMN].token, seen.targets[4]
    assert then.sell_price[COLUMN] < then.fair[COLUMN] - 0.01
    assert seen.orders[0][token] > 0
    assert seen.orders[4][token] < 0
    assert seen.held[-1][token] > 0
    assert not any(token in orders for orders in (*seen.orders[1:4], *seen.orders[5:]))


def with_factor(found: WeatherEvaluation, factor: float) -> WeatherEvaluation:
    """Return what is believed by a desk of whose claimed edge this part is thought to be real."""
    skills = found.panel.skills
    states = tuple(replace(state, shrinkage=replace(state.shrinkage, factor=factor)) for state in skills.states)
    return replace(found, panel=replace(found.panel, skills=replace(skills, states=states)))


def test_a_record_that_grew_worse_buys_less_and_sells_nothing(tmp_path: Path) -> None:
    """Multipliers never sell (TRANSMISSION 1.2): a tenth of the account would want less, at any bid above 0.19."""
    settings = plain(0.25)
    world = archive(tmp_path, size=1e6)

    seen = session(world, settings, 10, believed=lambda same, n: with_factor(same, 0.1 if n >= 2 else 1.0))

    bought, sold = bought_and_sold(seen)
    assert len(bought[0]) >= 2
    assert not any(sold)
    assert any(seen.wanted[5][token] < 0.5 * seen.held[5][token] for token in bought[0])


def test_for_want_of_money_alone_nothing_goes_below_its_value(tmp_path: Path) -> None:
    """NO of three brackets ties up more than is staked: one is bid for above its fair value and goes, one below it stays."""
    settings, stays, goes = plain(0.25), 7, 9
    found = look(archive(tmp_path, NEAR, size=20_000.0), EVENING, settings=settings)

    targets = propose(found, 0, owner(found, 4_000.0, 5_000.0, (5, stays, goes)), settings)

    fair, proceeds, kept_below = targets.fair, targets.sell_price, targets.kept_below[0]
    assert targets.target[0, [stays, goes]].max() < 4_000.0
    assert kept_below[goes] == pytest.approx(proceeds[goes], abs=1e-9)
    assert proceeds[goes] > fair[goes] + GAIN
    assert proceeds[stays] < kept_below[stays] < fair[stays]


def test_events_that_are_sized_together_sell_what_they_want_to(tmp_path: Path) -> None:
    """Two stations of a day: their optimum knows values less exactly, and no sale is lost by it."""
    settings = plain(0.25).model_copy(update={"sizing": "joint"})
    others = [event(name, station=station) for name, station in (("nyc-12", "KLGA"), ("mia-12", "KMIA"))]
    told = [forecast(each.rule.station, EVENING, (25.0, 25.5, 26.0), first=EVENING) for each in others]
    books = [book(each, EVENING, NEAR, size=20_000.0) for each in others]
    found = look(archive_of(tmp_path, [*map(listing, others), *told, *books]), EVENING, settings=settings)

    targets = propose(found, 0, owner(found, 5_000.0, 10_000.0, (COLUMN, 22 + COLUMN)), settings)

    both = [COLUMN, 22 + COLUMN]
    assert ((targets.target[0, both] > 0) & (targets.target[0, both] < 5_000.0)).all()
    assert (targets.kept_below[0, both] <= targets.sell_price[both] + 1e-9).all()
    assert (targets.sell_price[both] < targets.fair[both]).all()


@pytest.mark.parametrize("size", [500.0, 20_000.0])
@pytest.mark.parametrize("seed", range(3))
def test_small_changes_of_fair_value_sell_nothing_that_was_bought(tmp_path: Path, seed: int, size: float) -> None:
    """Half a cent to and fro, less than spread and fees: it is bought, and never sold again; with no change at all neither."""
    settings = plain(0.02)
    chance = np.random.default_rng(seed)
    times = 1.0 + 0.02 * chance.uniform(-1.0, 1.0, (CYCLES + 1, 11)) * (seed > 0)

    seen = session(archive(tmp_path, size=size), settings, CYCLES, believed=lambda same, n: tilted(same, times[n], settings))

    bought, sold = bought_and_sold(seen)
    assert len(bought[0]) >= 2
    assert not any(sold)


def test_accounts_have_each_their_own_value_and_the_same_bits_alone(tmp_path: Path) -> None:
    settings = plain(0.25)
    found = look(archive(tmp_path, NEAR, size=20_000.0), EVENING, settings=settings)
    accounts = [owner(found, 10_000.0, cash) for cash in (5_000.0, 20_000.0, 500_000.0, 0.0)]
    parts = ("cash_micro", "held_micro", "cost_micro", "claim_micro")
    joined = {name: np.concatenate([getattr(each, name) for each in accounts]) for name in parts}
    together = replace(new_account("weather", "test", 0, 4), instruments=accounts[0].instruments, **joined)

    kept = propose(found, 0, together, settings).kept_below

    alone = [propose(found, 0, each, settings).kept_below[0] for each in accounts]
    assert kept.tobytes() == np.stack(alone).tobytes()
    assert len(set(kept[:3, COLUMN].tolist())) >= 2
    assert np.isnan(kept[3]).all()


def test_without_an_opinion_no_value_is_stated(tmp_path: Path) -> None:
    found = look(archive_of(tmp_path, [listing(event()), book(event(), EVENING, NEAR)]), EVENING)

    targets = propose(found, 0, owner(found, 100.0, 10_000.0), plain(0.25))

    assert np.isnan(targets.kept_below).all()
