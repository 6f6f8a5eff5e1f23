"""What people ask of a desk: recorded like any outside answer, obeyed from the record.

A word that cannot be obeyed is answered, never a fault: whoever asked reads why in the activity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import orjson

from agents.transmission.multipliers import DIAL_MICRO
from agents.transmission.profiles import (
    ACCOUNT_DRAWDOWN,
    DRAWDOWN_REFERENCE,
    FLATTEN,
    KILL,
    RED_DAYS,
    RESULTS_Z,
    TRIPWIRES,
    tripped_names,
)
from core.journal.changes import Obedience
from core.model.account import Account
from core.model.activity import Action, Activity, Severity
from core.model.command import KILL_FILE, Command, Verb
from core.model.cycle import Cycle
from core.model.governor import FULL_DIAL, MOST_REBASES
from core.model.record import Kind, Record
from core.store.archive import View
from core.units import MICRO, BoolArray

BY_FILE = "file"
LIFTABLE = KILL | ACCOUNT_DRAWDOWN | RED_DAYS | RESULTS_Z | FLATTEN
"""What a person's lift ends; the drawdowns end otherwise."""
HALF = MICRO // 2
MOST_WORDS = 200  # of a reason that is repeated


def commands_record(desk: str, pending: Sequence[Command], kill_file: bool, account: Account, at: datetime) -> Record | None:
    """Return the record of what people want now, or None when they want nothing.

    The file `data/KILL` counts as a command for as long as it is there and the switch is not thrown.
    """
    wishes = [(str(each.command_id), str(each.verb), each.arguments, each.by) for each in pending]
    if kill_file and not bool((account.tripped & KILL).all()):
        wishes.append((f"{BY_FILE}-{at:%Y%m%dT%H%M%S}", str(Verb.KILL), "{}", f"data/{KILL_FILE}"))
    if not wishes:
        return None
    columns = zip(*wishes, strict=True)
    rows = {
        name: np.array(list(column), dtype=object)
        for name, column in zip(("command_id", "verb", "arguments", "by"), columns, strict=True)
    }
    return Record("operator", Kind.COMMANDS, desk, at, None, b"", rows, {"kill_file": kill_file})


def obey(cycle: Cycle, account: Account, view: View, since: datetime) -> Iterator[Obedience]:
    """Yield what the commands received after `since` change, each on top of the one before."""
    stack = view.stack(Kind.COMMANDS, cycle.desk, since)
    for index in range(len(stack)):
        rows, kill_file = stack.rows(index), bool(stack.facts[index].get("kill_file"))
        for i in range(len(rows["verb"])):
            words = str(rows["verb"][i]), str(rows["arguments"][i]), str(rows["by"][i])
            answer = obeyed(account, *words, kill_file=kill_file)
            command_id = str(rows["command_id"][i])
            line = _line(cycle, command_id, words[0], answer)
            after = answer.account
            if after is None:
                yield Obedience(command_id, None, (line,))
                continue
            yield Obedience(command_id, after.tripped, (line,), after.governor)
            account = after


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command came to: the account after it, None where it changes nothing, and what is said of it."""

    message: str
    account: Account | None = None
    data: Mapping[str, object] = field(default_factory=dict)  # name, value, limit
    refused: bool = False


def obeyed(account: Account, verb: str, arguments: str, by: str, *, kill_file: bool = False) -> Answer:
    """Return what one command comes to."""
    if verb not in ANSWERS:
        known = verb in list(Verb)
        return Answer(f"{verb} by {by}" if known else f"{verb[:40]!r} by {by} is no command of a desk", refused=not known)
    try:
        given = orjson.loads(arguments or "{}")
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        return Answer(f"{verb} by {by} not obeyed: its arguments are no JSON object", refused=True)
    return ANSWERS[verb](account, {**given, "kill_file": kill_file}, by)


def killed(account: Account) -> Account:
    """Return the account with the kill switch thrown."""
    return replace(account, tripped=account.tripped | np.int64(KILL))


def lifted(account: Account, bits: int = LIFTABLE) -> Account:
    """Return the account without the given tripwires; what they counted is counted anew, so that none trips again at once."""
    governor, held = account.governor, account.tripped & np.int64(bits)
    results, nothing = (held & RESULTS_Z) != 0, np.zeros_like(held)
    by_day = results[:, None]
    governor = replace(
        governor,
        red_days=np.where(held & RED_DAYS, nothing, governor.red_days),
        account_high_micro=np.where(held & ACCOUNT_DRAWDOWN, nothing, governor.account_high_micro),
        claim_diff_micro=np.where(by_day, 0, governor.claim_diff_micro), claim_var=np.where(by_day, 0, governor.claim_var),
        settled=np.where(results, nothing, governor.settled), judged=np.where(results, nothing, governor.judged),
        flatten=np.where(held & FLATTEN, nothing, governor.flatten),
    )  # fmt: skip
    return replace(account, tripped=account.tripped & ~np.int64(bits), governor=governor)


def may_rebase(account: Account) -> BoolArray:
    """Return which runs stand paused at their drawdown from the reference high and have a rebase left, (n_runs,)."""
    may: BoolArray = ((account.tripped & DRAWDOWN_REFERENCE) != 0) & (account.governor.rebases < MOST_REBASES)
    return may


def rebased(account: Account) -> Account:
    """Return the account with its drawdown counted from here, at half size, where that may be done."""
    governor, may = account.governor, may_rebase(account)
    return replace(
        account, tripped=np.where(may, account.tripped & ~np.int64(DRAWDOWN_REFERENCE), account.tripped),
        governor=replace(
            governor, reference_micro=np.where(may, account.equity_micro, governor.reference_micro),
            rebases=governor.rebases + may, reference_limit_micro=np.where(may, 0, governor.reference_limit_micro),
            step_micro=np.where(may, np.minimum(governor.step_micro, HALF), governor.step_micro),
            judged=np.where(may, governor.settled, governor.judged),
        ),
    )  # fmt: skip


def dialled(account: Account, level: int) -> Account:
    """Return the account with the operator dial at a level."""
    return replace(account, governor=replace(account.governor, dial=np.full_like(account.governor.dial, level)))


def flattened(account: Account) -> Account:
    """Return the account that sells everything that can be sold."""
    governor = replace(account.governor, flatten=np.ones_like(account.governor.flatten))
    return replace(account, tripped=account.tripped | np.int64(FLATTEN), governor=governor)


def _kill(account: Account, given: Mapping[str, Any], by: str) -> Answer:
    return Answer(f"kill switch thrown by {by}: exits only{_why(given)}", killed(account))


def _lift(account: Account, given: Mapping[str, Any], by: str) -> Answer:
    bits, name = LIFTABLE, given.get("tripwire", "")
    if name:
        bits = sum(bit for bit, wire in TRIPWIRES.items() if wire.name == name) & LIFTABLE
        if not bits:
            return Answer(f"{str(name)[:40]!r} not lifted for {by}: a lift ends {_names(LIFTABLE)}", refused=True)
    held = int(np.bitwise_or.reduce(account.tripped))
    if given["kill_file"] and bits & KILL:
        return Answer(f"kill switch not lifted for {by}: data/{KILL_FILE} is still there, remove it first", refused=True)
    rest = "".join(
        f"; {wire.name.replace('_', ' ')} holds on, it ends {wire.ends}"
        for bit, wire in TRIPWIRES.items() if bit & held & ~LIFTABLE
    )  # fmt: skip
    ended = _names(held & bits) or _names(KILL)
    return Answer(f"{ended} lifted by {by}{_why(given)}{rest}", lifted(account, bits))


def _dial(account: Account, given: Mapping[str, Any], by: str) -> Answer:
    level = given.get("level")
    if not isinstance(level, int) or isinstance(level, bool) or not 1 <= level <= FULL_DIAL:
        said = str(level)[:40]
        return Answer(f"dial not set for {by}: a level is a whole number from 1 to {FULL_DIAL}, not {said!r}", refused=True)
    share, was = int(DIAL_MICRO[level - 1]) / MICRO, int(account.governor.dial[0])
    pauses = ", exits only" if level == 1 else ""
    return Answer(
        f"dial set from {was} to {level} by {by}: size × {share:g}{pauses}{_why(given)}", dialled(account, level),
        {"name": "operator_dial", "value": level, "limit": FULL_DIAL, "previous": was, "multiplier": share},
    )  # fmt: skip


def _rebase(account: Account, given: Mapping[str, Any], by: str) -> Answer:
    if not _reason(given):
        return Answer(f"drawdown not rebased for {by}: a reason in words is needed", refused=True)
    governor, holds = account.governor, (account.tripped & DRAWDOWN_REFERENCE) != 0
    if not holds.any():
        return Answer(f"drawdown not rebased for {by}: it has not reached its limit", refused=True)
    if not may_rebase(account).any():
        return Answer(
            f"drawdown not rebased for {by}: that was done {MOST_REBASES} times, it ends when its limit is changed",
            refused=True,
        )
    after, count = rebased(account), int(governor.rebases.max()) + 1
    return Answer(
        f"drawdown counted anew from {int(account.equity_micro[0]) / MICRO:.2f} $, at half size, by {by}, "
        f"{count} of {MOST_REBASES}{_why(given)}", after,
        {
            "name": "drawdown_reference", "value": count, "limit": MOST_REBASES,
            "reference_usd": int(account.equity_micro[0]) / MICRO, "reason": _reason(given),
        },
    )  # fmt: skip


def _flatten(account: Account, given: Mapping[str, Any], by: str) -> Answer:
    return Answer(f"everything is to be sold, asked by {by}: exits at any fresh bid{_why(given)}", flattened(account))


ANSWERS: Mapping[str, Callable[[Account, Mapping[str, Any], str], Answer]] = {
    Verb.KILL: _kill,
    Verb.LIFT: _lift,
    Verb.DIAL: _dial,
    Verb.REBASE: _rebase,
    Verb.FLATTEN: _flatten,
}
"""What a person may change of a desk, by verb."""


def _reason(given: Mapping[str, Any]) -> str:
    reason = given.get("reason")
    return " ".join(reason.split())[:MOST_WORDS] if isinstance(reason, str) else ""


def _why(given: Mapping[str, Any]) -> str:
    reason = _reason(given)
    return f" ({reason})" if reason else ""


def _names(bits: int) -> str:
    return ", ".join(name.replace("_", " ") for name in tripped_names(bits))


def _line(cycle: Cycle, command_id: str, verb: str, answer: Answer) -> Activity:
    changed = answer.account is not None or answer.refused
    return Activity(
        at=cycle.sealed_at, action=Action.RISK, message=answer.message, type="risk_update",
        severity=Severity.WARNING if changed else Severity.INFO,
        data={"command_id": command_id, "verb": verb, **answer.data},
    )  # fmt: skip
