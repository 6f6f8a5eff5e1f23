"""The sidecar in-process over a small world."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from core.services import Services
from core.settings import Settings, load_settings
from core.wiring.faces import build_services
from tests.api import world

STREAM = "ws://127.0.0.1:8000/ws/trading"  # the test client would name the host "testserver"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world that no test changes."""
    made = tmp_path_factory.mktemp("world")
    world.build(made)
    return made


def settings_of(folder: Path, **given: Any) -> Settings:
    return load_settings(None, data_dir=folder, mode="demo", **given)


def client_of(folder: Path, **given: Any) -> TestClient:
    app = create_app(settings_of(folder, **given))
    return TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50_000), raise_server_exceptions=False)


@pytest.fixture(scope="session")
def services(folder: Path) -> Services:
    return build_services(settings_of(folder))


@pytest.fixture(scope="session")
def client(folder: Path) -> Iterator[TestClient]:
    with client_of(folder) as made:
        yield made


@pytest.fixture
def empty_client(tmp_path: Path) -> Iterator[TestClient]:
    """A sidecar whose data folder does not exist."""
    with client_of(tmp_path / "nowhere") as made:
        yield made
