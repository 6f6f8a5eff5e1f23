"""The one chart wrapper: a figure as a plain dict, drawn by `Plotly.react` in a node that is never replaced.

Streamlit's own chart is rebuilt when its data changes and loses zoom, pan and hover. Plotly itself comes from the Python wheel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import plotly
import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

from dashboard.theme import palette

Figure = dict[str, Any]  # traces, layout, narrow (layout of a narrow screen), revision

PACKAGE = Path(plotly.__file__).parent
ASSETS = "package_data"
OWNER, ASSET = "hermes", "plotly"
ADDRESS = f"_stcore/bidi-components/{OWNER}.{ASSET}/plotly.min.js"
HTML = '<div class="hermes-plot" role="img"></div>'
SCRIPT = Path(__file__).with_name("plot.js")
MANIFEST = ComponentManifest(OWNER, plotly.__version__, [ComponentConfig(ASSET, ASSETS)])


def plot(figure: Figure, *, key: str, height: int, alt: str) -> None:
    """Draw a figure; a new one under the same key updates the chart that stands there."""
    data = {"figure": figure, "palette": palette(), "url": _address(), "height": height, "alt": alt}
    _mount()(key=key, data=data, height=height)


def _address() -> str:
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}/{ADDRESS}" if base else f"/{ADDRESS}"


def _mount() -> Callable[..., Mapping[str, Any]]:
    """Return the component; its library is served from the wheel, as a component's asset, from the first call on."""
    manager = get_bidi_component_manager()
    if manager.get_component_path(f"{OWNER}.{ASSET}") is None:
        manager.register_from_manifest(MANIFEST, PACKAGE)
    mount: Callable[..., Mapping[str, Any]] = _component()
    return mount


@cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component("hermes_plot", html=HTML, js=SCRIPT.read_text("utf-8"), isolate_styles=False)
