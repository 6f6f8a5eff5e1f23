"""All stations, and Positions & trades, over real services and a small world: what is said, linked, filtered, exported."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.services import Services
from core.services.stations import StationService
from core.settings import Settings
from core.wiring.faces import build_services
from dashboard import wording
from dashboard.components import ladder
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
    for words in ("45.5°F", "42.1°F 24 min ago", "YES +8¢ ≤ 39°F", "NO 40–41°F × 30 +1"):
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
    assert fields(app, "unanswered") == ["0"]
    assert "Quarantined" not in html(app)
    assert "Did not answer" not in html(app)


def test_a_lie_is_named_with_its_reason(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    from core.services.sources import Doubt, Silence, SourceService

    health = services.sources.health
    reason = "KLGA: <71.0 °C> is no temperature on Earth"
    first, last = world.NOW - timedelta(hours=2), world.NOW - timedelta(minutes=5)
    doubt = Doubt("metar", "metar", "KLGA", reason, False, 3, first, last)
    silence = Silence("metar", "metar", "metar: answered 503; try again later", 7, 2, 4, first, last)

    def told(_self: SourceService) -> Any:
        from dataclasses import replace

        return replace(health(), n=3, doubts=(doubt,), quarantined={"metar": 3}, silences=(silence,))

    monkeypatch.setattr(SourceService, "health", told)
    app = opened(services, draw_stations)

    assert "KLGA: &lt;71.0 °C&gt; is no temperature on Earth" in html(app)
    assert "3 answers of the last 24 hours were not believed" in html(app)
    assert fields(app, "count") == ["7", "3"]  # what did not come stands apart from what was not believed


def test_sources_come_first_while_one_of_them_fails(tmp_path: Path) -> None:
    world.build(tmp_path, engine=False)
    ill = {"name": "metar", "last_success_at": None, "last_error": "metar: no answer; try again later", "trouble": "down"}
    world.beat(tmp_path, world.NOW, sources={"metar": {"metar": ill}})
    page = html(opened(build_services(Settings(data_dir=tmp_path, mode="demo")), draw_stations))

    assert page.count("<h2>Sources<") == 1
    assert page.index("<h2>Sources<") < page.index("<h2>Events<")
    assert "▲ metar does not answer" in page


def test_a_state_that_there_is_not_is_a_sentence_that_names_those_there_are(services: Services) -> None:
    app = opened(services, draw_stations, state="nonsense")

    assert not app.exception
    assert "state is one of settled, day over, not traded, held, watched; got &#x27;nonsense&#x27;" in html(app)


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
    assert fields(app, "held") == ["NO 40–41°F", "YES 44–45°F"]
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
    assert [number for number, _ in parts] == list("123456789")
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


def test_a_file_says_in_its_header_in_what_unit_its_numbers_are() -> None:
    """38 ¢ is 38 in a column of cents; an age is the instant behind it; a bracket is its name and not its rank."""
    columns = (
        Column("bracket", "bracket °F", as_said=True), Column("model", "model %", scale=100), Column("yes", "YES ¢", scale=100),
        Column("age", "bid's age", named="bid at, UTC"), Column("side", "", named="side", file_only=True),
    )  # fmt: skip
    cells = (Cell("≥ 94", 5), Cell("7", 0.07), Cell("38", Decimal("0.38")), Cell("2 min ago", world.NOW), Cell("NO", "NO"))

    assert list(csv.reader(io.StringIO(csv_table(columns, [Row("a", cells)])))) == [
        ["bracket °F", "model %", "YES ¢", "bid at, UTC", "side"],
        ["≥ 94", "7", "38", "2026-12-09T18:15:00Z", "NO"],
    ]
    assert "NO" not in table(columns, [Row("a", cells)])


NUMBER = re.compile(r"[−+]?[\d,]+(\.\d+)?")


def numbers_differ(columns: Sequence[Column], rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """Return where the file holds another number than the page shows, rounding apart: header, shown, written."""
    found = []
    _, *lines = csv.reader(io.StringIO(csv_table(columns, rows)))
    for row, line in zip(rows, lines, strict=True):
        for column, cell, written in zip(columns, row.cells, line, strict=True):
            shown = NUMBER.search(cell.text)
            counted = isinstance(cell.value, int | float | Decimal) and not isinstance(cell.value, bool) and not column.as_said
            if counted and shown and cell.text not in ("—", "<0.1"):
                said = float(shown.group().replace("−", "-").replace(",", ""))
                if abs(said - float(written)) > 0.51:
                    found.append((column.named or column.label, cell.text, written))
    return found


def test_the_number_in_a_file_is_that_of_the_page(services: Services) -> None:
    ladder_of = services.edges.ladder(world.event_id(world.TODAY))
    portfolio, trades = services.positions.portfolio(), services.trades.history()
    tables = {
        "ladder": (ladder.columns("F"), ladder.rows(ladder_of.rungs)),
        "positions": (
            positions.HOLDINGS,
            [positions._holding(event, one) for event in portfolio.events for one in event.holdings],
        ),
        "trades": (positions.TRADES, [positions._trade(one) for one in trades.trades]),
    }

    for name, (columns, rows) in tables.items():
        assert rows, name
        assert numbers_differ(columns, rows) == [], name
        for column in columns:
            header = column.named or column.label
            assert column.scale == (100 if header[-1:] in "¢%" and header else 1), (name, header)


def test_the_file_of_trades_holds_all_that_pass_the_filters(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(positions, "PER_PAGE", 3)
    written: dict[str, Any] = {}
    monkeypatch.setattr(positions, "exported", lambda *_, name, **named: written.update({name: named.get("everything")}))
    app = opened(services, draw_positions, side="YES")

    assert not app.exception
    assert [row.name for row in written["trades"]()] == [one.trade_id for one in services.trades.history(side="YES").trades]
    assert written["positions"] is None


@pytest.mark.parametrize(
    ("label", "unit", "said"),
    [
        ("58-59°F", "F", "58–59°F"), ("69° to 70°", "F", "69–70°F"), ("95° or below", "F", "≤ 95°F"), ("73° or above", "F", "≥ 73°F"),
        ("18°C or higher", "C", "≥ 18°C"), ("-5°C or below", "", "≤ −5°C"), ("21°C", "C", "21°C"), ("nobody knows", "F", "nobody knows"),
    ],
)  # fmt: skip
def test_every_venue_s_name_of_a_bracket_is_spelled_in_one_way(label: str, unit: str, said: str) -> None:
    assert wording.spelled(label, unit) == said


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-cmd", "@x", "\tx", "\n=1"])
def test_an_export_holds_no_formula(text: str) -> None:
    rows = [Row("a", (Cell(text, text), Cell("−1.2", -1.2), Cell("x")))]

    (_, cells) = csv.reader(io.StringIO(csv_table(COLUMNS, rows)))

    assert cells == [f"'{text}", "-1.2", "x"]


def test_a_cell_with_a_link_carries_it_escaped() -> None:
    text = table(COLUMNS, [Row("a", (Cell("<b>", 1, link='?trade="x'), Cell("1"), Cell("2")))])

    assert '<a href="?trade=&quot;x" target="_self">&lt;b&gt;</a>' in text
