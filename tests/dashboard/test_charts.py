"""Figures are plain dicts: one temperature axis for both halves, every number from an answer, every colour from the table."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.services.weather import EventCard
from dashboard.charts.event import signature
from dashboard.charts.market import market
from dashboard.components.ladder import names_of
from dashboard.theme import COLOURS, STYLE, style_sheet
from tests.dashboard.fakes import LONDON, MIAMI, FakeServices


def drawn(services: FakeServices, card: EventCard) -> dict[str, Any]:
    return signature(card, services.edges.ladder(MIAMI).rungs)


def traces(figure: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [trace for trace in figure["traces"] if trace["name"] == name]


def texts(figure: dict[str, Any]) -> list[str]:
    return [note["text"] for note in figure["layout"]["annotations"]]


def test_both_halves_stand_on_one_temperature_axis(services: FakeServices, card: EventCard) -> None:
    layout = drawn(services, card)["layout"]

    assert [name for name in layout if name.startswith("yaxis")] == ["yaxis"]
    assert layout["xaxis"]["anchor"] == layout["xaxis2"]["anchor"] == "y"
    assert layout["xaxis"]["domain"][1] < layout["xaxis2"]["domain"][0]


def test_a_report_near_the_ladder_is_drawn_whole_and_one_far_below_does_not_squeeze_it(
    services: FakeServices, card: EventCard
) -> None:
    """The ladder reaches from 72.5 to 84.5: 70 °F of 9 a.m. lies near it, 64.5 of the night does not."""
    low, high = drawn(services, card)["layout"]["yaxis"]["range"]

    assert 68 < low < 70
    assert high >= 84.5
    counted = [dot.value for dot in card.dots if low <= dot.value]
    assert min(counted) - low > 0.3


def test_the_brackets_run_behind_both_halves(services: FakeServices, card: EventCard) -> None:
    bands = [
        shape
        for shape in drawn(services, card)["layout"]["shapes"]
        if shape["fillcolor" if "fillcolor" in shape else "type"] == "@band"
    ]

    assert [(band["y0"], band["y1"]) for band in bands][1:] == [(76.5, 78.5), (80.5, 82.5)]
    assert bands[0]["y0"] < 0  # the coldest bracket is open
    assert {(band["xref"], band["x0"], band["x1"]) for band in bands} == {("paper", 0, 1)}


def test_the_fan_meets_the_quantiles_of_the_days_high_at_the_peak(services: FakeServices, card: EventCard) -> None:
    """The fan opens within three hours of now; the peak at 16:00 comes after them."""
    late = replace(card, as_of=card.window_start + timedelta(hours=9))
    assert late.fan is not None

    edges = [max(trace["y"]) for trace in drawn(services, late)["traces"] if trace.get("hoverinfo") == "skip"]

    assert edges == pytest.approx([late.fan.q10, late.fan.q90, late.fan.q25, late.fan.q75], abs=1e-6)


def test_the_forecast_begins_now_between_its_hours(services: FakeServices, card: EventCard) -> None:
    assert card.now_curve is not None
    ahead = traces(drawn(services, card), "forecast now")[0]
    before, after = (value for at, value in zip(card.now_curve.at, card.now_curve.value, strict=True) if at.hour in (17, 18))

    assert ahead["x"][0] == "2026-12-09T12:45:02"  # 17:45:02 UTC in Miami's standard time
    assert min(before, after) <= ahead["y"][0] <= max(before, after)


def test_what_does_not_count_is_shaded_and_the_axis_names_its_clock(services: FakeServices, card: EventCard) -> None:
    layout = drawn(services, card)["layout"]
    shaded = [(shape["x0"], shape["x1"]) for shape in layout["shapes"] if shape.get("fillcolor") == "@muted/0.14"]

    assert [shaded[0][1], shaded[1][0]] == ["2026-12-09T00:00:00", "2026-12-10T00:00:00"]
    assert layout["xaxis"]["title"]["text"] == "hour, station time (UTC−5)"
    assert layout["yaxis"]["title"]["text"] == "°F"


def test_a_rule_in_standard_time_keeps_standard_time_in_summer(services: FakeServices, card: EventCard) -> None:
    """In July Miami is at UTC−4; a standard-time day still begins at 05:00 UTC."""
    assert card.rule is not None
    july = card.window_start.replace(month=7)
    summer = replace(
        card, window_start=july, window_end=july + timedelta(days=1), rule=replace(card.rule, window="standard_time")
    )

    layout = drawn(services, summer)["layout"]

    assert layout["xaxis"]["title"]["text"] == "hour, station standard time (UTC−5)"
    assert layout["xaxis"]["tick0"].endswith("T00:00:00")


def test_bars_carry_the_probabilities_of_the_answer(services: FakeServices, card: EventCard) -> None:
    figure = drawn(services, card)

    assert traces(figure, "model")[0]["x"] == [band.p_model for band in card.bands]
    assert traces(figure, "market")[0]["x"] == [band.p_market for band in card.bands]
    assert [text for text in texts(figure) if "¢" in text] == ["<b>YES +9.8¢</b>", "<b>NO +7.2¢</b>"]


def test_a_zoom_is_about_the_event_and_not_about_its_numbers(services: FakeServices, card: EventCard) -> None:
    before = drawn(services, card)
    services.world.advance()
    after = drawn(services, services.weather.card(MIAMI))

    assert before["layout"]["uirevision"] == after["layout"]["uirevision"]
    assert before["traces"] != after["traces"]
    assert signature(services.weather.card(LONDON), ())["layout"]["uirevision"] != before["layout"]["uirevision"]


@pytest.mark.parametrize(
    "gone",
    [
        {"now_curve": None, "fan": None}, {"issued_curve": None, "earlier": ()}, {"dots": (), "running": (), "floor": None},
        {"bands": ()}, {"rule": None}, {"bands": (), "now_curve": None, "issued_curve": None, "running": (), "dots": ()},
    ],
)  # fmt: skip
def test_a_figure_stands_without_what_does_not_exist(services: FakeServices, card: EventCard, gone: dict[str, Any]) -> None:
    figure = drawn(services, replace(card, **gone))
    low, high = figure["layout"]["yaxis"]["range"]

    assert low < high
    assert json.dumps(figure)


def test_the_three_brackets_that_the_market_thinks_most_of_are_in_colour(services: FakeServices, card: EventCard) -> None:
    names = names_of(services.edges.ladder(MIAMI).rungs)
    lines = market(services.weather.market(MIAMI), card, names)["traces"]

    assert {line["name"]: line["line"]["color"] for line in lines if line["line"]["color"] in ("@model", "@market")} == {
        "79–80": "@model", "81–82": "@market",
    }  # fmt: skip
    assert {line["line"]["shape"] for line in lines} == {"hv"}


def tokens(value: object) -> Iterator[str]:
    if isinstance(value, str) and value.startswith("@"):
        yield value[1:].split("/")[0]
    elif isinstance(value, dict):
        for one in value.values():
            yield from tokens(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from tokens(one)


def test_every_colour_of_a_figure_stands_in_the_table(services: FakeServices, card: EventCard) -> None:
    assert set(tokens(drawn(services, card))) <= COLOURS.keys()


def test_the_style_sheet_is_short_and_uses_only_colours_of_the_table() -> None:
    text = STYLE.read_text("utf-8")
    used = {part.split(")")[0] for part in text.split("var(--")[1:]}

    assert len(text.splitlines()) <= 60
    assert used <= COLOURS.keys()
    assert "--model:light-dark(#2563eb,#7aa7ff)" in style_sheet()


@pytest.mark.parametrize(("base", "place"), [("light", 0), ("dark", 1)])
def test_streamlits_theme_has_the_same_colours(base: str, place: int) -> None:
    theme = tomllib.loads((Path(__file__).parents[2] / ".streamlit/config.toml").read_text("utf-8"))["theme"][base]
    same = {"textColor": "ink", "backgroundColor": "ground", "secondaryBackgroundColor": "panel", "borderColor": "line"}

    assert {name: theme[name] for name in same} == {name: COLOURS[colour][place] for name, colour in same.items()}
    assert theme["primaryColor"] == COLOURS["model"][place]


def luminance(colour: str) -> float:
    """WCAG 2.2: relative luminance of an sRGB colour."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("name", ["ink", "muted", "gain", "loss", "warning", "model"])
def test_text_can_be_read(name: str, place: int) -> None:
    """LOOK: contrast of at least 4.5 for text."""
    text, ground = (luminance(COLOURS[one][place]) for one in (name, "ground"))

    assert (max(text, ground) + 0.05) / (min(text, ground) + 0.05) >= 4.5
