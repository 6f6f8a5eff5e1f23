"""Why nothing is wanted, or nothing may be opened: every code of the weather desk in words."""

from __future__ import annotations

from collections.abc import Mapping

WANTED = ""

EVENT_REASONS: Mapping[str, str] = {
    "rule_unreadable": "The newest listing's rule or ladder is not understood.",
    "listing_changed": "Rule text, ladder or fees changed since the event was first listed.",
    "rule_inferred": "Some part of the rule was concluded, not read.",
    "window_closed": "The settlement day is over, or the venue takes no orders.",
    "forecast_missing": "No forecast covers the settlement day.",
    "forecast_old": "The newest forecast content is older than its source's limit.",
    "forecast_unconfirmed": "The forecast was not received again for 90 minutes.",
    "metar_old": "The day is running and the station's newest report is older than two of its cadences and 20 minutes.",
    "book_missing": "No book was recorded in the last hours.",
    "book_old": "The book is older than the limit at the decision.",
    "liquidity_low": "The event's liquidity is below the least that is traded on Polymarket.",
}
"""Why the regime of an event is NOTRADE, in the order in which they are asked."""

BRACKET_REASONS: Mapping[str, str] = {
    WANTED: "The bracket is worth its price and more: a position is wanted.",
    "no_opinion": "There is no distribution for the event.",
    "no_price": "Neither side can be bought: nothing is offered, or less than the venue's minimum.",
    "print_old": "Only prints exist, and the last one is too old.",
    "market_silent": "The books do not make a distribution, and the model alone is not traded.",
    "edge_small": "No side's edge after fees reaches the least that is traded.",
    "growth_small": "The bracket alone would bring too little growth to be worth an order.",
    "not_optimal": "Other brackets of the event carry the same view at a better price.",
}
"""Why a bracket is skipped."""

REASONS: Mapping[str, str] = {**EVENT_REASONS, **BRACKET_REASONS}


def sentence(code: str) -> str:
    """Return a code of this desk in words."""
    return REASONS.get(code, code.replace("_", " "))
