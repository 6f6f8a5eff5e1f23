"""What all figures share: fonts, grid, the station's clock, legend."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from core.services.weather import EventCard
from dashboard import wording
from dashboard.theme import FONT

SMALL, SMALLEST = 12, 11


def clock_of(card: EventCard) -> timezone:
    """Return the station's clock at the start of the settlement window: one offset for the whole figure.

    A rule in standard time starts at that midnight, so the offset is the one with which the window starts at 00:00.
    """
    shift = card.window_start.astimezone(ZoneInfo(card.tz)).utcoffset() or timedelta()
    if card.rule is not None and card.rule.window == "standard_time":
        shift -= card.window_start.astimezone(ZoneInfo(card.tz)).dst() or timedelta()
    return timezone(shift)


def clock_name(card: EventCard) -> str:
    """Return the clock in words, for an axis or a heading."""
    standard = card.rule is not None and card.rule.window == "standard_time"
    return f"station {'standard ' if standard else ''}time ({wording.offset(clock_of(card).utcoffset(None))})"


def local(at: datetime, zone: timezone) -> str:
    """Return an instant as the axis wants it: the station's wall clock, without an offset."""
    return at.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")


def locals_of(instants: Iterable[datetime], zone: timezone) -> list[str]:
    return [local(at, zone) for at in instants]


def axis(**more: Any) -> dict[str, Any]:
    """Return an axis with a quiet grid."""
    return {
        "gridcolor": "@line", "gridwidth": 1, "zeroline": False, "showline": False, "ticks": "",
        "tickfont": {"color": "@ink", "size": SMALL}, "automargin": False, "layer": "below traces",
        **more,
    }  # fmt: skip


def title(text: str) -> dict[str, Any]:
    return {"text": text, "font": {"color": "@muted", "size": SMALLEST}, "standoff": 6}


def layout(revision: str, **more: Any) -> dict[str, Any]:
    """Return a layout; `revision` stands for what a zoom is about, and survives new data."""
    return {
        "uirevision": revision, "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "color": "@ink", "size": SMALL}, "hovermode": "closest", "dragmode": "zoom",
        "legend": {
            "orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom", "itemwidth": 30,
            "font": {"color": "@muted", "size": SMALLEST}, "bgcolor": "rgba(0,0,0,0)", "traceorder": "normal",
        },
        "hoverlabel": {"bgcolor": "@ground", "bordercolor": "@line", "font": {"color": "@ink", "family": FONT, "size": SMALL}},
        **more,
    }  # fmt: skip
