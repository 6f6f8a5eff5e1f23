"""What a ruling starts from: wanted, held and working on one axis, only where there is anything."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from agents.transmission.axis import Axis, Sums, axis_of, sums_of
from agents.transmission.equity import Marks
from core.model.account import Account
from core.model.targets import Targets
from core.units import MICRO, BoolArray, FloatArray, IntArray

SHARE_LOT = 10_000  # [micro-shares]


@dataclass(frozen=True, slots=True)
class Standing:
    """Arrays over `columns` of the axis: the first `n` can be traded, the rest is only held.

    Sizes in micro-shares, money in micro-USD, runs lead.
    """

    targets: Targets
    account: Account
    axis: Axis
    columns: IntArray
    n: int
    wanted: IntArray  # (n_runs, n)
    held: IntArray  # (n_runs, n)
    buying: IntArray  # (n_runs, n) working
    selling: IntArray  # (n_runs, n) working, unsigned
    existing: IntArray  # (n_runs, len(columns)) worst-case loss of what is held or being bought
    lot: IntArray  # (n,)
    entering: BoolArray  # (n_runs, n) more is wanted by a lot at least
    leaving: BoolArray  # (n_runs, n) less is wanted by a lot at least
    loss: FloatArray  # (n,) worst loss of a share [USD]
    marks: Marks | None = None  # filled in once something has changed
    summing: dict[str, Sums] = field(default_factory=dict, compare=False)  # by group, once asked for

    @property
    def own(self) -> IntArray:
        """Return the targets' columns that can be traded."""
        return self.columns[: self.n]

    @property
    def base(self) -> IntArray:
        """Return what is held when every working purchase is counted as filled."""
        return self.held + self.buying

    @property
    def changed(self) -> BoolArray:
        """Return where wanted and held differ by anything that matters."""
        return self.entering | self.leaving

    def sums(self, group: str) -> Sums:
        """Return the summing over a group of the axis."""
        if group not in self.summing:
            self.summing[group] = sums_of(self.axis.groups[group][self.columns])
        return self.summing[group]

    def cost_of(self, size: IntArray) -> IntArray:
        """Return the worst-case loss of sizes, (n_runs, len(columns)), 0 for what is only held."""
        cost = np.zeros_like(self.existing)
        cost[:, : self.n] = np.ceil(size * self.loss).astype(np.int64)
        return cost


def standing_of(targets: Targets, account: Account) -> Standing:
    """Return where the desk stands against what it wants."""
    axis = axis_of(targets.instruments, account.instruments)
    shape = (account.n_runs, len(axis.instruments))
    held, buying, selling, existing, staying = (np.zeros(shape, np.int64) for _ in range(5))
    held[:, axis.account_columns] = account.held_micro
    existing[:, axis.account_columns] = account.cost_micro
    _add_working(account, axis, buying, selling, existing, staying)
    n_targets = axis.n_targets
    unsaid = np.isnan(targets.target)  # no wish is no change: nothing is sold for want of a number
    wanted = np.where(unsaid, held[:, :n_targets], np.rint(np.where(unsaid, 0.0, targets.target) * MICRO).astype(np.int64))
    wanted = np.where((account.governor.flatten > 0)[:, None], 0, wanted)  # a sale of everything asks nobody's wish
    lot = np.where(axis.whole[:n_targets] & (targets.min_size_micro >= MICRO), targets.min_size_micro, SHARE_LOT)
    present = ((held != 0) | (buying != 0) | (existing != 0)).any(axis=0)
    present[:n_targets] |= (wanted != 0).any(axis=0)
    columns = np.flatnonzero(present)
    n = int(np.searchsorted(columns, n_targets))
    own = columns[:n]
    wanted, held, buying, selling = wanted[:, own], held[:, own], buying[:, own], selling[:, own]
    lot = lot[own]
    return Standing(
        targets=targets, account=account, axis=axis, columns=columns, n=n, wanted=wanted, held=held, buying=buying,
        selling=selling, existing=existing[:, columns], lot=lot,
        entering=wanted - held - buying >= lot,
        leaving=(held - selling - wanted >= lot) & (staying[:, own] == 0), loss=_loss(targets, own),
    )  # fmt: skip


def _loss(targets: Targets, own: IntArray) -> FloatArray:
    """Return the worst loss of a share; a share of unknown price may lose all."""
    known = targets.worst_loss[own]
    loss = np.where(np.isnan(known), targets.price[own], known)
    return np.where(np.isnan(loss), 1.0, loss)


def _add_working(
    account: Account, axis: Axis, buying: IntArray, selling: IntArray, existing: IntArray, staying: IntArray
) -> None:
    """Add what works, in place; `staying` is what is being bought and was not taken back."""
    working = account.working
    for i in range(len(working)):
        run, column, size = int(working.run[i]), axis.column[working.token[i]], int(working.size_micro[i])
        left = abs(size) - int(working.filled_micro[i])
        (buying if size > 0 else selling)[run, column] += left
        if size > 0:
            staying[run, column] += left if working.cancel_at[i] == 0 else 0
            existing[run, column] += -(-left * int(working.limit_micro[i]) // MICRO)
