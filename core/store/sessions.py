"""The settings under which a desk ran, kept beside its records: a replay needs the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from core.errors import StoreError
from core.settings import RiskSettings, Settings, WeatherSettings
from core.store.durable import write_durable, writing
from core.store.layout import INCOMING, moment, stamp

FOLDER = "settings"
DECIDING = (
    "stations", "interval_seconds", "lookahead_days", "start_cash_usd", "model", "edge_min", "fee_bp", "slippage_bp", "kelly_cap",
    "daily_bankroll_cap_usd", "per_market_cap_usd", "liquidity_min_usd", "risk", "weather",
)  # fmt: skip
"""What a decision depends on; addresses, keys, ports and paces are not among it."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Settings, and the instant of the desk's own clock from which on they held."""

    since: datetime
    settings: Settings


def record_settings(settings: Settings, data_dir: Path, now: datetime) -> None:
    """Note the settings that hold from now on, where they differ from those noted last."""
    said = settings.model_dump_json(include=set(DECIDING), indent=1).encode()
    with writing(data_dir):
        known = _files(data_dir)
        if not known or known[-1].read_bytes() != said:
            write_durable({data_dir / FOLDER / f"{stamp(now)}.json": said}, data_dir / INCOMING)


def recorded_settings(settings: Settings, data_dir: Path) -> tuple[Recorded, ...]:
    """Return `settings` as they were in each part of a recorded session, oldest first; empty where nothing was noted."""
    return tuple(Recorded(moment(path.stem), _read(path, settings)) for path in _files(data_dir))


def settings_of(recorded: Sequence[Recorded], sealed_at: datetime, otherwise: Settings) -> Settings:
    """Return what held for a cycle: the first where it is older than all, `otherwise` where nothing was noted."""
    held = [each.settings for each in recorded if each.since < sealed_at]  # a restart begins where the last cycle was sealed
    return held[-1] if held else recorded[0].settings if recorded else otherwise


def _files(data_dir: Path) -> list[Path]:
    return sorted((data_dir / FOLDER).glob("*.json"))


def _read(path: Path, settings: Settings) -> Settings:
    try:
        said = json.loads(path.read_bytes())
        held = {name: said[name] for name in DECIDING} | {
            "stations": tuple(said["stations"]), "risk": RiskSettings(**said["risk"]), "weather": WeatherSettings(**said["weather"]),
        }  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        words = str(error).splitlines()[0]
        raise StoreError(f"{path} does not hold the settings of a session ({words}); restore it from a backup") from error
    return settings.model_copy(update=held)
