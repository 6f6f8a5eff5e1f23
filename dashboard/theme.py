"""One colour language: every colour by what it means, light and dark, and as CSS and chart tokens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FONT = 'Inter, "Source Sans", system-ui, sans-serif'
STYLE = Path(__file__).with_name("style.css")

# Meaning → (light, dark). Charts name a colour as "@model" or, with opacity, "@model/0.18"; style sheets as var(--model).
COLOURS: Mapping[str, tuple[str, str]] = {
    "model": ("#2563eb", "#7aa7ff"),
    "market": ("#d97706", "#f5b04c"),
    "warning": ("#b45309", "#f5b04c"),  # the market's colour as text: darker on white, for contrast
    "observed": ("#15181e", "#e8eaee"),
    "gain": ("#0f766e", "#4fd1c0"),
    "loss": ("#c2410c", "#ff8a5b"),
    "third": ("#7c3aed", "#b197fc"),  # a third bracket beside the two that lead
    "ink": ("#15181e", "#e8eaee"),
    "muted": ("#667085", "#98a2b3"),
    "line": ("#e3e6eb", "#2a303a"),
    "panel": ("#f7f8fa", "#171b22"),
    "ground": ("#ffffff", "#0f1217"),
    "band": ("#f3f4f6", "#1a1e25"),  # every other bracket, behind both halves of the figure
}


def palette() -> Mapping[str, Mapping[str, str]]:
    """Return the colours by name for each base theme."""
    return {
        "light": {name: light for name, (light, _) in COLOURS.items()},
        "dark": {name: dark for name, (_, dark) in COLOURS.items()},
    }


def style_sheet() -> str:
    """Return the shared style sheet with the colours in front; `light-dark()` follows the theme of the browser's page."""
    names = "".join(f"--{name}:light-dark({light},{dark});" for name, (light, dark) in COLOURS.items())
    return f"<style>.stApp{{{names}}}\n{STYLE.read_text('utf-8')}</style>"
