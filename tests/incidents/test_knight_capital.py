"""Knight Capital, 2012: one of eight servers ran another configuration, and nothing outside the strategy could stop it. FACTS I.10."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from core.services import Services
from core.settings.identity import config_hash
from core.wiring.faces import build_services
from tests.agents.transmission.builders import NORMAL, Market, account_of, instrument_of, look, settings_of
from tests.api import world
from tests.api.conftest import settings_of as face_settings
from tests.test_house import closure, modules, within

ROOT = Path(__file__).resolve().parents[2]
HASH = (
    "from core.settings import load_settings; from core.settings.identity import config_hash\n"
    "print(config_hash(load_settings(None), 'demo:7'))"
)
CEILING = 0.02  # of equity in one trade: TRANSMISSION 1.5
LARGE = {"per_market_cap_usd": 1e9, "daily_bankroll_cap_usd": 1e9, "kelly_cap": 1.0}


def hash_apart(**environment: str) -> str:
    """Return what another process calls its settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HERMES_")}
    out = subprocess.run(
        [sys.executable, "-c", HASH],
        cwd=ROOT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return out.stdout.strip()


def test_two_processes_with_the_same_settings_say_the_same_name() -> None:
    assert hash_apart() == hash_apart(HERMES_API_PORT="8123")  # where one listens decides nothing


@pytest.mark.parametrize("changed", [{"HERMES_EDGE_MIN": "0.02"}, {"HERMES_RISK__DAY_LOSS_R": "1.5"}])
def test_a_process_with_another_limit_says_another_name(changed: dict[str, str]) -> None:
    """Guard: `config_hash` of core/settings/identity.py covers every setting that decides."""
    assert hash_apart(**changed) != hash_apart()


@pytest.mark.parametrize("agrees", [True, False])
def test_a_face_that_runs_under_other_settings_than_the_engine_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, agrees: bool
) -> None:
    """Guard: `announce` and `rows` of core/services/processes.py compare, and /api/status warns."""
    world.build(tmp_path, engine=False)
    services: Services = build_services(face_settings(tmp_path))
    own = config_hash(face_settings(tmp_path), world.WORLD)
    world.beat(tmp_path, world.NOW, config_hash=own if agrees else "0123456789ab")

    with caplog.at_level(logging.WARNING, "hermes.faces"):
        services.processes.announce("api")

    assert services.processes.rows().agree is agrees
    assert ("config_differs" in [notice.code for notice in services.status.strip().warnings]) is not agrees
    assert ("differs from the engine's" in caplog.text) is not agrees


@pytest.mark.parametrize("wanted", [1e3, 1e6, 1e9])
@pytest.mark.parametrize("multiplier", [1.0, 1e6])
def test_no_strategy_and_no_setting_passes_the_hard_ceiling(wanted: float, multiplier: float) -> None:
    """The desk has gone mad and every cap is opened wide. Guard: `trade_ceiling` of agents/transmission/constraints/ceilings.py."""
    markets = [
        Market(
            instrument_of(f"e{i}", city=f"c{i}", region=f"r{i}", source=f"s{i}"),
            wanted=wanted,
            earned="normal",
            multiplier=multiplier,
        )
        for i in range(3)
    ]
    wide = dict.fromkeys(
        ("bracket_r", "city_day_r", "region_day_r", "desk_day_r", "open_r", "source_r", "worst_day_r"), 1000000.0
    )

    seen = look(markets, account_of(10_000.0), settings_of(wide, NORMAL, **LARGE))

    at_risk = [shares * 0.30 for shares in seen.shares.values()]
    assert at_risk
    assert all(cost <= CEILING * 10_000.0 + 1e-6 for cost in at_risk)


def test_the_day_s_loss_stops_whatever_the_strategy_wants() -> None:
    """Guard: the tripwire `day_loss` of agents/transmission/governor.py: −2 R0, read from the account and not from the strategy."""
    market = Market(instrument_of(), wanted=1e6, earned="normal")
    flat = look([market], account_of(10_000.0), settings_of(None, NORMAL))
    lost = replace(flat.account, cash_micro=flat.account.cash_micro - 250_000_000)

    assert len(flat.orders)
    again = look([market], lost, settings_of(None, NORMAL))
    assert not len(again.orders)
    assert again.reason == "day_loss"


def strategy_modules() -> Sequence[str]:
    return [name for name in modules() if within(name, "agents.weather")]


def test_strategy_code_reaches_no_limit_and_no_broker() -> None:
    """What could loosen a limit is not within reach of what wants to trade: the floor plan, walked."""
    for name in strategy_modules():
        reached = {
            one for one in closure(name) if within(one, "agents.transmission.constraints") or within(one, "agents.paper")
        }
        assert not reached, name
