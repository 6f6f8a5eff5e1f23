"""How far the clock of a service is from ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.venues.servers import reply, serving
from tests.venues.test_http import Wall, http
from venues.skew import skew_seconds

ASKED = datetime(2026, 7, 3, 12, 0, 0, 400_000, tzinfo=UTC)
HEARD = ASKED + timedelta(seconds=0.3)


@pytest.mark.parametrize(
    ("date", "skew"),
    [
        ("Fri, 03 Jul 2026 12:00:00 GMT", 0.0),  # any instant of that second fits
        ("Fri, 03 Jul 2026 12:00:01 GMT", 0.3),  # at least so much ahead
        ("Fri, 03 Jul 2026 12:00:05 GMT", 4.3),
        ("Fri, 03 Jul 2026 11:59:50 GMT", -9.4),
        ("Fri, 03 Jul 2026 12:00:05 -0000", 4.3),
        ("once upon a time", None),
    ],
)
def test_a_date_is_compared_with_question_and_answer(date: str, skew: float | None) -> None:
    assert skew_seconds({"Date": date}, ASKED, HEARD) == skew


def test_what_lay_in_a_cache_and_what_has_no_date_say_nothing() -> None:
    assert skew_seconds({"Date": "Fri, 03 Jul 2026 11:00:00 GMT", "Age": "3600"}, ASKED, HEARD) is None
    assert skew_seconds({}, ASKED, HEARD) is None


def test_a_session_remembers_what_a_live_service_said_and_asks_no_simulated_one() -> None:
    """The server's clock is that of the machine, ours stands at noon of another day."""
    with serving(reply(200, [1]), reply(200, [1])) as server:
        live, simulated = http(Wall()), http(Wall(), simulated=True)
        live.get(f"{server.url}/metar")
        simulated.get(f"{server.url}/metar")

    assert live.health.skew_seconds is not None
    assert abs(live.health.skew_seconds) > 60
    assert simulated.health.skew_seconds is None
