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
from core.model.governor import NUMBERS, Governor, new_governor
from core.model.orders import Level, Orders
from core.model.rule import Extreme
from core.model.settlement import Finality, Settlement
from core.units import IntArray, Unit

_TABLES = ("held_micro", "cost_micro", "claim_micro")
_VECTORS = (
    "cash_micro", "fees_micro", "realised_micro", "start_micro", "equity_micro", "unit_r_micro", "day_start_micro",
    "week_start_micro", "high_water_micro", "tripped", "owed_micro",
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
        "governor": _governor_row(account.governor),
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
        **{name: getattr(outcome, name).tolist() for name in _TABLES},
    }  # fmt: skip


def _written(value: Any, row: Callable[[Any], Any] = lambda value: value) -> orjson.Fragment:
    """Return the JSON of a part that never changes; an account repeats hundreds of them in every change."""
    known = _texts.get(id(value))
    if known is None or known[0] is not value:
        if len(_texts) > _MOST_TEXTS:
            _texts.clear()
        known = _texts[id(value)] = value, orjson.Fragment(json_text(row(value)))
    return known[1]


def _brought_forward(kept: dict[str, Any]) -> dict[str, Any]:
    """Return a state as it is written today; one of the first schema knew no governor and no claims."""
    if "governor" in kept:
        return kept
    nothing = [0] * len(kept["working"]["order_id"])
    high = np.array(kept["high_water_micro"], np.int64)
    return {
        **kept, "claim_micro": kept["cost_micro"], "owed_micro": [0] * len(kept["cash_micro"]),
        "governor": _governor_row(new_governor(high)),
        "working": {**kept["working"], "fair_micro": nothing, "good_until": nothing, "cancel_at": nothing},
        "outcomes": [{**row, "claim_micro": row["cost_micro"]} for row in kept["outcomes"]],
    }  # fmt: skip


def _governor_row(governor: Governor) -> dict[str, Any]:
    return {"firms": list(governor.firms), **{name: getattr(governor, name).tolist() for name in NUMBERS}}


def _governor_of(kept: Mapping[str, Any], n_runs: int) -> Governor:
    numbers: dict[str, Any] = {
        name: _table(kept[name], n_runs) if name.startswith("firm_") else np.array(kept[name], np.int64) for name in NUMBERS
    }
    return Governor(firms=tuple(kept["firms"]), **numbers)


def numbers_of(governor: Governor, run: int) -> dict[str, Any]:
    """Return what the governor remembers of one run, by name; the ring of settled days stays in the account."""
    rows = {name: getattr(governor, name) for name in NUMBERS if not name.startswith("claim_")}
    told = {name: row[run].tolist() for name, row in rows.items()}
    return {"firms": list(governor.firms), **told}


def account_of(text: str) -> Account:
    """Return the account that `account_text` wrote."""
    kept = _brought_forward(orjson.loads(text))
    working: dict[str, Any] = {
        name: tuple(column) if name in _ORDER_WORDS else np.array(column, np.int64) for name, column in kept["working"].items()
    }
    n_runs = len(kept["cash_micro"])
    return Account(
        desk=kept["desk"], world=kept["world"], seq=kept["seq"], desk_day=kept["desk_day"],
        instruments=tuple(instrument_of(row) for row in kept["instruments"]),
        **{name: np.array(kept[name], np.int64) for name in _VECTORS},
        **{name: _table(kept[name], n_runs) for name in _TABLES},
        governor=_governor_of(kept["governor"], n_runs),
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
        *(_table(row[name], n_runs) for name in _TABLES),
    )  # fmt: skip


def _table(rows: list[list[int]], n_runs: int) -> IntArray:
    return np.array(rows, np.int64).reshape(n_runs, -1) if rows and rows[0] else np.zeros((n_runs, 0), np.int64)


def _column(values: Any) -> list[Any]:
    return list(values) if isinstance(values, tuple) else list(values.tolist())
