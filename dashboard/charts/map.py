"""Where the stations are: one mark each, its size what is at risk, its colour what it has brought. No tile, no outline is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.services.stations import StationRow
from dashboard import wording
from dashboard.charts import land
from dashboard.charts.frame import SMALLEST, axis, layout

HEIGHT = 340
LEAST, MOST = 9.0, 34.0  # diameter of a mark [px]
ROOM = 14.0  # degrees that are shown around the stations
NARROWEST = (70.0, 40.0)  # least span of longitude and latitude
STRETCH = 1.25  # a degree of latitude against one of longitude, as it is at 37°
LABELLED = 30  # more stations than these are named on hover only
WIDTH = 1_100  # that the labels are spread for [px]
LETTER, LINE, GAP = 7.0, 13.0, 2.0  # of a label, and from its mark [px]
PASSES = 3
# Where a label can stand: its name, and its middle from the edge of the mark in half labels, across and up; the first that is free.
PLACES = (
    ("top center", 0, 1), ("bottom center", 0, -1), ("middle right", 1, 0), ("middle left", -1, 0), ("top right", 1, 1),
    ("top left", -1, 1), ("bottom right", 1, -1), ("bottom left", -1, -1),
)  # fmt: skip
Box = tuple[float, float, float, float]  # left, bottom, right, top [px]


def world(stations: Sequence[StationRow], revision: str) -> dict[str, Any]:
    """Return the map of some stations."""
    across, down = _span([one.longitude for one in stations], 0, 180), _span([one.latitude for one in stations], 1, 85)
    return {
        "revision": revision,
        "traces": [_land(), *([_marks(stations, _scale(across, down))] if stations else [])],
        "layout": layout(
            "map", margin={"l": 6, "r": 6, "t": 6, "b": 6}, showlegend=False, dragmode="pan",
            xaxis=axis(range=across, showticklabels=False, dtick=30, showgrid=False),
            yaxis=axis(
                range=down, showticklabels=False, dtick=30, showgrid=False, scaleanchor="x", scaleratio=STRETCH,
            ),
        ),
        "narrow": {},
    }  # fmt: skip


def _span(values: Sequence[float], which: int, end: float) -> list[float]:
    """Return what is shown of one axis: all stations with room around them."""
    low, high = min(values, default=-end), max(values, default=end)
    more = max(ROOM, (NARROWEST[which] - (high - low)) / 2)
    return [max(-end, low - more), min(end, high + more)]


def _land() -> dict[str, Any]:
    points = list(land.dots())
    return {
        "type": "scatter", "mode": "markers", "hoverinfo": "skip", "x": [x for x, _ in points], "y": [y for _, y in points],
        "marker": {"size": 3, "color": "@muted/0.45"},
    }  # fmt: skip


def _scale(across: Sequence[float], down: Sequence[float]) -> float:
    """Return how many pixels a degree of longitude is, as far as the map knows its width."""
    return min(WIDTH / (across[1] - across[0]), HEIGHT / ((down[1] - down[0]) * STRETCH))


def placed(stations: Sequence[StationRow], scale: float) -> list[str]:
    """Return where each station's name stands, so that neighbours do not print over each other."""
    largest = max((float(one.at_risk_usd) for one in stations), default=0.0)
    points = [(one.longitude * scale, one.latitude * scale * STRETCH) for one in stations]
    sizes = [_diameter(float(one.at_risk_usd), largest) for one in stations]
    taken = [_around(x, y, size / 3, size / 3) for (x, y), size in zip(points, sizes, strict=True)]
    choices = []
    for one, (x, y), size in zip(stations, points, sizes, strict=True):
        width, far = LETTER * len(one.station_code) / 2, size / 2 + GAP
        choices.append([
            (name, _around(x + right * (far + width), y + up * (far + LINE / 2), width, LINE / 2)) for name, right, up in PLACES
        ])  # fmt: skip
    found = [each[0] for each in choices]
    for index in [*range(len(found))] * PASSES:  # each gives way to what the others have chosen
        others = [*taken, *(box for other, (_, box) in enumerate(found) if other != index)]
        crowd = [sum(_overlap(box, other) for other in others) for _, box in choices[index]]
        found[index] = choices[index][crowd.index(min(crowd))]
    return [name for name, _ in found]


def _around(x: float, y: float, width: float, height: float) -> Box:
    return x - width, y - height, x + width, y + height


def _overlap(one: Box, other: Box) -> float:
    """Return the area that two boxes share."""
    across, up = (min(one[2 + i], other[2 + i]) - max(one[i], other[i]) for i in (0, 1))
    return max(0.0, across) * max(0.0, up)


def _marks(stations: Sequence[StationRow], scale: float) -> dict[str, Any]:
    largest = max((float(one.at_risk_usd) for one in stations), default=0.0)
    return {
        "type": "scatter", "mode": "markers+text" if len(stations) <= LABELLED else "markers",
        "x": [one.longitude for one in stations], "y": [one.latitude for one in stations],
        "text": [one.station_code for one in stations], "textposition": placed(stations, scale),
        "textfont": {"size": SMALLEST, "color": "@ink"}, "cliponaxis": False,
        "marker": {
            "size": [_diameter(float(one.at_risk_usd), largest) for one in stations], "opacity": 0.85,
            "color": [_colour(one) for one in stations], "line": {"width": 1, "color": "@ground"},
        },
        "customdata": [_said(one) for one in stations],
        "hovertemplate": "<b>%{customdata[0]}</b><br>at risk %{customdata[1]}<br>P&L %{customdata[2]}<br>%{customdata[3]}"
        "<extra></extra>",
    }  # fmt: skip


def _diameter(at_risk: float, largest: float) -> float:
    """Return a mark whose area stands for the money."""
    return round(LEAST + (MOST - LEAST) * (at_risk / largest) ** 0.5, 1) if largest > 0 else LEAST


def _colour(station: StationRow) -> str:
    if not station.pnl_usd:
        return "@muted"
    return "@gain" if station.pnl_usd > 0 else "@loss"


def _said(station: StationRow) -> list[str]:
    metar = wording.NONE if station.metar_c is None else f"{wording.trimmed(station.metar_c, 1)}°C"
    events = f"{station.open_events} open events, METAR {metar} {wording.ago(station.metar_age_seconds)}"
    return [
        f"{station.city} {station.station_code}", wording.dollars(station.at_risk_usd), wording.gain(station.pnl_usd), events,
    ]  # fmt: skip
