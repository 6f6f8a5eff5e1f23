"""From what is believed to what is wanted: a share of the growth-optimal position of a flat desk, for each account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from agents.weather.evaluation import WeatherEvaluation, upper_edges
from agents.weather.reasons import WANTED
from agents.weather.regime import CODES, NAMES
from agents.weather.sizing.offered import takes_orders
from agents.weather.sizing.stress import payoffs, stresses
from agents.weather.sizing.wanted import Wanted, wanted_of
from core.model.account import Account
from core.model.targets import Targets
from core.settings import Settings
from core.units import BoolArray, FloatArray, IntArray, nullable, total

NOTHING: dict[str, object] = {}


def propose(evaluation: WeatherEvaluation, row: int, account: Account, settings: Settings) -> Targets:
    """Return the targets of every instrument at one instant.

    The optimum is that of a flat desk with the same wealth, never relative to holdings: on a frozen market the same target
    comes again. Where there is no opinion the holding is kept.
    """
    panel, offers = evaluation.panel, evaluation.offers
    exists = panel.lattice.exists
    fair, price, sell = (_flat(part[row], exists) for part in (offers.fair, offers.price, offers.sell_price))
    event = np.nonzero(exists)[0].repeat(2)
    wanted = wanted_of(evaluation, row, account, settings)
    sell = np.where(_flat_event(takes_orders(panel, row), event), sell, np.nan)  # nothing can be sold where nothing is taken
    fair = np.where(_flat_event(panel.present[row], event), fair, np.nan)  # of a day that is over there is no opinion
    target, held = (_flat_runs(part, exists) for part in (wanted.target, wanted.held))
    closed = np.array([CODES[code] for code in evaluation.regimes.reason[row].tolist()], dtype=object)
    is_open = _flat_event(panel.present[row] & (evaluation.regimes.multiplier[row] > 0), event)
    listings = panel.listings
    asked = np.asarray(((target > 0) | (held > 0)).any(axis=0))
    return Targets(
        instruments=panel.instruments, target=target, fair=fair, price=price,
        limit_price=_flat(np.maximum(offers.limit[row], wanted.limit), exists),
        sell_price=sell, kept_below=_flat_runs(wanted.kept_below, exists), worst_loss=price,
        edge=_flat(offers.edge[row], exists),
        multiplier=_flat_event(evaluation.regimes.multiplier[row], event), earned=_flat_event(panel.skills.earned[row], event),
        tick_micro=np.maximum(_flat_event(listings.tick_micro[row], event), 1),
        min_size_micro=_flat_event(listings.min_size_micro[row], event),
        fees=tuple(panel.events[i].event.fees for i in event.tolist()), open=is_open,
        closed_reason=_closed_reasons(is_open, closed, event),
        belief=_beliefs(evaluation, row, asked, wanted, model=settings.model), view=np.ascontiguousarray(wanted.view[exists].reshape(-1)),
        stress=_stresses(evaluation, row, wanted),
    )  # fmt: skip


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


def _flat_runs(part: FloatArray, exists: BoolArray) -> FloatArray:
    """Return (n_runs, n_events, n_brackets, YES/NO) as instruments."""
    return np.ascontiguousarray(part[:, exists].reshape(len(part), -1))


def _stresses(evaluation: WeatherEvaluation, row: int, wanted: Wanted) -> Mapping[str, FloatArray]:
    """Return the P&L of holdings and targets in each stress [USD], (n_runs,), against what they cost or can be sold for now."""
    panel, offers = evaluation.panel, evaluation.offers
    events = np.flatnonzero((wanted.target > 0).any(axis=(0, 2, 3)))
    if not len(events):
        return {}
    target, kept = wanted.target[:, events], np.minimum(wanted.target, wanted.held)[:, events]
    fair, price, sell = (part[row, events] for part in (offers.fair, offers.price, offers.sell_price))
    known = np.where(np.isnan(fair), 0.0, fair)
    worth = np.where(np.isnan(sell), known, np.maximum(sell, 0.0))
    paid = total(total(kept * worth + (target - kept) * np.where(np.isnan(price), known, price)))
    lattice = panel.lattice
    believed = np.where(lattice.exists[events], np.where(np.isnan(fair[..., 0]), -1.0, fair[..., 0]), -2.0)
    listed = [panel.events[i] for i in events.tolist()]
    regions, sources = [each.station.region for each in listed], [each.event.rule.source for each in listed]
    return stresses(
        payoffs(target) - paid[..., None], lattice.exists[events], mean=evaluation.law.mean[row, events],
        sd=evaluation.law.spread[row, events], floor=panel.seen.floor[row, events], high=lattice.high[events],
        edges=upper_edges(lattice)[events], likely=believed.argmax(axis=-1), regions=regions, sources=sources,
    )  # fmt: skip


def _beliefs(
    evaluation: WeatherEvaluation, row: int, asked: BoolArray, wanted: Wanted, *, model: str
) -> tuple[dict[str, object], ...]:
    """Return what a decision keeps, for the instruments that may get one."""
    events, brackets = np.nonzero(evaluation.panel.lattice.exists)
    found: list[dict[str, object]] = [NOTHING] * len(asked)
    places = np.flatnonzero(asked)
    told = _told(evaluation, row, wanted, events[places // 2], brackets[places // 2], places % 2)
    for i, belief in zip(places.tolist(), told, strict=True):
        found[i] = {**belief, "model": model}
    return tuple(found)


def _told(
    evaluation: WeatherEvaluation, row: int, wanted: Wanted, event: IntArray, bracket: IntArray, side: IntArray
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
        **{name: part[event, bracket, side] for name, part in wanted.told.items()},
        **{name: part[row, event] for name, part in regimes.measures.items()},
        **{f"{name}_limit": part[row, event] for name, part in regimes.limits.items()},
    }  # fmt: skip
    words = zip(
        regimes.regime[row, event].tolist(), regimes.reason[row, event].tolist(), event.tolist(),
        evaluation.panel.books.prints_only[row, event].tolist(), strict=True,
    )  # fmt: skip
    for values, (regime, code, i, printed) in zip(
        zip(*(nullable(part.astype(np.float64)) for part in numbers.values()), strict=True), words, strict=True
    ):
        yield {
            **dict(zip(numbers, values, strict=True)), "regime": NAMES[regime], "regime_reason": CODES[code] or WANTED,
            "rule_sha": evaluation.panel.events[i].event.rule.sha256, "prints_only": printed,
        }  # fmt: skip
