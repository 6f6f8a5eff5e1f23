"""An account as JSON text and back, to the last bit: integers stay integers, order stays order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date
from typing import Any

import numpy as np
import orjson

from core.journal.text import json_text
from core.model.account import Account, Outcome
from core.model.event import Instrument, Side
from core.model.orders import Level, Orders
from core.model.rule import Extreme
from core.model.settlement import Finality, Settlement
from core.units import IntArray, Unit

_TABLES = ("held_micro", "cost_micro")
_VECTORS = (
    "cash_micro", "fees_micro", "realised_micro", "start_micro", "equity_micro", "unit_r_micro", "day_start_micro",
    "week_start_micro", "high_water_micro", "tripped",
)  # fmt: skip
_MOST_TEXTS = 8_192
_texts: dict[int, tuple[object, orjson.Fragment]] = {}  # by identity; the object is kept, so that its number stays its own
_ORDER_WORDS = ("order_id", "decision_id", "token")


def account_text(account: Account) -> str:
    """Return the account as JSON."""
    return json_text({
        "desk": account.desk, "world": account.world, "seq": account.seq, "desk_day": account.desk_day,
        "instruments": [_written(instrument) for instrument in account.instruments],
        **{name: getattr(account, name).tolist() for name in (*_VECTORS, *_TABLES)},
        "working": {field.name: _column(getattr(account.working, field.name)) for field in fields(Orders)},
        "taken": [
            [run, token, side, _written(levels, _levels_row)]
            for (run, token, side), levels in account.taken.items()
        ],
        "outcomes": [_written(outcome, _outcome_row) for outcome in account.outcomes.values()],
    })  # fmt: skip


def _levels_row(levels: tuple[Level, ...]) -> list[list[int]]:
    return [[level.price_micro, level.shown_micro, level.taken_micro] for level in levels]


def _outcome_row(outcome: Outcome) -> dict[str, Any]:
    return {
        "settlement": outcome.settlement, "instruments": list(outcome.instruments),
        "held_micro": outcome.held_micro.tolist(), "cost_micro": outcome.cost_micro.tolist(),
    }  # fmt: skip


def _written(value: Any, row: Callable[[Any], Any] = lambda value: value) -> orjson.Fragment:
    """Return the JSON of a part that never changes; an account repeats hundreds of them in every change."""
    known = _texts.get(id(value))
    if known is None or known[0] is not value:
        if len(_texts) > _MOST_TEXTS:
            _texts.clear()
        known = _texts[id(value)] = value, orjson.Fragment(json_text(row(value)))
    return known[1]


def account_of(text: str) -> Account:
    """Return the account that `account_text` wrote."""
    kept = orjson.loads(text)
    working: dict[str, Any] = {
        name: tuple(column) if name in _ORDER_WORDS else np.array(column, np.int64) for name, column in kept["working"].items()
    }
    n_runs = len(kept["cash_micro"])
    return Account(
        desk=kept["desk"], world=kept["world"], seq=kept["seq"], desk_day=kept["desk_day"],
        instruments=tuple(instrument_of(row) for row in kept["instruments"]),
        **{name: np.array(kept[name], np.int64) for name in _VECTORS},
        **{name: _table(kept[name], n_runs) for name in _TABLES},
        working=Orders(**working),
        taken={
            (run, token, side): tuple(Level(*level) for level in levels) for run, token, side, levels in kept["taken"]
        },
        outcomes={row["settlement"]["event_id"]: _outcome_of(row, n_runs) for row in kept["outcomes"]},
    )  # fmt: skip


def instrument_of(row: Mapping[str, Any]) -> Instrument:
    """Return an instrument from its fields as text and numbers."""
    return Instrument(**{
        **row, "event_day": date.fromisoformat(row["event_day"]), "extreme": Extreme(row["extreme"]),
        "unit": Unit(row["unit"]), "side": Side(row["side"]),
    })  # fmt: skip


def settlement_of(row: Mapping[str, Any]) -> Settlement:
    """Return a settlement from its fields as text and numbers."""
    return Settlement(**{
        **row, "event_day": date.fromisoformat(row["event_day"]), "finality": Finality(row["finality"]),
    })  # fmt: skip


def _outcome_of(row: Mapping[str, Any], n_runs: int) -> Outcome:
    return Outcome(
        settlement_of(row["settlement"]), tuple(instrument_of(i) for i in row["instruments"]),
        _table(row["held_micro"], n_runs), _table(row["cost_micro"], n_runs),
    )  # fmt: skip


def _table(rows: list[list[int]], n_runs: int) -> IntArray:
    return np.array(rows, np.int64).reshape(n_runs, -1) if rows and rows[0] else np.zeros((n_runs, 0), np.int64)


def _column(values: Any) -> list[Any]:
    return list(values) if isinstance(values, tuple) else list(values.tolist())
