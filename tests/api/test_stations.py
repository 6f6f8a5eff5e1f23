"""Cards, map, what is skipped, pairs and the health of sources, over the small world and over worse ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from core.errors import NotAllowedError
from core.events import event_facts
from core.model.event import Event
from core.model.record import Kind, Record
from core.model.rule import DayWindow, Statistic
from core.services import Services
from core.services.stations import TRADED
from core.store.evaluations import EvaluationStore
from core.store.snapshots import SnapshotStore
from core.units import iso
from core.wiring.faces import build_services
from tests.api import world
from tests.api.conftest import settings_of

TODAY = world.event_id(world.TODAY)


def test_a_card_says_what_is_known_of_its_event(services: Services) -> None:
    """5.6 °C of 17:51Z is 42.08 °F; 60 YES fetch 12 $, of 30 NO ten fetch 7.70, all cost 33.60; booked 1.40 less 0.75."""
    card = services.stations.cards().cards[0]

    assert (card.event_id, card.state, card.extreme, card.unit) == (TODAY, "held", "high", "F")
    assert (card.forecast, card.metar, card.metar_age_seconds) == (45.5, 42.08, 24 * 60)
    assert (card.best_side, card.best_edge, card.best_bracket) == ("YES", 0.08, "39°F or below")
    assert card.held == ("NO 40-41°F × 30", "YES 44-45°F × 60")
    assert card.at_risk_usd == Decimal("3.6")
    assert card.pnl_usd == Decimal("-13.25")


@pytest.mark.parametrize(
    ("wanted", "days"),
    [
        ({}, [9, 10]), ({"state": "held"}, [9]), ({"state": "watched"}, [10]), ({"venue": "kalshi"}, []),
        ({"event_day": world.TOMORROW}, [10]), ({"extreme": "low"}, []), ({"region": "us-northeast"}, [9, 10]),
        ({"station_code": "KLGA"}, [9, 10]),
    ],
)  # fmt: skip
def test_cards_can_be_filtered(services: Services, wanted: dict[str, object], days: list[int]) -> None:
    found = services.stations.cards(**wanted)  # type: ignore[arg-type]

    assert [card.event_day.day for card in found.cards] == days
    assert (found.total, found.n) == (len(days), 2)
    assert found.venues == ("polymarket",)


def test_a_station_sums_the_cards_that_are_shown(services: Services) -> None:
    cards = services.stations.cards()
    whole, tomorrow = (services.stations.marks(some)[0] for some in (cards.cards, cards.cards[1:]))

    assert (whole.at_risk_usd, whole.open_events, whole.held_events) == (Decimal("3.6"), 2, 1)
    assert (tomorrow.at_risk_usd, tomorrow.pnl_usd) == (0, 0)
    assert (round(whole.latitude, 2), round(whole.longitude, 2)) == (40.78, -73.87)


def test_what_is_skipped_carries_its_reason_and_how_many_brackets(services: Services) -> None:
    """A bracket that is on target is none that is left alone."""
    rows = services.stations.skipped([TODAY]).rows
    left = [one for one in services.edges.current().edges if one.event_id == TODAY and one.decision == "skip"]

    assert all(row.event_id == TODAY and row.brackets > 0 for row in rows)
    assert sum(row.brackets for row in rows) == sum(edge.reason not in TRADED for edge in left) > 0
    assert any(edge.reason in TRADED for edge in left)


def test_an_event_that_is_refused_is_one_row_with_its_sentence(tmp_path: Path) -> None:
    world.build(tmp_path)
    _evaluate(tmp_path, refusal=world.texts("rule_unreadable"))
    services = build_services(settings_of(tmp_path))

    (row,) = [row for row in services.stations.skipped().rows if row.brackets == 0]
    assert (row.reason, row.sentence) == ("rule_unreadable", "The newest listing's rule or ladder is not understood.")
    assert services.stations.cards(state="not traded").cards[0].why == "rule_unreadable"


def _evaluate(folder: Path, **changed: np.ndarray) -> None:
    store = EvaluationStore(folder, "weather")
    columns = {**world.outlooks((world.TOMORROW,), world.NOW), **changed}
    store.append(world.NOW + timedelta(minutes=1), columns, world.brackets((world.TOMORROW,), 0.0))
    store.close()


def test_a_corrected_report_stands_for_the_one_it_corrects(tmp_path: Path) -> None:
    world.build(tmp_path)
    store = SnapshotStore(tmp_path)
    at = world.NOW - timedelta(minutes=24)
    first, corrected = world.metar(world.NOW, at, 56), world.metar(world.NOW, at, 61)
    rows = {name: np.concatenate([corrected.rows[name], first.rows[name]]) for name in first.rows}
    rows["corrected"] = np.array([True, False])
    store.publish([replace(first, rows=rows, raw=b"both")])
    store.close()

    assert build_services(settings_of(tmp_path)).stations.station("KLGA").station.metar_c == 6.1


def test_a_station_without_events_still_tells_what_the_registry_knows(services: Services) -> None:
    told = services.stations.station("RJTT")

    assert (told.station.city, told.events, told.station.open_events) == ("Tokyo", (), 0)
    assert ("polymarket", "high") in {(one.venue, one.extreme) for one in told.listings}


def test_a_venue_that_nobody_knows_is_refused(services: Services) -> None:
    with pytest.raises(NotAllowedError, match="none of kalshi, polymarket"):
        services.stations.stations(venue="foo")


def test_one_city_on_two_venues_is_a_pair_with_the_reasons_why_they_may_differ(tmp_path: Path) -> None:
    world.build(tmp_path)
    other = _on_kalshi()
    facts, rows = event_facts(other)
    store = SnapshotStore(tmp_path)
    store.publish([Record("kalshi", Kind.EVENTS, other.event_id, world.NOW - timedelta(hours=3), None, b"{}", rows, facts)])
    store.close()
    _evaluate(
        tmp_path, event_id=world.texts(other.event_id), venue=world.texts("kalshi"), station=world.texts("KNYC"),
    )  # fmt: skip

    (pair,) = build_services(settings_of(tmp_path)).pairs.pairs().pairs

    assert (pair.city, pair.event_day, pair.extreme) == ("New York", world.TOMORROW, "high")
    assert {(side.card.venue, side.card.station_code) for side in (pair.one, pair.other)} == {
        ("polymarket", "KLGA"), ("kalshi", "KNYC"),
    }  # fmt: skip
    said = " ".join(pair.differences)
    assert "KLGA" in said
    assert "KNYC" in said
    sentences = {side.card.venue: side.rule.sentence for side in (pair.one, pair.other) if side.rule}
    assert sentences["kalshi"].startswith("Official maximum of KNYC by the NWS climate report")


def _on_kalshi() -> Event:
    event = world.event(world.TOMORROW)
    rule = replace(
        event.rule,
        station="KNYC",
        source="nws_climate_report",
        statistic=Statistic.OFFICIAL_MAX,
        window=DayWindow.STANDARD_TIME,
    )
    return replace(event, venue="kalshi", event_id="KXHIGHNY-26DEC10", rule=rule)


def test_without_a_second_venue_there_is_no_pair(services: Services) -> None:
    assert services.pairs.pairs().pairs == ()


# sources


def test_a_source_without_a_key_is_named_and_not_called_down(tmp_path: Path) -> None:
    world.build(tmp_path, engine=False)
    metar = {"name": "metar", "last_success_at": iso(world.NOW - timedelta(minutes=5)), "last_error": "", "successes": 7}
    zeus = {"name": "zeus", "last_success_at": None, "last_error": "zeus: no key is set; set HERMES_SOURCES__zeus__key"}
    clob = {"name": "clob", "last_success_at": iso(world.NOW), "last_error": "503 from /books", "failures": 3}
    told = {"metar": {"metar": metar}, "zeus": {"zeus": zeus}, "polymarket": {"clob": clob}, "nws": {"nws": {"name": "nws"}}}
    world.beat(tmp_path, world.NOW, sources=told)
    services = build_services(settings_of(tmp_path))

    states = {row.name: row.state for row in services.sources.health().sources}
    assert states == {"metar": "ok", "zeus": "no key", "clob": "down", "nws": "waiting"}
    codes = [notice.code for notice in services.status.strip().warnings]
    assert codes.count("source_down") == 1  # clob; nws was not asked yet, and that is no alarm
    assert codes.index("source_down") < codes.index("source_no_key")
    assert "zeus: no key, using 1 others" in [notice.message for notice in services.status.strip().warnings]


def test_what_lied_in_the_last_day_is_counted_and_says_why(tmp_path: Path) -> None:
    """Two METAR answers with one impossible row each, one book that could not be read, and a failure of long ago."""
    world.build(tmp_path)
    store = SnapshotStore(tmp_path)
    hot = "KLGA 2026-12-09T17:51Z: 71.0 °C is no temperature on Earth"
    reports = [world.metar(world.NOW - timedelta(minutes=age), world.NOW - timedelta(hours=1), 50) for age in (3, 2)]
    store.publish([replace(one, facts={"quarantined": [hot]}, raw=b"%d" % age) for age, one in enumerate(reports)])
    store.publish([
        Record("kalshi", Kind.BOOKS, "KX-1", world.NOW - age, None, b"<html>", {}, {}, "kalshi /orderbook: no JSON; ask again")
        for age in (timedelta(minutes=1), timedelta(hours=25))
    ])  # fmt: skip
    store.close()

    health = build_services(settings_of(tmp_path)).sources.health()

    assert health.quarantined == {"metar": 2, "kalshi": 1}
    assert [(one.source, one.kind, one.subject, one.count, one.whole) for one in health.doubts] == [
        ("kalshi", "books", "KX-1", 1, True), ("metar", "metar", "KLGA", 2, False),
    ]  # fmt: skip
    assert health.doubts[1].reason == hot


def test_what_did_not_answer_is_not_among_what_lied_and_both_are_counted_by_their_kind(tmp_path: Path) -> None:
    """Three stations of one METAR request that met a timeout, two books that were no JSON: bytes there are of the books alone."""
    world.build(tmp_path, engine=False)
    good = {"name": "metar", "last_success_at": iso(world.NOW), "last_error": "", "successes": 7, "failures": 3}
    world.beat(tmp_path, world.NOW, sources={"metar": {"metar": good}})
    at, old = world.NOW - timedelta(minutes=3), world.NOW - timedelta(hours=5)
    late = "metar: 127.0.0.1:80 did not answer within 3 s (Timeout: the body took longer than 3.0 s); try again later"
    broken = "kalshi /orderbook: the answer is not a JSON object (line 1 column {}); the bytes are kept"
    store = SnapshotStore(tmp_path)
    store.publish(
        [Record("metar", Kind.METAR, code, at, None, b"", {}, {}, late) for code in ("KLGA", "KORD")]
        + [Record("metar", Kind.METAR, "KMIA", old, None, b"", {}, {}, late.replace("3 s", "20 s"))]
        + [Record("kalshi", Kind.BOOKS, f"KX-{i}", at, None, b"<", {}, {}, broken.format(i)) for i in (1, 2)]
    )
    store.close()

    health = build_services(settings_of(tmp_path)).sources.health()

    (silence,), (doubt,) = health.silences, health.doubts
    assert (silence.service, silence.count, silence.recent, silence.subjects, silence.reason) == ("metar", 3, 2, 3, late)
    assert (doubt.source, doubt.count, doubt.subjects, doubt.subject) == ("kalshi", 2, 2, "KX-2")
    assert (health.n, health.quarantined) == (2, {"kalshi": 2})
    (row,) = health.sources
    assert (row.state, row.unanswered_hour, row.last_error, row.last_error_at) == ("ok", 2, late, at)  # it answers again
    assert health.sick == ()


def test_all_ages_of_an_answer_are_at_one_instant(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """A world that runs at 900 times our speed moves by a cycle while a page is put together."""
    shelves = services.stations._shelves
    present, moved = shelves.present(), iter(range(100))
    monkeypatch.setattr(
        shelves, "present", lambda: replace(present, now=present.now + next(moved) * timedelta(minutes=15))
    )  # fmt: skip

    told = services.stations.station("KLGA")

    ages = {told.station.metar_age_seconds, *(card.metar_age_seconds for card in told.events)}
    assert ages == {(told.as_of - told.station.metar_at).total_seconds()}  # type: ignore[operator]


# what makes it cheap


def test_the_newest_evaluation_is_read_once_for_each_cycle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.build(tmp_path)
    services, asked = build_services(settings_of(tmp_path)), []
    read = EvaluationStore.newest
    monkeypatch.setattr(EvaluationStore, "newest", lambda *given: asked.append(given[1:]) or read(*given))

    for _ in range(3):
        services.status.strip()
        services.stations.cards()
        services.edges.current()
    before = len(asked)
    world.append(tmp_path, [])
    services.stations.cards()
    services.edges.current()

    assert before == 1 + 1  # the newest cycle, and the settled event that it no longer holds
    assert len(asked) == 2 * before


def test_a_page_of_trades_reads_no_more_than_its_rows_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.build(tmp_path)
    services, asked = build_services(settings_of(tmp_path)), []
    from core.services.journal_rows import JournalRows

    whole = JournalRows.executions
    monkeypatch.setattr(JournalRows, "executions", lambda self, ids: asked.append(len(ids)) or whole(self, ids))

    services.trades.history(limit=2, offset=1)

    assert asked == [2]


def test_a_kill_says_how_it_is_lifted(tmp_path: Path) -> None:
    world.build(tmp_path)
    world.append(tmp_path, [], tripped=1)

    notice = build_services(settings_of(tmp_path)).status.strip().warnings[0]

    assert (notice.code, notice.remedy) == ("risk_pause", f"python -m core.orchestrator --mode lift --data {tmp_path}")


def test_a_kill_by_file_says_that_the_file_goes_first(tmp_path: Path) -> None:
    world.build(tmp_path)
    world.append(tmp_path, [], tripped=1)
    (tmp_path / "KILL").touch()

    notice = build_services(settings_of(tmp_path)).status.strip().warnings[0]

    assert notice.remedy == f"rm {tmp_path / 'KILL'} && python -m core.orchestrator --mode lift --data {tmp_path}"
