"""What the market said of each bracket, over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.services.weather import BracketSeries, EventCard, MarketHistory
from dashboard.charts.frame import axis, clock_of, layout, locals_of

HEIGHT = 210
LEADING = ("@model", "@market", "@third")  # colours of the three brackets that the market thinks most of

FINER = [{"dtickrange": [None, 3_599_999], "value": "%H:%M"}]  # closer together than an hour


def market(history: MarketHistory, card: EventCard, names: Mapping[int, str]) -> dict[str, Any]:
    """Return one step line for each bracket, the leading three in colour."""
    at = locals_of(history.at, clock_of(card))
    colours = dict(zip((series.rank for series in _leading(history.brackets)), LEADING, strict=False))
    return {
        "revision": f"{history.event_id}@{history.as_of.isoformat()}",
        "traces": [
            _line(series, at, names.get(series.rank, series.label), colours.get(series.rank)) for series in history.brackets
        ],
        "layout": layout(
            history.event_id,
            margin={"l": 44, "r": 14, "t": 26, "b": 26},
            xaxis=axis(type="date", tickformat="%a %H", tickformatstops=FINER, nticks=10, hoverformat="%a %H:%M"),
            yaxis=axis(range=[-0.01, 1.01], tickvals=[0, 0.5, 1], ticktext=["0%", "50%", "100%"], ticklabelstandoff=6),
            hovermode="x unified",
        ),
        "narrow": {
            "xaxis": axis(type="date", tickformat="%a %H", tickformatstops=FINER, nticks=4),
            "margin": {"l": 40, "r": 6, "t": 70, "b": 26},
        },
    }  # fmt: skip


def _leading(brackets: Sequence[BracketSeries]) -> list[BracketSeries]:
    def mean(series: BracketSeries) -> float:
        known = [value for value in series.p_market if value is not None]
        return sum(known) / len(known) if known else 0.0

    return sorted(brackets, key=mean, reverse=True)[: len(LEADING)]


def _line(series: BracketSeries, at: list[str], name: str, colour: str | None) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines", "name": name, "x": at, "y": list(series.p_market), "connectgaps": False,
        "line": {"shape": "hv", "color": colour or "@muted/0.6", "width": 1.8 if colour else 1.0},
        "hovertemplate": f"{name} %{{y:.1%}}<extra></extra>",
    }  # fmt: skip
