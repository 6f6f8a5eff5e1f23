"""What must hold after every step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable

from core.journal.changes import Intention
from core.model.account import Account
from core.model.event import Instrument
from core.settings import Settings
from core.units import MICRO
from tests.journal.stateful_ledger import Ledger


def differences(account: Account, ledger: Ledger) -> list[str]:
    """Return everything in which the account is not what the second ledger has."""
    found = []
    for run, hand in enumerate(ledger.hands):
        has = {
            "cash": int(account.cash_micro[run]), "owed": int(account.owed_micro[run]),
            "realised": int(account.realised_micro[run]), "fees": int(account.fees_micro[run]),
        }  # fmt: skip
        should = {"cash": max(hand.net, 0), "owed": max(-hand.net, 0), "realised": hand.realised, "fees": hand.fees}
        found += [f"run {run}: {name} is {has[name]}, not {should[name]}" for name in has if has[name] != should[name]]
        if has["cash"] < 0:
            found.append(f"run {run}: cash is below zero")
        for name, table, own in (
            ("held", account.held_micro, hand.held), ("cost", account.cost_micro, hand.cost),
            ("claim", account.claim_micro, hand.claim),
        ):  # fmt: skip
            said = {each.token: int(n) for each, n in zip(account.instruments, table[run], strict=True) if n}
            kept = {token: n for token, n in own.items() if n}
            if said != kept:
                apart = [t for t in {*said, *kept} if said.get(t) != kept.get(t)]
                found += [f"run {run}: {name} of {t} is {said.get(t)}, not {kept.get(t)}" for t in sorted(apart)]
    working = {
        (name, token, int(size), int(filled))
        for name, token, size, filled in zip(
            account.working.order_id,
            account.working.token,
            account.working.size_micro,
            account.working.filled_micro,
            strict=True,
        )
    }
    open_ = {(n, p.token, p.size if p.buys else -p.size, p.size - p.left) for n, p in ledger.papers.items()}
    if working != open_:
        found.append(f"orders {sorted(working ^ open_)} work in one of the two only")
    return found


def _groups(each: Instrument) -> dict[str, Hashable]:
    return {
        "bracket": (each.venue, each.event_id, each.bracket), "city_day": (each.city.casefold(), each.event_day),
        "region_day": (each.region, each.event_day), "desk_day": each.event_day, "open": None, "source": each.settlement_source,
        "event": (each.venue, each.event_id),
    }  # fmt: skip


def passed_caps(ledger: Ledger, change: Intention, settings: Settings) -> tuple[list[str], list[str]]:
    """Return every cap that the purchases of an intention pass, and the names of those that they come close to.

    All that is held counts with its cost, all that works as filled at its limit.
    """
    found: list[str] = []
    close: list[str] = []
    if change.risk is None or not len(change.orders):
        return found, close
    for run, hand in enumerate(ledger.hands):
        unit, equity = int(change.risk.unit_r_micro[run]), int(change.risk.equity_micro[run])
        risk = settings.risk
        caps = {
            "bracket": min(risk.bracket_r * unit, settings.per_market_cap_usd * MICRO), "city_day": risk.city_day_r * unit,
            "region_day": risk.region_day_r * unit, "desk_day": min(risk.desk_day_r * unit, settings.daily_bankroll_cap_usd * MICRO),
            "open": risk.open_r * unit, "source": risk.source_r * unit, "event": settings.kelly_cap * max(equity, 0),
        }  # fmt: skip
        total: dict[tuple[str, Hashable], int] = defaultdict(int)
        entered: set[tuple[str, Hashable]] = set()
        for token, cost in hand.cost.items():
            for group in _groups(ledger.described[token]).items():
                total[group] += cost
        for name, paper in ledger.papers.items():
            if paper.run == run and paper.buys:
                worst = -(-paper.left * paper.limit // MICRO)
                for group in _groups(ledger.described[paper.token]).items():
                    total[group] += worst
                    if name in change.orders.order_id:
                        entered.add(group)
        for group in sorted(entered, key=repr):
            close += [group[0]] if total[group] >= 0.9 * caps[group[0]] else []
            if total[group] > caps[group[0]]:
                found.append(f"run {run}: {group} reaches {total[group]} micro-USD, its cap is {caps[group[0]]:.0f}")
    return found, close
