"""Docs are under test: what exists is described, what is described exists."""

from __future__ import annotations

from core.orchestrator import MODES
from core.settings.describe import markdown
from tests.conftest import ROOT


def documents() -> str:
    return "\n".join(path.read_text("utf-8") for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])


def test_the_settings_page_is_made_from_the_schema() -> None:
    written = (ROOT / "docs" / "settings.md").read_text("utf-8")

    assert written == markdown(), "run: python -m core.settings.describe > docs/settings.md"


def test_every_mode_is_described() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")

    assert [mode for mode in MODES if f"`{mode}`" not in text] == []
