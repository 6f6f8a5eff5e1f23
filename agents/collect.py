"""Ask all sources at once, keep every answer, and say when the cycle's knowledge ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import timedelta

from core.clock import Clock
from core.failpoints import failpoint
from core.model.cycle import Cycle
from core.model.record import Ask, Record
from core.ports import Source
from core.store.snapshots import SnapshotStore


def collect(
    cycle: Cycle,
    asks: Sequence[Ask],
    sources: Mapping[str, Source],
    snapshots: SnapshotStore,
    *,
    clock: Clock,
    pool: Executor,
    latency: timedelta,
    more: Sequence[Record] = (),
) -> tuple[Cycle, tuple[Record, ...]]:
    """Fetch concurrently, publish the records, and return the cycle sealed at the instant that collection ended.

    `more` are records made on this host (commands): they are published with the rest.
    """
    wanted = [(source, questions) for source in sources.values() for questions in by_kind(asks_of(source, asks))]
    answers = [pool.submit(_answers, source, questions) for source, questions in wanted]
    records = (*more, *(record for answer in answers for record in answer.result()))
    failpoint("before:snapshots")
    snapshots.publish(records)
    failpoint("after:snapshots")
    sealed_at = clock.now()
    return replace(cycle, sealed_at=sealed_at, fill_at=sealed_at + latency), records


def asks_of(source: Source, asks: Sequence[Ask]) -> list[Ask]:
    """Return the asks that are for `source`."""
    return [ask for ask in asks if ask.kind in source.gives and ask.source in ("", source.name)]


def by_kind(asks: Sequence[Ask]) -> list[list[Ask]]:
    """Return the asks of each kind: they go to different services of a source, and none shall wait for another."""
    return [[ask for ask in asks if ask.kind is kind] for kind in dict.fromkeys(ask.kind for ask in asks)]


def _answers(source: Source, asks: Sequence[Ask]) -> list[Record]:
    return list(source.fetch(asks))
