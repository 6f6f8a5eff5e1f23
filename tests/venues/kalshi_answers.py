"""Answers in the shape of Kalshi's, for a New York event of a day without captures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from core.settings import Settings, SourceSettings
from tests.venues.servers import Script, reply

SERIES, DAY = "KXHIGHNY", date(2026, 6, 3)
EVENT = "KXHIGHNY-26JUN03"
NOW = datetime(2026, 6, 2, 18, tzinfo=UTC)
PRIMARY = (
    "If the maximum temperature recorded at New York City for {date}, is {strike}° fahrenheit according to the National"
    " Weather Service's Climatological Report (Daily), then the market resolves to Yes."
)
CAUTION = "Not all weather data is the same."
LADDER = (75, 77, 79, 81, 83)  # lower edges of what is not the cold tail


def market(day: date, kind: str, floor: int | None, cap: int | None, **more: Any) -> dict[str, Any]:
    """Return one market with all that a trader is told."""
    event = f"{SERIES}-{day:%y}{day:%b}{day:%d}".upper()
    name, words, label = {
        "less": (f"T{cap}", f"less than {cap}", f"{(cap or 0) - 1}° or below"),
        "greater": (f"T{floor}", f"greater than {floor}", f"{(floor or 0) + 1}° or above"),
        "between": (f"B{(floor or 0) + 0.5}", f"between {floor}-{cap}", f"{floor}° to {cap}°"),
    }[kind]
    ends = datetime(day.year, day.month, day.day, 4, 59, tzinfo=UTC) + timedelta(days=1)
    opens = ends - timedelta(hours=38, minutes=59)
    strikes = {key: value for key, value in (("floor_strike", floor), ("cap_strike", cap)) if value is not None}
    return {
        "ticker": f"{event}-{name}", "event_ticker": event, "market_type": "binary", "status": "active", "result": "",
        "expiration_value": "", "open_time": f"{opens:%Y-%m-%dT%H:%M:%SZ}", "close_time": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
        "yes_sub_title": label, "price_level_structure": "linear_cent", "liquidity_dollars": "0.0000",
        "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}], "fractional_trading_enabled": True,
        "strike_type": kind, **strikes, "rules_secondary": CAUTION,
        "rules_primary": PRIMARY.format(date=f"{day:%b} {day.day}, {day.year}", strike=words), **more,
    }  # fmt: skip


def markets(day: date = DAY, **more: Any) -> list[dict[str, Any]]:
    """Return six markets, warmest first: no order is promised."""
    inner = [market(day, "between", low, low + 1, **more) for low in LADDER[:-1]]
    return [market(day, "greater", LADDER[-1] - 1, None, **more), *inner[::-1], market(day, "less", None, LADDER[0], **more)]


def event(day: date = DAY, listed: Sequence[Mapping[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    """Return an event with its markets."""
    name = f"{SERIES}-{day:%y}{day:%b}{day:%d}".upper()
    return {
        "event_ticker": name, "series_ticker": SERIES, "title": f"Highest temperature in NYC on {day:%b} {day.day}, {day.year}?",
        "sub_title": f"On {day:%b} {day.day}, {day.year}", "mutually_exclusive": True,
        "markets": list(markets(day) if listed is None else listed), **more,
    }  # fmt: skip


def settled(day: date, winner: str, value: str = "78.00", **more: Any) -> list[dict[str, Any]]:
    """Return finalized markets; the name of the winner ends with `winner`."""
    found = markets(day, status="finalized", settlement_ts=f"{day + timedelta(days=1)}T12:05:00Z", **more)
    for each in found:
        won = each["ticker"].endswith(winner)
        each["result"], each["expiration_value"] = ("yes", value) if won else ("no", value)
    return found


def trade(name: str, ticker: str, at: str, price: str = "0.4000", count: str = "5.00", taker: str = "yes") -> dict[str, Any]:
    """Return one trade."""
    return {
        "trade_id": name, "ticker": ticker, "created_time": at, "count_fp": count, "yes_price_dollars": price,
        "no_price_dollars": f"{1 - float(price):.4f}", "taker_outcome_side": taker, "is_block_trade": False,
    }  # fmt: skip


def book(ticker: str, yes: Any, no: Any) -> dict[str, Any]:
    """Return one element of the answer for several books."""
    return {"ticker": ticker, "orderbook_fp": {"yes_dollars": yes, "no_dollars": no}}


def settings(url: str) -> Settings:
    return Settings(_env_file=None, sources={"kalshi": SourceSettings(base_url=url, timeout_seconds=5)})


def routed(routes: Mapping[str, Script | Sequence[Script]]) -> Script:
    """Answer by path, or by its start where that ends in a slash; several answers come in turn, anything else is 404."""
    queues = {path: [scripts] if callable(scripts) else list(scripts) for path, scripts in routes.items()}
    lost = reply(404, {"error": {"code": "not_found", "message": "not found"}})

    def answer(handler: Any) -> None:
        asked_for = urlsplit(handler.path).path
        fitting = [path for path in queues if path == asked_for or (path.endswith("/") and asked_for.startswith(path))]
        queue = queues[max(fitting, key=len)] if fitting else [lost]
        (queue.pop(0) if len(queue) > 1 else queue[0])(handler)

    return answer


def asked(paths: Sequence[str], path: str) -> list[dict[str, list[str]]]:
    """Return the queries of one path, in the order they came."""
    return [parse_qs(urlsplit(each).query) for each in paths if urlsplit(each).path == path]
