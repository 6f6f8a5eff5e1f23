"""The data folder of a world: made if missing, refused if it cannot be written."""

from __future__ import annotations

from pathlib import Path

from core.errors import StoreError
from core.settings import Settings


def prepare(settings: Settings, mode: str) -> Path:
    """Return the world's data folder, made if it was missing."""
    folder = settings.folder(mode)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise StoreError(f"data folder {folder} cannot be written: {error.strerror}; give another --data") from None
    return folder.resolve()
