"""Model and market on settled days: scores of both, at the same instants, from what was known at each."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

from core.errors import NotAllowedError, StoreError
from core.modes.history import load_history, real_folder
from core.modes.lines import table
from core.services.status import DESCRIPTIVE
from core.settings import Settings
from core.supervisor.prepare import prepare
from core.wiring.research import Score, ScoredDay, score, verify_days
from core.wiring.sources import names_of, span_of, truth_of, with_learning

NOTHING = "-"
CHECKPOINT_HEADER = (
    "checkpoint", "n", "model log", "market log", "model Brier", "market Brier", "model top", "market top", "print age"
)  # fmt: skip


def verify(settings: Settings, given: argparse.Namespace) -> int:
    """Score the days of the named sets that lie in `--start` to `--end`, learning from all earlier ones."""
    names, real_dir = names_of(given.sets), real_folder(given)
    spans = {name: _span(given, name) for name in names}
    data_dir = prepare(settings, "archive")
    load_history(real_dir, data_dir, with_learning(names))
    days = {name: _days(settings, data_dir, real_dir, name, *spans[name]) for name in names}
    if not any(days.values()):
        raise NotAllowedError(f"no settled day of {', '.join(names)} lies in that span", "start")
    scores = {name: score(found) for name, found in days.items()}
    pooled = score([day for found in days.values() for day in found])
    for name, found in (*scores.items(), *((("pooled", pooled),) if len(scores) > 1 else ())):
        print("\n".join(("", *_lines(name, found))), flush=True)
    if given.json is not None:
        _write(given.json, {"sets": {name: asdict(found) for name, found in scores.items()}, "pooled": asdict(pooled)})
    return 0


def _span(given: argparse.Namespace, name: str) -> tuple[date, date]:
    first, last = span_of(name)
    first, last = max(first, given.start or first), min(last, given.end or last)
    if last < first:
        raise NotAllowedError(
            f"set {name} runs from {span_of(name)[0]} to {span_of(name)[1]}: none of it is asked for", "start"
        )
    return first, last


def _days(settings: Settings, data_dir: Path, real_dir: Path, name: str, first: date, last: date) -> list[ScoredDay]:
    return list(verify_days(settings, data_dir, truth_of(real_dir, data_dir, name), first, last))


def _lines(name: str, found: Score) -> Iterator[str]:
    own, ahead = found.settlement, found.day1
    yield (
        f"Set {name}: {found.n_days} settled days ({DESCRIPTIVE})"
        if name != "pooled"
        else f"Pooled: {found.n_days} settled days"
    )
    if own.n:
        yield f"settlement from METAR text alone: bracket {own.bracket_agree} of {own.n}, exact value {own.value_agree} of {own.n}"
    else:
        yield "settlement: no reports of the station itself"
    yield from table(CHECKPOINT_HEADER, [_row(asdict(each)) for each in found.checkpoints])
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
