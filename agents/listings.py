"""Which events are known, and what was said of each last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.errors import LadderError, RuleError
from core.events import event_of
from core.model.event import Event
from core.model.record import Kind
from core.store.archive import View
from core.units import Columns

_MEMORY = 1_024
_decoded: OrderedDict[int, tuple[Mapping[str, Any], Event | None, str]] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Listing:
    """The newest listing of one event; `event` is None where `refusal` says why it must not be traded."""

    event_id: str
    venue: str
    received_at: int  # microseconds
    facts: Mapping[str, Any]
    event: Event | None
    refusal: str


def newest_listings(view: View, since: datetime) -> tuple[Listing, ...]:
    """Return the newest listing of each event listed in [since, last instant], by event id."""
    found = []
    for event_id in view.subjects(Kind.EVENTS, since):
        stack = view.stack(Kind.EVENTS, event_id, since)
        index = int(stack.newest(view.instants[-1:])[0])
        if index >= 0:
            facts = stack.facts[index]
            event, refusal = decoded(facts, stack.rows(index))
            found.append(Listing(event_id, stack.source[index], int(stack.received_at[index]), facts, event, refusal))
    return tuple(found)


def decoded(facts: Mapping[str, Any], rows: Columns) -> tuple[Event | None, str]:
    """Return the event of a record, or why there is none; remembered for as long as the record is."""
    remembered = _decoded.get(id(facts))
    if remembered is not None and remembered[0] is facts:
        _decoded.move_to_end(id(facts))
        return remembered[1], remembered[2]
    try:
        event, refusal = event_of(facts, rows), ""
    except (RuleError, LadderError) as error:
        event, refusal = None, str(error)
    _decoded[id(facts)] = facts, event, refusal
    if len(_decoded) > _MEMORY:
        _decoded.popitem(last=False)
    return event, refusal
