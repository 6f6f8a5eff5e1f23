"""Which event is looked at: kept in the address, so that a link opens it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from core.errors import NotAllowedError
from core.services.edges import Outlook

FIELDS = ("station", "day", "extreme", "venue")  # names in the address, in the order in which they narrow down


@dataclass(frozen=True, slots=True)
class Selection:
    """What the address asks for; "" where it leaves the choice open."""

    station: str = ""
    day: str = ""
    extreme: str = ""
    venue: str = ""

    def __bool__(self) -> bool:
        return any(getattr(self, field) for field in FIELDS)


def asked(parameters: Mapping[str, str]) -> Selection:
    """Return what an address asks for."""
    return Selection(**{field: parameters.get(field, "").strip() for field in FIELDS})


def of(outlook: Outlook) -> Selection:
    """Return the address of an event."""
    return Selection(outlook.station_code, outlook.event_day.isoformat(), outlook.extreme, outlook.venue)


def matches(outlook: Outlook, wanted: Selection) -> bool:
    """Return whether an event is one that the address asks for."""
    own = of(outlook)
    return all(getattr(wanted, field).casefold() in ("", getattr(own, field).casefold()) for field in FIELDS)


def best(outlooks: Sequence[Outlook], now: datetime) -> Outlook | None:
    """Return the event with the largest edge among those whose day is not over; the first one where none has any."""
    running = [one for one in outlooks if one.window_end > now] or list(outlooks)
    return max(running, key=lambda one: -1.0 if one.best_edge is None else one.best_edge, default=None)


def chosen(outlooks: Sequence[Outlook], wanted: Selection, now: datetime) -> Outlook | None:
    """Return the best event among those that the address asks for, None where there is none."""
    return best([one for one in outlooks if matches(one, wanted)], now)


def nearest(outlooks: Sequence[Outlook], wanted: Selection, changed: str, now: datetime) -> Outlook | None:
    """Return the event after one field was changed by hand: the others give way, the last named first."""
    kept = wanted
    for field in (*reversed([name for name in FIELDS if name != changed]), changed):
        found = chosen(outlooks, kept, now)
        if found is not None:
            return found
        kept = replace(kept, **{field: ""})
    return best(outlooks, now)


def choices(outlooks: Sequence[Outlook], current: Selection, field: str) -> list[str]:
    """Return what can be picked for a field, given the fields before it."""
    before = FIELDS[: FIELDS.index(field)]
    narrowed = Selection(**{name: getattr(current, name) for name in before})
    return list(dict.fromkeys(getattr(of(one), field) for one in outlooks if matches(one, narrowed)))


def link(selection: Selection, page: str = "") -> str:
    """Return the address of a page with a selection."""
    parts = "&".join(f"{field}={getattr(selection, field)}" for field in FIELDS if getattr(selection, field))
    return f"/{page}?{parts}" if parts else f"/{page}"


def day_of(text: str) -> date | None:
    """Return the date of an address, None where it is no date."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def asked_day(text: str) -> date | None:
    """Return the date that a person asks for; NotAllowedError where the text is none."""
    found = day_of(text)
    if text and found is None:
        raise NotAllowedError(f"A day is written YYYY-MM-DD; got {text[:40]!r}", "day")
    return found
