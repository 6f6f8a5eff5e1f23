"""Which data folder a command is about."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.settings import Settings

JOURNAL = "hermes.db"


def journal_folder(settings: Settings, given: argparse.Namespace) -> Path:
    """Return the folder that was named; without a name the live one, or the demo's where only that has a journal."""
    folder = settings.folder(given.world or settings.mode)
    demo = settings.folder("demo")
    if given.world is None and not (folder / JOURNAL).exists() and (demo / JOURNAL).exists():
        return demo
    return folder
