"""Station cards: one event each, with the numbers that matter at one look."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from core.services.stations import StationCard
from core.services.status import Status
from dashboard import selection, wording
from dashboard.selection import Selection

REPORT_LIMIT = 8_400.0  # age of a METAR past which it is old: two hourly reports and twenty minutes [s]
FORECAST = (
    "Centre of the extremes that the models forecast, each its own; the curve on Live is their mean by the hour and peaks less"
)
STATE_TONES = {"held": "gain", "not traded": "amber", "day over": "quiet", "settled": "quiet"}


def cards(found: Sequence[StationCard], interval_seconds: float) -> str:
    """Return the cards as a grid; each opens its event on the Live page."""
    return f'<div class="cards">{"".join(_card(one, interval_seconds) for one in found)}</div>'


def interval_of(status: Status) -> float:
    """Return the time between two cycles [s]."""
    return float(status.cycle.interval_seconds)


def _card(card: StationCard, interval: float) -> str:
    where = Selection(card.station_code, card.event_day.isoformat(), card.extreme, card.venue)
    about = " · ".join((wording.day(card.event_day), card.venue.title(), card.regime or wording.NONE))
    held = ", ".join(held_in_words(one, card.unit) for one in card.held) or "nothing"
    pairs = (
        (f"forecast {card.extreme}", _degrees(card.forecast, card.unit), "", FORECAST),
        ("METAR now", _metar(card), wording.freshness(card.metar_age_seconds, REPORT_LIMIT), _observed(card)),
        ("best edge", _edge(card), "gain" if (card.best_edge or 0) > 0 else "", "After fees, of the better side"),
        ("held", _held(card), "", f"{held}; at risk {wording.dollars(card.at_risk_usd)}"),
        ("P&L", wording.gain(card.pnl_usd), _tone(card), "Booked less fees, and what the books take now of what is open"),
        ("evaluated", wording.ago(card.age_seconds), _age_tone(card, interval), "Age of the evaluation"),
    )  # fmt: skip
    lines = "".join(
        f'<dt>{escape(name)}</dt><dd class="{tone}" title="{escape(title)}">{escape(text)}</dd>'
        for name, text, tone, title in pairs
    )
    why = f" · {wording.reason(card.why)}" if card.why else ""
    return (
        f'<a class="card" href="{escape(selection.link(where))}" target="_self" data-event="{escape(card.event_id)}" '
        f'data-state="{escape(card.state)}"><header><b>{escape(card.city)}</b> {escape(card.station_code)} '
        f'<span class="{STATE_TONES.get(card.state, "")}">{escape(card.state + why)}</span></header>'
        f"<p>{escape(card.extreme)} · {escape(about)}</p><dl>{lines}</dl></a>"
    )


def _degrees(value: float | None, unit: str) -> str:
    return wording.NONE if value is None else f"{wording.trimmed(value, 1)}°{unit}"


def _metar(card: StationCard) -> str:
    if card.metar is None:
        return wording.NONE
    return f"{_degrees(card.metar, card.unit)} {wording.ago(card.metar_age_seconds)}"


def _observed(card: StationCard) -> str:
    if card.metar is None:
        return "No report of the last six hours"
    word = "lowest" if card.extreme == "low" else "highest"
    newer = "; newer than the evaluation" if (card.metar_age_seconds or 0.0) < card.age_seconds else ""
    return f"{word} so far: {wording.NONE if card.floor is None else wording.trimmed(card.floor, 1)}{newer}"


def _edge(card: StationCard) -> str:
    text = wording.edge_of(card.best_side, card.best_edge)
    return text if text == wording.NONE else f"{text} {best_bracket(card)}"


def best_bracket(card: StationCard) -> str:
    """Return the bracket with the best edge, spelled as everywhere."""
    return wording.spelled(card.best_bracket, card.unit)


def held_in_words(one: str, unit: str) -> str:
    """Return a holding of a card, `YES 79-80°F × 40`, with its bracket spelled as everywhere."""
    side, _, rest = one.partition(" ")
    bracket, cross, size = rest.rpartition(" × ")
    return f"{side} {wording.spelled(bracket, unit)}{cross}{size}"


def _held(card: StationCard) -> str:
    more = f" +{len(card.held) - 1}" if len(card.held) > 1 else ""
    return f"{held_in_words(card.held[0], card.unit)}{more}" if card.held else wording.NONE


def _tone(card: StationCard) -> str:
    return "" if not card.pnl_usd else "gain" if card.pnl_usd > 0 else "loss"


def _age_tone(card: StationCard, interval: float) -> str:
    return "" if card.state in ("settled", "day over") else wording.freshness(card.age_seconds, 2 * interval)
