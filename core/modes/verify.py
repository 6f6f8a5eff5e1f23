"""Model and market on settled days: scores of both, at the same instants, from what was known at each."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from core.checkpoints import CHECKPOINTS
from core.errors import NotAllowedError, StoreError
from core.journal.reader import JournalReader
from core.model.record import Kind
from core.modes.history import load_history, real_folder
from core.modes.scores import audit_lines, earned_lines, moment_lines, rule_lines, score_lines, uncertainty_lines
from core.modes.where import JOURNAL, journal_folder
from core.settings import Settings
from core.store.catalogue import Catalogue
from core.store.layout import ARCHIVE, SNAPSHOTS
from core.supervisor.prepare import prepare
from core.units import instant
from core.wiring.desk import journal_address
from core.wiring.research import (
    Count,
    Truth,
    Verified,
    constants_hash,
    rule_counts,
    score,
    uncertainties,
    verify_days,
    verify_moments,
    verify_own,
)
from core.wiring.sources import (
    daily_summary_of,
    grade_of,
    has_forecasts,
    is_imported,
    names_of,
    reporters_of,
    span_of,
    truth_of,
    with_learning,
)

MOST_DAYS = 500  # of a folder's own records
AT_MOMENTS = "G"  # the set whose forecasts and prices were read together


def verify(settings: Settings, given: argparse.Namespace) -> int:
    """Score settled days: of the named sets of `--real-data`, or without it of the data folder's own records.

    Days lie in `--start` to `--end`; each is believed with what all earlier ones had taught.
    """
    parts, result = _own(settings, given) if given.real_data is None else _sets(settings, given)
    print("\n".join(line for part in parts for line in ("", *part)), flush=True)
    if given.json is not None:
        _write(given.json, json.dumps(result, indent=1) + "\n", "json")
    if given.report is not None:
        _write(given.report, _report(parts, given), "report")
    return 0


def _sets(settings: Settings, given: argparse.Namespace) -> tuple[list[list[str]], dict[str, Any]]:
    names, real_dir = names_of(given.sets), real_folder(given)
    spans = {name: _span(given, name) for name in names}
    data_dir = prepare(settings, "archive")
    load_history(real_dir, data_dir, with_learning(names))
    truths = {name: truth_of(real_dir, data_dir, name) for name in names}
    verified = verify_days(settings, data_dir, truths, spans)
    if not any(verified.days.values()):
        raise NotAllowedError(f"no settled day of {', '.join(names)} lies in that span", "start")
    alone = {name: not has_forecasts(name) for name in names}
    scores = {name: score(found, market_alone=alone[name]) for name, found in verified.days.items()}
    pooled = score([day for found in verified.days.values() for day in found], market_alone=all(alone.values()))
    parts = [
        list(score_lines(f"Set {name}: {found.n_days} settled days ({grade_of(name)})", found))
        for name, found in scores.items()
    ]
    parts += [list(score_lines(f"Pooled: {pooled.n_days} settled days", pooled))] if len(scores) > 1 else []
    result: dict[str, Any] = {"sets": {name: asdict(found) for name, found in scores.items()}, "pooled": asdict(pooled)}
    if not all(alone.values()):
        parts += _learned(verified, result)
    if AT_MOMENTS in names:
        told = verify_moments(settings, data_dir, truths[AT_MOMENTS], *spans[AT_MOMENTS])
        result["moments"] = {AT_MOMENTS: [asdict(each) for each in told]}
        parts.append(list(moment_lines(AT_MOMENTS, grade_of(AT_MOMENTS), told)))
    if given.rules:
        counted = {name: _counts(data_dir, real_dir, name, truths[name], spans[name]) for name in names}
        result["rules"] = {name: [asdict(each) for each in found] for name, found in counted.items()}
        parts += [list(rule_lines(name, found)) for name, found in counted.items()]
    return parts, result


def _own(settings: Settings, given: argparse.Namespace) -> tuple[list[list[str]], dict[str, Any]]:
    data_dir = settings.data_dir if is_imported(settings.data_dir) else journal_folder(settings, given)
    if not any((data_dir / name).is_dir() for name in (SNAPSHOTS, ARCHIVE)):
        raise StoreError(f"{data_dir} holds no records; give the --data folder of a session, or --real-data DIR")
    heard = Catalogue(data_dir, readonly=True).newest_of(Kind.OUTCOMES)
    if not heard:
        raise NotAllowedError(f"nothing was settled in {data_dir} yet", "data")
    last = given.end or instant(max(heard.values())).date()
    first = given.start or last - timedelta(days=MOST_DAYS)
    world = _world(settings, given, data_dir)
    verified = verify_own(settings, data_dir, world, first, last)
    if not verified.days:
        raise NotAllowedError(f"no event of {data_dir} was settled from {first} to {last}", "start")
    scores = {name: score(found) for name, found in verified.days.items()}
    grade = " (simulated)" if world == "demo" else ""
    parts = [list(score_lines(f"{name}: {found.n_days} settled events{grade}", found)) for name, found in scores.items()]
    result: dict[str, Any] = {"sets": {name: asdict(found) for name, found in scores.items()}}
    return [*parts, *_learned(verified, result)], result


def _world(settings: Settings, given: argparse.Namespace, data_dir: Path) -> str:
    """Return whose records a folder holds: as it was imported, as its journal says, else as was asked."""
    if is_imported(data_dir):
        return "archive"
    kept = JournalReader(journal_address(settings, data_dir)).world() if (data_dir / JOURNAL).exists() else ""
    return kept.partition(":")[0] or given.world or ("live" if data_dir == settings.folder("live") else "demo")


def _learned(verified: Verified, result: dict[str, Any]) -> list[list[str]]:
    """Return uncertainty and what was earned, and add them to the result."""
    found = uncertainties([each for scored in verified.scored.values() for each in scored])
    result["uncertainty"] = [asdict(each) for each in found]
    result["audit"] = None if verified.audit is None else {**asdict(verified.audit), "gap_pct": verified.audit.gap}
    result["earned"] = [
        {
            "venue": each.venue, "checkpoint": CHECKPOINTS[each.checkpoint].name, "n": each.n, "size": each.gate.size,
            "why": each.gate.sentence, "pool_weight": each.weight.weight, "correction": each.recalibration.on,
            "shrinkage": each.shrinkage.factor,
        }
        for each in verified.earned
    ]  # fmt: skip
    audited = [] if verified.audit is None else [list(audit_lines(verified.audit))]
    return [*audited, list(uncertainty_lines(found)), list(earned_lines(verified.earned))]


def _report(parts: Sequence[Sequence[str]], given: argparse.Namespace) -> str:
    """Return the tables as a page, with the hash of the constants that made them."""
    asked = f"--set {given.sets}" if given.real_data is not None else "of the folder's own records"
    return "\n".join((
        "# Scores on settled days", "", f"Made by `--mode verify` {asked}; constants {constants_hash()}.", "",
        *(line for part in parts for line in (f"## {part[0]}", "", "```", *part[1:], "```", "")),
    ))  # fmt: skip


def _counts(
    data_dir: Path, real_dir: Path, name: str, truth: Mapping[str, Truth], span: tuple[date, date]
) -> tuple[Count, ...]:
    reporters = reporters_of(name)
    daily = {code: daily_summary_of(real_dir, data_dir, code) for code in reporters.values()}
    return rule_counts(data_dir, truth, reporters, daily, *span)


def _span(given: argparse.Namespace, name: str) -> tuple[date, date]:
    first, last = span_of(name)
    first, last = max(first, given.start or first), min(last, given.end or last)
    if last < first:
        raise NotAllowedError(
            f"set {name} runs from {span_of(name)[0]} to {span_of(name)[1]}: none of it is asked for", "start"
        )
    return first, last


def _write(target: Path, text: str, option: str) -> None:
    try:
        target.write_text(text, "utf-8")
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror}; give another --{option}") from None
