"""When nothing may rest: around reports, climate reports and model releases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from agents.transmission.guard.draft import Draft
from agents.transmission.guard.quiet import next_quiet, quiet_minutes, quiet_spans
from core.registry import load_stations
from tests.agents.transmission.builders import Market, cycle_of, instrument_of, look, settings_of

LONDON = load_stations()["EGLC"]  # reports at 20 and 50 minutes past
NEW_YORK = load_stations()["KNYC"]
NOON = datetime(2026, 11, 12, 12, 0, tzinfo=UTC)
NO_MODELS = settings_of(weather={"forecast_models": "none"})


def clock(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-12T{text}+00:00")


def test_london_is_quiet_from_two_minutes_before_a_report_until_eight_after() -> None:
    spans = quiet_spans(NOON, LONDON, NO_MODELS)

    assert LONDON.report_minutes == (20, 50)
    assert spans[:2] == ((clock("12:18"), clock("12:28")), (clock("12:48"), clock("12:58")))


@pytest.mark.parametrize(
    ("at", "begins"),
    [("12:00", "12:18"), ("12:17:59", "12:18"), ("12:18", "12:18"), ("12:27:59", "12:27:59"), ("12:28", "12:48")],
)
def test_an_order_rests_until_the_next_quiet_minutes_and_not_within_them(at: str, begins: str) -> None:
    assert next_quiet(clock(at), LONDON, NO_MODELS) == clock(begins)


def test_the_hour_before_midnight_knows_the_report_after_it() -> None:
    assert next_quiet(clock("23:59"), LONDON, NO_MODELS) == datetime(2026, 11, 13, 0, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("model", "release"), [("icon_seamless", "16:12"), ("gfs_seamless", "18:00"), ("ecmwf_ifs025", "13:54")]
)
def test_a_release_of_a_model_that_is_asked_for_is_quiet(model: str, release: str) -> None:
    """FACTS I.7: 4.2 h, 6.0 h and 7.9 h after the runs of 12, 12 and 06 UTC."""
    settings = settings_of(weather={"forecast_models": model})
    alone = replace(LONDON, report_minutes=(0,))
    spans = quiet_spans(clock(release) - timedelta(hours=1), alone, settings)

    assert any(start <= clock(release) < end for start, end in spans)
    assert not any(start <= clock("13:30") < end for start, end in spans)


def test_a_climate_report_is_quiet_only_where_it_settles_by_the_stations_standard_time() -> None:
    """The afternoon's report of New York comes about 16:35 Eastern Standard Time, 21:35Z, also while clocks are ahead."""
    rare = replace(NEW_YORK, report_minutes=(0,))
    for at in (datetime(2026, 11, 12, 21, 20, tzinfo=UTC), datetime(2026, 7, 9, 21, 20, tzinfo=UTC)):
        assert next_quiet(at, rare, NO_MODELS, climate=True) == at
        assert next_quiet(at, rare, NO_MODELS) > at


def test_merged_spans_never_touch() -> None:
    for station in load_stations().values():
        spans = quiet_spans(NOON, station, settings_of(), climate=True)

        assert all(first[1] < second[0] for first, second in pairwise(spans))
        assert all(start < end for start, end in spans)


@pytest.mark.parametrize(("at", "allowed"), [("12:05:00", np.inf), ("12:20:00", 0.0)])
def test_only_what_rests_is_asked_for_quiet_minutes(at: str, allowed: float) -> None:
    seen = look([Market(instrument_of())])
    cycle = cycle_of(clock(at))
    draft = Draft(seen.ruling.standing, cycle, None, seen.ruling.order)  # type: ignore[arg-type]

    assert np.isnan(quiet_minutes(draft, NO_MODELS).allowed).all()
    assert quiet_minutes(replace(draft, rests=np.array([True])), NO_MODELS).allowed.tolist() == [allowed]
