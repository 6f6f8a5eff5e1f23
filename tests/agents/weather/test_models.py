"""One table of models: each learns from the same cases and answers with a law."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.weather.cases import Case, Cases, Told, cases_of
from agents.weather.discretise import bracket_mass, cumulative, lattice_of
from agents.weather.evaluation import WeatherEvaluation
from agents.weather.models import MODELS
from agents.weather.models.residual import fading_sums, filter_rows, filtered, pooled, predictive
from core.model.record import Kind, Record
from core.model.station import ReportPrecision
from core.settings import Settings
from core.units import FloatArray, Unit, micros
from tests.agents.weather.lessons import FIRST_DAY, NAN, cases, guided
from tests.agents.weather.worlds import (
    DAY,
    HOUR,
    SETTINGS,
    archive_of,
    curve,
    event,
    forecast,
    listing,
    look,
    outcome,
    quarter_hours,
)

EVENING = datetime(2026, 6, 11, 22, 0, tzinfo=UTC)
LEARNING = [name for name, model in MODELS.items() if model.learn is not None]
V0 = np.array(5.76)
ZERO = np.array(0.0)


def masses(name: str, known: Cases, **more: float) -> FloatArray:
    own = lattice_of([(event(lowest=67), ReportPrecision.TENTHS)])
    return bracket_mass(own, cumulative(own, guided(name, known, **more), np.array([[NAN]])))[0, 0]


@pytest.mark.parametrize("name", LEARNING)
def test_a_model_that_knows_too_little_says_what_the_filter_says(name: str) -> None:
    found, usual = guided(name, cases(5), bias=1.5, spread=2.0), guided("residual", cases(5), bias=1.5, spread=2.0)

    assert found.mean[0, 0] == usual.mean[0, 0]
    assert found.spread[0, 0] == usual.spread[0, 0]


@pytest.mark.parametrize("name", LEARNING)
def test_every_model_learns_a_steady_bias_and_an_honest_width(name: str) -> None:
    """Highs settle a degree above the models' mean, which itself errs by 1/sqrt(3); two degrees of weather besides."""
    found = guided(name, cases(400))

    assert found.mean[0, 0] == pytest.approx(79.0, abs=0.6)
    assert found.spread[0, 0] == pytest.approx(np.sqrt(4.0 + 1.0 / 3.0), abs=0.65)


@pytest.mark.parametrize("name", LEARNING)
def test_masses_of_every_model_sum_to_one_and_none_is_negative(name: str) -> None:
    found = masses(name, cases(400))

    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    assert (found >= 0.0).all()


@pytest.mark.parametrize("name", LEARNING)
def test_a_shift_of_forecasts_and_of_what_settled_moves_every_law_along(name: str) -> None:
    here, there = guided(name, cases(400)), guided(name, cases(400, shift=9.0), (87.0, 87.0, 87.0))

    assert there.mean[0, 0] == pytest.approx(here.mean[0, 0] + 9.0, abs=1e-6)
    assert there.spread[0, 0] == pytest.approx(here.spread[0, 0], abs=1e-6)


@pytest.mark.parametrize("name", LEARNING)
def test_the_order_of_the_models_changes_nothing(name: str) -> None:
    known, told = cases(400, biases=(2.0, 0.0, -1.0), sds=(0.5, 1.0, 2.0)), (80.0, 78.0, 76.5)
    turned = replace(known, extremes=known.extremes[:, ::-1].copy(), models=known.models)

    here, there = guided(name, known, told), guided(name, turned, told[::-1])

    assert there.mean[0, 0] == pytest.approx(here.mean[0, 0], abs=1e-9)
    assert there.spread[0, 0] == pytest.approx(here.spread[0, 0], abs=1e-9)


@pytest.mark.parametrize("name", LEARNING)
def test_on_the_running_day_every_model_narrows_toward_the_peak(name: str) -> None:
    parts = {"running": 1.0, "remaining": 78.0, "error": 0.0, "error_age_hours": 0.2, "bias": 1.0}

    widths = [guided(name, cases(400), hours_to_peak=h, **parts).spread[0, 0] for h in (9.0, 3.0, 0.0)]

    assert widths[0] > widths[1] > widths[2]


@pytest.mark.parametrize("name", LEARNING)
def test_a_longer_lead_is_wider(name: str) -> None:
    assert guided(name, cases(400), lead_hours=54.0).spread[0, 0] > 1.2 * guided(name, cases(400)).spread[0, 0]


def test_a_case_is_known_by_its_newest_word_only_when_it_was_received() -> None:
    told = Told(77.0, 1.0, ("a", "b"), (76.5, 77.5))
    found = cases_of(
        [Case(FIRST_DAY, 80.0, told, 5), Case(FIRST_DAY + 1, 81.0, Told(78.0, NAN, ("b",), (78.0,)), 9)], Unit.CELSIUS
    )

    assert found.residual.tolist() == [3.0, 3.0]
    assert found.models == ("a", "b")
    np.testing.assert_array_equal(found.extremes, [[76.5, 77.5], [NAN, 78.0]])


def test_cases_of_the_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="models"):
        replace(cases(5), models=("one",))


def test_many_series_at_once_have_the_bits_of_each_alone() -> None:
    """With gaps and outliers; the scalar filter of the desk and the rows of the benchmark are one filter."""
    chance = np.random.default_rng(3)
    off, ordinal = chance.normal(1.0, 3.0, (80, 6)), FIRST_DAY + np.cumsum(chance.integers(1, 4, 80))
    off[chance.random(off.shape) < 0.2] = np.nan
    off[30, 2], off[50, 3] = 40.0, -35.0

    rows = filter_rows(off, ordinal, V0, np.array(0.3), embargo=2)

    for day in (0, 10, 40, 79):
        for column in range(6):
            known = (ordinal <= ordinal[day] - 2) & ~np.isnan(off[:, column])
            alone = predictive(filtered(ordinal[known], off[known, column], 5.76, 0.3), 5.76, 0.3)
            assert (rows.mean[day, column], rows.scale[day, column], rows.df[day, column]) == alone
            assert rows.n[day, column] == known.sum()
        assert filter_rows(off[:, 2:3], ordinal, V0, np.array(0.3), embargo=2).mean[day, 0] == rows.mean[day, 2]


def test_what_comes_within_the_embargo_changes_nothing() -> None:
    off, ordinal = np.random.default_rng(3).normal(1.0, 3.0, (40, 1)), FIRST_DAY + np.arange(40)
    other = off.copy()
    other[19:] = 50.0

    here, there = (filter_rows(part, ordinal, V0, ZERO, embargo=2) for part in (off, other))

    assert here.mean[:21].tobytes() == there.mean[:21].tobytes()
    assert here.mean[21] != there.mean[21]
    with pytest.raises(ValueError, match="embargo"):
        filter_rows(off, ordinal, V0, ZERO, embargo=0)


def test_the_uncertain_mean_widens_the_next_residual() -> None:
    """SCIENCE 1.3: (kn + 1) / kn; four equal residuals, lambda 1, leave 1 + 1/5 of the spread's own."""
    rows = filter_rows(np.array([[0.0], [0.0], [0.0], [0.0], [NAN]]), np.array([1, 1, 1, 1, 3]), V0, ZERO, embargo=2)

    assert rows.scale[-1, 0] ** 2 == pytest.approx(10.0 * 5.76 / 14.0 * 6.0 / 5.0)


def test_other_series_teach_their_usual_error_and_the_tables_speak_until_then() -> None:
    chance = np.random.default_rng(5)
    days = FIRST_DAY + np.arange(60)
    own = [fading_sums(days, chance.normal(1.0, 0.0) + chance.normal(0.0, 0.6, 60), int(days[-1])) for _ in range(200)]

    before, after = pooled([]), pooled(own)

    assert before == (0.0, 1.0, 0.0)
    assert after.mean == pytest.approx(1.0 * after.share, abs=0.1)
    assert after.variance == pytest.approx(0.36, abs=0.04)
    assert after.share > 0.9


def test_a_bias_of_each_station_is_no_part_of_the_spread_within_one() -> None:
    days = FIRST_DAY + np.arange(60)
    off = np.random.default_rng(5).normal(0.0, 0.5, (60, 20))

    level = pooled([fading_sums(days, column, int(days[-1])) for column in off.T])
    apart = pooled([fading_sums(days, column + (i % 5), int(days[-1])) for i, column in enumerate(off.T)])

    assert apart.variance == pytest.approx(level.variance, rel=1e-9)
    assert apart.mean > level.mean + 1.0


def history(n: int, *, members: int = 0) -> list[Record]:
    """Return `n` settled days of New York before the usual event, each forecast by three models the evening before."""
    chance, found = np.random.default_rng(2), [listing(event())]
    for back in range(n + 1, -1, -1):
        at, day = EVENING - timedelta(days=back), DAY - timedelta(days=back)
        peaks = 25.5 + np.array([-0.5, 0.0, 0.5]) + chance.normal(0.0, 0.5, 3)
        found += [forecast("KLGA", at, peaks.tolist())]
        found += [ensemble("KLGA", at, chance.normal(25.0, 0.6, members))] if members else []
        if back:
            past = event(f"nyc-{day.isoformat()}", day=day)
            found += [
                listing(past, at - timedelta(days=1)),
                outcome(past, at + timedelta(hours=44), 79 + int(chance.integers(-2, 3))),
            ]
    return found


def ensemble(station: str, at: datetime, peaks: FloatArray) -> Record:
    """Return hourly members, peaking at these temperatures [degrees Celsius]."""
    start = at.replace(hour=0) - timedelta(days=1)
    hours = [start + HOUR * i for i in range(24 * 4)]
    rows = [(member, micros(hour), curve(peak, hour, -5)) for member, peak in enumerate(peaks.tolist()) for hour in hours]
    columns = {
        "model": np.array(["gfs"] * len(rows), dtype=object), "member": np.array([row[0] for row in rows], np.int64),
        "valid_at": np.array([row[1] for row in rows], np.int64), "celsius": np.array([row[2] for row in rows], np.float64),
    }  # fmt: skip
    return Record("open_meteo_ensemble", Kind.ENSEMBLE, station, at, None, repr((start, peaks.tolist())).encode(), columns)


def column(found: WeatherEvaluation, event_id: str = "nyc-12") -> int:
    return [each.event.event_id for each in found.panel.events].index(event_id)


def chosen(name: str) -> Settings:
    return SETTINGS.model_copy(update={"model": name})


@pytest.mark.parametrize("name", ["emos", "mixture", "dressing"])
def test_a_look_gives_a_model_the_settled_days_of_its_series(tmp_path: Path, name: str) -> None:
    """Six weeks that settled around 79 F where 77.9 was forecast."""
    archive = archive_of(tmp_path, history(45))

    found = look(archive, EVENING, settings=chosen(name))

    ours = column(found)
    assert found.panel.guidance.lesson[0, ours] >= 0
    assert found.law.mean[0, ours] == pytest.approx(79.0, abs=1.0)
    assert found.law.weight.shape[-1] == (1 if name == "emos" else 3)
    assert found.p_model[0, ours].sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("name", ["emos", "mixture", "dressing"])
def test_a_block_of_looks_has_the_bits_of_each_alone(tmp_path: Path, name: str) -> None:
    archive = archive_of(tmp_path, history(42, members=5))
    instants = quarter_hours(EVENING - timedelta(days=1), 100)[::3]

    block = look(archive, *instants, settings=chosen(name))

    assert len({*block.panel.guidance.lesson[:34, column(block)].tolist()}) > 1
    for row in (0, 22, 33):
        alone = look(archive, instants[row], settings=chosen(name))
        for i, each in enumerate(alone.panel.events):
            there = column(block, each.event.event_id)
            assert block.p_model[row, there].tobytes() == alone.p_model[0, i].tobytes()


def test_members_are_read_when_the_model_asks_for_them_and_not_before(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, history(30, members=5))

    dressed, mixed = (look(archive, EVENING, settings=chosen(name)) for name in ("dressing", "mixture"))

    assert dressed.panel.guidance.members.shape == (2, len(dressed.panel.events), 5)
    assert dressed.law.weight[0, column(dressed)].tolist() == [0.2] * 5
    assert mixed.panel.guidance.members.shape[-1] == 0
    told = dressed.panel.guidance.members[0, column(dressed)]
    assert dressed.law.mean[0, column(dressed)] == pytest.approx(told.mean() + 2.0, abs=0.5)  # of members around 77


def test_what_settles_later_changes_nothing_before(tmp_path: Path) -> None:
    records = history(45)
    later = [record for record in records if record.received_at <= EVENING]
    assert len(later) < len(records)

    with_it, without = (
        look(archive_of(tmp_path / name, part), EVENING, settings=chosen("emos"))
        for name, part in (("a", records), ("b", later))
    )

    assert with_it.p_model.tobytes() == without.p_model.tobytes()
