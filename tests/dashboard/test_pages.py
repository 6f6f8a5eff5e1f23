"""Pages over fake answers, without a browser: what is said, what an address opens, what a failure leaves standing."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.settings import Settings
from core.wiring.faces import build_services
from dashboard.app import PAGES
from dashboard.views import activity
from tests.dashboard.fakes import MIAMI, FakeServices, World


def draw(services) -> None:  # type: ignore[no-untyped-def]  # Streamlit runs the text alone
    from dashboard.app import frame

    frame(services)


def draw_activity(services) -> None:  # type: ignore[no-untyped-def]
    from dashboard.views import activity

    activity.render(services)


def opened(services: Any, page: Any = draw, **address: str) -> AppTest:
    app = AppTest.from_function(page, args=(services,), default_timeout=20)
    app.query_params.update(address)
    return app.run()


def html(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def cell(app: AppTest, bracket: str, field: str) -> tuple[str, str]:
    """Return the exact number and the text of a cell of the ladder."""
    found = re.search(rf'data-bracket="{bracket}" data-field="{field}" data-value="([^"]*)"[^>]*>([^<]*)<', html(app))
    assert found, f"no cell {field} of {bracket}"
    return found[1], found[2]


def test_the_ladder_says_each_number_and_carries_it_exactly() -> None:
    app = opened(FakeServices())

    assert not app.exception
    assert cell(app, "81-82°F", "model") == ("0.2", "20")
    assert cell(app, "81-82°F", "edge") == ("0.072", "NO +7.2¢")
    assert cell(app, "81-82°F", "target") == ("NO 24", "NO 24")
    assert cell(app, "75-76°F", "edge") == ("", "—")
    assert cell(app, "74°F or below", "model") == ("0.0004", "&lt;0.1")


def test_the_strip_stands_first_on_every_page() -> None:
    for page in (draw, draw_activity):
        assert not opened(FakeServices(), page).exception
    app = opened(FakeServices())
    strip = next(element.proto.body for element in app.get("html") if 'class="strip"' in element.proto.body)

    for words in ("DEMO · seed 7 · 300×", "PAPER", "<b>214</b>", "12 s ago", "−1.20 $", "of 400", "TRADE", "▲ zeus"):
        assert words in strip
    assert "next in <b>48 s</b>" in strip  # no clock time, which it could be taken for
    assert 'data-stale="0"' in strip


def test_an_address_opens_its_event_and_says_it_whole() -> None:
    app = opened(FakeServices(), station="EGLC")

    assert "<h1>London · highest temperature · Wed 9 Dec</h1>" in html(app)
    assert app.query_params["day"] == "2026-12-09"
    assert app.query_params["venue"] == "polymarket"


def test_without_an_address_the_best_event_is_shown_and_stays() -> None:
    app = opened(FakeServices())

    assert "<h1>Miami" in html(app)
    assert app.query_params["station"] == "KMIA"


def test_a_choice_of_city_goes_into_the_address() -> None:
    app = opened(FakeServices())

    app.selectbox(key="pick_station").set_value("EGLC").run()

    assert app.query_params["station"] == "EGLC"
    assert "<h1>London" in html(app)


def test_an_unknown_event_is_a_sentence_and_a_way_out() -> None:
    app = opened(FakeServices(), station="ZZZZ")

    assert "The address asks for ZZZZ, which was never evaluated here" in html(app)
    assert not app.exception
    assert app.selectbox(key="pick_station").options == ["London EGLC", "Miami KMIA"]


@pytest.mark.parametrize(("what", "panel"), [("card", "Temperature"), ("ladder", "Ladder"), ("events", "Events")])
def test_a_panel_that_fails_leaves_the_others_standing(what: str, panel: str) -> None:
    app = opened(FakeServices(World(broken={what})))

    assert f"▲ {panel}: " in html(app)
    assert "Traceback" not in html(app)
    assert not app.exception
    assert 'class="strip"' in html(app)
    if what == "card":
        assert cell(app, "81-82°F", "model")[1] == "20"


def test_a_broken_state_is_said_in_the_strips_place() -> None:
    app = opened(FakeServices(World(broken={"status"})))

    assert "The state of the engine cannot be read" in html(app)
    assert "<h1>Miami" in html(app)
    assert not app.exception


def test_a_stopped_engine_greys_the_page_and_says_since_when() -> None:
    app = opened(FakeServices(World(running=False)))

    assert 'data-stale="1"' in html(app)
    assert "stale since <b>Wed 15:45:02 UTC</b>" in html(app)


def test_text_from_outside_is_never_markup() -> None:
    app = opened(FakeServices(), draw_activity)

    assert "&lt;timeout&gt;" in html(app)
    assert "<timeout>" not in html(app)
    assert '<b>"' not in html(app)


@pytest.mark.parametrize("page", [draw, draw_activity])
def test_an_empty_data_folder_names_what_is_missing_and_the_command(page: Any, tmp_path: Path) -> None:
    services = build_services(Settings(data_dir=tmp_path / "nothing"))

    app = opened(services, page)

    assert not app.exception
    assert "There is no data folder" in html(app)
    assert "./start_all.sh" in html(app)


def test_activity_is_grouped_by_cycle_newest_first() -> None:
    app = opened(FakeServices(), draw_activity)
    cycles = re.findall(r"<h2>Cycle (\d+)", html(app))

    assert cycles == ["214", "213", "212"]
    assert "<details><summary>Miami 2026-12-09: bought 24 NO" in html(app)


def test_filters_of_the_address_reach_the_journal() -> None:
    services = FakeServices()

    opened(services, draw_activity, station="KMIA", action="trade", level="WARNING", day="tomorrow", text="bought")

    asked = services.activity.asked[-1]
    assert asked == {
        "station_code": "KMIA", "event_day": "tomorrow", "action_type": "trade", "log_level": "WARNING", "text": "bought",
    }  # fmt: skip


def test_a_filter_that_lets_nothing_through_says_so() -> None:
    app = opened(FakeServices(), draw_activity, action="settlement")

    assert "No line passes these filters" in html(app)


def test_who_does_not_follow_keeps_the_lines_at_hand() -> None:
    services = FakeServices()
    app = opened(services, draw_activity)
    app.toggle(key="follow").set_value(False).run()

    services.world.advance()
    app.run()
    kept = re.findall(r"<h2>Cycle (\d+)", html(app))
    app.toggle(key="follow").set_value(True).run()

    assert kept == ["214", "213", "212"]
    assert re.findall(r"<h2>Cycle (\d+)", html(app)) == ["215", "214", "213"]


def test_the_export_is_exactly_what_is_shown() -> None:
    logs = FakeServices().activity.logs(limit=5)

    rows = list(csv.DictReader(io.StringIO(activity.csv_of(logs.logs))))

    assert [int(row["seq"]) for row in rows] == [row.seq for row in logs.logs]
    assert [row["message"] for row in rows] == [row.message for row in logs.logs]
    assert rows[0]["event_id"] == MIAMI
    assert rows[0]["timestamp"] == "2026-12-09T17:45:02Z"


def test_every_page_has_its_own_address() -> None:
    assert [page.title for page in PAGES][:1] == ["Live"]
    assert len({page.path for page in PAGES}) == len(PAGES)
