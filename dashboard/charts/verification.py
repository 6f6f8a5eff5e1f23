"""Forecasts and markets against what settled: scores by checkpoint, reliability, integral transform, errors by lead, edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.checkpoints import LOOKS
from core.services.calibrated import ALL, BLEND, LAW, LEAST_SHOWN, Calibrated, Errors, Reliable
from core.services.scored import SPEAKERS, EdgeCurve, EdgePoint, ScoreRow
from dashboard.charts.frame import axis, layout, title

HEIGHT = 270
COLOURS = {"model": "@model", "market": "@market", "pooled": "@observed"}
NAMES = {"model": "model", "market": "market", "pooled": "pool"}
SHARES = {"tickvals": [0, 0.25, 0.5, 0.75, 1], "tickformat": ".0%"}
DASHED = "4px,3px"
MARGIN = {"l": 52, "r": 14, "t": 30, "b": 40}


def scores(rows: Sequence[ScoreRow], revision: str) -> dict[str, Any]:
    """Return the log score of model, market and pool by checkpoint; lower is better."""
    heard = [row for row in rows if row.n]
    names = [row.checkpoint for row in heard]
    return {
        "revision": revision,
        "traces": [
            {
                "type": "scatter", "mode": "lines+markers", "name": NAMES[speaker], "x": names,
                "y": [getattr(row, speaker).log for row in heard], "customdata": [row.n for row in heard],
                "line": {"color": COLOURS[speaker], "width": 2.0, "dash": DASHED if speaker == "pooled" else "solid"},
                "marker": {"size": 7, "color": [_tone(COLOURS[speaker], row.n) for row in heard]},
                "hovertemplate": f"%{{x}}: {NAMES[speaker]} %{{y:.3f}} nats, n %{{customdata}}<extra></extra>",
            }
            for speaker in SPEAKERS
        ],
        "layout": layout(
            "scores", margin=MARGIN, xaxis=axis(type="category", showgrid=False, tickangle=0),
            yaxis=axis(rangemode="tozero", nticks=6, title=title("log score, nats; lower is better")),
        ),
        "narrow": {},
    }  # fmt: skip


def reliability(found: Calibrated, revision: str) -> dict[str, Any]:
    """Return how often brackets won at each stated probability, model over market, with the band of no surprise."""
    traces: list[dict[str, Any]] = [_diagonal(1.0)]
    if found.model is not None:
        traces += [_band(found.model)]
    if found.market is not None:
        traces.append(_curve(found.market, "market"))
    if found.model is not None:
        traces.append(_curve(found.model, "model"))
    return {
        "revision": revision,
        "traces": traces,
        "layout": layout(
            "reliability", margin=MARGIN, xaxis=axis(range=[0, 1.01], title=title("stated probability"), **SHARES),
            yaxis=axis(range=[0, 1.01], title=title("came true"), **SHARES),
        ),
        "narrow": {},
    }  # fmt: skip


def _curve(found: Reliable, speaker: str) -> dict[str, Any]:
    """Return the steps as one line: all probabilities of a step came true alike."""
    points = [(at, step.realised, step.count) for step in found.steps for at in (step.low, step.high)]
    return {
        "type": "scatter", "mode": "lines", "name": NAMES[speaker], "x": [x for x, _, _ in points], "y": [y for _, y, _ in points],
        "customdata": [count for *_, count in points], "line": {"color": COLOURS[speaker], "width": 2.0},
        "hovertemplate": f"{NAMES[speaker]} stated %{{x:.1%}}, came true %{{y:.1%}} of %{{customdata}} brackets<extra></extra>",
    }  # fmt: skip


def _band(found: Reliable) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines", "name": "no surprise, 90 %", "hoverinfo": "skip",
        "x": [*found.band_at, *reversed(found.band_at)], "y": [*found.band_low, *reversed(found.band_high)],
        "fill": "toself", "fillcolor": "@model/0.14", "line": {"width": 0, "color": "@model/0.14"},
    }  # fmt: skip


def _diagonal(end: float, start: float = 0.0) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines", "name": "as stated", "x": [start, end], "y": [start, end], "hoverinfo": "skip",
        "line": {"color": "@muted", "width": 1.0, "dash": DASHED}, "showlegend": False,
    }  # fmt: skip


def transform(found: Calibrated, revision: str) -> dict[str, Any]:
    """Return the histogram of the integral transform, nothing drawn, with the band that holds all bins of a calibrated model."""
    flat = found.transform.flatness if found.transform else None
    shares = flat.shares if flat else ()
    even = 1 / len(shares) if shares else 0.0
    half = flat.half_width if flat else 0.0
    return {
        "revision": revision,
        "traces": [{
            "type": "bar", "name": "share of outcomes", "x": [(i + 0.5) / len(shares) for i in range(len(shares))],
            "y": list(shares), "width": 0.94 / max(len(shares), 1), "showlegend": False,
            "marker": {"color": ["@model/0.75" if abs(each - even) <= half else "@loss/0.85" for each in shares]},
            "hovertemplate": "%{x:.2f}: %{y:.1%} of outcomes<extra></extra>",
        }],
        "layout": layout(
            "transform", margin=MARGIN,
            xaxis=axis(range=[0, 1], tickvals=[0, 0.5, 1], showgrid=False, title=title("where the outcome fell in the law")),
            yaxis=axis(
                range=[0, 1.12 * max((*shares, even + half))], tickformat=".0%", nticks=5, title=title("share of outcomes")
            ),
            shapes=[
                {
                    "type": "rect", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": max(0.0, even - half),
                    "y1": even + half, "fillcolor": "@muted/0.16", "line": {"width": 0}, "layer": "below",
                },
                {
                    "type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": even, "y1": even,
                    "line": {"color": "@muted", "width": 1.0, "dash": DASHED},
                },
            ],
        ),
        "narrow": {},
    }  # fmt: skip


def leads(found: Errors, revision: str) -> dict[str, Any]:
    """Return the root mean square error by look: the model's law, the forecasts it starts from, and the spread it claimed."""
    of_all = [row for row in found.rows if row.station_code == ALL]
    sources = sorted({row.source for row in of_all} - {LAW, BLEND})
    unit = f"°{found.unit}"
    traces = [
        {
            **_lead([row for row in of_all if row.source == name], name, "@muted/0.55", 1.0, unit), "legendgroup": "single",
            "name": "single sources", "showlegend": name == sources[0],
        }
        for name in sources
    ]  # fmt: skip
    traces.append(_lead([row for row in of_all if row.source == BLEND], "forecasts together", "@observed", 1.6, unit))
    traces.append(_lead([row for row in of_all if row.source == LAW], "model", "@model", 2.4, unit))
    traces.append({
        "type": "scatter", "mode": "lines", "name": "claimed by the model", "x": [row.look for row in found.spreads],
        "y": [row.claimed for row in found.spreads], "line": {"color": "@model", "width": 1.6, "dash": DASHED},
        "hovertemplate": f"%{{x}}: claimed %{{y:.2f}} {unit}<extra></extra>",
    })  # fmt: skip
    return {
        "revision": revision,
        "traces": traces,
        "layout": layout(
            "leads", margin=MARGIN,
            xaxis=axis(type="category", showgrid=False, tickangle=0, categoryorder="array", categoryarray=[each.name for each in LOOKS]),
            yaxis=axis(rangemode="tozero", nticks=6, title=title(f"root mean square error, {unit}")),
        ),
        "narrow": {"margin": {**MARGIN, "t": 50}},
    }  # fmt: skip


def _lead(rows: Sequence[Any], name: str, colour: str, width: float, unit: str) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines+markers", "name": name, "x": [row.look for row in rows], "y": [row.rmse for row in rows],
        "customdata": [row.n for row in rows], "line": {"color": colour, "width": width},
        "marker": {"size": 5, "color": [_tone(colour, row.n) for row in rows]},
        "hovertemplate": f"%{{x}}: {name} %{{y:.2f}} {unit}, n %{{customdata}}<extra></extra>",
    }  # fmt: skip


def edges(found: EdgeCurve, revision: str) -> dict[str, Any]:
    """Return realised against claimed edge [cents per share]: on the diagonal claims came true."""
    most = max((100 * point.claimed for point in found.points), default=10.0) * 1.15
    return {
        "revision": revision,
        "traces": [
            _diagonal(most),
            {
                "type": "scatter", "mode": "markers+lines", "name": "traded", "showlegend": False,
                "x": [100 * point.claimed for point in found.points], "y": [100 * point.realised for point in found.points],
                "customdata": [[point.n, point.n_dates] for point in found.points],
                "marker": {"size": 9, "color": [_tone("@model", point.n) for point in found.points]},
                "line": {"color": "@model/0.35", "width": 1.0}, "error_y": _bars(found.points),
                "hovertemplate": "claimed %{x:.1f}¢, realised %{y:.1f}¢ on %{customdata[0]} trades, %{customdata[1]} dates"
                "<extra></extra>",
            },
        ],
        "layout": layout(
            "edges", margin=MARGIN, xaxis=axis(range=[0, most], nticks=8, title=title("claimed edge, ¢ a share")),
            yaxis=axis(nticks=7, zeroline=True, zerolinecolor="@muted", title=title("realised edge, ¢ a share")),
        ),
        "narrow": {},
    }  # fmt: skip


def _bars(points: Sequence[EdgePoint]) -> dict[str, Any]:
    """Return 90 % intervals by dates; a point without one has no bar."""
    return {
        "type": "data", "symmetric": False, "color": "@model", "thickness": 1.2, "width": 4,
        "array": [None if one.high is None else 100 * (one.high - one.realised) for one in points],
        "arrayminus": [None if one.low is None else 100 * (one.realised - one.low) for one in points],
    }  # fmt: skip


def _tone(colour: str, n: int) -> str:
    """Return the colour of a point; grey where too few events stand behind it."""
    return colour if n >= LEAST_SHOWN else "@muted/0.5"
