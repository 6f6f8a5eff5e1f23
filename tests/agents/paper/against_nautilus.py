"""Compare orders that take with nautilus_trader's matching engine: `python -m tests.agents.paper.against_nautilus 10000`.

The engine runs in an environment of its own: `--python` or HERMES_NAUTILUS_PYTHON names its interpreter (a virtual
environment with `pip install nautilus_trader`). `--write` keeps the outcome in `nautilus.txt`, `--keep` the engine's own
answers to the first questions, which the tests compare with where there is no such environment.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from tests.agents.paper.random_books import Answer, Question, ours, questions

HERE = Path(__file__).parent
ENGINE, OUTCOME, KEPT = HERE / "nautilus_engine.py", HERE / "nautilus.txt", HERE / "nautilus_kept.json"
VARIABLE = "HERMES_NAUTILUS_PYTHON"
SEED, N_KEPT = 20261122, 200


def theirs(asked: Sequence[Question], python: str) -> tuple[dict[str, str], list[Answer]]:
    """Return the engine's versions and its answers."""
    lines = "".join(json.dumps(each.wire) + "\n" for each in asked)
    run = subprocess.run([python, str(ENGINE)], input=lines, capture_output=True, text=True, check=True)
    versions, *answers = run.stdout.splitlines()
    return json.loads(versions), [answer_of(json.loads(line)) for line in answers]


def answer_of(told: dict[str, object]) -> Answer:
    """Return an answer of the engine."""
    fills = tuple((Decimal(price), Decimal(size)) for price, size in told["fills"])  # type: ignore[attr-defined]
    return Answer(fills, Decimal(str(told["fee"])))


def differences(asked: Sequence[Question], one: Iterable[Answer], other: Iterable[Answer]) -> Iterator[str]:
    """Yield each question that was answered differently."""
    for each, ours_, theirs_ in zip(asked, one, other, strict=True):
        if ours_ != theirs_:
            yield f"{each}\n  ours   {ours_}\n  theirs {theirs_}"


def summary(asked: Sequence[Question], answers: Sequence[Answer], versions: dict[str, str], found: Sequence[str]) -> str:
    """Return what was compared, in lines."""
    kinds = Counter(_kind(each, answer) for each, answer in zip(asked, answers, strict=True))
    levels = Counter(len(answer.fills) for answer in answers)
    shares = sum((size for answer in answers for _, size in answer.fills), Decimal(0))
    fees = sum((answer.fee for answer in answers), Decimal(0))
    lines = [
        f"{len(asked)} random books and orders (seed {SEED}), immediate or cancel, against nautilus_trader "
        f"{versions['nautilus_trader']} (OrderMatchingEngine, L2 book) on Python {versions['python']}",
        *(f"  {n:6d} {kind}" for kind, n in sorted(kinds.items())),
        f"  {sum(not (each.bids if each.buys else each.asks) for each in asked):6d} of them without a level on the order's own side, "
        "where the engine is shown a lot at the far end: without both sides it fills nothing",
        "  levels met: " + ", ".join(f"{n} x {met}" for met, n in sorted(levels.items())),
        f"  filled: {shares} shares, fees {fees} USD (the venues' formula over the engine's own fills)",
        f"  different in price, quantity or fee: {len(found)}",
        *found[:20],
    ]
    return "\n".join(lines) + "\n"


def _kind(each: Question, answer: Answer) -> str:
    filled = sum((size for _, size in answer.fills), Decimal(0))
    part = "not filled" if not filled else "filled" if filled == Decimal(each.size) else "filled in part"
    return f"{each.venue} tick {each.tick} {'buy' if each.buys else 'sell'} {part}"


def keep(asked: Sequence[Question], answers: Sequence[Answer], versions: dict[str, str]) -> None:
    """Write the engine's answers to the first questions."""
    told = [
        {"fills": [[str(price), str(size)] for price, size in answer.fills], "fee": str(answer.fee)}
        for answer in answers[:N_KEPT]
    ]
    rows = ",\n".join(json.dumps(each) for each in told)
    KEPT.write_text(f'{{"seed": {SEED}, "versions": {json.dumps(versions)}, "answers": [\n{rows}\n]}}\n', "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare and say what differed; 0: nothing."""
    parser = argparse.ArgumentParser(prog="python -m tests.agents.paper.against_nautilus", description=__doc__)
    parser.add_argument("n", type=int, nargs="?", default=10_000, help="how many books")
    parser.add_argument("--python", default=os.environ.get(VARIABLE, ""), help=f"interpreter of the engine ({VARIABLE})")
    parser.add_argument("--write", action="store_true", help=f"keep the outcome in {OUTCOME.name}")
    parser.add_argument("--keep", action="store_true", help=f"keep the engine's first {N_KEPT} answers in {KEPT.name}")
    asked_for = parser.parse_args(arguments)
    if not asked_for.python:
        parser.error(f"--python or {VARIABLE} must name an interpreter that has nautilus_trader")
    asked = list(questions(asked_for.n, SEED))
    versions, answers = theirs(asked, asked_for.python)
    with tempfile.TemporaryDirectory() as folder:
        found = list(differences(asked, ours(asked, Path(folder)), answers))
    told = summary(asked, answers, versions, found)
    sys.stdout.write(told)
    if asked_for.write:
        OUTCOME.write_text(told, "utf-8")
    if asked_for.keep:
        keep(asked, answers, versions)
    return bool(found)


if __name__ == "__main__":
    raise SystemExit(main())
