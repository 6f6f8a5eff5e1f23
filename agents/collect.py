"""Ask all sources at once, keep every answer, and say when the cycle's knowledge ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import timedelta

from core.clock import Clock
from core.errors import StoreError
from core.failpoints import failpoint
from core.model.cycle import Cycle
from core.model.record import Ask, Record
from core.ports import Source
from core.store.encoding import storable
from core.store.snapshots import SnapshotStore
from core.units import writable

_LOG = logging.getLogger("hermes.collect")


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
    told: Callable[[Sequence[Record]], Sequence[Record]] = lambda records: (),
) -> tuple[Cycle, tuple[Record, ...]]:
    """Fetch concurrently, publish the records, and return the cycle sealed at the instant that collection ended.

    `more` are records made on this host (commands), `told` makes some of what the sources said: they are published with it.
    """
    wanted = [(source, questions) for source in sources.values() for questions in by_kind(asks_of(source, asks))]
    answers = [pool.submit(answers_of, source, questions, clock) for source, questions in wanted]
    records = (*more, *(record for answer in answers for record in answer.result()))
    records = (*records, *told(records))
    failpoint("before:snapshots")
    records = published(records, snapshots)
    failpoint("after:snapshots")
    sealed_at = clock.now()
    return replace(cycle, sealed_at=sealed_at, fill_at=sealed_at + latency), records


def asks_of(source: Source, asks: Sequence[Ask]) -> list[Ask]:
    """Return the asks that are for `source`."""
    return [ask for ask in asks if ask.kind in source.gives and ask.source in ("", source.name)]


def by_kind(asks: Sequence[Ask]) -> list[list[Ask]]:
    """Return the asks of each kind: they go to different services of a source, and none shall wait for another."""
    return [[ask for ask in asks if ask.kind is kind] for kind in dict.fromkeys(ask.kind for ask in asks)]


def published(records: Sequence[Record], snapshots: SnapshotStore) -> tuple[Record, ...]:
    """Publish records and return them; one that cannot be kept as it was read is kept as a failed one, with its bytes."""
    try:
        snapshots.publish(records)
    except StoreError as error:
        _LOG.error("%s", writable(str(error)))
        records = [storable(record) for record in records]
        snapshots.publish(records)
    return tuple(records)


def answers_of(source: Source, asks: Sequence[Ask], clock: Clock) -> list[Record]:
    """Return what a source says; what breaks while it reads an answer fails its own questions and nobody else's."""
    records: list[Record] = []
    try:
        records.extend(source.fetch(asks))
    except Exception as error:
        _LOG.exception("%s broke off", source.name)
        why = writable(f"{source.name}: an answer broke its reader ({error!r}); the other sources go on")
        told = {(record.kind, record.subject) for record in records}
        broken = dict.fromkeys((ask.kind, ask.subject) for ask in asks if (ask.kind, ask.subject) not in told)
        records += [Record(source.name, kind, subject, clock.now(), None, b"", {}, error=why) for kind, subject in broken]
    return records
