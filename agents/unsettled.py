"""Events that should have ended and have not: nothing stays pending in silence.

An event without a final word two days after its day is said once a day, for as long as it is without. A final word that
names a market nobody knows is an error at once: a word dropped in silence is a loss that never shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta

from agents.listings import decoded
from agents.settlement import LOOKBACK, about, about_held, told_final
from core.days import settlement_window
from core.model.account import Account
from core.model.activity import Action, Activity, Severity
from core.model.cycle import Cycle
from core.model.event import Event
from core.model.record import Kind
from core.model.settlement import Finality
from core.model.station import Station
from core.store.archive import View
from core.units import MICRO, decimal_of, instant

PATIENCE = timedelta(days=2)
"""After the end of its day, within which an event should have its final word."""
ASKED_WITHIN = timedelta(days=3)
LAST_MIDNIGHT = timedelta(hours=36)  # from 00:00Z of a day until it is over everywhere
DAY = timedelta(days=1)


def unsettled(
    cycle: Cycle, account: Account, view: View, since: datetime, stations: Mapping[str, Station]
) -> tuple[Activity, ...]:  # fmt: skip
    """Return one line for each event that waits too long, when another day of waiting is over, and for each unknown winner."""
    return (*_strangers(cycle, account, view, since), *_waiting(cycle, account, view, since, stations))


def _strangers(cycle: Cycle, account: Account, view: View, since: datetime) -> Iterator[Activity]:
    for event_id in view.subjects(Kind.OUTCOMES, since):
        said = told_final(view, event_id, since)
        if said is None:
            continue
        stack, index = said
        winner = str(stack.facts[index]["winner"])
        event = _event(view, event_id)
        of = about(event) if event else about_held(account, event_id, stack.rows(index))
        if winner not in (of.labels if of else ()):
            knows = ", ".join(of.labels) if of else "none of its markets"
            yield Activity(
                at=cycle.sealed_at, action=Action.ERROR, severity=Severity.ERROR, type="settlement_unknown",
                message=f"{event_id}: {stack.source[index]} says that market {winner or 'without a name'} won, the desk knows {knows}; "
                "nothing was paid, look at its page",
                event_id=event_id, data={"event_id": event_id, "winner": winner, "known": list(of.labels) if of else []},
            )  # fmt: skip


def _event(view: View, event_id: str) -> Event | None:
    newest = view.newest(Kind.EVENTS, event_id, instant(int(view.instants[-1])) - LOOKBACK)
    return decoded(newest.facts[0], newest.columns)[0] if len(newest) else None


def _waiting(
    cycle: Cycle, account: Account, view: View, since: datetime, stations: Mapping[str, Station]
) -> Iterator[Activity]:  # fmt: skip
    now = instant(int(view.instants[-1]))
    for event_id, day in sorted(_candidates(account, view, now).items(), key=lambda each: (str(each[1]), each[0])):
        event = _event(view, event_id)
        if event is None and day is None:
            continue
        end = _end(event, day, stations)
        waited = (now - end) // DAY
        if now - end >= PATIENCE and waited > (since - end) // DAY:
            yield _line(cycle, account, event_id, event, end, waited)


def _candidates(account: Account, view: View, now: datetime) -> dict[str, date | None]:
    """Return the day, where it is known, of each event that was held, judged or asked about and has no final word."""
    days: dict[str, date | None] = dict.fromkeys(view.subjects(Kind.OUTCOMES, now - ASKED_WITHIN))
    days |= {event_id: known.settlement.event_day for event_id, known in account.outcomes.items()}
    days |= {instrument.event_id: instrument.event_day for instrument in account.instruments}
    ended = {event_id for event_id, known in account.outcomes.items() if known.settlement.finality is Finality.FINAL}
    latest = (now - PATIENCE).date()
    return {event_id: day for event_id, day in days.items() if event_id not in ended and (day is None or day <= latest)}


def _end(event: Event | None, day: date | None, stations: Mapping[str, Station]) -> datetime:
    if event is not None and event.rule.station in stations:
        return settlement_window(event.rule, stations[event.rule.station].tz, event.event_day)[1]
    known = event.event_day if event is not None else day
    assert known is not None
    return datetime.combine(known, time(), UTC) + LAST_MIDNIGHT


def _line(cycle: Cycle, account: Account, event_id: str, event: Event | None, end: datetime, waited: int) -> Activity:
    own = [column for column, each in enumerate(account.instruments) if each.event_id == event_id]
    cost = int(account.cost_micro[0, own].sum()) if own else 0
    first = account.instruments[own[0]] if own else None
    known = account.outcomes.get(event_id)
    city, day = (event.city, event.event_day) if event else (first.city, first.event_day) if first else (event_id, end.date())
    station = event.rule.station if event else first.station if first else ""
    ours = f"ours is {known.settlement.winner_label}" if known else "and none of ours"
    held = f"; {decimal_of(cost):.2f} $ are held in it" if cost else ""
    return Activity(
        at=cycle.sealed_at, action=Action.SETTLEMENT, severity=Severity.WARNING, type="settlement_stalled",
        message=f"{city} {day}: over for {waited} days without a final word of the venue, {ours}{held}",
        station=station, event_day=day, event_id=event_id,
        data={"event_id": event_id, "days": waited, "provisional": known.settlement.winner_label if known else "",
              "held_usd": round(cost / MICRO, 6)},
    )  # fmt: skip
