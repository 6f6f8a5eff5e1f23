"""Model and market on settled days: scores of both, at the same instants, from what was known at each."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from core.errors import NotAllowedError, StoreError
from core.modes.history import load_history, real_folder
from core.modes.lines import table
from core.settings import Settings
from core.supervisor.prepare import prepare
from core.wiring.research import (
    Count,
    MomentScore,
    Score,
    ScoredDay,
    Truth,
    rule_counts,
    score,
    verify_days,
    verify_moments,
)  # fmt: skip
from core.wiring.sources import (
    daily_summary_of,
    grade_of,
    has_forecasts,
    names_of,
    reporters_of,
    span_of,
    truth_of,
    with_learning,
)

NOTHING = "-"
CHECKPOINT_HEADER = (
    "checkpoint", "n", "model log", "market log", "model Brier", "market Brier", "model top", "market top", "print age"
)  # fmt: skip
MOMENT_HEADER = (
    "moments, local clock", "events", "moments", "model log", "market log", "model Brier", "market Brier", "model RPS",
    "market RPS", "model better",
)  # fmt: skip
RULE_HEADER = ("how the rule is read", "bracket", "exact value", "of")
AT_MOMENTS = "G"  # the set whose forecasts and prices were read together


def verify(settings: Settings, given: argparse.Namespace) -> int:
    """Score the days of the named sets that lie in `--start` to `--end`, learning from all earlier ones."""
    names, real_dir = names_of(given.sets), real_folder(given)
    spans = {name: _span(given, name) for name in names}
    data_dir = prepare(settings, "archive")
    load_history(real_dir, data_dir, with_learning(names))
    truths = {name: truth_of(real_dir, data_dir, name) for name in names}
    days = {name: _days(settings, data_dir, truths[name], *spans[name]) for name in names}
    if not any(days.values()):
        raise NotAllowedError(f"no settled day of {', '.join(names)} lies in that span", "start")
    alone = {name: not has_forecasts(name) for name in names}
    scores = {name: score(found, market_alone=alone[name]) for name, found in days.items()}
    pooled = score([day for found in days.values() for day in found], market_alone=all(alone.values()))
    for name, found in (*scores.items(), *((("pooled", pooled),) if len(scores) > 1 else ())):
        print("\n".join(("", *_lines(name, found))), flush=True)
    result: dict[str, Any] = {"sets": {name: asdict(found) for name, found in scores.items()}, "pooled": asdict(pooled)}
    if AT_MOMENTS in names:
        told = verify_moments(settings, data_dir, truths[AT_MOMENTS], *spans[AT_MOMENTS])
        result["moments"] = {AT_MOMENTS: [asdict(each) for each in told]}
        print("\n".join(("", *_moment_lines(told))), flush=True)
    if given.rules:
        counted = {name: _counts(data_dir, real_dir, name, truths[name], spans[name]) for name in names}
        result["rules"] = {name: [asdict(each) for each in found] for name, found in counted.items()}
        print("\n".join(line for name, found in counted.items() for line in ("", *_rule_lines(name, found))), flush=True)
    if given.json is not None:
        _write(given.json, result)
    return 0


def _counts(
    data_dir: Path, real_dir: Path, name: str, truth: Mapping[str, Truth], span: tuple[date, date]
) -> tuple[Count, ...]:
    reporters = reporters_of(name)
    daily = {code: daily_summary_of(real_dir, data_dir, code) for code in reporters.values()}
    return rule_counts(data_dir, truth, reporters, daily, *span)


def _moment_lines(found: Sequence[MomentScore]) -> Iterator[str]:
    yield f"Set {AT_MOMENTS}, model against market at every moment at which both were read ({grade_of(AT_MOMENTS)})"
    yield from table(MOMENT_HEADER, [
        (
            each.name, str(each.n_events), str(each.n_moments), *(_number(value) for value in (
                each.model_log, each.market_log, each.model_brier, each.market_brier, each.model_rps, each.market_rps,
            )), f"{each.model_better} of {each.n_events}",
        )
        for each in found
    ])  # fmt: skip
    yield "Few days, and all cities share their weather: this describes them and proves nothing."


def _rule_lines(name: str, found: Sequence[Count]) -> Iterator[str]:
    yield f"Set {name}: what the reports would have settled under the rule, and under wrong ones (days right)"
    if not found:
        yield "no reports of the station or of a neighbour"
        return
    yield from table(RULE_HEADER, [
        (each.name, str(each.bracket), f"{each.value} of {each.n_valued}" if each.n_valued else NOTHING, str(each.n))
        for each in found
    ])  # fmt: skip


def _span(given: argparse.Namespace, name: str) -> tuple[date, date]:
    first, last = span_of(name)
    first, last = max(first, given.start or first), min(last, given.end or last)
    if last < first:
        raise NotAllowedError(
            f"set {name} runs from {span_of(name)[0]} to {span_of(name)[1]}: none of it is asked for", "start"
        )
    return first, last


def _days(settings: Settings, data_dir: Path, truth: Mapping[str, Truth], first: date, last: date) -> list[ScoredDay]:
    return list(verify_days(settings, data_dir, truth, first, last))


def _lines(name: str, found: Score) -> Iterator[str]:
    own, ahead = found.settlement, found.day1
    yield (
        f"Set {name}: {found.n_days} settled days ({grade_of(name)})"
        if name != "pooled"
        else f"Pooled: {found.n_days} settled days"
    )
    if own.n:
        yield f"settlement from METAR text alone: bracket {own.bracket_agree} of {own.n}, exact value {own.value_agree} of {own.n}"
    else:
        yield "settlement: no reports of the station itself"
    yield from table(CHECKPOINT_HEADER, [_row(asdict(each)) for each in found.checkpoints])
    if ahead.rps_model is None:
        return
    yield (
        f"17:45 D-1, whole °F: RPS model {_number(ahead.rps_model)}, raw mean {_number(ahead.rps_baseline)}, "
        f"bias-corrected mean {_number(ahead.rps_bias_corrected)}"
    )
    if ahead.change_pct is not None:
        low, high = ahead.ci90 or (None, None)
        yield (
            f"model against raw mean {ahead.change_pct:+.1f} % [{_number(low, '+.1f')}, {_number(high, '+.1f')}], "
            f"80 % coverage {_number(ahead.coverage80)}, mean 80 % width {_number(ahead.width80, '.2f')} °F"
        )


def _row(checkpoint: dict[str, object]) -> Sequence[str]:
    at, n, *scores, age = checkpoint.values()
    minutes = f"{age / 60:.0f} min" if isinstance(age, float) else NOTHING
    return (str(at), str(n), *(_number(each) for each in scores), minutes)


def _number(value: object, form: str = ".3f") -> str:
    return format(value, form) if isinstance(value, float) else NOTHING


def _write(target: Path, result: object) -> None:
    try:
        target.write_text(json.dumps(result, indent=1) + "\n")
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror}; give another --json") from None
