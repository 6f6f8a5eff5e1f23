"""What would the desk do now, and why: the same look and the same ruling on a copy of the account, with nothing behind them.

Neither a broker nor a journal that can be written is within reach of this module (tests/test_house.py walks the imports).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from agents.cycle import look
from agents.transmission.ruling import decisions_of, mark, rule
from agents.transmission.verdicts import Ruling
from agents.weather.desk import WeatherDesk
from core.errors import BusyError, StoreError, UnknownIdError
from core.model.account import Account, new_account
from core.model.cycle import Cause, Cycle
from core.model.decision import Decision
from core.model.preview import BarsAsk, EventAsk, Preview, PreviewAsk, PreviewedEvent
from core.model.regime import regime_of_most
from core.model.station import Station
from core.model.targets import Targets
from core.settings import Settings
from core.store.archive import Archive
from core.units import MICRO, Columns, micro, micros

WEATHER, FUTURES = "weather", "futures"
NO_FUTURES = "there is no futures desk in this house yet: bars were read and are not acted on"
PATIENCE_SECONDS = 20.0  # for the question before
LEARNED_BACK = timedelta(days=500)


@dataclass(frozen=True, slots=True)
class Ground:
    """What a preview stands on; each is asked anew, since an engine writes meanwhile."""

    archive: Callable[[], Archive | None]
    account: Callable[[str], Account | None]
    now: Callable[[], datetime]  # the world's
    settings: Callable[[], Settings]  # as they hold in the world
    stations: Callable[[], Sequence[Station]]
    kept: Callable[[str, int], Columns | None]  # what was learned, of a maker and from an instant on


class Previewing:
    """Keeps one desk and what it has decoded; one question at a time."""

    def __init__(self, ground: Ground) -> None:
        self._ground, self._lock = ground, threading.Lock()
        self._made_of: object = None
        self._desk: WeatherDesk | None = None

    def __call__(self, ask: PreviewAsk) -> Preview:
        """Return what the desk would do.

        Raises:
            UnknownIdError: no open event is listed under that station and day.
            StoreError: nothing was recorded yet.
            BusyError: another question takes too long.
        """
        if isinstance(ask, BarsAsk):
            return Preview(FUTURES, self._ground.now(), "", "", {}, (), f"{ask.symbol}: {NO_FUTURES}")
        if not self._lock.acquire(timeout=PATIENCE_SECONDS):
            raise BusyError("another evaluation is under way; ask again in a moment")
        try:
            return self._event(ask)
        finally:
            self._lock.release()

    def _event(self, ask: EventAsk) -> Preview:
        archive, settings, at = self._ground.archive(), self._ground.settings(), ask.at or self._ground.now()
        if archive is None:
            raise StoreError("nothing was recorded yet: there is nothing to evaluate; ./start_all.sh starts an engine")
        desk = self._desk_of(archive, settings)
        block = look(desk, archive.as_of([at]), settings)
        desk.learned()  # the engine keeps it; here it is let go
        outlooks, brackets = desk.columns(block.evaluation, 0)
        events = tuple(_events(ask, outlooks, brackets))
        if not events:
            raise UnknownIdError(
                f"no open event of {ask.station_code} on {ask.event_day} is known; /api/edges/current has those that are"
            )
        cycle = _now(at, settings)
        account = self._ground.account(WEATHER) or new_account(WEATHER, "", micro(str(settings.start_cash_usd)))
        targets = desk.propose(block.evaluation, 0, account, settings)
        regime = regime_of_most(outlooks["regime"].tolist())
        risk = mark(account, cycle, targets, block.quotes, 0, settings, block.guarded.host(0), regime)
        account = replace(account, **{name: getattr(risk, name) for name in risk.__slots__})
        ruling = rule(targets, block.guarded, 0, account, cycle, settings)
        decisions = tuple(_about(decisions_of(ruling, targets, account, cycle), events, targets))
        own = np.isin(brackets["event_id"].astype(str), [one.event_id for one in events])
        return Preview(
            desk=WEATHER, as_of=at, regime=regime_of_most([one.regime for one in events]),
            strategy=f"{settings.model} on the weather desk", rows={name: column[own] for name, column in brackets.items()},
            decisions=decisions, reason="", events=events,
            instruments={one.token: one for one in targets.instruments if one.token in {each.token for each in decisions}},
            limits=_prices(ruling, ruling.limit), references=_prices(ruling, ruling.reference),
        )  # fmt: skip

    def _desk_of(self, archive: Archive, settings: Settings) -> WeatherDesk:
        """Return the desk that knows this archive; another archive, other settings or other stations need another one."""
        stations = tuple(self._ground.stations())
        made_of = archive, settings.model_dump_json(), tuple(station.code for station in stations)
        if self._desk is None or self._made_of != made_of:
            desk = WeatherDesk(stations, settings)
            kept = self._ground.kept(desk.maker, micros(self._ground.now() - LEARNED_BACK))
            if kept is not None:
                desk.resume(kept)
            self._desk, self._made_of = desk, made_of
        return self._desk


def _now(at: datetime, settings: Settings) -> Cycle:
    fill_at = at + timedelta(seconds=settings.weather.latency_seconds)
    return Cycle(WEATHER, at, 0, Cause.COMMAND, (), at, fill_at)


def _events(ask: EventAsk, outlooks: Columns, brackets: Columns) -> Iterator[PreviewedEvent]:
    for i, event_id in enumerate(outlooks["event_id"].tolist()):
        row = {name: outlooks[name][i] for name in ("station", "event_day", "venue", "city", "extreme", "regime", "refusal")}
        if row["station"] != ask.station_code or row["event_day"] != ask.event_day.isoformat():
            continue
        if (ask.extreme and row["extreme"] != ask.extreme) or (ask.venue and row["venue"] != ask.venue):
            continue
        yield _event_of(str(event_id), row, brackets)


def _event_of(event_id: str, row: Mapping[str, Any], brackets: Columns) -> PreviewedEvent:
    own = np.flatnonzero(brackets["event_id"] == event_id)
    edges = np.where(np.isnan(brackets["edge"][own]), -np.inf, brackets["edge"][own])
    best = int(own[int(np.argmax(edges))]) if len(own) and np.isfinite(edges).any() else -1
    wanted = bool((brackets["decision"][own] == "trade").any())
    reason = str(row["refusal"]) or ("" if wanted else str(brackets["reason"][best]) if best >= 0 else "no_price")
    return PreviewedEvent(
        event_id, str(row["venue"]), str(row["city"]), str(row["extreme"]), str(row["regime"]),
        str(brackets["side"][best]) if best >= 0 else "", str(brackets["label"][best]) if best >= 0 else "",
        float(brackets["edge"][best]) if best >= 0 else None, reason,
    )  # fmt: skip


def _about(decisions: Sequence[Decision], events: Sequence[PreviewedEvent], targets: Targets) -> Iterator[Decision]:
    """Yield the decisions about some events, of the one account that there is."""
    wanted = {one.event_id for one in events}
    tokens = {one.token for one in targets.instruments if one.event_id in wanted}
    yield from (one for one in decisions if one.token in tokens)


def _prices(ruling: Ruling, micro_usd: np.ndarray) -> Mapping[str, float]:
    instruments = ruling.standing.axis.instruments
    return {
        instruments[int(column)].token: int(micro_usd[0, i]) / MICRO
        for i, column in enumerate(ruling.standing.own)
        if ruling.order[0, i]
    }
