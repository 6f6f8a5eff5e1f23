"""The Live page over what is easily said wrong: an event that is over, a listing that changed, what outcomes pay."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.services.edges import Edge, Ladder, Outlook
from core.services.weather import EventCard, ListingChange
from dashboard.charts.event import signature
from dashboard.components.ladder import cells, ended_rows, target, winner_of
from dashboard.components.strip import is_stale, line
from dashboard.views.live import position_facts, refused, rule_line
from tests.dashboard.fakes import MIAMI, NOW, FakeServices, World

LATER = NOW + timedelta(hours=30)
REFUSAL = "a sentence is not understood: 'one'; add its form once it has been read; rule: a sentence is not understood: 'two'"


@pytest.fixture
def ladder(services: FakeServices) -> Ladder:
    return services.edges.ladder(MIAMI)


@pytest.fixture
def settled(services: FakeServices) -> Outlook:
    return replace(services.edges.outlook(MIAMI), final=True, winner_market_id="0x3", open=False)


def texts(rows: Any, field: int) -> list[str]:
    return [row.cells[field].text for row in rows]


def test_a_settled_event_marks_its_winner_and_has_neither_edge_nor_target(ladder: Ladder) -> None:
    rows = ended_rows(ladder.rungs, winner_of(ladder.rungs, "0x3"), final=True)

    assert [row.kind for row in rows] == ["dead", "dead", "won", "dead", "dead", "dead"]
    assert [row.cells[0].text for row in rows if row.kind == "won"] == ["79–80"]
    assert texts(rows, -1)[2] == "settled here"
    assert {cell.text for row in rows for cell in row.cells[3:-1]} == {"—"}
    assert texts(rows, 1)[1:3] == ["20", "63"]  # what the model believed last stays


def test_a_target_is_shown_rounded_and_carries_all_of_its_shares(ladder: Ladder) -> None:
    rung = replace(ladder.rungs[0], target_yes=Decimal("20"), target_no=Decimal("2.189978"))

    cell = target(rung)

    assert (cell.text, cell.value) == ("YES 20, NO 2.2", "YES 20, NO 2.189978")
    assert target(replace(rung, target_yes=None, target_no=Decimal(0))).value == ""


def test_a_day_that_is_over_has_no_edges_in_the_figure_and_shows_who_won(card: EventCard, ladder: Ladder) -> None:
    over = replace(card, as_of=LATER)
    notes = [note["text"] for note in signature(over, ladder.rungs, 3)["layout"]["annotations"]]

    assert "<b>won</b>" in notes
    assert not [note for note in notes if "¢" in note]
    assert [note for note in signature(card, ladder.rungs)["layout"]["annotations"] if "¢" in note["text"]]


def test_a_settled_event_waits_for_no_report_and_says_one_net_figure(card: EventCard, settled: Outlook) -> None:
    over = replace(card, as_of=LATER)

    said = rule_line(over, settled, "79–80", Decimal("1.66"))
    assert "settled at 79–80°F, +1.66 $ net for this desk" in said
    assert "METAR" not in said
    assert "METAR" in rule_line(card, replace(settled, final=False, winner_market_id=""))


def test_what_an_event_brought_is_the_same_figure_in_line_and_panel(services: FakeServices, ladder: Ladder) -> None:
    sold_out = replace(services.positions.event(MIAMI), holdings=(), realized_usd=Decimal("-0.65"))

    facts = dict(position_facts(sold_out, ladder.rungs, Decimal("1.66")))

    assert facts["net of fees"].text == "+1.66 $"
    assert dict(position_facts(sold_out, ladder.rungs, None))["net of fees"].text == "—"


def test_a_rule_that_is_traded_in_this_world_alone_says_so(card: EventCard, settled: Outlook) -> None:
    assert "traded here, not live" in rule_line(replace(card, simulated_only=True), settled)
    assert "traded here" not in rule_line(card, settled)
    assert "traded here" not in rule_line(replace(card, simulated_only=True), replace(settled, refusal="rule_inferred"))


def test_a_changed_rule_is_one_line_with_both_texts_behind_it(card: EventCard, settled: Outlook) -> None:
    assert card.rule is not None
    change = ListingChange(NOW, "the <old> text", "the new text", ("--- before", "-old", "+new", "+refusal: long"))
    broken = replace(card, rule=replace(card.rule, refusal=REFUSAL), changed=change)

    said = refused(broken, settled)

    head = said.partition("</summary>")[0]
    assert "Rule changed Wed 12:45; no new trades; what is held still settles" in head  # 17:45Z in Miami
    assert "+1 more" in head
    assert "the &lt;old&gt; text" in said
    assert "+refusal" not in said
    assert refused(card, settled) == ""


def test_a_listing_that_changed_and_can_be_read_is_told_only_where_it_is_refused(card: EventCard, settled: Outlook) -> None:
    changed = replace(card, changed=ListingChange(NOW, "old", "new", ()))

    assert "Rule changed" in refused(changed, replace(settled, refusal="listing_changed"))
    assert refused(changed, settled) == ""


def test_the_models_own_likeliest_outcome_is_never_left_out(services: FakeServices, ladder: Ladder) -> None:
    """By fair value 79–80, 81–82 and 77–78 lead; the model alone believes in ≥ 83."""
    rungs = tuple(replace(rung, p_model=0.83 if rung.rank == 5 else 0.02) for rung in ladder.rungs)
    position = services.positions.event(MIAMI)
    everything = replace(position, outcomes=tuple(replace(one, possible=True) for one in position.outcomes))

    names = [name for name, _ in position_facts(everything, rungs, None)][3:]

    assert names == ["if 79–80 wins", "if 81–82 wins", "if 77–78 wins", "if ≥ 83 wins", "if one of 2 less likely wins"]


def test_an_edge_that_rounds_to_nothing_is_no_gain(ladder: Ladder) -> None:
    def tone(edge: float) -> str:
        return next(cell.tone for cell in cells(replace(rung, edge=edge)) if "¢" in cell.text)

    rung: Edge = ladder.rungs[2]
    assert (tone(0.0004), tone(0.001), tone(-0.02)) == ("quiet", "gain", "quiet")


def test_a_recorded_session_is_no_alarm() -> None:
    status = replace(FakeServices(World(running=False)).status.strip(), mode="replay")

    assert not is_stale(status)
    assert "recorded session" in line(status)
    assert "ended Wed 09 Dec 15:45 UTC" in line(status)
    assert "next in" not in line(status)
