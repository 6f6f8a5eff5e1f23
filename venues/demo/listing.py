"""What the catalogue says of an event once and for all: names, ids, rule text, fees."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from venues.demo.answers import iso
from venues.demo.events import MONTHS, NO, YES, Event
from venues.demo.exchange import Exchange
from venues.demo.noise import key, uniform

HIGHEST, DAILY, WEATHER = "104596", "103040", "84"
TAG_SLUGS = {HIGHEST: "highest-temperature", DAILY: "daily-temperature", WEATHER: "weather"}
_PICTURE = "https://polymarket-upload.s3.us-east-2.amazonaws.com/{}-weather-demo.jpg"
_TAGS = (
    (WEATHER, "Weather", "weather", "2023-11-02T21:17:34.814Z"),
    ("101757", "Recurring", "recurring", "2025-02-01T00:45:26.493838Z"),
    ("102169", "Hide From New", "hide-from-new", "2025-05-23T18:47:07.430147Z"),
    (DAILY, "Daily Temperature", "daily-temperature", "2025-12-31T06:10:27.471939Z"),
)
_HIGHEST = (HIGHEST, "Highest temperature", "highest-temperature", "2026-04-14T17:30:54.763291Z")
_LOCK = (
    "This market can not resolve until the first data point for the following date has been published on the resolution source."
)
_WHOLE = (
    "The resolution source for this market measures temperatures to whole degrees {unit} (eg, {example}). Thus, this is "
    "the level of precision that will be used when resolving the market."
)
_REVISIONS = (
    "Revisions to temperatures recorded within this market's timeframe will be considered until the first datapoint for "
    "the following date has been published, after which any alterations will not be considered."
)
_RULES = {
    "wunderground": (
        "This market will resolve to the temperature range that contains the {extreme} temperature recorded at the {station} "
        "in degrees {unit} on {day}.",
        "The resolution source for this market will be information from Wunderground, specifically the {extreme} temperature "
        "recorded for all times on this day for the {station}, available here: {page}.",
        "To toggle between Fahrenheit and Celsius, click the gear icon next to the search bar and switch the Temperature "
        "setting between °F and °C.",
        _LOCK,
        _WHOLE,
        _REVISIONS,
    ),
    "noaa": (
        "This market will resolve to the temperature range that contains the {extreme} temperature recorded by NOAA at the "
        "{station} in degrees {unit} on {day}.",
        "The resolution source for this market will be information from NOAA, specifically the {extreme} reading under the "
        '"Temp" column for all times on this day, available here: {page}',
        'To toggle between Fahrenheit and Celsius, click the "Switch to Metric Units" button until the relevant table '
        "displays °C.",
        _LOCK,
        _WHOLE,
        _REVISIONS,
    ),
    "hko": (
        "This market will resolve to the temperature range that contains the {extreme} temperature recorded by the {station} "
        "in degrees {unit} on {day}.",
        'The resolution source for this market will be information from the {station}, specifically the "Absolute Daily '
        '{column} (deg. C)" the specified date once information is finalized in the relevant "Daily Extract", available here: '
        "{page}",
        "This market can not resolve until data for this date has been published.",
        "The resolution source for this market measures temperatures in {unit} to one decimal place (eg, 9.1°C). Thus, this is "
        "the level of precision that will be used when resolving the market.",
        "Any revisions to temperatures recorded after data is initially published for this market's timeframe will not be "
        "considered for this market's resolution.",
    ),
}


def tag_ids(event: Event) -> tuple[str, ...]:
    """Return the tags by which a sweep finds the event."""
    return (WEATHER, DAILY) if event.contract.low else (WEATHER, DAILY, HIGHEST)


def rule_text(event: Event) -> str:
    """Return the settlement rule in the exchange's words."""
    contract, city = event.contract, event.contract.city
    unit, example = ("Fahrenheit", "21°F") if contract.fahrenheit else ("Celsius", "9°C")
    day = f"{event.day.day} {MONTHS[event.day.month - 1][:3].capitalize()} '{event.day.year % 100:02d}"
    return "\n\n".join(_RULES[city.source]).format(
        station=city.rule_name, unit=unit, day=day, page=city.page, example=example, extreme=_extreme(event),
        column="Min" if contract.low else "Max",
    )  # fmt: skip


def question(event: Event, place: int) -> str:
    """Return the question of one bracket."""
    bracket = event.brackets[place]
    between = "between " if bracket.low is not None and bracket.high is not None and bracket.low < bracket.high else ""
    where = f"the {_extreme(event)} temperature in {event.contract.city.question}"
    return f"Will {where} be {between}{bracket.label} on {_day_text(event)}?"


def event_fields(seed: int, event: Event) -> dict[str, Any]:
    """Return an event without what changes; `markets` is to be replaced."""
    city, slug = event.contract.city, event.slug
    picture = _PICTURE.format(city.token)
    digits = "".join(f"{key(seed, 'group', event.number, part):016x}" for part in range(4))
    group = f"0x{digits[:62]}00"
    return {
        "id": str(event.number),
        "ticker": slug,
        "slug": slug,
        "title": f"{_extreme(event).capitalize()} temperature in {city.title} on {_day_text(event)}?",
        "description": rule_text(event),
        "resolutionSource": city.page if city.source == "wunderground" else "",
        "startDate": iso(event.accepting, digits=0),
        "creationDate": iso(event.created + 101_000, digits=6),
        "endDate": f"{event.day}T12:00:00Z",
        "image": picture,
        "icon": picture,
        "active": True,
        "closed": False,
        "archived": False,
        "new": False,
        "featured": False,
        "restricted": True,
        "liquidity": 0.0,
        "volume": 0.0,
        "openInterest": 0.0,
        "createdAt": iso(event.created, digits=6),
        "updatedAt": "",
        "competitive": 0.0,
        "volume24hr": 0.0,
        "volume1wk": 0.0,
        "volume1mo": 0.0,
        "volume1yr": 0.0,
        "enableOrderBook": True,
        "liquidityClob": 0.0,
        "negRisk": True,
        "negRiskMarketID": group,
        "commentCount": 0,
        "markets": [],
        "series": [_series(seed, event, picture)],
        "tags": _tags(event),
        "cyom": False,
        "showAllOutcomes": True,
        "showMarketImages": False,
        "enableNegRisk": True,
        "automaticallyActive": True,
        "eventDate": f"{event.day}",
        "startTime": iso(event.created - 98),
        "seriesSlug": f"{city.token}-daily-weather",
        "negRiskAugmented": False,
        "pendingDeployment": False,
        "deploying": False,
        "deployingTimestamp": iso(event.created + 1583, digits=6),
        "requiresTranslation": False,
        "eventMetadata": {
            "context_description": f"Simulated market on the {_extreme(event)} temperature at {city.rule_name}; no commentary.",
            "context_requires_regen": True,
            "context_updated_at": iso(event.created + 3_480_000),
        },
    }


def market_fields(event: Event, head: dict[str, Any], place: int, exchange: Exchange) -> dict[str, Any]:
    """Return a market with all fields that it may have; those of quotes, volumes and outcome are blank."""
    bracket = event.brackets[place]
    condition = exchange.condition(event, place)
    tokens = [exchange.token(event, place, side) for side in (YES, NO)]
    group = head["negRiskMarketID"]
    closed = datetime.fromtimestamp(event.settled / 1000, UTC)
    return {
        "id": str(event.number * 11 + place),
        "question": question(event, place),
        "conditionId": condition,
        "slug": f"{event.slug}-{bracket.slug}",
        **{name: head[name] for name in ("resolutionSource", "endDate")},
        "liquidity": "",
        **{name: head[name] for name in ("startDate", "image", "icon", "description")},
        "outcomes": '["Yes", "No"]',
        "outcomePrices": "",
        "volume": "",
        "active": True,
        "closed": False,
        "marketMakerAddress": "",
        "createdAt": iso(event.created + 107 + place, digits=6),
        "updatedAt": "",
        "closedTime": f"{closed:%Y-%m-%d %H:%M:%S}+00",
        "new": False,
        "featured": False,
        "archived": False,
        "resolvedBy": "0x69c47De9D4D3Dad79590d61b9e05918E03775f24",
        "restricted": True,
        "groupItemTitle": bracket.label,
        "groupItemThreshold": str(place),
        "questionID": f"{group[:-2]}{place:02x}",
        "umaEndDate": iso(event.settled, digits=0),
        "enableOrderBook": True,
        "orderPriceMinTickSize": 0.01,
        "orderMinSize": 5,
        "umaResolutionStatus": "resolved",
        "volumeNum": 0.0,
        "liquidityNum": 0.0,
        "endDateIso": f"{event.day}",
        "startDateIso": head["startDate"][:10],
        "hasReviewedDates": True,
        "volume24hr": 0.0,
        "volume1wk": 0.0,
        "volume1mo": 0.0,
        "volume1yr": 0.0,
        "gameStartTime": f"{datetime.fromtimestamp(event.start / 1000, UTC):%Y-%m-%d %H:%M:%S}+00",
        "secondsDelay": 0,
        "clobTokenIds": orjson.dumps(tokens).decode().replace(",", ", "),
        "comboStatus": "disabled",
        "umaBond": "500",
        "umaReward": "2",
        "volume24hrClob": 0.0,
        "volume1wkClob": 0.0,
        "volume1moClob": 0.0,
        "volume1yrClob": 0.0,
        "volumeClob": 0.0,
        "liquidityClob": 0.0,
        "makerBaseFee": 1000,
        "takerBaseFee": 1000,
        "customLiveness": 900,
        "acceptingOrders": True,
        "negRisk": True,
        "negRiskMarketID": group,
        "negRiskRequestID": f"0x{int(condition, 16) ^ (1 << 256) - 1:064x}",
        "ready": False,
        "funded": False,
        "acceptingOrdersTimestamp": iso(event.accepting, digits=0),
        "cyom": False,
        "competitive": 0.0,
        "pagerDutyNotificationEnabled": False,
        "approved": True,
        "clobRewards": [
            {
                "id": str(event.number * 16 + place),
                "conditionId": condition,
                "assetAddress": "0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174",
                "rewardsAmount": 0,
                "rewardsDailyRate": 20 + event.number * 7 % 100,
                "startDate": head["startDate"][:10],
                "endDate": "2500-12-31",
            }
        ],
        "rewardsMinSize": 20,
        "rewardsMaxSpread": 4.5,
        "spread": 0.0,
        "automaticallyResolved": True,
        "lastTradePrice": 0.0,
        "bestBid": 0.0,
        "bestAsk": 0.0,
        "automaticallyActive": True,
        "clearBookOnStart": False,
        "manualActivation": False,
        "negRiskOther": False,
        "umaResolutionStatuses": "[]",
        "pendingDeployment": False,
        "deploying": False,
        "deployingTimestamp": iso(event.created + 1593 + place, digits=6),
        "rfqEnabled": False,
        "holdingRewardsEnabled": False,
        "feesEnabled": True,
        "requiresTranslation": False,
        "feeType": "weather_fees",
        "feeSchedule": {"exponent": 1, "rate": 0.05, "takerOnly": True, "rebateRate": 0.25},
    }


def _extreme(event: Event) -> str:
    return "lowest" if event.contract.low else "highest"


def _day_text(event: Event) -> str:
    return f"{MONTHS[event.day.month - 1].capitalize()} {event.day.day}"


def _series(seed: int, event: Event, picture: str) -> dict[str, Any]:
    name = f"{event.contract.city.token}-daily-weather"
    return {
        "id": event.contract.city.series,
        "ticker": name,
        "slug": name,
        "title": f"{event.contract.city.title} Daily Weather",
        "seriesType": "single",
        "recurrence": "daily",
        "image": picture,
        "icon": picture,
        "active": True,
        "closed": False,
        "archived": False,
        "featured": False,
        "restricted": True,
        "createdAt": "2025-01-21T17:04:00.621433Z",
        "updatedAt": "",
        "volume24hr": round(90_000 + 60_000 * uniform(seed, "series day", event.number), 6),
        "volume": round(50_000 + 90_000 * uniform(seed, "series", event.number), 6),
        "liquidity": round(100_000 + 60_000 * uniform(seed, "series liquidity", event.number), 5),
        "commentCount": 120 + event.number % 97,
        "requiresTranslation": False,
    }


def _tags(event: Event) -> list[dict[str, Any]]:
    out = [
        {
            "id": number,
            "label": label,
            "slug": slug,
            "forceShow": False,
            **({"publishedAt": "2023-11-02 21:17:34.81+00"} if number == WEATHER else {}),
            "createdAt": created,
            "updatedAt": "2026-04-17T20:53:51.670468Z",
            **({} if number in (WEATHER, "101757") else {"isCarousel": False}),
            "requiresTranslation": False,
        }
        for number, label, slug, created in (*_TAGS, *(() if event.contract.low else (_HIGHEST,)))
    ]
    label = event.contract.city.question
    city = {
        "id": event.contract.city.tag,
        "label": label,
        "slug": label.lower().replace(" ", "-"),
        "updatedAt": "2026-04-17T20:14:51.330979Z",
        "requiresTranslation": False,
    }
    return [*out[:3], city, *out[3:]]
