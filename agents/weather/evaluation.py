"""What is believed of a panel: distribution, market, pool, edge and growth-optimal stakes. No account is in sight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.weather.books import ASK, BID, Books
from agents.weather.discretise import Lattice, bracket_mass, cumulative, mixture_cdf, reading_mass
from agents.weather.excess import at_most, mean_excess
from agents.weather.hold import Hold, standing
from agents.weather.intraday import hours_to_peak
from agents.weather.law import Features, Law
from agents.weather.market import NEVER_PRINTED, implied, implied_normal, is_placeholder, mid_prices
from agents.weather.models import model_of
from agents.weather.models.residual import issued_law
from agents.weather.observations import Seen
from agents.weather.panel import WeatherPanel
from agents.weather.pool import log_pool
from agents.weather.reasons import BRACKET_REASONS
from agents.weather.regime import Regimes, longest_silence, regimes
from agents.weather.sizing.stakes import LEAST_GROWTH, Stakes, stakes, worth_alone
from agents.weather.spikes import soft_floor, stands
from agents.weather.vintages import HOUR
from core.model.event import Fees
from core.prices import all_in_price, fee_per_share
from core.settings import Settings
from core.units import MICRO, BoolArray, FloatArray, IntArray, total

REFERENCE_SHARES = 25.0  # the size whose price is asked, less where less is shown; the venue's minimum must be there
BASIS_POINT = 1e-4
LEAST_BELIEVED = 0.002  # of a bracket, where money is staked: a source may print anything
LIMIT_STEPS = 4  # of the price that leaves the least edge after its own fee
CODES = tuple(BRACKET_REASONS)
_NOISE = 1e-9


@dataclass(frozen=True, slots=True)
class Offers:
    """What can be bought, shape (n_instants, n_events, n_brackets, YES/NO)."""

    fair: FloatArray  # [USD per share]
    price: FloatArray  # all-in, of the reference size; NaN: cannot be bought
    limit: FloatArray  # highest price of an entry, fee apart
    edge: FloatArray  # fair - price
    depth: FloatArray  # shares shown within the limit; NaN where only prints exist
    ask: FloatArray  # best, raw
    bid: FloatArray
    sell_price: FloatArray  # best bid less fee


@dataclass(frozen=True, slots=True)
class WeatherEvaluation:
    """Shape (n_instants, n_events[, n_brackets[, YES/NO]])."""

    panel: WeatherPanel
    features: Features
    law: Law
    pmf: FloatArray  # over the lattice's readings
    pmf_raw: FloatArray
    p_no_more: FloatArray  # that the observed extreme stands; NaN without one
    p_raw: FloatArray  # before the correction that settled events have earned, as `pmf_raw`
    p_model: FloatArray
    p_market: FloatArray
    p_pooled: FloatArray
    heard: BoolArray  # the market could be asked
    market_mean: FloatArray
    market_sd: FloatArray
    offers: Offers
    stakes: Stakes  # shares of wealth, full Kelly
    regimes: Regimes
    reason: IntArray  # index into CODES
    weight: FloatArray  # of the model in the pool

    @property
    def wanted(self) -> BoolArray:
        """Return, (n_instants, n_events, n_brackets), where a position is wanted and the regime allows one."""
        staked = (self.stakes.yes > 0) | (self.stakes.no > 0)
        wanted: BoolArray = staked & (self.regimes.multiplier > 0)[..., None]
        return wanted


def evaluate(panel: WeatherPanel, settings: Settings) -> WeatherEvaluation:
    """Return what is believed at each instant of a panel."""
    n = len(panel.instants)
    everywhere = features_of(panel)
    features = _first_rows(everywhere, n)
    law = model_of(settings).law(features, settings)
    law = _of_present(law, panel)
    seen = panel.seen.first(n)
    soft = soft_floor(panel.lattice, seen)
    hold = Hold(features.progress.stands, features.progress.stands_most)
    raw = cumulative(panel.lattice, law, seen.floor, seen.loose, excess_law=seen.excess_law, soft=soft, hold=hold)
    summed = panel.skills.recalibrated(raw)
    p_raw = bracket_mass(panel.lattice, raw)
    p_model = p_raw if summed is raw else bracket_mass(panel.lattice, summed)
    dead = _dead(panel.lattice, seen.floor)
    p_market = implied(_market_prices(panel, panel.lattice.exists & ~dead), panel.lattice.exists, dead)
    p_pooled, heard = log_pool(p_model, p_market, panel.skills.weight)
    offers = _offers(panel, p_pooled, settings)
    candidate = (offers.edge >= settings.edge_min - _NOISE) & (worth_alone(offers.fair, offers.price) >= LEAST_GROWTH)
    candidate &= heard[..., None, None]  # what is traded is the pool: the model alone claims too much
    price = np.where(candidate, offers.price, np.nan)
    staked = stakes(never_impossible(p_pooled, panel.lattice.exists), price[..., 0], price[..., 1])
    mean, sd = implied_normal(np.where(np.isnan(p_market), 0.0, p_market), upper_edges(panel.lattice))
    return WeatherEvaluation(
        panel=panel, features=features, law=law, pmf=reading_mass(summed), pmf_raw=reading_mass(raw),
        p_no_more=_no_more(panel.lattice, law, seen, hold), p_raw=p_raw, p_model=p_model, p_market=p_market, p_pooled=p_pooled,
        heard=heard, market_mean=np.where(heard, mean, np.nan), market_sd=np.where(heard, sd, np.nan), offers=offers,
        stakes=staked,
        regimes=regimes(panel, issued_law(everywhere), settings),
        reason=_reasons(panel, p_pooled, heard, offers, candidate, staked, settings),
        weight=panel.skills.weight,
    )  # fmt: skip


def never_impossible(probability: FloatArray, exists: BoolArray) -> FloatArray:
    """Return what is staked on: a bracket thought impossible would be sold for all there is and more."""
    held_up = np.where(exists, np.maximum(probability, LEAST_BELIEVED), 0.0)
    summed = total(held_up)[..., None]
    believed: FloatArray = held_up / np.where(summed == 0, 1.0, summed)
    return believed


def features_of(panel: WeatherPanel) -> Features:
    """Return the features at every look."""
    forecasts, seen, looks = panel.forecasts, panel.seen, panel.looks[:, None]
    inside = (looks >= panel.start) & (looks < panel.end)
    # what may still come is the rest of the day only where the part that is gone was seen: a silent station hides it
    reports = inside & (seen.newest_at >= panel.start) & (looks - seen.newest_at <= longest_silence(panel) * MICRO)
    none = np.nan
    hours = hours_to_peak(forecasts.peak_at, forecasts.rest_peak_at, looks, (forecasts.shape_sd > 0) & panel.lattice.high)
    return Features(
        forecast=forecasts.extreme, n_models=forecasts.n_models, disagreement=forecasts.disagreement,
        curve_sd=forecasts.curve_sd, lead_hours=np.where(forecasts.first_at > 0, (panel.start - forecasts.first_at) / HOUR, none),
        bias=panel.learned.bias, spread=panel.learned.spread, n_residuals=panel.learned.n, running=reports,
        remaining=forecasts.remaining, hours_to_peak=np.where(reports, hours, none),
        second_gap=forecasts.second_gap, hours_to_second=(forecasts.second_at - looks) / HOUR,
        excess=mean_excess(panel.lattice.official & ~forecasts.daily, panel.lattice.high, panel.degree, seen.excess_mean), error=seen.error,
        error_age_hours=np.where(reports, (looks - seen.newest_at) / HOUR, none), shape_sd=forecasts.shape_sd, degree=panel.degree,
        guidance=panel.guidance,
        progress=panel.progress,
    )  # fmt: skip


def _first_rows(features: Features, n: int) -> Features:
    return Features(**{
        name: part if name == "degree" else part.first(n) if name in ("guidance", "progress") else part[:n]
        for name in Features.__slots__
        for part in (getattr(features, name),)
    })  # fmt: skip


def _of_present(law: Law, panel: WeatherPanel) -> Law:
    """Return the law where there is an event to have one: listed, not over, its newest listing as first understood."""
    sound = (
        panel.present & (panel.listings.trust[: len(panel.instants)] != 1) & (panel.listings.trust[: len(panel.instants)] != 2)
    )
    location, sd = (np.where(sound[..., None], part, np.nan) for part in (law.location, law.sd))
    return Law(law.weight, location, sd, law.df)


def _dead(lattice: Lattice, floor: FloatArray) -> BoolArray:
    """Return the brackets that the observed extreme has passed."""
    bound = floor[..., None]
    warmest = np.take_along_axis(lattice.readings, np.maximum(lattice.last - 1, 0), -1)
    coldest = np.take_along_axis(lattice.readings, np.minimum(lattice.first, lattice.readings.shape[-1] - 1), -1)
    passed: BoolArray = np.where(lattice.high[:, None], warmest < bound, coldest > bound)
    return passed & lattice.exists


def dead_brackets(panel: WeatherPanel, row: int) -> BoolArray:
    """Return, (n_events, n_brackets), the brackets that the observed extreme has passed at one look."""
    return _dead(panel.lattice, panel.seen.floor[row])


def _no_more(lattice: Lattice, law: Law, seen: Seen, hold: Hold) -> FloatArray:
    """Return the probability that nothing beyond the observed extreme still comes, or came unseen between the reports."""
    at = lattice.readings == seen.floor[..., None]
    upper = np.where(at, lattice.upper, -np.inf).max(axis=-1)
    below = np.concatenate([np.full_like(lattice.upper[:, :1], -np.inf), lattice.upper[:, :-1]], axis=-1)
    lower = np.where(at, below, -np.inf).max(axis=-1)
    mass = np.where(lattice.high, _below(upper, law), 1.0 - _below(lower, law))
    beyond = np.where(lattice.high, seen.floor - seen.loose, seen.loose - seen.floor)[..., None]
    mass = standing(mass, hold) * at_most(beyond, seen.excess_law)[..., 0] * stands(lattice, seen)
    return np.where(at.any(axis=-1), mass, np.nan)


def _below(value: FloatArray, law: Law) -> FloatArray:
    return mixture_cdf(value[..., None], law)[..., 0]


def upper_edges(lattice: Lattice) -> FloatArray:
    """Return the edge above each bracket [rule's unit], (n_events, n_brackets); inf for the warmest and for pads."""
    edge = np.take_along_axis(lattice.upper, np.maximum(lattice.last - 1, 0), -1)
    return np.where(lattice.exists, edge, np.inf)


def _market_prices(panel: WeatherPanel, live: BoolArray) -> FloatArray:
    """Return the price of YES of each bracket: the book's middle, of NO's book where YES has none, or the last print.

    NaN on every live bracket whose quotes are no opinion of the event.
    """
    books = panel.books
    age = np.where(books.received_at > 0, (panel.instants[:, None] - books.received_at) / MICRO, np.inf)[..., None]
    best, size = books.price[..., 0], books.size[..., 0]
    yes = mid_prices(best[..., 0, BID], size[..., 0, BID], best[..., 0, ASK], size[..., 0, ASK], age)
    no = mid_prices(best[..., 1, BID], size[..., 1, BID], best[..., 1, ASK], size[..., 1, ASK], age)
    booked = np.where(np.isnan(yes), 1.0 - no, yes)
    bid = np.where(np.isnan(best[..., 0, BID]), 1.0 - best[..., 1, ASK], best[..., 0, BID])
    ask = np.where(np.isnan(best[..., 0, ASK]), 1.0 - best[..., 1, BID], best[..., 0, ASK])
    booked = np.where(is_placeholder(bid, ask, live)[..., None] & live, np.nan, booked)
    printed = np.where(np.isnan(books.last_yes), NEVER_PRINTED, books.last_yes)
    return np.where(books.prints_only[..., None], printed, booked)


def _offers(panel: WeatherPanel, p_pooled: FloatArray, settings: Settings) -> Offers:
    books, listings, n = panel.books, panel.listings, len(panel.instants)
    fair = np.stack([p_pooled, 1.0 - p_pooled], axis=-1)
    fair = np.where(panel.lattice.exists[..., None], fair, np.nan)
    ask, bid = books.price[..., ASK, :], books.price[..., BID, 0]
    size = books.size[..., ASK, :]
    minimum = listings.min_size_micro[:n] / MICRO
    shown = total(size)
    wanted = np.where(
        shown >= minimum[..., None, None], np.minimum(shown, np.maximum(REFERENCE_SHARES, minimum[..., None, None])), 0.0
    )
    price, limit, sell = np.full(fair.shape, np.nan), np.full(fair.shape, np.nan), np.full(fair.shape, np.nan)
    printed = _print_price(panel, settings)
    prints = books.prints_only[..., None, None]
    for fees, columns in by_fees(panel).items():
        asked = all_in_price(ask[:, columns], size[:, columns], wanted[:, columns], fees)
        slipped = np.minimum(printed[:, columns] + settings.weather.print_slip, 1.0)
        price[:, columns] = np.where(prints[:, columns], slipped + fee_per_share(slipped, fees), asked)
        limit[:, columns] = limit_prices(fair[:, columns], fees, settings)
        sold = np.where(prints[:, columns], printed[:, columns] - settings.weather.print_slip, bid[:, columns])
        sell[:, columns] = sold - fee_per_share(sold, fees)
    price = price * (1.0 + margin(settings))
    within = total(np.where(ask <= limit[..., None] + _NOISE, size, 0.0))
    return Offers(fair, price, limit, fair - price, np.where(prints, np.nan, within), ask[..., 0], bid, sell)


def margin(settings: Settings) -> float:
    """Return by which share prices are counted as dearer than they are."""
    return (settings.fee_bp + settings.slippage_bp) * BASIS_POINT


def limit_prices(fair: FloatArray, fees: Fees, settings: Settings) -> FloatArray:
    """Return the highest price, fee apart, that leaves the least edge after its own fee and the margins [USD per share]."""
    most = (fair - settings.edge_min) / (1.0 + margin(settings))
    limit = most
    for _ in range(LIMIT_STEPS):
        limit = most - fee_per_share(np.clip(limit, 0.0, 1.0), fees)
    return np.maximum(limit, 0.0)


def _print_price(panel: WeatherPanel, settings: Settings) -> FloatArray:
    """Return the last print of each side, NaN where it is too old."""
    books = panel.books
    age = (panel.instants[:, None, None, None] - books.print_at) / MICRO
    return np.where(age <= 60.0 * settings.weather.print_age_minutes, books.print_price, np.nan)


def by_fees(panel: WeatherPanel) -> dict[Fees, list[int]]:
    """Return the columns of the events under each table of fees."""
    grouped: dict[Fees, list[int]] = {}
    for column, listed in enumerate(panel.events):
        grouped.setdefault(listed.event.fees, []).append(column)
    return grouped


def _reasons(
    panel: WeatherPanel, p_pooled: FloatArray, heard: BoolArray, offers: Offers, candidate: BoolArray, staked: Stakes,
    settings: Settings,
) -> IntArray:  # fmt: skip
    """Return why each bracket is skipped; the first that holds."""
    books: Books = panel.books
    has_price = np.isfinite(offers.price).any(axis=-1)
    old = books.prints_only[..., None] & np.isfinite(books.print_price).any(axis=-1) & ~has_price
    asked = (offers.edge >= settings.edge_min - _NOISE).any(axis=-1)
    reasons = {
        "not_optimal": ~((staked.yes > 0) | (staked.no > 0)), "growth_small": ~candidate.any(axis=-1), "edge_small": ~asked,
        "market_silent": np.broadcast_to(~heard[..., None], p_pooled.shape), "no_price": ~has_price, "print_old": old,
        "no_opinion": np.isnan(p_pooled),
    }  # fmt: skip
    found = np.zeros(p_pooled.shape, np.int64)
    for code, holds in reasons.items():
        found = np.where(holds, CODES.index(code), found)
    return found
