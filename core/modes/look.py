"""One look without an order: what the sources say, and what the desk makes of it."""

from __future__ import annotations

import argparse
import math

from core.errors import UnknownIdError
from core.modes.lines import table
from core.settings import Settings
from core.supervisor.prepare import prepare
from core.wiring.desk import collect_once, evaluate_now


def fetch(settings: Settings, given: argparse.Namespace) -> int:
    """Ask every source once; 1 when one of them failed."""
    records = collect_once(settings, prepare(settings, given.world or "live"), given.world or "live")
    rows = [
        (record.source, str(record.kind), record.subject, str(len(next(iter(record.rows.values()), ()))), record.error or "ok")
        for record in records
    ]
    for line in table(("source", "kind", "subject", "rows", "state"), rows):
        print(line, flush=True)
    return 1 if any(record.error for record in records) else 0


def probmap(settings: Settings, given: argparse.Namespace) -> int:
    """Print the ladder of every open event of `--stations` and `--date`."""
    world = given.world or "live"
    at, outlooks, brackets = evaluate_now(settings, prepare(settings, world), world)
    wanted = [
        i
        for i in range(len(outlooks["event_id"]))
        if (given.date is None or outlooks["event_day"][i] == given.date.isoformat())
        and (not settings.stations or outlooks["station"][i] in settings.stations)
    ]
    if not wanted:
        raise UnknownIdError("no open event for these stations and days; --mode fetch shows what the venues list")
    for i in wanted:
        event_id = outlooks["event_id"][i]
        print(f"\n{outlooks['city'][i]} {outlooks['event_day'][i]} ({outlooks['venue'][i]}), as of {at:%Y-%m-%d %H:%M:%S}Z")
        rows = [
            (brackets["label"][j], *(_percent(brackets[name][j]) for name in ("p_model", "p_market", "p_pooled")),
             _cents(brackets["yes_price"][j]), _cents(brackets["no_price"][j]), _cents(brackets["edge"][j]), brackets["reason"][j] or "trade")
            for j in range(len(brackets["event_id"]))
            if brackets["event_id"][j] == event_id
        ]  # fmt: skip
        header = ("bracket", "model %", "market %", "pooled %", "YES ¢", "NO ¢", "edge ¢", "why")
        for line in table(header, rows):
            print(line, flush=True)
    return 0


def _percent(probability: float) -> str:
    return "—" if math.isnan(probability) else f"{100 * probability:.1f}"


def _cents(usd: float) -> str:
    return "—" if math.isnan(usd) else f"{100 * usd:.1f}"
