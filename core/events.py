"""An `Event` as the facts and rows of an `events` record, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np

from core.errors import LadderError, RuleError
from core.model.event import Bracket, Event, FeeRounding, Fees, checked_ladder
from core.model.rule import DayWindow, Extreme, Grade, Precision, Rounding, SettlementRule, Statistic
from core.units import Columns, Unit, iso, parse_iso

OPEN_LOW, OPEN_HIGH = -32_768, 32_767


def rule_facts(rule: SettlementRule) -> dict[str, Any]:
    """Return a rule as JSON values."""
    return {name: str(value) for name, value in asdict(rule).items()}


def rule_of(facts: Mapping[str, Any]) -> SettlementRule:
    """Return the rule that `rule_facts` wrote."""
    return SettlementRule(**{
        **facts, "statistic": Statistic(facts["statistic"]), "unit": Unit(facts["unit"]),
        "precision": Precision(facts["precision"]), "rounding": Rounding(facts["rounding"]),
        "window": DayWindow(facts["window"]), "grade": Grade(facts["grade"]),
    })  # fmt: skip


def event_facts(event: Event) -> tuple[dict[str, Any], Columns]:
    """Return facts and rows of an event whose rule is understood."""
    facts = {
        "venue": event.venue, "event_id": event.event_id, "title": event.title, "city": event.city,
        "event_day": event.event_day.isoformat(), "extreme": str(event.extreme), "text": event.rule.text,
        "sha256": event.rule.sha256, "refusal": "", "rule": rule_facts(event.rule),
        "fees": {"rate": event.fees.rate, "exponent": event.fees.exponent, "rounding": str(event.fees.rounding)},
        "tick_micro": event.tick_micro, "min_size_micro": event.min_size_micro, "liquidity_usd": event.liquidity_usd,
        "opens_at": iso(event.opens_at) if event.opens_at else "",
        "closes_at": iso(event.closes_at) if event.closes_at else "", "accepting": event.accepting,
    }  # fmt: skip
    ladder = event.ladder
    rows: Columns = {
        "market_id": np.array([b.market_id for b in ladder], dtype=object),
        "yes": np.array([b.yes for b in ladder], dtype=object),
        "no": np.array([b.no for b in ladder], dtype=object),
        "label": np.array([b.label for b in ladder], dtype=object),
        "lower": np.array([OPEN_LOW if b.lower is None else b.lower for b in ladder], np.int64),
        "upper": np.array([OPEN_HIGH if b.upper is None else b.upper for b in ladder], np.int64),
        "accepting": np.full(len(ladder), event.accepting),
    }
    return facts, rows


def event_of(facts: Mapping[str, Any], rows: Columns) -> Event:
    """Return the event of a record; RuleError or LadderError when it must not be traded."""
    if facts["refusal"] or not facts["rule"]:
        raise RuleError(f"{facts['event_id']}: {facts['refusal'] or 'no rule'}")
    try:
        ladder = checked_ladder(tuple(
            Bracket(
                None if rows["lower"][i] == OPEN_LOW else int(rows["lower"][i]),
                None if rows["upper"][i] == OPEN_HIGH else int(rows["upper"][i]),
                str(rows["label"][i]), str(rows["market_id"][i]), str(rows["yes"][i]), str(rows["no"][i]),
            )
            for i in range(len(rows["label"]))
        ))  # fmt: skip
    except LadderError as error:
        raise LadderError(f"{facts['event_id']}: {error}") from None
    fees = facts["fees"]
    return Event(
        venue=facts["venue"], event_id=facts["event_id"], title=facts["title"], city=facts["city"],
        event_day=date.fromisoformat(facts["event_day"]), extreme=Extreme(facts["extreme"]), rule=rule_of(facts["rule"]),
        ladder=ladder, fees=Fees(fees["rate"], fees["exponent"], FeeRounding(fees["rounding"])),
        tick_micro=facts["tick_micro"], min_size_micro=facts["min_size_micro"], liquidity_usd=facts["liquidity_usd"],
        opens_at=parse_iso(facts["opens_at"]) if facts["opens_at"] else None,
        closes_at=parse_iso(facts["closes_at"]) if facts["closes_at"] else None, accepting=facts["accepting"],
    )  # fmt: skip
