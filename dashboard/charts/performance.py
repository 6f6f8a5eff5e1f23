"""How trading went: equity with its band and drawdown, claimed against realised edge, parts of the result, the ladder of costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.services.performance import Edges, Pnl
from core.services.performed import Attribution, PnlDay
from core.services.scored import EdgePoint
from dashboard.charts.frame import SMALLEST, axis, layout, title
from dashboard.wording import MINUS, gain, signed

TALL, HEIGHT = 400, 270
LEAST_SHOWN = 30  # events below which a point is grey
DASHED = "4px,3px"
MARGIN = {"l": 58, "r": 14, "t": 30, "b": 34}
MONEY = {"tickprefix": "", "ticksuffix": " $", "tickformat": ",.0f"}
PARTS = (("edge", "edge_usd"), ("spread", "spread_usd"), ("fees", "fee_usd"), ("luck", "luck_usd"))
RUNGS = {"mid": "mid", "touch": "touch", "depth": "depth", "fees": "after fees", "latency": "filled"}
LARGE = 1_000  # money from which cents are left out beside a bar


def equity(found: Pnl, revision: str) -> dict[str, Any]:
    """Return the equity, or under a filter the summed results, within the band that true claims allow; drawdown under it."""
    days, whole = found.days, found.start_usd is not None
    start = float(found.start_usd or 0)
    at = [one.day.isoformat() for one in days]
    name = "equity at the bid" if whole else "decided events, summed"
    return {
        "revision": revision,
        "traces": [
            {
                "type": "scatter", "mode": "lines", "name": "if every claim is true, 90 %", "hoverinfo": "skip",
                "x": [*at, *reversed(at)],
                "y": [*(start + one.low_usd for one in days), *(start + one.high_usd for one in reversed(days))],
                "fill": "toself", "fillcolor": "@model/0.14", "line": {"width": 0, "color": "@model/0.14"},
            },
            {
                "type": "scatter", "mode": "lines", "name": "claimed", "x": at, "y": [start + one.claimed_usd for one in days],
                "line": {"color": "@model", "width": 1.4, "dash": DASHED},
                "hovertemplate": "%{x}: claimed %{y:,.2f} $<extra></extra>",
            },
            {
                "type": "scatter", "mode": "lines", "name": name, "x": at, "y": [_height(one, start, whole) for one in days],
                "customdata": [[one.n, gain(one.net_usd)] for one in days], "line": {"color": "@observed", "width": 2.2},
                "hovertemplate": f"%{{x}}: {name} %{{y:,.2f}} $<br>decided %{{customdata[0]}}, %{{customdata[1]}}<extra></extra>",
            },
            _below(days, at, whole),
        ],
        "layout": layout(
            "equity", margin=MARGIN, xaxis=axis(type="date", showgrid=False, anchor="y2", nticks=8),
            yaxis=axis(domain=[0.33, 1], nticks=6, **MONEY),
            yaxis2=axis(
                domain=[0, 0.25], nticks=3, rangemode="tozero", title=title("drawdown"),
                **({"tickformat": ".1%"} if whole else {"ticksuffix": " R"}),
            ),
        ),
        "narrow": {"margin": {**MARGIN, "t": 62}},
    }  # fmt: skip


def _height(one: PnlDay, start: float, whole: bool) -> float | None:
    if not whole:
        return float(one.total_usd)
    return None if one.equity_usd is None else float(one.equity_usd)


def _below(days: Sequence[PnlDay], at: Sequence[str], whole: bool) -> dict[str, Any]:
    value = [one.equity_drawdown if whole else one.drawdown_r for one in days]
    form = "%{y:.2%}" if whole else "%{y:.2f} R"
    return {
        "type": "scatter", "mode": "lines", "name": "drawdown", "x": list(at), "y": value, "yaxis": "y2", "showlegend": False,
        "fill": "tozeroy", "fillcolor": "@loss/0.18", "line": {"color": "@loss", "width": 1.2},
        "hovertemplate": f"%{{x}}: {form} below the high<extra></extra>",
    }  # fmt: skip


def edges(found: Edges, revision: str) -> dict[str, Any]:
    """Return realised against claimed edge [cents per share]: on the diagonal claims came true; the slope is drawn through 0."""
    claimed = [100 * point.claimed for point in found.points]
    most, least = max((*claimed, 1.0)) * 1.15, min((*claimed, 0.0)) * 1.15
    traces: list[dict[str, Any]] = [_through_zero("as claimed", 1.0, least, most, "@muted", DASHED)]
    if found.slope is not None:
        traces.append(_through_zero(f"slope {found.slope:.2f}".replace("-", MINUS), found.slope, least, most, "@gain", "solid"))
    traces.append({
        "type": "scatter", "mode": "markers", "name": "events of like claims", "x": claimed,
        "y": [100 * point.realised for point in found.points],
        "customdata": [[point.n, point.n_dates] for point in found.points],
        "marker": {"size": 9, "color": ["@model" if point.n >= LEAST_SHOWN else "@muted/0.5" for point in found.points]},
        "error_y": _bars(found.points),
        "hovertemplate": "claimed %{x:.1f}¢, realised %{y:.1f}¢ on %{customdata[0]} events, %{customdata[1]} dates<extra></extra>",
    })  # fmt: skip
    return {
        "revision": revision,
        "traces": traces,
        "layout": layout(
            "edges", margin={**MARGIN, "b": 42}, xaxis=axis(range=[least, most], nticks=8, title=title("claimed edge, ¢ a share")),
            yaxis=axis(nticks=7, zeroline=True, zerolinecolor="@muted", title=title("realised edge, ¢ a share")),
        ),
        "narrow": {},
    }  # fmt: skip


def _through_zero(name: str, slope: float, least: float, most: float, colour: str, dash: str) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines", "name": name, "x": [least, most], "y": [slope * least, slope * most],
        "hoverinfo": "skip", "line": {"color": colour, "width": 1.4, "dash": dash},
    }  # fmt: skip


def _bars(points: Sequence[EdgePoint]) -> dict[str, Any]:
    """Return 90 % intervals by dates; a point without one has no bar."""
    return {
        "type": "data", "symmetric": False, "color": "@model", "thickness": 1.2, "width": 4,
        "array": [None if one.high is None else 100 * (one.high - one.realised) for one in points],
        "arrayminus": [None if one.low is None else 100 * (one.realised - one.low) for one in points],
    }  # fmt: skip


def parts(found: Attribution, revision: str) -> dict[str, Any]:
    """Return the parts of the result, each beginning where the one before it ends, and their sum."""
    values = [float(getattr(found, field)) for _, field in PARTS]
    starts = [sum(values[:i]) for i in range(len(values))]
    names, heights = [*(name for name, _ in PARTS), "result"], [*values, float(found.net_usd)]
    return _steps("parts", names, heights, [*starts, 0.0], revision)


def ladder(found: Attribution, revision: str) -> dict[str, Any]:
    """Return what the result would have been at each rung of the prices."""
    heights = [float(found.ladder[rung]) for rung in RUNGS]
    return _steps("ladder", list(RUNGS.values()), heights, [0.0] * len(heights), revision)


def _steps(name: str, names: Sequence[str], heights: Sequence[float], starts: Sequence[float], revision: str) -> dict[str, Any]:
    return {
        "revision": revision,
        "traces": [{
            "type": "bar", "name": name, "x": list(names), "y": list(heights), "base": list(starts), "showlegend": False,
            "text": [signed(height, 0 if abs(height) >= LARGE else 2) for height in heights],
            "textposition": "outside", "textangle": 0, "cliponaxis": False, "textfont": {"color": "@ink", "size": SMALLEST},
            "marker": {"color": ["@gain/0.8" if height >= 0 else "@loss/0.8" for height in heights]},
            "hovertemplate": "%{x}: %{text} $<extra></extra>",
        }],
        "layout": layout(
            name, margin=MARGIN, xaxis=axis(type="category", showgrid=False, tickangle=0),
            yaxis=axis(nticks=6, zeroline=True, zerolinecolor="@muted", **MONEY),
        ),
        "narrow": {},
    }  # fmt: skip
