"""A desk on one look at one book, cycle after cycle, through proposal, ruling, broker and fold; caps and multipliers off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from agents.cycle import Block, step
from agents.cycle import look as look_at
from agents.paper import PaperBroker
from agents.weather.desk import WeatherDesk
from agents.weather.evaluation import WeatherEvaluation, limit_prices
from agents.weather.proposal import propose
from core.journal.buffered import SilentJournal
from core.model.account import Account, new_account
from core.model.cycle import Cause, Cycle
from core.model.targets import EARNED, Targets
from core.registry import load_stations
from core.settings import Settings
from core.store.archive import Archive
from core.units import MICRO, FloatArray, total
from tests.agents.weather.worlds import FEES, SETTINGS, archive_of, book, event, forecast, listing

EVENING = datetime(2026, 6, 11, 21, 45, tzinfo=UTC)
WRONG = (0.01, 0.02, 0.40, 0.30, 0.12, 0.07, 0.04, 0.02, 0.01, 0.01, 0.01)  # the market is four degrees too cold
KLGA = load_stations()["KLGA"]
ANY = 1e6
SHARE_LOT = 0.01  # [shares]


def free(kelly_fraction: float, **weather: float) -> Settings:
    """Return settings under which nothing but the optimum sets a size."""
    risk = {name: ANY for name in type(SETTINGS.risk).model_fields if name.endswith("_r") and name != "probe_minimum_r"}
    return SETTINGS.model_copy(update={
        "risk": SETTINGS.risk.model_copy(update={**risk, "min_cash_pct": 0.0}),
        "weather": SETTINGS.weather.model_copy(update={
            "kelly_fraction": kelly_fraction, "fair_gap": 1.0, "max_cost_share": ANY, "lockup_rate": 0.0, "max_spread": 1.0, **weather,
        }),
        "per_market_cap_usd": 1e9, "daily_bankroll_cap_usd": 1e9, "kelly_cap": 1e3,
    })  # fmt: skip


class Unscaled(WeatherDesk):
    """A desk whose record has earned normal size, in a stable regime."""

    def propose(self, evaluation: WeatherEvaluation, row: int, account: Account, settings: Settings) -> Targets:
        targets = propose(evaluation, row, account, settings)
        ones = np.ones_like(targets.multiplier)
        return replace(targets, multiplier=ones, earned=np.full(len(ones), EARNED.index("normal"), np.int64))


def archive(folder: Path, fair: Sequence[float] = WRONG, **more: float) -> Archive:
    """Return an archive of one event, its forecasts and one book."""
    told = [forecast("KLGA", EVENING - timedelta(minutes=back), (25.0, 25.5, 26.0), first=EVENING) for back in (15, 0)]
    return archive_of(folder, [listing(event()), *told, book(event(), EVENING, fair, **more)])


def tilted(found: WeatherEvaluation, times: FloatArray, settings: Settings) -> WeatherEvaluation:
    """Return what is believed once each bracket is so many times as likely, all prices as they were."""
    weighed = found.p_pooled * times
    pooled = weighed / total(weighed)[..., None]
    fair, offers = np.stack([pooled, 1.0 - pooled], axis=-1), found.offers
    offers = replace(offers, fair=fair, edge=fair - offers.price, limit=limit_prices(fair, FEES, settings))
    return replace(found, p_pooled=pooled, offers=offers)


@dataclass
class Frozen:
    """What was held and wanted after each cycle, by token."""

    held: list[dict[str, float]]
    wanted: list[dict[str, float]]
    orders: list[dict[str, float]]
    targets: list[Targets]
    account: Account


def session(
    found: Archive, settings: Settings, cycles: int, start: Account | None = None,
    believed: Callable[[WeatherEvaluation, int], WeatherEvaluation] = lambda same, _: same,
) -> Frozen:  # fmt: skip
    """Trade on the same look again and again, a millisecond apart; `believed` changes what a cycle of that number believes."""
    desk = Unscaled((KLGA,), settings)
    block: Block[WeatherEvaluation] = look_at(desk, found.as_of([EVENING]), settings)
    account = start or new_account("weather", "test", 1_000_000 * MICRO)
    journal, broker = SilentJournal(account), PaperBroker(settings)
    seen = Frozen([], [], [], [], account)
    for number in range(1, cycles + 1):
        at = EVENING + timedelta(milliseconds=number)
        cycle = Cycle("weather", at, number, Cause.SCHEDULE, (), at, at + timedelta(seconds=2))
        now = replace(block, evaluation=believed(block.evaluation, number))
        targets = desk.propose(now.evaluation, 0, account, settings)
        before = holdings(account)
        account = step(desk, now, 0, cycle, account, archive=found, broker=broker, journal=journal, settings=settings)
        after = holdings(account)
        seen.held.append(after)
        seen.targets.append(targets)
        seen.wanted.append({i.token: float(t) for i, t in zip(targets.instruments, targets.target[0], strict=True) if t > 0})
        moved = {token: after.get(token, 0.0) - before.get(token, 0.0) for token in {*before, *after}}
        seen.orders.append({token: change for token, change in moved.items() if change})
    seen.account = account
    return seen


def holdings(account: Account) -> dict[str, float]:
    """Return what the first run holds [shares]."""
    shares: FloatArray = account.held_micro[0] / MICRO
    return {i.token: float(n) for i, n in zip(account.instruments, shares, strict=True) if n > 0}
