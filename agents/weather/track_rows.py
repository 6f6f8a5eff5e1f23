"""Settled events and learned states as rows, and settled events back from rows, to the bit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from agents.weather.models.weighted import Weighting
from agents.weather.panel import WeatherPanel
from agents.weather.series import series_of
from agents.weather.skill import Skill
from agents.weather.track import Scored, place_of
from agents.weather.vintages import DAY
from core.checkpoints import CHECKPOINTS, LOOKS
from core.model.rule import Extreme
from core.model.station import Station
from core.registry import load_hold
from core.settings import Settings
from core.store.columns import DTYPES, texts
from core.store.track import STATES, TRACK
from core.units import Columns, FloatArray, Unit, nullable, number

_OF_CHECKPOINT = (
    "lower",
    "upper",
    "raw_lower",
    "raw_upper",
    "rps",
    "width",
    "claimed",
    "realised",
    "closing",
    "market_age",
    "booked",
)
_OF_LOOK = ("forecast", "mean", "sd", "floor", "n_residuals")
_PMFS = ("p_model", "p_market", "p_pooled")
_ROOT = Path(__file__).resolve().parents[2]
_MADE_BY = (
    "agents/listings.py", "agents/weather", "core/checkpoints.py", "core/days.py", "core/events.py", "core/metrics", "core/model",
    "core/prices.py", "core/readings", "core/units.py",
)  # fmt: skip


def maker_of(settings: Settings, stations: Sequence[Station]) -> str:
    """Return the name of the chosen model with a fingerprint of all that beliefs follow from but the archive.

    That is the code, the tables, the settings of the desk and its stations, which share a prior: what another made is made
    again.
    """
    asked = (
        settings.model,
        settings.weather,
        settings.interval_seconds,
        settings.edge_min,
        settings.fee_bp,
        settings.slippage_bp,
    )
    own = sorted(stations, key=lambda station: station.code)
    found = sha256(repr((asked, own, sorted(load_hold().items()))).encode())
    for part in _MADE_BY:
        path = _ROOT / part
        for each in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found.update(each.read_bytes())
    return f"{settings.model}-{found.hexdigest()[:12]}"


def track_rows(scored: Sequence[Scored], maker: str) -> Columns:
    """Return a row for each look of each event."""
    rows = [row for each in scored for row in _rows_of(each, maker)]
    return _columns(rows, TRACK)


def _rows_of(scored: Scored, maker: str) -> Iterator[dict[str, Any]]:
    for look in range(len(LOOKS)):
        checkpoint = look - place_of(0)
        marked = checkpoint >= 0
        yield {
            "event_id": scored.event_id, "since": scored.since, "look": look, "maker": maker, "at": int(scored.at[look]),
            "venue": scored.venue, "station": scored.station, "event_day": scored.event_day.isoformat(),
            "extreme": str(scored.extreme), "unit": str(scored.unit), "winner": scored.winner, "reading": scored.reading,
            "exact": scored.exact, "own": scored.own, "own_winner": scored.own_winner,
            "sources": json.dumps({name: number(values[look]) for name, values in scored.sources.items()}),
            **{name: getattr(scored, name)[look] for name in _OF_LOOK},
            **{name: getattr(scored, name)[checkpoint] if marked else np.nan for name in _OF_CHECKPOINT},
            **{name: _text(getattr(scored, name)[checkpoint]) if marked else "" for name in _PMFS},
        }  # fmt: skip


def scored_of_rows(rows: Columns) -> Iterator[Scored]:
    """Yield the events of rows, in their order; an event that lacks a look is left out and made again."""
    cells = [dict(zip(rows, row, strict=True)) for row in zip(*(column.tolist() for column in rows.values()), strict=True)]
    for _, together in groupby(cells, key=itemgetter("event_id", "since")):
        looks = sorted(together, key=itemgetter("look"))
        if [row["look"] for row in looks] == list(range(len(LOOKS))):
            yield _scored(looks)


def _scored(looks: Sequence[Mapping[str, Any]]) -> Scored:
    first, marked = looks[0], looks[place_of(0) :]
    sources = [json.loads(row["sources"]) for row in looks]
    names = sorted({name for each in sources for name in each})
    return Scored(
        event_id=first["event_id"], venue=first["venue"], station=first["station"],
        event_day=date.fromisoformat(first["event_day"]), extreme=Extreme(first["extreme"]), unit=Unit(first["unit"]),
        since=first["since"], winner=first["winner"], reading=first["reading"], exact=bool(first["exact"]), own=first["own"],
        own_winner=first["own_winner"], at=np.array([row["at"] for row in looks], np.int64),
        sources={name: _floats([each.get(name) for each in sources]) for name in names},
        n_residuals=np.array([row["n_residuals"] for row in looks], np.int64),
        **{name: _floats([row[name] for row in looks]) for name in _OF_LOOK if name != "n_residuals"},
        **{name: _floats([row[name] for row in marked]) for name in _OF_CHECKPOINT},
        **{name: np.stack([_floats(json.loads(row[name])) for row in marked]) for name in _PMFS},
    )  # fmt: skip


def state_rows(skills: Sequence[Skill], maker: str) -> Columns:
    """Return the rows of states: four of each venue and checkpoint."""
    rows = [row for each in skills for row in _states_of(each, maker)]
    return _columns(rows, STATES)


def _states_of(skill: Skill, maker: str) -> Iterator[dict[str, Any]]:
    subject = f"{skill.venue} {CHECKPOINTS[skill.checkpoint].name}"
    gate, shrunk = skill.gate, skill.shrinkage
    kinds: dict[str, tuple[int, float, dict[str, Any]]] = {
        "pool_weight": (skill.weight.n, skill.weight.weight, {"used": skill.weight.used, "optimum": skill.weight.optimum}),
        "recalibration": (skill.recalibration.n, skill.recalibration.gain, {
            "on": skill.recalibration.on, "values": skill.recalibration.values.tolist() if skill.recalibration.on else [],
        }),
        "shrinkage": (shrunk.n, shrunk.factor, {"slope": shrunk.slope, "interval": _interval(shrunk.interval)}),
        "gate": (gate.n, gate.d.mean if gate.d else float("nan"), {
            "size": gate.size, "n_dates": gate.n_dates, "d": _interval(gate.d), "least_detectable": gate.least_detectable,
            "sentence": gate.sentence,
            "checks": [
                {"name": each.name, "value": each.value, "limit": each.limit, "passed": each.passed, "n": each.n,
                 "sentence": each.sentence} for each in gate.checks
            ],
        }),
    }  # fmt: skip
    for kind, (n, value, detail) in kinds.items():
        yield {
            "day": skill.day, "kind": kind, "subject": subject, "maker": maker, "n": n, "value": value,
            "detail": json.dumps(_nullable(detail)),
        }  # fmt: skip


def filter_rows_of(panel: WeatherPanel, maker: str) -> Columns:
    """Return the states of the filter and of the official excess, of each series of a panel, as known at its first instant."""
    day = int(panel.instants[0]) // DAY * DAY
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for column, listed in enumerate(panel.events):
        subject = " ".join(series_of(listed))
        learned = panel.learned
        detail = {
            "sd": float(learned.spread[0, column]), "usual_disagreement": float(learned.usual_disagreement[0, column]),
            "weights": _weights(panel, column),
        }  # fmt: skip
        rows["filter", subject] = {"n": int(learned.n[0, column]), "value": float(learned.bias[0, column]), "detail": detail}
        if panel.lattice.official[column] and panel.seen.excess_law is not None:
            at_most = panel.seen.excess_law[0, column]
            rows["excess", subject] = {
                "n": int(learned.n[0, column]), "value": float(panel.seen.excess_mean[0, column]),
                "detail": {"at_most": at_most.tolist()},
            }  # fmt: skip
    found = [
        {"day": day, "kind": kind, "subject": subject, "maker": maker, **row, "detail": json.dumps(_nullable(row["detail"]))}
        for (kind, subject), row in rows.items()
    ]
    return _columns(found, STATES)


def _weights(panel: WeatherPanel, column: int) -> dict[str, float]:
    """Return the weight of each forecast in the mean, nothing where too little is known."""
    guidance = panel.guidance
    which = int(guidance.lesson[0, column]) if guidance.lessons else -1
    lesson = guidance.lessons[which] if which >= 0 else None
    return dict(zip(lesson.models, lesson.weight.tolist(), strict=True)) if isinstance(lesson, Weighting) else {}


def joined(one: Columns, other: Columns) -> Columns:
    """Return the rows of both."""
    return {name: np.concatenate([one[name], other[name]]) for name in one}


def _interval(interval: Any) -> dict[str, float] | None:
    return None if interval is None else {name: getattr(interval, name) for name in interval.__slots__}


def _nullable(value: Any) -> Any:
    """Return what JSON can say: no number becomes null."""
    if isinstance(value, dict):
        return {name: _nullable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_nullable(each) for each in value]
    return number(value) if isinstance(value, float) else value


def _text(values: FloatArray) -> str:
    return json.dumps(nullable(values))


def _floats(values: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _columns(rows: Sequence[Mapping[str, Any]], shape: Mapping[str, str]) -> Columns:
    return {
        name: texts([row[name] for row in rows]) if stored == "str" else np.array([row[name] for row in rows], DTYPES[stored])
        for name, stored in shape.items()
    }
