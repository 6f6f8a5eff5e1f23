"""How quick and how well the machine is: latencies of cycle, order and journal, clocks, gaps, as the engine measured them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from core.model.record import Kind
from core.services.shelves import Shelves
from core.units import instant

SOURCE = "archive: HOST records; journal: what was measured beside a cycle"
CYCLES = 200  # newest ones that a percentile is of
LOOKBACK = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds; `limit_ms` None: there is none."""

    name: str
    n: int
    p50_ms: float | None
    p99_ms: float | None
    longest_ms: float | None
    limit_ms: float | None


@dataclass(frozen=True, slots=True)
class Skew:
    """How far a service's clock lies from ours; above 0 ours is ahead."""

    service: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Machine:
    as_of: datetime
    source: str
    n: int  # cycles that were measured
    measured_at: datetime | None  # the world's
    age_seconds: float | None
    latencies: tuple[Latency, ...]
    skews: tuple[Skew, ...]
    skew_limit_seconds: float
    journal_ok: bool | None
    gap_seconds: float | None  # since the look before
    silent: Mapping[str, str]  # kinds of record that were asked for and not heard, since when
    disk_free_mb: float | None
    missing: str = ""


class MachineService:
    """Answers from the archive and the journal."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def machine(self) -> Machine:
        """Return what the engine measured of its host, newest first."""
        shelves, now, journal = self._shelves, self._shelves.present().now, self._shelves.journal()
        at, facts = host_facts(shelves)
        measured = journal.measured("cycle_complete", CYCLES) if journal else ()
        guard = shelves.settings.guard
        return Machine(
            as_of=now, source=SOURCE, n=len(measured), measured_at=at,
            age_seconds=max(0.0, (now - at).total_seconds()) if at else None,
            latencies=tuple(_latencies(measured, facts, shelves)),
            skews=tuple(Skew(name, float(off)) for name, off in sorted((facts.get("skew_seconds") or {}).items()) if off is not None),
            skew_limit_seconds=guard.clock_skew_seconds,
            journal_ok=None if facts.get("journal_ok") is None else bool(facts["journal_ok"]),
            gap_seconds=facts.get("gap_seconds"),
            silent={kind: since for kind, since in (facts.get("kinds") or {}).items() if since},
            disk_free_mb=facts.get("disk_free_mb"), missing="" if measured or facts else shelves.missing() or "No cycle was measured yet.",
        )  # fmt: skip


def host_facts(shelves: Shelves) -> tuple[datetime | None, Mapping[str, Any]]:
    """Return when the engine last measured its host, and what it found; nothing where it did not within six hours."""
    archive, journal = shelves.archive(), shelves.journal()
    if archive is None or journal is None:
        return None, {}

    def asked() -> tuple[datetime | None, Mapping[str, Any]]:
        now = shelves.present().now
        stack = archive.as_of([now]).newest(Kind.HOST, shelves.desk, now - LOOKBACK)
        if not len(stack):
            return None, {}
        return instant(int(stack.received_at[-1])), stack.facts[len(stack) - 1]

    return journal.keep(("host",), asked)


def _latencies(measured: Sequence[Mapping[str, Any]], facts: Mapping[str, Any], shelves: Shelves) -> Iterator[Latency]:
    settings = shelves.settings
    for name, field, limit in (
        ("cycle", "duration_ms", None if shelves.present().simulated else 1_000.0 * settings.interval_seconds),
        ("start of a cycle after its instant", "late_ms", None),
    ):
        found = np.array([float(one[field]) for one in measured if isinstance(one.get(field), int | float)])
        yield _latency(name, found, limit)
    order, journal = facts.get("order_seconds"), facts.get("journal_ms")
    yield Latency(
        "order to answer", int(order is not None), None, None if order is None else 1_000.0 * float(order), None,
        1_000.0 * settings.guard.order_latency_seconds,
    )  # fmt: skip
    yield _latency("journal, one write", np.array([] if journal is None else [float(journal)]), None)


def _latency(name: str, found: np.ndarray[Any, np.dtype[np.float64]], limit: float | None) -> Latency:
    if not found.size:
        return Latency(name, 0, None, None, None, limit)
    half, most = (float(np.percentile(found, share)) for share in (50, 99))
    return Latency(name, int(found.size), half, most, float(found.max()), limit)
