"""What was believed at one instant, as rows: one per event, one per bracket."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import orjson

from agents.weather.evaluation import CODES as BRACKET_CODES
from agents.weather.evaluation import WeatherEvaluation
from agents.weather.listed import Listed
from agents.weather.regime import CODES as EVENT_CODES
from agents.weather.regime import NAMES
from core.units import Columns

OPEN_END = float("nan")
LEAST_TOLD = 5e-7  # of a reading, to be kept


def columns_of(evaluation: WeatherEvaluation, row: int) -> tuple[Columns, Columns]:
    """Return outlooks and brackets of the events that are open at this instant.

    Of an event that cannot be read yet nothing is told but what stands in its listing, though the rest of the block knows it.
    """
    panel = evaluation.panel
    at = int(panel.instants[row])
    told = {i: panel.events[i].at(at) for i in np.flatnonzero(panel.present[row]).tolist()}
    listed = {i: each for i, each in told.items() if each is not None}
    readable = np.array([i for i, each in listed.items() if each.event.ladder], np.int64)
    return _outlooks(evaluation, row, listed), _brackets(evaluation, row, readable)


def _texts(values: list[str]) -> np.ndarray:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _outlooks(evaluation: WeatherEvaluation, row: int, events_told: Mapping[int, Listed]) -> Columns:
    panel, law, regimes = evaluation.panel, evaluation.law, evaluation.regimes
    events, listed, at = np.array(list(events_told), np.int64), list(events_told.values()), int(panel.instants[row])
    readable = np.array([bool(each.event.ladder) for each in listed], np.bool_)
    codes = [EVENT_CODES[code] for code in regimes.reason[row, events].tolist()]
    texts = {
        "event_id": [each.event.event_id for each in listed], "venue": [each.event.venue for each in listed],
        "station": [each.event.rule.station for each in listed], "city": [each.event.city for each in listed],
        "event_day": [each.event.event_day.isoformat() for each in listed],
        "extreme": [str(each.event.extreme) for each in listed], "unit": [str(each.event.rule.unit) for each in listed],
        "title": [each.event.title for each in listed], "regime": [NAMES[i] for i in regimes.regime[row, events].tolist()],
        "rule_sha": [each.event.rule.sha256 for each in listed], "rule_grade": [str(each.event.rule.grade) for each in listed],
        "sources": [_sources(evaluation, row, i) if each.event.ladder else "[]" for i, each in events_told.items()],
        "refusal": [each.flaw(at) or code for each, code in zip(listed, codes, strict=True)],
        "distribution": np.where(readable, _distributions(evaluation, row, events), "").tolist(),
    }  # fmt: skip
    floats = {
        "mean": law.mean, "sd": law.spread, "forecast": panel.forecasts.extreme, "floor": panel.seen.floor,
        "p_no_more": evaluation.p_no_more, "market_mean": evaluation.market_mean, "market_sd": evaluation.market_sd,
    }  # fmt: skip
    times = {
        "observed_at": panel.seen.observed_at, "forecast_received_at": panel.forecasts.received_at,
        "forecast_first_at": panel.forecasts.first_at, "book_received_at": panel.books.received_at,
        "metar_received_at": panel.seen.received_at, "closes_at": panel.listings.closes_at,
        "n_residuals": panel.learned.n,
    }  # fmt: skip
    return {
        **{name: _texts(values) for name, values in texts.items()},
        **{name: np.where(readable, part[row, events], np.nan).astype(np.float64) for name, part in floats.items()},
        **{name: np.where(readable, part[row, events], 0).astype(np.int64) for name, part in times.items()},
        "window_start": np.array([each.start for each in listed], np.int64),
        "window_end": np.array([each.end for each in listed], np.int64),
        "pool_weight": np.where(readable & evaluation.heard[row, events], evaluation.weight[row, events], 1.0),
    }  # fmt: skip


def _distributions(evaluation: WeatherEvaluation, row: int, events: np.ndarray) -> list[str]:
    """Return the chance of each reading that has one, and the parts of the law: weight, location, sd, degrees of freedom."""
    pmf, law = evaluation.pmf[row, events], evaluation.law
    likely = pmf > LEAST_TOLD  # NaN where there is no law
    first, last = likely.argmax(axis=-1).tolist(), (likely.shape[-1] - likely[:, ::-1].argmax(axis=-1)).tolist()
    whole = (np.broadcast_to(part, law.location.shape)[row, events] for part in (law.weight, law.location, law.sd, law.df))
    parts = np.round(np.stack(tuple(whole), axis=-1), 4).tolist()
    rows = zip(first, last, evaluation.panel.lattice.readings[events].tolist(), np.round(pmf, 6).tolist(), parts, strict=True)
    return [
        orjson.dumps({"reading": reading[a:b], "p": p[a:b], "parts": [part for part in own if part[0] > 0]}).decode()
        if known
        else ""
        for known, (a, b, reading, p, own) in zip(likely.any(axis=-1).tolist(), rows, strict=True)
    ]


def _sources(evaluation: WeatherEvaluation, row: int, event: int) -> str:
    panel = evaluation.panel
    names = [name for name in panel.forecasts.sources[row, event].split(",") if name]
    names += ["metar"] if panel.seen.received_at[row, event] else []
    booked = panel.books.received_at[row, event] or panel.books.prints_only[row, event]
    return json.dumps([*names, *([panel.events[event].event.venue] if booked else [])])


def _brackets(evaluation: WeatherEvaluation, row: int, events: np.ndarray) -> Columns:
    panel, offers = evaluation.panel, evaluation.offers
    chosen = np.zeros_like(panel.lattice.exists)
    chosen[events] = panel.lattice.exists[events]
    event, rank = np.nonzero(chosen)
    ladder = [panel.events[e].event.ladder[b] for e, b in zip(event.tolist(), rank.tolist(), strict=True)]
    wanted = evaluation.wanted[row, event, rank]
    side, edge = _best_side(evaluation, row, event, rank)
    codes = np.where(
        evaluation.regimes.reason[row, event] > 0, -evaluation.regimes.reason[row, event], evaluation.reason[row, event, rank]
    )
    texts = {
        "event_id": [panel.events[e].event.event_id for e in event.tolist()], "label": [b.label for b in ladder],
        "market_id": [b.market_id for b in ladder], "yes": [b.yes for b in ladder], "no": [b.no for b in ladder],
        "side": [("YES", "NO", "")[i] for i in side.tolist()],
        "decision": ["trade" if is_wanted else "skip" for is_wanted in wanted.tolist()],
        "reason": [EVENT_CODES[-code] if code < 0 else BRACKET_CODES[code] for code in codes.tolist()],
    }  # fmt: skip
    sided = {
        "bid": offers.bid, "ask": offers.ask, "price": offers.price, "depth": offers.depth,
    }  # fmt: skip
    floats = {
        f"{name}_{what}": part[row, event, rank, i] for i, name in enumerate(("yes", "no")) for what, part in sided.items()
    }
    return {
        **{name: _texts(values) for name, values in texts.items()},
        "bracket": rank.astype(np.int64),
        "lower": np.array([OPEN_END if b.lower is None else b.lower for b in ladder], np.float64),
        "upper": np.array([OPEN_END if b.upper is None else b.upper for b in ladder], np.float64),
        **{name: getattr(evaluation, name)[row, event, rank] for name in ("p_model", "p_market", "p_pooled")},
        **floats,
        "edge_yes": offers.edge[row, event, rank, 0], "edge_no": offers.edge[row, event, rank, 1],
        "fraction_yes": evaluation.stakes.yes[row, event, rank], "fraction_no": evaluation.stakes.no[row, event, rank],
        "edge": edge,
    }  # fmt: skip


def _best_side(evaluation: WeatherEvaluation, row: int, event: np.ndarray, rank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the side that is wanted, else the one with more edge (2: neither can be bought), and its edge."""
    edges = evaluation.offers.edge[row, event, rank]
    ranked = np.where(np.isnan(edges), -np.inf, edges)
    side = np.where(ranked[:, 1] > ranked[:, 0], 1, 0)
    side = np.where(evaluation.stakes.no[row, event, rank] > 0, 1, side)
    side = np.where(evaluation.stakes.yes[row, event, rank] > 0, 0, side)
    side = np.where(np.isneginf(ranked).all(axis=-1), 2, side)
    padded = np.concatenate([edges, np.full((len(edges), 1), np.nan)], axis=-1)
    return side, np.take_along_axis(padded, side[:, None], -1)[:, 0]
