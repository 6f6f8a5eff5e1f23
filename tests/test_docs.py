"""Docs are under test: what exists is described, what is described exists."""

from __future__ import annotations

import re
from pathlib import Path

from agents.described import markdown as decisions_page
from agents.research.constants import told as constants_page
from api.app import create_app
from core.orchestrator import MODES
from core.settings import load_settings
from core.settings.describe import markdown as settings_page
from tests.conftest import ROOT


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def test_the_settings_page_is_made_from_the_schema() -> None:
    assert page("settings.md") == settings_page(), "run: python -m core.settings.describe > docs/settings.md"


def test_the_page_of_decisions_is_made_from_the_tables() -> None:
    assert page("decisions.md") == decisions_page(), "run: python -m agents.described > docs/decisions.md"


def test_the_page_of_constants_is_made_from_the_sources() -> None:
    assert page("constants.txt") == constants_page(), "run: python -m agents.research.constants > docs/constants.txt"


def test_every_mode_is_described() -> None:
    assert [mode for mode in MODES if f"`{mode}`" not in page("operations.md")] == []


def test_every_route_is_described(tmp_path: Path) -> None:
    app = create_app(load_settings(None, data_dir=tmp_path))
    paths = set(app.openapi()["paths"])

    assert paths
    assert [path for path in sorted(paths) if f"`{path}`" not in page("api.md")] == []


def test_every_page_of_the_dashboard_is_described() -> None:
    source = (ROOT / "dashboard" / "app.py").read_text("utf-8")
    titles = re.findall(r'Page\("([^"]+)"', source)

    assert len(titles) >= 2
    assert [title for title in titles if f"| {title} |" not in page("dashboard.md")] == []


def test_every_link_between_documents_leads_somewhere() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
