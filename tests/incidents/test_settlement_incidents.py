"""Money that never came, or came to the wrong bracket: how a settlement was looked up, and what was dropped. FACTS I.10."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.settlement import settle
from agents.unsettled import unsettled
from core.errors import WireError
from core.journal.changes import Payout
from core.journal.fold import apply
from core.model.account import Account, new_account
from core.model.activity import Activity, Severity
from core.model.cycle import Cause, Cycle
from core.model.event import Event, Side, instruments_of
from core.model.record import Kind, Record
from core.model.settlement import Finality
from core.registry import load_stations
from core.units import MICRO
from tests.agents.weather.worlds import archive_of, event, listing, metar, outcome
from venues.polymarket.outcomes import parse_outcome

STATIONS = load_stations()
DAY = date(2026, 6, 12)
LISTED = datetime(2026, 6, 11, 12, 0, tzinfo=UTC)
END = datetime(2026, 6, 13, 4, 0, tzinfo=UTC)  # of KLGA's day
OVER = END + timedelta(hours=8)
ONE_DAY = timedelta(days=1)
EVENT = event(n=4, lowest=70)


def holding(found: Event = EVENT, bracket: int = 1, side: Side = Side.YES) -> Account:
    instruments = tuple(i for i in instruments_of(found, "northeast") if (i.bracket, i.side) == (bracket, side))
    shares = np.full((1, 1), 10 * MICRO, np.int64)
    return replace(
        new_account("weather", "live", 0), instruments=instruments, held_micro=shares, cost_micro=shares // 2,
        claim_micro=shares // 2,
    )  # fmt: skip


def cycle(now: datetime) -> Cycle:
    return Cycle("weather", now, 1, Cause.SCHEDULE, (), now, now + timedelta(seconds=2))


def words(folder: Path, account: Account, records: Sequence[Record], now: datetime = OVER) -> list[Payout]:
    return list(settle(account, archive_of(folder, records).as_of([now]), LISTED, STATIONS))


def said(
    folder: Path, account: Account, records: Sequence[Record], now: datetime, since: datetime = LISTED
) -> tuple[Activity, ...]:  # fmt: skip
    return unsettled(cycle(now), account, archive_of(folder, records).as_of([now]), since, STATIONS)


# husker-mini, issue 188: the settlement was read again by the place of a market in a list.


def test_husker_mini_188_a_winner_is_found_by_its_market_wherever_it_stands(tmp_path: Path) -> None:
    """The listing ranks cold to warm, the outcome comes in any order, and the ladder was re-listed with one bracket more."""
    told = outcome(EVENT, OVER, 72)
    turned = replace(told, rows={name: column[::-1] for name, column in told.rows.items()}, raw=b"turned")

    (straight,) = words(tmp_path / "a", holding(), [listing(EVENT, LISTED), told])
    (backward,) = words(tmp_path / "b", holding(), [listing(EVENT, LISTED), turned])

    assert straight.settlement.winner == backward.settlement.winner == "nyc-12-m1"
    assert straight.settlement.winner_label == backward.settlement.winner_label == EVENT.ladder[1].label


@pytest.mark.parametrize("reading", [70, 72, 74, 76])
def test_husker_mini_188_what_is_paid_follows_from_the_stored_market(tmp_path: Path, reading: int) -> None:
    account = holding(bracket=2)
    (word,) = words(tmp_path, account, [listing(EVENT, LISTED), outcome(EVENT, OVER, reading)])

    paid = apply(cycle(OVER), account, word)

    assert paid.cash_micro.tolist() == [10 * MICRO if EVENT.ladder[2].holds(reading) else 0]


# A stall of forty hours: one way alone to look up how an event had ended.


def test_stall_of_40_hours_a_holding_settles_by_its_stored_market_when_its_listing_is_gone(tmp_path: Path) -> None:
    (word,) = words(tmp_path, holding(), [outcome(EVENT, OVER, 72)])

    assert (word.settlement.winner, word.settlement.finality) == ("nyc-12-m1", Finality.FINAL)
    assert (word.settlement.winner_label, word.settlement.station) == (EVENT.ladder[1].label, "KLGA")
    assert word.settlement.evidence["looked_up"] == "by the market ids of what is held"
    assert apply(cycle(OVER), holding(), word).cash_micro.tolist() == [10 * MICRO]


def test_stall_of_40_hours_a_holding_whose_bracket_lost_settles_too(tmp_path: Path) -> None:
    (word,) = words(tmp_path, holding(), [outcome(EVENT, OVER, 76)])

    assert (word.settlement.winner, word.settlement.winner_label) == ("nyc-12-m3", "market nyc-12-m3")
    assert apply(cycle(OVER), holding(), word).realised_micro.tolist() == [-5 * MICRO]


def test_stall_of_40_hours_such_a_word_is_corrected_like_any_other(tmp_path: Path) -> None:
    account = holding()
    (word,) = words(tmp_path / "a", account, [outcome(EVENT, OVER, 76)])
    account = apply(cycle(OVER), account, word)

    records = [outcome(EVENT, OVER, 76), outcome(EVENT, OVER + timedelta(hours=1), 72)]
    (again,) = words(tmp_path / "b", account, records, OVER + timedelta(hours=1))

    assert (again.settlement.revision, again.settlement.winner) == (1, "nyc-12-m1")
    assert apply(cycle(OVER + timedelta(hours=1)), account, again).cash_micro.tolist() == [10 * MICRO]


def test_stall_of_40_hours_waiting_is_said_once_a_day_and_with_its_money(tmp_path: Path) -> None:
    records = [listing(EVENT, LISTED)]
    archive = archive_of(tmp_path, records)
    lines: list[tuple[datetime, Activity]] = []
    since = LISTED
    for hours in range(0, 24 * 5, 6):
        now = END + timedelta(hours=hours)
        found = unsettled(cycle(now), holding(), archive.as_of([now]), since, STATIONS)
        lines += [(now, line) for line in found]
        since = now

    assert [now for now, _ in lines] == [END + 2 * ONE_DAY, END + 3 * ONE_DAY, END + 4 * ONE_DAY]
    assert {line.type for _, line in lines} == {"settlement_stalled"}
    assert {line.severity for _, line in lines} == {Severity.WARNING}
    first = lines[0][1]
    assert "over for 2 days without a final word" in first.message
    assert "5.00 $ are held" in first.message
    assert (first.event_id, first.event_day, first.data["days"]) == ("nyc-12", DAY, 2)


def test_stall_of_40_hours_a_restart_says_nothing_twice_and_misses_nothing(tmp_path: Path) -> None:
    """Looked at again an hour later, and once after three days of silence: the alarm follows from the instants alone."""
    records = [listing(EVENT, LISTED)]
    first = END + 2 * ONE_DAY + timedelta(hours=1)

    assert len(said(tmp_path / "a", holding(), records, first, END + ONE_DAY)) == 1
    assert said(tmp_path / "b", holding(), records, first + timedelta(hours=1), first) == ()
    assert [line.data["days"] for line in said(tmp_path / "c", holding(), records, END + 5 * ONE_DAY, END)] == [5]


def test_stall_of_40_hours_an_event_that_was_only_judged_or_asked_about_is_said_too(tmp_path: Path) -> None:
    """Every evaluated event gets an outcome, traded or not: ours is 72, the venue is silent; of another it failed to answer."""
    other = event("nyc-12b", n=4, lowest=70)
    records = [listing(EVENT, LISTED), metar("KLGA", LISTED + ONE_DAY, [(LISTED + ONE_DAY, 222)])]
    (provisional,) = words(tmp_path / "a", new_account("weather", "live", 0), records)
    account = apply(cycle(OVER), new_account("weather", "live", 0), provisional)
    now = END + 2 * ONE_DAY
    unanswered = Record("polymarket", Kind.OUTCOMES, "nyc-12b", now - timedelta(hours=1), None, b"", {}, {}, error="down")

    lines = said(tmp_path / "b", account, [*records, listing(other, LISTED), unanswered], now, END)

    assert [line.event_id for line in lines] == ["nyc-12", "nyc-12b"]
    assert f"ours is {provisional.settlement.winner_label}" in lines[0].message
    assert "and none of ours" in lines[1].message


def test_stall_of_40_hours_a_settled_event_is_quiet(tmp_path: Path) -> None:
    (word,) = words(tmp_path / "a", holding(), [listing(EVENT, LISTED), outcome(EVENT, OVER, 72)])
    account = apply(cycle(OVER), holding(), word)

    assert said(tmp_path / "b", account, [listing(EVENT, LISTED)], END + 3 * ONE_DAY) == ()


# A paper bot's missing losses: an outcome with another label was dropped in silence.


def test_missing_losses_a_winner_nobody_knows_is_an_error_and_pays_nothing(tmp_path: Path) -> None:
    told = outcome(EVENT, OVER, 72)
    strange = replace(told, facts={**told.facts, "winner": "m-of-another-event"}, raw=b"strange")
    records = [listing(EVENT, LISTED), strange]

    assert [w for w in words(tmp_path / "a", holding(), records) if w.settlement.finality is Finality.FINAL] == []
    (line,) = said(tmp_path / "b", holding(), records, OVER)
    assert (line.severity, line.type, line.event_id) == (Severity.ERROR, "settlement_unknown", "nyc-12")
    assert "m-of-another-event won, the desk knows nyc-12-m0, nyc-12-m1" in line.message


def test_missing_losses_an_outcome_that_leaves_a_held_market_out_is_an_error(tmp_path: Path) -> None:
    """Without a listing, what is held is known by its market alone: an outcome without that market says nothing of it."""
    told = outcome(EVENT, OVER, 76)
    short = replace(told, rows={name: column[2:] for name, column in told.rows.items()}, raw=b"short")

    assert words(tmp_path / "a", holding(), [short]) == []
    assert [line.type for line in said(tmp_path / "b", holding(), [short], OVER)] == ["settlement_unknown"]


@pytest.mark.parametrize("labels", ['["Up", "Down"]', '["Yes", "No", "Draw"]', '["Yes", "Maybe"]'])
def test_missing_losses_a_market_that_ended_in_neither_yes_nor_no_is_a_failed_answer(labels: str) -> None:
    market = {"id": "m1", "closed": True, "outcomes": labels, "outcomePrices": '["1", "0"]', "umaResolutionStatus": "resolved"}

    with pytest.raises(WireError, match="not in Yes or No"):
        parse_outcome({"slug": "e", "markets": [market]}, b"", OVER)
