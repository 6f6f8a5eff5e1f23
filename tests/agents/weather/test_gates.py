"""What size settled events earn: every row of SCIENCE 6.4."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from agents.weather import gates
from agents.weather.gates import Evidence, Gate, gate
from core.metrics.calibration import calibration
from core.units import FloatArray, IntArray
from tests.flipped import unnoticed

NAN = float("nan")
NONE: FloatArray = np.empty(0)
NO_DAYS: IntArray = np.empty(0, np.int64)


def evidence(n: int = 600, per_date: int = 4, d: FloatArray | float = 0.03, **more: object) -> Evidence:
    """Return evidence that passes every check: calibrated, better than the market, claims realised, data well."""
    rng = np.random.default_rng(11)
    ordinal = 739_000 + np.arange(n) // per_date
    lower = np.arange(n) * 7 % 10 / 10  # each tenth in turn
    claimed = rng.uniform(0.05, 0.15, n // 3)
    parts: dict[str, object] = {
        "d": d + 0.2 * _even(n) if isinstance(d, float) else d, "ordinal": ordinal, "lower": lower, "upper": lower + 0.1,
        "claimed": claimed, "realised": 0.8 * claimed + 0.01 * rng.standard_normal(len(claimed)),
        "traded_ordinal": ordinal[::3][: len(claimed)],
        "closing": NONE, "closing_ordinal": NO_DAYS, "healthy": True,
    }  # fmt: skip
    return Evidence(**{**parts, **more})  # type: ignore[arg-type]


def _even(n: int) -> FloatArray:
    """Return noise whose mean is 0 to a hair: signs alternate."""
    return np.where(np.arange(n) % 2 == 0, 1.0, -1.0)


def passed(found: Gate) -> list[bool]:
    return [check.passed for check in found.checks]


def uneven(n: int, share: float) -> tuple[FloatArray, FloatArray]:
    """Return spans of which a share lies in the lowest tenth."""
    lower = np.where(np.arange(n) % 100 < 100 * share, 0.0, 0.1 + (np.arange(n) * 0.6180339887) % 0.8)
    return lower, lower + 0.1


def test_who_passes_everything_has_earned_normal_size() -> None:
    found = gate(evidence())

    assert found.size == "normal"
    assert passed(found) == [True] * 4
    assert (found.n, found.n_dates) == (600, 150)


@pytest.mark.parametrize(("n", "per_date"), [(299, 4), (300, 6), (0, 4), (8, 1)])
@pytest.mark.parametrize("d", [-0.5, 0.0, 0.03])
def test_below_three_hundred_events_on_sixty_dates_it_is_always_probe(n: int, per_date: int, d: float) -> None:
    found = gate(evidence(n, per_date, d))

    assert found.size == "probe"
    assert "not enough data" in found.sentence


def test_three_hundred_events_on_sixty_dates_are_enough() -> None:
    assert gate(evidence(300, 5)).size == "normal"
    assert gate(evidence(300, 5, -0.03)).size == "none"


def test_surely_worse_than_the_market_is_no_size_and_not_probe() -> None:
    found = gate(evidence(d=-0.03))

    assert found.size == "none"
    assert found.d is not None
    assert found.d.high < 0
    assert "loses 0.0300 nats" in found.sentence


def test_an_advantage_that_may_be_chance_is_probe_either_way() -> None:
    noise = np.repeat(np.where(np.arange(30) % 2 == 0, 0.3, -0.3), 20)  # fortnights go together

    for mean in (-0.005, 0.005):
        found = gate(evidence(d=mean + noise))
        assert found.size == "probe"
        assert passed(found) == [True, False, True, True]
        assert "advantage" in found.sentence


@pytest.mark.parametrize("d", [-0.03, 0.03])
@pytest.mark.parametrize("n", [20, 600])
def test_sick_data_stop_every_new_trade(n: int, d: float) -> None:
    found = gate(evidence(n, d=d, healthy=False, illness="METAR is silent"))

    assert found.size == "none"
    assert found.sentence == "No new trades: METAR is silent."


def test_a_law_that_is_off_in_one_tenth_is_probe() -> None:
    lower, upper = uneven(600, 0.2)

    found = gate(evidence(lower=lower, upper=upper))

    assert found.size == "probe"
    assert passed(found) == [False, True, True, True]
    assert found.checks[0].value > 1


def test_a_law_that_is_too_wide_is_probe() -> None:
    middle = 0.1 + (np.arange(600) * 0.6180339887) % 0.7

    assert gate(evidence(lower=middle, upper=middle + 0.1)).size == "probe"


def test_calibration_is_judged_on_the_last_ninety_days() -> None:
    lower, upper = uneven(600, 0.3)
    good = evidence()
    old = good.ordinal <= good.ordinal.max() - 90

    formerly_bad = gate(replace(good, lower=np.where(old, lower, good.lower), upper=np.where(old, upper, good.upper)))
    lately_bad = gate(replace(good, lower=np.where(old, good.lower, lower), upper=np.where(old, good.upper, upper)))

    assert formerly_bad.size == "normal"
    assert formerly_bad.checks[0].n == 360
    assert lately_bad.size == "probe"


def test_without_thirty_spans_calibration_is_not_shown() -> None:
    lower = np.full(600, NAN)
    lower[-29:] = 0.5

    found = gate(evidence(lower=lower))

    assert not found.checks[0].passed
    assert found.checks[0].n == 29
    assert found.size == "probe"


def test_claims_that_were_not_realised_are_probe_unless_the_closing_line_moved_our_way() -> None:
    good = evidence()
    unrealised = replace(good, realised=0.2 * good.claimed)
    closing = 0.01 + 0.05 * _even(200)
    ordinal = np.arange(200) // 2

    assert gate(unrealised).size == "probe"
    assert passed(gate(unrealised)) == [True, True, False, True]
    assert gate(replace(unrealised, closing=closing, closing_ordinal=ordinal)).size == "normal"
    assert gate(replace(unrealised, closing=-closing, closing_ordinal=ordinal)).size == "probe"


def test_few_trades_show_no_slope() -> None:
    good = evidence()
    few = replace(good, claimed=good.claimed[:29], realised=good.realised[:29], traded_ordinal=good.traded_ordinal[:29])

    found = gate(few)

    assert np.isnan(found.checks[2].value)
    assert not found.checks[2].passed
    assert found.checks[2].n == 29


def test_events_that_could_not_be_scored_do_not_count() -> None:
    good = evidence()

    found = gate(replace(good, d=np.where(np.arange(600) < 400, NAN, good.d)))

    assert found.n == 200
    assert found.size == "probe"


def test_every_check_has_a_sentence_with_its_n() -> None:
    found = gate(evidence())

    assert [check.name for check in found.checks] == ["calibration", "advantage", "realised", "data"]
    assert all(check.sentence.endswith(".") for check in found.checks)
    assert all(str(check.n) in check.sentence for check in found.checks[:3])


def test_the_least_detectable_effect_of_thirteen_hundred_events() -> None:
    """SCIENCE 6.4: at an sd of .17 nats, .0129 needs about 1,300 events."""
    d = 0.17 * _even(1_300)

    found = gate(evidence(1_300, 1, d))

    assert found.least_detectable == pytest.approx(0.0132, abs=0.0002)


def test_order_does_not_matter() -> None:
    good = evidence()
    mixed = np.random.default_rng(3).permutation(600)
    shuffled = replace(
        good, d=good.d[mixed], ordinal=good.ordinal[mixed], lower=good.lower[mixed], upper=good.upper[mixed],
    )  # fmt: skip

    assert gate(shuffled).size == "normal"
    assert gate(shuffled).d.low == pytest.approx(gate(good).d.low, abs=1e-12)  # type: ignore[union-attr]


def t_by_hand(values: FloatArray, ordinal: IntArray) -> float:
    """t of a mean, the larger error of two: by dates (factor of Cameron, Gelbach, Miller, 2008) and by entries."""
    dates, n = np.unique(ordinal), len(values)
    sums = np.array([(values[ordinal == date] - values.mean()).sum() for date in dates])
    by_date = np.sqrt((sums**2).sum() * len(dates) / (len(dates) - 1)) / n
    return float(values.mean() / max(by_date, values.std(ddof=1) / np.sqrt(n)))


def miss_by_hand(lower: FloatArray, ordinal: IntArray) -> float:
    """The worse of coverage and tenths, as a share of what chance allows or of .02."""
    told = calibration(lower, lower + 0.1, ordinal)
    assert told is not None
    central = told.coverage[1]
    coverage = max((central.share - 0.8) / max(central.high - 0.8, 0.02), (0.8 - central.share) / max(0.8 - central.low, 0.02))
    return max(coverage, max(abs(share - 0.1) for share in told.flatness.shares) / max(told.flatness.half_width, 0.02))


def check_gate(module: ModuleType) -> None:
    """The decisions above in short, for a module that may be wrong."""
    fields = {name: getattr(evidence(), name) for name in Evidence.__slots__}

    def found(**more: object) -> Gate:
        return module.gate(module.Evidence(**{**fields, **more}))  # type: ignore[no-any-return]

    d, ordinal = fields["d"], fields["ordinal"]
    good = found()
    assert good.size == "normal"
    assert abs(good.checks[0].value) < 0.6
    assert found(d=d - 0.06).size == "none"
    assert "loses 0.0300" in found(d=d - 0.06).sentence
    assert found(d=d - 0.06, healthy=False).size == "none"
    assert found(ordinal=739_000 + np.arange(600) // 11).size == "probe"
    turn = np.arange(600) % 20
    too_wide = 0.1 + np.arange(600) % 8 / 10
    too_narrow = np.where(turn < 10, 0.9 * (turn % 2), 0.1 + turn % 8 / 10)
    peaked = np.where(turn < 2, 0.5, np.arange(600) % 10 / 10)
    holed = np.where(too_wide == 0.5, np.where(turn < 10, 0.0, 0.9), np.where(turn % 9 == 0, turn % 2 * 0.9, too_wide))
    for lower in (too_wide, too_narrow, peaked, np.repeat(peaked[:300], 2), holed, np.minimum(holed, 0.8)):
        off = found(lower=lower, upper=lower + 0.1)
        assert off.size == ("normal" if off.checks[0].value <= 1 else "probe")
        np.testing.assert_allclose(off.checks[0].value, miss_by_hand(lower[-360:], ordinal[-360:]), atol=1e-12)
    assert found(lower=too_narrow, upper=too_narrow + 0.1).size == "probe"
    old = ordinal <= ordinal.max() - 90
    bad = uneven(600, 0.3)
    kept = [np.where(old, bad[i], fields[name]) for i, name in enumerate(("lower", "upper"))]
    assert found(lower=kept[0], upper=kept[1]).checks[0].n == 360
    assert found(lower=np.where(np.arange(600) < 571, NAN, 0.5)).checks[0].n == 29
    assert np.isnan(found(lower=np.where(np.arange(600) < 571, NAN, 0.5)).checks[0].value)
    thirty = np.where(np.arange(600) < 570, NAN, fields["lower"])
    assert np.isfinite(found(lower=thirty).checks[0].value)
    unrealised = {"realised": 0.2 * fields["claimed"]}
    assert found(**unrealised).size == "probe"
    days = np.arange(300) // 6
    closing = 0.01 + np.random.default_rng(5).normal(0, 0.05, 300)
    together = 0.03 + np.random.default_rng(6).normal(0, 0.05, 50)[days]  # all entries of a day move alike
    for values, size in ((closing, "normal"), (-closing, "probe"), (together, "normal"), (0.01 + 0.05 * _even(300), "normal")):
        told = found(**unrealised, closing=values, closing_ordinal=days)
        assert told.size == size
        assert f"t = {t_by_hand(values, days):.1f} on 300" in told.checks[2].sentence
        t, n = module._closing_t(module.Evidence(**{**fields, "closing": values, "closing_ordinal": days}))
        np.testing.assert_allclose((t, n), (t_by_hand(values, days), 300), rtol=1e-12)
    assert "t = not known on 29" in found(closing=closing[:29], closing_ordinal=days[:29]).checks[2].sentence
    assert "t = not known on 30" in found(closing=closing[:30], closing_ordinal=np.zeros(30, np.int64)).checks[2].sentence
    assert "t = not known on 30" in found(closing=np.full(30, 0.01), closing_ordinal=days[:30]).checks[2].sentence
    two = np.repeat([0, 1], 15)
    assert (
        f"t = {t_by_hand(closing[:30], two):.1f} on 30" in found(closing=closing[:30], closing_ordinal=two).checks[2].sentence
    )
    for n in (29, 30):
        few = found(claimed=fields["claimed"][:n], realised=fields["realised"][:n], traded_ordinal=fields["traded_ordinal"][:n])
        assert few.checks[2].passed is (n == 30)
    for n in (0, 1, 2):
        tiny = found(d=d[:n], ordinal=ordinal[:n], lower=d[:n], upper=d[:n])
        assert tiny.size == "probe"
        assert np.isfinite(tiny.least_detectable) == (n == 2)
    for n, size in ((600, "normal"), (300, "normal"), (299, "probe")):
        booked = found(n_booked=n)
        assert booked.size == size
        assert (booked.checks[3].name, booked.checks[3].value, booked.checks[3].limit) == ("books", n, max(n, 300))
    assert found(d=d - 0.06, n_booked=0).size == "none"  # lost against prints is lost
    np.testing.assert_allclose(good.least_detectable, 2.8016 * d.std(ddof=1) / np.sqrt(600), rtol=1e-3)


def test_the_decisions_in_short() -> None:
    check_gate(gates)


def test_a_flipped_sign_does_not_pass_unnoticed() -> None:
    assert unnoticed(Path(gates.__file__), [check_gate]) == []
