"""Who may ask: this machine, by its own names, with small bodies."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from api.__main__ import main
from api.app import create_app
from api.security import MAX_BODY_BYTES, host_of, is_loopback
from core.errors import SettingsError
from tests.api.conftest import STREAM, settings_of


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.7:8000", ""])
def test_a_foreign_host_name_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/api/status", headers={"Host": host})

    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "forbidden"
    assert "X-Process-Time-ms" in answer.headers


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:9", "[::1]:8000"])
def test_the_names_of_this_machine_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/health", headers={"Host": host}).status_code == 200


def test_another_machine_is_refused(folder: Path) -> None:
    app = create_app(settings_of(folder))
    stranger = TestClient(app, base_url="http://127.0.0.1:8000", client=("192.168.1.20", 40_000))

    assert stranger.get("/health").status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "https://127.0.0.1.evil.example", "null", "file://"])
def test_a_foreign_page_gets_no_websocket(client: TestClient, origin: str) -> None:
    with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect(STREAM, headers={"Origin": origin}):
        pass

    assert refused.value.code == 1008


@pytest.mark.parametrize("origin", ["http://localhost:8501", "http://127.0.0.1:8501"])
def test_our_own_pages_get_a_websocket(client: TestClient, origin: str) -> None:
    with client.websocket_connect(STREAM, headers={"Origin": origin}) as socket:
        assert socket.receive_json()["type"] == "connected"


def test_a_websocket_to_a_foreign_host_name_is_refused(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(STREAM, headers={"Host": "evil.example"}):
        pass


def test_a_foreign_page_changes_nothing(client: TestClient) -> None:
    answer = client.post("/api/status", headers={"Origin": "http://evil.example"})

    assert answer.status_code == 403


def test_no_page_of_another_origin_may_read(client: TestClient) -> None:
    answer = client.get("/api/status", headers={"Origin": "http://evil.example"})

    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_large_body_is_refused(client: TestClient) -> None:
    answer = client.post("/api/status", content=b"x" * (MAX_BODY_BYTES + 1))

    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


def test_a_fault_is_one_line_without_a_trace(folder: Path) -> None:
    app: FastAPI = create_app(settings_of(folder))

    @app.get("/fault")
    def fault() -> None:
        raise ZeroDivisionError("secret")

    answer = TestClient(app, base_url="http://localhost", client=("127.0.0.1", 1), raise_server_exceptions=False).get("/fault")

    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert "secret" not in answer.text
    assert "X-Process-Time-ms" in answer.headers


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org", "::"])
def test_it_refuses_to_be_reachable_from_outside(folder: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="no token is set"):
        create_app(settings_of(folder, api_host=host))


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.0.0.9", True), ("::1", True), ("localhost", True), ("127.0.0.1.x", False)]
)
def test_loopback_is_known(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_the_name_of_an_authority_leaves_port_and_brackets() -> None:
    assert host_of("[::1]:8000") == "::1"
    assert host_of("LocalHost:1") == "localhost"


def test_starting_outside_loopback_is_one_line_and_a_wrong_exit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HERMES_API_HOST", "0.0.0.0")

    assert main([]) == 1
    assert capsys.readouterr().err.count("\n") == 1
