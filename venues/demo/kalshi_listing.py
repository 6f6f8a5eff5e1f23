"""What Kalshi says of a series, an event and a market once and for all: names, rule texts, hours, price steps."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from venues.demo.answers import iso
from venues.demo.contracts import Contract
from venues.demo.events import MONTHS, Bracket, Event

_DAY_MS = 86_400_000
_EXPECTED_MS = 36_060_000  # from the close to the hour at which it is expected to expire
_ANOTHER_SOURCE = date(2026, 8, 14)  # from this event day on another publisher tells the same number
_PRIMARY = (
    "If the {extreme} temperature recorded at {place} for {day}, is {strike}° fahrenheit according to {source}, then the "
    "market resolves to Yes."
)
_REPORT = "the National Weather Service's Climatological Report (Daily)"
_PUBLISHER = "The Weather Company"
_CAUTION = (
    "Not all weather data is the same. While checking a source like AccuWeather or Google Weather may help guide your "
    "decision, the official and final value used to determine this market is the maximum/minimum temperature as reported by "
)
_SECONDARY = (
    "Data for {report} can be found by clicking the following URL: https://www.weather.gov/wrh/Climate?wfo={office}, "
    'navigating to the "Observed Weather" tab, and choosing the location "{location}" with Daily Climate Report selected. '
    "Please use the latest version of the data for the desired date, keeping in mind that different cities update their "
    "reports at different frequencies.\n\n"
    f"{_CAUTION}the corresponding NWS Climatological Report (Daily) linked in the rules above. Preliminary NWS reporting and "
    "measurement methods may be subject to underlying rounding and conversion nuances. Traders should exercise caution when "
    "interpreting preliminary NWS data."
)
_SECONDARY_PUBLISHER = (
    f"{_CAUTION}the Weather Company.\n\n"
    "Reading weather data\nPreliminary Weather Company data may be subject to rounding and conversion differences from the "
    "final reported value.\nUse caution when interpreting preliminary Weather Company readings.\n\n"
    "If it is determined in the sole discretion of the Exchange that there is a material error in the initial "
    "non-preliminary publication, Expiration may be held until the publication of a non-materially-erroneous data revision "
    "or until the Expiration Date, whichever comes first. If no data is available at the end of this period, all markets "
    'will resolve to the last fair price determined by Kalshi. Please note, a status of "Final" on weather.com/kalshi is '
    "provided for convenience only, and does not guarantee data to be error-free and thus exempt from the above."
)


def market_ticker(event: Event, place: int) -> str:
    """Return the exchange's name of a bracket."""
    return f"{event.slug}-{event.brackets[place].slug}"


def rules(event: Event, place: int) -> tuple[str, str]:
    """Return both rule texts of a bracket."""
    words, bracket = event.contract.report, event.brackets[place]
    modern = event.day >= _ANOTHER_SOURCE
    primary = _PRIMARY.format(
        extreme=_extreme(event), place=f"{words.city} ({words.report})" if modern else words.city, day=_day_text(event.day),
        strike=_strike(bracket), source=_PUBLISHER if modern else _REPORT,
    )  # fmt: skip
    if modern:
        return primary, _SECONDARY_PUBLISHER
    return primary, _SECONDARY.format(report=words.report, office=words.office, location=words.location)


def series_fields(contract: Contract) -> dict[str, Any]:
    """Return a series."""
    return {
        "ticker": contract.series,
        "title": f"{'Lowest' if contract.low else 'Highest'} temperature in {contract.report.city}",
        "category": "Climate and Weather",
        "frequency": "daily",
        "tags": ["Daily temperature"],
        "settlement_sources": [_source(contract)],
        "contract_url": "https://kalshi-public-docs.s3.amazonaws.com/contract_terms/demo.pdf",
        "contract_terms_url": "https://kalshi-public-docs.s3.amazonaws.com/contract_terms/demo.pdf",
        "fee_type": "quadratic",
        "fee_multiplier": 1,
        "additional_prohibitions": [],
    }


def event_fields(event: Event) -> dict[str, Any]:
    """Return an event without its markets; `last_updated_ts` is blank."""
    contract = event.contract
    return {
        "event_ticker": event.slug,
        "series_ticker": contract.series,
        "title": f"{'Lowest' if contract.low else 'Highest'} temperature in {contract.report.city} on {_day_text(event.day)}?",
        "sub_title": f"On {_day_text(event.day)}",
        "category": "Climate and Weather",
        "collateral_return_type": "MECNET",
        "mutually_exclusive": True,
        "strike_date": iso(event.closed, digits=0),
        "strike_period": "",
        "settlement_sources": [_source(contract)],
        "last_updated_ts": "",
        "exchange_index": 0,
    }


def market_fields(event: Event, place: int) -> dict[str, Any]:
    """Return a market; quotes, volumes, status and outcome are blank."""
    bracket = event.brackets[place]
    primary, secondary = rules(event, place)
    kind, floor, cap = _strike_fields(bracket)
    expected, latest = event.closed + _EXPECTED_MS, event.closed + _EXPECTED_MS + 7 * _DAY_MS
    return {
        "can_close_early": True,
        "close_time": iso(event.closed, digits=0),
        "created_time": iso(event.created + 1_000 + 17 * place, digits=6),
        "early_close_condition": (
            "This market will close and expire the sooner of the first 7:00 or 8:00 AM ET following the release of the data "
            "for the day, or one week after the day."
        ),
        "event_ticker": event.slug,
        "expected_expiration_time": iso(expected, digits=0),
        "expiration_time": iso(latest, digits=0),
        "expiration_value": "",
        "fractional_trading_enabled": True,
        "last_price_dollars": "",
        "latest_expiration_time": iso(latest, digits=0),
        "liquidity_dollars": "0.0000",
        "market_type": "binary",
        "no_ask_dollars": "",
        "no_bid_dollars": "",
        "no_sub_title": bracket.label,
        "notional_value_dollars": "1.0000",
        "open_interest_fp": "",
        "open_time": iso(event.accepting, digits=0),
        "previous_price_dollars": "",
        "previous_yes_ask_dollars": "",
        "previous_yes_bid_dollars": "",
        "price_level_structure": "linear_cent",
        "price_ranges": [{"end": "1.0000", "start": "0.0000", "step": "0.0100"}],
        "response_price_units": "usd_cent",
        "result": "",
        "rules_primary": primary,
        "rules_secondary": secondary,
        "settlement_timer_seconds": 1800,
        "status": "",
        "strike_type": kind,
        **({} if floor is None else {"floor_strike": floor}),
        **({} if cap is None else {"cap_strike": cap}),
        "ticker": market_ticker(event, place),
        "title": _title(event, bracket),
        "updated_time": "",
        "volume_24h_fp": "",
        "volume_fp": "",
        "yes_ask_dollars": "",
        "yes_ask_size_fp": "",
        "yes_bid_dollars": "",
        "yes_bid_size_fp": "",
        "yes_sub_title": bracket.label,
    }


def _strike_fields(bracket: Bracket) -> tuple[str, int | None, int | None]:
    if bracket.low is None:
        return "less", None, (bracket.high or 0) + 1
    return ("greater", bracket.low - 1, None) if bracket.high is None else ("between", bracket.low, bracket.high)


def _strike(bracket: Bracket) -> str:
    kind, floor, cap = _strike_fields(bracket)
    return f"between {floor}-{cap}" if kind == "between" else f"less than {cap}" if kind == "less" else f"greater than {floor}"


def _title(event: Event, bracket: Bracket) -> str:
    kind, floor, cap = _strike_fields(bracket)
    what = f"{floor}-{cap}°" if kind == "between" else f"<{cap}°" if kind == "less" else f">{floor}°"
    if event.contract.low or event.contract.report.modern:
        return f"Will the {_extreme(event)} temperature be {what} on {_day_text(event.day)}?"
    city = "NYC" if event.contract.series == "KXHIGHNY" else event.contract.report.city
    bare = what.removesuffix("°") if kind != "between" else what
    return f"Will the **high temp in {city}** be {bare} on {_day_text(event.day)}?"


def _source(contract: Contract) -> dict[str, str]:
    words = contract.report
    address = f"https://forecast.weather.gov/product.php?site={words.office.upper()}&product=CLI&issuedby={words.report[3:]}"
    return {"name": "National Weather Service", "url": address}


def _extreme(event: Event) -> str:
    return "minimum" if event.contract.low else "maximum"


def _day_text(day: date) -> str:
    return f"{MONTHS[day.month - 1][:3].capitalize()} {day.day}, {day.year}"


def at_text(milliseconds: int, number: int) -> str:
    """Return an instant with microseconds made up from a number."""
    head = datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{head}.{milliseconds % 1000:03d}{number % 1000:03d}Z"
