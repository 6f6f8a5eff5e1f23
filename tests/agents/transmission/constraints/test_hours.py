"""When the clock alone forbids new risk: the moment, to the second, through every jump of a clock on a wall."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import numpy as np
import pytest

from agents.transmission.constraints import blackout, profiles
from agents.transmission.constraints.hours import barred, barred_from
from agents.transmission.constraints.profiles import AccountProfile
from agents.transmission.constraints.rules import RULES
from agents.transmission.guard.draft import Draft
from agents.transmission.offers import asks_of
from agents.transmission.standing import standing_of
from core.model.account import Account
from core.model.governor import Governor
from core.registry import Release
from core.settings import Settings
from core.settings.schema import RuleSettings
from core.units import instant, micros
from tests.agents.transmission.builders import Market, account_of, cycle_of, instrument_of, quotes_of, settings_of, targets_of

AHEAD = timedelta(minutes=16)
DAY = datetime(2026, 11, 12, tzinfo=UTC)
NEWS = (
    Release("cpi", DAY + timedelta(hours=13, minutes=30), timedelta(minutes=30), timedelta(minutes=20)),
    Release("cpi", DAY + timedelta(days=30), timedelta(minutes=30), timedelta(minutes=20)),
)
FLAT = AccountProfile("flat", zone="America/Chicago", day_starts=time(17), flat_by=time(15, 10))
EARLY = replace(FLAT, name="early", zone="Europe/London", flat_by=time(15, 10, 30), day_starts=time(18))


@pytest.fixture
def calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blackout, "load_calendar", lambda: NEWS)


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(profiles, "profiles_as_of", lambda day: {each.name: each for each in (FLAT, EARLY)})
    profiles._followed.cache_clear()
    yield
    profiles._followed.cache_clear()


def ruled(**rules: str) -> Settings:
    return settings_of(rules=RuleSettings(**rules))  # type: ignore[arg-type]


def governor_of(n_runs: int = 1, *ended: list[int]) -> Governor:
    """Return a governor; `ended` are the rows of (n_runs, n_firms)."""
    return replace(account_of(n_runs=n_runs).governor, firm_ended=np.array(ended or np.zeros((n_runs, 0)), np.int64))


def end_of(settings: Settings, at: datetime, governor: Governor | None = None, ahead: timedelta = AHEAD) -> str:
    """Return how long after `at` the clock forbids, as minutes:seconds; "" where it does not by then."""
    found = instant(int(barred_from(governor or governor_of(), at, at + ahead, settings)[0]))
    return "" if found == at + ahead else f"{int((found - at).total_seconds()) // 60}:{(found - at).seconds % 60:02}"


@pytest.mark.parametrize(
    ("sessions", "at", "end"),
    [
        ("", "2026-11-12T17:05:03", ""),
        ("Mon-Fri 08:30-17:10 UTC", "2026-11-12T17:05:03", "4:57"),
        ("Mon-Fri 08:30-17:10 UTC", "2026-11-12T17:10:00", "0:00"),
        ("Mon-Fri 08:30-17:10 UTC; 17:10-17:12 UTC", "2026-11-12T17:05:03", "6:57"),  # one ends where another begins
        ("Thu 22:00-02:00 UTC", "2026-11-13T01:50:00", "10:00"),  # over midnight
        ("Mon-Fri 08:30-15:00 America/Chicago", "2026-11-12T20:50:00", "10:00"),  # winter: 21:00Z
        ("Mon-Fri 08:30-15:00 America/Chicago", "2026-07-09T19:50:00", "10:00"),  # summer: 20:00Z
        ("00:00-01:30 Europe/London", "2026-03-29T00:50:00", "10:00"),  # the clock jumps from 01:00 over 01:30
        ("00:00-01:30 Europe/London", "2026-10-25T00:20:00", "10:00"),  # 01:30 comes twice: the first time ends it
        ("00:00-01:30 Europe/London", "2026-10-25T00:45:00", "0:00"),
        ("00:00-01:30 Europe/London", "2026-10-25T01:20:00", "10:00"),  # set back to 01:00 it held again
    ],
)
def test_a_session_ends_by_its_own_clock(sessions: str, at: str, end: str) -> None:
    assert end_of(ruled(sessions=sessions), datetime.fromisoformat(at).replace(tzinfo=UTC)) == end


@pytest.mark.parametrize(("clock", "end"), [("12:43:59", ""), ("12:50:00", "10:00"), ("13:49:30", "0:00"), ("13:50:01", "")])
def test_news_end_it_before_they_come_and_not_once_they_are_over(calendar: None, clock: str, end: str) -> None:
    """13:30Z less half an hour, and twenty minutes after it; refused on the minute itself, as a purchase is."""
    assert end_of(ruled(blackout="cpi"), datetime.fromisoformat(f"2026-11-12T{clock}+00:00")) == end


def test_a_calendar_that_ends_bars_from_its_last_release_on(calendar: None) -> None:
    assert barred(governor_of(), DAY + timedelta(days=31), ruled(blackout="cpi")).tolist() == [True]


@pytest.mark.parametrize(
    ("name", "at", "end"),
    [
        ("flat", "2026-11-12T21:00:00", "10:00"),  # 15:10 in Chicago is 21:10Z in winter
        ("flat", "2026-07-09T20:00:00", "10:00"),  # and 20:10Z in summer
        ("flat", "2026-11-12T22:59:59", "0:00"),
        ("flat", "2026-11-12T23:00:00", ""),  # its next day
        ("early", "2026-11-12T15:00:00", "10:30"),  # a rule may change within a minute
        ("flat,early", "2026-11-12T15:00:00", "10:30"),
    ],
)
def test_an_account_that_must_be_flat_ends_it(accounts: None, name: str, at: str, end: str) -> None:
    firms = governor_of(1, [0] * len(name.split(",")))

    assert end_of(ruled(accounts=name), datetime.fromisoformat(at).replace(tzinfo=UTC), firms) == end


def test_an_account_that_has_ended_asks_no_more_of_its_run(accounts: None) -> None:
    at = DAY + timedelta(hours=21)
    firms = governor_of(3, [0, 0], [0, 1], [1, 1])

    found = barred_from(firms, at, at + AHEAD, ruled(accounts="flat,early"))

    assert found.tolist() == [micros(at + timedelta(minutes=10))] * 2 + [micros(at + AHEAD)]
    assert barred(firms, at + timedelta(minutes=10), ruled(accounts="flat,early")).tolist() == [True, True, False]


def test_a_rule_that_holds_from_midnight_on_is_asked_as_it_stands_then(monkeypatch: pytest.MonkeyPatch) -> None:
    midnight = DAY + timedelta(days=1)
    always = AccountProfile("firm", flat_by=time(0), day_starts=time(23))
    known = {DAY.date(): {"firm": AccountProfile("firm")}, midnight.date(): {"firm": always}}
    monkeypatch.setattr(profiles, "profiles_as_of", known.__getitem__)
    profiles._followed.cache_clear()

    end = end_of(ruled(accounts="firm"), midnight - timedelta(minutes=5), governor_of(1, [0]))
    profiles._followed.cache_clear()

    assert end == "5:00"


OF_HOURS = ("sessions", "news_blackout", "firm_flat_by")
CHANGES = ("07:00", "12:40", "13:00", "13:05", "13:50", "15:10", "18:00", "21:10", "21:30", "23:00")
"""When any of the rules below begins or ends to forbid (UTC), and minutes in which another forbids anyway."""


def refused(account: Account, at: datetime, settings: Settings) -> bool:
    """Return whether the rules of hours, as a purchase is asked them, refuse at an instant."""
    markets = [Market(instrument_of())]
    standing = standing_of(targets_of(markets), account)
    tokens = {markets[0].instrument.token: 0}
    asks = asks_of(
        quotes_of(markets),
        0,
        standing.own,
        account,
        tokens,
        highest=np.ones(1),
        tick_micro=np.full(1, 10_000),
        settings=settings,
    )
    draft = Draft(standing, replace(cycle_of(at), fill_at=at), asks, standing.wanted)
    asked = [rule for rule in RULES if rule.name in OF_HOURS and rule.on("weather", settings)]
    assert len(asked) == len(OF_HOURS)
    return any(bool((rule.check(draft, settings).allowed <= 0).any()) for rule in asked)


@pytest.mark.parametrize("change", CHANGES)
def test_at_every_second_it_says_what_a_purchase_is_told(calendar: None, accounts: None, change: str) -> None:
    random = np.random.default_rng(int(change.replace(":", "")))
    settings = ruled(sessions="07:00-12:40 UTC; 13:05-21:30 Europe/London", blackout="cpi", accounts="flat,early")
    account = replace(account_of(), governor=governor_of(1, [0, 0]))
    for before in random.integers(1, 110, 5).tolist():
        at = datetime.fromisoformat(f"2026-11-12T{change}+00:00") - timedelta(seconds=before)
        seconds = [at + timedelta(seconds=i) for i in range(180)]

        first = next((each for each in seconds if refused(account, each, settings)), seconds[-1])

        assert barred_from(account.governor, at, seconds[-1], settings).tolist() == [micros(first)]
        assert barred(account.governor, at, settings).tolist() == [refused(account, at, settings)]
