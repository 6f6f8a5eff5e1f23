"""Readers ask anything, see whole transactions, and cannot write."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, exc

from core.journal.address import url_of
from core.journal.buffered import BufferedJournal
from core.journal.changes import Closing, Obedience
from core.journal.durable import DurableJournal
from core.journal.lines import Among, Said
from core.journal.proof import prove
from core.journal.questions import Question, activity_page, count_of, page_of
from core.journal.reader import JournalReader
from core.journal.tables import METADATA
from core.model.activity import Action, Activity, Severity
from core.model.decision import Check, Verdict
from core.model.event import Side
from core.model.orders import Role, Status
from core.model.settlement import Finality
from core.units import MICRO
from tests.journal.builders import DESK, EVENT_DAYS, INSTRUMENTS, START, START_MICRO, WORLD, cycle, event_id, intention, word
from tests.journal.sessions import FIXED, play, rows_of


@pytest.fixture
def played(journal: str) -> str:
    with closing(DurableJournal(journal, desk=DESK, world=WORLD, start_micro=START_MICRO)) as writer:
        play(writer, FIXED)
    return journal


@pytest.fixture
def reader(played: str) -> Iterator[JournalReader]:
    with closing(JournalReader(played)) as opened:
        yield opened


@pytest.mark.parametrize("table", sorted(METADATA.tables))
def test_a_reader_cannot_write(played: str, reader: JournalReader, table: str) -> None:
    before = rows_of(played, without=())

    with reader.connection() as connection:
        for statement in (f"DELETE FROM {table}", f"DROP TABLE {table}", "CREATE TABLE mine (a INTEGER)"):
            with pytest.raises(exc.DBAPIError, match=r"(?i)read-?only"):
                connection.exec_driver_sql(statement)
            connection.rollback()

    assert rows_of(played, without=()) == before


def test_a_journal_that_is_not_there_yet_is_empty_and_is_not_made(tmp_path: Path) -> None:
    with closing(JournalReader(tmp_path / "hermes.db")) as reader:
        assert (reader.version(), reader.world(), reader.desks(), reader.account(DESK)) == (0, "", (), None)
        assert (reader.after(0, 10), reader.cycles(DESK), reader.last_cycle(DESK)) == ((), (), None)
        assert (reader.fills(), reader.count_fills(), reader.activity_days(), reader.risk_days(DESK)) == ((), 0, (), ())

    assert list(tmp_path.iterdir()) == []


def test_a_server_without_a_journal_is_empty(postgres_journal: str) -> None:
    with closing(JournalReader(postgres_journal)) as reader:
        assert (reader.version(), reader.desks(), reader.orders()) == (0, (), ())


def test_a_closed_journal_opens_read_only(played: str, reader: JournalReader) -> None:
    assert reader.version() == len(rows_of(played)["activity"])


def test_the_version_is_the_newest_activity_and_after_has_no_gap(reader: JournalReader) -> None:
    version = reader.version()

    seen: list[int] = []
    while page := reader.after(seen[-1] if seen else 0, 4):
        seen += [line.seq for line in page]
    assert seen == list(range(1, version + 1))


def test_activity_comes_back_as_it_was_said(journal: str) -> None:
    line = Activity(
        START, Action.TRADE, "bought", Severity.WARNING, "trade_placed", "EGLC", date(2025, 11, 13), event_id(0),
        {"price": 0.39, "n": [1, 2]}, {"took_ms": 3.5},
    )  # fmt: skip
    with closing(DurableJournal(journal, desk=DESK, world=WORLD, start_micro=START_MICRO)) as writer:
        account = writer.account(DESK)
        writer.commit(cycle(3), account, Obedience("c1", None, (line,)))

    with closing(JournalReader(journal)) as reader:
        (back,) = reader.after(0, 10)
    assert back == Activity(**{
        **{name: getattr(line, name) for name in Activity.__slots__}, "seq": 1, "desk": DESK, "cycle": 3,
        "data": {**line.data, "command_id": "c1"},
    })  # fmt: skip


QUARTER = timedelta(minutes=15)
SAID = {
    "desk": (Said(desk=DESK), lambda a: True),
    "station": (Said(station="EGLC"), lambda a: a.station == "EGLC"),
    "action": (Said(action="settlement"), lambda a: a.action is Action.SETTLEMENT),
    "severity": (Said(severity="ERROR"), lambda a: False),
    "type": (Said(type="trade_placed"), lambda a: a.type == "trade_placed"),
    "text": (Said(text="FINAL/1 WON"), lambda a: "final/1 won" in a.message),
    "a text of signs": (Said(text="100%_"), lambda a: False),
    "time": (Said(start=START + QUARTER, end=START + 2 * QUARTER), lambda a: a.cycle == 1 and a.at != START),
    "both": (Said(action="settlement", text="final"), lambda a: "/final/" in a.message),
    "a day": (Said(event_day=EVENT_DAYS[0]), lambda a: False),
    "days": (Said(first_event_day=EVENT_DAYS[0], last_event_day=EVENT_DAYS[1]), lambda a: False),
}  # fmt: skip


@pytest.mark.parametrize("case", SAID)
def test_activity_filters_narrow(reader: JournalReader, case: str) -> None:
    said, holds = SAID[case]
    every = reader.after(0, 1000)

    expected = [line.seq for line in every if holds(line)]
    assert [line.seq for line in reader.after(0, 1000, said)] == expected
    assert [line.seq for line in reader.activity(said, 1000)] == expected[::-1]


def test_activity_days_are_counted_newest_first(journal: str) -> None:
    with closing(BufferedJournal(journal, desk=DESK, world=WORLD, start_micro=START_MICRO)) as writer:
        account = writer.account(DESK)
        for number in (0, 1, 96, 97, 98, 400):  # 12, 13 and 16 November, from 17:00Z
            account = writer.commit(cycle(number), account, intention(cycle(number), account, []))

    with closing(JournalReader(journal)) as reader:
        assert reader.activity_days() == ((date(2025, 11, 16), 1), (date(2025, 11, 13), 3), (date(2025, 11, 12), 2))
        assert reader.activity_days(1, before=date(2025, 11, 13)) == ((date(2025, 11, 12), 2),)


def test_cycles_come_back_for_a_replay(reader: JournalReader) -> None:
    assert reader.cycles(DESK) == tuple(cycle(number) for number in range(len(FIXED)))
    assert reader.cycles(DESK, cycle(1).scheduled_at, cycle(3).scheduled_at) == (cycle(1), cycle(2))


def test_a_decision_comes_back_with_its_checks_and_belief(reader: JournalReader) -> None:
    (line, *_) = reader.decisions(Among(token="01NO"), newest_first=False)

    assert (line.order_micro, line.reason_code, line.station, line.event_day) == (70 * MICRO, "ok", "EGLC", EVENT_DAYS[0])
    assert line.checks[1] == Check("exposure", 3.5, 2.0, Verdict.SHRINK, 2 * MICRO)
    assert line.belief == {"p_model": 0.31, "p_market": None, "regime": "STABLE"}
    assert reader.decision(line.decision_id) == line
    assert [order.token for order in reader.orders_of(line.decision_id)] == ["01NO"]


def test_what_became_of_each_wish_is_counted_by_its_reason(reader: JournalReader) -> None:
    decided = reader.decisions(Among(desk=DESK), limit=10_000)

    found = {line.reason: (line.whole, line.shrunk, line.refused) for line in reader.verdicts(DESK)}

    assert sum(map(sum, found.values())) == len(decided) > 0
    for reason, (whole, shrunk, refused) in found.items():
        mine = [line for line in decided if line.reason_code == reason]
        assert refused == sum(line.order_micro == 0 for line in mine)
        assert shrunk == sum(0 < abs(line.order_micro) < abs(line.wanted_micro - line.held_micro) for line in mine)
        assert whole == len(mine) - refused - shrunk


def test_an_order_and_its_fills_come_back(reader: JournalReader) -> None:
    (order,) = reader.orders(Among(token="00YES"), newest_first=False, limit=1)
    (fill,) = reader.fills_of(order.order_id)

    assert (order.size_micro, order.filled_micro, order.status, order.role) == (
        100 * MICRO,
        100 * MICRO,
        Status.FILLED,
        Role.ENTRY,
    )
    assert (fill.notional_micro, fill.at, fill.levels[0].taken_micro) == (39 * MICRO, cycle(0).fill_at, 100 * MICRO)
    assert reader.fill(fill.execution_id) == fill
    assert reader.order(order.order_id) == order
    booked = [line.amount_micro for line in reader.ledger(DESK) if line.tx == fill.execution_id]
    assert len(booked) > 1
    assert sum(booked) == 0


AMONG = {
    "desk": Among(desk=DESK),
    "station": Among(station="EGLC"),
    "event": Among(event_id=event_id(1)),
    "day": Among(event_day=EVENT_DAYS[1]),
    "venue": Among(venue="polymarket"),
    "token": Among(token="00YES"),
    "span": Among(start=cycle(1).scheduled_at, end=cycle(3).scheduled_at),
    "several": Among(desk=DESK, station="EGLC", event_day=EVENT_DAYS[0], start=cycle(1).scheduled_at),
    "nothing": Among(station="KLGA"),
}


@pytest.mark.parametrize("case", AMONG)
def test_filters_narrow_pages_join_and_counts_agree(reader: JournalReader, case: str) -> None:
    among = AMONG[case]

    def fits(line: object) -> bool:
        named = [name for name in ("desk", "station", "event_id", "event_day", "venue", "token") if getattr(among, name)]
        at = getattr(line, "scheduled_at")  # noqa: B009 lines of three kinds
        in_span = (not among.start or at >= among.start) and (not among.end or at < among.end)
        return in_span and all(getattr(line, name) == getattr(among, name) for name in named)

    for read in (reader.decisions, reader.orders, reader.fills):
        every = read(limit=1000)
        expected = [line for line in every if fits(line)]
        pages = [line for offset in range(0, len(every), 2) for line in read(among, 2, offset)]
        assert pages == expected
        assert len(every) > 5
    assert reader.count_fills(among) == len(expected)


def test_settlements_come_back_in_the_order_of_their_words(reader: JournalReader) -> None:
    words = reader.settlements_of([event_id(0), "unknown"])

    assert [line.settlement.settlement_id for line in words[event_id(0)]] == [
        f"{event_id(0)}/{tail}" for tail in ("provisional/10", "final/0", "final/1")
    ]
    assert words["unknown"] == ()
    assert words[event_id(0)][2].settlement == word(0, 2, 1).settlement
    assert {line.settlement.finality for line in reader.settlements(finality=Finality.FINAL)} == {Finality.FINAL}
    assert len(reader.settlements(Among(event_id=event_id(1)))) == 2


def test_risk_is_a_curve_with_one_last_point_for_each_desk_day(reader: JournalReader) -> None:
    curve = reader.risk(DESK)

    assert [line.scheduled_at for line in curve] == [cycle(number).scheduled_at for number in range(len(FIXED))]
    assert curve[0].equity_micro == START_MICRO
    assert reader.risk_days(DESK) == (curve[-1],)
    assert reader.risk(DESK, limit=1, newest_first=True) == (curve[-1],)


def test_the_ledger_of_a_span_sums_to_nothing(reader: JournalReader) -> None:
    lines = reader.ledger(DESK, cycle(1).scheduled_at, cycle(3).scheduled_at)

    assert len(lines) > 0
    assert sum(line.amount_micro for line in lines) == 0
    assert all(cycle(1).scheduled_at <= line.at < cycle(3).scheduled_at for line in lines)


def test_instruments_come_back(reader: JournalReader) -> None:
    assert reader.instruments(["00YES", "unknown"]) == {"00YES": INSTRUMENTS["00YES"]}
    assert [(i.bracket, i.side) for i in reader.instruments_of(event_id(1))][:3] == [(0, Side.YES), (0, Side.NO), (1, Side.YES)]


SPAN = Among(desk=DESK, start=cycle(1).scheduled_at, end=cycle(3).scheduled_at)
QUESTIONS: list[Question] = [
    *(
        page_of(name, among, key, 10, 0, newest_first=True)
        for name, key in (("decisions", "decision_id"), ("orders", "order_id"), ("fills", "line, execution_id"))
        for case, among in {**AMONG, "none": Among(), "of the desk": SPAN}.items()
        if case not in ("several", "nothing") and not (name == "decisions" and case == "venue")
    ),
    count_of("fills", AMONG["station"]),
    *(
        page_of("settlements", AMONG[case], "line, settlement_id", 10, 0, newest_first=True)
        for case in ("station", "event", "day")
    ),
    page_of("cycles", SPAN, "number", 10, 0, newest_first=True),
    page_of("risk", SPAN, "run", 10, 0, newest_first=False, also={"run": 0}),
    *(
        activity_page(said, 10, 0, newest_first=True)
        for case, (said, _) in SAID.items()
        if case not in ("text", "a text of signs")
    ),
    *(activity_page(Said(type="x"), 10, 0, newest_first=False, after=7) for _ in "x"),
]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: re.sub(r"^SELECT .* FROM ", "", question.text)[:90])
def test_every_question_walks_an_index(sqlite_journal: str, question: Question) -> None:
    """SQLite's own plan: a SCAN without an index would grow with history."""
    DurableJournal(sqlite_journal, desk=DESK, world=WORLD, start_micro=START_MICRO).close()
    engine = create_engine(url_of(sqlite_journal))
    with engine.connect() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {question.text}", question.values)]
    engine.dispose()

    assert [step for step in plan if step.startswith(("SEARCH", "SCAN"))]
    assert all("INDEX" in step for step in plan if step.startswith("SCAN")), plan
    if not any(bound in question.text for bound in ("at >= ?", "event_day >= ?")):  # what a few days hold may be sorted
        assert "USE TEMP B-TREE FOR ORDER BY" not in plan, plan


def test_a_reader_sees_whole_changes_while_the_writer_writes(sqlite_journal: str) -> None:
    """Another process writes; each look of this one is proven, and the activity never shows a gap."""
    context = multiprocessing.get_context("fork")
    writer = context.Process(target=_write_for_long, args=(sqlite_journal,))
    writer.start()
    versions: list[int] = []
    with closing(JournalReader(sqlite_journal)) as reader:
        while writer.is_alive() or not versions:
            if not reader.desks():
                continue
            assert prove(reader, DESK).faults == ()
            seqs = [line.seq for line in reader.after(0, 100_000)]
            assert seqs == list(range(1, len(seqs) + 1))
            versions.append(len(seqs))
    writer.join()

    assert writer.exitcode == 0
    assert versions == sorted(versions)
    assert len(set(versions)) > 1


def _write_for_long(where: str) -> None:
    with closing(DurableJournal(where, desk=DESK, world=WORLD, start_micro=START_MICRO)) as writer:
        for number in range(60):
            account = writer.account(DESK)
            account = writer.commit(cycle(number), account, intention(cycle(number), account, [(0, "00YES", MICRO)]))
            writer.commit(cycle(number), account, Closing())
