"""From what is believed to what is wanted: a share of the growth-optimal position of a flat desk, for each account."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from agents.weather.evaluation import WeatherEvaluation
from agents.weather.panel import WeatherPanel
from agents.weather.reasons import WANTED
from agents.weather.regime import CODES, NAMES
from core.model.account import Account
from core.model.targets import Targets
from core.settings import Settings
from core.units import MICRO, BoolArray, FloatArray, IntArray

NOTHING: dict[str, object] = {}


def propose(evaluation: WeatherEvaluation, row: int, account: Account, settings: Settings) -> Targets:
    """Return the targets of every instrument at one instant.

    The optimum is that of liquidated wealth, never relative to holdings: on a frozen market the same target comes again.
    Equity is the account's last mark. Where there is no opinion the holding is kept; a holding that the optimum no longer
    needs is kept too, until its net bid pays `exit_edge_min` above fair value.
    """
    panel, offers = evaluation.panel, evaluation.offers
    exists = panel.lattice.exists
    fair, price, sell = (_flat(part[row], exists) for part in (offers.fair, offers.price, offers.sell_price))
    staked = _flat(np.stack([evaluation.stakes.yes[row], evaluation.stakes.no[row]], axis=-1), exists)
    equity = np.maximum(account.equity_micro, 0) / MICRO
    factor = _flat_event(panel.skills.factor[row], np.nonzero(exists)[0].repeat(2))
    share = settings.weather.kelly_fraction * factor * staked
    best = equity[:, None] * np.where(share > 0, share / np.where(np.isnan(price), 1.0, price), 0.0)
    held = _held(account, evaluation)
    event = np.nonzero(exists)[0].repeat(2)
    sell = np.where(_flat_event(_takes_orders(panel, row), event), sell, np.nan)  # nothing can be sold where nothing is taken
    leaving = sell - fair >= settings.weather.exit_edge_min - 1e-9
    target = np.where((best < held) & ~leaving, held, best)
    fair = np.where(_flat_event(panel.present[row], event), fair, np.nan)  # of a day that is over there is no opinion
    target = np.where(np.isnan(fair), held, target)
    closed = np.array([CODES[code] for code in evaluation.regimes.reason[row].tolist()], dtype=object)
    is_open = _flat_event(panel.present[row] & (evaluation.regimes.multiplier[row] > 0), event)
    listings, n_brackets = panel.listings, exists.sum()
    return Targets(
        instruments=panel.instruments, target=target, fair=fair, price=price, limit_price=_flat(offers.limit[row], exists),
        sell_price=sell, worst_loss=price, edge=_flat(offers.edge[row], exists),
        multiplier=_flat_event(evaluation.regimes.multiplier[row], event), earned=_flat_event(panel.skills.earned[row], event),
        tick_micro=np.maximum(_flat_event(listings.tick_micro[row], event), 1),
        min_size_micro=_flat_event(listings.min_size_micro[row], event),
        fees=tuple(panel.events[i].event.fees for i in event.tolist()), open=is_open,
        closed_reason=_closed_reasons(is_open, closed, event),
        belief=_beliefs(
            evaluation, row, np.asarray(((target > 0) | (held > 0)).any(axis=0)), int(n_brackets), model=settings.model
        ),
        view=_flat(offers.edge[row], exists) > 0,
    )  # fmt: skip


def _takes_orders(panel: WeatherPanel, row: int) -> BoolArray:
    """Return which events the venue takes orders for, in either direction."""
    listings = panel.listings
    taken: BoolArray = listings.accepting[row] & (
        (listings.closes_at[row] == 0) | (panel.instants[row] < listings.closes_at[row])
    )
    return taken


def _closed_reasons(is_open: BoolArray, closed: np.ndarray, event: IntArray) -> tuple[str, ...]:
    if is_open.all():
        return ("",) * len(event)
    found = zip(is_open.tolist(), event.tolist(), strict=True)
    return tuple("" if free else (closed[i] or "window_closed") for free, i in found)


def _flat(part: FloatArray, exists: BoolArray) -> FloatArray:
    """Return (n_events, n_brackets, YES/NO) as instruments."""
    return np.ascontiguousarray(part[exists].reshape(-1))


def _flat_event(part: np.ndarray, event: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(part[event])


def _held(account: Account, evaluation: WeatherEvaluation) -> FloatArray:
    instruments = evaluation.panel.instruments
    held = np.zeros((account.n_runs, len(instruments)))
    if account.instruments:
        column = {instrument.token: i for i, instrument in enumerate(instruments)}
        for i, instrument in enumerate(account.instruments):
            if instrument.token in column:
                held[:, column[instrument.token]] = account.held_micro[:, i] / MICRO
    return held


def _beliefs(
    evaluation: WeatherEvaluation, row: int, asked: BoolArray, n_brackets: int, *, model: str
) -> tuple[dict[str, object], ...]:
    """Return what a decision keeps, for the instruments that may get one."""
    events, brackets = np.nonzero(evaluation.panel.lattice.exists)
    found: list[dict[str, object]] = [NOTHING] * (2 * n_brackets)
    places = np.flatnonzero(asked)
    told = _told(evaluation, row, events[places // 2], brackets[places // 2], places % 2)
    for i, belief in zip(places.tolist(), told, strict=True):
        found[i] = {**belief, "model": model}
    return tuple(found)


def _told(
    evaluation: WeatherEvaluation, row: int, event: IntArray, bracket: IntArray, side: IntArray
) -> Iterator[dict[str, object]]:
    """Yield the belief about each of some instruments."""
    regimes, offers = evaluation.regimes, evaluation.offers
    mean, sd = evaluation.law.mean, evaluation.law.spread
    stake = np.where(side == 0, evaluation.stakes.yes[row, event, bracket], evaluation.stakes.no[row, event, bracket])
    numbers = {
        "p_model": evaluation.p_model[row, event, bracket], "p_market": evaluation.p_market[row, event, bracket],
        "p_pooled": evaluation.p_pooled[row, event, bracket], "mean": mean[row, event],
        "sd": sd[row, event], "floor": evaluation.panel.seen.floor[row, event],
        "price": offers.price[row, event, bracket, side], "edge": offers.edge[row, event, bracket, side],
        "fraction": stake, "growth": evaluation.stakes.growth[row, event],
        "n_residuals": evaluation.panel.learned.n[row, event],
        **{name: part[row, event] for name, part in regimes.measures.items()},
        **{f"{name}_limit": part[row, event] for name, part in regimes.limits.items()},
    }  # fmt: skip
    words = zip(
        regimes.regime[row, event].tolist(), regimes.reason[row, event].tolist(), event.tolist(),
        evaluation.panel.books.prints_only[row, event].tolist(), strict=True,
    )  # fmt: skip
    for values, (regime, code, i, printed) in zip(
        zip(*(_numbers(part) for part in numbers.values()), strict=True), words, strict=True
    ):
        yield {
            **dict(zip(numbers, values, strict=True)), "regime": NAMES[regime], "regime_reason": CODES[code] or WANTED,
            "rule_sha": evaluation.panel.events[i].event.rule.sha256, "prints_only": printed,
        }  # fmt: skip


def _numbers(part: FloatArray) -> list[float | None]:
    exact = part.astype(np.float64)
    return [number if finite else None for number, finite in zip(exact.tolist(), np.isfinite(exact).tolist(), strict=True)]
