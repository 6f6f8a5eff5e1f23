"""Money freed before the final word: NO of several brackets becomes dollars, once the desk is done with an event.

Of m brackets at most one can win, so NO of all of them pays m - 1 dollars a share for certain. The venue pays that at once
and gives YES of every other bracket for the rest. While an event is traded nothing is converted: targets are of tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from agents.listings import decoded
from agents.transmission.identity import conversion_id
from core.days import settlement_window
from core.journal.changes import Conversion
from core.model.account import Account
from core.model.activity import Action, Activity
from core.model.cycle import Cycle
from core.model.event import Event, Instrument, Side, instruments_of
from core.model.record import Kind
from core.model.settlement import Finality
from core.model.station import Station
from core.settings import Settings
from core.store.archive import View
from core.units import decimal_of, instant

LISTED_WITHIN = timedelta(days=12)
Given = tuple[tuple[int, ...], int]  # brackets, micro-shares of each


def conversions(
    cycle: Cycle, account: Account, view: View, stations: Mapping[str, Station], settings: Settings
) -> Iterator[Conversion]:
    """Yield what can be converted now, by event, run and size; nothing where the venue does not convert."""
    if not settings.weather.convert:
        return
    now = instant(int(view.instants[-1]))
    for event_id, held in _holdings(account).items():
        if _ended(account, event_id) or any(each.token in account.working.token for each in held):
            continue
        listed = _listed(view, event_id, now)
        if listed is None or listed[0].rule.station not in stations:
            continue
        event, accepting, fee_bips = listed
        start, end = settlement_window(event.rule, stations[event.rule.station].tz, event.event_day)
        if now >= end or (now >= start and not accepting):
            yield from _of_event(cycle, account, event, held, fee_bips)


def layers(held: Mapping[int, int]) -> Iterator[Given]:
    """Yield conversions that leave NO of one bracket at most; `held` is NO by bracket [micro-shares]."""
    left = {bracket: size for bracket, size in held.items() if size > 0}
    while len(left) > 1:
        size = min(left.values())
        yield tuple(sorted(left)), size
        left = {bracket: more - size for bracket, more in left.items() if more > size}


def _holdings(account: Account) -> dict[str, list[Instrument]]:
    """Return the instruments of each event with NO of two brackets at least in some run."""
    by_event: dict[str, list[Instrument]] = {}
    for instrument in account.instruments:
        by_event.setdefault(instrument.event_id, []).append(instrument)
    several = (account.held_micro > 0) & np.array([each.side is Side.NO for each in account.instruments], np.bool_)
    column = account.column()
    return {
        event_id: of
        for event_id, of in sorted(by_event.items())
        if (several[:, [column[each.token] for each in of]].sum(axis=1) > 1).any()
    }


def _ended(account: Account, event_id: str) -> bool:
    known = account.outcomes.get(event_id)
    return known is not None and known.settlement.finality is Finality.FINAL


def _listed(view: View, event_id: str, now: datetime) -> tuple[Event, bool, int] | None:
    """Return an event, whether it takes orders and what a conversion costs, where the venue converts its tokens."""
    stack = view.newest(Kind.EVENTS, event_id, now - LISTED_WITHIN)
    if not len(stack) or stack.facts[0].get("convert_bips") is None:
        return None
    event, _ = decoded(stack.facts[0], stack.columns)
    return None if event is None else (event, event.accepting, int(stack.facts[0]["convert_bips"]))


def _of_event(
    cycle: Cycle, account: Account, event: Event, held: Sequence[Instrument], fee_bips: int
) -> Iterator[Conversion]:  # fmt: skip
    ladder = {(each.bracket, each.side): each for each in instruments_of(event, held[0].region)}
    if any((now := ladder.get((each.bracket, each.side))) is None or now.token != each.token for each in held):
        return  # the listing has other tokens or fewer now: what is held waits for the final word
    column = account.column()
    mine = {each.bracket: column[each.token] for each in held if each.side is Side.NO}
    for run in range(account.n_runs):
        owned = {bracket: int(account.held_micro[run, place]) for bracket, place in mine.items()}
        for brackets, size in layers(owned):
            given = [ladder[bracket, Side.NO] for bracket in brackets]
            taken = [ladder[bracket, Side.YES] for bracket in range(len(event.ladder)) if bracket not in brackets]
            name = conversion_id(cycle.desk, cycle.scheduled_at, run, event.event_id, brackets)
            yield Conversion(
                name, run, tuple(each.token for each in given), tuple(each.token for each in taken), size, fee_bips,
                (*given, *taken), (_line(cycle, event, run, name, brackets, size),),
            )  # fmt: skip


def _line(cycle: Cycle, event: Event, run: int, name: str, brackets: Sequence[int], size: int) -> Activity:
    shares, dollars = decimal_of(size), decimal_of((len(brackets) - 1) * size)
    labels = [event.ladder[bracket].label for bracket in brackets]
    return Activity(
        at=cycle.sealed_at, action=Action.SETTLEMENT, type="conversion",
        message=f"{event.city} {event.event_day}: {shares.normalize():f} NO of {', '.join(labels)} converted, "
        f"{dollars:.2f} $ come back before the final word",
        station=event.rule.station, event_day=event.event_day, event_id=event.event_id,
        data={"conversion_id": name, "run": run, "given": labels, "shares": str(shares), "size_usd": str(dollars)},
    )  # fmt: skip
