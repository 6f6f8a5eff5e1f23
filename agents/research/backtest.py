"""A backtest: look at a day as one block, then step its cycles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from agents.commands import obey
from agents.cycle import catch_up, close, look, news, step
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.station import Station
from core.ports import Broker, Desk, Journal
from core.settings import Settings
from core.store.archive import Archive
from core.store.evaluations import EvaluationStore
from core.store.track import TrackStore


def run_day(
    desk: Desk[Any, Any], cycles: Sequence[Cycle], account: Account, since: datetime,
    *, archive: Archive, evaluations: EvaluationStore | None, track: TrackStore | None, broker: Broker, journal: Journal, settings: Settings,
    stations: Mapping[str, Station],
) -> Account:  # fmt: skip
    """Run consecutive cycles over recorded data; `since` is when the cycle before the first was sealed."""
    block = look(desk, archive.as_of([cycle.sealed_at for cycle in cycles]), settings)
    for row, cycle in enumerate(cycles):
        view = archive.as_of([cycle.sealed_at])
        for obedience in obey(cycle, account, view, since):
            account = journal.commit(cycle, account, obedience)
        account = catch_up(
            cycle, account, view, since, archive=archive, broker=broker, journal=journal, stations=stations, settings=settings
        )
        told = desk.columns(block.evaluation, row)
        if evaluations is not None:
            evaluations.append(cycle.scheduled_at, *told)
        if track is not None:
            track.append(*desk.learned())
        account = step(
            desk, block, row, cycle, account, archive=archive, broker=broker, journal=journal, settings=settings,
            lines=news(cycle, account, view, since, stations), told=told,
        )  # fmt: skip
        account = close(cycle, account, journal=journal, measured={})
        since = cycle.sealed_at
    return account
