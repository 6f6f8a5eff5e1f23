"""The frame: navigation over a table of pages, the strip first on each of them.

Start it with `python -m streamlit run dashboard/app.py`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from core.errors import SettingsError
from core.services import Services
from core.settings import load_settings
from core.wiring.faces import build_services
from dashboard.components.page import failed, panel
from dashboard.components.strip import strip
from dashboard.theme import style_sheet
from dashboard.views import activity, all_stations, forecast_vs_metar, live, performance, positions, risk_system

SIDEBAR_WIDTH = 200  # [px]


@dataclass(frozen=True, slots=True)
class Page:
    title: str
    path: str  # in the address; "" is the first page
    render: Callable[[Services], None]


PAGES: tuple[Page, ...] = (
    Page("Live", "", live.render),
    Page("All stations", "stations", all_stations.render),
    Page("Positions & trades", "positions", positions.render),
    Page("Performance", "performance", performance.render),
    Page("Forecast vs METAR", "verification", forecast_vs_metar.render),
    Page("Activity", "activity", activity.render),
    Page("Risk & system", "risk", risk_system.render),
)


def frame(services: Services) -> None:
    """Draw the page of the address within the frame that all pages share."""
    st.set_page_config(page_title="Hermes", page_icon="☿", layout="wide", initial_sidebar_state=SIDEBAR_WIDTH)
    st.html(style_sheet())
    page = st.navigation({"Hermes": [_page(one, services) for one in PAGES]}, expanded=True)
    strip(services)
    page.run()
    _freeze_heap()


def _page(page: Page, services: Services) -> st.Page:
    def render() -> None:
        with panel(page.title):
            page.render(services)

    return st.Page(render, title=page.title, url_path=page.path or None, default=not page.path)


@st.cache_resource(show_spinner=False)
def _freeze_heap() -> None:
    """Take everything that is loaded by now out of the collector's sight: Streamlit collects after each run."""
    gc.collect()
    gc.freeze()


@st.cache_resource(show_spinner=False)
def _services() -> Services:
    settings = load_settings()
    folder = settings.folder(settings.mode)
    return build_services(settings.model_copy(update={"data_dir": folder}))


def main() -> None:
    """Draw the dashboard over the data folder of the settings."""
    try:
        services = _services()
    except SettingsError as error:
        failed("Settings", str(error))
        return
    services.processes.announce("dashboard")
    frame(services)


if __name__ == "__main__":
    main()
