"""One example of each reply of the system and signal families."""

from __future__ import annotations

from typing import Any

AT = "2026-12-09T18:15:00Z"
ABOUT = {"as_of": AT, "source": "journal", "missing": ""}
PAGING = {"count": 1, "total": 1, "limit": 50, "offset": 0, "has_more": False}

STATUS: dict[str, Any] = {
    "system_state": "ready", "current_regime": "STABLE", "active_strategy": "residual on the weather desk",
    "daily_pnl_r": -0.086, "weekly_pnl_r": -0.086, "current_r": 1.0, "consecutive_red_days": 0, "can_trade": True,
    "risk_reason": "", "desk": "", "operator_dial": 5,
    "regimes": [{
        "event_id": "highest-temperature-in-nyc-on-december-10-2026", "station_code": "KLGA", "city": "New York",
        "venue": "polymarket", "event_day": "2026-12-10", "extreme": "high", "regime": "STABLE", "reason": "", "age_seconds": 12.0,
    }],
}  # fmt: skip
RISK: dict[str, Any] = {
    **ABOUT, "source": "journal: account, risk", "n": 1, "desk": "", "can_trade": True, "reason": "", "state": "normal",
    "tripped": [],
    "tripwires": [{
        "name": "day_loss", "desk": "weather", "state": "ok", "value": 0.086, "limit": 2.0, "unit": "R0", "used": 0.043,
        "since": None, "action": "FLAT", "ends": "with the next desk day, at 16:00Z", "value_usd": 8.6, "limit_usd": 200.0,
        "subject": "",
    }],
    "limits": {"day_loss_r": 2.0, "week_loss_r": 4.0, "bracket_r": 0.2},
    "exposure": {
        "city_day": {
            "name": "city_day", "desk": "weather", "state": "warn", "now": 0.33, "limit": 0.4, "unit": "R0", "used": 0.825,
            "subject": "New York 2026-12-10", "now_usd": 33.0, "limit_usd": 40.0,
        },
    },
    "daily_limit_r": 2.0, "weekly_limit_r": 4.0, "daily_pnl_r": -0.086, "weekly_pnl_r": -0.086, "current_drawdown": 0.12,
    "unit_r_usd": 100.0,
    "steps": [{
        "desk": "weather", "step": 1.0, "dial": 5, "rebases": 0, "red_days": 1, "entries_day": 4, "entries_week": 11,
        "events_settled": 23, "flattening": False,
    }],
    "stress": [{"name": "northeast warmer by 2 sd", "desk": "weather", "pnl_usd": -31.2, "pnl_r": -0.312}],
    "accounts": [], "goals": [], "marked_at": AT,
}  # fmt: skip
HEALTH: dict[str, Any] = {
    **ABOUT, "source": "this process's own look at each part", "n": 7, "status": "ok", "database": "ok", "engine": "running",
    "components": {"disk": {"state": "ok", "detail": "81.2 of 100.0 GB free", "age_seconds": None, "since": None}},
    "timestamp": "2026-11-21T09:00:12.250000Z", "version": "0.1.0",
}  # fmt: skip
ORDERS: dict[str, Any] = {
    **ABOUT, **PAGING, "source": "journal: orders, fills, instruments", "n": 1,
    "orders": [{
        "order_id": "o-3c0f9a1b77d2e641", "decision_id": "d-3c0f9a1b77d2e641", "desk": "weather", "venue": "polymarket",
        "station_code": "KLGA", "city": "New York", "event_id": "highest-temperature-in-nyc-on-december-10-2026",
        "event_day": "2026-12-10", "extreme": "high", "bracket": "44-45°F", "unit": "F", "token_id": "7712", "side": "YES",
        "action": "buy", "role": "entry", "status": "filled", "final": True, "reason": "", "shares": 95.0, "filled": 95.0,
        "limit_price": 0.2, "reference_price": 0.19, "fair_value": 0.262, "average_price": 0.19, "fee_usd": 0.25,
        "placed_at": AT, "age_seconds": 8.0, "good_until": None, "cancel_at": None,
    }],
}  # fmt: skip
COMMAND: dict[str, Any] = {
    "command_id": "0f8c2d1e5b6a47c39d2e1f0a4b5c6d7e", "verb": "kill", "to": "engine",
    "arguments": {"reason": "storm outside every model"}, "by": "the sidecar", "asked_at": "2026-11-21T09:00:12Z", "state": "done",
    "heard": True, "message": "kill switch thrown by the sidecar: exits only", "taken_at": {"weather": AT},
    "results": [{
        "seq": 1205, "timestamp": AT, "desk": "weather", "level": "WARNING",
        "message": "kill switch thrown by the sidecar: exits only",
    }],
    "also": [],
}  # fmt: skip
COMMANDS: dict[str, Any] = {
    **ABOUT, **PAGING, "source": "control.db: commands; journal: activity", "n": 1, "limit": 20, "commands": [COMMAND],
}  # fmt: skip
SIGNAL_ASK: dict[str, Any] = {"station_code": "KLGA", "event_day": "2026-12-10"}
GENERATED: dict[str, Any] = {
    **ABOUT, "source": "archive as of now; journal: account", "n": 1, "desk": "weather", "signal_generated": True,
    "signal": {
        "direction": "buy", "side": "YES", "bracket": "44-45°F", "venue": "polymarket",
        "event_id": "highest-temperature-in-nyc-on-december-10-2026", "token_id": "7712", "entry_price": 0.2,
        "reference_price": 0.19, "size": 95.0, "size_usd": 18.05, "edge": 0.0643,
        "strategy": "residual on the weather desk", "reason": "earned_size",
    },
    "signals": [], "reason": "The record has earned a probe only.", "regime": "STABLE",
    "active_strategy": "residual on the weather desk",
    "risk": {"verdict": "shrink", "bound": ["earned_size"], "checks": 9},
    "constraints": {"verdict": "pass", "bound": [], "checks": 14},
    "guard": {"verdict": "pass", "bound": [], "checks": 8},
    "checks": [{
        "name": "spread", "family": "guard", "sentence": "No wide spread.", "value": 0.02, "limit": 0.04, "unit": "$ per share",
        "verdict": "pass", "allowed": None,
    }],
    "considered": [{
        "event_id": "highest-temperature-in-nyc-on-december-10-2026", "bracket": "44-45°F", "side": "YES", "held": 0.0,
        "wanted": 950.0, "allowed": 95.0, "order": 95.0, "reason": "earned_size",
        "sentence": "The record has earned a probe only.",
    }],
    "events": [{
        "event_id": "highest-temperature-in-nyc-on-december-10-2026", "venue": "polymarket", "city": "New York",
        "extreme": "high", "regime": "STABLE", "best_side": "YES", "best_bracket": "44-45°F", "best_edge": 0.0643, "reason": "",
    }],
    "places_orders": False,
}  # fmt: skip
