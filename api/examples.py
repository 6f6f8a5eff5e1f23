"""One example of each reply, for `/docs`: a demo world, whose every number is simulated."""

from __future__ import annotations

from typing import Any

ABOUT = {"as_of": "2026-12-09T18:15:00Z", "source": "journal", "missing": ""}
PAGING = {"count": 1, "total": 1, "limit": 100, "offset": 0, "has_more": False}

ROOT: dict[str, Any] = {"name": "hermes", "version": "0.1.0", "links": {"docs": "/docs", "status": "/api/status"}}

HEALTH: dict[str, Any] = {"status": "ok", "timestamp": "2026-12-09T18:15:00Z", "version": "0.1.0", "reason": ""}

STATUS: dict[str, Any] = {
    **ABOUT, "source": "heartbeats, journal, evaluations", "n": 1204, "timestamp": "2026-11-21T09:00:12.250000Z",
    "version": "0.1.0", "journal_version": 1204, "execution_mode": "PAPER", "mode": "demo", "world": "demo:7",
    "grade": "", "simulated": True, "seed": 7, "speed": 300.0, "desk": "weather",
    "trading_engine": {
        "running": True, "pid": 4242, "started_at": "2026-11-21T08:58:00Z", "beat_age_seconds": 0.6, "phase": "waiting",
        "config_hash": "9f2c41d0",
    },
    "cycle": {
        "number": 5, "interval_seconds": 900, "last_cycle_time": "2026-12-09T18:15:00Z",
        "next_cycle_time": "2026-12-09T18:30:00Z", "seconds_until_next": 900.0, "age_seconds": 0.0,
    },
    "stations": ["EGLC", "KLGA"],
    "data_collection": {"snapshots_dir_exists": True, "trades_dir_exists": True, "recent_snapshots_24h": 412},
    "sources": {
        "metar": {"name": "metar", "healthy": True, "last_success": "2026-12-09T18:14:58Z", "age_seconds": 2.0, "error": None, "state": "ok"},
    },
    "open_events": 18, "risk": {"can_trade": True, "state": "normal", "reason": "", "tripped": []},
    "money": {
        "cash_usd": 9874.12, "equity_usd": 9991.4, "day_pnl_usd": -8.6, "week_pnl_usd": -8.6, "day_pnl_r": -0.086,
        "week_pnl_r": -0.086, "at_risk_usd": 117.28, "allowed_usd": 400.0, "unit_r_usd": 100.0, "fees_usd": 1.9,
        "realized_pnl_usd": 0.0, "marked_at": "2026-12-09T18:15:00Z",
    },
    "system": {
        "system_state": "ready", "current_regime": "STABLE", "active_strategy": "residual on the weather desk",
        "daily_pnl_r": -0.086, "weekly_pnl_r": -0.086, "current_r": 1.0, "consecutive_red_days": 0, "can_trade": True,
        "risk_reason": "", "desk": "", "operator_dial": 5, "regimes": [],
    },
    "warnings": [
        {"severity": "info", "code": "simulated", "message": "Simulated world demo:7: no number here is real.", "remedy": ""},
    ],
}  # fmt: skip

EDGES: dict[str, Any] = {
    **ABOUT, **PAGING, "source": "evaluations of the weather desk", "n": 66,
    "edges": [{
        "station_code": "KLGA", "city": "New York", "venue": "polymarket",
        "event_id": "highest-temperature-in-nyc-on-december-10-2026", "event_day": "2026-12-10", "extreme": "high",
        "bracket": "44-45°F", "rank": 5, "lower": 44, "upper": 45, "lower_f": 44.0, "upper_f": 45.0, "unit": "F",
        "market_id": "0x5b1e", "token_id": "7712", "side": "YES", "p_zeus": 0.31, "p_model": 0.31, "p_pooled": 0.262,
        "p_mkt": 0.241, "p_market": 0.241, "yes_bid": 0.17, "yes_ask": 0.19, "no_bid": 0.81, "no_ask": 0.83,
        "executable_price": 0.1977, "edge": 0.0643, "edge_pct": 6.43, "edge_yes": 0.0643, "edge_no": -0.1,
        "depth_shares": 240.0, "f_kelly": 0.031, "size_usd": 18.05, "decision": "trade", "reason": "ok",
        "decision_time_utc": "2026-12-09T18:15:00Z", "age_seconds": 0.0, "held_yes": 95.0, "held_no": 0.0,
        "target_yes": 95.0, "target_no": None,
    }],
}  # fmt: skip

TRADES: dict[str, Any] = {
    **ABOUT, **PAGING, "n": 1,
    "trades": [{
        "trade_id": "x-3c0f9a1b77d2e641-0", "timestamp": "2026-12-09T18:15:04Z", "desk": "weather", "station_code": "KLGA",
        "city": "New York", "venue": "polymarket", "event_id": "highest-temperature-in-nyc-on-december-10-2026",
        "event_day": "2026-12-10", "extreme": "high", "bracket_name": "44-45°F", "bracket_lower_f": 44.0,
        "bracket_upper_f": 45.0, "bracket_lower": 44, "bracket_upper": 45, "unit": "F", "side": "YES", "action": "buy",
        "market_id": "0x5b1e", "token_id": "7712", "price": 0.19, "shares": 95.0, "fee_usd": 0.73, "size_usd": 18.05,
        "edge": 0.0643, "edge_pct": 6.43, "f_kelly": 0.031, "p_zeus": 0.31, "p_model": 0.31, "p_pooled": 0.262,
        "p_mkt": 0.241, "p_market": 0.241, "sigma_z": 2.1, "model": "residual", "regime_at_entry": "STABLE", "reason": "ok",
        "outcome": "win", "status": "settled", "realized_pnl": 76.22, "pnl_gross": 76.95, "result_r": 4.0586,
        "resolved_at": "2026-12-11T05:30:00Z", "winner_bracket": "44-45°F", "settlement_reading": 45.0,
        "provisional_outcome": "win", "provisional_winner": "44-45°F", "provisional_reading": 45.0,
        "order_id": "o-3c0f9a1b77d2e641", "decision_id": "d-3c0f9a1b77d2e641", "mode": "demo",
        "instrument": "New York high 2026-12-10 44-45°F YES", "symbol": "KLGA-HIGH", "trade_type": "YES",
        "strategy_used": "residual", "timestamp_entry": "2026-12-09T18:15:04Z", "timestamp_exit": "2026-12-11T05:30:00Z",
        "entry_price": 0.19, "exit_price": 1, "stop_price": None, "target_price": None, "position_size": 95.0,
        "max_loss_usd": 18.78, "equity_at_entry": 10_012.4, "order_type_entry": "limit, immediate or cancel",
        "order_type_exit": "settlement", "execution_latency_ms_entry": 2000.0, "execution_latency_ms_exit": None,
        "slippage_entry": 0.0, "slippage_exit": None, "fees_usd": 0.73, "pnl_net": 76.22, "result_usd": 76.22,
        "win_loss": "Win", "exit_reason": "Settlement", "holding_minutes": 2114.933, "mae": -0.25, "mfe": 4.0586,
        "edge_at_entry": 0.0643, "spread_at_entry": 0.02, "depth_at_entry": 380.0, "operator_state": 5, "rule_breaks": [],
        "notes": "",
    }],
    "total_size_usd": 18.05, "total_fee_usd": 0.73, "total_realized_pnl": 76.22, "wins": 1, "losses": 0, "pending": 0, "closed": 0,
}  # fmt: skip

LOGS: dict[str, Any] = {
    **ABOUT, **PAGING, "n": 1204,
    "logs": [{
        "seq": 1204, "timestamp": "2026-12-09T18:15:00Z", "level": "INFO", "desk": "weather", "station_code": "",
        "event_day": None, "event_id": "", "cycle": 5, "action_type": "cycle", "type": "cycle_complete",
        "message": "cycle #5 complete, equity 9991.40 $", "data": {"cycle_number": 5}, "measured": {"duration_ms": 412.0},
        "extreme": "", "venue": "",
    }],
}  # fmt: skip

LOG_DAYS: dict[str, Any] = {
    **ABOUT, "n": 1204, "dates": [{"date": "2026-12-09", "label": "Today", "count": 1204}],
}  # fmt: skip
