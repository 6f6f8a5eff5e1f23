"""Performance over real services and weeks of trading written by the real writers: its states, words, filters, charts, files."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import StoreError
from core.services import Services
from core.services.choice import Choice
from core.services.performed import COUNTED
from core.settings import Settings
from core.wiring.faces import build_services
from dashboard.charts import performance as chart
from dashboard.components import performed
from dashboard.components.table import csv_table
from tests.api import history, world
from tests.api.history import N_DAYS


def draw(services) -> None:  # type: ignore[no-untyped-def]  # Streamlit runs the text alone
    from dashboard.views import performance

    performance.render(services)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    folder = tmp_path_factory.mktemp("weeks")
    history.build(folder)
    return build_services(Settings(data_dir=folder, mode="demo"))


def opened(services: Services, address: Mapping[str, str] | None = None) -> AppTest:
    app = AppTest.from_function(draw, args=(services,), default_timeout=30)
    app.query_params.update(address or {})
    return app.run()


def html(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def states(app: AppTest) -> list[str]:
    return re.findall(r'data-state="([^"]*)"', html(app))


def table_of(app: AppTest, kind: str) -> str:
    return next(each for each in html(app).split("<table") if each.startswith(f' class="grid {kind}"'))


def fields(text: str, name: str) -> list[str]:
    return re.findall(rf'data-field="{name}" data-value="([^"]*)"', text)


def test_the_page_says_what_an_observation_is_and_what_may_be_claimed(services: Services) -> None:
    app = opened(services)

    assert not app.exception
    assert states(app) == []
    assert COUNTED in html(app)
    assert "not enough data (45 of 300 trades, 45 of 60 dates)" in html(app)


def test_figures_stand_with_n_interval_and_definition(services: Services) -> None:
    figures = table_of(opened(services), "figures")

    assert fields(figures, "event")[:3] == ["E[R]", "profit factor", "win rate"]
    assert set(fields(figures, "n")) == {str(N_DAYS)}
    assert "+0.27 R" in figures
    assert "+0.18 to +0.36" in figures
    assert "Return the mean result of an event [R]." in figures


def test_a_figure_without_a_value_is_a_dash_with_its_reason(services: Services) -> None:
    figures = table_of(opened(services, {"side": "NO"}), "figures")

    assert re.search(r'data-bracket="event_profit_factor" data-field="value" data-value="" title="no losing event">—<', figures)


def test_every_table_by_kind_is_there(services: Services) -> None:
    app = opened(services)

    for kind in ("station", "lead", "bracket", "venue", "regime", "side", "weekday", "hour", "symbol", "strategy"):
        assert table_of(app, f"by_{kind}")
    assert fields(table_of(app, "by_side"), "event") == ["YES", "NO"]
    assert len(fields(table_of(app, "worst"), "event")) == 10
    assert fields(table_of(app, "closing"), "event") == ["day ahead, 09:00 of the day", "same day, 60 min"]


def test_closing_value_is_told_in_cents_odds_and_degrees(services: Services) -> None:
    """The implied mean went 0.4 °F our way, all 46 events alike; nothing was traded on its own day."""
    closing = table_of(opened(services), "closing")
    ahead, same = (row.split("</tr>")[0] for row in closing.split("<tr")[2:])

    assert "implied mean, our way °F" in closing
    assert 'data-field="degrees"' in ahead
    assert ">+0.40<" in ahead
    assert "+0.40 to +0.40" in ahead
    assert fields(ahead, "degrees_n") == [str(N_DAYS + 1)]
    assert fields(ahead, "left_out") == ["2"]  # of the newest event, 09:00 is still to come
    assert "0 executions whose bracket held the implied mean, 2 without one then or at entry" in ahead
    assert re.search(r'data-field="degrees" data-value="" title="nothing was traded">—<', same)


def test_a_file_of_closing_value_holds_exact_degrees(services: Services) -> None:
    rows = performed.closing_rows(services.performance.followed().closing)
    head, first, _ = csv_table(performed.CLOSING, rows).splitlines()
    cells = dict(zip(head.split(","), next(csv.reader([first])), strict=True))

    assert float(cells["implied mean our way °F"]) == pytest.approx(0.4)
    assert float(cells["90 % low °F"]) == pytest.approx(0.4)
    assert (cells["events °F"], cells["left out"], cells["held the mean"]) == (str(N_DAYS + 1), "2", "0")


def test_a_markout_without_a_quote_says_so_in_the_table(services: Services) -> None:
    markouts = table_of(opened(services), "markouts")

    assert ">1 min: no quote within the minute<" in markouts
    assert ">5 min: no quote within 5 min<" in markouts
    assert ">60 min<" in markouts
    assert fields(markouts, "event") == ["1 min", "5 min", "60 min"]


def test_filters_of_the_address_narrow_everything(services: Services) -> None:
    app = opened(services, {"span": "30 days", "side": "NO", "window": "12", "station": "KLGA"})

    assert re.search(r"decided events <b[^>]*>12</b>", html(app))
    assert "they have no equity of their own" in html(app)
    assert set(fields(table_of(app, "figures"), "n")) == {"12"}
    assert 'class="dead"' in table_of(app, "by_station")  # grey below 30 events


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"station": "KMIA"}, "No decided event passes these filters."), ({"span": "long"}, "A span is written like"),
        ({"window": "few"}, "window is a whole number"), ({"station": "ZZZZ"}, "ZZZZ"), ({"venue": "foo"}, "foo"),
        ({"desk": "nobody"}, "nobody"), ({"side": "maybe"}, "side is one of YES, NO"),
    ],
)  # fmt: skip
def test_what_the_address_cannot_have_is_said(services: Services, address: dict[str, str], said: str) -> None:
    app = opened(services, address)

    assert not app.exception
    assert "empty" in states(app)
    assert said in html(app)


def test_before_the_first_decided_event_the_page_says_what_is_missing(tmp_path: Path) -> None:
    app = opened(build_services(Settings(data_dir=tmp_path / "nowhere", mode="demo")))

    assert states(app) == ["empty"]
    assert "./start_all.sh" in html(app)


def test_one_decided_event_is_enough_to_draw(tmp_path: Path) -> None:
    world.build(tmp_path)

    app = opened(build_services(Settings(data_dir=tmp_path, mode="demo")))

    assert not app.exception
    assert "error" not in states(app)
    assert fields(table_of(app, "figures"), "n")[0] == "1"


class Broken:
    """Answers everything but one question."""

    def __init__(self, inner: Any, name: str) -> None:
        self._inner, self._name = inner, name

    def __getattr__(self, name: str) -> Any:
        if name == self._name:
            raise StoreError("cannot read the evaluations; move that file away")
        return getattr(self._inner, name)


@pytest.mark.parametrize("name", ["pnl", "edges", "attribution", "followed", "groups", "events", "tear_sheet"])
def test_a_panel_that_fails_leaves_the_others(services: Services, name: str) -> None:
    broken: Any = Broken(services.performance, name)
    app = opened(replace(services, performance=broken))

    assert not app.exception
    assert states(app) == ["error"]
    assert table_of(app, "worst" if name != "events" else "by_station")


def test_files_hold_exact_numbers_in_the_unit_of_their_header(services: Services) -> None:
    found = services.performance.events(Choice(window=3), sort="newest").events

    lines = csv_table(performed.RESULTS, performed.result_rows(found)).splitlines()

    assert lines[0].startswith("event,event id,venue,lead,regime,R,result $,claimed $,edge $,spread $,fees $,luck $")
    cells = lines[1].split(",")
    assert cells[4] == "STABLE"
    assert float(cells[5]) == -15.5 / 65.5
    assert cells[6:8] == ["-15.5", "-0.5"]


def test_charts_are_plain_and_say_what_they_show(services: Services) -> None:
    asked = services.performance
    parts = asked.attribution().attribution
    figures = [
        chart.equity(asked.pnl(), "r"), chart.equity(asked.pnl(Choice(side="NO")), "r"), chart.edges(asked.edges(), "r"),
        chart.parts(parts, "r"), chart.ladder(parts, "r"),
    ]  # fmt: skip

    for figure in figures:
        assert figure["layout"]["xaxis"]
        assert all(len(trace["x"]) == len(trace["y"]) for trace in figure["traces"])
    assert [trace["name"] for trace in figures[0]["traces"]] == [
        "if every claim is true, 90 %", "claimed", "equity at the bid", "drawdown",
    ]  # fmt: skip
    assert figures[1]["traces"][2]["name"] == "decided events, summed"
    assert sum(figures[3]["traces"][0]["y"][:4]) == pytest.approx(figures[3]["traces"][0]["y"][4])
    assert figures[4]["traces"][0]["y"][-1] == pytest.approx(float(parts.net_usd))


def test_charts_of_nothing_are_no_error(tmp_path: Path) -> None:
    asked = build_services(Settings(data_dir=tmp_path / "nowhere", mode="demo")).performance

    for figure in (
        chart.equity(asked.pnl(), "r"),
        chart.edges(asked.edges(), "r"),
        chart.parts(asked.attribution().attribution, "r"),
    ):
        assert figure["layout"]


def test_a_slope_and_what_rested_are_said_in_words(services: Services) -> None:
    assert performed.slope_words(services.performance.edges()).startswith("Of a claimed edge ")
    assert performed.resting_words(services.performance.followed()) == "No order was left to rest in the last 60 days."
    assert performed.decay_words(services.performance.summary(Choice(window=30))) == "Decay: not enough data (45 of 60 events)"
