from __future__ import annotations

import csv
import gzip
import re
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from metar.Metar import Metar as Oracle

from core.errors import WireError
from core.units import MISSING
from venues.metar.report import Report, decode_report

NOON = datetime(2026, 2, 26, 12, tzinfo=UTC)


def body(groups: str) -> Report:
    return decode_report(f"METAR KLGA 261151Z {groups}", NOON)


def test_the_tenths_group_outranks_the_body() -> None:
    report = body("16008KT 10SM FEW250 21/15 A3004 RMK AO2 SLP170 T02060150")

    assert (report.tenths, report.exact) == (206, True)


@pytest.mark.parametrize(
    ("temperature", "tenths"),
    [("21/15", 210), ("M05/M15", -50), ("M00/M01", 0), ("00/M02", 0), ("/////", MISSING), ("//", MISSING), ("21///", 210),
     ("XX/05", MISSING), ("M06/", -60), ("M 04/M06", MISSING)],
)  # fmt: skip
def test_the_body_gives_whole_degrees_or_nothing(temperature: str, tenths: int) -> None:
    report = body(f"VRB03KT 9999 SCT035 {temperature} Q1016 NOSIG")

    assert (report.tenths, report.exact) == (tenths, False)


@pytest.mark.parametrize("visibility", ["1/2SM", "11/16SM", "R04/2000FT", "////", "R27L/P2000"])
def test_a_fraction_that_is_no_temperature_is_not_read_as_one(visibility: str) -> None:
    assert body(f"16008KT {visibility} OVC004 07/05 A2950").tenths == 70


def test_a_report_of_a_sensor_that_died_after_the_visibility_has_no_temperature() -> None:
    """KLGA 2022-03-09 15:30Z, as archived."""
    report = decode_report(
        "03/09/22 10:30:02 SPECI KLGA 091530Z 07006KT 3/4SM RVRNO RMK", datetime(2022, 3, 9, 15, 30, tzinfo=UTC)
    )

    assert (report.kind, report.tenths) == ("SPECI", MISSING)


def test_runway_wind_in_the_remarks_is_no_temperature_group() -> None:
    """FACTS II 7.1: the service reads 10004KT as a maximum of 0.4 °C; we read wind."""
    report = body("36014KT 9999 02/M07 Q1016 NOSIG RMK RWY21C 36014KT RWY03L 10004KT 200V010 RWY21L 21002KT")

    assert (report.max6, report.min6, report.max24, report.min24) == (MISSING,) * 4


def test_digits_without_an_automated_us_station_are_no_temperature_group() -> None:
    report = body("36014KT 9999 02/M07 Q1016 RMK 10306 20211 403060211 T00210068")

    assert (report.tenths, report.exact) == (20, False)
    assert (report.max6, report.min6, report.max24) == (MISSING,) * 3


def test_six_and_twenty_four_hour_groups_stand_alone_behind_ao2() -> None:
    """KMIA 2022-11-13 17:53Z with a day group added from FMH-1's example form."""
    report = body("35004KT 10SM FEW045 31/19 A2996 RMK AO2 SLP147 T03060189 10306 21011 58019 403061021 (EMF)")

    assert (report.max6, report.min6, report.max24, report.min24) == (306, -11, 306, -21)
    assert report.tenths == 306


def test_groups_in_the_body_or_glued_to_others_do_not_count() -> None:
    report = body("10306KT 10SM 31/19 A2996 RMK AO2 PK WND 10306/1503 P10306 T0306018 SLP10306")

    assert (report.max6, report.exact) == (MISSING, False)


def test_a_tenths_group_far_from_its_body_is_garbled() -> None:
    """KMIA 2023-05-20 10:53Z: body 24, group 26.1."""
    report = body("00000KT 10SM FEW025 24/23 A2996 RMK AO2 SLP146 T02610228 $ (DK)")

    assert (report.tenths, report.exact) == (240, False)


@pytest.mark.parametrize(
    ("text", "corrected", "automatic"),
    [
        ("METAR COR SAEZ 010000Z 07010KT CAVOK 28/17 Q1003 NOSIG=", True, False),
        ("METAR SAEZ 010000Z COR 07010KT CAVOK 28/17 Q1003=", True, False),
        ("METAR SAEZ 010000Z CCA 07010KT CAVOK 28/17 Q1003=", True, False),
        ("METAR SAEZ 010000Z AUTO 07010KT CAVOK 28/17 Q1003=", False, True),
        ("SAEZ 010000Z 07010KT CAVOK 28/17 Q1003", False, False),
    ],
)
def test_corrections_and_automatic_reports_are_marked(text: str, corrected: bool, automatic: bool) -> None:
    report = decode_report(text, datetime(2022, 1, 1, tzinfo=UTC))

    assert (report.station, report.corrected, report.automatic, report.tenths) == ("SAEZ", corrected, automatic, 280)
    assert report.kind == "METAR"


def test_an_archive_line_is_cleared_of_what_the_station_did_not_say() -> None:
    report = decode_report(
        "12/31/21 19:53:03 METAR KMIA 010053Z 11006KT 10SM FEW020 24/21 A3010 RMK AO2 SLP192 T02390206 (RDR)",
        datetime(2022, 1, 1, 0, 53, tzinfo=UTC),
    )

    assert report.raw == "METAR KMIA 010053Z 11006KT 10SM FEW020 24/21 A3010 RMK AO2 SLP192 T02390206"
    assert (report.valid_at, report.tenths) == (datetime(2022, 1, 1, 0, 53, tzinfo=UTC), 239)


@pytest.mark.parametrize("off", [timedelta(0), timedelta(hours=5), -timedelta(hours=5)])
def test_month_and_year_come_from_the_reference_and_never_from_now(off: timedelta) -> None:
    at = datetime(2021, 12, 31, 23, 50, tzinfo=UTC)

    assert decode_report("METAR LTAC 312350Z VRB03KT 9999 02/M07 Q1016", at + off).valid_at == at


@pytest.mark.parametrize(
    "text", ["METAR LTAC 152350Z VRB03KT 02/M07", "METAR LTAC 312561Z 02/M07", "METAR LTAC 322350Z 02/M07"]
)
def test_a_time_that_is_not_near_the_reference_is_refused(text: str) -> None:
    with pytest.raises(WireError, match="keep the text"):
        decode_report(text, datetime(2021, 12, 31, 23, 50, tzinfo=UTC))


@pytest.mark.parametrize("text", ["", "NIL=", "hello", "METAR LTAC 02/M07", "{}"])
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(WireError, match="no station and time"):
        decode_report(text, NOON)


STATIONS = ("KLGA", "KMIA", "KORD", "KATL", "EGLC", "EDDM", "CYYZ", "LTAC", "RKSI", "RJTT", "NZWN", "SAEZ", "LFPG")


def sample(captures: Path, station: str, every: int) -> list[tuple[datetime, str, str]]:
    with gzip.open(captures / "real" / "observations" / f"metar_{station}.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[::every]
    return [(datetime.fromisoformat(row["valid_utc"]), row["temp_c"], row["raw"]) for row in rows]


def read_by_oracle(text: str, at: datetime) -> Oracle:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # groups it does not know
        return Oracle(text, month=at.month, year=at.year, strict=False)


@pytest.mark.parametrize("station", STATIONS)
def test_the_oracle_reads_the_same_from_real_reports(captures: Path, station: str) -> None:
    """The `metar` package on about 300 archived reports of each station, 3,900 in all, winters included."""
    compared = frozen = 0
    for at, _, raw in sample(captures, station, 150):
        text = re.search(rf"(?:METAR|SPECI).*?{station} \d{{6}}Z[^=]*", raw)
        assert text is not None
        report = decode_report(raw, at)
        oracle = read_by_oracle(re.sub(r" \([A-Za-z0-9]+\)$", "", text[0]), at)
        if oracle.temp is None or report.tenths == MISSING:
            assert report.tenths == MISSING or oracle.temp is None
            continue
        compared += 1
        frozen += report.tenths < 0
        if report.exact or " RMK " not in raw or re.search(r" AO[12]\b", raw) or " T" not in raw:
            assert report.tenths == round(oracle.temp.value("C") * 10), raw
        assert report.valid_at.replace(tzinfo=None) == oracle.time
        if report.exact:
            assert report.max6 == (round(oracle.max_temp_6hr.value("C") * 10) if oracle.max_temp_6hr else MISSING), raw
            assert report.min6 == (round(oracle.min_temp_6hr.value("C") * 10) if oracle.min_temp_6hr else MISSING), raw
            assert report.max24 == (round(oracle.max_temp_24hr.value("C") * 10) if oracle.max_temp_24hr else MISSING), raw

    assert compared > 150
    assert frozen > 0 or station in ("KMIA", "EGLC", "NZWN", "SAEZ", "RJTT", "LFPG", "KATL", "KLGA")


@pytest.mark.parametrize("station", STATIONS)
def test_the_archives_own_temperature_column_agrees(captures: Path, station: str) -> None:
    """NOAA decoded the same reports; a few differ where one is garbled and each side trusts another part.

    Reports cut off behind the visibility say nothing to us, though the archive knows their temperature from elsewhere.
    """
    differs = total = 0
    for at, column, raw in sample(captures, station, 20):
        tenths = decode_report(raw, at).tenths
        if column and tenths != MISSING:
            total += 1
            differs += tenths != round(float(column) * 10)

    assert total > 1_000
    assert differs <= 0.002 * total
