"""What can happen to an account; each is written in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.model.activity import Activity
from core.model.decision import Decision
from core.model.event import Instrument
from core.model.governor import Governor
from core.model.orders import Orders, Reports, no_reports
from core.model.settlement import Settlement
from core.units import IntArray


@dataclass(frozen=True, slots=True)
class Risk:
    """The risk state after a mark, arrays (n_runs,); the fields of `Account` of the same names."""

    desk_day: int
    equity_micro: IntArray
    unit_r_micro: IntArray
    day_start_micro: IntArray
    week_start_micro: IntArray
    high_water_micro: IntArray
    tripped: IntArray
    governor: Governor


@dataclass(frozen=True, slots=True)
class Intention:
    """Durable before anything is sent: the cycle itself, decisions, orders (status SUBMITTING), risk state.

    `instruments` describes every token that a decision or order names. `cancels` are working orders to be taken back: their
    life ends with the cycle's `fill_at`.
    """

    decisions: tuple[Decision, ...]
    orders: Orders
    instruments: tuple[Instrument, ...]
    risk: Risk | None = None
    activity: tuple[Activity, ...] = ()
    cancels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Execution:
    """A venue has spoken at `at` (microseconds): order states, fills, fees."""

    reports: Reports = field(default_factory=no_reports)
    at: int = 0
    activity: tuple[Activity, ...] = ()


@dataclass(frozen=True, slots=True)
class Payout:
    """An event ended, or ended differently.

    A final word pays 1 USD per share of every winning token held; a correction first takes back what the word before it
    paid (`Account.outcomes`). A provisional word moves no money.
    """

    settlement: Settlement
    activity: tuple[Activity, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversion:
    """NO of some brackets of an event is given to the venue, and comes back as dollars and YES of every other bracket.

    `size_micro` shares of NO on each of m brackets become m - 1 dollars a share and so many shares of YES on each of the
    others, less the venue's fee on what comes back. Cost moves with the shares: the dollars take theirs first, what is left
    is the cost of the YES shares, equal parts. `instruments` describes every token named.
    """

    conversion_id: str
    run: int
    given: tuple[str, ...]
    taken: tuple[str, ...]
    size_micro: int
    fee_bips: int
    instruments: tuple[Instrument, ...]
    activity: tuple[Activity, ...] = ()


@dataclass(frozen=True, slots=True)
class Obedience:
    """A person's command was carried out; `tripped` and `governor` are new states, None: unchanged."""

    command_id: str
    tripped: IntArray | None
    activity: tuple[Activity, ...] = ()
    governor: Governor | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """The cycle is over and announced."""

    activity: tuple[Activity, ...] = ()


Change = Intention | Execution | Payout | Conversion | Obedience | Closing
