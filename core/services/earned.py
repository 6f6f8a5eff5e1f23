"""What the model has earned, by venue and checkpoint, in words: size, weight, correction, shrinkage, each with its n."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from core.checkpoints import CHECKPOINTS
from core.metrics.inference import Claim, sufficiency
from core.services.values import moment, number, rows_of
from core.store.track import TrackStore

KINDS = ("gate", "pool_weight", "recalibration", "shrinkage")
PROBE = "probe"
NOTHING = "nothing settled yet"
States = Mapping[str, Mapping[tuple[str, str], Mapping[str, Any]]]  # kind -> (venue, checkpoint) -> row


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One figure against its limit, over `n` events; `value` None: too few to say."""

    name: str
    value: float | None
    limit: float
    passed: bool
    n: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Earned:
    """What one venue's events at one checkpoint have earned, as known when the UTC day `since` began."""

    venue: str
    checkpoint: str
    size: str  # "none", "probe" or "normal"
    n: int
    n_dates: int
    decided: str  # the number that decides the size, in words
    sentence: str
    mean: float | None  # ln pooled less ln market probability of what settled [nats per event], 90 % by dates
    low: float | None
    high: float | None
    least_detectable: float | None
    checks: tuple[CheckRow, ...]
    since: datetime | None
    weight: float | None  # of the model in the pool
    weight_learned: bool
    weight_n: int
    recalibrated: bool
    recalibration_n: int
    recalibration_gain: float | None  # [nats per event] out of sample
    shrinkage: float | None  # part of a claimed edge that is thought to be real
    shrinkage_n: int  # traded events

    @property
    def words(self) -> str:
        """Return size, and the number that decides it: `probe: not enough data (37 of 300 events)`."""
        return f"{self.size}: {self.decided}"


@dataclass(frozen=True, slots=True)
class Gates:
    as_of: datetime
    source: str
    n: int  # states
    rows: tuple[Earned, ...]
    missing: str = ""


def states_of(store: TrackStore) -> States:
    """Return the newest state of each kind, venue and checkpoint; of two makers the one that wrote last."""
    maker = store.maker
    found: dict[str, dict[tuple[str, str], Mapping[str, Any]]] = {}
    for kind in KINDS:
        rows = sorted(rows_of(store.newest_states(kind)), key=lambda row: row["maker"] == maker)
        found[kind] = {(venue, name): row for row in rows for venue, _, name in [row["subject"].partition(" ")]}
    return found


def earned(states: States, venue: str, checkpoint: str) -> Earned:
    """Return what is earned at one venue and checkpoint; before anything is known that is a probe."""
    rows = {kind: states.get(kind, {}).get((venue, checkpoint)) for kind in KINDS}
    details = {kind: orjson.loads(row["detail"]) if row else {} for kind, row in rows.items()}
    gate, detail = rows["gate"], details["gate"]
    n, size, n_dates = gate["n"] if gate else 0, str(detail.get("size", PROBE)), int(detail.get("n_dates", 0))
    interval = detail.get("d") or {}
    checks = tuple(
        CheckRow(one["name"], number(one["value"]), float(one["limit"]), bool(one["passed"]), one["n"], one["sentence"])
        for one in detail.get("checks", ())
    )
    return Earned(
        venue=venue, checkpoint=checkpoint, size=size, n=n, n_dates=n_dates,
        decided=_decided(size, n, n_dates, interval, checks), sentence=detail.get("sentence", ""),
        mean=number(interval.get("mean")), low=number(interval.get("low")), high=number(interval.get("high")),
        least_detectable=number(detail.get("least_detectable")), checks=checks, since=moment(gate["day"]) if gate else None,
        weight=_value(rows["pool_weight"]), weight_learned=bool(details["pool_weight"].get("used")),
        weight_n=_n(rows["pool_weight"]), recalibrated=bool(details["recalibration"].get("on")),
        recalibration_n=_n(rows["recalibration"]), recalibration_gain=_value(rows["recalibration"]),
        shrinkage=_value(rows["shrinkage"]), shrinkage_n=_n(rows["shrinkage"]),
    )  # fmt: skip


def every(states: States, venues: Sequence[str]) -> tuple[Earned, ...]:
    """Return what is earned at each checkpoint of some venues."""
    return tuple(earned(states, venue, each.name) for venue in venues for each in CHECKPOINTS)


def _decided(size: str, n: int, n_dates: int, interval: Mapping[str, float], checks: Sequence[CheckRow]) -> str:
    if not n:
        return NOTHING
    sick = next((each for each in checks if each.name == "data" and not each.passed), None)
    if sick is not None:
        return sick.sentence.rstrip(".")
    enough = sufficiency(Claim.STOP, n, n_dates)
    if not enough.enough or not interval:
        return enough.text if not enough.enough else f"no interval on {n_dates} dates"
    found = f"{_said(interval['low'], '+.3f')} to {_said(interval['high'], '+.3f')} nats an event on the market ({n} events)"
    if size != PROBE:
        return found
    missed = [each for each in checks if not each.passed]
    return f"{', '.join(_missed(each) for each in missed)} ({n} events)" if missed else found


def _missed(check: CheckRow) -> str:
    value = (
        f"not known on {check.n}" if check.value is None else f"{_said(check.value, '.2f')}, limit {_said(check.limit, '.2f')}"
    )
    return f"{check.name} {value}"


def _said(value: float, form: str) -> str:
    """Return a number with a true minus: these words go to faces as they are."""
    return format(value, form).replace("-", "−")


def _value(row: Mapping[str, Any] | None) -> float | None:
    return number(row["value"]) if row else None


def _n(row: Mapping[str, Any] | None) -> int:
    return int(row["n"]) if row else 0
