"""When holdings are converted: once an event is no longer traded, where its venue does so, and never twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.conversion import conversions, layers
from agents.cycle import convert_due
from core.journal.buffered import SilentJournal
from core.journal.changes import Conversion
from core.model.account import Account, Outcome, new_account
from core.model.cycle import Cause, Cycle
from core.model.event import Event, Side, instruments_of
from core.model.record import Record
from core.model.settlement import Finality, Settlement
from core.registry import load_stations
from core.units import MICRO
from tests.agents.transmission.builders import settings_of
from tests.agents.weather.worlds import archive_of, event, listing

STATIONS = load_stations()
DAY = date(2026, 6, 12)
LISTED = datetime(2026, 6, 11, 12, 0, tzinfo=UTC)
OVER = datetime(2026, 6, 13, 5, 0, tzinfo=UTC)  # KLGA's day is over at 04:00Z
EVENT = event(n=4, lowest=70)


def at(now: datetime) -> Cycle:
    return Cycle("weather", now, 1, Cause.SCHEDULE, (), now, now + timedelta(seconds=2))


def listed(found: Event = EVENT, when: datetime = LISTED, bips: int | None = 0) -> Record:
    record = listing(found, when)
    return replace(record, facts={**record.facts, "convert_bips": bips}, raw=f"{when}{bips}{found.accepting}".encode())


def holding(held: dict[int, int], found: Event = EVENT, side: Side = Side.NO, n_runs: int = 1) -> Account:
    instruments = tuple(i for i in instruments_of(found, "northeast") if i.side is side and i.bracket in held)
    shares = np.tile(np.array([[held[i.bracket] * MICRO for i in instruments]], np.int64), (n_runs, 1))
    return replace(
        new_account("weather", "live", 100 * MICRO, n_runs), instruments=instruments, held_micro=shares, cost_micro=shares // 2,
        claim_micro=shares // 2,
    )  # fmt: skip


def wanted(
    folder: Path, account: Account, records: list[Record] | None = None, now: datetime = OVER, **weather: object
) -> list[Conversion]:
    view = archive_of(folder, records or [listed()]).as_of([now])
    return list(conversions(at(now), account, view, STATIONS, settings_of(weather=weather)))  # type: ignore[arg-type]


def test_layers_leave_no_of_one_bracket_at_most() -> None:
    """5, 3 and 4 shares: 3 of all three, then 1 of the two that are left, 1 stays."""
    assert list(layers({0: 5, 2: 3, 3: 4, 1: 0})) == [((0, 2, 3), 3), ((0, 3), 1)]
    assert list(layers({0: 5})) == []


def test_a_day_that_is_over_frees_what_is_certain(tmp_path: Path) -> None:
    first, second = wanted(tmp_path, holding({0: 5, 1: 3, 3: 4}))

    assert (first.given, first.size_micro) == (("nyc-12-n0", "nyc-12-n1", "nyc-12-n3"), 3 * MICRO)
    assert first.taken == ("nyc-12-y2",)
    assert (second.given, second.taken, second.size_micro) == (
        ("nyc-12-n0", "nyc-12-n3"), ("nyc-12-y1", "nyc-12-y2"), MICRO
    )  # fmt: skip
    assert "3 NO of" in first.activity[0].message
    assert "6.00 $ come back" in first.activity[0].message


def test_the_same_holdings_are_converted_once(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, [listed()])
    account = holding({0: 5, 1: 3, 3: 4})
    journal = SilentJournal(account)
    for minutes in (0, 15):
        now = OVER + timedelta(minutes=minutes)
        account = convert_due(
            at(now), account, archive.as_of([now]), journal=journal, stations=STATIONS, settings=settings_of()
        )  # fmt: skip

    assert account.cash_micro.tolist() == [(100 + 6 + 1) * MICRO]
    held = dict(zip((i.token for i in account.instruments), account.held_micro[0].tolist(), strict=True))
    assert {token: size for token, size in held.items() if size} == {
        "nyc-12-n0": MICRO, "nyc-12-y1": MICRO, "nyc-12-y2": 4 * MICRO
    }  # fmt: skip


def test_each_run_converts_what_it_holds(tmp_path: Path) -> None:
    account = holding({0: 5, 1: 3}, n_runs=2)
    account = replace(account, held_micro=account.held_micro * np.array([[1, 1], [1, 0]]))

    assert [(each.run, each.size_micro) for each in wanted(tmp_path, account)] == [(0, 3 * MICRO)]


@pytest.mark.parametrize(
    ("now", "accepting", "converts"),
    [
        (OVER, True, True), (OVER - timedelta(hours=6), True, False), (OVER - timedelta(hours=6), False, True),
        (datetime(2026, 6, 12, 2, 0, tzinfo=UTC), False, False),  # the day has not begun there: it may open again
    ],
)  # fmt: skip
def test_only_what_is_no_longer_traded_is_converted(tmp_path: Path, now: datetime, accepting: bool, converts: bool) -> None:
    records = [listed(replace(EVENT, accepting=accepting))]

    assert bool(wanted(tmp_path, holding({0: 5, 1: 3}), records, now)) is converts


def test_nothing_is_converted_where_the_venue_does_not_or_nobody_wants_it(tmp_path: Path) -> None:
    account = holding({0: 5, 1: 3})

    assert wanted(tmp_path / "a", account, [listed(bips=None)]) == []
    assert wanted(tmp_path / "b", account, [listing(EVENT, LISTED)]) == []  # a listing of before: it does not say
    assert wanted(tmp_path / "c", account, convert=False) == []
    assert wanted(tmp_path / "d", holding({0: 5})) == []
    assert wanted(tmp_path / "e", holding({0: 5, 1: 3}, side=Side.YES)) == []
    assert wanted(tmp_path / "f", new_account("weather", "live", 0)) == []


def test_the_newest_listing_says_what_it_costs(tmp_path: Path) -> None:
    records = [listed(bips=0), listed(when=LISTED + timedelta(hours=1), bips=25)]

    assert [each.fee_bips for each in wanted(tmp_path, holding({0: 5, 1: 3}), records)] == [25]


def test_a_settled_event_and_one_with_working_orders_wait(tmp_path: Path) -> None:
    account = holding({0: 5, 1: 3})
    word = Settlement(
        "nyc-12/final/0", "polymarket", "nyc-12", "KLGA", DAY, Finality.FINAL, 0, "nyc-12-m0", "70", 70.0, {}
    )  # fmt: skip
    nothing = np.zeros((1, 0), np.int64)
    settled = replace(account, outcomes={"nyc-12": Outcome(word, (), nothing, nothing, nothing)})
    provisional = replace(word, finality=Finality.PROVISIONAL)
    waiting = replace(account, outcomes={"nyc-12": Outcome(provisional, (), nothing, nothing, nothing)})

    assert wanted(tmp_path / "a", settled) == []
    assert len(wanted(tmp_path / "b", waiting)) == 1


def test_tokens_that_the_listing_no_longer_has_wait_for_the_final_word(tmp_path: Path) -> None:
    moved = replace(EVENT, ladder=tuple(replace(b, no=f"{b.no}-new") for b in EVENT.ladder))

    assert wanted(tmp_path, holding({0: 5, 1: 3}), [listed(moved)]) == []


def test_a_listing_with_fewer_brackets_converts_nothing_and_raises_nothing(tmp_path: Path) -> None:
    fewer = event(n=3, lowest=70)

    assert len(wanted(tmp_path / "all", holding({2: 5, 3: 5}))) == 1
    assert wanted(tmp_path / "fewer", holding({2: 5, 3: 5}), [listed(fewer)]) == []
