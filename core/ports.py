"""The doors that have more than one thing behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from core.journal.changes import Change
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.event import Instrument
from core.model.orders import Orders, Reports
from core.model.preview import Preview, PreviewAsk
from core.model.quotes import Quotes
from core.model.record import Ask, Kind, Record
from core.model.targets import Targets
from core.settings import Settings
from core.store.archive import Archive, View
from core.units import Columns

Panel = TypeVar("Panel")
Evaluation = TypeVar("Evaluation")


class Schedule(Protocol):
    """When desks look. Live: timer and wake-ups; replay: the journal's `cycles`; backtest: a grid plus METAR receipts."""

    def __iter__(self) -> Iterator[Cycle]: ...


class Source(Protocol):
    """One outside service: forecasts, observations, events, books, prints, outcomes, bars, reports."""

    @property
    def name(self) -> str: ...

    @property
    def gives(self) -> frozenset[Kind]: ...

    def fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        """Answer the asks of its kinds. An ask that fails becomes a record with `error`; it never raises SourceError."""
        ...


class Broker(Protocol):
    """Take orders and say what is known of them and of all working ones at `at`.

    Paper: computed from the books as of `at`. Paper, live: first collects and records those books, then the same.
    TWS: send, then read the recorded reports. Replay of TWS: only read. Returns the reports and the instant at which
    they were heard: as-of reads of a replay use that instant.
    """

    def execute(self, orders: Orders, account: Account, archive: Archive, at: datetime) -> tuple[Reports, datetime]: ...


class Journal(Protocol):
    """Fold a change into the account and keep it; a durable journal returns when it is on disk."""

    def account(self, desk: str) -> Account: ...

    def commit(self, cycle: Cycle, account: Account, change: Change) -> Account: ...


class Desk(Protocol[Panel, Evaluation]):
    """`observe` and `evaluate` work on many instants and never see the account; `propose` on one instant and many accounts."""

    @property
    def name(self) -> str: ...

    def asks(self, cycle: Cycle, account: Account, view: View) -> Sequence[Ask]: ...

    def observe(self, view: View) -> Panel: ...

    def evaluate(self, panel: Panel, settings: Settings) -> Evaluation: ...

    def quotes(self, panel: Panel) -> Quotes:
        """Return the quotes of `instruments`, in the same order."""
        ...

    def instruments(self, evaluation: Evaluation) -> tuple[Instrument, ...]: ...

    def propose(self, evaluation: Evaluation, row: int, account: Account, settings: Settings) -> Targets: ...

    def columns(self, evaluation: Evaluation, row: int) -> tuple[Columns, Columns]:
        """Return what was believed: (one row per event, one row per bracket)."""
        ...

    def resume(self, kept: Columns) -> None:
        """Take back what was learned and kept before (`core.store.track`), so that it need not be made again."""
        ...

    def learned(self) -> tuple[Columns, Columns]:
        """Return what was learned since this was asked last: rows of settled events and of states (`core.store.track`)."""
        ...


class Previewer(Protocol):
    """Evaluate and rule, with neither broker nor journal at hand."""

    def __call__(self, ask: PreviewAsk) -> Preview: ...
