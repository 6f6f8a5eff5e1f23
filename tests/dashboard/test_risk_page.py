"""Risk & system over real services: its limits, what holds, what a press leaves, and its states."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from agents.transmission.profiles import DAY_LOSS, KILL
from core.control.commands import Commands
from core.errors import StoreError
from core.journal.changes import Obedience
from core.model.activity import Action, Activity
from core.model.command import KILL_FILE, To
from core.services import Services
from core.services.risk import TripwireRow
from core.settings import Settings
from core.wiring.faces import build_services
from dashboard.components.gauges import amount, bar, gauge_table
from tests.api import world


def draw(services) -> None:  # type: ignore[no-untyped-def]  # Streamlit runs the text alone
    from dashboard.views import risk_system

    risk_system.render(services)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    world.build(tmp_path)
    return tmp_path


def services_of(folder: Path) -> Services:
    return build_services(Settings(data_dir=folder, mode="demo"))


def opened(services: Services) -> AppTest:
    return AppTest.from_function(draw, args=(services,), default_timeout=30).run()


def html(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def states(app: AppTest) -> list[str]:
    return re.findall(r'data-state="([^"]*)"', html(app))


def limit_row(app: AppTest, name: str) -> str:
    return next(row for row in html(app).split("<tr") if row.startswith(f' data-limit="{name}"'))


def table_of(app: AppTest, kind: str) -> str:
    return next(each for each in html(app).split("<table") if each.startswith(f' class="grid {kind}"'))


def hold(folder: Path, bits: int) -> None:
    """Let tripwires hold for one cycle."""
    journal = world.open_journal(folder)
    of = world.cycle(4, world.NOW)
    account = journal.commit(of, journal.account("weather"), Obedience("c", np.array([bits], np.int64)))
    world.trade(journal, of, account, [])
    journal.close()


def left(folder: Path) -> list[tuple[str, str, str]]:
    return [(str(one.verb), one.arguments, one.by) for one in Commands(folder).pending(To.ENGINE, taker="weather")]


def test_every_limit_is_a_bar_with_its_numbers(folder: Path) -> None:
    app = opened(services_of(folder))
    row = limit_row(app, "city_day")

    assert not app.exception
    assert states(app) == []
    assert 'data-now="warn"' in row
    assert "▲ near" in row
    assert 'data-field="now" data-value="0.33' in row
    assert "33.6 $" in row or "34 $ of 40 $" in row
    assert f"New York {world.TODAY}" in row
    assert 'role="img"' in row
    assert "84.0%" in row  # of the width


def test_a_limit_that_is_reached_is_said_in_words_and_full(folder: Path) -> None:
    row = limit_row(opened(services_of(folder)), "bracket")

    assert "▼ at the limit" in row
    assert "100.0%" in row


def test_the_worst_case_of_the_day_says_what_it_counts(folder: Path) -> None:
    assert "events up to 2026-12-10 lost" in limit_row(opened(services_of(folder)), "worst_day")


def test_a_tripwire_that_holds_says_since_when_and_what_ends_it(folder: Path) -> None:
    hold(folder, DAY_LOSS)

    wires = table_of(opened(services_of(folder)), "tripwires")
    row = next(one for one in wires.split("<tr") if "loss of the day" in one)

    assert "▼ tripped" in row
    assert "09 Dec 18:30" in row
    assert "with the next desk day" in row
    assert "FLAT" in row


def test_the_switch_is_thrown_in_two_steps_with_a_reason(folder: Path) -> None:
    app = opened(services_of(folder))
    assert [one.key for one in app.button if one.key == "do_kill"] == []

    app.toggle(key="arm_kill").set_value(True).run()
    app.text_input(key="why_kill").set_value("a storm").run()
    app.button(key="do_kill").click().run()

    assert not app.exception
    assert left(folder) == [("kill", '{"reason":"a storm"}', "the dashboard")]
    assert 'data-said="pending"' in html(app)
    assert app.toggle(key="arm_kill").value is False
    assert 'data-value="pending"' in table_of(app, "commands")


def test_without_a_reason_nothing_is_left_and_it_says_why(folder: Path) -> None:
    app = opened(services_of(folder))
    app.toggle(key="arm_flatten").set_value(True).run()
    app.button(key="do_flatten").click().run()

    assert left(folder) == []
    assert 'data-said="refused"' in html(app)
    assert "a reason in words is needed" in html(app)


def test_a_thrown_switch_can_be_lifted_and_the_answer_is_shown(folder: Path) -> None:
    hold(folder, KILL)
    app = opened(services_of(folder))
    assert 'data-kill="thrown"' in html(app)

    app.button(key="do_lift").click().run()
    (command,) = Commands(folder).pending(To.ENGINE, taker="weather")
    journal = world.open_journal(folder)
    line = Activity(
        world.NOW, Action.RISK, "kill switch lifted by the dashboard", type="risk_update",
        data={"command_id": str(command.command_id)},
    )  # fmt: skip
    account = journal.account("weather")
    journal.commit(
        world.cycle(5, world.NOW), account, Obedience(str(command.command_id), account.tripped & ~np.int64(KILL), (line,))
    )
    journal.close()
    app.run()

    assert str(command.verb) == "lift"
    assert 'data-kill="open"' in html(app)
    assert 'data-said="done"' in html(app)
    assert "kill switch lifted by the dashboard" in table_of(app, "commands")


def test_a_lift_under_the_kill_file_is_refused_with_the_way_out(folder: Path) -> None:
    hold(folder, KILL)
    (folder / KILL_FILE).touch()
    app = opened(services_of(folder))
    app.button(key="do_lift").click().run()

    assert left(folder) == []
    assert "remove it, then lift again" in html(app)


def test_dial_and_rebase_leave_their_commands(folder: Path) -> None:
    app = opened(services_of(folder))
    app.selectbox(key="level").set_value(3).run()
    app.button(key="do_dial").click().run()
    app.text_input(key="why_rebase").set_value("a bad week").run()
    app.button(key="do_rebase").click().run()

    assert left(folder) == [
        ("dial", '{"level":3}', "the dashboard"),
        ("rebase", '{"reason":"a bad week"}', "the dashboard"),
    ]


def test_processes_show_whether_their_settings_are_equal(folder: Path) -> None:
    other = build_services(Settings(data_dir=folder, mode="demo", edge_min=0.09))
    other.processes.announce("api")

    said = html(opened(services_of(folder)))

    assert "they disagree" in said
    assert "▼ differs" in said


def test_an_empty_world_names_the_command(tmp_path: Path) -> None:
    app = opened(services_of(tmp_path / "nowhere"))

    assert not app.exception
    assert "empty" in states(app)
    assert "start_all.sh" in html(app)
    assert app.toggle(key="arm_kill").value is False  # the switch is there before any desk is


class Broken:
    def __getattr__(self, name: str) -> Any:
        raise StoreError("cannot be read; move that file away")


def test_a_panel_that_fails_leaves_the_others(folder: Path) -> None:
    app = opened(replace(services_of(folder), machine=Broken()))  # type: ignore[arg-type]

    assert not app.exception
    assert states(app) == ["error"]
    assert limit_row(app, "city_day")


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.336, "R0", "0.34 R0"), (33.6, "USD", "34 $"), (0.1, "of equity", "10 %"), (15.0, "%", "15 %"), (-3.0, "sd", "−3 sd"),
        (None, "R0", "—"),
    ],
)  # fmt: skip
def test_amounts_are_said_in_their_unit(value: float | None, unit: str, said: str) -> None:
    assert amount(value, unit) == said


@pytest.mark.parametrize(("used", "width"), [(0.5, "50.0%"), (1.7, "100.0%"), (-0.2, "0.0%"), (None, "0.0%")])
def test_a_bar_is_full_at_the_limit_and_never_beyond(used: float | None, width: str) -> None:
    assert f"var(--model) {width}" in bar(used, "ok", "said")


def test_what_a_limit_is_called_is_never_taken_for_markup() -> None:
    row = TripwireRow("<b>x</b>", "weather", "ok", 1.0, 2.0, "R0", 0.5, None, "FLAT", "never", None, None)

    assert "<b>x" not in gauge_table([row], kind="limits")
