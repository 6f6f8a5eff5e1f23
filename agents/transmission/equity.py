"""What holdings are worth: the executable bid, and less where the bid has grown old."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.transmission.axis import axis_of
from core.model.account import Account
from core.model.quotes import Quotes
from core.model.targets import Targets
from core.prices import walk
from core.settings import Settings
from core.units import MICRO, BoolArray, FloatArray, IntArray

STALE_SHARE = 0.8
"""What is left of a value that no fresh bid stands for."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The value of each holding of an account [micro-USD] and whether it had to be guessed."""

    value_micro: IntArray  # (n_runs, n_instruments of the account)
    stale: BoolArray  # (n_instruments of the account,)

    def equity_micro(self, account: Account) -> IntArray:
        """Return cash and holdings, less what is owed. A token is never worth less than nothing, so neither is an event."""
        holdings: IntArray = self.value_micro.sum(axis=1, dtype=np.int64)
        return account.cash_micro - account.owed_micro + holdings


def marks_of(account: Account, targets: Targets, quotes: Quotes, row: int, settings: Settings) -> Marks:
    """Return what each holding would bring now.

    A bid stands for `bid_minutes`; later the lesser of fair value and last bid counts, less a fifth. What the desk no
    longer looks at, and what was never quoted, counts its cost, less a fifth.
    """
    n_held = len(account.instruments)
    axis = axis_of(targets.instruments, account.instruments)
    listed = axis.account_columns < axis.n_targets
    value = _discounted(account.cost_micro)
    stale = np.ones(n_held, np.bool_)
    own = np.flatnonzero(listed)
    if not len(own):
        return Marks(value, stale & _held(account))
    columns = axis.account_columns[own]
    held = account.held_micro[:, own]
    price, size, age = _bids(quotes, row, columns, settings)
    last = price[:, 0]
    fresh = age <= 60.0 * settings.risk.bid_minutes
    guess = np.fmin(targets.fair[columns], last)  # a book that has lost its bid for a look leaves the fair value alone
    guessed = np.floor(np.where(np.isnan(guess), 0.0, guess) * STALE_SHARE * held).astype(np.int64)
    never = np.isinf(age) | np.isnan(age) | (np.isnan(guess) & ~fresh)  # a fresh book without a bid pays nothing
    quoted = fresh & ~np.isnan(last)
    value[:, own] = np.where(quoted, _walked(price, size, held), np.where(never, value[:, own], guessed))
    stale[own] = ~fresh
    return Marks(value, stale & _held(account))


def _held(account: Account) -> BoolArray:
    held: BoolArray = (account.held_micro != 0).any(axis=0)
    return held


def _discounted(amount_micro: IntArray) -> IntArray:
    left: IntArray = np.floor(STALE_SHARE * amount_micro).astype(np.int64)
    return left


def _bids(quotes: Quotes, row: int, columns: IntArray, settings: Settings) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return bid prices, sizes and their age; where only prints exist, the last print less the slip, for any size."""
    price, size, age = quotes.bid_price[row, columns], quotes.bid_size[row, columns], quotes.age[row, columns]
    prints = quotes.prints_only[row, columns]
    if not prints.any():
        return price, size, age
    price, size = price.copy(), size.copy()
    price[prints] = np.nan
    size[prints] = 0.0
    price[prints, 0] = np.maximum(quotes.print_price[row, columns][prints] - settings.weather.print_slip, 0.0)
    size[prints, 0] = np.where(np.isnan(price[prints, 0]), 0.0, 1e9)
    return price, size, np.where(prints, quotes.print_age[row, columns], age)


def _walked(price: FloatArray, size: FloatArray, held: IntArray) -> IntArray:
    """Return what the shown bids would pay; what is held beyond them counts the lowest bid that is shown."""
    missing = np.isnan(price)
    price_micro = np.rint(np.where(missing, 0.0, price) * MICRO).astype(np.int64)
    size_micro = np.rint(np.where(missing, 0.0, size) * MICRO).astype(np.int64)
    taken = walk(price_micro, size_micro, -held, np.zeros_like(held))
    lowest = np.where(size_micro > 0, price_micro, np.int64(MICRO)).min(axis=-1)
    lowest = np.where((size_micro > 0).any(axis=-1), lowest, 0)
    rest = held - taken.sum(axis=-1, dtype=np.int64)
    paid: IntArray = ((taken * price_micro).sum(axis=-1, dtype=np.int64) + rest * lowest) // MICRO
    return paid
