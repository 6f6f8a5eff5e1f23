"""A run with every fault of the demo world: what is injected is shown, nothing false is traded on, and the money is right.

`HERMES_FAULT_DAYS=60` runs that many days, in the folder that `HERMES_FAULT_DATA` names, with a look every
`HERMES_FAULT_INTERVAL` seconds; stopped, it goes on from there.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from agents.transmission.reasons import REASONS as ORDER_REASONS
from agents.weather.reasons import EVENT_REASONS
from agents.weather.reasons import REASONS as SKIP_REASONS
from core.clock import SteppedClock
from core.model.record import Ask, Kind
from core.services.sources import STATES
from core.store.archive import Archive
from core.units import instant, micros
from core.wiring.sources import build_sources, demo_addresses
from tests.e2e.conftest import orchestrator
from tests.e2e.desk_in_process import SEED, ask
from tests.e2e.fault_run import SERVICE_OF, STATIONS, Day, FaultRun, run, settings_of
from venues.demo.answers import Ask as Request
from venues.demo.faults import FAULTS
from venues.demo.retold import midnight_of
from venues.demo.scene import Scene
from venues.demo.transport import DemoAdapter
from venues.demo.world import World

DAYS = float(os.environ.get("HERMES_FAULT_DAYS", "1.25"))
LONG = DAYS >= 10
INTERVAL = int(os.environ.get("HERMES_FAULT_INTERVAL", "1800"))  # seconds: half as many looks as usual, each with its faults
PENDING = timedelta(days=2)

# What the page says while a service suffers from what keeps it from answering: its state, and words of the reason.
TOLD = {
    "limited": ("limited", r"answered 429 .*wait before asking again"),
    "too_early": ("down", r"answered 425 .*try again later"),
    "server_error": ("down", r"answered 50[0234].*try again later"),
    "hang": ("down", r"did not answer within"),
    "drip": ("down", r"did not answer within"),
    "cut_off": ("down", r"no answer from"),
    "wrong_type": ("unreadable", r"text/html.* in place of"),
    "truncated": ("unreadable", r"JSON|Expecting|Unterminated|the bytes are kept"),
}
# What the page says of what a service lies about. Where nothing can lie in that way, nothing is expected.
LIES = {
    "impossible_temperature": r"is no temperature on Earth",
    "future_times": r"was still to come",
    "old_metar": r"hours old",
    "crossed_book": r"the book crosses",
    "price_of_one": r"a price of (0|1)\S* is none",
    "duplicate_id": r"stands (twice|\d+ times)",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> FaultRun:
    """The run; a long one is kept and goes on where it stood."""
    named = os.environ.get("HERMES_FAULT_DATA")
    data = Path(named) if named else tmp_path_factory.mktemp("faults") / "data"
    return run(settings_of(data, STATIONS, INTERVAL), DAYS)


def believed(found: FaultRun, question: str, *values: object) -> list[tuple[Any, ...]]:
    """Return the rows of a question to what the desk believed."""
    with sqlite3.connect(f"file:{found.data / 'evaluations' / 'weather.db'}?mode=ro", uri=True) as connection:
        return connection.execute(question, values).fetchall()


def honest_winner(event_id: str, venue: str, at: datetime) -> str:
    """Return which market of an event wins in the world without faults."""
    settings = settings_of(Path("unused")).in_world(f"demo:{SEED}")
    addressed = {
        name: settings.source(name).model_copy(update=address)
        for name, address in demo_addresses("http://demo.invalid").items()
    }
    settings = settings.model_copy(update={"sources": addressed})
    sources = build_sources(settings, SteppedClock(at), adapter=DemoAdapter(World(SEED)), simulated=True)
    (record,) = sources[venue].fetch([Ask(Kind.OUTCOMES, event_id)])
    return str(record.facts["winner"]) if record.error is None and record.facts["final"] else ""


def fate(fault: str, event_id: str, *parts: str) -> float:
    """Return the lot of an event, as the fault draws it."""
    return Scene(SEED, fault, "", 0, cast(Request, None), lambda asked: None).fate(event_id, *parts)  # type: ignore[arg-type,return-value]


# money and reasons


def test_not_a_cent_is_unexplained(found: FaultRun) -> None:
    ended = orchestrator("--mode", "doctor", "--ledger", "--data", str(found.data), timeout=600)

    assert ended.returncode == 0, ended.stdout
    assert ask(found.data, "SELECT count(*) FROM fills")[0][0] > 20
    assert ask(found.data, "SELECT count(DISTINCT event_id) FROM settlements")[0][0] >= 5


def test_every_skipped_bracket_has_a_known_reason(found: FaultRun) -> None:
    skipped = dict(believed(found, "SELECT reason, count(*) FROM evaluations WHERE decision != 'trade' GROUP BY reason"))
    refused = dict(believed(found, "SELECT refusal, count(*) FROM outlooks WHERE regime = 'NOTRADE' GROUP BY refusal"))
    unsent = dict(ask(found.data, "SELECT reason_code, count(*) FROM decisions WHERE order_micro = 0 GROUP BY reason_code"))

    assert skipped
    assert set(skipped) <= set(SKIP_REASONS) - {""}
    assert refused
    assert {why for why in refused if not why.endswith("the bytes are kept")} <= set(EVENT_REASONS)  # of a form nobody reads
    assert set(unsent) <= (set(ORDER_REASONS) | set(SKIP_REASONS)) - {""}


def test_no_event_is_pending_for_longer_than_two_days(found: FaultRun) -> None:
    end = micros(found.diary[-1].at)
    windows = dict(believed(found, "SELECT event_id, max(window_end) FROM outlooks GROUP BY event_id"))
    final = dict(ask(found.data, "SELECT event_id, min(at) FROM settlements WHERE finality = 'final' GROUP BY event_id"))

    late = {
        event_id: f"ended {instant(closed)}, final {instant(final[event_id]) if event_id in final else 'never'}"
        for event_id, closed in windows.items()
        if final.get(event_id, end) > closed + PENDING // timedelta(microseconds=1)
    }
    assert late == {}


def test_every_fault_fires(found: FaultRun) -> None:
    least = 10 if DAYS >= 25 else 3 if LONG else 1
    silent = {fault for fault, number in found.fired.items() if number < least}

    if LONG:
        assert silent == set(), found.fired
    else:
        assert len(silent) <= 6, found.fired  # a day and a quarter has not room for all
    assert set(found.fired) == set(FAULTS)


# what the page says


def suffered(found: FaultRun, fault: str) -> Iterator[tuple[Day, str, dict[str, Any]]]:
    """Yield cycles in which every answer of a service was spoiled by one fault that keeps it from answering, and its row."""
    for day in found.diary:
        for service, name in SERVICE_OF.items():
            blocking = day.faults_of(service) & set(TOLD)
            if blocking == {fault} and day.fired[fault, service] == day.asked[service]:
                yield day, service, day.health[name]


@pytest.mark.parametrize("fault", TOLD)
def test_a_service_that_does_not_answer_is_shown_so_within_the_cycle(fault: str, found: FaultRun) -> None:
    state, words = TOLD[fault]
    wrong = [
        (str(day.at), service, shown["state"], shown["error"])
        for day, service, shown in suffered(found, fault)
        if shown["state"] != state or not re.search(words, shown["error"])
    ]

    assert wrong == []
    assert state in STATES
    if LONG:
        assert len({service for _, service, _ in suffered(found, fault)}) >= 3


def ran_ahead(day: Day, service: str) -> bool:
    """Say whether a clock that is minutes off dated a forecast after the look that asked for it: refused, and named so."""
    error = day.health[SERVICE_OF[service]]["error"]
    return "clock_skew" in day.faults_of(service) and bool(re.search(LIES["future_times"], error))


def test_a_service_that_answers_again_is_shown_so_within_the_cycle(found: FaultRun) -> None:
    spoiling = {*TOLD, "schema_drift", "duplicate_id", "future_times", "impossible_temperature"}
    ill: set[str] = set()
    recovered = Counter[str]()
    wrong = []
    for day in found.diary:
        for service, name in SERVICE_OF.items():
            if not day.asked.get(service):
                continue
            if day.faults_of(service) & spoiling:
                ill.add(service)
            elif day.health[name]["state"] != "ok" and not ran_ahead(day, service):
                wrong.append((str(day.at), service, day.health[name]["state"], day.health[name]["error"]))
            elif service in ill:
                recovered[service] += 1
                ill.discard(service)

    assert wrong == []
    assert len(recovered) >= (8 if LONG else 5)


def test_a_form_that_changed_is_named_or_harmless(found: FaultRun) -> None:
    """Some fields are read under both names, or from the text beside them; a service that falls back on another form says so."""
    harmless = {"awc", "kalshi", "nws", "gamma"}
    silent = [
        (str(day.at), service)
        for day in found.diary
        for service, name in SERVICE_OF.items()
        if "schema_drift" in day.faults_of(service) and day.fired["schema_drift", service] == day.asked[service]
        and day.health[name]["state"] == "ok" and not _doubts_of(day, service) and service not in harmless
    ]  # fmt: skip

    assert silent == []


def _doubts_of(day: Day, service: str) -> list[list[Any]]:
    return [doubt for doubt in day.doubts if SERVICE_OF[service].startswith(doubt[0])]


def told_lies(found: FaultRun) -> Iterator[tuple[str, str, Day, list[Any]]]:
    """Yield the lies that fired and the sentences about them on the page of that cycle."""
    for day in found.diary:
        for (fault, service), number in day.fired.items():
            if number and fault in LIES and service in SERVICE_OF:
                for doubt in _doubts_of(day, service):
                    if re.search(LIES[fault], doubt[3]):
                        yield fault, service, day, doubt


# Lies told where nobody looks: timestamps of books are not read for anything, reports of the past are asked for seldom, and
# the sweep for new series passes over events of those that are known, and of a year of climate reports one day is read.
UNSEEN = {("future_times", "clob"), ("future_times", "iem"), ("duplicate_id", "gamma"), ("impossible_temperature", "iem")}
# An answer of another shape is refused as a whole, whatever else is wrong with it; hours ahead of an old report may be past.
HIDES = {"future_times": ("stale_metar", "old_metar")}


@pytest.mark.parametrize("fault", LIES)
def test_a_lie_is_named_on_the_page_in_the_cycle_in_which_it_was_told(fault: str, found: FaultRun) -> None:
    told = {(service, day.at) for name, service, day, _ in told_lies(found) if name == fault}
    untold = [
        (service, str(day.at), number)
        for day in found.diary
        for (name, service), number in day.fired.items()
        if name == fault and number and service in SERVICE_OF and (service, day.at) not in told
        and (fault, service) not in UNSEEN and not day.faults_of(service) & {*TOLD, *HIDES.get(fault, ()), "schema_drift"}
    ]  # fmt: skip

    assert untold == []
    if LONG:
        assert told
        assert fault != "duplicate_id" or "gamma" in {service for service, _ in told}


def test_the_bytes_of_a_lie_are_in_the_archive(found: FaultRun) -> None:
    archive = Archive(found.data)
    seen: Counter[str] = Counter()
    for fault, _, day, (source, kind, subject, reason, whole) in told_lies(found):
        if seen[fault] >= 10:
            continue
        view = archive.as_of([day.at + timedelta(minutes=1)])  # books are read once more when an order is due
        stack = view.stack(Kind(kind), subject, day.at, sources=(source,), failed=True)
        raws = [
            view.raw(stack, index)
            for index in range(len(stack))
            if (stack.error[index] == reason if whole else reason in stack.facts[index].get("quarantined", ()))
        ]
        assert raws, (fault, day.at, source, subject, reason)
        assert all(raws), (fault, day.at, source, subject, reason)
        seen[fault] += 1

    assert len(seen) >= (len(LIES) if LONG else 3)


# what the desk does


def bought_after(found: FaultRun, event_id: str, at: int) -> list[tuple[Any, ...]]:
    """Return the orders that buy in an event after an instant."""
    return ask(
        found.data, "SELECT o.order_id, o.placed_at FROM orders o JOIN instruments i ON i.token = o.token"
        " WHERE i.event_id = ? AND o.placed_at > ? AND o.size_micro > 0", event_id, at,
    )  # fmt: skip


def test_a_rule_that_changed_stops_new_orders_in_its_event_and_shows_the_difference(found: FaultRun) -> None:
    lines = ask(found.data, "SELECT event_id, at, message, data FROM activity WHERE type = 'listing_changed' ORDER BY seq")
    evaluated = {event_id for (event_id,) in believed(found, "SELECT DISTINCT event_id FROM outlooks")}
    said = defaultdict(list)
    for event_id, at, message, data in lines:
        said[event_id].append((at, message, json.loads(data)))

    drawn = {event_id for event_id in said if fate("changed_rule", event_id) < 1 / 12}
    for event_id in said.keys() - drawn:  # a form that changed makes a listing unreadable, and later readable again
        assert all(any("refusal: " in line for line in data["difference"]) for _, _, data in said[event_id])
    assert len(drawn & evaluated) >= (5 if LONG else 1)
    for event_id in drawn:
        retold = [each for each in said[event_id] if not any(" is no list" in line for line in each[2]["difference"])]
        if not retold:  # each of its changes met a form that changed as well
            continue
        at, message, data = retold[0]
        assert "no new trades" in message
        assert any(line.startswith("+") for line in data["difference"])
        assert any(line.startswith("-") for line in data["difference"])
        assert at >= micros(instant(midnight_of(event_id) * 1_000_000) - timedelta(hours=12))
        assert bought_after(found, event_id, at) == []


def test_no_order_goes_to_a_book_that_is_not_there_or_to_an_event_that_is_halted(found: FaultRun) -> None:
    archive = Archive(found.data)
    orders = ask(
        found.data, "SELECT o.token, o.scheduled_at, i.event_id, c.sealed_at FROM orders o JOIN instruments i ON i.token = o.token"
        " JOIN cycles c ON c.scheduled_at = o.scheduled_at AND c.desk = o.desk",
    )  # fmt: skip
    by_cycle = defaultdict(set)
    for token, _, event_id, sealed_at in orders:
        by_cycle[sealed_at, event_id].add(token)

    assert by_cycle
    for (sealed_at, event_id), tokens in sorted(by_cycle.items()):
        view = archive.as_of([instant(sealed_at)])
        books = view.stack(Kind.BOOKS, event_id, instant(sealed_at) - timedelta(minutes=30))
        listings = view.stack(Kind.EVENTS, event_id, instant(sealed_at) - timedelta(days=4))
        assert len(books), (event_id, instant(sealed_at))
        shown = set(books.rows(len(books) - 1)["token"].tolist())
        assert tokens <= shown, (event_id, instant(sealed_at))
        assert listings.facts[-1]["accepting"], (event_id, instant(sealed_at))


def test_a_settlement_that_is_revised_is_settled_again(found: FaultRun) -> None:
    end = found.diary[-1].at
    finals = ask(
        found.data, "SELECT event_id, venue, winner, revision, at FROM settlements WHERE finality = 'final' ORDER BY event_id, revision"
    )  # fmt: skip
    last = {event_id: (venue, winner) for event_id, venue, winner, _, _ in finals}
    first_at = {event_id: at for event_id, _, _, revision, at in finals if revision == 0}
    revised = {event_id for event_id, _, _, revision, _ in finals if revision > 0}
    drawn = {event_id for event_id in last if fate("revised_settlement", event_id) < 1 / 12}
    settled_long_ago = {event_id for event_id, at in first_at.items() if instant(at) < end - timedelta(hours=36)}

    assert revised <= drawn
    assert drawn & settled_long_ago <= revised
    if LONG:
        assert len(revised) >= 5
    checked = sorted((set(last) - drawn) | (drawn & settled_long_ago))[:: 4 if LONG else 1]
    wrong = {event_id for event_id in checked if honest_winner(event_id, last[event_id][0], end + PENDING) != last[event_id][1]}
    assert wrong == set()


def test_the_reports_of_a_day_say_what_the_venue_says_in_spite_of_corrections_and_stale_answers(found: FaultRun) -> None:
    said: dict[str, dict[str, tuple[str, str, str]]] = defaultdict(dict)
    for event_id, finality, winner, evidence, label in ask(
        found.data, "SELECT event_id, finality, winner, evidence, winner_label FROM settlements ORDER BY at"
    ):  # fmt: skip
        said[event_id][finality] = winner, json.loads(evidence).get("source", ""), label
    both = {
        event_id: words
        for event_id, words in said.items()
        if len(words) == 2 and fate("revised_settlement", event_id) >= 1 / 12
    }
    differ = {event_id: words for event_id, words in both.items() if words["provisional"][0] != words["final"][0]}

    assert both
    assert len(differ) <= len(both) // 20, differ


def test_the_floor_never_falls_but_by_a_correction(found: FaultRun) -> None:
    """A stale answer brings nothing new: what was observed stays observed, but for a report that was replaced."""
    falls = []
    archive = Archive(found.data)
    rows = believed(
        found, "SELECT event_id, scheduled_at, floor, extreme, station, observed_at FROM outlooks"
        " WHERE floor IS NOT NULL ORDER BY 1, 2",
    )  # fmt: skip
    for (event, _, before, _, _, seen_at), (same, at, after, extreme, station, _) in pairwise(rows):
        lost = before - after if extreme == "high" else after - before
        if event == same and lost > 0:
            told = archive.as_of([instant(at)]).stack(Kind.METAR, station, instant(at) - timedelta(hours=3))
            readings = told.columns["tenths"][told.columns["valid_at"] == seen_at]
            if len(set(readings.tolist())) < 2:  # that report never said anything else
                falls.append((event, str(instant(at)), before, after))

    assert rows
    assert falls == []


def test_a_replay_is_the_same_session(found: FaultRun, tmp_path: Path) -> None:
    target = tmp_path / "replay.json"

    ended = orchestrator("--mode", "replay", "--data", str(found.data), "--json", str(target), timeout=7200)

    assert ended.returncode == 0, ended.stdout[-3000:]
    result = json.loads(target.read_text())
    assert [(result["cycles"],)] == ask(found.data, "SELECT count(*) FROM cycles WHERE phase = 'complete'")
    assert all(table["same"] for table in result["tables"].values())


def test_the_diary_is_whole(found: FaultRun) -> None:
    """A run that was killed may have lost the line of the cycle in which that happened."""
    complete = ask(found.data, "SELECT count(*) FROM cycles WHERE phase = 'complete'")[0][0]

    assert complete - (3 if LONG else 0) <= len(found.diary) <= complete
