"""A short name of everything that is set: processes that disagree about a limit must not go unnoticed."""

from __future__ import annotations

from hashlib import sha256

from core.settings.schema import Settings

APART = {"database_url", "sources", "data_dir", "mode", "api_host", "api_port", "dashboard_port", "world_port"}
"""Where a process looks and listens, and under which name it was started."""


def config_hash(settings: Settings, world: str) -> str:
    """Return the name of the settings as they hold in a world; the same in every process that decides and shows alike."""
    return sha256(settings.in_world(world).model_dump_json(exclude=APART).encode()).hexdigest()[:12]
