"""What a person's word does to a desk, and how a word that cannot be obeyed is answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import orjson
import pytest

from agents.commands import ANSWERS, Answer, commands_record, killed, obey, obeyed
from agents.transmission.profiles import (
    DAY_LOSS,
    DRAWDOWN_ALL_TIME,
    DRAWDOWN_REFERENCE,
    FLATTEN,
    KILL,
    RESULTS_Z,
)
from core.journal.changes import Obedience
from core.model.account import Account
from core.model.activity import Severity
from core.model.command import Command, To, Verb
from core.model.ids import CommandId
from core.store.archive import Archive
from core.store.snapshots import SnapshotStore
from core.units import MICRO
from tests.agents.transmission.builders import START, account_of, cycle_of
from tests.agents.transmission.test_traps import lost, marked

BY = "anna"


def asked(account: Account, verb: Verb, **arguments: object) -> Answer:
    return obeyed(account, verb, orjson.dumps(arguments).decode(), BY)


def changed(account: Account, verb: Verb, **arguments: object) -> Account:
    after = asked(account, verb, **arguments).account
    assert after is not None
    return after


def tripped(account: Account, bits: int) -> Account:
    return replace(account, tripped=account.tripped | np.int64(bits))


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_a_dial_is_kept_and_said(level: int) -> None:
    answer = asked(account_of(), Verb.DIAL, level=level, reason="windy")

    assert answer.account is not None
    assert answer.account.governor.dial.tolist() == [level]
    assert f"dial set from 5 to {level} by anna" in answer.message
    assert answer.message.endswith("(windy)")
    assert answer.data["value"] == level


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("dial", "{}"), ("dial", '{"level": 0}'), ("dial", '{"level": 6}'), ("dial", '{"level": "3"}'),
        ("dial", '{"level": true}'), ("dial", '{"level": 2.5}'), ("dial", '{"level": null}'), ("dial", "[3]"), ("dial", "3"),
        ("dial", "level 3"), ("dial", '{"level": 1e400}'), ("dial", "{"), ("rebase", "{}"), ("rebase", '{"reason": "  "}'),
        ("rebase", '{"reason": 7}'), ("rebase", '{"reason": "early"}'), ("lift", '{"tripwire": "day_loss"}'),
        ("lift", '{"tripwire": "nonsense"}'), ("lift", '{"tripwire": ["kill_switch"]}'), ("kill", "nothing"), ("dance", "{}"),
        ("", ""), ("flatten", '"all"'),
    ],
)  # fmt: skip
def test_a_word_that_cannot_be_obeyed_is_answered_and_changes_nothing(verb: str, arguments: str) -> None:
    answer = obeyed(tripped(account_of(), DAY_LOSS), verb, arguments, BY)

    assert answer.account is None
    assert answer.refused
    assert BY in answer.message


def test_a_long_nonsense_is_not_repeated_whole() -> None:
    assert len(obeyed(account_of(), "x" * 10_000, "{}", BY).message) < 200
    assert len(asked(account_of(), Verb.DIAL, level="9" * 10_000).message) < 200
    assert len(asked(account_of(), Verb.KILL, reason="w" * 10_000).message) < 400


def test_a_rebase_counts_from_here_at_half_size_and_twice_at_most() -> None:
    deep = marked(lost(marked(account_of()), 1_200))

    once = changed(deep, Verb.REBASE, reason="the station moved, its model is mended")
    again = changed(tripped(once, DRAWDOWN_REFERENCE), Verb.REBASE, reason="once more")
    third = asked(tripped(again, DRAWDOWN_REFERENCE), Verb.REBASE, reason="and again")

    assert not int(once.tripped[0]) & DRAWDOWN_REFERENCE
    assert once.governor.reference_micro.tolist() == [8_800 * MICRO]
    assert once.governor.step_micro.tolist() == [MICRO // 2]
    assert once.high_water_micro.tolist() == [10_000 * MICRO]
    assert (int(once.governor.rebases[0]), int(again.governor.rebases[0])) == (1, 2)
    assert third.refused
    assert "its limit is changed" in third.message


def test_a_rebase_ends_no_other_tripwire() -> None:
    after = changed(tripped(account_of(), DRAWDOWN_REFERENCE | DRAWDOWN_ALL_TIME | KILL), Verb.REBASE, reason="looked at it")

    assert after.tripped.tolist() == [DRAWDOWN_ALL_TIME | KILL]


def test_a_lift_ends_what_a_person_ends_and_names_what_holds_on() -> None:
    answer = asked(tripped(account_of(), KILL | RESULTS_Z | DRAWDOWN_REFERENCE), Verb.LIFT)

    assert answer.account is not None
    assert answer.account.tripped.tolist() == [DRAWDOWN_REFERENCE]
    assert answer.message.startswith("kill switch, results z lifted by anna")
    assert "drawdown reference holds on, it ends when a person rebases it" in answer.message


def test_a_lift_may_name_one_tripwire() -> None:
    after = changed(tripped(account_of(), KILL | RESULTS_Z), Verb.LIFT, tripwire="results_z")

    assert after.tripped.tolist() == [KILL]


def test_a_lift_does_not_pass_the_kill_file() -> None:
    answer = obeyed(tripped(account_of(), KILL), Verb.LIFT, "{}", BY, kill_file=True)

    assert answer.account is None
    assert "data/KILL is still there" in answer.message


def test_a_flatten_is_kept_until_it_is_lifted() -> None:
    selling = changed(account_of(), Verb.FLATTEN, reason="away for a week")

    assert selling.governor.flatten.tolist() == [1]
    assert selling.tripped.tolist() == [FLATTEN]
    assert changed(selling, Verb.LIFT).governor.flatten.tolist() == [0]


def test_two_words_of_one_look_stand_on_top_of_each_other(tmp_path: Path) -> None:
    """Trap: the second command starts from the account before the first, which is then forgotten."""
    words = [
        (Verb.KILL, "{}"), (Verb.DIAL, '{"level": 3}'), (Verb.DIAL, "{}"), (Verb.FLATTEN, "{}"),
        (Verb.LIFT, '{"tripwire": "kill_switch"}'),
    ]  # fmt: skip
    pending = [Command(CommandId(f"c{i}"), To.ENGINE, *word, BY, START) for i, word in enumerate(words)]
    store = SnapshotStore(tmp_path)
    record = commands_record("weather", pending, False, account_of(), START)
    assert record is not None
    store.publish([record])

    view = Archive(tmp_path, store).as_of([START + timedelta(seconds=1)])
    found: list[Obedience] = list(obey(cycle_of(), account_of(), view, START - timedelta(hours=1)))

    last = [each for each in found if each.governor is not None][-1]
    assert last.governor is not None
    assert last.tripped is not None
    assert (last.governor.dial.tolist(), last.governor.flatten.tolist(), last.tripped.tolist()) == ([3], [1], [FLATTEN])
    assert found[2].governor is None
    assert [each.activity[0].severity for each in found] == [Severity.WARNING] * 5
    assert [each.command_id for each in found] == [f"c{i}" for i in range(5)]


def test_every_word_for_a_desk_has_an_answer() -> None:
    assert set(ANSWERS) == {Verb.KILL, Verb.LIFT, Verb.DIAL, Verb.REBASE, Verb.FLATTEN}
    assert obeyed(account_of(), Verb.CYCLE, "{}", BY).message == "cycle by anna"
    assert killed(account_of(n_runs=3)).tripped.tolist() == [KILL] * 3
