"""What the desk thought of an event when it decided on a trade, and how large it wanted it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from core.metrics.results import fair_of
from core.services.journal_rows import Row
from core.services.trade_rows import Trade
from core.services.values import number, usd, whole

# In what a check or a measure counts; what is not here is a plain number. R: the desk's unit of risk.
UNITS: Mapping[str, str] = {
    **dict.fromkeys(
        ("bracket", "city_day", "region_day", "desk_day", "open_risk", "source", "day_loss", "week_loss", "worst_day"), "R"
    ),
    **dict.fromkeys(("market_cap", "bankroll", "min_cash", "trade_ceiling", "rounded_fee"), "$"),
    **dict.fromkeys(("priced", "fair_gap", "spread", "limit_price", "estimated_cost", "exit_edge"), "$ per share"),
    **dict.fromkeys(("book_age", "forecast_age", "forecast_confirmed", "metar_age"), "s"),
    **dict.fromkeys(("disagreement", "moved", "off_curve"), "°"),
    **dict.fromkeys(("regime", "earned_size", "step", "operator_dial"), "× size"),
    **dict.fromkeys(("drawdown_reference", "drawdown_all_time"), "R"),
    "print_age": "min", "minimum_size": "shares", "kelly_cap": "of equity", "depth": "of what is shown",
}  # fmt: skip
# What the optimiser says of a size, by the name under which a decision keeps it; the first that is there counts.
SIZED: Mapping[str, tuple[str, ...]] = {
    "optimum": ("optimum",),
    "kelly_share": ("lambda",),
    "correlation_scale": ("correlation_scale",),
    "lock_up": ("lockup_cost",),
    "growth": ("growth_alone", "growth"),
    "marginal_value": ("marginal_value",),
}
ROLES = ("arbitrage", "hedge", "view")  # what a purchase can stand for; the first that a decision says of itself


@dataclass(frozen=True, slots=True)
class BelievedBracket:
    rank: int
    bracket: str
    lower: int | None
    upper: int | None
    p_model: float | None
    p_market: float | None
    p_pooled: float | None
    edge: float | None  # of the better side
    side: str
    traded: bool  # it is the bracket of this trade


@dataclass(frozen=True, slots=True)
class Measure:
    """One number that the regime was judged by, and where it would have changed."""

    name: str
    value: float | None
    limit: float | None
    unit: str = ""  # of UNITS


@dataclass(frozen=True, slots=True)
class Part:
    """One component of the law; `df` None: normal."""

    weight: float
    location: float
    sd: float
    df: float | None


@dataclass(frozen=True, slots=True)
class Distribution:
    """The model's chance of each reading that has one, given what was observed; readings in the rule's unit."""

    readings: tuple[int, ...]
    p: tuple[float, ...]
    floor: float | None  # extreme observed by then: nothing on its wrong side is left
    p_no_more: float | None
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Belief:
    """What the desk thought of the event when it decided; temperatures in `unit`."""

    unit: str
    mean: float | None
    sd: float | None
    forecast: float | None
    floor: float | None  # extreme observed by then
    p_no_more: float | None  # that it stands
    p_model: float | None  # of the bracket
    p_market: float | None
    p_pooled: float | None
    pool_weight: float | None  # of the model
    fair: float | None  # of a share of the traded side [USD]
    price: float | None  # all-in, of the reference size; of a sale what it fetched less its fee [USD per share]
    edge: float | None  # fair value less price; of a sale price less fair value
    fraction: float | None  # growth-optimal share of wealth
    n_residuals: int | None
    regime: str
    regime_reason: str
    measures: tuple[Measure, ...]
    brackets: tuple[BelievedBracket, ...]


@dataclass(frozen=True, slots=True)
class Sizing:
    """From what the optimum wanted to what was sent [shares]; what a decision did not keep is None."""

    held: Decimal
    wanted: Decimal
    allowed: Decimal
    ordered: Decimal  # below 0 sells
    filled: Decimal
    reason: str  # the limit that bound, or why nothing did
    sentence: str
    role: str = ""  # "view": its own edge is positive; "hedge": it pays where the views lose; "arbitrage": part of a sure set
    optimum: float | None = None  # of a desk without limits [shares]
    kelly_share: float | None = None  # part of the optimum that is wanted
    correlation_scale: float | None = None  # of the path, for what moves together
    lock_up: float | None = None  # cost of the capital until the event is paid [USD per share]
    growth: float | None = None  # of the logarithm of wealth by this token alone
    marginal_value: float | None = None  # of one more share at the optimum


def belief_of(told: Mapping[str, Any], outlook: Row | None, brackets: Sequence[Row], trade: Trade) -> Belief | None:
    """Return the belief that a decision and its cycle's evaluation kept, None where neither is there."""
    if not told and outlook is None:
        return None
    seen = outlook or {}
    pooled = number(told.get("p_pooled"))
    measures = (
        Measure(name, number(told[name]), number(told[f"{name}_limit"]), UNITS.get(name, ""))
        for name in sorted(told)
        if f"{name}_limit" in told
    )
    return Belief(
        unit=trade.unit, mean=number(told.get("mean", seen.get("mean"))), sd=number(told.get("sd", seen.get("sd"))),
        forecast=number(seen.get("forecast")), floor=number(told.get("floor", seen.get("floor"))),
        p_no_more=number(seen.get("p_no_more")), p_model=number(told.get("p_model")), p_market=number(told.get("p_market")),
        p_pooled=pooled, pool_weight=number(seen.get("pool_weight")),
        fair=fair_of(pooled, trade.side),
        price=number(told.get("price")) if trade.action == "buy" else _fetched(trade),
        edge=number(told.get("edge")) if trade.action == "buy" else trade.edge, fraction=trade.f_kelly,
        n_residuals=whole(told.get("n_residuals")),
        regime=str(told.get("regime", "")), regime_reason=str(told.get("regime_reason", "")), measures=tuple(measures),
        brackets=tuple(_bracket(one, trade) for one in sorted(brackets, key=lambda one: one["bracket"])),
    )  # fmt: skip


def distribution_of(outlook: Row | None) -> Distribution | None:
    """Return the law over readings that the evaluation of a cycle kept; older evaluations keep none."""
    told = orjson.loads((outlook or {}).get("distribution") or "{}")
    if not told or outlook is None:
        return None
    return Distribution(
        tuple(map(int, told["reading"])), tuple(map(float, told["p"])), number(outlook.get("floor")),
        number(outlook.get("p_no_more")), tuple(_parts(told["parts"])),
    )  # fmt: skip


def sizing_of(row: Row, told: Mapping[str, Any], reasons: Mapping[str, str]) -> Sizing | None:
    """Return the steps of a size, None where the journal holds no decision of the order."""
    if row.get("wanted_micro") is None:
        return None
    reason = row["reason_code"]
    return Sizing(
        usd(row["held_micro"]), usd(row["wanted_micro"]), usd(row["allowed_micro"]), usd(row["order_micro"]),
        usd(row["filled_micro"]), reason, reasons.get(reason, ""), role=_role(told),
        **{name: _first(told, names) for name, names in SIZED.items()},
    )  # fmt: skip


def _first(told: Mapping[str, Any], names: Sequence[str]) -> float | None:
    return next((number(told[name]) for name in names if told.get(name) is not None), None)


def _role(told: Mapping[str, Any]) -> str:
    """Return what a purchase stands for; a decision that does not say so is a view where its own edge is positive."""
    said = next((role for role in ROLES if number(told.get(role))), None)
    edge = number(told.get("edge"))
    if said is not None or edge is None:
        return said or ""
    return "view" if edge > 0 else "hedge"


def _parts(parts: Sequence[Sequence[float | None]]) -> Iterator[Part]:
    for weight, location, sd, df in parts:
        yield Part(float(weight or 0), float(location or 0), float(sd or 0), df)


def _fetched(trade: Trade) -> float | None:
    return float((trade.size_usd - trade.fee_usd) / trade.shares) if trade.shares else None


def _bracket(row: Row, trade: Trade) -> BelievedBracket:
    return BelievedBracket(
        int(row["bracket"]), row["label"], whole(row["lower"]), whole(row["upper"]), number(row["p_model"]),
        number(row["p_market"]), number(row["p_pooled"]), number(row["edge"]), row["side"] or "",
        row["market_id"] == trade.market_id,
    )  # fmt: skip
