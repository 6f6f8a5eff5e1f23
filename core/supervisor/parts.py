"""The processes of an installation, as a table."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from core.control.beats import Beats
from core.settings import Settings
from core.settings.demo import demo_addresses
from core.supervisor.ports import free_port
from core.supervisor.processes import Part, answers

ANNOUNCEMENT = "world.json"


def demo_part(settings: Settings, data_dir: Path) -> Part:
    """Return the demo world's server; its port stays the same when it must be started again."""
    announcement = data_dir / ANNOUNCEMENT
    command = [
        sys.executable, "-m", "venues.demo.server", "--seed", str(settings.seed), "--port", str(settings.world_port or free_port()),
        "--announce", str(announcement), "--faults", settings.demo_faults,
    ]  # fmt: skip
    return Part("world", command, {}, lambda: announcement.exists() and answers(f"{demo_address(data_dir)}/health"))


def demo_address(data_dir: Path) -> str:
    """Return where the demo world listens."""
    announced = json.loads((data_dir / ANNOUNCEMENT).read_text("utf-8"))
    return f"http://127.0.0.1:{announced['port']}"


def service_addresses(base: str, stream_port: int | None = None) -> dict[str, str]:
    """Return the environment that points every service at a demo world; its live channel only to a desk on its clock."""
    addresses = {
        f"HERMES_SOURCES__{source}__{name}".upper(): value
        for source, parts in demo_addresses(base).items()
        for name, value in parts.items()
    }
    if stream_port is not None:
        addresses["HERMES_SOURCES__POLYMARKET_STREAM__BASE_URL"] = f"ws://127.0.0.1:{stream_port}/clob-ws/ws/market"
    return addresses


def environment(settings: Settings, data_dir: Path, mode: str) -> dict[str, str]:
    """Return what every process must agree on."""
    return {
        "HERMES_MODE": mode,
        "HERMES_DATA_DIR": str(data_dir),
        "HERMES_SPEED": str(settings.speed),
        "HERMES_SEED": str(settings.seed),
        "HERMES_API_PORT": str(settings.api_port),
        "HERMES_DASHBOARD_PORT": str(settings.dashboard_port),
        "PYTHONUNBUFFERED": "1",
    }


def engine_part(settings: Settings, data_dir: Path, mode: str, addresses: dict[str, str]) -> Part:
    """Return the engine of the weather desk."""
    verb = "collect" if mode == "collect" else "dynamic-paper"
    world = "demo" if mode == "demo" else "live"
    command = [sys.executable, "-m", "core.orchestrator", "--mode", verb, "--world", world, "--data", str(data_dir)]
    return Part("engine", command, environment(settings, data_dir, mode) | addresses, _beats(data_dir))


def _beats(data_dir: Path) -> Callable[[], bool]:
    def healthy() -> bool:
        beat = Beats(data_dir).read("engine")
        return beat is not None and beat.state not in ("stopped", "starting")

    return healthy


def face_parts(settings: Settings, data_dir: Path, mode: str, *, dashboard: bool) -> list[Part]:
    """Return sidecar and dashboard."""
    shared = environment(settings, data_dir, mode)
    parts = [
        Part("api", [sys.executable, "-m", "api"], shared, lambda: answers(f"http://127.0.0.1:{settings.api_port}/health")),
    ]
    if dashboard:
        command = [
            sys.executable, "-m", "streamlit", "run", "dashboard/app.py", "--server.port", str(settings.dashboard_port),
        ]  # fmt: skip
        address = f"http://127.0.0.1:{settings.dashboard_port}/_stcore/health"
        parts.append(Part("dashboard", command, shared, lambda: answers(address)))
    return parts
