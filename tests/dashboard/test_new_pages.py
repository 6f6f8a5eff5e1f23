"""All stations, and Positions & trades, over real services and a small world: what is said, linked, filtered, exported."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.services import Services
from core.services.stations import StationService
from core.settings import Settings
from core.wiring.faces import build_services
from dashboard.components.table import Cell, Column, Row, csv_table, table
from dashboard.views import positions
from tests.api import world


def draw_stations(services) -> None:  # type: ignore[no-untyped-def]  # Streamlit runs the text alone
    from dashboard.views import all_stations

    all_stations.render(services)


def draw_positions(services) -> None:  # type: ignore[no-untyped-def]
    from dashboard.views import positions

    positions.render(services)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    folder = tmp_path_factory.mktemp("world")
    world.build(folder)
    return build_services(Settings(data_dir=folder, mode="demo"))


def opened(services: Services, view: Any, **address: str) -> AppTest:
    app = AppTest.from_function(view, args=(services,), default_timeout=20)
    app.query_params.update(address)
    return app.run()


def html(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def fields(app: AppTest, name: str) -> list[str]:
    return re.findall(rf'data-field="{name}" data-value="([^"]*)"', html(app))


# All stations


def test_each_event_has_a_card_that_opens_it(services: Services) -> None:
    app = opened(services, draw_stations)

    assert not app.exception
    links = re.findall(r'<a class="card" href="([^"]*)"', html(app))
    assert links == [
        f"/?station=KLGA&amp;day=2026-12-{day:02d}&amp;extreme=high&amp;venue=polymarket" for day in (9, 10)
    ]  # fmt: skip
    for words in ("45.5°F", "42.1°F 24 min ago", "YES +8¢ 39°F or below", "NO 40-41°F × 30 +1"):
        assert words in html(app)


def test_filters_of_the_address_act_on_cards_and_on_what_is_skipped(services: Services) -> None:
    app = opened(services, draw_stations, day="2026-12-10")

    assert re.findall(r'class="card"[^>]*data-event="([^"]*)"', html(app)) == [world.event_id(world.TOMORROW)]
    assert set(fields(app, "day")) == {"2026-12-10"}


def test_a_filter_that_lets_no_event_through_says_so(services: Services) -> None:
    app = opened(services, draw_stations, venue="kalshi")

    assert "No event passes these filters." in html(app)
    assert not app.exception


def test_what_is_skipped_is_said_in_words_with_its_sentence(services: Services) -> None:
    app = opened(services, draw_stations)

    assert sum(int(count) for count in fields(app, "brackets")) >= 6
    assert "Skipped and why" in html(app)


def test_each_source_has_a_line_with_its_state(services: Services) -> None:
    app = opened(services, draw_stations)

    assert fields(app, "state") == ["ok"]
    assert fields(app, "quarantined") == ["0"]


def test_a_lie_is_named_with_its_reason(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    from core.services.sources import Doubt, SourceService

    health = services.sources.health
    reason = "KLGA: <71.0 °C> is no temperature on Earth"
    doubt = Doubt("metar", "metar", "KLGA", reason, False, 3, world.NOW - timedelta(hours=2), world.NOW - timedelta(minutes=5))

    def told(_self: SourceService) -> Any:
        from dataclasses import replace

        return replace(health(), n=3, doubts=(doubt,), quarantined={"metar": 3})

    monkeypatch.setattr(SourceService, "health", told)
    app = opened(services, draw_stations)

    assert "KLGA: &lt;71.0 °C&gt; is no temperature on Earth" in html(app)
    assert fields(app, "quarantined") == ["3"]


def test_a_part_that_fails_leaves_the_others_standing(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(StationService, "skipped", broken)
    app = opened(services, draw_stations)

    assert "▲ Skipped and why: could not be drawn" in html(app)
    assert 'class="card"' in html(app)
    assert fields(app, "state") == ["ok"]


# Positions & trades


def test_money_and_holdings_are_those_of_the_account(services: Services) -> None:
    app = opened(services, draw_positions)

    assert not app.exception
    text = html(app)
    assert "10,036.80 $" in text
    assert "−33.60 $" in text
    assert fields(app, "held") == ["NO 40-41°F", "YES 44-45°F"]
    assert fields(app, "bid")[1] == "0.2"
    assert "not deep enough" in text


def test_trades_can_be_narrowed_by_the_address(services: Services) -> None:
    app = opened(services, draw_positions, side="NO", outcome="pending")

    assert fields(app, "side") == ["buy NO"]
    assert "1 to 1 of 1" in html(app)


def test_a_table_of_trades_has_pages(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(positions, "PER_PAGE", 3)
    first, second = opened(services, draw_positions), opened(services, draw_positions, page="2")

    assert "1 to 3 of 4" in html(first)
    assert "4 to 4 of 4" in html(second)


@pytest.mark.parametrize("address", [{"day": "soon"}, {"station": "ZZZZ"}, {"venue": "foo"}, {"sort": "random"}])
def test_a_filter_that_makes_no_sense_is_a_sentence(services: Services, address: dict[str, str]) -> None:
    app = opened(services, draw_positions, **address)

    assert not app.exception
    assert 'data-state="empty"' in html(app)
    assert "Open positions" in html(app)


def test_a_link_explains_its_trade_from_top_to_bottom(services: Services) -> None:
    trade = services.trades.history(outcome="win", side="YES").trades[0]
    app = opened(services, draw_positions, trade=trade.trade_id)

    assert not app.exception
    parts = re.findall(r"<h2>(\d) · ([^<]*)<", html(app))
    assert [number for number, _ in parts] == list("12345678")
    assert f'data-trade="{trade.trade_id}"' in html(app)
    assert fields(app, "verdict") == ["pass"]
    assert fields(app, "winner") == ["40-41°F", "42-43°F"]
    assert "ours and the venue&#x27;s differ" in html(app)


def test_a_trade_that_is_unknown_is_a_sentence_and_a_way_back(services: Services) -> None:
    app = opened(services, draw_positions, trade="x-<b>")

    assert "there is no trade &#x27;x-&lt;b&gt;&#x27;" in html(app)
    assert "← all trades" in html(app)
    assert not app.exception


def test_every_trade_links_to_its_explanation(services: Services) -> None:
    app = opened(services, draw_positions)

    links = re.findall(r'<a href="\?trade=([^"]*)"', html(app))
    assert links == [trade.trade_id for trade in services.trades.history().trades]


@pytest.mark.parametrize("page", [draw_stations, draw_positions])
def test_an_empty_folder_names_what_is_missing_and_the_command(page: Any, tmp_path: Path) -> None:
    app = opened(build_services(Settings(data_dir=tmp_path / "nothing")), page)

    assert not app.exception
    assert "There is no data folder" in html(app)
    assert "./start_all.sh" in html(app)


# tables and their export

COLUMNS = (Column("event", "event", left=True), Column("edge", "edge"), Column("why", "why"))


def test_an_export_holds_the_rows_and_columns_that_are_shown_with_exact_numbers() -> None:
    rows = [Row("a", (Cell("Miami", None), Cell("+7.2¢", 0.0721), Cell("—", None, "no price")))]

    assert list(csv.reader(io.StringIO(csv_table(COLUMNS, rows)))) == [["event", "edge", "why"], ["Miami", "0.0721", ""]]


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-cmd", "@x", "\tx"])
def test_an_export_holds_no_formula(text: str) -> None:
    rows = [Row("a", (Cell(text, text), Cell("−1.2", -1.2), Cell("x")))]

    (_, cells) = csv.reader(io.StringIO(csv_table(COLUMNS, rows)))

    assert cells == [f"'{text}", "-1.2", "x"]


def test_a_cell_with_a_link_carries_it_escaped() -> None:
    text = table(COLUMNS, [Row("a", (Cell("<b>", 1, link='?trade="x'), Cell("1"), Cell("2")))])

    assert '<a href="?trade=&quot;x" target="_self">&lt;b&gt;</a>' in text
