"""From beliefs, books and an account to positions: exits, bands, depth, margins, days, hedges, arbitrage and the joint option."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents.weather.evaluation import WeatherEvaluation
from agents.weather.proposal import propose
from agents.weather.sizing import wanted
from core.model.account import Account, new_account
from core.model.orders import Level
from core.model.targets import Targets
from core.settings import Settings
from core.store.archive import Archive
from core.units import MICRO
from tests.agents.weather.sizing.frozen import EVENING, KLGA, WRONG, archive, free, holdings, session
from tests.agents.weather.worlds import archive_of, book, event, forecast, listing, look

ROOMY = 1e6  # [shares] on each level
KEPT = (0.01, 0.02, 0.05, 0.15, 0.30, 0.25, 0.12, 0.06, 0.02, 0.01, 0.01)
MEANS = 1_000_000.0


def evaluation(folder: Path, settings: Settings, **more: float) -> WeatherEvaluation:
    return look(archive(folder, **more), EVENING, settings=settings)


def account(cash: float = MEANS, n_runs: int = 1) -> Account:
    return new_account("weather", "test", round(cash * MICRO), n_runs)


def owning(found: WeatherEvaluation, shares: dict[int, float], cash: float = MEANS) -> Account:
    """Return an account that holds some columns, bought at half a dollar."""
    start, columns = account(cash), list(shares)
    held = np.array([[round(shares[column] * MICRO) for column in columns]])
    return replace(
        start, instruments=tuple(found.panel.instruments[column] for column in columns), held_micro=held, cost_micro=held // 2,
        claim_micro=held // 2,
    )  # fmt: skip


def target(found: WeatherEvaluation, settings: Settings, own: Account | None = None) -> Targets:
    return propose(found, 0, own or account(), settings)


def test_an_order_takes_a_quarter_of_what_is_shown_within_its_limit(tmp_path: Path) -> None:
    """Of 500 + 500 shares on the asks, where both levels leave an edge; of 500 where one does."""
    settings = free(1.0)
    found = evaluation(tmp_path, settings, size=500.0)
    targets = target(found, settings)

    shown = np.where(
        np.round(found.panel.books.price[0, 0, :, :, 1], 6) <= targets.limit_price.reshape(11, 2)[..., None] + 1e-9, 500.0, 0.0
    )
    bought = targets.target[0].reshape(11, 2)

    assert (bought > 0).sum() >= 2
    assert (bought <= 0.25 * shown.sum(-1) + 1e-9).all()
    assert bought[bought > 0] == pytest.approx(0.25 * shown.sum(-1)[bought > 0])


def test_what_we_took_of_a_book_is_not_there_a_second_time(tmp_path: Path) -> None:
    settings = free(1.0)
    found = evaluation(tmp_path, settings, size=500.0)
    first = target(found, settings)
    column = int(first.target[0].argmax())
    token = first.instruments[column].token
    ask = round(float(found.panel.books.price[0, 0, column // 2, column % 2, 1, 0]) * MICRO)
    took = {(0, token, 1): (Level(ask, 500 * MICRO, round(first.target[0, column] * MICRO)),)}

    again = target(found, settings, replace(account(), taken=took))

    assert again.target[0, column] == 0.0


def test_twice_the_wealth_is_not_twice_the_size_where_depth_binds(tmp_path: Path) -> None:
    settings = free(0.05)
    found = evaluation(tmp_path, settings, size=20_000.0)

    small, large = (target(found, settings, account(cash)).target[0] for cash in (50_000.0, 50_000_000.0))

    assert (large >= small - 1e-9).all()
    assert large.sum() < 100 * small.sum()


def test_a_holding_is_sold_only_above_what_it_is_worth_at_the_margin(tmp_path: Path) -> None:
    """Fair value .14, bid .39: sold; what the optimum does not need but nobody overpays is kept."""
    settings = free(0.01)
    found = evaluation(tmp_path, settings, size=ROOMY)
    dear, cheap = 2 * 2, 9 * 2

    targets = target(found, settings, owning(found, {dear: 100.0, cheap: 100.0}))

    assert targets.target[0, dear] == 0.0
    assert targets.target[0, cheap] == 100.0
    assert targets.sell_price[dear] > targets.fair[dear] + settings.weather.exit_edge_min


def test_a_sale_takes_a_quarter_of_what_is_bid(tmp_path: Path) -> None:
    settings = free(0.01)
    found = evaluation(tmp_path, settings, size=100.0)

    left = target(found, settings, owning(found, {4: 500.0})).target[0, 4]

    assert left == pytest.approx(500.0 - 50.0)  # two levels of 100 within reach


@pytest.mark.parametrize("size", [300.0, 20_000.0])
@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_bought_and_sold_in_turns(tmp_path: Path, seed: int, size: float) -> None:
    """From random holdings on a random frozen book: whatever is bought is never sold again, and it comes to rest."""
    chance = np.random.default_rng(seed)
    fair = np.clip(np.array(KEPT) * np.exp(chance.normal(0.0, 0.5, 11)), 0.02, 0.6)
    found = archive(tmp_path, np.round(fair, 2).tolist(), size=size)
    settings = free(0.02, exit_edge_min=0.0)
    start = owning(
        look(found, EVENING, settings=settings),
        {int(c): float(chance.integers(50, 3_000)) for c in chance.choice(22, 5, False)},
    )

    seen = session(found, settings, 25, start)

    bought = {token for orders in seen.orders for token, change in orders.items() if change > 0}
    sold = {token for orders in seen.orders for token, change in orders.items() if change < 0}
    assert not bought & sold
    assert not any(seen.orders[15:])


def test_a_small_change_is_no_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A position that is within a hair of the optimum stays; without the threshold the target moves."""
    settings = free(0.01)
    found = evaluation(tmp_path, settings, size=ROOMY)
    first = target(found, settings)
    column = int(first.target[0].argmax())
    nearly = owning(found, {column: float(first.target[0, column]) * 0.999})

    kept = target(found, settings, nearly).target[0, column]
    monkeypatch.setattr(wanted, "LEAST_CHANGE", 0.0)
    moved = target(found, settings, nearly).target[0, column]

    assert kept == pytest.approx(first.target[0, column] * 0.999, abs=1e-6)
    assert moved != kept


def test_a_frozen_book_wants_the_same_without_any_threshold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was bought is counted at what it would cost anew: the optimum does not move with it."""
    monkeypatch.setattr(wanted, "LEAST_CHANGE", 0.0)

    seen = session(archive(tmp_path, size=50_000.0), free(0.01), 5)

    for wished in seen.wanted:
        assert wished == pytest.approx(seen.wanted[0], abs=0.011)
    assert holdings(seen.account) == pytest.approx(seen.wanted[0], abs=0.011)


def test_money_that_is_tied_up_makes_everything_dearer(tmp_path: Path) -> None:
    found = evaluation(tmp_path, free(0.01), size=ROOMY)

    free_of_cost, dear = (target(found, free(0.01, lockup_rate=rate)) for rate in (0.0, 0.01))

    assert dear.target.sum() < free_of_cost.target.sum()
    column = int(dear.target[0].argmax())
    days = 2  # what is left of the 11th and all of the 12th, New York
    assert dear.belief[column]["lockup_cost"] == pytest.approx(0.01 * days * dear.price[column])


def test_hedges_are_wanted_only_where_they_are_allowed(tmp_path: Path) -> None:
    found = evaluation(tmp_path, free(0.01), size=ROOMY)

    without, hedged = (target(found, free(0.01, hedges=allowed)) for allowed in (False, True))

    more = (hedged.target[0] > 0) & ~(without.target[0] > 0)
    assert more.any()
    assert all(hedged.belief[column]["hedge"] == 1.0 for column in np.flatnonzero(more))
    assert all(without.belief[column]["view"] == 1.0 for column in np.flatnonzero(without.target[0] > 0))
    assert (hedged.limit_price[more] >= found.panel.books.price[0, 0, :, :, 1, 0].reshape(-1)[more] - 1e-9).all()


def cheap_everywhere(folder: Path) -> Archive:
    """Return books whose asks of YES sum to less than a dollar."""
    told = [forecast("KLGA", EVENING, (25.0, 25.5, 26.0), first=EVENING)]
    fair = [max(price - 0.02, 0.01) for price in KEPT]
    return archive_of(folder, [listing(event()), *told, book(event(), EVENING, fair, half_spread=0.0, size=200.0)])


def test_a_set_that_pays_more_than_it_costs_is_taken_whole(tmp_path: Path) -> None:
    """A quarter of 200 sets at most; every leg the same, beside what is wanted for its own edge."""
    settings = free(0.05, arbitrage=True)
    found = look(cheap_everywhere(tmp_path), EVENING, settings=settings)

    targets = target(found, settings)

    sets = [belief.get("arbitrage", 0.0) for belief in targets.belief]
    assert sets[0::2] == pytest.approx([sets[0]] * 11)
    assert 0 < float(str(sets[0])) <= 100.0
    assert (targets.target[0, 0::2] >= np.array(sets[0::2], np.float64) - 1e-9).all()
    assert not any(belief.get("arbitrage") for belief in target(found, free(0.05)).belief)


def test_several_accounts_want_what_each_wants_alone(tmp_path: Path) -> None:
    settings = free(0.05)
    found = evaluation(tmp_path, settings, size=5_000.0)
    runs = account(n_runs=3)
    runs = replace(runs, cash_micro=np.array([10_000, 1_000_000, 50_000], np.int64) * MICRO)

    together = propose(found, 0, runs, settings)

    for run, cash in enumerate((10_000.0, 1_000_000.0, 50_000.0)):
        assert np.array_equal(together.target[run], target(found, settings, account(cash)).target[0])


def test_joint_sizing_of_one_event_is_the_path(tmp_path: Path) -> None:
    settings = free(0.05)
    found = evaluation(tmp_path, settings, size=5_000.0)

    joint = target(found, settings.model_copy(update={"sizing": "joint"})).target

    assert np.array_equal(joint, target(found, settings).target)


def test_joint_sizing_of_two_events_of_a_day_is_close_to_the_path_scaled(tmp_path: Path) -> None:
    """Two stations that err alike: less than each alone; the scale of the path lies near."""
    settings = free(0.02)
    others = [event(name, station=station) for name, station in (("nyc-12", "KLGA"), ("mia-12", "KMIA"))]
    told = [forecast(each.rule.station, EVENING, (25.0, 25.5, 26.0), first=EVENING) for each in others]
    found = look(
        archive_of(tmp_path, [*map(listing, others), *told, *(book(each, EVENING, WRONG, size=ROOMY) for each in others)]),
        EVENING, settings=settings,
    )  # fmt: skip

    path = target(found, settings)
    joint = target(found, settings.model_copy(update={"sizing": "joint"}))

    scale = path.belief[int(path.target[0].argmax())]["correlation_scale"]
    assert 0.8 < float(str(scale)) < 1.0
    assert joint.target[0].sum() == pytest.approx(path.target[0].sum(), rel=0.15)
    assert all(belief["certificate_gap"] < 1e-6 for belief in joint.belief if "certificate_gap" in belief)  # type: ignore[operator]


def test_stresses_are_told_of_what_is_wanted(tmp_path: Path) -> None:
    settings = free(0.01)
    found = evaluation(tmp_path, settings, size=ROOMY)

    stress = target(found, settings).stress

    region = f"region {KLGA.region}"
    assert set(stress) == {f"{region} +2sd", f"{region} -2sd", "source_outage", "disputed_settlement"}
    assert stress["source_outage"][0] <= min(stress[f"{region} +2sd"][0], stress[f"{region} -2sd"][0]) < 0.0
