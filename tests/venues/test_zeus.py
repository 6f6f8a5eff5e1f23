from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from core.clock import SteppedClock
from core.errors import WireError
from core.model.record import Ask, Kind, Record
from core.settings import Settings, SourceSettings
from core.units import micros
from tests.venues.servers import Script, Scripted, reply, serving
from venues.zeus.client import NO_KEY, Zeus
from venues.zeus.wire import parse_forecast

HEARD = datetime(2026, 1, 22, 21, 5, tzinfo=UTC)
# The published example of January 2026: Kelvin, a blank in place of the T, local time with its offset (FACTS II.8).
PUBLISHED: dict[str, Any] = {
    "2m_temperature": {"data": [297.87, 298.15, 299.0], "unit": "K"},
    "time": {
        "data": ["2026-01-23 07:00:00+10:00", "2026-01-23 08:00:00+10:00", "2026-01-23 09:00:00+10:00"],
        "unit": "ISO 8601",
    },
}
ASK = [Ask(Kind.FORECAST, "KLGA")]


def decoded(body: object) -> Record:
    return parse_forecast(json.dumps(body).encode(), "KLGA", HEARD)


def changed(part: str, **fields: Any) -> dict[str, Any]:
    return {**PUBLISHED, part: {**PUBLISHED[part], **fields}}


def test_kelvin_becomes_celsius_at_the_instant_that_the_offset_names() -> None:
    record = decoded(PUBLISHED)

    assert (record.source, record.kind, record.subject, record.issued_at) == ("zeus", Kind.FORECAST, "KLGA", None)
    assert record.rows["celsius"] == pytest.approx([24.72, 25.0, 25.85])
    assert record.rows["valid_at"].tolist() == [micros(datetime(2026, 1, 22, hour, tzinfo=UTC)) for hour in (21, 22, 23)]
    assert set(record.rows["model"]) == {"zeus"}
    assert set(record.rows["variable"]) == {"hourly"}
    assert record.facts == {}


def test_the_form_of_2025_is_tolerated() -> None:
    body = {"hourly": {"time": PUBLISHED["time"]["data"], "2m_temperature": PUBLISHED["2m_temperature"]["data"]}}

    assert decoded(body).rows["celsius"].tolist() == decoded(PUBLISHED).rows["celsius"].tolist()
    with pytest.raises(WireError, match="in 'F', not in K"):
        decoded({**body, "hourly_units": {"2m_temperature": "F"}})


def test_the_third_form_that_no_source_confirms_is_refused() -> None:
    with pytest.raises(WireError, match=r"neither 2m_temperature and time nor hourly in \['forecast'\]"):
        decoded({"forecast": [{"time": "2026-01-23T07:00:00+10:00", "temperature_k": 297.87}]})


def test_a_missing_hour_is_no_row_and_an_impossible_one_is_quarantined() -> None:
    record = decoded(changed("2m_temperature", data=[None, 298.15, 20.0]))

    assert record.rows["celsius"] == pytest.approx([25.0])
    assert record.rows["valid_at"].tolist() == [micros(datetime(2026, 1, 22, 22, tzinfo=UTC))]
    assert record.facts["quarantined"] == ["KLGA zeus hourly: 1 of 2 values are left out, -253.1 °C is no temperature on Earth"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (changed("2m_temperature", data=[297.87, 298.15]), "2 temperatures stand beside 3 times"),
        (changed("2m_temperature", data=[297.87, "warm", 299.0]), "is no number"),
        (changed("2m_temperature", unit="C"), "in 'C', not in K"),
        (changed("2m_temperature", unit=None), "in None, not in K"),
        (changed("2m_temperature", data=[24.7, 25.0, 25.8]), "no temperature on Earth"),  # Celsius said to be Kelvin
        (changed("2m_temperature", data=[None, None, None]), "no temperature at all"),
        (changed("time", data=["2026-01-23 07:00:00", "2026-01-23 08:00:00", "2026-01-23 09:00:00"]), "has no offset"),
        (changed("time", data=list(reversed(PUBLISHED["time"]["data"]))), "do not ascend"),
        (changed("time", data=["0001-01-01 00:00:00+10:00", *PUBLISHED["time"]["data"][1:]]), "a time is not understood"),
        (changed("time", data="2026"), "are no lists"),
        ({"2m_temperature": {"data": [], "unit": "K"}, "time": {"data": []}}, "ends with nothing"),
        ([PUBLISHED], "no object"),
    ],
)
def test_what_is_no_forecast_is_a_wire_error(body: object, why: str) -> None:
    with pytest.raises(WireError, match=why):
        decoded(body)


def test_a_forecast_that_ends_before_it_came_is_stale() -> None:
    with pytest.raises(WireError, match=r"ends with 2026-01-23 09:00:00\+10:00, before 2026-02-22T21:05:00Z"):
        parse_forecast(json.dumps(PUBLISHED).encode(), "KLGA", HEARD + timedelta(days=31))


# The client


def source(url: str, clock: SteppedClock, key: str = "secret", **settings: Any) -> Zeus:
    own = SourceSettings(base_url=url, timeout_seconds=5, key=key)
    return Zeus(Settings(_env_file=None, sources={"zeus": own}, **settings), clock, simulated=True)


def queries(server: Scripted) -> list[dict[str, list[str]]]:
    return [parse_qs(urlsplit(path).query) for path in server.paths]


def test_a_question_carries_the_key_and_begins_with_the_stations_running_day() -> None:
    """21:05Z in January is 16:05 in New York; its day began at 05:00Z."""
    with serving(reply(200, PUBLISHED)) as server:
        (record,) = source(server.url, SteppedClock(HEARD)).fetch(ASK)

    (query,) = queries(server)
    assert record.error is None
    assert urlsplit(server.paths[0]).path == "/forecast"
    assert server.headers[0]["Authorization"] == "Bearer secret"
    assert query["variable"] == ["2m_temperature"]
    assert query["start_time"] == ["2026-01-22T05:00:00+00:00"]
    assert query["predict_hours"] == ["88"]  # 16 that are over, and three days
    assert (float(query["latitude"][0]), float(query["longitude"][0])) == pytest.approx((40.777, -73.873), abs=0.01)


def test_without_a_key_nothing_is_asked_and_nobody_is_to_blame() -> None:
    with serving(reply(200, PUBLISHED)) as server:
        zeus = source(server.url, SteppedClock(HEARD), key="")
        records = list(zeus.fetch(ASK))

    assert (records, server.paths) == ([], [])
    assert (zeus.health["zeus"].note, zeus.health["zeus"].last_error) == (NO_KEY, "")
    assert zeus.health["zeus"].healthy


def test_a_good_answer_stands_for_an_hour_and_a_failed_one_is_asked_again_at_once() -> None:
    clock = SteppedClock(HEARD)
    with serving(reply(404), reply(200, PUBLISHED)) as server:
        zeus = source(server.url, clock)
        (first,) = zeus.fetch(ASK)
        (second,) = zeus.fetch(ASK)
        clock.wait_until(HEARD + timedelta(minutes=59))
        third = list(zeus.fetch(ASK))
        clock.wait_until(HEARD + timedelta(minutes=60))
        (fourth,) = zeus.fetch(ASK)

    assert first.error
    assert [record.error for record in (second, fourth)] == [None, None]
    assert third == []
    assert second.received_at < fourth.received_at  # each answer is a vintage of its own


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (reply(401, {"detail": "Invalid API key"}), "answered 401 (Invalid API key); check address, key and parameters"),
        (reply(403, {"detail": "forbidden"}), "answered 403 (forbidden); check address, key"),
        (reply(402, {"detail": "no credits"}), "answered 402 (no credits); its credits are used up"),
        (reply(429, {"detail": "slow down"}, Retry_After="60"), "answered 429 (slow down); wait before asking again"),
        (reply(200, {"forecast": []}), "neither 2m_temperature"),
    ],
)
def test_a_refusal_is_a_record_with_its_reason_and_without_the_key(script: Script, why: str) -> None:
    with serving(script) as server:
        zeus = source(server.url, SteppedClock(HEARD))
        (record,) = zeus.fetch(ASK)

    assert why in (record.error or "")
    assert len(server.paths) == 1  # none of them passes by itself
    assert record.raw
    assert "secret" not in f"{record}{zeus.health}"


def test_a_horizon_that_is_refused_is_asked_for_shorter_and_remembered() -> None:
    def served_two_days(handler: Any) -> None:
        hours = int(parse_qs(urlsplit(handler.path).query)["predict_hours"][0])
        script = reply(200, PUBLISHED) if hours <= 16 + 48 else reply(422, {"detail": "too far"})
        script(handler)

    with serving(served_two_days) as server:
        zeus = source(server.url, SteppedClock(HEARD))
        (record,) = zeus.fetch(ASK)
        (other,) = zeus.fetch([Ask(Kind.FORECAST, "KNYC")])

    assert (record.error, other.error) == (None, None)
    assert [query["predict_hours"] for query in queries(server)] == [["88"], ["64"], ["64"]]


def test_a_station_without_coordinates_is_an_error_of_its_own() -> None:
    with serving(reply(200, PUBLISHED)) as server:
        nowhere, klga = source(server.url, SteppedClock(HEARD)).fetch([Ask(Kind.FORECAST, "XXXX"), *ASK])

    assert "not in stations.csv" in (nowhere.error or "")
    assert klga.error is None
