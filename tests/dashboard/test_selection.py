"""The address names an event; what it leaves open is the best one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.services.edges import Outlook
from dashboard import selection
from dashboard.selection import Selection
from tests.dashboard.fakes import DAY, LONDON, MIAMI, NOW, FakeEdges, World


@pytest.fixture
def outlooks() -> list[Outlook]:
    edges = FakeEdges(World())
    miami, london = edges.outlook(MIAMI), edges.outlook(LONDON)
    tomorrow = replace(miami, event_id="miami-tomorrow", event_day=DAY + timedelta(days=1), best_edge=0.03)
    low = replace(miami, event_id="miami-low", extreme="low", best_edge=0.01)
    elsewhere = replace(miami, event_id="miami-kalshi", venue="kalshi", best_edge=None)
    return [london, miami, tomorrow, low, elsewhere]


def test_an_empty_address_opens_the_event_with_the_largest_edge(outlooks: list[Outlook]) -> None:
    found = selection.chosen(outlooks, selection.asked({}), NOW)

    assert found is not None
    assert found.event_id == MIAMI


def test_an_event_whose_day_is_over_is_not_the_best_while_others_run(outlooks: list[Outlook]) -> None:
    over = [replace(one, window_end=NOW - timedelta(hours=1)) if one.event_id == MIAMI else one for one in outlooks]

    found = selection.best(over, NOW)

    assert found is not None
    assert found.event_id == "miami-tomorrow"


@pytest.mark.parametrize(
    ("address", "event_id"),
    [
        ({"station": "EGLC"}, LONDON), ({"station": "kmia", "day": "2026-12-10"}, "miami-tomorrow"),
        ({"station": "KMIA", "extreme": "low"}, "miami-low"), ({"venue": "kalshi"}, "miami-kalshi"),
    ],
)  # fmt: skip
def test_an_address_opens_the_event_that_it_names(outlooks: list[Outlook], address: dict[str, str], event_id: str) -> None:
    found = selection.chosen(outlooks, selection.asked(address), NOW)

    assert found is not None
    assert found.event_id == event_id


def test_an_address_of_nothing_known_opens_nothing(outlooks: list[Outlook]) -> None:
    assert selection.chosen(outlooks, Selection(station="ZZZZ"), NOW) is None


def test_another_city_keeps_of_the_rest_what_it_has(outlooks: list[Outlook]) -> None:
    asked = Selection("EGLC", "2026-12-10", "low", "kalshi")

    found = selection.nearest(outlooks, asked, "station", NOW)

    assert found is not None
    assert found.event_id == LONDON


def test_choices_narrow_from_city_to_venue(outlooks: list[Outlook]) -> None:
    current = Selection("KMIA", "2026-12-09", "high", "polymarket")

    assert selection.choices(outlooks, current, "station") == ["EGLC", "KMIA"]
    assert selection.choices(outlooks, current, "day") == ["2026-12-09", "2026-12-10"]
    assert selection.choices(outlooks, current, "extreme") == ["high", "low"]
    assert selection.choices(outlooks, current, "venue") == ["polymarket", "kalshi"]


def test_the_address_of_an_event_leads_back_to_it(outlooks: list[Outlook]) -> None:
    for outlook in outlooks:
        assert selection.chosen(outlooks, selection.of(outlook), NOW) == outlook
