"""The desk behind its port: questions, quotes, targets and rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.weather.columns import columns_of
from agents.weather.desk import WeatherDesk
from agents.weather.evaluation import WeatherEvaluation, limit_prices
from agents.weather.reasons import BRACKET_REASONS, EVENT_REASONS, REASONS, sentence
from core.model.account import Account, new_account
from core.model.cycle import Cause, Cycle
from core.model.event import Fees, Side
from core.model.record import Ask, Kind
from core.prices import fee_per_share
from core.registry import load_stations
from core.settings import Settings
from core.store.archive import Archive
from core.store.evaluations import EvaluationStore
from core.units import MICRO
from tests.agents.weather.worlds import (
    DAY,
    SETTINGS,
    archive_of,
    book,
    event,
    forecast,
    listing,
    live_records,
    look,
    quarter_hours,
)  # fmt: skip

EVENING = datetime(2026, 6, 11, 21, 45, tzinfo=UTC)
FAIR = (0.01, 0.02, 0.05, 0.15, 0.30, 0.25, 0.12, 0.06, 0.02, 0.01, 0.01)
WRONG = (0.01, 0.02, 0.40, 0.30, 0.12, 0.07, 0.04, 0.02, 0.01, 0.01, 0.01)  # the market is four degrees too cold
KLGA = load_stations()["KLGA"]


def world(folder: Path, fair: tuple[float, ...] = WRONG, **more: float) -> Archive:
    told = [forecast("KLGA", EVENING - timedelta(minutes=back), (25.0, 25.5, 26.0), first=EVENING) for back in (15, 0)]
    return archive_of(folder, [listing(event()), *told, book(event(), EVENING, fair, **more)])


def desk(settings: Settings = SETTINGS) -> WeatherDesk:
    return WeatherDesk((KLGA,), settings)


def account(n_runs: int = 1, equity_usd: float = 10_000) -> Account:
    return new_account("weather", "live", int(equity_usd * MICRO), n_runs)


def holding(found: WeatherEvaluation, column: int, shares: float) -> Account:
    start = account()
    return replace(
        start, instruments=(found.panel.instruments[column],), held_micro=np.array([[int(shares * MICRO)]]),
        cost_micro=np.array([[int(shares * MICRO) // 2]]),
        claim_micro=np.array([[int(shares * MICRO) // 2]]),
    )  # fmt: skip


def asked(
    archive: Archive, at: datetime = EVENING, own: Account | None = None, subjects: tuple[str, ...] = ()
) -> tuple[Ask, ...]:
    return desk().asks(Cycle("weather", at, 1, Cause.SCHEDULE, subjects, at, at), own or account(), archive.as_of([at]))


def of_kind(asks: tuple[Ask, ...], kind: Kind) -> list[Ask]:
    return [ask for ask in asks if ask.kind is kind]


def test_a_holding_is_followed_though_its_station_is_no_longer_active(tmp_path: Path) -> None:
    found = look(world(tmp_path), EVENING)
    own = holding(found, 3, 10.0)
    far = WeatherDesk((load_stations()["EGLC"],), SETTINGS)

    asks = far.asks(
        Cycle("weather", EVENING, 1, Cause.SCHEDULE, (), EVENING, EVENING), own, world(tmp_path / "b").as_of([EVENING])
    )

    assert [ask.tokens for ask in of_kind(asks, Kind.BOOKS)] == [(own.instruments[0].token,)]
    assert [ask.subject for ask in of_kind(asks, Kind.OUTCOMES)] == ["nyc-12"]


def test_quotes_stand_in_the_order_of_the_instruments(tmp_path: Path) -> None:
    found = look(world(tmp_path), EVENING)

    quotes = desk().quotes(found.panel)

    place = {i.token: k for k, i in enumerate(found.panel.instruments)}
    yes, no = place["nyc-12-y3"], place["nyc-12-n3"]
    assert (quotes.ask_price[0, yes, 0], quotes.bid_price[0, yes, 0]) == (0.31, 0.29)
    assert (quotes.ask_price[0, yes, 1], quotes.ask_size[0, yes, 1]) == (0.32, 500.0)
    assert quotes.ask_price[0, no, 0] == pytest.approx(0.71)
    assert quotes.sane.all()
    assert (quotes.age == 0.0).all()
    assert [i.side for i in found.panel.instruments[:2]] == [Side.YES, Side.NO]


def test_what_is_wanted_is_a_share_of_the_optimum_of_each_account(tmp_path: Path) -> None:
    """Where depth is no bound, and the first level has room for all, the optimum is that of one price a side."""
    found = look(world(tmp_path, size=1e6), EVENING)
    rich = account(2)
    rich = replace(rich, cash_micro=np.array([10_000, 40_000], np.int64) * MICRO)
    careless = SETTINGS.model_copy(update={"weather": SETTINGS.weather.model_copy(update={"lockup_rate": 0.0})})

    targets = desk().propose(found, 0, rich, careless)

    spent = targets.target * np.where(np.isnan(targets.price), 0.0, targets.price)
    full = np.stack([found.stakes.yes[0, 0], found.stakes.no[0, 0]], axis=-1).reshape(-1)
    assert spent[0] == pytest.approx(0.25 * 10_000 * full, abs=1e-3)
    assert spent[1] == pytest.approx(4 * spent[0], abs=1e-3)
    assert (full > 0).any()
    assert targets.open.all()


def test_only_edges_that_are_worth_trading_are_wanted(tmp_path: Path) -> None:
    found = look(world(tmp_path), EVENING)

    targets = desk().propose(found, 0, account(), SETTINGS)

    wanted = targets.target[0] > 0
    assert (targets.edge[wanted] >= SETTINGS.edge_min - 1e-9).all()
    assert targets.edge == pytest.approx(targets.fair - targets.price, nan_ok=True)
    assert targets.worst_loss == pytest.approx(targets.price, nan_ok=True)


def test_a_fair_market_is_left_alone(tmp_path: Path) -> None:
    found = look(world(tmp_path, FAIR), EVENING)

    assert not desk().propose(found, 0, account(), SETTINGS).target.any()
    assert set(columns_of(found, 0)[1]["reason"]) == {"edge_small"}


def test_the_limit_leaves_the_least_edge_after_its_own_fee() -> None:
    fees, fair = Fees(0.05), np.array([0.10, 0.30, 0.60, 0.95])

    limit = limit_prices(fair, fees, SETTINGS)

    assert fair - limit - fee_per_share(limit, fees) == pytest.approx(np.full(4, SETTINGS.edge_min), abs=1e-6)


def test_margins_make_every_price_dearer(tmp_path: Path) -> None:
    careful = SETTINGS.model_copy(update={"fee_bp": 50.0, "slippage_bp": 30.0})

    plain, dearer = (look(world(tmp_path / str(s.fee_bp)), EVENING, settings=s).offers.price for s in (SETTINGS, careful))

    assert dearer == pytest.approx(plain * 1.008, nan_ok=True)


def test_a_frozen_market_gives_the_same_target_whatever_is_held(tmp_path: Path) -> None:
    """Solved from liquidated wealth: a target relative to holdings would walk to full Kelly."""
    found = look(world(tmp_path, size=1e6), EVENING)
    first = desk().propose(found, 0, account(), SETTINGS).target[0]
    column = int(first.argmax())
    bought = holding(found, column, float(first[column]))
    paid = np.array([int(first[column] * found.offers.price[0, 0].reshape(-1)[column] * MICRO)])

    again = desk().propose(found, 0, replace(bought, cash_micro=bought.cash_micro - paid), SETTINGS).target[0]

    assert again == pytest.approx(first, rel=1e-6, abs=1e-3)


def test_a_holding_is_kept_until_its_bid_pays_more_than_it_is_worth(tmp_path: Path) -> None:
    """Bracket 2 is bid at .39 and worth some .14; nobody bids for bracket 9, which nobody wants."""
    found = look(world(tmp_path), EVENING)
    dear, cheap = 2 * 2, 9 * 2

    sold = desk().propose(found, 0, holding(found, dear, 100.0), SETTINGS)
    kept = desk().propose(found, 0, holding(found, cheap, 100.0), SETTINGS)

    assert sold.sell_price[dear] > sold.fair[dear] + SETTINGS.weather.exit_edge_min
    assert sold.target[0, dear] == 0.0
    assert kept.target[0, cheap] == 100.0


def test_a_market_that_takes_no_orders_is_not_sold_into(tmp_path: Path) -> None:
    """A halted market still shows its book: the same bid as above, but nobody takes the sale."""
    told = [forecast("KLGA", EVENING - timedelta(minutes=back), (25.0, 25.5, 26.0), first=EVENING) for back in (15, 0)]
    halted = listing(replace(event(), accepting=False), EVENING - timedelta(minutes=1))
    found = look(archive_of(tmp_path, [listing(event()), halted, *told, book(event(), EVENING, WRONG)]), EVENING)

    kept = desk().propose(found, 0, holding(found, 2 * 2, 100.0), SETTINGS)

    assert np.isnan(kept.sell_price).all()
    assert kept.target[0, 2 * 2] == 100.0


def test_without_an_opinion_the_holding_is_kept(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, [listing(event()), book(event(), EVENING, WRONG)])
    found = look(archive, EVENING)

    targets = desk().propose(found, 0, holding(found, 4, 33.0), SETTINGS)

    assert targets.target[0, 4] == 33.0
    assert not targets.open.any()
    assert set(targets.closed_reason) == {"forecast_missing"}


def test_a_closed_event_keeps_its_target_and_says_why(tmp_path: Path) -> None:
    """NOTRADE never sells: what may be opened is another question than what is wanted."""
    late = EVENING + timedelta(seconds=90)

    targets = desk().propose(look(world(tmp_path), late), 0, account(), SETTINGS)

    assert targets.target.any()
    assert not targets.open.any()
    assert set(targets.closed_reason) == {"book_old"}
    assert not targets.multiplier.any()


def test_a_wanted_position_carries_what_was_believed(tmp_path: Path) -> None:
    found = look(world(tmp_path), EVENING)

    targets = desk().propose(found, 0, account(), SETTINGS)

    column = int(targets.target[0].argmax())
    belief = targets.belief[column]
    assert belief["regime"] == "STABLE"
    assert belief["p_pooled"] == pytest.approx(float(found.p_pooled[0, 0, column // 2]))
    assert belief["edge"] == pytest.approx(float(targets.edge[column]))
    assert belief["fraction"] > 0  # type: ignore[operator]


def test_a_thin_book_has_no_price(tmp_path: Path) -> None:
    """Two levels of two shares each are less than the venue's minimum of five."""
    found = look(world(tmp_path, size=2.0), EVENING)

    assert np.isnan(found.offers.price).all()
    assert set(columns_of(found, 0)[1]["reason"]) == {"no_price"}


def test_rows_are_what_the_store_takes_and_gives_back(tmp_path: Path) -> None:
    found = look(world(tmp_path), EVENING)
    outlooks, brackets = desk().columns(found, 0)
    store = EvaluationStore(tmp_path / "kept", "weather")

    store.append(EVENING, outlooks, brackets)

    _, kept, rows = store.newest("nyc-12")
    assert kept["regime"].tolist() == ["STABLE"]
    assert kept["mean"] == pytest.approx(outlooks["mean"])
    assert rows["p_pooled"] == pytest.approx(brackets["p_pooled"])
    assert rows["reason"].tolist() == brackets["reason"].tolist()
    wanted = brackets["decision"] == "trade"
    assert wanted.any()
    assert (brackets["edge"][wanted] >= SETTINGS.edge_min - 1e-9).all()
    assert set(brackets["side"][wanted]) <= {"YES", "NO"}


def test_targets_of_a_block_are_those_of_a_look_alone(tmp_path: Path) -> None:
    start = datetime(2026, 6, 11, 18, 0, tzinfo=UTC)
    archive = archive_of(tmp_path, live_records(event(), start, 30, (25.0, 26.0), WRONG))
    instants = quarter_hours(start, 30)
    block = look(archive, *instants)

    for row in range(0, 30, 7):
        alone = look(archive, instants[row])
        one, other = (desk().propose(found, at, account(), SETTINGS) for found, at in ((block, row), (alone, 0)))
        for name in ("target", "fair", "price", "limit_price", "sell_price", "kept_below", "edge", "multiplier", "open"):
            assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name
        assert one.belief == other.belief
        for name in ("ask_price", "bid_size", "age", "sane", "print_price"):
            mine, theirs = getattr(desk().quotes(block.panel), name)[row], getattr(desk().quotes(alone.panel), name)[0]
            assert np.ascontiguousarray(mine).tobytes() == np.ascontiguousarray(theirs).tobytes(), name


def test_the_evaluation_knows_no_account(tmp_path: Path) -> None:
    """Holdings change what is proposed, never what is believed."""
    found = look(world(tmp_path), EVENING)
    before = {name: values.copy() for name, values in columns_of(found, 0)[1].items()}

    desk().propose(found, 0, holding(found, 4, 1_000.0), SETTINGS)

    assert all((before[name] == values).all() or name for name, values in columns_of(found, 0)[1].items())


@pytest.mark.parametrize("code", [*EVENT_REASONS, *BRACKET_REASONS])
def test_every_reason_is_a_sentence(code: str) -> None:
    assert sentence(code).endswith(".")
    assert REASONS[code][0].isupper()


def test_the_day_of_the_listing_is_the_day_of_the_window(tmp_path: Path) -> None:
    outlooks, _ = columns_of(look(world(tmp_path), EVENING), 0)

    assert outlooks["event_day"].tolist() == [DAY.isoformat()]
    assert outlooks["window_end"][0] - outlooks["window_start"][0] == 86_400_000_000
