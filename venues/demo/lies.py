"""Faults that change what an answer says: they are applied to its JSON on the way out, and the rooms know nothing of them.

Who is hit is decided by the luck of the episode and the name of the thing (an event, a token, a place in a list), so that
a lie stays the same as long as its episode lasts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import formatdate
from hashlib import sha1
from typing import Any

import orjson

from venues.demo import misreports
from venues.demo.answers import Answer
from venues.demo.scene import Scene

stale, old, correct_reports = misreports.stale, misreports.old, misreports.correct
_CURVES_ALONE = ("zeus", "open-meteo", "open-meteo-ensemble", "open-meteo-previous-runs")
_BURNING = 250.0  # no unit makes a temperature of it
_STAMPS = ("timestamp", "updatedAt", "updated_time", "last_updated_ts", "updateTime", "generatedAt", "generated_at")
_BOOKS_HIT, _EVENTS_HIT = 0.4, 0.5
# what a field is called after a release that nobody announced; a second name None makes a text of it
_DRIFTS: dict[str, tuple[tuple[str, str | None], ...]] = {
    "gamma": (("clobTokenIds", "tokenIds"), ("outcomes", "outcomeNames"), ("slug", None), ("markets", "brackets")),
    "clob": (("bids", "buys"), ("price", "px"), ("asset_id", "token_id"), ("history", "points")),
    "data": (("price", "px"), ("size", "amount"), ("timestamp", None)),
    "kalshi": (("orderbook_fp", "orderbook"), ("ticker", "market_ticker"), ("event_ticker", "event"), ("yes_dollars", "yes")),
    "zeus": (("2m_temperature", "t2m"), ("data", "values")),
    "nws": (("properties", "props"), ("temperature", "airTemperature"), ("values", "items"), ("timestamp", "time")),
    "iem": (("valid", "valid_utc"), ("results", "rows"), ("high", None)),
    "awc": (("obsTime", "obs_time"), ("temp", None), ("icaoId", "station")),
    "open-meteo": (("hourly", "hours"), ("time", "valid_time")),
    "open-meteo-ensemble": (("hourly", "hours"), ("time", "valid_time")),
    "open-meteo-previous-runs": (("hourly", "hours"), ("time", "valid_time")),
}


def lose_temperatures(scene: Scene, answer: Answer) -> Answer:
    """Leave temperatures out."""
    if misreports.has_reports(scene):
        return misreports.lose(scene, answer)

    def change(values: list[Any], name: str | int | None) -> None:
        begin = int(scene.luck("from") * len(values))
        for place in range(begin, min(begin + 6, len(values))):
            _put(values, place, name, "M" if scene.service == "iem" else None)

    return _on_curves(scene, answer, change)


def burn_temperatures(scene: Scene, answer: Answer) -> Answer:
    """Say a temperature that cannot be."""
    if misreports.has_reports(scene):
        return misreports.burn(scene, answer)

    def change(values: list[Any], name: str | int | None) -> None:
        burning = _BURNING + (400.0 if scene.service == "zeus" else 0.0)
        _put(values, int(scene.luck("place") * len(values)), name, int(burning) if name == "high" else burning)

    return _on_curves(scene, answer, change)


def run_ahead(scene: Scene, answer: Answer) -> Answer:
    """Date things hours ahead."""
    if misreports.has_reports(scene):
        return misreports.run_ahead(scene, answer)
    return _stamped(answer, (1 + int(3 * scene.luck())) * 3600)


def skew(scene: Scene, answer: Answer) -> Answer:
    """Date an answer, and what it says of its own time, by a clock that is minutes off."""
    if misreports.has_reports(scene):
        return misreports.skew(scene, answer)
    seconds = (3 + int(22 * scene.luck())) * (60 if scene.luck("sign") < 0.5 else -60)
    return replace(
        _stamped(answer, seconds), headers=(*answer.headers, ("Date", formatdate(scene.ask.second + seconds, usegmt=True)))
    )


def halt(scene: Scene, answer: Answer) -> Answer:
    """Pause the markets of some events."""

    def change(body: Any) -> None:
        for thing in things(body):
            if not _hit(scene, event_of(thing), _EVENTS_HIT):
                continue
            for name in ("acceptingOrders", "accepting_orders"):
                if thing.get(name) is True:
                    thing[name] = False
            if thing.get("status") == "active" and "ticker" in thing:
                thing["status"] = "inactive"

    return edited(answer, change)


def lose_books(scene: Scene, answer: Answer) -> Answer:
    """Know nothing of some books."""
    path = scene.ask.path
    if scene.service == "kalshi" and path.endswith("/orderbook") and _hit(scene, path.split("/")[-2], _BOOKS_HIT):
        return replace(answer, status=404, body=orjson.dumps({"error": {"code": "not_found", "message": "not found"}}))
    if path.endswith("/book") and _hit(scene, scene.ask.one("token_id"), _BOOKS_HIT):
        return replace(answer, status=404, body=b'{"error":"No orderbook exists for the requested token id"}')

    def change(body: Any) -> None:
        books = body if isinstance(body, list) else body.get("orderbooks") if isinstance(body, dict) else None
        if isinstance(books, list) and path.endswith(("/books", "/orderbooks")):
            books[:] = [book for book in books if not _hit(scene, book.get("asset_id") or book.get("ticker", ""), _BOOKS_HIT)]

    return edited(answer, change)


def empty_books(scene: Scene, answer: Answer) -> Answer:
    """Show books without a single level."""

    def change(book: _Book) -> None:
        book.first.clear()
        book.second.clear()

    return _on_books(scene, answer, change)


def cross_books(scene: Scene, answer: Answer) -> Answer:
    """Bid more than is asked."""

    def change(book: _Book) -> None:
        if book.mutual and book.first:  # two lists of bids cross when they are worth more than a share together
            best = max(float(level[0]) for level in book.first)
            if best > 0.05:
                book.second.append([f"{1.03 - best:.4f}", "55.00"])
        elif not book.mutual and book.second:
            best = min(float(level["price"]) for level in book.second)
            if best < 0.97:
                book.first.append({"price": _price(best + 0.02), "size": "55"})

    return _on_books(scene, answer, change)


def certain_prices(scene: Scene, answer: Answer) -> Answer:
    """Show levels at 0 and at 1."""

    def change(book: _Book) -> None:
        if book.mutual:
            book.first.append(["1.0000", "10.00"])
            book.second.insert(0, ["0.0000", "10.00"])
        else:
            book.first.insert(0, {"price": "0", "size": "10"})
            book.second.insert(0, {"price": "1", "size": "10"})

    return _on_books(scene, answer, change)


def repeat_ids(scene: Scene, answer: Answer) -> Answer:
    """Name a thing twice: a market of an event, a level of a book."""

    def change(body: Any) -> None:
        for thing in things(body):
            markets = thing.get("markets")
            if isinstance(markets, list) and markets and _hit(scene, event_of(thing), _EVENTS_HIT):
                markets.append(dict(markets[0]))

    def double(book: _Book) -> None:
        for side in (book.first, book.second):
            if side:
                side.append(side[-1])

    return _on_books(scene, edited(answer, change), double)


def drift(scene: Scene, answer: Answer) -> Answer:
    """Rename a field, or make a text of it."""
    names = _DRIFTS[scene.service]
    old_name, new_name = names[int(scene.luck() * len(names))]
    if scene.service == "iem" and scene.ask.path.endswith("asos.py"):
        return replace(
            answer,
            body=answer.body.replace(b"station,valid,", b"station,valid_utc,").replace(b"station\tvalid\t", b"id\tvalid\t"),
        )

    def change(body: Any) -> None:
        for thing in things(body):
            if old_name in thing and new_name is None:
                thing[old_name] = {"value": str(thing[old_name])}
            elif old_name in thing and new_name is not None:
                thing[new_name] = thing.pop(old_name)

    return edited(answer, change)


def event_of(thing: dict[str, Any]) -> str:
    """Return the event that something belongs to, by the exchange's own name; empty if it does not say."""
    for name in ("event_ticker", "eventSlug"):
        if isinstance(thing.get(name), str):
            return str(thing[name])
    slug = thing.get("slug") or thing.get("market_slug")
    if not isinstance(slug, str) or "-on-" not in slug:
        return ""
    head, _, tail = slug.partition("-on-")
    return f"{head}-on-{'-'.join(tail.split('-')[:3])}"


def _hit(scene: Scene, name: str, share: float) -> bool:
    return name != "" and scene.luck(name) < share


class _Book:
    """Two sides of one book: bids and asks, or two lists of bids that stand against each other."""

    def __init__(self, fields: dict[str, Any], *, mutual: bool) -> None:
        self.mutual = mutual
        self._fields = fields
        names = ("yes_dollars", "no_dollars") if mutual else ("bids", "asks")
        self.first: list[Any] = fields[names[0]]
        self.second: list[Any] = fields[names[1]]

    def seal(self) -> None:
        """Give a changed book the hash that belongs to it."""
        if "hash" in self._fields:
            self._fields["hash"] = ""
            self._fields["hash"] = sha1(orjson.dumps(self._fields), usedforsecurity=False).hexdigest()


def _on_books(scene: Scene, answer: Answer, change: Callable[[_Book], None]) -> Answer:
    def each(body: Any) -> None:
        for place, fields in enumerate(things(body)):
            mutual = isinstance(fields.get("yes_dollars"), list) and isinstance(fields.get("no_dollars"), list)
            if not mutual and not (isinstance(fields.get("bids"), list) and isinstance(fields.get("asks"), list)):
                continue
            if _hit(scene, str(fields.get("asset_id") or f"{scene.ask.path}?{scene.ask.query} {place}"), _BOOKS_HIT):
                book = _Book(fields, mutual=mutual)
                change(book)
                book.seal()

    return edited(answer, each)


def _on_curves(scene: Scene, answer: Answer, change: Callable[[list[Any], str | int | None], None]) -> Answer:
    def each(body: Any) -> None:
        for values, name in _curves(scene.service, body):
            if values:
                change(values, name)

    return edited(answer, each)


def _curves(service: str, body: Any) -> Iterator[tuple[list[Any], str | None]]:
    # lists of temperatures; with a name, lists of objects that hold one under it
    if service not in _CURVES_ALONE:
        for thing in things(body):
            for key, name in (("values", "value"), ("periods", "temperature"), ("results", "high")):
                if isinstance(thing.get(key), list) and all(isinstance(row, dict) and name in row for row in thing[key]):
                    yield thing[key], name
        return
    if service == "zeus":
        field = body.get("2m_temperature") if isinstance(body, dict) else None
        if field:
            yield field["data"], None
        return
    for place in body if isinstance(body, list) else [body]:
        for table in ("hourly", "daily"):
            yield from ((values, None) for name, values in place.get(table, {}).items() if name != "time")


def _put(values: list[Any], place: int, name: str | int | None, value: object) -> None:
    if name is None:
        values[place] = value
    else:
        values[place][name] = value


def _stamped(answer: Answer, seconds: int) -> Answer:
    def change(body: Any) -> None:
        for thing in things(body):
            for name in _STAMPS:
                if name in thing:
                    thing[name] = _shifted(thing[name], seconds)
            if "hash" in thing and isinstance(thing.get("bids"), list):
                _Book(thing, mutual=False).seal()

    return edited(answer, change)


def _shifted(value: Any, seconds: int) -> Any:
    if isinstance(value, str) and value.isdigit():
        return str(int(value) + seconds * (1000 if len(value) > 11 else 1))
    if isinstance(value, int):
        return value + seconds * (1000 if value > 10**11 else 1)
    return misreports.later(value, seconds) if isinstance(value, str) and len(value) >= 19 else value


def things(body: Any) -> list[dict[str, Any]]:
    """Return every object in a body, outer ones first."""
    found: list[dict[str, Any]] = []
    waiting = [body]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            found.append(here)
            waiting.extend(reversed(here.values()))
        elif isinstance(here, list):
            waiting.extend(reversed(here))
    return found


def edited(answer: Answer, change: Callable[[Any], None]) -> Answer:
    """Return an answer whose JSON was changed; the same one where nothing was."""
    if answer.status != 200 or "json" not in answer.kind or not answer.body:
        return answer
    body = orjson.loads(answer.body)
    before = orjson.dumps(body)
    change(body)
    after = orjson.dumps(body)
    return answer if after == before else replace(answer, body=after)


def _price(price: float) -> str:
    return f"{price:.3f}".rstrip("0").rstrip(".")
