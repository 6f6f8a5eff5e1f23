"""What the Live page says of an event: decided or not yet, how it ended, what its listing said before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from core.model.activity import Action, Activity, Severity
from core.services import Services
from core.services.weather import refusals
from core.store.evaluations import EvaluationStore
from core.wiring.faces import build_services
from tests.api import world
from tests.api.conftest import settings_of

TODAY, SETTLED = world.event_id(world.TODAY), world.event_id(world.SETTLED_DAY)


def reasons(services: Services) -> list[str]:
    return [rung.reason for rung in services.edges.ladder(TODAY).rungs]


def test_what_is_evaluated_and_not_decided_yet_is_not_called_on_target(tmp_path: Path) -> None:
    """The evaluation of a cycle is stored before its decisions are: between the two nobody knows what is wanted."""
    world.build(tmp_path)
    services, at = build_services(settings_of(tmp_path)), world.NOW + timedelta(minutes=15)
    assert reasons(services)[0] == "on_target"

    store = EvaluationStore(tmp_path, "weather")
    store.append(at, world.outlooks((world.TODAY,), at), world.brackets((world.TODAY,), 0.0))
    store.close()

    assert reasons(services)[0] == "deciding"
    assert reasons(services)[3] == "edge_below_minimum"  # a skip is a skip, decided or not


def test_an_event_says_which_market_won_and_who_said_so(services: Services) -> None:
    settled, today = services.edges.event(SETTLED), services.edges.event(TODAY)

    winner = next(rung for rung in services.edges.ladder(SETTLED).rungs if rung.market_id == settled.winner_market_id)
    assert (winner.rank, settled.final, settled.open) == (2, True, False)  # the world pays bracket 2
    assert (today.winner_market_id, today.final, today.open) == ("", False, True)


def test_the_card_keeps_what_the_listing_said_before_it_changed(tmp_path: Path) -> None:
    world.build(tmp_path)
    data = {"before": "at Changi", "after": "at Newark", "difference": ["--- before", "+++ after", "-at Changi", "+at Newark"]}
    said = Activity(
        world.NOW, Action.ERROR, "the listing changed", Severity.WARNING, "listing_changed", event_id=TODAY, data=data
    )
    journal, of = world.open_journal(tmp_path), world.cycle(4, world.NOW)
    account = journal.account("weather")
    journal.commit(of, account, replace(world.intention(of, account, ()), activity=(said,)))
    journal.close()
    card = build_services(settings_of(tmp_path)).weather.card(TODAY)

    assert card.changed is not None
    assert (card.changed.at, card.changed.before, card.changed.after) == (world.NOW, "at Changi", "at Newark")
    assert card.changed.difference[2:] == ("-at Changi", "+at Newark")


def test_a_line_of_activity_tells_high_from_low_and_one_venue_from_another(services: Services) -> None:
    logs = services.activity.logs(limit=100).logs

    assert {(row.extreme, row.venue) for row in logs if row.event_id == TODAY} == {("high", "polymarket")}
    assert {(row.extreme, row.venue) for row in logs if not row.event_id} == {("", "")}


def test_the_sentences_of_a_refusal_are_said_once_each() -> None:
    text = (
        "a sentence is not understood: 'less than 63°'; add its form once it has been read; "
        "a sentence is not understood: 'above 70°'; add its form once it has been read; "
        "rule: a sentence is not understood: 'less than 63°'; add its form once it has been read"
    )

    assert refusals(text) == ("a sentence is not understood: 'less than 63°'", "a sentence is not understood: 'above 70°'")
    assert refusals("") == ()
