"""The checks of Transmission in plain words, for the strategy page and the docs."""

from __future__ import annotations

from agents.transmission.decisions import NOT_APPLICABLE, NOT_BUILT
from core.model.described import Described

CHECKS: tuple[Described, ...] = (
    Described("opening", "open_event", "Nothing is opened in an event that the desk has closed or the venue has settled.", ""),
    Described("opening", "priced", "Nothing is opened without an executable price and a fair value.", ""),
    Described("multiplier", "regime", "The regime of the event scales what is added.", "size × (1, 0.75, 0.5 or 0)"),
    Described(
        "multiplier", "fair_gap", "Far from the market we take half.", "size × 0.5 where |fair − mid| > fair_gap"
    ),
    Described(
        "multiplier", "earned_size",
        "Until the record has earned more, size is a probe: a tenth of normal, or the venue's minimum where that is cheap. "
        "A record surely worse than the market earns none.",
        "probe_share × size; the minimum where its cost ≤ probe_minimum_r × R0 and normal size reaches it; else 0",
    ),
    Described("tripwire", "kill_switch", "A person has stopped all new risk; exits stay open.", "tripped & KILL"),
    Described(
        "tripwire", "day_loss", "A desk day that has lost its limit, realised and open, adds no risk until the next one.",
        "equity at the start of the desk day − equity ≥ day_loss_r × R0",
    ),
    Described(
        "tripwire", "week_loss", "The same for the desk week, until Monday.",
        "equity at the start of the desk week − equity ≥ week_loss_r × R0",
    ),
    Described(
        "tripwire", "worst_day", "A purchase is refused if the day could end beyond its worst case.",
        "loss of the day + value of all that may settle in it + worst-case loss of what is new > worst_day_r × R0",
    ),
    Described(
        "tripwire", "fresh_marks", "No more of an event in which a holding has no bid younger than bid_minutes.",
        "value of such a holding: min(fair value, last bid) × 0.8",
    ),
    Described("cap", "bracket", "Most at risk in one bracket.", "Σ worst-case loss ≤ bracket_r × R0"),
    Described("cap", "city_day", "Most at risk in one city and day.", "Σ over venues, highs and lows ≤ city_day_r × R0"),
    Described("cap", "region_day", "Most at risk in one weather region and day.", "Σ ≤ region_day_r × R0"),
    Described("cap", "desk_day", "Most at risk in events of one day.", "Σ ≤ desk_day_r × R0"),
    Described("cap", "open_risk", "Most at risk in all that is open.", "Σ ≤ open_r × R0"),
    Described("cap", "source", "Most at risk on one settlement source failing or being misread.", "Σ ≤ source_r × R0"),
    Described("cap", "market_cap", "Most dollars in one bracket.", "Σ ≤ per_market_cap_usd"),
    Described("cap", "bankroll", "Most dollars in events of one day.", "Σ ≤ daily_bankroll_cap_usd"),
    Described("cap", "kelly_cap", "Largest share of equity in one event.", "Σ ≤ kelly_cap × equity"),
    Described("cap", "min_cash", "Some cash is never spent.", "cash − Σ cost ≥ min_cash_pct of equity"),
    Described(
        "ceiling", "trade_ceiling", "What no setting passes, for one trade.",
        "worst-case loss ≤ min(2 % of equity, ½ × (day_loss_r × R0 − loss of the day))",
    ),
    Described("guard", "book_sanity", "No book that is empty, crossed or full of placeholders.", "0 < ask < 1, bid < ask"),
    Described("guard", "book_age", "No old book.", "age ≤ book_age_seconds"),
    Described("guard", "print_age", "Where only prints exist, no old print.", "age ≤ print_age_minutes"),
    Described("guard", "spread", "No wide spread.", "ask − bid ≤ max(max_spread, 25 % of mid)"),
    Described(
        "guard", "limit_price", "The worst price that an order accepts.",
        "min(fair value − fee − EDGE_MIN, best ask + chase_ticks ticks), on the tick",
    ),
    Described(
        "guard", "depth", "An order takes a quarter of what is shown within its limit price, less what we took from that book.",
        "size ≤ max_depth_share × shown − taken",
    ),
    Described(
        "guard", "estimated_cost", "Getting in must leave half of the edge.",
        "average price − mid ≤ max_cost_share × (fair − mid)",
    ),
    Described(
        "guard", "rounded_fee",
        "The fee of the order, rounded once as the venue rounds it, must leave a gain at the worst price that it accepts.",
        "size × (fair value − limit price) − rounded fee > 0",
    ),
    Described("guard", "duplicate", "One order per cycle, run and token.", ""),
    Described("guard", "minimum_size", "Below the venue's minimum nothing is sent, and nothing is rounded up.", ""),
    Described(
        "exit", "exit_edge", "A position is sold only where the desk wants less of it and the bid pays more than it is worth.",
        "best bid − fee ≥ fair value + exit_edge_min",
    ),
    *(Described("not built", name, f"{text}: not built yet.", "") for name, text in NOT_BUILT.items()),
    *(Described("not applicable", name, f"{text}.", "") for name, text in NOT_APPLICABLE.items()),
)  # fmt: skip
"""One row for each check that a decision lists."""
