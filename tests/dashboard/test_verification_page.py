"""Forecast vs METAR over real services and settled events written by hand: its states, its words, its filters, its charts."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import StoreError
from core.services import Services
from core.services.earned import earned
from core.services.verification import BACKFILL
from core.settings import Settings
from core.wiring.faces import build_services
from dashboard.charts import verification as chart
from dashboard.components import verified
from dashboard.components.table import csv_table
from dashboard.views.live import earned_words
from tests.api import world
from tests.api.settled import DAY, Event, days, gate, state, write

N = 40
SUBJECT = "polymarket 12:45"


def draw(services) -> None:  # type: ignore[no-untyped-def]  # Streamlit runs the text alone
    from dashboard.views import forecast_vs_metar

    forecast_vs_metar.render(services)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    """40 New York highs, of which METAR missed the newest and the desk traded every other one."""
    folder = tmp_path_factory.mktemp("world")
    world.build(folder)
    events = [
        Event(f"e{i}", day, claimed=0.0625 if i % 2 else float("nan"), realised=0.03125 if i % 2 else float("nan"))
        for i, day in enumerate(days(N))
    ]
    events[0] = replace(events[0], event_id=world.event_id(DAY), winner=2, own_winner=1, own=41.0, reading=43.0)
    write(folder, events, [gate(SUBJECT, 37, 20), state("pool_weight", SUBJECT, 37, 0.3, {"used": False, "optimum": None})])
    return build_services(Settings(data_dir=folder, mode="demo"))


def opened(services: Services, **address: str) -> AppTest:
    app = AppTest.from_function(draw, args=(services,), default_timeout=30)
    app.query_params.update(address)
    return app.run()


def html(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def states(app: AppTest) -> list[str]:
    return re.findall(r'data-state="([^"]*)"', html(app))


def table_of(app: AppTest, kind: str) -> str:
    return next(each for each in html(app).split("<table") if each.startswith(f' class="grid {kind}"'))


def fields(text: str, name: str) -> list[str]:
    return re.findall(rf'data-field="{name}" data-value="([^"]*)"', text)


def test_scores_stand_for_each_checkpoint_with_what_may_be_said(services: Services) -> None:
    app = opened(services)

    assert not app.exception
    assert states(app) == []
    scores = table_of(app, "scores")
    assert fields(scores, "event") == ["17:45 D-1", "08:45", "10:45", "12:45", "14:45"]
    assert set(fields(scores, "n")) == {str(N)}
    assert "not enough data (40 of 500 events, 40 of 90 dates)" in scores


def test_gates_are_told_in_words(services: Services) -> None:
    gates = table_of(opened(services), "gates")

    assert "not enough data (37 of 300 events, 20 of 60 dates)" in gates
    assert gates.count("nothing settled yet") >= 4
    assert fields(gates, "weight") == ["", "", "", "0.3", ""]


def test_the_record_shows_a_disagreement_and_can_show_those_alone(services: Services) -> None:
    alone = table_of(opened(services, record="disagreements"), "settlements")

    assert fields(alone, "event") == [world.event_id(DAY)]
    assert "42–43°F" in alone
    assert "disagreed" in alone
    whole = opened(services)
    assert len(fields(table_of(whole, "settlements"), "event")) == 25
    assert f"METAR gave the winner in {N - 1} of {N}" in html(whole)


def test_the_second_page_of_the_record_goes_on_where_the_first_ends(services: Services) -> None:
    rest = table_of(opened(services, page="2"), "settlements")

    assert fields(rest, "event") == [f"e{i}" for i in range(25, N)]


def test_filters_of_the_address_narrow_everything(services: Services) -> None:
    app = opened(services, span="30 days", subset="traded", checkpoint="14:45")

    assert re.search(r"settled events <b[^>]*>30</b>", html(app))
    assert set(fields(table_of(app, "scores"), "n")) == {"15"}
    assert "at 14:45, n = 30 events" in html(app)
    assert 'class="dead"' in table_of(app, "scores")  # grey below 30 events


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"station": "KMIA"}, "No settled event passes these filters."), ({"checkpoint": "noon"}, "checkpoint"),
        ({"span": "long"}, "A span is written like"), ({"station": "ZZZZ"}, "ZZZZ"), ({"venue": "foo"}, "foo"),
    ],
)  # fmt: skip
def test_what_the_address_cannot_have_is_said(services: Services, address: dict[str, str], said: str) -> None:
    app = opened(services, **address)

    assert not app.exception
    assert "empty" in states(app)
    assert said in html(app)


def test_a_world_without_settled_events_names_the_command(tmp_path: Path) -> None:
    world.build(tmp_path)

    app = opened(build_services(Settings(data_dir=tmp_path, mode="demo")))

    assert states(app) == ["empty"]
    assert BACKFILL in html(app)


class Broken:
    """Answers nothing; or scores alone fail."""

    def __init__(self, inner: Any = None) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        if self._inner is not None and name != "scores":
            return getattr(self._inner, name)
        raise StoreError("cannot read the track record; move that file away: it is made again")


def test_a_record_that_cannot_be_read_is_one_sentence(services: Services) -> None:
    app = opened(replace(services, verification=Broken()))

    assert not app.exception
    assert states(app) == ["error"]
    assert "move that file away" in html(app)


def test_a_panel_that_fails_leaves_the_others(services: Services) -> None:
    app = opened(replace(services, verification=Broken(services.verification)))

    assert states(app) == ["error"]
    assert table_of(app, "settlements")


def test_the_files_hold_exact_numbers_in_the_unit_of_their_header(services: Services) -> None:
    rows = verified.edge_rows(services.verification.edges())

    lines = csv_table(verified.EDGES, rows).splitlines()

    assert lines[0] == "trades,n,claimed ¢,realised ¢,90 % low ¢,90 % high ¢"
    assert lines[1].startswith("all,100,6.25,3.125,")  # 20 events at five checkpoints


def test_charts_are_plain_and_say_what_they_show(services: Services) -> None:
    asked = services.verification
    figures = [
        chart.scores(asked.scores().rows, "r"), chart.reliability(asked.calibration(), "r"),
        chart.transform(asked.calibration(), "r"), chart.leads(asked.errors(), "r"), chart.edges(asked.edges(), "r"),
    ]  # fmt: skip

    for figure in figures:
        assert figure["traces"]
        assert figure["layout"]["xaxis"]
        assert all(len(trace["x"]) == len(trace["y"]) for trace in figure["traces"])
    assert [trace["name"] for trace in figures[0]["traces"]] == ["model", "market", "pool"]
    assert [trace["line"]["color"] for trace in figures[0]["traces"]] == ["@model", "@market", "@observed"]
    assert sum(figures[2]["traces"][0]["y"]) == pytest.approx(1.0)


def test_a_curve_without_anything_is_no_error(tmp_path: Path) -> None:
    world.build(tmp_path)
    asked = build_services(Settings(data_dir=tmp_path, mode="demo")).verification

    for figure in (
        chart.transform(asked.calibration(), "r"),
        chart.edges(asked.edges(), "r"),
        chart.leads(asked.errors(), "r"),
    ):
        assert figure["layout"]


def test_live_says_what_is_earned_and_leads_to_the_record() -> None:
    said = earned_words(earned({}, "polymarket", "12:45"))

    assert ">probe: nothing settled yet</a>" in said
    assert 'href="/verification?venue=polymarket&amp;checkpoint=12%3A45"' in said
