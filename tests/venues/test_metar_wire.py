from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import WireError
from core.model.record import Kind
from core.units import MISSING, micros
from venues.metar.wire import parse_metars

HEARD = datetime(2026, 6, 10, 1, 5, tzinfo=UTC)


@pytest.fixture
def awc(captures: Path) -> Path:
    return captures / "fixtures" / "awc"


def test_an_answer_is_split_by_station_with_tenths_and_whole_degrees(awc: Path) -> None:
    klga, rksi = parse_metars((awc / "metar_klga_rksi_2026-06-10_selected_fields.json").read_bytes(), HEARD)

    assert (klga.subject, klga.kind, klga.source, klga.received_at) == ("KLGA", Kind.METAR, "metar", HEARD)
    assert klga.rows["valid_at"].tolist() == [
        micros(datetime(2026, 6, 10, 0, 51, tzinfo=UTC))
    ]  # not the rounded reportTime 01:00
    assert (klga.rows["tenths"].tolist(), klga.rows["exact"].tolist()) == ([211], [True])
    assert (rksi.rows["tenths"].tolist(), rksi.rows["exact"].tolist()) == ([210], [False])
    assert klga.issued_at == datetime(2026, 6, 10, 0, 54, 16, 580_000, tzinfo=UTC)


def test_each_stations_raw_is_its_elements_byte_for_byte(awc: Path) -> None:
    raw = (awc / "metar_klga_rksi_2026-06-10_selected_fields.json").read_bytes()
    records = parse_metars(raw, HEARD)

    for record, element in zip(records, json.loads(raw), strict=True):
        assert json.loads(record.raw) == [element]
        assert record.raw[1:-1] in raw
        (again,) = parse_metars(record.raw, HEARD)
        assert again.raw == record.raw
        assert {name: column.tolist() for name, column in again.rows.items()} == {n: c.tolist() for n, c in record.rows.items()}


def test_a_day_of_ankara_has_no_six_hour_maxima_whatever_the_service_says(awc: Path) -> None:
    """FACTS II 7.1: five of 47 records carry maxT/minT read from runway winds such as `RWY03L 10004KT`."""
    raw = (awc / "metar_ltac_24h_2026-02-26.json").read_bytes()
    (ltac,) = parse_metars(raw, HEARD)

    assert sum("maxT" in element or "minT" in element for element in json.loads(raw)) == 5
    assert len(ltac.rows["tenths"]) == 47
    for group in ("max6", "min6", "max24", "min24"):
        assert set(ltac.rows[group].tolist()) == {MISSING}
    assert ltac.rows["tenths"].tolist() == [10 * e["temp"] for e in sorted(json.loads(raw), key=lambda e: e["obsTime"])]
    assert (ltac.rows["valid_at"][1:] > ltac.rows["valid_at"][:-1]).all()  # the wire is newest first, rows are not
    assert "Esenboğa".encode() in ltac.raw


def test_the_latest_report_alone_is_the_newest_of_the_day(awc: Path) -> None:
    (day,) = parse_metars((awc / "metar_ltac_24h_2026-02-26.json").read_bytes(), HEARD)
    (latest,) = parse_metars((awc / "metar_ltac_latest_2026-02-26.json").read_bytes(), HEARD)

    assert latest.rows["raw"].tolist() == day.rows["raw"].tolist()[-1:]
    assert latest.rows["tenths"].tolist() == [20]


def test_the_shape_of_2023_with_nulls_is_understood(awc: Path) -> None:
    (lejr,) = parse_metars((awc / "metar_lejr_2023-10-27_old_shape_with_nulls.json").read_bytes(), HEARD)

    assert lejr.rows["valid_at"].tolist() == [micros(datetime(2023, 10, 27, 15, 30, tzinfo=UTC))]
    assert (lejr.rows["report"].tolist(), lejr.rows["tenths"].tolist()) == (["METAR"], [220])
    assert lejr.issued_at == datetime(2023, 10, 27, 15, 25, 34, tzinfo=UTC)


def test_the_documented_example_without_a_prefix_is_understood(awc: Path) -> None:
    (kord,) = parse_metars((awc / "documented_example_metar.json").read_bytes(), HEARD)

    assert (kord.rows["tenths"].tolist(), kord.rows["exact"].tolist()) == ([144], [True])
    assert kord.rows["valid_at"].tolist() == [micros(datetime(2023, 11, 3, 21, 51, tzinfo=UTC))]


@pytest.mark.parametrize("name", ["documented_example_taf.json", "documented_example_stationinfo.json"])
def test_an_answer_of_another_endpoint_holds_no_observation(awc: Path, name: str) -> None:
    try:
        records = parse_metars((awc / name).read_bytes(), HEARD)
    except WireError:
        return

    assert all(len(record.rows["tenths"]) == 0 and record.facts["unread"] for record in records)


def element(**fields: object) -> dict[str, object]:
    whole = {
        "icaoId": "KLGA",
        "obsTime": 1781052660,
        "metarType": "METAR",
        "rawOb": "METAR KLGA 100051Z 21/15 RMK AO2 T02110150",
    }
    return {**whole, **fields}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"rawOb": None}, "without rawOb"),
        ({"rawOb": "METAR KJFK 100051Z 21/15"}, "a report of KJFK"),
        ({"obsTime": None}, "no obsTime"),
        ({"obsTime": 1781052660 + 9 * 86_400}, "not within a day"),
        ({"rawOb": "NIL"}, "no station and time"),
    ],
)
def test_a_report_that_is_not_understood_is_kept_and_named_and_spoils_no_other(fields: dict[str, object], why: str) -> None:
    raw = json.dumps([element(**fields), element()]).encode()
    (klga,) = parse_metars(raw, HEARD)

    assert klga.rows["tenths"].tolist() == [211]
    assert len(json.loads(klga.raw)) == 2
    assert len(klga.facts["unread"]) == 1
    assert why in klga.facts["unread"][0]


def test_a_correction_lies_behind_what_it_corrects() -> None:
    first = element(receiptTime="2026-06-10T00:54:16.580Z")
    second = element(receiptTime="2026-06-10T01:04:00.000Z", rawOb="METAR KLGA 100051Z COR 21/15 RMK AO2 T02060150")
    (klga,) = parse_metars(json.dumps([second, first]).encode(), HEARD)

    assert klga.rows["tenths"].tolist() == [211, 206]
    assert klga.rows["corrected"].tolist() == [False, True]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"rawOb": "METAR KLGA 100051Z 81/15"}, "KLGA 2026-06-10T00:51Z: 81.0 °C is no temperature on Earth"),
        ({"rawOb": "METAR KLGA 100051Z 21/15 RMK AO2 T02110150 10650 20100"}, "65.0 °C is no temperature on Earth"),
        ({"obsTime": 1781056260, "rawOb": "METAR KLGA 100151Z 21/15"}, "01:51:00Z was still to come"),
        ({"receiptTime": "2026-06-10T03:00:00Z"}, "its receipt 2026-06-10T03:00:00Z was still to come"),
        ({"obsTime": 1778374260, "rawOb": "METAR KLGA 100051Z 21/15"}, "744 hours old, 36 at most"),
    ],
)
def test_a_report_that_cannot_be_true_is_quarantined_and_spoils_no_other(fields: dict[str, object], why: str) -> None:
    raw = json.dumps([element(**fields), element(receiptTime="2026-06-10T00:54:16Z")]).encode()
    (klga,) = parse_metars(raw, HEARD, oldest=timedelta(hours=36))

    assert klga.rows["tenths"].tolist() == [211]
    assert len(json.loads(klga.raw)) == 2
    assert [why in sentence for sentence in klga.facts["quarantined"]] == [True]
    assert klga.issued_at == datetime(2026, 6, 10, 0, 54, 16, tzinfo=UTC)


@pytest.mark.parametrize("raw", [b"", b"  \n", b"[]"])
def test_no_data_is_no_record_and_no_error(raw: bytes) -> None:
    assert parse_metars(raw, HEARD) == []


@pytest.mark.parametrize("raw", [b"{}", b"[1]", b"[{}]", b"<html>", b"[{} {}]", b'[{"icaoId":"KLGA"}', b"[]x", b"\xff\xfe"])
def test_what_is_no_array_of_reports_is_a_wire_error(raw: bytes) -> None:
    with pytest.raises(WireError, match="metar"):
        parse_metars(raw, HEARD)
