"""The system family: documented fields, numbers that follow from the journal, commands that are checked, left and answered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from agents.transmission.profiles import DAY_LOSS, KILL
from core.control.commands import Commands
from core.errors import NotAllowedError
from core.journal.changes import Obedience
from core.model.activity import Action, Activity
from core.model.command import KILL_FILE, Caller, Scope, To
from core.services import Services
from core.store.evaluations import EvaluationStore
from tests.api import world
from tests.api.conftest import client_of, settings_of
from tests.api.test_routes import NESTED_FIELDS

# FACTS III.2
RISK_FIELDS = {"can_trade", "reason", "tripwires", "daily_limit_r", "weekly_limit_r", "current_drawdown", "limits", "exposure"}
TRIPWIRE_FIELDS = {"name", "state", "value", "limit", "since"}
COMPONENTS = {"journal", "control.db", "catalogue", "heartbeat", "sources", "clock", "disk"}
OWN_ID = "0f8c2d1e5b6a47c39d2e1f0a4b5c6d7e"
SCOPED = (
    "/api/system/status",
    "/api/system/risk",
    "/api/risk",
    "/api/system/health",
    "/api/system/orders",
    "/api/system/positions",
)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    world.build(tmp_path)
    return tmp_path


@pytest.fixture
def own(made: Path) -> Iterator[TestClient]:
    """A sidecar over a world of its own, which the test may change."""
    with client_of(made) as client:
        yield client


def test_status_is_the_system_block_of_the_strip(client: TestClient) -> None:
    system = client.get("/api/system/status").json()

    assert system == client.get("/api/status").json()["system"]
    assert set(system) >= NESTED_FIELDS["system"]
    assert system["current_r"] == 1.0
    assert [one["regime"] for one in system["regimes"]] == ["STABLE", "STABLE"]


@pytest.mark.parametrize("path", SCOPED)
def test_a_desk_is_known_by_its_account(client: TestClient, path: str) -> None:
    known, unknown = client.get(path, params={"desk": "weather"}), client.get(path, params={"desk": "futures"})

    assert known.status_code == 200
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == "unknown"


@pytest.mark.parametrize("path", SCOPED[:3])
def test_one_desk_says_what_all_together_say_where_there_is_one(client: TestClient, path: str) -> None:
    alone, together = client.get(path, params={"desk": "weather"}).json(), client.get(path).json()

    assert {**alone, "desk": ""} == together


def test_risk_has_the_documented_fields_on_both_paths(client: TestClient) -> None:
    risk = client.get("/api/risk").json()

    assert risk == client.get("/api/system/risk").json()
    assert set(risk) >= RISK_FIELDS
    assert all(set(one) >= TRIPWIRE_FIELDS for one in risk["tripwires"])
    assert {one["name"] for one in risk["tripwires"]} >= {"kill_switch", "day_loss", "week_loss", "worst_day"}
    assert risk["can_trade"] is True
    assert risk["current_drawdown"] >= 0
    assert (risk["daily_limit_r"], risk["weekly_limit_r"]) == (2.0, 4.0)


def test_exposure_counts_what_is_at_risk_in_the_fullest_group(client: TestClient) -> None:
    """Held today: 30 NO for 0.70 and 60 YES for 0.21 in New York: 33.60 $ of 0.4 x 100 $."""
    exposure = client.get("/api/risk").json()["exposure"]

    assert exposure["city_day"]["now_usd"] == pytest.approx(33.6)
    assert exposure["city_day"]["limit_usd"] == pytest.approx(40.0)
    assert exposure["city_day"]["used"] == pytest.approx(0.84)
    assert exposure["city_day"]["state"] == "warn"
    assert exposure["city_day"]["subject"] == f"New York {world.TODAY}"
    assert exposure["bracket"]["now_usd"] == pytest.approx(21.0)  # of a cap of 20 $: bought by hand
    assert exposure["bracket"]["state"] == "reached"


def test_a_working_order_counts_as_filled(made: Path) -> None:
    of = world.cycle(4, world.NOW)
    journal = world.open_journal(made)
    account = journal.account("weather")
    wanted = [(world.token(world.TOMORROW, 2), 40, 250_000)]
    journal.commit(of, account, world.intention(of, account, wanted))
    journal.close()

    with client_of(made) as client:
        risk = client.get("/api/risk").json()
        orders = client.get("/api/system/orders?status=open").json()

    assert risk["exposure"]["open_risk"]["now_usd"] == pytest.approx(33.6 + 40 * 0.25)
    assert [(row["status"], row["shares"], row["filled"], row["final"]) for row in orders["orders"]] == [
        ("submitting", 40, 0, False)
    ]
    assert orders["orders"][0]["age_seconds"] >= 0


@pytest.mark.parametrize(("looked", "fetches"), [(True, 100 * 0.20), (False, 0.8 * 100 * 0.30)], ids=["bid", "not looked at"])
def test_the_worst_case_of_the_day_marks_what_outlasts_it_at_the_bids_of_the_newest_look(
    made: Path, looked: bool, fetches: float
) -> None:
    """All that is held today is lost: 10,036.80 $ in cash, less 30.25 for 100 YES of the 12th, bid at 20 cents."""
    later, of = date(2026, 12, 12), world.cycle(4, world.NOW)
    days = (world.TODAY, world.TOMORROW, *((later,) if looked else ()))
    store = EvaluationStore(made, "weather")
    store.append(of.scheduled_at, world.outlooks(days, of.scheduled_at), world.brackets(days, 0.0))
    store.close()
    journal = world.open_journal(made)
    world.trade(journal, of, journal.account("weather"), [(world.token(later, 2), 100, 300_000)])
    journal.close()

    with client_of(made) as client:
        wires = {one["name"]: one for one in client.get("/api/risk").json()["tripwires"]}

    assert wires["worst_day"]["value_usd"] == pytest.approx(10_000 - (10_036.8 - 30.25) - fetches)
    assert wires["worst_day"]["subject"] == "events up to 2026-12-10 lost; the rest at its bid"
    assert wires["day_loss"]["subject"] == ""


def test_a_tripwire_says_since_when_it_holds_without_a_break(made: Path) -> None:
    """Tripped for one cycle, free for one, then tripped for three."""
    journal = world.open_journal(made)
    account = journal.account("weather")
    held: list[datetime] = []
    for step, bits in enumerate((DAY_LOSS, 0, DAY_LOSS, DAY_LOSS | KILL, DAY_LOSS | KILL)):
        of = world.cycle(4 + step, world.NOW)
        account = journal.commit(of, account, Obedience(f"c{step}", np.array([bits], np.int64)))
        account = world.trade(journal, of, account, [])
        held.append(of.scheduled_at)
    journal.close()

    with client_of(made) as client:
        risk = client.get("/api/risk").json()
        status = client.get("/api/system/status").json()
    wires = {one["name"]: one for one in risk["tripwires"]}

    assert wires["day_loss"]["state"] == "tripped"
    assert wires["day_loss"]["since"] == f"{held[2]:%Y-%m-%dT%H:%M:%SZ}"
    assert wires["kill_switch"]["since"] == f"{held[3]:%Y-%m-%dT%H:%M:%SZ}"
    assert wires["kill_switch"]["value"] == 1.0
    assert wires["week_loss"]["since"] is None
    assert (risk["state"], risk["can_trade"], risk["tripped"]) == ("pause", False, ["kill_switch", "day_loss"])
    assert (status["can_trade"], status["system_state"]) == (False, "paused")
    assert "kill switch holds" in status["risk_reason"]


def test_health_names_every_component(client: TestClient) -> None:
    health = client.get("/api/system/health").json()

    assert set(health["components"]) == COMPONENTS
    assert (health["database"], health["engine"]) == ("ok", "running")
    assert all(one["state"] in ("ok", "warn", "down") and one["detail"] for one in health["components"].values())


def test_a_silent_engine_is_a_component_that_is_down(made: Path) -> None:
    world.beat(made, world.NOW, state="stopped")

    with client_of(made) as client:
        health = client.get("/api/system/health").json()

    assert health["status"] == "degraded"
    assert health["engine"] == "stopped"
    assert health["components"]["heartbeat"]["state"] == "down"


def test_orders_tell_the_state_of_their_life_newest_first(client: TestClient) -> None:
    answer = client.get("/api/system/orders").json()
    rows = answer["orders"]

    assert answer["total"] == 4
    assert [row["placed_at"] for row in rows] == sorted((row["placed_at"] for row in rows), reverse=True)
    assert {row["status"] for row in rows} == {"filled"}
    assert {(row["action"], row["side"], row["shares"], row["average_price"], row["fee_usd"]) for row in rows} == {
        ("buy", "YES", 100, 0.3, 0.25), ("buy", "NO", 50, 0.7, 0.25), ("buy", "YES", 60, 0.21, 0.25), ("sell", "NO", 20, 0.77, 0.25),
    }  # fmt: skip


def test_orders_can_be_filtered_and_paged(client: TestClient) -> None:
    first = client.get("/api/system/orders", params={"limit": 3}).json()
    rest = client.get("/api/system/orders", params={"limit": 3, "offset": 3}).json()

    assert len(first["orders"]) == 3
    assert first["has_more"] is True
    assert len({row["order_id"] for row in first["orders"] + rest["orders"]}) == 4
    assert client.get("/api/system/orders", params={"status": "open"}).json()["total"] == 0
    assert client.get("/api/system/orders", params={"status": "filled", "station_code": "klga"}).json()["total"] == 4
    assert client.get("/api/system/orders", params={"station_code": "EGLC"}).json()["total"] == 0


# commands


def post(client: TestClient, name: str, **body: object) -> Any:
    return client.post(f"/api/system/{name}", json=body)


@pytest.mark.parametrize(
    ("name", "body", "arguments"),
    [
        ("kill", {}, {}), ("kill", {"reason": "a  storm "}, {"reason": "a storm"}), ("lift", {}, {}),
        ("lift", {"tripwire": "results_z"}, {"tripwire": "results_z"}), ("dial", {"level": 3}, {"level": 3}),
        ("rebase", {"reason": "a bad week"}, {"reason": "a bad week"}),
    ],
)  # fmt: skip
def test_a_command_is_left_and_answered_at_once(
    own: TestClient, made: Path, name: str, body: dict[str, object], arguments: dict[str, object]
) -> None:
    answer = post(own, name, **body)
    told = answer.json()
    left = Commands(made).pending(To.ENGINE, taker="weather")

    assert answer.status_code == 202
    assert [(str(one.command_id), str(one.verb), one.by) for one in left] == [(told["command_id"], name, "the sidecar")]
    assert (told["state"], told["arguments"], told["results"]) == ("pending", arguments, [])
    assert told["heard"] is True
    assert own.get(f"/api/system/commands/{told['command_id']}").json() == told


def test_flatten_leaves_a_kill_before_it(own: TestClient, made: Path) -> None:
    told = post(own, "flatten_all", reason="storm outside every model").json()
    left = Commands(made).pending(To.ENGINE, taker="weather")

    assert [str(one.verb) for one in left] == ["kill", "flatten"]
    assert [str(one.command_id) for one in left] == [*told["also"], told["command_id"]]
    assert told["verb"] == "flatten"


def test_its_result_is_the_activity_row_with_its_id(own: TestClient, made: Path) -> None:
    told = post(own, "kill", reason="a storm").json()
    line = Activity(
        world.NOW, Action.RISK, "kill switch thrown by the sidecar: exits only (a storm)", type="risk_update",
        data={"command_id": told["command_id"], "verb": "kill"},
    )  # fmt: skip
    journal = world.open_journal(made)
    account = journal.account("weather")
    Commands(made).taken(told["command_id"], at=world.NOW, taker="weather")

    taken = own.get(f"/api/system/commands/{told['command_id']}").json()
    journal.commit(world.cycle(4, world.NOW), account, Obedience(told["command_id"], np.array([KILL], np.int64), (line,)))
    journal.close()
    done = own.get(f"/api/system/commands/{told['command_id']}").json()

    assert taken["state"] == "taken"
    assert list(taken["taken_at"]) == ["weather"]
    assert done["state"] == "done"
    assert done["message"] == "kill switch thrown by the sidecar: exits only (a storm)"
    assert [(one["seq"], one["desk"]) for one in done["results"]] == [(16, "weather")]


def test_the_same_id_again_is_the_same_command_and_another_one_under_it_is_refused(own: TestClient, made: Path) -> None:
    first, again = (post(own, "kill", command_id=OWN_ID).json() for _ in range(2))
    other = post(own, "dial", command_id=OWN_ID, level=2)

    assert first == again
    assert len(Commands(made).newest()) == 1
    assert other.status_code == 422
    assert other.json()["error"]["field"] == "command_id"


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("flatten_all", {}, "reason"), ("flatten_all", {"reason": "x"}, "reason"), ("flatten_all", {"reason": "   "}, "reason"),
        ("rebase", {"reason": "a\x00b c"}, "reason"), ("rebase", {"reason": "x" * 300}, "reason"), ("dial", {}, "level"),
        ("dial", {"level": 0}, "level"), ("dial", {"level": 6}, "level"), ("dial", {"level": "3"}, "level"),
        ("dial", {"level": True}, "level"), ("dial", {"level": 2.5}, "level"), ("kill", {"verb": "lift"}, "verb"),
        ("kill", {"command_id": "../../x"}, "command_id"), ("lift", {"tripwire": "nothing_such"}, "tripwire"),
    ],
)  # fmt: skip
def test_a_malformed_command_is_refused_by_name_and_nothing_is_left(
    own: TestClient, made: Path, name: str, body: dict[str, object], field: str
) -> None:
    answer = post(own, name, **body)

    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field
    assert Commands(made).newest() == ()


def test_what_is_no_json_is_refused_in_the_same_shape(own: TestClient) -> None:
    answer = own.post("/api/system/flatten_all", content=b"{", headers={"content-type": "application/json"})

    assert answer.status_code == 422
    assert set(answer.json()) == {"error"}


def test_a_stranger_s_page_commands_nothing(own: TestClient, made: Path) -> None:
    answer = own.post("/api/system/kill", json={}, headers={"origin": "https://evil.example"})

    assert answer.status_code == 403
    assert Commands(made).newest() == ()


def test_a_lift_is_refused_while_the_kill_file_is_there(own: TestClient, made: Path) -> None:
    (made / KILL_FILE).touch()

    answer = post(own, "lift")

    assert answer.status_code == 422
    assert "remove it, then lift again" in answer.json()["error"]["message"]


def test_a_kill_is_left_where_no_engine_runs(made: Path) -> None:
    world.beat(made, world.NOW, state="stopped")

    with client_of(made) as client:
        told = post(client, "kill").json()

    assert told["heard"] is False
    assert "obeyed when one starts" in told["message"]


def test_a_folder_that_is_not_there_takes_no_command(empty_client: TestClient) -> None:
    answer = post(empty_client, "kill")

    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "data_not_ready"


def test_who_may_only_read_commands_nothing(services: Services) -> None:
    with pytest.raises(NotAllowedError, match="scope control is needed"):
        services.operator.ask("kill", {}, Caller("a reader", frozenset({Scope.READ})))


def test_commands_are_listed_newest_first(own: TestClient) -> None:
    ids = [post(own, name, **body).json()["command_id"] for name, body in (("kill", {}), ("dial", {"level": 2}), ("lift", {}))]

    listed = own.get("/api/system/commands", params={"limit": 2}).json()

    assert [one["command_id"] for one in listed["commands"]] == ids[:0:-1]
    assert (listed["total"], listed["has_more"]) == (3, True)


@pytest.mark.parametrize("command_id", ["none-such", OWN_ID])
def test_an_unknown_command_is_not_found(own: TestClient, command_id: str) -> None:
    assert own.get(f"/api/system/commands/{command_id}").status_code == 404


# processes


def test_processes_compare_the_name_of_their_settings(made: Path) -> None:
    with client_of(made) as client:
        same: Services = client.app.state.services  # type: ignore[attr-defined]
        same.processes.announce("api")
        agreed = same.processes.rows()
    with client_of(made, edge_min=0.07) as client:
        other: Services = client.app.state.services  # type: ignore[attr-defined]
        other.processes.announce("dashboard")
        apart = other.processes.rows()
        warned = client.get("/api/status").json()["warnings"][0]

    rows = {one.name: one for one in apart.rows}
    assert agreed.agree is True
    assert {one.name: one.agrees for one in agreed.rows if one.state == "running"} == {"engine": True, "sidecar": True}
    assert apart.agree is False
    assert rows["dashboard"].agrees is False
    assert rows["engine"].config_hash != rows["dashboard"].config_hash
    assert rows["supervisor"].state == "not started"
    assert warned["code"] == "config_differs"


def test_a_face_says_nothing_of_itself_where_no_desk_ever_ran(tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    with client_of(folder) as client:
        assert client.get("/api/status").status_code == 200

    assert not folder.exists()


def test_latencies_are_those_of_the_newest_cycles(services: Services) -> None:
    machine = services.machine.machine()

    cycle = next(one for one in machine.latencies if one.name == "cycle")
    assert (cycle.n, cycle.p50_ms, cycle.longest_ms) == (3, 41.5, 41.5)


def test_settings_of_the_faces_are_those_of_their_folder(made: Path) -> None:
    """The hash leaves out where a process looks and listens, and nothing else."""
    assert client_of(made, api_port=9001).app.state.services.processes.config_hash == world.HASH  # type: ignore[attr-defined]
    assert settings_of(made).data_dir == made
    assert timedelta(0) < world.EVERY
