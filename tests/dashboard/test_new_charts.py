"""The map and the figures of one trade: every colour from the table, every mark from an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.services import Services
from core.services.explain import TradeExplanation
from core.services.stations import StationRow
from core.settings import Settings
from core.wiring.faces import build_services
from dashboard.charts import explained, land
from dashboard.charts import map as map_chart
from dashboard.theme import COLOURS
from tests.api import world


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    folder = tmp_path_factory.mktemp("world")
    world.build(folder)
    return build_services(Settings(data_dir=folder, mode="demo"))


@pytest.fixture(scope="module")
def station(services: Services) -> StationRow:
    return services.stations.station("KLGA").station


@pytest.fixture(scope="module")
def won(services: Services) -> TradeExplanation:
    return services.explain.explain(services.trades.history(outcome="win", side="YES").trades[0].trade_id)


def colours(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.startswith("@"):
        yield value[1:].partition("/")[0]
    elif isinstance(value, dict):
        for part in value.values():
            yield from colours(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from colours(part)


def test_a_mark_says_money_by_size_and_what_it_brought_by_colour_and_in_words(station: StationRow) -> None:
    rows = [
        replace(station, at_risk_usd=Decimal(40), pnl_usd=Decimal("2.5")),
        replace(station, station_code="EGLC", at_risk_usd=Decimal(10), pnl_usd=Decimal("-1.2")),
        replace(station, station_code="RJTT", at_risk_usd=Decimal(0), pnl_usd=None),
    ]
    marks = map_chart.world(rows, "now")["traces"][1]

    assert marks["marker"]["size"] == [34.0, 21.5, 9.0]  # the area stands for the money: 10 $ is half of 40 $ across
    assert marks["marker"]["color"] == ["@gain", "@loss", "@muted"]
    assert [said[2] for said in marks["customdata"]] == ["+2.50 $", "−1.20 $", "—"]


def test_the_map_shows_every_station_with_room_around_it(station: StationRow) -> None:
    far = replace(station, station_code="NZWN", latitude=-41.3, longitude=174.8)
    layout = map_chart.world([station, far], "now")["layout"]

    assert layout["xaxis"]["range"][0] < -80
    assert layout["xaxis"]["range"][1] == 180
    assert layout["yaxis"]["range"][0] < -50


def test_names_of_neighbours_do_not_print_over_each_other(station: StationRow) -> None:
    """Two stations of Chicago and two of New York, whose marks nearly meet; Miami stands alone under them."""
    places = {
        "KMDW": (-87.75, 41.79),
        "KORD": (-87.9, 41.98),
        "KLGA": (-73.87, 40.78),
        "KNYC": (-73.97, 40.78),
        "KMIA": (-80.3, 25.8),
    }
    rows = [replace(station, station_code=code, longitude=x, latitude=y) for code, (x, y) in places.items()]

    chosen = dict(zip(places, map_chart.placed(rows, scale=2.2), strict=True))

    assert chosen["KMDW"] != chosen["KORD"]
    assert chosen["KLGA"] != chosen["KNYC"]
    assert map_chart.placed(rows[:1], scale=2.2) == ["top center"]
    assert set(chosen.values()) <= {name for name, _, _ in map_chart.PLACES}


def test_without_a_station_there_is_still_a_world() -> None:
    assert len(map_chart.world([], "now")["traces"]) == 1


@pytest.mark.parametrize(
    ("longitude", "latitude", "dry"),
    [(-98.75, 38.75, True), (8.75, 48.75, True), (138.75, 36.25, True), (-40.0, 30.0, False), (-140.0, -30.0, False)],
    ids=["Kansas", "Swabia", "Japan", "Atlantic", "Pacific"],
)
def test_there_are_dots_on_land_and_none_at_sea(longitude: float, latitude: float, dry: bool) -> None:
    near = [one for one in land.dots() if abs(one[0] - longitude) < 2 and abs(one[1] - latitude) < 2]

    assert bool(near) == dry


def test_the_traded_bracket_stands_out(services: Services) -> None:
    """60 YES of 44-45, bought in the cycle whose model said 31 % of every bracket."""
    told = services.explain.explain(services.trades.history(outcome="pending", side="YES").trades[0].trade_id)
    assert told.belief is not None
    market, model, pool = explained.belief(told.belief, "x")["traces"]

    assert model["x"] == [pytest.approx(0.31)] * 5
    assert [colour == "@model/0.95" for colour in model["marker"]["color"]] == [False, False, False, True, False]
    assert market["y"] == model["y"] == pool["y"]
    assert model["y"][3] == "<b>▸ 44–45</b>"


def test_marks_end_with_the_venues_word(won: TradeExplanation) -> None:
    traces = explained.marks(won)["traces"]

    assert traces[-1]["y"] == [1]
    assert traces[-1]["marker"]["color"] == "@gain"


def test_figures_are_plain_and_use_only_colours_of_the_table(won: TradeExplanation, station: StationRow) -> None:
    assert won.belief is not None
    figures = explained.belief(won.belief, "x"), explained.marks(won), map_chart.world([station], "now")

    for figure in figures:
        json.dumps(figure)
        assert set(colours(figure)) <= COLOURS.keys()
