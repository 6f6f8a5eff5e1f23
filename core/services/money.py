"""The money of one desk, or of all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.journal.lines import RiskLine
from core.model.account import Account
from core.services.positions import at_risk
from core.services.shelves import Shelves
from core.services.values import usd


@dataclass(frozen=True, slots=True)
class MoneyState:
    """None where nothing was marked yet. At risk is the worst case of all that is open."""

    cash_usd: Decimal | None
    equity_usd: Decimal | None
    day_pnl_usd: Decimal | None  # equity less equity at the start of the desk day
    week_pnl_usd: Decimal | None
    day_pnl_r: float | None
    week_pnl_r: float | None
    at_risk_usd: Decimal | None
    allowed_usd: Decimal | None  # open_r x R0
    unit_r_usd: Decimal | None
    fees_usd: Decimal | None
    realized_pnl_usd: Decimal | None  # fees apart
    marked_at: datetime | None


def accounts_of(shelves: Shelves, desk: str | None) -> tuple[Account, ...]:
    """Return the folded account of a desk, of all for None; UnknownIdError for a desk that there is not."""
    shelves.check_desk(desk)
    journal = shelves.journal()
    return tuple(one for one in journal.accounts() if desk in (None, one.desk)) if journal else ()


def marks_of(shelves: Shelves, desk: str | None) -> tuple[RiskLine, ...]:
    """Return the newest risk row of a desk, of all for None."""
    journal = shelves.journal()
    return tuple(one for one in journal.newest_risk() if desk in (None, one.desk)) if journal else ()


def money_of(shelves: Shelves, desk: str | None = None) -> MoneyState:
    """Return cash, equity, P&L and what is at risk."""
    accounts, lines = accounts_of(shelves, desk), marks_of(shelves, desk)
    if not lines:
        return MoneyState(*(None,) * 12)
    day, week = (_gain(lines, start) for start in ("day_start_micro", "week_start_micro"))
    unit = sum(line.unit_r_micro for line in lines)
    return MoneyState(
        cash_usd=usd(sum(int(account.cash_micro[0]) for account in accounts)),
        equity_usd=usd(sum(line.equity_micro for line in lines)), day_pnl_usd=usd(day), week_pnl_usd=usd(week),
        day_pnl_r=round(day / unit, 6) if unit else None, week_pnl_r=round(week / unit, 6) if unit else None,
        at_risk_usd=at_risk(accounts), unit_r_usd=usd(unit),
        allowed_usd=usd(int(shelves.settings.risk.open_r * unit)),
        fees_usd=usd(sum(int(account.fees_micro[0]) for account in accounts)),
        realized_pnl_usd=usd(sum(int(account.realised_micro[0]) for account in accounts)),
        marked_at=max(line.scheduled_at for line in lines),
    )  # fmt: skip


def _gain(lines: Sequence[RiskLine], start: str) -> int:
    return sum(line.equity_micro - int(getattr(line, start)) for line in lines)
