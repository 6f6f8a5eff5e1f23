"""An `Event` as the facts and rows of an `events` record, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
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


def fee_facts(fees: Fees) -> dict[str, Any]:
    """Return a fee schedule as JSON values; a maker's rate only where there is one."""
    told: dict[str, Any] = {"rate": fees.rate, "exponent": fees.exponent, "rounding": str(fees.rounding)}
    return {**told, "maker_rate": fees.maker_rate} if fees.maker_rate else told


def fees_of(told: Mapping[str, Any]) -> Fees:
    """Return the fee schedule that `fee_facts` wrote."""
    return Fees(told["rate"], told["exponent"], FeeRounding(told["rounding"]), told.get("maker_rate", 0.0))


def event_facts(event: Event) -> tuple[dict[str, Any], Columns]:
    """Return facts and rows of an event whose rule is understood."""
    facts = {
        "venue": event.venue, "event_id": event.event_id, "title": event.title, "city": event.city,
        "event_day": event.event_day.isoformat(), "extreme": str(event.extreme), "text": event.rule.text,
        "sha256": event.rule.sha256, "refusal": "", "rule": rule_facts(event.rule),
        "fees": fee_facts(event.fees),
        "tick_micro": event.tick_micro, "min_size_micro": event.min_size_micro, "liquidity_usd": event.liquidity_usd,
        "opens_at": iso(event.opens_at) if event.opens_at else "",
        "closes_at": iso(event.closes_at) if event.closes_at else "", "accepting": event.accepting,
    }  # fmt: skip
    return facts, ladder_columns(event.ladder, [event.accepting] * len(event.ladder))


def ladder_columns(ladder: Sequence[Bracket], accepting: Sequence[bool]) -> Columns:
    """Return the rows of an `events` record: a bracket each, and whether its market takes orders."""
    return {
        "market_id": np.array([b.market_id for b in ladder], dtype=object),
        "yes": np.array([b.yes for b in ladder], dtype=object),
        "no": np.array([b.no for b in ladder], dtype=object),
        "label": np.array([b.label for b in ladder], dtype=object),
        "lower": np.array([OPEN_LOW if b.lower is None else b.lower for b in ladder], np.int64),
        "upper": np.array([OPEN_HIGH if b.upper is None else b.upper for b in ladder], np.int64),
        "accepting": np.array(accepting, np.bool_),
    }


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
    return Event(
        venue=facts["venue"], event_id=facts["event_id"], title=facts["title"], city=facts["city"],
        event_day=date.fromisoformat(facts["event_day"]), extreme=Extreme(facts["extreme"]), rule=rule_of(facts["rule"]),
        ladder=ladder, fees=fees_of(facts["fees"]),
        tick_micro=facts["tick_micro"], min_size_micro=facts["min_size_micro"], liquidity_usd=facts["liquidity_usd"],
        opens_at=parse_iso(facts["opens_at"]) if facts["opens_at"] else None,
        closes_at=parse_iso(facts["closes_at"]) if facts["closes_at"] else None, accepting=facts["accepting"],
    )  # fmt: skip


STATISTICS: Mapping[Statistic, str] = {
    Statistic.OFFICIAL_MAX: "the official maximum of the whole day, as the climate report prints it",
    Statistic.OFFICIAL_MIN: "the official minimum of the whole day, as the climate report prints it",
    Statistic.MAX_LISTED_REPORT: "the highest of all listed reports",
    Statistic.MIN_LISTED_REPORT: "the lowest of all listed reports",
    Statistic.MAX_HOURLY_READING: "the highest of the hourly reports",
    Statistic.MIN_HOURLY_READING: "the lowest of the hourly reports",
    Statistic.DAILY_EXTRACT: "the maximum of the observatory's own daily table",
    Statistic.DAILY_EXTRACT_MIN: "the minimum of the observatory's own daily table",
}
WINDOWS: Mapping[DayWindow, str] = {
    DayWindow.CIVIL: "from midnight to midnight by the clock there",
    DayWindow.STANDARD_TIME: "from midnight to midnight of standard time, in summer an hour later by the clock",
}
ROUNDINGS: Mapping[Rounding, str] = {
    Rounding.AS_PRINTED: "the number as it is printed", Rounding.HALF_UP: "the nearest whole degree, halves up",
    Rounding.FLOOR: "the whole degree below",
}  # fmt: skip
NO_DATA: Mapping[str, str] = {"": "its text does not say", "lowest_bracket": "the lowest bracket wins"}
Window = tuple[datetime, datetime]


def differences(one: SettlementRule, other: SettlementRule, windows: tuple[Window, Window] | None = None) -> tuple[str, ...]:
    """Return in sentences why two rules about the same city and day may give two answers; empty: they are alike.

    Args:
        one, other: rules.
        windows: settlement windows of both on the day in question; without them the days are described by their kind.
    """
    told = {
        "Station": (one.station, other.station),
        "Number": (STATISTICS[one.statistic], STATISTICS[other.statistic]),
        "Day": _days(one, other, windows),
        "Unit": (f"°{one.unit}", f"°{other.unit}"),
        "Source": (_source(one), _source(other)),
        "Rounding": (_rounding(one), _rounding(other)),
        "Without data": (_no_data(one), _no_data(other)),
    }
    return tuple(f"{name}: {mine}; the other: {theirs}." for name, (mine, theirs) in told.items() if mine != theirs)


def _days(one: SettlementRule, other: SettlementRule, windows: tuple[Window, Window] | None) -> tuple[str, str]:
    if windows is None:
        return WINDOWS[one.window], WINDOWS[other.window]
    mine, theirs = (f"{start:%d %B %H:%M} to {end:%d %B %H:%M} UTC" for start, end in windows)
    return mine, theirs


def _source(rule: SettlementRule) -> str:
    return f"{rule.source}, else {rule.fallback_source}" if rule.fallback_source else rule.source


def _rounding(rule: SettlementRule) -> str:
    printed = "tenths" if rule.precision is Precision.TENTH else "whole degrees"
    return f"{printed} are printed, what counts is {ROUNDINGS[rule.rounding]}"


def _no_data(rule: SettlementRule) -> str:
    return NO_DATA.get(rule.no_data, rule.no_data.replace("_", " "))
