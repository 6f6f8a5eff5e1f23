"""Faults that stay with an event: its rule reads otherwise from some instant on, its outcome is another for a day.

About one event in twelve has each of them, decided by the seed and the event's own name: whoever looks at it at the same
instant sees the same.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from venues.demo.answers import Answer
from venues.demo.lies import edited, event_of, things
from venues.demo.scene import Scene

_SHARE = 1.0 / 12.0
_DAY = 86_400
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TEXTS = ("description", "rules_primary")
_PLACE = re.compile(r"(recorded (?:at|in|by) )(?:the )?[^,.]+?( Station\b| in degrees| for [A-Z]|,)")
_SOURCES = (
    ("National Weather Service's Climatological Report (Daily)", "The Weather Company's daily summary"),
    ("Wunderground", "AccuWeather"),
    ("NOAA", "AccuWeather"),
    ("Hong Kong Observatory", "AccuWeather"),
)
_ADDED = " Clarification: this market resolves by the daily summary of The Weather Company."
_WON, _LOST = '["1", "0"]', '["0", "1"]'


def change_rules(scene: Scene, answer: Answer) -> Answer:
    """Let the rule of some events name another station or another source, from the noon before their day or a little later."""

    def change(body: Any) -> None:
        for thing in things(body):
            event = event_of(thing)
            if not any(isinstance(thing.get(name), str) for name in _TEXTS) or not _chosen(scene, event):
                continue
            begins = midnight_of(event) - _DAY // 2 + int(scene.fate(event, "from") * 18 * 3600)
            if scene.ask.second >= begins:
                for name in _TEXTS:
                    if isinstance(thing.get(name), str):
                        thing[name] = _retold(thing[name], station=scene.fate(event, "how") < 0.5)

    return edited(answer, change)


def revise_outcomes(scene: Scene, answer: Answer) -> Answer:
    """Publish a neighbour of the winner first, and the winner a day later."""

    def change(body: Any) -> None:
        events: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for thing in things(body):
            if "outcomePrices" in thing or "result" in thing:
                events[event_of(thing)].append(thing)
        for event, markets in events.items():
            settled = max(_settled(market) for market in markets)
            if _chosen(scene, event) and settled > 0 and scene.ask.second < settled + _DAY:
                _exchange_winner(sorted(markets, key=_rank), step=1 if scene.fate(event, "side") < 0.5 else -1)

    return edited(answer, change)


def midnight_of(event: str) -> int:
    """Return the UTC midnight at which the day of an event begins by its name; 0 if it names none."""
    if found := re.search(r"-on-([a-z]{3})[a-z]*-(\d{1,2})-(\d{4})", event):
        month, day, year = found[1], int(found[2]), int(found[3])
    elif found := re.search(r"-(\d{2})([A-Z]{3})(\d{2})\b", event):
        month, day, year = found[2].lower(), int(found[3]), 2000 + int(found[1])
    else:
        return 0
    return int(datetime(year, _MONTHS.index(month) + 1, day, tzinfo=UTC).timestamp()) if month in _MONTHS else 0


def _chosen(scene: Scene, event: str) -> bool:
    return midnight_of(event) > 0 and scene.fate(event) < _SHARE


def _retold(text: str, *, station: bool) -> str:
    changed = _PLACE.sub(r"\1the Newark Liberty International Airport\2", text) if station else text
    if changed == text:
        known = next(((here, there) for here, there in _SOURCES if here in text), None)
        changed = text + _ADDED if known is None else text.replace(*known)
    return changed


def _settled(market: dict[str, Any]) -> int:
    # 0 as long as it is not
    if "outcomePrices" in market:
        text = market.get("closedTime") if market.get("closed") is True else None
    else:
        text = (market.get("settlement_ts") or market.get("close_time")) if market.get("result") else None
    return int(datetime.fromisoformat(text).timestamp()) if isinstance(text, str) else 0


def _rank(market: dict[str, Any]) -> float:
    if "outcomePrices" in market:
        return float(market.get("groupItemThreshold") or 0)
    low, high = market.get("floor_strike"), market.get("cap_strike")
    return float(low) if low is not None else float(high or 0) - 1000.0


def _exchange_winner(markets: list[dict[str, Any]], *, step: int) -> None:
    won = [
        place for place, market in enumerate(markets) if market.get("outcomePrices") == _WON or market.get("result") == "yes"
    ]
    if len(won) != 1 or len(markets) < 2:
        return
    place = won[0] + step
    winner, other = markets[won[0]], markets[place if 0 <= place < len(markets) else won[0] - step]
    for name in (
        "outcomePrices",
        "lastTradePrice",
        "bestBid",
        "bestAsk",
        "result",
        "settlement_value_dollars",
        "last_price_dollars",
    ):
        if name in winner and name in other:
            winner[name], other[name] = other[name], winner[name]
    if "expiration_value" in winner:
        value = _reading(other)
        for market in markets:
            market["expiration_value"] = value


def _reading(market: dict[str, Any]) -> str:
    # a whole degree inside the bracket; strikes of open brackets are not part of them
    low, high = market.get("floor_strike"), market.get("cap_strike")
    if low is not None and high is not None:
        return f"{float(low):.2f}"
    return f"{float(low) + 1.0:.2f}" if low is not None else f"{float(high or 0) - 1.0:.2f}"
