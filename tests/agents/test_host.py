"""What the machine says of itself: kept as a record, read back from it, and judged by the settings of the reader."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.host import LOOKBACK, facts_of, host_of, host_record, hosts_of, p99_seconds, silent_since
from agents.transmission.guard.host import HOST_CHECKS
from agents.transmission.ruling import decisions_of, guard, mark, rule
from core.model.host import WELL, Host
from core.model.record import Kind, Record
from core.store.archive import Archive
from core.store.snapshots import SnapshotStore
from core.units import MICRO, iso, micros
from tests.agents.transmission.builders import (
    NORMAL,
    Market,
    account_of,
    cycle_of,
    holding,
    instrument_of,
    quotes_of,
    settings_of,
    targets_of,
)

AT = datetime(2026, 11, 12, 17, 0, tzinfo=UTC)
EVERY = timedelta(minutes=15)
HEALTHY: dict[str, Any] = {
    "gap_seconds": 900.0, "kinds": {"books": "", "metar": ""}, "order_seconds": 0.4, "others": {}, "journal_ok": True,
    "journal_ms": 1.2, "skew_seconds": {"metar/metar": -0.3, "polymarket/clob": 4.0}, "disk_free_mb": 5_000.0,
}  # fmt: skip


def answer(kind: Kind, *, failed: bool = False) -> Record:
    return Record("some", kind, "EGLC", AT, None, b"", {}, error="down" if failed else None)


def judged(**facts: Any) -> Host:
    return host_of({**HEALTHY, **facts}, micros(AT), settings_of())


# silence


def test_a_kind_is_silent_from_its_first_failure_until_one_source_answers() -> None:
    first = silent_since([answer(Kind.METAR, failed=True), answer(Kind.BOOKS)], AT, None)
    second = silent_since([answer(Kind.METAR, failed=True)], AT + EVERY, {"kinds": first})
    unasked = silent_since([], AT + 2 * EVERY, {"kinds": second})
    heard = silent_since([answer(Kind.METAR, failed=True), answer(Kind.METAR)], AT + 3 * EVERY, {"kinds": unasked})

    assert first == {"books": "", "metar": iso(AT)}
    assert second == unasked == first
    assert heard["metar"] == ""


def test_facts_name_the_gap_since_the_look_before() -> None:
    assert facts_of([], AT, before=None, looked_at=None, measured={})["gap_seconds"] is None
    assert facts_of([], AT, before=None, looked_at=AT - EVERY, measured={"order_seconds": 1.0}) == {
        "gap_seconds": 900.0, "kinds": {}, "order_seconds": 1.0,
    }  # fmt: skip


# judgement


def test_a_healthy_host_is_well() -> None:
    host = judged()

    assert host.sick == ()
    assert (host.skew_seconds, host.gap_cadences, host.order_seconds) == (0.3, 1.0, 0.4)


@pytest.mark.parametrize(
    ("facts", "sick"),
    [
        ({"skew_seconds": {"metar/metar": -2.1, "polymarket/clob": 4.0}}, "clock: 2.1 s off"),
        ({"journal_ok": False}, "journal: not writable"),
        ({"order_seconds": 5.1}, "broker: p99 5.1 s"),
        ({"disk_free_mb": 199.0}, "disk: 199 MB free"),
        ({"kinds": {"metar": iso(AT - timedelta(seconds=1801))}}, "metar: no answer for 1801 s"),
    ],
)
def test_what_is_sick_is_named(facts: dict[str, Any], sick: str) -> None:
    assert judged(**facts).sick == (sick,)


def test_two_cadences_without_an_answer_are_borne() -> None:
    host = judged(kinds={"metar": iso(AT - timedelta(seconds=1800))}, gap_seconds=1800.0)

    assert host.sick == ()
    assert host.gap_cadences == 2.0


def test_one_service_with_a_wrong_clock_does_not_make_ours_wrong() -> None:
    assert judged(skew_seconds={"a": 0.4, "b": 900.0}).skew_seconds == 0.4
    assert isnan(judged(skew_seconds={}).skew_seconds)


def test_one_slow_order_of_fifty_is_an_accident_and_two_are_a_state() -> None:
    assert p99_seconds([0.1] * 49 + [60.0]) == pytest.approx(0.1)
    assert p99_seconds([0.1] * 48 + [60.0] * 2) == pytest.approx(60.0)
    assert p99_seconds([60.0] * 4) is None


# the record


def kept(folder: Path, *records: Record) -> Archive:
    SnapshotStore(folder).publish(records)
    return Archive(folder)


def test_a_replay_reads_the_same_numbers_at_each_instant(tmp_path: Path) -> None:
    sick = host_record("weather", AT + EVERY, {**HEALTHY, "journal_ok": False, "others": {"futures": 7 * MICRO}})
    archive = kept(tmp_path, host_record("weather", AT, HEALTHY), sick)
    instants = [AT - EVERY, AT + timedelta(seconds=2), AT + EVERY + timedelta(seconds=2), AT + EVERY + 2 * LOOKBACK]

    hosts = hosts_of(archive.as_of(instants), "weather", settings_of())

    assert [host.sick for host in hosts] == [(), (), ("journal: not writable",), ()]
    assert hosts[0] == hosts[3] == WELL
    assert hosts[2].others_micro == 7 * MICRO
    alone = [hosts_of(archive.as_of([at]), "weather", settings_of()) for at in instants]
    assert hosts == tuple((one or (WELL,))[-1] for one in alone)
    assert hosts_of(archive.as_of(instants), "futures", settings_of()) == ()


# what it refuses


def ruled(host: Host, **market: Any) -> Any:
    """Mark and rule a desk that holds one market and wants more of another."""
    settings = settings_of(NORMAL)
    wanted = Market(instrument_of(), wanted=50.0)
    held = Market(instrument_of("paris", city="Paris"), **{"wanted": 0.0, "fair": 0.2, "sell_price": 0.28, **market})
    markets = [wanted, held]
    account = holding(account_of(), held, 20.0, 0.30)
    targets, quotes = targets_of(markets), quotes_of(markets)
    risk = mark(account, cycle_of(), targets, quotes, 0, settings, host)
    account = replace(account, **{name: getattr(risk, name) for name in risk.__slots__})
    ruling = rule(targets, guard(quotes, settings, (host,)), 0, account, cycle_of(), settings)
    rows = decisions_of(ruling, targets, account, cycle_of())
    return ruling.order.tolist()[0], {check.name: str(check.verdict) for check in rows[0].checks}, rows


@pytest.mark.parametrize(
    ("facts", "check"),
    [
        ({"skew_seconds": {"a": 2.1}}, "clock_skew"),
        ({"journal_ok": False}, "journal_writable"),
        ({"order_seconds": 5.1}, "order_latency"),
        ({"gap_seconds": 1801.0}, "data_gap"),
        ({"disk_free_mb": 1.0}, "infrastructure"),
    ],
)
def test_a_sick_host_refuses_new_risk_and_never_an_exit(facts: dict[str, Any], check: str) -> None:
    (bought, sold), said, rows = ruled(judged(**facts))

    assert bought == 0
    assert sold == -20 * MICRO
    assert said[check] == "refuse"
    assert rows[0].reason_code in (check, "infrastructure")


def test_a_healthy_host_passes_and_an_unknown_one_is_not_asked() -> None:
    well, unknown = ruled(judged()), ruled(WELL)

    assert well[0] == unknown[0] == [50 * MICRO, -20 * MICRO]
    assert {well[1][name] for name in HOST_CHECKS} == {"pass"}
    assert {unknown[1][name] for name in HOST_CHECKS} == {"not_applicable"}
    assert np.isnan(WELL.gap_cadences)
