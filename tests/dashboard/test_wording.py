"""Numbers as LOOK asks for them: true minus, cents, whole percent, ages in words, a dash for what does not exist."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from dashboard import wording


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (None, "—"), (0.0, "0"), (0.0004, "<0.1"), (0.001, "0.1"), (0.0142, "1.4"), (0.03, "3"), (0.0496, "5"),
        (0.05, "5"), (0.634, "63"), (1.0, "100"),
    ],
)  # fmt: skip
def test_a_probability_is_whole_percent_and_finer_below_five(probability: float | None, text: str) -> None:
    assert wording.percent(probability) == text


@pytest.mark.parametrize(
    ("price", "text"), [(None, "—"), (0.63, "63"), (0.005, "0.5"), (Decimal("0.02"), "2"), (0.999, "99.9")]
)
def test_a_price_is_in_cents(price: float | None, text: str) -> None:
    assert wording.cents(price) == text


@pytest.mark.parametrize(
    ("side", "edge", "text"),
    [
        ("NO", 0.072, "NO +7.2¢"), ("YES", 0.02, "YES +2¢"), ("YES", -0.011, "YES −1.1¢"), ("", None, "—"), ("NO", None, "—"),
        ("YES", 0.0, "YES 0¢"),
    ],
)  # fmt: skip
def test_an_edge_names_its_side_and_its_sign(side: str, edge: float | None, text: str) -> None:
    assert wording.edge_of(side, edge) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [(Decimal("-1.2"), "−1.20 $"), (Decimal("8.08"), "+8.08 $"), (Decimal(0), "0.00 $"), (-0.001, "0.00 $"), (None, "—")],
)
def test_money_that_was_made_carries_its_sign(amount: Decimal | None, text: str) -> None:
    assert wording.gain(amount) == text


@pytest.mark.parametrize(
    ("lower", "upper", "text"),
    [(79, 80, "79–80"), (None, 74, "≤ 74"), (83, None, "≥ 83"), (14, 14, "14"), (-5, -4, "−5–−4"), (None, -1, "≤ −1")],
)
def test_a_bracket_is_written_by_its_readings(lower: int | None, upper: int | None, text: str) -> None:
    assert wording.bracket(lower, upper) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(12, "12 s ago"), (90, "2 min ago"), (7_200, "2 h ago"), (200_000, "2 d ago"), (None, "—"), (-3, "0 s ago")],
)
def test_an_age_is_in_words(seconds: float | None, text: str) -> None:
    assert wording.ago(seconds) == text


@pytest.mark.parametrize(("age", "tone"), [(None, ""), (29, ""), (30, ""), (31, "amber"), (60, "amber"), (61, "red")])
def test_an_age_turns_amber_at_half_its_limit_and_red_at_it(age: float | None, tone: str) -> None:
    assert wording.freshness(age, 60) == tone


@pytest.mark.parametrize(("seconds", "text"), [(48, "0:48"), (603.9, "10:03"), (3_730, "1:02:10"), (-5, "0:00"), (None, "—")])
def test_a_countdown_is_a_clock(seconds: float | None, text: str) -> None:
    assert wording.until(seconds) == text


@pytest.mark.parametrize(("minutes", "text"), [(-300, "UTC−5"), (540, "UTC+9"), (330, "UTC+5:30"), (0, "UTC+0")])
def test_a_clock_names_its_distance_to_utc(minutes: int, text: str) -> None:
    assert wording.offset(timedelta(minutes=minutes)) == text


def test_a_reason_that_has_no_words_is_said_as_it_is_written() -> None:
    assert wording.reason("city_day") == "cap on city and day"
    assert wording.reason("some_new_check") == "some new check"
    assert wording.reason("") == "—"
