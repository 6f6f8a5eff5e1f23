"""One odd value in an answer spoils what it is about and nothing else: the venues of the demo world, their answers changed."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from io import BytesIO
from typing import Any

import pytest
from requests import PreparedRequest, Response

from core.clock import SteppedClock
from core.model.record import Ask, Kind, Record
from core.settings import Settings
from core.settings.demo import demo_addresses
from core.store.encoding import encoded
from core.units import parse_iso
from venues.demo.transport import DemoAdapter
from venues.demo.world import START, World
from venues.kalshi.client import Kalshi
from venues.kalshi.fees import series_fees
from venues.polymarket.client import Polymarket
from venues.spans import json_elements, json_members

HIGHS, LOWS, KALSHI = "highest-temperature-in-nyc", "highest-temperature-in-london", "KXHIGHNY"
DAYS = (START.date(),)


class Altered(DemoAdapter):
    """The demo world; the first place of a pattern in the answers of some addresses says something else."""

    def __init__(self, where: str = "", pattern: str = "", said: str = "", after: str = "") -> None:
        super().__init__(World(7))
        self._where, self._pattern, self._said, self._after = where, pattern.encode(), said.encode(), after.encode()
        self.changed = 0

    def send(self, request: PreparedRequest, *options: Any, **named: Any) -> Response:
        response = super().send(request, *options, **named)
        if self._where and re.search(self._where, str(request.url)):
            body = response.raw.read()
            start = max(body.find(self._after), 0)
            said, n = re.subn(
                self._pattern, lambda found: found.expand(self._said.replace(b"\\u", b"\\\\u")), body[start:], count=1
            )
            self.changed += n
            response.raw = BytesIO(body[:start] + said)
            response.headers["Content-Length"] = str(len(body[:start] + said))
        return response


def source_of(venue: type[Polymarket] | type[Kalshi], adapter: DemoAdapter) -> Polymarket | Kalshi:
    settings = Settings(_env_file=None, sources=demo_addresses("http://demo.invalid"))
    return venue(settings, SteppedClock(START + timedelta(minutes=30)), adapter, simulated=True)


@lru_cache(maxsize=2)
def sound(venue: type[Polymarket] | type[Kalshi]) -> tuple[Record, ...]:
    subjects = (HIGHS, LOWS) if venue is Polymarket else (KALSHI,)
    records = tuple(source_of(venue, Altered()).fetch([Ask(Kind.EVENTS, name, DAYS) for name in subjects]))
    assert all(record.error is None and not record.facts["refusal"] for record in records)
    return records


def listed(where: str, pattern: str, said: str) -> list[Record]:
    adapter = Altered(where, pattern, said, after="highest-temperature-in-nyc-on")
    records = list(source_of(Polymarket, adapter).fetch([Ask(Kind.EVENTS, name, DAYS) for name in (HIGHS, LOWS)]))
    assert adapter.changed
    return [stored(record) for record in records]


def stored(record: Record) -> Record:
    encoded(record)  # StoreError where it could not be kept
    return record


def asked(kind: Kind, event: Record) -> Ask:
    return Ask(kind, event.subject, tokens=(*event.rows["yes"].tolist(), *event.rows["no"].tolist()), source=event.source)


def told(venue: type[Polymarket] | type[Kalshi], kind: Kind, where: str, pattern: str, said: str) -> list[Record]:
    adapter = Altered(where, pattern, said)
    records = list(source_of(venue, adapter).fetch([asked(kind, event) for event in sound(venue)]))
    assert adapter.changed
    return [stored(record) for record in records]


# Listings of Polymarket


@pytest.mark.parametrize(
    ("pattern", "said", "why"),
    [
        (r'"markets":\s*\[', '"markets":["x",', "are no objects"),
        (r'"rate":\s*[\d.]+', '"rate":"abc"', "is no number"),
        (r'"rate":\s*[\d.]+', '"rate":-0.5', "a fee rate of -0.5 is none"),
        (r'"rate":\s*[\d.]+', '"rate":1', "a fee rate of 1 is none"),
        (r'"rate":\s*[\d.]+', '"rate":null', "is no number"),
        (r'"exponent":\s*[\d.]+', '"exponent":99', "a fee exponent of 99 is none"),
        (r'"exponent":\s*[\d.]+', '"exponent":0', "a fee exponent of 0 is none"),
        (r'"orderMinSize":\s*[\d.]+', '"orderMinSize":"Infinity"', "is no number"),
        (r'"orderMinSize":\s*[\d.]+', '"orderMinSize":-5', "a least size of -5 is none"),
        (r'"orderMinSize":\s*[\d.]+', '"orderMinSize":1e18', "is beyond all that is"),
        (r'"orderPriceMinTickSize":\s*[\d.]+', '"orderPriceMinTickSize":"1e999999"', "is beyond all that is"),
        (r'"orderPriceMinTickSize":\s*[\d.]+', '"orderPriceMinTickSize":1e18', "is beyond all that is"),
        (r'"orderPriceMinTickSize":\s*[\d.]+', '"orderPriceMinTickSize":-0.01', "a price step of -0.01 is none"),
        (r'"orderPriceMinTickSize":\s*[\d.]+', '"orderPriceMinTickSize":0', "a price step of 0 is none"),
        (r'"eventDate":\s*"[^"]+"', '"eventDate":"9999-12-31"', ""),
    ],
)  # fmt: skip
def test_a_listing_that_lies_is_refused_with_its_bytes_and_the_others_go_on(pattern: str, said: str, why: str) -> None:
    records = listed("/gamma/events", pattern, said)

    good = [record for record in records if record.error is None]
    assert [record.subject for record in good] == [record.subject for record in sound(Polymarket) if "london" in record.subject]
    if why:
        (bad,) = (record for record in records if record.error is not None)
        assert (bad.subject, why in str(bad.error)) == (HIGHS, True), bad.error
        assert re.search(re.escape(said).encode(), bad.raw)


@pytest.mark.parametrize(
    ("pattern", "said", "name", "value"),
    [
        (r'"groupItemThreshold":\s*"\d+"', '"groupItemThreshold":"²"', "refusal", ""),
        (r'"liquidity":\s*"?[\d.]+"?', '"liquidity":1' + "0" * 400, "liquidity_usd", None),
        (r'"liquidity":\s*"?[\d.]+"?', '"liquidity":"NaN"', "liquidity_usd", None),
        (r'"title":\s*"', r'"title": "\ud83d', "title", "?"),
        (r'"startDate":\s*"[^"]+"', '"startDate":"0001-01-01T00:00:00+01:00"', "opens_at", ""),
    ],
)  # fmt: skip
def test_what_nobody_trades_by_may_be_odd(pattern: str, said: str, name: str, value: object) -> None:
    records = listed("/gamma/events", pattern, said)

    nyc = next(record for record in records if "nyc" in record.subject)
    assert nyc.error is None
    found = nyc.facts[name]
    assert found[:1] == value if name == "title" else found == value
    if name == "opens_at":
        assert "startDate '0001-01-01T00:00:00+01:00' is no instant" in nyc.facts["refusal"]


# Books of Polymarket

BOOKS = "/clob/books"


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (r'"timestamp":\s*"\d+"', '"timestamp":"99999999999999999999"'), (r'"timestamp":\s*"\d+"', '"timestamp":1e999'),
        (r'"timestamp":\s*"\d+"', '"timestamp":1' + "0" * 30), (r'"price":\s*"[\d.]+"', '"price":"٠.٥"'),
        (r'"price":\s*"[\d.]+"', '"price":"0.5 "'),
    ],
)  # fmt: skip
def test_a_book_without_meaning_fails_its_event_alone(pattern: str, said: str) -> None:
    bad, good = told(Polymarket, Kind.BOOKS, BOOKS, pattern, said)

    assert "has no meaning" in (bad.error or "")
    assert said.encode() in bad.raw
    assert good.error is None
    assert len(good.rows["token"])


@pytest.mark.parametrize(
    ("pattern", "said", "term", "why"),
    [
        (r'"price":\s*"[\d.]+"', '"price":"1e999999"', "", "1e999999 is beyond all that is"),
        (r'"size":\s*"[\d.]+"', '"size":"1e999999"', "", "1e999999 is beyond all that is"),
        (r'"size":\s*"[\d.]+"', '"size":"9000000000000000"', "", "is beyond all that is"),
        *(
            (r'"tick_size":\s*"[\d.]+"', f'"tick_size":{lie}', "tick_micro", "that of the listing holds")
            for lie in ('"1e999999"', "1e300", '"0.0"', '"0"', "0", "-1", "2", "99999", '"tiny"', "[]", "true")
        ),
        *(
            (r'"min_order_size":\s*"[\d.]+"', f'"min_order_size":{lie}', "min_size_micro", "that of the listing holds")
            for lie in ('"1e999999"', "1e18", '"-5"', '"-1"', '"0"', '"NaN"')
        ),
    ],
)  # fmt: skip
def test_a_lie_in_a_book_is_quarantined_and_the_rest_of_it_stays(pattern: str, said: str, term: str, why: str) -> None:
    lied, good = told(Polymarket, Kind.BOOKS, BOOKS, pattern, said)

    assert (lied.error, good.error) == (None, None)
    assert why in lied.facts["quarantined"][0]
    assert said.encode() in lied.raw
    assert "quarantined" not in good.facts
    without = [terms for terms in lied.facts["tokens"].values() if term and term not in terms]
    assert len(without) == bool(term)


# Kalshi

EVENTS, ORDERBOOKS, TRADES, SERIES = "/events", "/markets/orderbooks", "/markets/trades", "/series/"


@pytest.mark.parametrize("lie", ["99999999999999.00", "1e999999", "٥", "5 "])
def test_a_size_that_nobody_has_fails_the_book_of_its_event(lie: str) -> None:
    (bad,) = told(Kalshi, Kind.BOOKS, ORDERBOOKS, r'\["(\d\.\d+)",\s*"[\d.]+"\]', rf'["\1","{lie}"]')

    assert "has no meaning" in (bad.error or "")
    assert lie.encode() in bad.raw


@pytest.mark.parametrize(
    ("pattern", "said", "why"),
    [
        (r'"created_time":\s*"[^"]+"', '"created_time":"0001-01-01T00:00:00+01:00"', "is no instant"),
        (r'"created_time":\s*"[^"]+"', '"created_time":"1970-01-01T00:00:00Z"', "is no instant"),
        (r'"count_fp":\s*"[^"]+"', '"count_fp":"9000000000000000"', "is beyond all that is"),
        (r'"count_fp":\s*"[^"]+"', '"count_fp":"1e999999"', "is beyond all that is"),
        (r'"yes_price_dollars":\s*"[^"]+"', '"yes_price_dollars":"1e999999"', "is beyond all that is"),
    ],
)  # fmt: skip
def test_a_trade_that_cannot_be_is_left_out(pattern: str, said: str, why: str) -> None:
    (record,) = told(Kalshi, Kind.PRINTS, TRADES, pattern, said)

    assert record.error is None
    assert any(why in sentence for sentence in record.facts["quarantined"])
    assert len(record.rows["market_id"])


def test_half_a_character_in_a_cursor_ends_nothing() -> None:
    records = told(Kalshi, Kind.PRINTS, TRADES, r'"cursor":\s*"[^"]*"', r'"cursor": "\ud83d"')

    assert [record.kind for record in records] == [Kind.PRINTS]


def kalshi_listed(where: str, pattern: str, said: str) -> Record:
    adapter = Altered(where, pattern, said, after="" if where == SERIES else sound(Kalshi)[0].subject)
    (record,) = source_of(Kalshi, adapter).fetch([Ask(Kind.EVENTS, KALSHI, DAYS)])
    assert adapter.changed
    return stored(record)


@pytest.mark.parametrize(
    ("where", "pattern", "said", "why"),
    [
        (EVENTS, r'"open_time":\s*"[^"]+"', '"open_time":"0001-01-01T00:00:00+01:00"', "open_time '0001"),
        (EVENTS, r'"close_time":\s*"[^"]+"', '"close_time":"9999-12-31T23:59:59-01:00"', "close_time '9999"),
        (EVENTS, r'"close_time":\s*"[^"]+"', '"close_time":"9999-12-31T23:59:59Z"', "close_time '9999"),
        (EVENTS, r'"step":\s*"[\d.]+"', '"step":"1e999999"', "price_ranges"),
        (EVENTS, r'"step":\s*"[\d.]+"', '"step":"-1"', "price_ranges"),
        (EVENTS, r'"(floor|cap)_strike":\s*[\d.]+', r'"\1_strike":"1e999999"', "is no whole degree"),
        *(
            (SERIES, r'"fee_multiplier":\s*[\d.]+', f'"fee_multiplier":{lie}', "fee_multiplier is no number")
            for lie in ('"1e999999"', '"1e400"', "1e200", "-1", "15", '"٢"', "null", "true")
        ),
    ],
)  # fmt: skip
def test_a_listing_of_kalshi_that_lies_is_refused(where: str, pattern: str, said: str, why: str) -> None:
    record = kalshi_listed(where, pattern, said)

    assert why in (record.error or record.facts["refusal"])


def test_a_promotion_is_believed_and_a_fee_that_pays_the_taker_is_not() -> None:
    # 0.07 x multiplier: FACTS II 6.5
    assert [series_fees({"fee_multiplier": times}).rate for times in (0, 0.5, 1, "2", 14)] == [0.0, 0.035, 0.07, 0.14, 0.98]


def test_a_winner_is_of_its_event() -> None:
    """A market named "NaN" won an event once."""
    (event,) = sound(Kalshi)
    adapter = Altered("/events/", r'"ticker":\s*"[^"]+"', '"ticker":"NaN"')
    (record,) = source_of(Kalshi, adapter).fetch([Ask(Kind.OUTCOMES, event.subject)])

    assert adapter.changed
    assert "'NaN' is no market of" in (record.error or "")


# What all of them share


@pytest.mark.parametrize("raw", ['[{"a":1},]', "[1,]", "[1, ]", "[,]"])
def test_an_array_that_ends_in_a_comma_is_none(raw: str) -> None:
    with pytest.raises(Exception, match="not a JSON array"):
        list(json_elements(raw.encode(), "test"))


def test_an_object_that_ends_in_a_comma_is_none() -> None:
    with pytest.raises(ValueError, match="nothing follows the comma"):
        list(json_members('{"a":1, }'))


def test_half_a_character_becomes_a_question_mark_and_the_bytes_stay() -> None:
    raw = rb'[{"a":"\ud83d \ud83d\ude00"}]'

    assert list(json_elements(raw, "test")) == [(raw[1:-1], {"a": "? \U0001f600"})]


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
def test_an_instant_beyond_the_calendar_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="outside the years"):
        parse_iso(text)
