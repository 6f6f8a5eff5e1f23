"""One trade: what was believed of each bracket when it was decided, and what the token was worth since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from core.services.explain import Belief, Distribution, TradeExplanation
from dashboard import wording
from dashboard.charts.frame import SMALL, axis, layout, locals_of, title

ROW, HEAD = 26, 70  # [px]
MARKS_HEIGHT = 210
LAW_HEIGHT = 170
FINER = [{"dtickrange": [None, 3_599_999], "value": "%H:%M"}]  # closer together than an hour


def belief_height(belief: Belief) -> int:
    """Return the height that the brackets need."""
    return HEAD + ROW * len(belief.brackets)


def belief(explained: Belief, revision: str) -> dict[str, Any]:
    """Return model over market for each bracket, the pool as a mark, the traded one in full colour."""
    names = [wording.bracket(one.lower, one.upper) for one in explained.brackets]
    bold = [f"<b>▸ {name}</b>" if one.traded else name for name, one in zip(names, explained.brackets, strict=True)]
    return {
        "revision": revision,
        "traces": [
            _bars("market", "@market", [one.p_market for one in explained.brackets], explained, bold),
            _bars("model", "@model", [one.p_model for one in explained.brackets], explained, bold),
            {
                "type": "scatter", "mode": "markers", "name": "pool", "y": bold,
                "x": [one.p_pooled for one in explained.brackets],
                "marker": {"symbol": "diamond", "size": 8, "color": "@ink"},
                "hovertemplate": "%{y}: pool %{x:.1%}<extra></extra>",
            },
        ],
        "layout": layout(
            revision, margin={"l": 76, "r": 14, "t": 28, "b": 36}, barmode="group", bargap=0.25, bargroupgap=0.0,
            xaxis=axis(range=[0, 1.02], tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".0%", title=title("probability")),
            yaxis=axis(type="category", showgrid=False, tickfont={"color": "@ink", "size": SMALL}),
        ),
        "narrow": {},
    }  # fmt: skip


def _bars(name: str, colour: str, values: Sequence[float | None], explained: Belief, names: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "bar", "orientation": "h", "name": name, "y": list(names), "x": list(values),
        "marker": {
            "color": [f"{colour}/0.95" if one.traded else f"{colour}/0.55" for one in explained.brackets], "line": {"width": 0},
        },
        "hovertemplate": f"%{{y}}: {name} %{{x:.1%}}<extra></extra>",
    }  # fmt: skip


def law(told: Distribution, unit: str, revision: str) -> dict[str, Any]:
    """Return the model's chance of each reading, and the extreme observed by then."""
    shapes, notes = [], []
    if told.floor is not None:
        shapes.append({
            "type": "line", "xref": "x", "x0": told.floor, "x1": told.floor, "yref": "paper", "y0": 0, "y1": 1,
            "line": {"color": "@ink", "width": 1.2, "dash": "2px,3px"},
        })  # fmt: skip
        notes.append({
            "text": "observed by then", "showarrow": False, "xref": "x", "x": told.floor, "yref": "paper", "y": 1,
            "xanchor": "left", "yanchor": "top", "font": {"color": "@muted", "size": SMALL},
        })  # fmt: skip
    return {
        "revision": revision,
        "traces": [{
            "type": "bar", "name": "model", "x": list(told.readings), "y": list(told.p),
            "marker": {"color": "@model/0.55", "line": {"width": 0}},
            "hovertemplate": f"%{{x}} °{unit}: %{{y:.1%}}<extra></extra>",
        }],
        "layout": layout(
            revision, margin={"l": 44, "r": 14, "t": 14, "b": 36}, bargap=0.15, shapes=shapes, annotations=notes,
            xaxis=axis(title=title(f"reading, °{unit}"), tickformat="d"), yaxis=axis(tickformat=".0%", rangemode="tozero", nticks=4),
        ),
        "narrow": {},
    }  # fmt: skip


def marks(explained: TradeExplanation) -> dict[str, Any]:
    """Return the token's best bid since, the price that was paid, and the venue's word."""
    at, price = locals_of(explained.marks.at, UTC), float(explained.trade.price)
    final = next((word for word in reversed(explained.words) if word.finality == "final"), None)
    shapes = [{
        "type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": price, "y1": price,
        "line": {"color": "@muted", "width": 1.2, "dash": "2px,3px"},
    }]  # fmt: skip
    notes = [{
        "text": f"traded at {wording.cents(explained.trade.price)}¢", "showarrow": False, "xref": "paper", "x": 0, "yref": "y",
        "y": price, "xanchor": "left", "yanchor": "bottom", "font": {"color": "@muted", "size": SMALL},
    }]  # fmt: skip
    traces = [{
        "type": "scatter", "mode": "lines", "name": f"best bid of {explained.trade.side}", "x": at,
        "y": list(explained.marks.bid), "connectgaps": False, "line": {"shape": "hv", "color": "@market", "width": 1.8},
        "hovertemplate": "%{x|%a %H:%M} UTC: %{y:.3f} $<extra></extra>",
    }]  # fmt: skip
    if final is not None:
        paid = 1 if final.wins else 0
        traces.append({
            "type": "scatter", "mode": "markers", "name": f"settled: pays {paid} $", "x": locals_of([final.at], UTC), "y": [paid],
            "marker": {"size": 10, "symbol": "square", "color": "@gain" if final.wins else "@loss"},
            "hovertemplate": "%{x|%a %H:%M} UTC: settled<extra></extra>",
        })  # fmt: skip
    return {
        "revision": f"{explained.trade.trade_id}@{explained.as_of.isoformat()}",
        "traces": traces,
        "layout": layout(
            explained.trade.trade_id, margin={"l": 44, "r": 14, "t": 28, "b": 28}, shapes=shapes, annotations=notes,
            xaxis=axis(type="date", tickformat="%a %H", tickformatstops=FINER, nticks=10),
            yaxis=axis(range=[-0.03, 1.06], tickvals=[0, 0.5, 1], ticktext=["0 $", "0.50 $", "1 $"], ticklabelstandoff=6),
        ),
        "narrow": {},
    }  # fmt: skip
