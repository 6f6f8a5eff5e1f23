"""How events end: each by its own rule, provisional by what was heard, final by the venue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.settlement import settle
from core.journal.changes import Payout
from core.model.account import Account, Outcome, new_account
from core.model.event import Event
from core.model.record import Kind, Record
from core.model.rule import DayWindow, Precision, Rounding, Statistic
from core.model.settlement import Finality
from core.registry import load_stations
from core.units import MISSING, Unit
from tests.agents.weather.worlds import archive_of, event, listing, metar, outcome

STATIONS = load_stations()
DAY = date(2026, 6, 12)
BEFORE = datetime(2026, 6, 11, 12, 0, tzinfo=UTC)
OVER = datetime(2026, 6, 13, 5, 15, tzinfo=UTC)  # civil day over at 04:00Z, standard-time day at 05:00Z
HOUR = timedelta(hours=1)


def official(statistic: Statistic = Statistic.OFFICIAL_MAX, event_id: str = "KX", **more: object) -> Event:
    found = event(
        event_id, lowest=72, n=6, station="KNYC", statistic=statistic, source="nws_climate_report",
        window=DayWindow.STANDARD_TIME, **more,
    )  # fmt: skip
    return replace(found, venue="kalshi")


def at(hour: int, minute: int = 51) -> datetime:
    return datetime(2026, 6, 12, 0, 0, tzinfo=UTC) + timedelta(hours=hour, minutes=minute)


def heard(code: str, reports: Sequence[tuple[datetime, int]], received: datetime | None = None) -> list[Record]:
    return [metar(code, received or valid + timedelta(minutes=5), [(valid, tenths)]) for valid, tenths in reports]


def climate(received: datetime, high: int, low: int = 60, *, preliminary: bool = False, day: date = DAY) -> Record:
    columns = {
        "event_day": np.array([day.isoformat()], object), "high_f": np.array([high]), "low_f": np.array([low]),
        "preliminary": np.array([preliminary]), "product": np.array(["CLINYC 202606130617"], object),
    }  # fmt: skip
    return Record("iem", Kind.CLIMATE, "KNYC", received, None, f"{high}{low}{preliminary}{received}".encode(), columns)


def payouts(
    folder: Path, records: Sequence[Record], now: datetime = OVER, account: Account | None = None, since: datetime = BEFORE
) -> list[Payout]:
    account = account or new_account("weather", "live", 0)
    return list(settle(account, archive_of(folder, records).as_of([now]), since, STATIONS))


def after(account: Account, told: Sequence[Payout]) -> Account:
    nothing = np.zeros((1, 0), np.int64)
    known = {each.settlement.event_id: Outcome(each.settlement, (), nothing, nothing, nothing) for each in told}
    return replace(account, outcomes={**account.outcomes, **known})


def test_a_listed_maximum_is_provisional_from_its_reports(tmp_path: Path) -> None:
    (told,) = payouts(tmp_path, [listing(event(), BEFORE), *heard("KLGA", [(at(14), 250), (at(18), 261), (at(20), 244)])])

    word = told.settlement
    assert (word.finality, word.reading, word.winner_label) == (Finality.PROVISIONAL, 79.0, "78-79")
    assert word.evidence["source"] == "metar"
    assert word.evidence["statistic"] == "max_listed_report"
    assert word.evidence["rule_source"] == "wunderground"
    assert word.evidence["window_start"] == "2026-06-12T04:00:00Z"
    assert "METAR says 79°F" in told.activity[0].message


def test_a_climate_report_of_the_whole_day_outranks_the_reports(tmp_path: Path) -> None:
    records = [listing(official(), BEFORE), *heard("KNYC", [(at(18), 261)])]

    (by_reports,) = payouts(tmp_path / "a", records)
    (by_report,) = payouts(tmp_path / "b", [*records, climate(OVER, 81)])

    assert (by_reports.settlement.reading, by_reports.settlement.evidence["source"]) == (79.0, "metar")
    assert (by_report.settlement.reading, by_report.settlement.evidence["source"]) == (81.0, "climate_report")
    assert by_report.settlement.evidence["product"] == "CLINYC 202606130617"
    assert by_report.settlement.evidence["given_by"] == "iem"
    assert "the climate report says 81°F" in by_report.activity[0].message


@pytest.mark.parametrize(
    "report",
    [climate(at(21), 85, preliminary=True), climate(OVER, MISSING), climate(OVER, 85, day=DAY - timedelta(days=1))],
)
def test_a_preliminary_an_empty_or_another_day_s_report_settles_nothing(tmp_path: Path, report: Record) -> None:
    (told,) = payouts(tmp_path, [listing(official(), BEFORE), *heard("KNYC", [(at(18), 261)]), report])

    assert told.settlement.reading == 79.0


def test_the_newest_climate_report_counts(tmp_path: Path) -> None:
    (told,) = payouts(tmp_path, [listing(official(), BEFORE), climate(OVER - HOUR, 80), climate(OVER, 82)])

    assert told.settlement.reading == 82.0


def test_a_low_takes_the_low_of_the_report(tmp_path: Path) -> None:
    low = official(Statistic.OFFICIAL_MIN)

    (told,) = payouts(tmp_path, [listing(low, BEFORE), climate(OVER, 90, 74)])

    assert told.settlement.reading == 74.0


def test_a_listed_maximum_ignores_the_climate_report_of_its_station(tmp_path: Path) -> None:
    listed = event("poly", station="KNYC")

    (told,) = payouts(tmp_path, [listing(listed, BEFORE), *heard("KNYC", [(at(18), 261)]), climate(OVER, 81)])

    assert told.settlement.reading == 79.0


def test_two_venues_in_one_city_settle_by_their_own_stations_and_days(tmp_path: Path) -> None:
    """00:30 by the clock of summer is the day before by standard time: warm for one, not for the other."""
    records = [listing(event(), BEFORE), listing(official(), BEFORE)]
    records += [*heard("KLGA", [(at(4, 30), 300), (at(18), 261)]), *heard("KNYC", [(at(4, 30), 310), (at(18), 272)])]

    told = {each.settlement.event_id: each.settlement for each in payouts(tmp_path, records)}

    assert {key: word.reading for key, word in told.items()} == {"nyc-12": 86.0, "KX": 81.0}
    assert told["nyc-12"].evidence["window_end"] == "2026-06-13T04:00:00Z"
    assert told["KX"].evidence["window_end"] == "2026-06-13T05:00:00Z"
    assert told["nyc-12"].evidence["rule_source"] != told["KX"].evidence["rule_source"]


def test_an_observatory_s_own_table_has_no_provisional_word(tmp_path: Path) -> None:
    table = event(
        "hk", lowest=25, step=1, station="VHHH", unit=Unit.CELSIUS, statistic=Statistic.DAILY_EXTRACT, rounding=Rounding.FLOOR,
        precision=Precision.TENTH,
    )  # fmt: skip

    assert payouts(tmp_path, [listing(table, BEFORE), *heard("VHHH", [(at(6, 0), 310)])]) == []


def test_the_same_word_is_not_said_twice_and_news_is(tmp_path: Path) -> None:
    records = [listing(official(), BEFORE), *heard("KNYC", [(at(18), 261)])]
    account = new_account("weather", "live", 0)
    account = after(account, payouts(tmp_path / "a", records, account=account))
    later = OVER + HOUR
    corrected = heard("KNYC", [(at(19), 272)], OVER + timedelta(minutes=30))

    same = payouts(tmp_path / "b", records, later, account, OVER)
    late = payouts(tmp_path / "c", [*records, *corrected], later, account, OVER)
    confirmed = payouts(tmp_path / "d", [*records, climate(later, 79)], later, account, OVER)

    assert same == []
    assert [(each.settlement.reading, each.settlement.revision) for each in late] == [(81.0, 1)]
    assert [(each.settlement.reading, each.settlement.revision) for each in confirmed] == [(79.0, 1)]


def test_a_venue_that_was_asked_and_has_not_decided_does_not_silence_our_own_word(tmp_path: Path) -> None:
    found = official()
    asked = outcome(found, OVER, 79)
    undecided = replace(asked, facts={**asked.facts, "final": False, "winner": "", "value": None})

    (told,) = payouts(tmp_path, [listing(found, BEFORE), *heard("KNYC", [(at(18), 261)]), undecided])

    assert (told.settlement.finality, told.settlement.reading) == (Finality.PROVISIONAL, 79.0)


def test_the_venue_has_the_last_word_and_says_who_was_wrong(tmp_path: Path) -> None:
    found = official()
    records = [listing(found, BEFORE), climate(OVER, 80)]
    account = new_account("weather", "live", 0)
    account = after(account, payouts(tmp_path / "a", records, account=account))
    final = replace(outcome(found, OVER + HOUR, 83), source="kalshi")

    (told,) = payouts(tmp_path / "b", [*records, final], OVER + HOUR, account, OVER)
    again = payouts(tmp_path / "c", [*records, final], OVER + 2 * HOUR, after(account, [told]), OVER + HOUR)

    assert told.settlement.finality is Finality.FINAL
    assert told.settlement.evidence["agrees"] is False
    assert "the climate report had said" in told.activity[0].message
    assert told.settlement.evidence["statistic"] == "official_max"
    assert again == []


def test_an_event_whose_listing_became_unreadable_still_settles(tmp_path: Path) -> None:
    found = event()
    good, bad = listing(found, BEFORE), listing(found, BEFORE + HOUR)
    bad = replace(bad, facts={**bad.facts, "refusal": "the text changed", "rule": None}, raw=b"changed")

    (told,) = payouts(tmp_path, [good, bad, outcome(found, OVER, 78)], OVER)

    assert (told.settlement.finality, told.settlement.winner_label) == (Finality.FINAL, "78-79")
