"""What the machine measured for a look, kept as a record and read back from it: a replay decides by the same numbers.

Facts of a HOST record: `gap_seconds` since the look before, `kinds` by kind of record since when nothing was heard of it (""
while it is heard), `skew_seconds` by service, `journal_ok`, `journal_ms`, `order_seconds`, `disk_free_mb`, `others` equity of
the other desks by name. A fact that was not measured is null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import nan
from typing import Any

import numpy as np

from core.model.host import WELL, Host
from core.model.record import Kind, Record
from core.settings import Settings
from core.store.archive import View
from core.units import iso, micros, parse_iso

SOURCE = "host"
NEEDED = (Kind.EVENTS, Kind.BOOKS, Kind.METAR, Kind.FORECAST)
"""Without these nothing new is bought; a kind is heard when any of its sources answers about anybody."""
LEAST_ORDERS = 5  # executions below which their p99 says nothing
LOOKBACK = timedelta(hours=6)  # after which a record says nothing of a host any more


def host_record(desk: str, at: datetime, facts: Mapping[str, Any]) -> Record:
    """Return what was measured at an instant as a record."""
    return Record(SOURCE, Kind.HOST, desk, at, None, b"", {}, dict(facts))


def facts_of(
    records: Sequence[Record], at: datetime, *, before: Mapping[str, Any] | None, looked_at: datetime | None,
    measured: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Return the facts of a look.

    Args:
        records: what the sources said for it.
        before: facts of the look before, None for the first: what was silent then is silent since then.
        looked_at: when that look was sealed.
        measured: numbers of the machine, as they are.
    """
    gap = None if looked_at is None else (at - looked_at).total_seconds()
    return {"gap_seconds": gap, "kinds": silent_since(records, at, before), **measured}


def silent_since(records: Sequence[Record], at: datetime, before: Mapping[str, Any] | None) -> dict[str, str]:
    """Return, by needed kind, since when every question of it has failed, "" where one was answered.

    A kind that nobody was asked about stays as it was: silence is only what was asked for and did not come.
    """
    known = dict((before or {}).get("kinds") or {})
    for kind in NEEDED:
        heard = [record.error is None for record in records if record.kind is kind]
        if heard:
            known[str(kind)] = "" if any(heard) else known.get(str(kind)) or iso(at)
    return known


def p99_seconds(seconds: Sequence[float]) -> float | None:
    """Return the time that 99 % of the executions kept, None for too few; of 50 the slowest one alone is an accident."""
    if len(seconds) < LEAST_ORDERS:
        return None
    return float(np.percentile(np.array(seconds), 99.0, method="lower"))


def hosts_of(view: View, desk: str, settings: Settings) -> tuple[Host, ...]:
    """Return what the host said at each instant of a view; nothing where there is no record (imports, old recordings)."""
    stack = view.current(Kind.HOST, desk, LOOKBACK)
    if not len(stack):
        return ()
    places = stack.newest(view.instants).tolist()
    oldest = (view.instants - LOOKBACK // timedelta(microseconds=1)).tolist()
    return tuple(
        host_of(stack.facts[place], int(at), settings) if place >= 0 and int(stack.received_at[place]) >= first else WELL
        for place, at, first in zip(places, view.instants.tolist(), oldest, strict=True)
    )


def host_of(facts: Mapping[str, Any], at: int, settings: Settings) -> Host:
    """Return the facts of a record as numbers, and what of them is sick by the settings."""
    guard, every = settings.guard, float(settings.interval_seconds)
    skews = [abs(float(skew)) for skew in (facts.get("skew_seconds") or {}).values() if skew is not None]
    silent = {kind: (at - micros(parse_iso(since))) / 1e6 for kind, since in (facts.get("kinds") or {}).items() if since}
    gaps = [_number(facts, "gap_seconds"), *silent.values()]
    known = [gap / every for gap in gaps if gap == gap]
    host = Host(
        others_micro=sum(int(equity) for equity in (facts.get("others") or {}).values()),
        skew_seconds=min(skews, default=nan),
        journal_writable=nan if facts.get("journal_ok") is None else float(bool(facts["journal_ok"])),
        order_seconds=_number(facts, "order_seconds"),
        gap_cadences=max(known, default=nan),
        disk_free_mb=_number(facts, "disk_free_mb"),
    )
    late = guard.gap_cadences * every
    sick = (
        *(f"{kind}: no answer for {seconds:.0f} s" for kind, seconds in sorted(silent.items()) if seconds > late),
        *([f"clock: {host.skew_seconds:.1f} s off"] if host.skew_seconds > guard.clock_skew_seconds else []),
        *(["journal: not writable"] if host.journal_writable < 1.0 else []),
        *([f"broker: p99 {host.order_seconds:.1f} s"] if host.order_seconds > guard.order_latency_seconds else []),
        *([f"disk: {host.disk_free_mb:.0f} MB free"] if host.disk_free_mb < guard.disk_free_mb else []),
    )
    return replace(host, sick=sick)


def _number(facts: Mapping[str, Any], name: str) -> float:
    value = facts.get(name)
    return nan if value is None else float(value)
