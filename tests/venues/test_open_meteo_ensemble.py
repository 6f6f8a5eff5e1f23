from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from core.clock import SteppedClock
from core.errors import WireError
from core.model.record import Ask, Kind, Record
from core.settings import Settings, SourceSettings
from core.units import micros
from tests.venues.servers import Scripted, reply, serving
from venues.open_meteo.ensemble import OpenMeteoEnsemble, parse_ensemble

HEARD = datetime(2026, 10, 1, 6, tzinfo=UTC)
ASK = [Ask(Kind.ENSEMBLE, "KLGA")]
BERLIN = "ensemble_hourly_berlin_2026-10-01_5_members.json"


def decoded(raw: bytes, **options: str) -> Record:
    return parse_ensemble(raw, "KLGA", HEARD, **options)


def body(*, units: dict[str, str] | None = None, times: list[int] | None = None, **columns: Any) -> dict[str, Any]:
    return {
        "latitude": 40.75, "longitude": -73.875, "utc_offset_seconds": 0, "timezone": "GMT",
        "hourly_units": {"time": "unixtime", **dict.fromkeys(columns, "°C"), **(units or {})},
        "hourly": {"time": times or [1790805600, 1790809200], **columns},
    }  # fmt: skip


def several(**columns: Any) -> bytes:
    whole = {
        "temperature_2m_ecmwf_ifs025_ensemble": [10.0, 11.0],
        "temperature_2m_member01_ecmwf_ifs025_ensemble": [10.5, None],
        "temperature_2m_ncep_gefs_seamless": [12.0, 13.0],
        "temperature_2m_member30_ncep_gefs_seamless": [12.5, 13.5],
    }
    return json.dumps(body(**{**whole, **columns})).encode()


def rows(record: Record) -> list[tuple[str, int, float]]:
    return list(zip(*(record.rows[name].tolist() for name in ("model", "member", "celsius")), strict=True))


def test_a_recorded_ensemble_is_a_control_and_its_members_in_true_utc(captures: Path) -> None:
    """1790805600 is local midnight in Berlin (FACTS II.9); the unsupported variable is no column of ours."""
    raw = (captures / "fixtures" / "open_meteo" / BERLIN).read_bytes()
    hourly = json.loads(raw)["hourly"]
    record = decoded(raw, model="icon_seamless")

    assert (record.source, record.kind, record.subject) == ("open_meteo_ensemble", Kind.ENSEMBLE, "KLGA")
    assert set(record.rows["model"]) == {"icon_seamless"}  # one system alone carries no name
    assert sorted(set(record.rows["member"].tolist())) == [0, 1, 2, 3, 4, 5]
    assert record.rows["valid_at"][0] == micros(datetime(2026, 10, 1, tzinfo=ZoneInfo("Europe/Berlin")))
    for member in range(6):
        key = f"temperature_2m_member{member:02d}" if member else "temperature_2m"
        assert record.rows["celsius"][record.rows["member"] == member].tolist() == hourly[key]
    assert record.facts == {key: json.loads(raw)[key] for key in ("latitude", "longitude")}


def test_several_systems_are_told_apart_by_the_names_that_came() -> None:
    record = decoded(several())

    assert rows(record) == [
        ("ecmwf_ifs025_ensemble", 0, 10.0), ("ecmwf_ifs025_ensemble", 0, 11.0), ("ecmwf_ifs025_ensemble", 1, 10.5),
        ("ncep_gefs_seamless", 0, 12.0), ("ncep_gefs_seamless", 0, 13.0),
        ("ncep_gefs_seamless", 30, 12.5), ("ncep_gefs_seamless", 30, 13.5),
    ]  # fmt: skip
    assert record.rows["valid_at"].tolist()[:3] == [1790805600 * 10**6, 1790809200 * 10**6, 1790805600 * 10**6]


@pytest.mark.parametrize("unit", ["undefined", "°C"])
def test_a_system_without_any_value_is_absent_and_named(unit: str) -> None:
    absent = {"temperature_2m_bom": [None, None], "temperature_2m_member01_bom": [None, None]}
    whole = json.loads(several(**absent))
    whole["hourly_units"] |= dict.fromkeys(absent, unit)
    record = decoded(json.dumps(whole).encode())

    assert "bom" not in record.rows["model"]
    assert record.facts["empty"] == ["bom"]


def test_a_system_with_a_column_that_cannot_be_read_is_left_out_as_a_whole_and_others_stand() -> None:
    record = decoded(several(temperature_2m_bom=[1.0, 2.0], temperature_2m_member01_bom=[1.0]))

    assert set(record.rows["model"]) == {"ecmwf_ifs025_ensemble", "ncep_gefs_seamless"}
    (sentence,) = record.facts["quarantined"]
    assert sentence.startswith("KLGA bom: open_meteo: temperature_2m_member01_bom has not the 2 values")


def test_values_that_are_no_temperature_are_left_out_and_counted() -> None:
    record = decoded(several(temperature_2m_member30_ncep_gefs_seamless=[99.0, 13.5]))

    assert rows(record)[-1] == ("ncep_gefs_seamless", 30, 13.5)
    assert record.facts["quarantined"] == [
        "KLGA ncep_gefs_seamless: 1 of 4 values are left out, 99.0 °C is no temperature on Earth"
    ]


def test_statistics_of_an_ensemble_are_no_member() -> None:
    record = decoded(several(temperature_2m_mean=[1.0, 1.0], temperature_2m_spread=[0.5, 0.5], temperature_2m_max=[2.0, 2.0]))

    assert set(record.rows["model"]) == {"ecmwf_ifs025_ensemble", "ncep_gefs_seamless"}


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "no JSON"),
        (b"[]", "no object"),
        (b'{"error": true, "reason": "nope"}', "nope"),
        (b'{"latitude": 1.0}', "hourly has no times"),
        (json.dumps(body(times=[7200, 3600], temperature_2m=[1.0, 2.0])).encode(), "do not ascend"),
        (json.dumps(body(temperature_2m=[1.0])).encode(), "nothing else is in the answer"),
        (json.dumps(body(temperature_2m=[290.0, 291.0])).encode(), "no temperature on Earth; nothing else"),
        (json.dumps({**body(temperature_2m=[1.0, 2.0]), "latitude": "north"}).encode(), "latitude is 'north'"),
    ],
)
def test_what_is_no_ensemble_is_a_wire_error(raw: bytes, why: str) -> None:
    with pytest.raises(WireError, match=why):
        decoded(raw)


# The client


def source(server: Scripted, clock: SteppedClock, **weather: Any) -> OpenMeteoEnsemble:
    own = SourceSettings(base_url=server.url, timeout_seconds=5)
    settings = Settings(_env_file=None, sources={"open_meteo_ensemble": own}, weather=weather)
    return OpenMeteoEnsemble(settings, clock, simulated=True)


def models(server: Scripted) -> list[str]:
    return [parse_qs(urlsplit(path).query)["models"][0] for path in server.paths]


def test_all_models_of_the_setting_are_one_question_at_the_stations_coordinates() -> None:
    with serving(reply(200, json.loads(several()))) as server:
        (record,) = source(server, SteppedClock(HEARD), ensemble_models="ecmwf_ifs025,gfs_seamless").fetch(ASK)

    (query,) = [parse_qs(urlsplit(path).query) for path in server.paths]
    assert urlsplit(server.paths[0]).path == "/v1/ensemble"
    assert (query["models"], query["hourly"], query["timeformat"]) == (
        ["ecmwf_ifs025,gfs_seamless"], ["temperature_2m"], ["unixtime"],
    )  # fmt: skip
    assert (float(query["latitude"][0]), float(query["longitude"][0])) == pytest.approx((40.777, -73.873), abs=0.01)
    assert record.error is None


def test_an_ensemble_stands_for_an_hour_and_a_failure_not_at_all() -> None:
    clock = SteppedClock(HEARD)
    with serving(reply(404), reply(200, json.loads(several()))) as server:
        ensemble = source(server, clock)
        first, second, third = (list(ensemble.fetch(ASK)) for _ in range(3))
        clock.wait_until(HEARD + timedelta(hours=1))
        fourth = list(ensemble.fetch(ASK))

    assert [len(found) for found in (first, second, third, fourth)] == [1, 1, 0, 1]
    assert first[0].error
    assert second[0].error is None


def test_a_model_that_is_no_more_does_not_take_the_others_with_it() -> None:
    def knows_not_gfs(handler: Any) -> None:
        asked = parse_qs(urlsplit(handler.path).query)["models"][0].split(",")
        gone = {"error": True, "reason": "Cannot initialize MultiDomains from invalid String value gfs_seamless."}
        (reply(400, gone) if "gfs_seamless" in asked else reply(200, json.loads(several())))(handler)

    clock = SteppedClock(HEARD)
    with serving(knows_not_gfs) as server:
        ensemble = source(server, clock)
        (record,) = ensemble.fetch(ASK)
        (other,) = ensemble.fetch([Ask(Kind.ENSEMBLE, "KNYC")])
        clock.wait_until(HEARD + timedelta(hours=6))
        list(ensemble.fetch(ASK))

    assert (record.error, other.error) == (None, None)
    together, rest = "ecmwf_ifs025,gfs_seamless,icon_seamless", "ecmwf_ifs025,icon_seamless"
    assert models(server)[:6] == [together, "ecmwf_ifs025", "gfs_seamless", "icon_seamless", rest, rest]
    assert models(server)[6] == together  # after six hours it is tried again


def test_where_every_model_is_refused_the_record_says_why(captures: Path) -> None:
    recorded = json.loads((captures / "fixtures" / "open_meteo" / "error_400_run_not_available.json").read_text("utf-8"))
    with serving(reply(400, recorded["body"])) as server:
        (record,) = source(server, SteppedClock(HEARD)).fetch(ASK)

    assert recorded["body"]["reason"] in (record.error or "")
    assert len(server.paths) == 4


def test_a_station_without_coordinates_is_an_error_of_its_own() -> None:
    with serving(reply(200, json.loads(several()))) as server:
        nowhere, klga = source(server, SteppedClock(HEARD)).fetch([Ask(Kind.ENSEMBLE, "XXXX"), *ASK])

    assert "not in stations.csv" in (nowhere.error or "")
    assert klga.error is None
