"""The signature: the day as a curve and the ladder as bars, on one temperature axis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from core.model.rule import Extreme
from core.services.curves import Curve
from core.services.edges import Edge
from core.services.weather import Band, EventCard, Fan
from dashboard import wording
from dashboard.charts.frame import SMALL, SMALLEST, axis, clock_name, clock_of, layout, local, locals_of, title

Piece = dict[str, Any]
HEIGHT = 410
CURVE, LADDER = (0.0, 0.592), (0.692, 1.0)  # shares of the width
EDGES_FROM = 0.99
MARGIN = timedelta(minutes=30)  # drawn beside the settlement window
WIDENING = timedelta(hours=3)  # the temperature now is known: the fan opens over this span
ROOM = 1.45  # end of the axis of probability: a full bar still has its number and its edge beside it
LABELLED = 0.03  # least probability whose bar carries its number
BAR = 0.30  # thickness of a bar, as a share of its bracket
BEYOND = 500.0  # how far an open bracket is drawn [degrees]
SEEN_MOST = 0.45  # how far beyond the ladder reports are followed, as a share of it: the ladder stays legible
SEEN_ROOM = 0.04  # beyond the outermost report, as a share of the axis: its dot is drawn whole
WORTH_SAYING = 0.01  # least edge that is written beside the bars [USD per share]


def signature(card: EventCard, rungs: Sequence[Edge], winner: int | None = None) -> dict[str, Any]:
    """Return the figure: left the curves, right model over market; both halves share the bracket bands.

    Args:
        winner: rank of the bracket that a day which is over settles in; such a day has no edges any more.
    """
    edges = {rung.rank: rung for rung in rungs}
    names = {rank: wording.bracket(rung.lower, rung.upper) for rank, rung in edges.items()}
    spans = _spans(card.bands)
    span = _span_shown(card, spans)
    zone = clock_of(card)
    shown = local(card.window_start - MARGIN, zone), local(card.window_end + MARGIN, zone)
    return {
        "revision": f"{card.event_id}@{card.as_of.isoformat()}",
        "traces": [*_curves(card), *_bars(card.bands, names, spans)],
        "layout": layout(
            card.event_id,
            margin={"l": 44, "r": 14, "t": 30, "b": 44},
            barmode="overlay", bargap=0,
            xaxis=axis(
                domain=CURVE, anchor="y", type="date", range=shown, tickformat="%H", dtick=3 * 3_600_000,
                tick0=local(card.window_start, zone), title=title(f"hour, {clock_name(card)}"), hoverformat="%a %H:%M",
            ),
            xaxis2=axis(
                domain=LADDER, anchor="y", range=[0, ROOM], tickvals=[0, 0.5, 1], ticktext=["0%", "50%", "100%"],
                title=title("probability"), fixedrange=True,
            ),
            yaxis=axis(range=span, title=title(f"°{card.unit}"), dtick=_tick(span), ticklabelstandoff=6),
            shapes=[*_stripes(spans), *_shade(card), *_lines(card)],
            annotations=[*_notes(card, shown[0]), *_labels(card, edges, names, spans, winner)],
        ),
        "narrow": {
            "xaxis": axis(
                domain=[0, 1], anchor="y", type="date", range=shown, tickformat="%H", dtick=6 * 3_600_000,
                tick0=local(card.window_start, zone), title=title(f"hour, {clock_name(card)}"),
            ),
            "margin": {"l": 36, "r": 6, "t": 62, "b": 44},
        },
    }  # fmt: skip


def _spans(bands: Sequence[Band]) -> Mapping[int, tuple[float, float]]:
    """Return bottom and top of each bracket on the axis; an open one is as wide as its neighbours in its label's place."""
    closed = [(band.bottom, band.top) for band in bands if band.bottom is not None and band.top is not None]
    width = min((top - bottom for bottom, top in closed), default=2.0)
    found = {}
    for band in bands:
        bottom = band.bottom if band.bottom is not None else (band.top or 0.0) - width
        found[band.rank] = bottom, band.top if band.top is not None else bottom + width
    return found


def _span_shown(card: EventCard, spans: Mapping[int, tuple[float, float]]) -> list[float]:
    """Return the range of the axis: the ladder, the reports not too far from it, and the extreme of the forecast."""
    lows, highs = [bottom for bottom, _ in spans.values()], [top for _, top in spans.values()]
    reached = [curve.extreme for curve in (card.now_curve, card.issued_curve) if curve and curve.extreme is not None]
    reached += [step.value for step in card.running[-1:]]
    width = (highs[0] - lows[0]) if spans else 2.0
    low, high = (min(lows), max(highs)) if spans else (min(reached, default=0.0) - 8, max(reached, default=20.0) + 2)
    most = SEEN_MOST * (high - low)
    seen = [dot.value for dot in card.dots if dot.counts and low - most <= dot.value <= high + most]
    room = SEEN_ROOM * (max([high, *seen]) - min([low, *seen]))
    return [
        min([low, *(value - width / 2 for value in reached), *(value - room for value in seen)]),
        max([high, *(value + width / 2 for value in reached), *(value + room for value in seen)]),
    ]


def _tick(span: Sequence[float]) -> float:
    return next((step for step in (1.0, 2.0, 5.0) if (span[1] - span[0]) / step <= 9), 10.0)


def _curves(card: EventCard) -> Iterator[Piece]:
    zone = clock_of(card)
    for index, curve in enumerate(card.earlier):
        yield _line(curve, zone, "earlier vintages", "@model/0.45", 1.1, dash="2px,3px", legend=index == 0)
    if card.issued_curve:
        yield _line(card.issued_curve, zone, "forecast as issued", "@model/0.75", 1.4)
    yield from _fan(card)
    ahead = _ahead(card)
    if card.now_curve and ahead:
        at, values = zip(*ahead, strict=True)
        yield {
            **_series(locals_of(at, zone), list(values), "forecast now", "@model", 2.6, "%{y:.1f}°"),
            "line": {"color": "@model", "width": 2.6, "shape": "spline", "smoothing": 0.6},
        }
    yield from _observed(card)


def _line(curve: Curve, zone: Any, name: str, colour: str, width: float, *, dash: str = "solid", legend: bool = True) -> Piece:
    received = f"received {curve.received_at.astimezone(zone):%a %H:%M}"
    return {
        **_series(locals_of(curve.at, zone), list(curve.value), name, colour, width, f"%{{y:.1f}}° · {received}"),
        "line": {"color": colour, "width": width, "dash": dash, "shape": "spline", "smoothing": 0.6},
        "legendgroup": name, "showlegend": legend,
    }  # fmt: skip


def _series(at: list[str], values: list[float], name: str, colour: str, width: float, hover: str) -> Piece:
    return {
        "type": "scatter", "mode": "lines", "x": at, "y": values, "name": name,
        "line": {"color": colour, "width": width}, "hovertemplate": f"{name} %{{x|%H:%M}}: {hover}<extra></extra>",
    }  # fmt: skip


def _ahead(card: EventCard) -> list[tuple[datetime, float]]:
    """Return the forecast from now on, with its value now where that lies between two hours."""
    curve = card.now_curve
    if curve is None:
        return []
    points = list(zip(curve.at, curve.value, strict=True))
    later = [(at, value) for at, value in points if at >= card.as_of]
    before = [(at, value) for at, value in points if at < card.as_of]
    if not before or not later:
        return later
    (at, value), (then, after) = before[-1], later[0]
    return [(card.as_of, value + (after - value) * ((card.as_of - at) / (then - at))), *later]


def _fan(card: EventCard) -> Iterator[Piece]:
    """Yield 80 and 50 % of the day's extreme, as the forecast moved so far that its extreme lies at each quantile."""
    ahead = [(at, value) for at, value in _ahead(card) if at <= card.window_end + MARGIN]
    if card.fan is None or card.now_curve is None or card.now_curve.extreme is None or not ahead:
        return
    at = locals_of((one for one, _ in ahead), clock_of(card))
    opened = [_opened(one, card) for one, _ in ahead]
    for low, high, opacity, inside in _quantiles(card.fan):
        for quantile, fill in ((low, None), (high, "tonexty")):
            shift = quantile - card.now_curve.extreme
            yield {
                "type": "scatter", "mode": "lines", "x": at, "hoverinfo": "skip", "showlegend": False,
                "y": [round(value + shift * share, 3) for (_, value), share in zip(ahead, opened, strict=True)],
                "line": {"width": 0, "shape": "spline", "smoothing": 0.6}, "fill": fill or "none",
                "fillcolor": f"@model/{opacity}", "name": inside,
            }  # fmt: skip


def _quantiles(fan: Fan) -> Iterator[tuple[float, float, str, str]]:
    yield fan.q10, fan.q90, "0.10", "80 %"
    yield fan.q25, fan.q75, "0.18", "50 %"


def _opened(at: datetime, card: EventCard) -> float:
    """Return how far the fan is open: at once before the day begins, else from nothing now."""
    return 1.0 if card.as_of < card.window_start else min(1.0, (at - card.as_of) / WIDENING)


def _observed(card: EventCard) -> Iterator[Piece]:
    zone = clock_of(card)
    name = "running minimum" if card.extreme == Extreme.LOW else "running maximum"
    steps: list[tuple[datetime, float]] = []
    for step in card.running:
        while steps and steps[-1][0] >= step.at:  # a report that was taken back: the line never runs back in time
            steps.pop()
        steps.append((step.at, step.value))
    if steps:
        steps.append((min(card.as_of, card.window_end), steps[-1][1]))
        at, values = zip(*steps, strict=True)
        yield {
            **_series(locals_of(at, zone), list(values), name, "@observed/0.65", 1.2, "%{y:.1f}°"),
            "line": {"color": "@observed/0.65", "width": 1.2, "shape": "hv"},
        }
    if card.dots:
        yield {
            "type": "scatter", "mode": "markers", "name": "METAR", "x": locals_of((dot.at for dot in card.dots), zone),
            "y": [dot.value for dot in card.dots], "text": [dot.raw for dot in card.dots],
            "marker": {"size": 7, "color": "@observed", "opacity": [1.0 if dot.counts else 0.35 for dot in card.dots]},
            "hovertemplate": "%{x|%H:%M}: %{y:.1f}°<br>%{text}<extra></extra>",
        }  # fmt: skip


def _bars(bands: Sequence[Band], names: Mapping[int, str], spans: Mapping[int, tuple[float, float]]) -> Iterator[Piece]:
    """Yield market and model bars; the model stands above the market in each bracket."""
    for name, colour, side, of in (("market", "@market", -1, "p_market"), ("model", "@model", 1, "p_model")):
        shown = [(band, getattr(band, of)) for band in bands if getattr(band, of) is not None]
        yield {
            "type": "bar", "orientation": "h", "xaxis": "x2", "yaxis": "y", "name": name, "meta": "wide",
            "x": [value for _, value in shown],
            "y": [_centre(spans[band.rank]) + side * (BAR / 2 + 0.01) * _width(spans[band.rank]) for band, _ in shown],
            "width": [BAR * _width(spans[band.rank]) for band, _ in shown],
            "text": [f"{wording.percent(value)}%" if value >= LABELLED else "" for _, value in shown],
            "textposition": "outside", "textfont": {"color": "@muted", "size": SMALLEST}, "cliponaxis": True,
            "marker": {"color": f"{colour}/0.9", "line": {"width": 0}}, "constraintext": "none",
            "customdata": [[names.get(band.rank, band.label), wording.percent(value)] for band, value in shown],
            "hovertemplate": f"%{{customdata[0]}}: {name} %{{customdata[1]}} %<extra></extra>",
        }  # fmt: skip


def _centre(span: tuple[float, float]) -> float:
    return (span[0] + span[1]) / 2


def _width(span: tuple[float, float]) -> float:
    return span[1] - span[0]


def _stripes(spans: Mapping[int, tuple[float, float]]) -> Iterator[Piece]:
    """Yield every other bracket as a band behind both halves; the open ones go on and on."""
    ranks = sorted(spans)
    for rank in ranks[::2]:
        bottom, top = spans[rank]
        yield {
            "type": "rect", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "layer": "below", "line": {"width": 0},
            "y0": bottom - BEYOND if rank == ranks[0] else bottom, "y1": top + BEYOND if rank == ranks[-1] else top,
            "fillcolor": "@band",
        }  # fmt: skip


def _shade(card: EventCard) -> Iterator[Piece]:
    """Yield the hours that do not count."""
    zone, far = clock_of(card), timedelta(days=2)
    spans = (card.window_start - far, card.window_start), (card.window_end, card.window_end + far)
    for start, end in spans:
        yield {
            "type": "rect", "xref": "x", "x0": local(start, zone), "x1": local(end, zone), "yref": "paper", "y0": 0, "y1": 1,
            "layer": "below", "line": {"width": 0}, "fillcolor": "@muted/0.14",
        }  # fmt: skip


def _lines(card: EventCard) -> Iterator[Piece]:
    if not card.window_start - MARGIN <= card.as_of <= card.window_end + MARGIN:
        return
    now = local(card.as_of, clock_of(card))
    yield {
        "type": "line", "xref": "x", "x0": now, "x1": now, "yref": "paper", "y0": 0, "y1": 1,
        "line": {"color": "@muted", "width": 1.4, "dash": "2px,3px"},
    }  # fmt: skip


def _notes(card: EventCard, left: str) -> Iterator[Piece]:
    zone = clock_of(card)
    if card.window_start - MARGIN <= card.as_of <= card.window_end + MARGIN:
        late = card.as_of > card.window_start + timedelta(hours=20)
        yield _note(
            f"now {wording.clock(card.as_of, zone, seconds=False)}", xref="x", x=local(card.as_of, zone), yref="paper", y=1.0,
            xanchor="right" if late else "left", yanchor="top", xshift=-4 if late else 4,
        )  # fmt: skip
    if card.floor is not None and card.running:
        word = "ceiling" if card.extreme == Extreme.LOW else "floor"
        yield _note(
            f"{word} {wording.whole(card.floor)}", xref="x", x=left, yref="y", y=card.running[-1].value, xanchor="left",
            yanchor="bottom", xshift=4,
        )  # fmt: skip


def _labels(
    card: EventCard, edges: Mapping[int, Edge], names: Mapping[int, str], spans: Mapping[int, tuple[float, float]],
    winner: int | None,
) -> Iterator[Piece]:  # fmt: skip
    for band in card.bands:
        middle, edge = _centre(spans[band.rank]), edges.get(band.rank)
        colour = "@muted" if band.dead else "@ink"
        yield _note(
            f"<b>{names.get(band.rank, band.label)}</b>", xref="paper", x=LADDER[0], yref="y", y=middle, xanchor="right",
            yanchor="middle", xshift=-7, name="wide", font={"color": colour, "size": SMALL},
        )  # fmt: skip
        text = "<b>won</b>" if band.rank == winner else _edge_said(edge) if card.as_of < card.window_end else ""
        if text:
            yield _note(
                text, xref="paper", x=EDGES_FROM, yref="y", y=middle, xanchor="right", yanchor="middle", name="wide",
                font={"color": "@gain", "size": SMALL},
            )  # fmt: skip


def _edge_said(edge: Edge | None) -> str:
    if edge is None or edge.edge is None or edge.edge < WORTH_SAYING:
        return ""
    text = wording.edge_of(edge.side, edge.edge)
    return f"<b>{text}</b>" if edge.decision == "trade" else text


def _note(text: str, **more: Any) -> Piece:
    return {"text": text, "showarrow": False, "font": {"color": "@muted", "size": SMALLEST}, **more}
