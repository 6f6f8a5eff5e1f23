"""A value that is set aside moves nothing: the desk decides as if it had not been there at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from requests import PreparedRequest, Response

from tests.e2e.desk_in_process import Change, ChangedWorld, ask, settings_for, trade, with_body

CYCLES = 12
STATIONS = ("EGLC", "KLGA", "KNYC")
MONEY = ("decisions", "orders", "fills", "ledger", "settlements", "risk")
LATER, AGO = 4 * 3600, -30 * 86_400  # seconds


def changed(path: str, edit: Callable[[Any], Any]) -> Change:
    """Return a change of the JSON of one address; `edit` may also return another body."""

    def change(request: PreparedRequest, response: Response) -> Response:
        if path not in str(request.url) or response.status_code != 200:
            return response
        body = json.loads(response.raw.read())
        other = edit(body)
        return with_body(response, json.dumps(body if other is None else other).encode())

    return change


def reports(edit: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Change:
    """Return a change of each report of New York; None leaves it out."""

    def each(body: list[dict[str, Any]]) -> list[dict[str, Any]]:
        kept = [edit(dict(row)) if row["icaoId"] == "KLGA" and row["obsTime"] // 3600 % 3 == 0 else row for row in body]
        return [row for row in kept if row is not None]

    return changed("/awc/", each)


def burning(row: dict[str, Any]) -> dict[str, Any]:
    """Report 71 °C."""
    words = row["rawOb"].split()
    words = [f"T07100{word[-3:]}" if word[0] == "T" and word[1:].isdigit() and len(word) == 9 else word for word in words]
    place = next(i for i, word in enumerate(words) if "/" in word and word.replace("/", "").replace("M", "").isdigit())
    words[place] = "71/" + words[place].split("/")[1]
    return row | {"rawOb": " ".join(words), "temp": 71.0}


def moved(seconds: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return what dates a report by so many seconds off."""

    def move(row: dict[str, Any]) -> dict[str, Any]:
        at = row["obsTime"] + seconds
        words = row["rawOb"].split()
        place = next(i for i, word in enumerate(words) if word.endswith("Z") and len(word) == 7 and word[:6].isdigit())
        words[place] = f"{datetime.fromtimestamp(at, UTC):%d%H%M}Z"
        text = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S.000Z}"
        return row | {"rawOb": " ".join(words), "obsTime": at, "reportTime": text}

    return move


def books(edit: Callable[[dict[str, Any]], None]) -> Change:
    """Return a change of every book of Polymarket."""

    def each(body: list[dict[str, Any]]) -> None:
        for book in body:
            edit(book)

    return changed("/clob/books", each)


def certain(book: dict[str, Any]) -> None:
    """Offer a level at 0 and one at 1."""
    book["bids"].insert(0, {"price": "0", "size": "10000"})
    book["asks"].insert(0, {"price": "1", "size": "10000"})
    book["asks"].insert(0, {"price": "0", "size": "10000"})


def curves(value: object) -> Change:
    """Return a change of one hour in six of every forecast of Open-Meteo."""

    def each(body: Any) -> None:
        for place in body if isinstance(body, list) else [body]:
            for name, values in place["hourly"].items():
                if name != "time":
                    values[::6] = [value] * len(values[::6])

    return changed("/open-meteo/", each)


def untouched(book: dict[str, Any]) -> None:
    """Change nothing."""


MISSING = reports(lambda row: None)
PAIRS = {
    "a report of 71 °C": (reports(burning), MISSING, "is no temperature on Earth"),
    "a report of hours to come": (reports(moved(LATER)), MISSING, "was still to come"),
    "a report of a month ago": (reports(moved(AGO)), MISSING, "hours old"),
    "levels at 0 and 1": (books(certain), books(untouched), "a price of"),
    "a forecast of 250 °C": (curves(250.0), curves(None), "is no temperature on Earth"),
}


def traded(data: Path, change: Change) -> Path:
    trade(settings_for(data, stations=STATIONS, edge_min=0.02), ChangedWorld(change), CYCLES)
    return data


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Change], Path]:
    """Gives the session of each world in which a lie is only missing; several lies may have the same one."""
    return cache(lambda change: traded(tmp_path_factory.mktemp("without") / "data", change))


@pytest.mark.parametrize("lie", PAIRS)
def test_a_lie_moves_no_order_that_its_absence_would_not_move(
    lie: str, without: Callable[[Change], Path], tmp_path: Path
) -> None:
    told, absent, words = PAIRS[lie]

    folders = {"told": traded(tmp_path / "told", told), "absent": without(absent)}

    rows = {
        name: {table: ask(data, f"SELECT * FROM {table} ORDER BY 1, 2") for table in MONEY} for name, data in folders.items()
    }
    named = [data for (data,) in ask(folders["told"], "SELECT data FROM activity WHERE type = 'source_quarantine'")]
    assert len(rows["told"]["fills"]) > 3
    assert rows["told"] == rows["absent"]
    assert any(words in data for data in named), lie
    assert not any(
        words in data for (data,) in ask(folders["absent"], "SELECT data FROM activity WHERE type = 'source_quarantine'")
    )
