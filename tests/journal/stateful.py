"""Random steps against a second ledger: after each, the desk and the ledger have the same money, and no limit is passed.

    python -m tests.journal.stateful 100000 --seed 1

A session is a world of its own: quotes come and go, a desk looks, rules, sends and hears (the real cycle, ruling and paper
broker, or in a "wild" session orders and answers at random), venues settle and correct, brackets are converted, people
command, answers are doubled and reordered, the process dies and comes back.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from agents.paper import PaperBroker
from core.journal.buffered import BufferedJournal, SilentJournal
from core.journal.changes import Change, Closing, Execution, Intention
from core.journal.durable import DurableJournal
from core.journal.proof import prove
from core.journal.reader import JournalReader
from core.journal.state import account_of, account_text
from core.model.account import Account, new_account
from core.model.cycle import Cause, Cycle
from core.units import MICRO
from tests.agents.transmission.builders import settings_of
from tests.journal.stateful_archive import MemoryArchive
from tests.journal.stateful_checks import differences, passed_caps
from tests.journal.stateful_desk import Doubling, RandomDesk, Wild, traded
from tests.journal.stateful_ledger import Ledger
from tests.journal.stateful_world import BEGIN, SECOND, World

DESK, WORLD = "weather", "demo:1"
STEPS_PER_SESSION = 500
KINDS = ("silent", "silent", "silent", "wild", "wild", "buffered", "durable", "wild-durable")


class KilledError(Exception):
    """The process died here."""


@dataclass
class Watched:
    """A journal whose every change the second ledger hears too; it dies where it is told to."""

    session: Session
    inner: Any
    dies_at: str = ""

    def commit(self, cycle: Cycle, account: Account, change: Change) -> Account:
        name = type(change).__name__.lower()
        if self.dies_at == f"before:{name}":
            raise KilledError(self.dies_at)
        after: Account = self.inner.commit(cycle, account, change)
        self.session.heard(cycle, change)
        if isinstance(change, Intention) and not self.session.wild:
            passed, close_to = passed_caps(self.session.ledger, change, self.session.settings)
            self.session.passed += passed
            self.session.counts.update(f"nine tenths of a cap: {name}" for name in close_to)
        if self.dies_at == f"after:{name}":
            raise KilledError(self.dies_at)
        return after

    def failpoint(self, name: str) -> None:
        """Die within a transaction: nothing of it was written."""
        if name == self.dies_at and name.startswith("within:"):
            raise KilledError(name)


@dataclass
class Session:
    """One desk in one world for some hundred steps."""

    seed: int
    kind: str
    folder: Path
    counts: Counter[str] = field(default_factory=Counter)
    passed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.wild = self.kind.startswith("wild")
        self.n_runs = 1 if self.kind.endswith(("durable", "buffered")) else self.random.choice((1, 1, 2))
        self.start = self.random.choice((60, 400, 10_000, 250_000)) * MICRO if self.wild else 10_000 * MICRO
        self.settings = _settings(self.random)
        self.archive = MemoryArchive()
        self.world = World(self.random, self.archive)
        self.ledger = Ledger(self.start, self.n_runs)
        self.desk = RandomDesk(self.world)
        broker: Any = Wild(self.random) if self.wild else PaperBroker(self.settings)
        self.broker = Doubling(broker, self.random, self.ledger.known, repeats=self.kind != "silent" and self.kind != "wild")
        self.number, self.since, self.last, self.phase = 0, BEGIN - timedelta(days=1), None, ""
        self.journal = Watched(self, self._opened())
        self.account: Account = self.journal.inner.account(DESK)

    def _opened(self, account: Account | None = None) -> Any:
        if self.kind.endswith("durable"):
            dies = lambda name: self.journal.failpoint(name) if hasattr(self, "journal") else None  # noqa: E731
            return DurableJournal(self.folder / "hermes.db", desk=DESK, world=WORLD, start_micro=self.start, failpoint=dies)
        if self.kind == "buffered":
            return BufferedJournal(self.folder / "hermes.db", desk=DESK, world=WORLD, start_micro=self.start)
        return SilentJournal(account or new_account(DESK, WORLD, self.start, self.n_runs))

    def heard(self, cycle: Cycle, change: Change) -> None:
        """Take note of what was written."""
        self.ledger.hear(change)
        self.counts[f"written: {type(change).__name__.lower()}"] += 1
        if isinstance(change, Execution):
            self.counts["executions heard"] += sum(1 for size in change.reports.size_micro if size)
        if isinstance(change, Intention):
            self.counts["orders"] += len(change.orders)
            self.counts["orders that rest"] += int((change.orders.good_until > 0).sum())
            self.counts["orders taken back"] += len(change.cancels)
        if isinstance(change, Intention):
            self.last, self.phase = cycle, "intended"
        elif isinstance(change, Closing):
            self.phase = "complete"

    def step(self) -> None:
        """Do one thing, then compare."""
        name = self.random.choices(list(STEPS), [weight for weight, _ in STEPS.values()])[0]
        self.counts[f"step: {name}"] += 1
        try:
            STEPS[name][1](self)
        except KilledError:
            self.come_back()
        except Exception as error:
            error.add_note(self.where(name))
            raise
        self.counts["steps in debt"] += int(self.account.owed_micro.any())
        found = differences(self.account, self.ledger) + self.passed
        assert not found, f"{self.where(name)}: {found}"

    def where(self, name: str) -> str:
        """Return how to come here again."""
        return f"session {self.seed} ({self.kind}), step {sum(self.counts[f'step: {each}'] for each in STEPS)}: {name}"

    def look(self) -> None:
        """Run one cycle as an engine does."""
        self.number += 1
        at = self.world.now + self.random.choice((1, 2)) * SECOND
        cycle = Cycle(DESK, at, self.number, Cause.SCHEDULE, (), at + 3 * SECOND, at + 5 * SECOND)
        self.world.now = cycle.sealed_at
        if self.random.random() < 0.5:
            self.world.now = cycle.fill_at - SECOND
            self.world.quote(self.random.sample(self.world.traded(), 2))  # the book that fills is a later one
        self.world.now = cycle.fill_at
        self.account = traded(self, cycle)
        self.since = cycle.sealed_at

    def come_back(self) -> None:
        """Open the journal again and finish what was begun."""
        self.counts["came back"] += 1
        self.journal.dies_at = ""
        self.restart()
        if self.last is not None and self.phase == "intended":
            self.account = self.desk.finish(self, self.last)

    def restart(self) -> None:
        """Close the journal and read the account from it."""
        inner = self.journal.inner
        if isinstance(inner, SilentJournal):
            before = inner.account(DESK)
            account = account_of(account_text(before))
            assert account_text(account) == account_text(before)
            self.journal.inner = self._opened(account)
        else:
            inner.close()
            self.journal.inner = self._opened()
        self.account = self.journal.inner.account(DESK)

    def close(self) -> None:
        """End the session; what was written must be proven."""
        if isinstance(self.journal.inner, SilentJournal):
            return
        self.journal.inner.close()
        with closing(JournalReader(self.folder / "hermes.db")) as reader:
            proof = prove(reader, DESK)
            account = reader.account(DESK)
        assert proof.proven, f"seed {self.seed}, {self.kind}: {proof.faults[:5]}"
        assert account is not None
        assert account_text(account) == account_text(self.account)
        self.counts["proven lines"] += proof.ledger_lines


CAPS = {  # as they are; wide open; and such that the wide groups bind before the narrow ones
    "usual": {},
    "loose": {"bracket_r": 3.0, "city_day_r": 6.0, "region_day_r": 8.0, "desk_day_r": 20.0, "open_r": 40.0, "source_r": 30.0},
    "wide groups": {"bracket_r": 0.4, "city_day_r": 0.6, "region_day_r": 0.7, "desk_day_r": 0.8, "open_r": 1.2, "source_r": 0.9},
}  # fmt: skip


def _settings(random: Random) -> Any:
    risk = {
        **random.choice(list(CAPS.values())), "probe_share": random.choice((0.1, 1.0)), "drawdown_reference_r": 15.0,
        "drawdown_all_time_r": 30.0, "day_loss_r": random.choice((2.0, 5.0)), "week_loss_r": 10.0,
        "worst_day_r": random.choice((3.0, 8.0)),
    }  # fmt: skip
    return settings_of(risk, {"resting": random.random() < 0.5, "convert": random.random() < 0.8})


def _quotes(s: Session) -> None:
    s.world.pass_time(timedelta(seconds=s.random.choice((1, 20, 90, 600))))
    s.world.quote(s.random.sample(s.world.traded(), s.random.randint(1, 4)))


def _trades(s: Session) -> None:
    s.world.pass_time(timedelta(seconds=s.random.choice((1, 30))))
    s.world.trade(s.random.choice(s.world.traded()))


def _cycle(s: Session) -> None:
    s.world.pass_time(timedelta(minutes=s.random.choice((1, 15, 15, 60))))
    s.world.quote(s.random.sample(traded := s.world.traded(), (len(traded) + 1) // 2))
    s.look()


def _night(s: Session) -> None:
    s.world.pass_time(timedelta(hours=s.random.choice((4, 9, 20))))
    for event_id in list(s.world.events):
        s.world.tell_listing(event_id)


def _settlement(s: Session) -> None:
    s.world.pass_time(timedelta(seconds=30))
    for event_id in s.random.sample(over, s.random.randint(1, len(over))) if (over := s.world.over()) else ():
        s.world.settle(event_id)


def _correction(s: Session) -> None:
    s.world.pass_time(timedelta(seconds=30))
    if settled := s.world.settled():
        for event_id in s.random.sample(settled, min(len(settled), s.random.choice((1, 1, 4)))):
            s.world.settle(event_id, another=True)


def _command(s: Session) -> None:
    s.world.pass_time(timedelta(seconds=5))
    verb, arguments = s.random.choice((
        ("kill", "{}"), ("lift", "{}"), ("lift", "{}"), ("lift", "{}"), ("dial", f'{{"level": {s.random.randint(1, 5)}}}'),
        ("dial", '{"level": 5}'), ("rebase", '{"reason": "seen"}'), ("flatten", '{"reason": "tired"}'), ("dance", "{}"),
    ))  # fmt: skip
    s.world.ask(verb, arguments)


def _restart(s: Session) -> None:
    s.restart()


def _death(s: Session) -> None:
    """Die somewhere in the next cycle."""
    where = ("before", "after", *(("within",) if s.kind.endswith("durable") else ()))
    if s.kind == "buffered":
        where = ("before",)  # it keeps rows in memory between flushes, and is not made to be killed
    change = s.random.choice(("intention", "execution", "execution", "payout", "conversion", "closing", "obedience"))
    s.journal.dies_at = f"{s.random.choice(where)}:{change}"
    _cycle(s)
    s.journal.dies_at = ""


STEPS: dict[str, tuple[int, Any]] = {
    "quotes": (30, _quotes), "trades": (8, _trades), "cycle": (34, _cycle), "night": (4, _night), "settlement": (8, _settlement),
    "correction": (5, _correction), "command": (4, _command), "restart": (3, _restart), "death": (4, _death),
}  # fmt: skip


def run(steps: int, seed: int, kinds: tuple[str, ...] = KINDS) -> Counter[str]:
    """Run so many steps, session by session; AssertionError names the seed of the one that fails."""
    counts: Counter[str] = Counter()
    done = number = 0
    while done < steps:
        kind = kinds[number % len(kinds)]
        with tempfile.TemporaryDirectory(prefix="hermes-stateful-") as folder:
            session = Session(1_000_003 * seed + number, kind, Path(folder))
            for _ in range(min(STEPS_PER_SESSION, steps - done)):
                session.step()
                done += 1
            session.close()
        counts += session.counts
        counts[f"session {kind}"] += 1
        number += 1
    counts["steps"] = done
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("steps", type=int, nargs="?", default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", default="")
    given = parser.parse_args()
    begun = time.perf_counter()
    counts = run(given.steps, given.seed, (given.kind,) if given.kind else KINDS)
    said = (
        f"{counts.pop('steps')} steps, seed {given.seed}: no difference, no cap passed, no negative cash, every journal proven"
    )
    sys.stdout.write("\n".join((said, *(f"  {name}: {count}" for name, count in sorted(counts.items())), "")))
    sys.stderr.write(f"{time.perf_counter() - begun:.0f} s\n")


if __name__ == "__main__":
    main()
