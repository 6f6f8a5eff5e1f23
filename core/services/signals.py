"""Would the desk trade now, and why not: evaluated from the archive, ruled on a copy of the account, never sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.model.decision import Check, Decision
from core.model.preview import BarsAsk, EventAsk, Preview, PreviewedEvent
from core.ports import Previewer
from core.services.explain import UNITS, UNKNOWN_CHECK, Meaning
from core.services.shelves import Shelves
from core.services.values import usd
from core.units import MICRO

SOURCE = "archive as of now; journal: account"
RISK, CONSTRAINTS, GUARD = "risk", "constraints", "guard"
PARTS: Mapping[str, str] = {
    "tripwire": RISK, "multiplier": RISK, "opening": CONSTRAINTS, "cap": CONSTRAINTS, "ceiling": CONSTRAINTS, "rule": CONSTRAINTS,
    "account": CONSTRAINTS, "guard": GUARD, "exit": GUARD,
}  # fmt: skip
"""Which documented part a family of checks belongs to."""
UNSAID = frozenset({"not_built", "not_applicable"})


@dataclass(frozen=True, slots=True)
class CheckedRow:
    name: str
    family: str
    sentence: str
    value: float | None
    limit: float | None
    unit: str
    verdict: str
    allowed: Decimal | None  # [shares]; None: no bound


@dataclass(frozen=True, slots=True)
class Signal:
    """One order that would be sent: sizes in shares, prices in USD per share."""

    direction: str  # "buy" or "sell"
    side: str  # "YES" or "NO"
    bracket: str
    venue: str
    event_id: str
    token_id: str
    entry_price: float | None  # worst price that it accepts
    reference_price: float | None
    size: Decimal
    size_usd: float | None
    edge: float | None
    strategy: str
    reason: str


@dataclass(frozen=True, slots=True)
class Part:
    """The checks of one part: the strictest verdict, and which of them bound."""

    verdict: str  # "pass", "shrink", "refuse" or "not_asked"
    bound: tuple[str, ...]
    checks: int


@dataclass(frozen=True, slots=True)
class Considered:
    """One token that the desk wanted to change, also where the answer was no."""

    event_id: str
    bracket: str
    side: str
    held: Decimal
    wanted: Decimal
    allowed: Decimal
    order: Decimal  # signed
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Generated:
    as_of: datetime
    source: str
    n: int  # tokens that were considered
    desk: str
    signal_generated: bool
    signal: Signal | None  # the one with the most dollars; `signals` has all
    signals: tuple[Signal, ...]
    reason: str
    regime: str
    active_strategy: str
    risk: Part
    constraints: Part
    guard: Part
    checks: tuple[CheckedRow, ...]  # of the signal, else of what came nearest
    considered: tuple[Considered, ...]
    events: tuple[PreviewedEvent, ...]
    places_orders: bool = False
    missing: str = ""


class SignalService:
    """Asks the previewer; it has neither a broker nor a journal to write."""

    def __init__(
        self, shelves: Shelves, previewer: Previewer, meanings: Mapping[str, Meaning], reasons: Mapping[str, str]
    ) -> None:
        self._shelves, self._previewer, self._meanings, self._reasons = shelves, previewer, meanings, reasons

    def generate(self, ask: EventAsk | BarsAsk) -> Generated:
        """Return the signal for an event or a symbol, or why there is none; nothing is ordered."""
        if isinstance(ask, EventAsk):
            self._shelves.check_station(ask.station_code)
            self._shelves.check_venue(ask.venue or None)
        return self._told(self._previewer(ask))

    def _told(self, preview: Preview) -> Generated:
        orders = [one for one in preview.decisions if one.order_micro]
        signals = tuple(sorted((_signal(one, preview) for one in orders), key=lambda one: -(one.size_usd or 0.0)))
        first = max(orders, key=_dollars, default=None)
        nearest = first or max(preview.decisions, key=lambda one: abs(one.wanted_micro - one.held_micro), default=None)
        checks = tuple(self._checks(nearest)) if nearest else ()
        parts = {part: _part(part, checks) for part in (RISK, CONSTRAINTS, GUARD)}
        return Generated(
            as_of=preview.as_of, source=SOURCE, n=len(preview.decisions), desk=preview.desk, signal_generated=bool(signals),
            signal=signals[0] if signals else None, signals=signals,
            reason=self._sentence(first.reason_code) if first else self._why_not(preview, nearest), regime=preview.regime,
            active_strategy=preview.strategy, risk=parts[RISK], constraints=parts[CONSTRAINTS], guard=parts[GUARD],
            checks=checks, considered=tuple(self._considered(preview)), events=preview.events,
        )  # fmt: skip

    def _why_not(self, preview: Preview, nearest: Decision | None) -> str:
        if nearest is not None:
            return self._sentence(nearest.reason_code)
        return preview.reason or "; ".join(dict.fromkeys(self._sentence(one.reason) for one in preview.events if one.reason))

    def _sentence(self, code: str) -> str:
        return self._reasons.get(code, code.replace("_", " "))

    def _checks(self, decision: Decision) -> Iterator[CheckedRow]:
        for check in decision.checks:
            if str(check.verdict) not in UNSAID:
                yield _checked(check, self._meanings.get(check.name, UNKNOWN_CHECK))

    def _considered(self, preview: Preview) -> Iterator[Considered]:
        for one in preview.decisions:
            about = preview.instruments[one.token]
            yield Considered(
                about.event_id, about.label, str(about.side), usd(one.held_micro), usd(one.wanted_micro), usd(one.allowed_micro),
                usd(one.order_micro), one.reason_code, self._sentence(one.reason_code),
            )  # fmt: skip


def _checked(check: Check, meaning: Meaning) -> CheckedRow:
    allowed = None if check.allowed_micro is None else usd(check.allowed_micro)
    unit = UNITS.get(check.name, "")
    return CheckedRow(check.name, meaning.stage, meaning.sentence, check.value, check.limit, unit, str(check.verdict), allowed)


def _part(part: str, checks: Sequence[CheckedRow]) -> Part:
    own = [one for one in checks if PARTS.get(one.family, CONSTRAINTS) == part]
    verdicts = [one.verdict for one in own]
    verdict = next((one for one in ("refuse", "shrink", "pass") if one in verdicts), "not_asked")
    return Part(verdict, tuple(one.name for one in own if one.verdict != "pass"), len(own))


def _dollars(decision: Decision) -> float:
    price = decision.belief.get("limit_price")
    return abs(decision.order_micro) * (price if isinstance(price, float) else 1.0)


def _signal(decision: Decision, preview: Preview) -> Signal:
    about, limit = preview.instruments[decision.token], preview.limits.get(decision.token)
    size, edge = usd(abs(decision.order_micro)), decision.belief.get("edge")
    reference = preview.references.get(decision.token)
    return Signal(
        direction="buy" if decision.order_micro > 0 else "sell", side=str(about.side), bracket=about.label, venue=about.venue,
        event_id=about.event_id, token_id=about.token, entry_price=limit, reference_price=reference, size=size,
        size_usd=None if reference is None else round(abs(decision.order_micro) * reference / MICRO, 6),
        edge=edge if isinstance(edge, float) else None, strategy=preview.strategy, reason=decision.reason_code,
    )  # fmt: skip
