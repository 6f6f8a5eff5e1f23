"""Settled events against the services and the route that tell of them: numbers worked by hand."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import log, sqrt
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.checkpoints import CHECKPOINTS, reached
from core.errors import NotAllowedError, StoreError, UnknownIdError
from core.services.settled import Question
from core.services.verification import BACKFILL, VerificationService
from core.settings import Settings
from core.store.track import TrackStore
from core.wiring.faces import build_services
from tests.api import world
from tests.api.conftest import client_of
from tests.api.settled import DAY, NAN, Event, days, gate, state, write

# Winner's probability: model 1/2 and 1/4, market 1/4 twice, pool 1/2 and 1/4.
FIRST = Event("first")
SECOND = Event(
    "second", day=DAY - timedelta(days=1), winner=1, model=(0.25, 0.25, 0.5), market=(0.5, 0.25, 0.25), pooled=(0.5, 0.25, 0.25)
)


def service(folder: Path, *events: Event, states: Any = ()) -> VerificationService:
    write(folder, events, states)
    return build_services(Settings(data_dir=folder, mode="live")).verification


# Scores


def test_scores_are_those_worked_by_hand(tmp_path: Path) -> None:
    row = service(tmp_path, FIRST, SECOND).scores().rows[0]

    assert (row.checkpoint, row.n, row.n_dates) == ("17:45 D-1", 2, 2)
    assert row.model is not None
    assert row.market is not None
    assert row.model.log == pytest.approx((log(2) + log(4)) / 2)
    assert row.market.log == pytest.approx(log(4))
    assert row.model.brier == pytest.approx((0.25 + 0.09 + 0.04 + 0.0625 + 0.5625 + 0.25) / 2)
    assert row.model.top == 0.5  # its likeliest bracket won the first alone
    assert row.model.rps == pytest.approx((0.25 + 0.04 + 0.0625 + 0.25) / 2)  # cumulated .5 .8 1 and .25 .5 1
    assert row.advantage.mean == pytest.approx(log(2) / 2)
    assert (row.rps_degrees, row.n_degrees, row.market_age_seconds) == (1.5, 2, 600.0)


def test_few_events_say_how_many_are_missing(tmp_path: Path) -> None:
    asked = service(tmp_path, FIRST, SECOND)

    assert asked.scores().rows[0].advantage.verdict == "not enough data (2 of 500 events, 2 of 90 dates)"
    assert asked.scores(Question("KLGA")).rows[0].advantage.verdict == "not enough data (2 of 150 events)"
    assert asked.scores().rows[0].advantage.low is None


def test_a_constant_advantage_on_enough_dates_is_better_than_the_market(tmp_path: Path) -> None:
    """540 events on 90 dates, each ln 2 in favour: an interval without width."""
    events = [replace(FIRST, event_id=f"{day}-{i}", day=day) for day in days(90) for i in range(6)]

    found = service(tmp_path, *events).scores().rows[0].advantage

    assert (found.n, found.n_dates, found.verdict) == (540, 90, "better than the market")
    assert [found.low, found.high] == pytest.approx([log(2), log(2)])


def test_who_could_not_speak_leaves_the_event_out(tmp_path: Path) -> None:
    silent = replace(SECOND, event_id="silent", market=(None, None, None))

    found = service(tmp_path, FIRST, silent).scores()

    assert found.n == 2
    assert [row.n for row in found.rows] == [1] * len(CHECKPOINTS)


def test_the_traded_subset_counts_what_the_desk_wanted(tmp_path: Path) -> None:
    found = service(tmp_path, replace(FIRST, claimed=0.05, realised=0.5), SECOND).scores()

    assert found.traded[0].n == 1
    assert found.traded[0].model is not None
    assert found.traded[0].model.log == pytest.approx(log(2))


def test_a_corrected_outcome_replaces_the_earlier_one(tmp_path: Path) -> None:
    corrected = replace(FIRST, winner=1, since=FIRST.since + timedelta(hours=5))

    (row,) = service(tmp_path, FIRST, corrected).settlements().rows

    assert (row.winner, row.agreed) == (1, False)


def test_rows_of_an_earlier_maker_do_not_count(tmp_path: Path) -> None:
    write(tmp_path, [replace(FIRST, maker="earlier"), replace(SECOND, maker="earlier")])

    assert service(tmp_path, FIRST).record().n == 1


# Calibration


def test_a_span_over_everything_is_flat_and_covered_as_it_says(tmp_path: Path) -> None:
    found = service(tmp_path, FIRST, SECOND).calibration(checkpoint="12:45")

    assert found.transform is not None
    assert found.transform.flatness.shares == pytest.approx([0.1] * 10)
    assert [one.share for one in found.transform.coverage] == pytest.approx([0.5, 0.8, 0.9])
    assert (found.n, found.width, found.verdict) == (2, 5.0, "not enough data (2 of 300 events, 2 of 60 dates)")


def test_reliability_pools_what_came_true_out_of_order(tmp_path: Path) -> None:
    """Stated .2 .25 .25 .3 .5 .5 of which .25 once and one of the two .5 came true: .3 at 0 is pooled with .25 at a half."""
    found = service(tmp_path, FIRST, SECOND).calibration()

    assert found.model is not None
    assert [(step.low, step.high, step.count) for step in found.model.steps] == [(0.2, 0.2, 1), (0.25, 0.3, 3), (0.5, 0.5, 2)]
    assert [step.realised for step in found.model.steps] == pytest.approx([0.0, 1 / 3, 0.5])
    assert len(found.model.band_low) == len(found.model.band_at) == 4


# Errors


def test_errors_are_settled_less_forecast(tmp_path: Path) -> None:
    """78 and 81 forecast, 80 settled: +2 and −1."""
    found = service(tmp_path, FIRST, replace(SECOND, forecast=81.0)).errors()

    row = next(row for row in found.rows if (row.station_code, row.source, row.look) == ("all", "forecast", "08:45"))
    assert (found.unit, row.n) == ("F", 2)
    assert (row.bias, row.mae, row.rmse) == pytest.approx((0.5, 1.5, sqrt(2.5)))
    assert {row.source for row in found.rows} == {"model", "forecast", "gfs"}
    assert {row.look for row in found.rows} >= {"17:45 D-3", "14:45"}


def test_errors_of_two_units_are_told_in_celsius(tmp_path: Path) -> None:
    """1.8 °F and 1 °C are both one kelvin."""
    warm = replace(FIRST, forecast=78.2)
    cold = replace(SECOND, station="EGLC", unit="C", reading=10.0, forecast=9.0)

    found = service(tmp_path, warm, cold).errors()

    row = next(row for row in found.rows if (row.station_code, row.source) == ("all", "forecast"))
    assert (found.unit, row.bias) == ("C", pytest.approx(1.0))


def test_degrees_of_two_units_have_no_mean(tmp_path: Path) -> None:
    asked = service(tmp_path, FIRST, replace(SECOND, station="EGLC", unit="C", reading=20.0))

    both, one = asked.scores(), asked.scores(Question(station_code="EGLC"))

    assert (both.rows[0].rps_degrees, both.rows[0].n_degrees) == (None, 2)
    assert one.rows[0].rps_degrees is not None
    assert asked.calibration().width is None
    assert asked.calibration(Question(station_code="EGLC")).width is not None


def test_the_model_errs_by_the_mean_of_its_distribution_and_claims_its_spread(tmp_path: Path) -> None:
    """What was observed is in mean and spread already: the record keeps those of the reading."""
    found = service(tmp_path, replace(FIRST, mean=79.5, sd=1.5, floor=79.0)).errors()

    row = next(row for row in found.rows if row.source == "model")
    assert row.bias == pytest.approx(0.5)
    assert found.spreads[0].claimed == pytest.approx(1.5)


# Edges


def test_edges_are_grouped_by_the_size_of_the_claim(tmp_path: Path) -> None:
    """60 trades on 60 dates: 30 claim 4 and bring 1 cent, 30 claim 10 and bring 8."""
    claims = [(0.04, 0.01), (0.10, 0.08)] * 30
    events = [
        replace(FIRST, event_id=f"{i}", day=day, claimed=claims[i][0], realised=claims[i][1]) for i, day in enumerate(days(60))
    ]

    found = service(tmp_path, *events).edges(checkpoint="08:45")

    assert (found.n, found.n_dates, found.verdict) == (60, 60, "not enough data (60 of 300 trades)")
    assert [(point.claimed, point.realised, point.n) for point in found.points] == [
        (pytest.approx(0.04), pytest.approx(0.01), 30), (pytest.approx(0.10), pytest.approx(0.08), 30),
    ]  # fmt: skip
    assert found.total is not None
    assert found.total.realised == pytest.approx(0.045)


# The settlement record


def test_the_record_is_newest_first_and_pages_join(tmp_path: Path) -> None:
    asked = service(tmp_path, *(replace(FIRST, event_id=f"{day}", day=day) for day in days(7)))

    pages = [asked.settlements(limit=3, offset=offset) for offset in (0, 3, 6)]

    assert [row.event_day for page in pages for row in page.rows] == list(days(7))
    assert {page.total for page in pages} == {7}


def test_disagreements_are_those_whose_reports_give_another_bracket(tmp_path: Path) -> None:
    apart = replace(SECOND, own=83.0, own_winner=2)
    without = replace(FIRST, event_id="without", own=NAN, own_winner=-1)

    found = service(tmp_path, FIRST, apart, without).settlements(disagreements=True)

    assert [(row.event_id, row.agreed, row.own_reading) for row in found.rows] == [("second", False, 83)]
    assert (found.n, found.total, found.compared, found.agreed) == (3, 1, 2, 1)


def test_a_settled_bracket_is_named_as_the_ladder_named_it(tmp_path: Path) -> None:
    world.build(tmp_path)

    (row,) = service(tmp_path, Event(world.event_id(DAY), winner=2, own_winner=1)).settlements().rows

    assert (row.winner_bracket, row.own_bracket) == ("42-43°F", "40-41°F")
    assert row.city == "New York"


# What was earned


def test_too_few_events_earn_a_probe_and_say_how_many_are_missing(tmp_path: Path) -> None:
    asked = service(tmp_path, FIRST, states=[gate("polymarket 12:45", 37, 20)])

    rows = {row.checkpoint: row for row in asked.gates().rows}

    assert rows["12:45"].words == "probe: not enough data (37 of 300 events, 20 of 60 dates)"
    assert rows["08:45"].words == "probe: nothing settled yet"
    assert len(rows) == len(CHECKPOINTS)


@pytest.mark.parametrize(
    ("size", "checks", "words"),
    [
        ("normal", [], "normal: +0.010 to +0.050 nats an event on the market (400 events)"),
        ("none", [], "none: +0.010 to +0.050 nats an event on the market (400 events)"),
        ("probe", [("calibration", 2.004, 1.0, 300), ("realised", None, 0.3, 12)],
         "probe: calibration 2.00, limit 1.00, realised not known on 12 (400 events)"),
        ("none", [("data", 0.0, 1.0, 1)], "none: No new trades"),
    ],
)  # fmt: skip
def test_a_gate_names_the_number_that_decides(tmp_path: Path, size: str, checks: list[Any], words: str) -> None:
    told = [
        {"name": name, "value": value, "limit": limit, "passed": False, "n": n, "sentence": "No new trades."}
        for name, value, limit, n in checks
    ]
    interval = {"mean": 0.03, "low": 0.01, "high": 0.05, "n": 400, "n_dates": 80}

    asked = service(tmp_path, FIRST, states=[gate("polymarket 12:45", 400, 80, size, d=interval, checks=told)])

    assert asked.gates(venue="polymarket", checkpoint="12:45").rows[0].words == words


def test_the_newest_state_counts_with_weight_correction_and_shrinkage(tmp_path: Path) -> None:
    subject, older = "polymarket 08:45", DAY - timedelta(days=1)
    states = [
        state("pool_weight", subject, 400, 0.2, {"used": True, "optimum": 0.2}, older),
        state("pool_weight", subject, 401, 0.4, {"used": True, "optimum": 0.4}),
        state("recalibration", subject, 401, 0.01, {"on": True, "values": []}),
        state("shrinkage", subject, 60, 0.7, {"slope": 0.7, "interval": None}),
        gate(subject, 401, 80),
    ]

    row = service(tmp_path, FIRST, states=states).gates(checkpoint="08:45").rows[0]

    assert (row.weight, row.weight_learned, row.weight_n) == (0.4, True, 401)
    assert (row.recalibrated, row.recalibration_n) == (True, 401)
    assert (row.shrinkage, row.shrinkage_n) == (0.7, 60)


def test_of_two_makers_of_a_day_the_one_that_wrote_last_counts(tmp_path: Path) -> None:
    """By name the earlier one stands last."""
    write(tmp_path, [replace(FIRST, maker="zero")], [{**gate("polymarket 12:45", 500, 90), "maker": "zero"}])

    asked = service(tmp_path, FIRST, states=[gate("polymarket 12:45", 37, 20)])

    assert asked.gates(checkpoint="12:45").rows[0].n == 37


@pytest.mark.parametrize(
    ("local", "name"),
    [((8, 9, 0), "17:45 D-1"), ((8, 18, 0), "17:45 D-1"), ((9, 8, 44), "17:45 D-1"), ((9, 8, 45), "08:45"), ((9, 13, 15), "12:45"),
     ((9, 23, 0), "14:45")],
)  # fmt: skip
def test_the_last_checkpoint_that_is_past_counts(local: tuple[int, int, int], name: str) -> None:
    """Standard time of New York is UTC−5."""
    at = datetime(2026, 12, *local, tzinfo=UTC) + timedelta(hours=5)

    assert reached("America/New_York", date(2026, 12, 9), at).name == name


def test_an_event_is_told_what_its_checkpoint_has_earned(tmp_path: Path) -> None:
    """The world's now is 13:15 in New York."""
    world.build(tmp_path)
    write(tmp_path, [FIRST], [gate("polymarket 12:45", 37, 20)])
    asked = build_services(Settings(data_dir=tmp_path, mode="demo")).verification

    found = asked.earned("polymarket", "KLGA", world.TODAY)

    assert (found.checkpoint, found.n, found.size) == ("12:45", 37, "probe")
    assert asked.earned("polymarket", "KLGA", world.TOMORROW).words == "probe: nothing settled yet"


# Questions


def test_questions_narrow_the_events(tmp_path: Path) -> None:
    events = [replace(FIRST, event_id=f"{day}", day=day) for day in days(40)]
    kalshi = replace(FIRST, event_id="k", venue="kalshi", station="KMIA", extreme="low")
    asked = service(tmp_path, *events, kalshi)

    assert asked.record().n == 41
    assert asked.record(Question(days=30)).n == 31
    assert asked.record(Question("KMIA")).n == asked.record(Question(venue="kalshi")).n == 1
    assert asked.record(Question(extreme="high")).n == 40
    assert asked.record(Question(first=DAY - timedelta(days=2), last=DAY - timedelta(days=1))).n == 2
    assert asked.record(Question("KLGA", "kalshi")).n == 0


@pytest.mark.parametrize(
    ("question", "checkpoint", "error"),
    [
        (Question("ZZZZ"), None, UnknownIdError), (Question(venue="foo"), None, NotAllowedError),
        (Question(extreme="middle"), None, NotAllowedError), (Question(days=0), None, NotAllowedError),
        (Question(first=DAY, last=DAY - timedelta(days=1)), None, NotAllowedError), (Question(), "noon", NotAllowedError),
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused(
    tmp_path: Path, question: Question, checkpoint: str | None, error: type[Exception]
) -> None:  # fmt: skip
    with pytest.raises(error):
        service(tmp_path, FIRST).calibration(question, checkpoint)


def test_nothing_settled_names_the_commands_that_make_it(tmp_path: Path) -> None:
    world.build(tmp_path)
    asked = build_services(Settings(data_dir=tmp_path, mode="demo")).verification

    for answer in (asked.record(), asked.scores(), asked.errors(), asked.gates(), asked.settlements(), asked.calibration()):
        assert answer.n == 0
        assert BACKFILL in answer.missing
    assert asked.edges().points == ()


def test_a_refresh_reads_nothing_until_there_is_news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    whole = TrackStore.track
    monkeypatch.setattr(TrackStore, "track", lambda store, *given: (reads.append(1), whole(store, *given))[1])
    asked = service(tmp_path, FIRST)

    first, again = asked.scores(), asked.scores()
    asked.errors()

    assert len(reads) == 1
    assert again.rows is first.rows
    write(tmp_path, [SECOND])
    assert asked.scores().n == 2
    assert len(reads) == 2


def test_a_record_of_an_earlier_shape_is_said_and_not_guessed(tmp_path: Path) -> None:
    write(tmp_path, [FIRST])
    with closing(sqlite3.connect(tmp_path / "evaluations" / "weather-track.db")) as database:
        database.execute("alter table track drop column width")

    with pytest.raises(StoreError, match="no such column"):
        build_services(Settings(data_dir=tmp_path, mode="live")).verification.scores()


# The route


@pytest.fixture
def sidecar(tmp_path: Path) -> TestClient:
    """The small world, whose New York of 7 December settled at 42-43°F, with one more event that has no METAR."""
    world.build(tmp_path)
    won = Event(world.event_id(DAY), winner=2, reading=43.0, own=42.0, own_winner=2, forecast=45.5)
    write(tmp_path, [won, replace(won, event_id="silent", day=date(2026, 12, 6), own=NAN, own_winner=-1)])
    return client_of(tmp_path)


PATH = "/api/compare/zeus-vs-metar"
FIELDS = {  # FACTS III.1
    "zeus_prediction_f", "zeus_forecast_time", "metar_actual_f", "error_f", "error_pct", "zeus_bracket", "metar_bracket",
    "brackets_match", "winning_bracket", "metar_observation_count", "available",
}  # fmt: skip


def test_a_day_is_compared_with_its_documented_fields(sidecar: TestClient) -> None:
    """45.5 rounds to 46, the open bracket at the top; METAR gave 42: 3.5 colder, 8.333 % of it."""
    reply = sidecar.get(PATH, params={"station_code": "KLGA", "event_day": "2026-12-07"}).json()

    (row,) = reply["comparisons"]
    assert set(row) >= FIELDS
    assert (row["zeus_prediction_f"], row["metar_actual_f"], row["error_f"]) == (45.5, 42.0, -3.5)
    assert row["error_pct"] == pytest.approx(-100 * 3.5 / 42, abs=1e-6)
    assert (row["zeus_bracket"], row["metar_bracket"], row["winning_bracket"]) == ("46°F or higher", "42-43°F", "42-43°F")
    assert (row["brackets_match"], row["available"], reply["available"]) == (False, True, True)
    assert (row["zeus_forecast_time"], row["zeus_forecast_look"]) == ("2026-12-06T22:45:00Z", "17:45 D-1")


@pytest.mark.parametrize(
    ("forecast", "bracket"), [(39.4, "39°F or below"), (39.5, "40-41°F"), (45.4, "44-45°F"), (45.5, "46°F or higher")]
)
def test_a_forecast_falls_in_the_bracket_of_its_rounded_reading(tmp_path: Path, forecast: float, bracket: str) -> None:
    world.build(tmp_path)
    write(tmp_path, [Event(world.event_id(DAY), forecast=forecast)])

    assert client_of(tmp_path).get(PATH).json()["comparisons"][0]["zeus_bracket"] == bracket


def test_what_cannot_be_compared_says_why(sidecar: TestClient) -> None:
    reply = sidecar.get(PATH, params={"event_day": "2026-12-06"}).json()

    assert reply["comparisons"][0]["available"] is reply["available"] is False
    assert reply["reason"] == reply["comparisons"][0]["reason"] == "no METAR report of KLGA on that day is known"
    nothing = sidecar.get(PATH, params={"event_day": "2026-12-01"}).json()
    assert (nothing["total"], nothing["available"]) == (0, False)
    assert "No settled event of any station" in nothing["reason"]


def test_comparisons_are_filtered_and_paged(sidecar: TestClient) -> None:
    whole = sidecar.get(PATH).json()
    pages = [sidecar.get(PATH, params={"limit": 1, "offset": offset}).json() for offset in (0, 1)]

    assert [row["event_day"] for row in whole["comparisons"]] == ["2026-12-07", "2026-12-06"]
    assert [page["comparisons"][0] for page in pages] == whole["comparisons"]
    assert [page["has_more"] for page in pages] == [True, False]
    assert sidecar.get(PATH, params={"start_date": "2026-12-07", "end_date": "2026-12-08"}).json()["total"] == 1
    assert sidecar.get(PATH, params={"extreme": "low"}).json()["total"] == 0
    assert sidecar.get(PATH, params={"venue": "kalshi"}).json()["total"] == 0


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("station_code=ZZZZ", 404, None), ("station_code=..%2f", 422, "station_code"), ("event_day=2026-13-01", 422, "event_day"),
        ("venue=foo", 422, "venue"), ("extreme=middle", 422, "extreme"), ("limit=201", 422, "limit"),
        ("start_date=2026-12-09&end_date=2026-12-01", 422, "end_date"), ("stations=KLGA", 422, "stations"),
        ("limit=1&limit=2", 422, "limit"),
    ],
)  # fmt: skip
def test_a_bad_filter_is_an_error(sidecar: TestClient, query: str, status: int, field: str | None) -> None:
    answer = sidecar.get(f"{PATH}?{query}")

    assert answer.status_code == status
    assert json.loads(answer.content)["error"].get("field") == field


def test_reports_of_the_day_are_counted(tmp_path: Path) -> None:
    """The world's METAR of 9 December: three reports within the day."""
    world.build(tmp_path)
    write(tmp_path, [Event(world.event_id(world.TODAY), day=world.TODAY)])

    row = client_of(tmp_path).get(PATH).json()["comparisons"][0]

    assert row["metar_observation_count"] == 3


def test_a_folder_that_no_desk_has_traded_in_shows_the_record_of_verify(tmp_path: Path) -> None:
    found = service(tmp_path, FIRST).scores().rows
    folder = tmp_path / "evaluations"
    for path in folder.glob("weather-track.db*"):
        path.rename(folder / path.name.replace("weather", "research"))

    again = build_services(Settings(data_dir=tmp_path, mode="live")).verification.scores().rows

    assert repr(again) == repr(found)
    assert sum(row.n for row in again) > 0
