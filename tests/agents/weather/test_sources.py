"""Several forecast sources about one day: equal weight for each model, no holes, no word older than it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.weather.panel import PanelMemory, build_panel
from core.model.record import Record
from core.registry import load_stations
from core.units import micros
from tests.agents.weather.worlds import (
    SETTINGS,
    archive_of,
    daily_forecast,
    event,
    forecast,
    listing,
    look,
    metar,
    window_start,
)  # fmt: skip

EVENING = datetime(2026, 6, 11, 21, 45, tzinfo=UTC)
HOUR = timedelta(hours=1)
START = window_start(event())


def of_source(source: str, record: Record) -> Record:
    record.rows["model"][:] = [f"{source}-{name}" for name in record.rows["model"].tolist()]
    return replace(record, source=source, raw=record.raw + source.encode())


def cut(record: Record, since: datetime, until: datetime) -> Record:
    """Return a forecast that says nothing before and after some hours."""
    keep = (record.rows["valid_at"] >= micros(since)) & (record.rows["valid_at"] <= micros(until))
    rows = {name: values[keep] for name, values in record.rows.items()}
    return replace(record, rows=rows, raw=record.raw + repr((since, until)).encode())


def told(folder: Path, records: Sequence[Record], at: datetime = EVENING) -> tuple[float, int]:
    """Return the forecast [degrees Celsius] and the number of models behind it."""
    found = look(archive_of(folder, [listing(event()), *records]), at).panel.forecasts
    return round((float(found.extreme[0, 0]) - 32) / 1.8, 6), int(found.n_models[0, 0])


def test_every_model_has_the_same_weight_whoever_gave_it(tmp_path: Path) -> None:
    records = [
        forecast("KLGA", EVENING, (24.0, 25.0)), of_source("nws", forecast("KLGA", EVENING, (27.0,))),
        of_source("zeus", forecast("KLGA", EVENING, (26.0,))),
    ]  # fmt: skip

    assert told(tmp_path, records) == (25.5, 4)


def test_a_source_that_died_is_left_out_when_its_word_is_half_a_day_old(tmp_path: Path) -> None:
    dead = of_source("zeus", forecast("KLGA", EVENING - 12 * HOUR, (35.0,)))
    alive = [forecast("KLGA", EVENING - back, (25.0, 26.0), first=EVENING) for back in (2 * HOUR, 0 * HOUR)]

    assert told(tmp_path / "a", [dead, *alive], EVENING)[1] == 3
    assert told(tmp_path / "b", [dead, *alive], EVENING + timedelta(minutes=1)) == (25.5, 2)


@pytest.mark.parametrize(
    ("since", "until", "counts"),
    [
        (START - HOUR, START + 23 * HOUR, True),
        (START - HOUR, START + 22 * HOUR, True),
        (START - HOUR, START + 21 * HOUR, False),
        (START + HOUR, START + 30 * HOUR, True),
        (START + 2 * HOUR, START + 30 * HOUR, False),
    ],
)
def test_a_curve_that_ends_inside_the_day_is_no_curve(tmp_path: Path, since: datetime, until: datetime, counts: bool) -> None:
    """A horizon of 24 hours must not turn into a flat evening."""
    short = cut(of_source("zeus", forecast("KLGA", EVENING, (27.0,))), since, until)

    assert told(tmp_path, [forecast("KLGA", EVENING, (25.0,)), short])[1] == (2 if counts else 1)


def test_a_curve_with_a_hole_is_no_curve(tmp_path: Path) -> None:
    whole = of_source("nws", forecast("KLGA", EVENING, (27.0,)))
    hole = (whole.rows["valid_at"] > micros(START + 12 * HOUR)) & (whole.rows["valid_at"] < micros(START + 16 * HOUR))
    holed = replace(whole, rows={name: values[~hole] for name, values in whole.rows.items()}, raw=b"holed")

    assert told(tmp_path, [forecast("KLGA", EVENING, (25.0,)), holed])[1] == 1


def test_a_model_whose_curve_is_too_short_counts_with_its_daily_maximum(tmp_path: Path) -> None:
    short = cut(forecast("KLGA", EVENING, (27.0,)), START, START + 15 * HOUR)
    daily = daily_forecast("KLGA", EVENING, START, (29.0,), "open_meteo")
    both = {name: np.concatenate([short.rows[name], daily.rows[name]]) for name in short.rows}

    assert told(tmp_path, [replace(short, rows=both, raw=b"both")]) == (29.0, 1)


def test_a_model_that_gives_both_counts_once_with_its_curve(tmp_path: Path) -> None:
    whole, daily = forecast("KLGA", EVENING, (27.0,)), daily_forecast("KLGA", EVENING, START, (29.0,), "open_meteo")
    both = {name: np.concatenate([daily.rows[name], whole.rows[name]]) for name in whole.rows}

    assert told(tmp_path, [replace(whole, rows=both, raw=b"both")]) == (27.0, 1)


def running_day(peaks: Sequence[float]) -> list[Record]:
    """Return hourly words of a service that says nothing of hours that are gone."""
    return [
        cut(of_source("nws", forecast("KLGA", START + k * HOUR, (peak,), first=START)), START + k * HOUR, START + 60 * HOUR)
        for k, peak in enumerate(peaks, -3)
    ]


def test_the_hours_that_a_source_leaves_out_are_those_it_forecast_before(tmp_path: Path) -> None:
    """Every hour it begins anew at the present hour: fifteen hours into the day its curve still covers all of it."""
    records = running_day([25.0] * 19)
    at = START + 15 * HOUR

    found = look(archive_of(tmp_path, [listing(event()), *records]), at).panel.forecasts

    assert found.n_models[0, 0] == 1
    assert found.extreme[0, 0] == pytest.approx(77.0)
    assert found.sources[0, 0] == "nws"


def test_what_was_forecast_before_stands_only_where_nothing_newer_is(tmp_path: Path) -> None:
    records = running_day([25.0] * 15 + [21.0] * 4)  # from noon on the afternoon is cooler

    found = look(archive_of(tmp_path, [listing(event()), *records]), START + 15 * HOUR).panel.forecasts

    assert found.remaining[0, 0] < 70.0
    assert found.extreme[0, 0] > found.remaining[0, 0] + 1.0  # of the forenoon that is over


def test_a_lead_in_has_the_same_bits_alone_and_in_a_day_of_looks(tmp_path: Path) -> None:
    records = [*running_day([25.0 + 0.1 * k for k in range(24)]), metar("KLGA", START + HOUR, [(START + HOUR, 180)])]
    archive = archive_of(tmp_path, [listing(event()), *records])
    instants = [START + k * HOUR for k in range(0, 22, 3)]

    block = look(archive, *instants)

    for row, at in enumerate(instants):
        alone = look(archive, at)
        for name in ("extreme", "remaining", "n_models", "peak_at", "second_gap", "second_at"):
            one, other = getattr(block.panel.forecasts, name)[row], getattr(alone.panel.forecasts, name)[0]
            assert one.tobytes() == other.tobytes(), name
        assert block.p_model[row].tobytes() == alone.p_model[0].tobytes()


def test_what_is_remembered_of_forecasts_does_not_grow_and_changes_no_bit(tmp_path: Path) -> None:
    """Two weeks of looks: what was remembered of the first days is gone, and would come again if it were asked for."""
    days = [START + n * timedelta(days=1) for n in range(14)]
    events = [event(f"nyc-{n}", day=at.date()) for n, at in enumerate(days)]
    listings = [listing(each, at - timedelta(days=1)) for each, at in zip(events, days, strict=True)]
    forecasts = [forecast("KLGA", at + k * 3 * HOUR, (20.0 + n + k / 8,)) for n, at in enumerate(days) for k in range(8)]
    archive = archive_of(tmp_path, [*listings, *forecasts])
    memory, stations = PanelMemory([load_stations()["KLGA"]]), [load_stations()["KLGA"]]

    kept = []
    for at in days:
        for k in range(8):
            view = archive.as_of([at + k * 3 * HOUR + timedelta(minutes=1)])
            panel = build_panel(view, stations, SETTINGS, memory)
        fresh = build_panel(view, stations, SETTINGS)
        assert panel.forecasts.extreme.tobytes() == fresh.forecasts.extreme.tobytes()
        assert panel.forecasts.remaining.tobytes() == fresh.forecasts.remaining.tobytes()
        kept.append(memory.forecasts.size)

    assert kept[0] < kept[3] < kept[7] == max(kept)
    again = archive.as_of([days[2]])
    assert (
        build_panel(again, stations, SETTINGS, memory).forecasts.extreme.tobytes()
        == build_panel(again, stations, SETTINGS).forecasts.extreme.tobytes()
    )
