"""Why an order is as large as it is, or is none: every reason code in words."""

from __future__ import annotations

from collections.abc import Mapping

AS_WANTED = "as_wanted"
ON_TARGET = "on_target"

REASONS: Mapping[str, str] = {
    AS_WANTED: "Nothing stood in the way: the order is what the desk wanted.",
    ON_TARGET: "The position is already what the limits leave of the target.",
    "open_event": "The event is closed to new positions.",
    "priced": "There is no executable price or no fair value.",
    "regime": "The weather regime of the event scales the size down, or forbids it.",
    "fair_gap": "Fair value and market are far apart: half size.",
    "earned_size": "The record has earned a probe only (a tenth of normal size, or the venue's minimum where that is cheap), or nothing.",
    "kill_switch": "The kill switch is thrown: exits only.",
    "day_loss": "The desk day has lost its limit: no new risk until 16:00Z.",
    "week_loss": "The desk week has lost its limit: no new risk until Monday.",
    "worst_day": "If everything that settles this desk day went wrong, the day would lose more than it may.",
    "fresh_marks": "A holding of this event has no fresh bid, so its value is a guess.",
    "bracket": "The cap on one bracket is reached.",
    "city_day": "The cap on one city and day, across venues and highs and lows, is reached.",
    "region_day": "The cap on one weather region and day is reached.",
    "desk_day": "The cap on events of one day is reached.",
    "open_risk": "The cap on all that is open is reached.",
    "source": "The cap on one settlement source is reached.",
    "market_cap": "The dollar cap on one bracket is reached.",
    "bankroll": "The dollar cap on events of one day is reached.",
    "kelly_cap": "The share of equity that one event may hold is reached.",
    "min_cash": "The cash that is never spent would be touched.",
    "trade_ceiling": "One trade may not risk more: 2 % of equity, and half of what is left of the day's loss limit.",
    "book_sanity": "The book is empty, crossed or full of placeholders.",
    "book_age": "The book is too old.",
    "print_age": "The last print is too old, or there is none.",
    "spread": "The spread is too wide.",
    "limit_price": "The best price on offer is beyond our limit price.",
    "depth": "Too little is shown within the limit price, or we have taken our part of it already.",
    "estimated_cost": "Half spread and walk would cost more than half of the gross edge.",
    "rounded_fee": "The fee, rounded as the venue rounds it, would eat what is expected of so small an order.",
    "duplicate": "This cycle has placed that order already.",
    "minimum_size": "What is left is below the venue's minimum order.",
    "exit_edge": "The bid does not pay enough above fair value to leave.",
    "book_missing": "No book was recorded close enough to the moment of the order.",
    "book_late": "The order's book was never collected: the process was not running then.",
    "no_depth": "Nothing was left on offer within the limit price.",
    "part_depth": "Less was left on offer within the limit price than was ordered.",
    "off_tick": "The limit price is not on the venue's price grid.",
    "not_listed": "The venue's listing of the event is not known.",
    "waits_for_print": "Only prints exist: the order waits for a later one.",
    "no_print": "No later print on our side met the order before the next look.",
    "event_settled": "The event was settled while the order was working.",
    "part_print": "Later prints filled a part of the order before the next look.",
}
"""Codes of decisions and of orders. A desk adds its own for events that it closes."""


def sentence(code: str) -> str:
    """Return a reason code in words; a desk's own code as it is."""
    return REASONS.get(code, code.replace("_", " "))
