"""What a cycle says about the outside: failures, what was set aside, refusals, changed listings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.announce import warnings
from agents.listings import difference
from core.model.activity import Activity, Severity
from core.model.cycle import Cause, Cycle
from core.model.record import Kind, Record
from tests.agents.weather.worlds import archive_of, event, listing, metar, rule

NOW = datetime(2026, 6, 11, 12, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(minutes=15)
DAY_AGO = NOW - timedelta(days=1)
TEXT = "This market will resolve to the range. The source is Wunderground. Revisions count."
CHANGED = "This market will resolve to the range. The source is NOAA. Revisions count."


def said(folder: Path, records: Sequence[Record], since: datetime = BEFORE) -> list[Activity]:
    cycle = Cycle("weather", NOW, 1, Cause.SCHEDULE, (), NOW, NOW)
    return list(warnings(cycle, archive_of(folder, records).as_of([NOW]), since))


def listed(text: str, at: datetime, **more: object) -> Record:
    return listing(event(text=text, sha256=text, **more), at)


def test_a_changed_text_is_said_once_with_its_difference(tmp_path: Path) -> None:
    records = [listed(TEXT, DAY_AGO), listed(CHANGED, NOW), listed(CHANGED, NOW + timedelta(minutes=1))]

    (line,) = said(tmp_path / "now", records)

    assert (line.severity, line.type, line.event_id) == (Severity.WARNING, "listing_changed", "nyc-12")
    assert "-The source is Wunderground." in line.data["difference"]  # type: ignore[operator]
    assert "+The source is NOAA." in line.data["difference"]  # type: ignore[operator]
    assert not any("Revisions" in each for each in line.data["difference"])  # type: ignore[attr-defined]
    assert TEXT.split(". ")[1] in str(line.data["before"])
    assert "NOAA" in str(line.data["after"])
    assert said(tmp_path / "later", [listed(TEXT, DAY_AGO), listed(CHANGED, BEFORE), listed(CHANGED, NOW)]) == []


def test_a_changed_meaning_bracket_or_fee_is_said_too(tmp_path: Path) -> None:
    other = replace(event(), rule=rule(station="KJFK"))
    moved = listing(other, NOW)

    (line,) = said(tmp_path / "a", [listing(event(), DAY_AGO), moved])
    (shifted,) = said(tmp_path / "b", [listing(event(), DAY_AGO), listing(event(lowest=71), NOW)])

    assert [each for each in line.data["difference"] if "station" in each] == ["-station: KLGA", "+station: KJFK"]  # type: ignore[attr-defined]
    assert any(each.startswith("+bracket") for each in shifted.data["difference"])  # type: ignore[attr-defined]


def test_a_text_that_cannot_be_read_any_more_is_refused_and_shown(tmp_path: Path) -> None:
    good, bad = listed(TEXT, DAY_AGO), listed(CHANGED, NOW)
    bad = replace(bad, facts={**bad.facts, "refusal": "the source is not known", "rule": None})

    lines = {line.type: line for line in said(tmp_path, [good, bad])}

    assert set(lines) == {"event_refused", "listing_changed"}
    assert "not known" in lines["event_refused"].message


def test_what_moves_from_hour_to_hour_is_no_change(tmp_path: Path) -> None:
    calm = replace(event(), liquidity_usd=7.0, accepting=False, tick_micro=1_000)

    assert said(tmp_path, [listing(event(), DAY_AGO), listing(calm, NOW)]) == []


def test_what_a_source_said_that_cannot_be_is_named_once(tmp_path: Path) -> None:
    told = ["KLGA 2026-06-11T11:51Z: 71.0 °C is no temperature on Earth"]
    odd = replace(metar("KLGA", NOW, [(NOW, 200)]), facts={"quarantined": told})
    repeated = [replace(odd, received_at=at) for at in (BEFORE - timedelta(minutes=15), NOW)]

    (line,) = said(tmp_path / "now", [odd])

    assert (line.type, line.data["count"]) == ("source_quarantine", 1)
    assert told[0] in line.message
    assert said(tmp_path / "again", repeated) == []


@pytest.mark.parametrize("kind", [Kind.ENSEMBLE, Kind.CLIMATE, Kind.PRINTS, Kind.METAR])
def test_a_source_that_does_not_answer_is_named(tmp_path: Path, kind: Kind) -> None:
    down = Record("iem", kind, "KNYC", NOW, None, b"", {}, {}, error="no answer in 3 s")

    (line,) = said(tmp_path, [down])

    assert (line.type, line.message) == ("source_error", f"iem {kind}: 1 unanswered, first KNYC: no answer in 3 s")


def test_equal_statements_have_no_difference() -> None:
    assert difference(["a", "b"], ["a", "b"]) == ()
