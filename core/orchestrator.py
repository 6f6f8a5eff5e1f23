"""The command line: `python -m core.orchestrator --mode NAME …`, one row per mode."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

from core.errors import HermesError
from core.settings import Settings, load_settings
from core.store.memory import arrange_memory

REFUSED = 2
MOST_DAYS = 3_660
FIRST_YEAR, LAST_YEAR = 1970, 2100

MODES: Mapping[str, tuple[str, str]] = {
    "fetch": ("core.modes.look:fetch", "ask every source once, keep and print what came"),
    "probmap": ("core.modes.look:probmap", "print the model's and the market's probability of each bracket"),
    "paper": ("core.modes.engine:paper", "run one cycle of the desk"),
    "dynamic-paper": ("core.modes.engine:dynamic_paper", "run the desk until it is stopped"),
    "live": ("core.modes.engine:dynamic_paper", "the desk on the real services, with a paper account"),
    "demo": ("core.modes.engine:demo", "the desk on a demo world that is already served"),
    "collect": ("core.modes.engine:collect", "record everything, trade nothing"),
    "simulate": ("core.modes.simulate:simulate", "the desk on the demo world, in this process, unpaced"),
    "import": ("core.modes.history:import_sets", "turn real history into archive records"),
    "backfill": (
        "core.modes.backfill:backfill",
        "fetch the settled history of the active stations, so that nothing starts cold",
    ),
    "backtest": ("core.modes.history:backtest", "run the desk over recorded or imported days"),
    "replay": ("core.modes.replay:replay", "run a recorded session again and compare every row"),
    "verify": ("core.modes.verify:verify", "score model and market on settled days"),
    "kill": ("core.modes.operator:kill", "throw the kill switch of a running desk: exits only"),
    "lift": ("core.modes.operator:lift", "lift the kill switch and other pauses that a person ends"),
    "dial": ("core.modes.operator:dial", "scale the size of a running desk: --level 5 (all) to 1 (exits only)"),
    "rebase": ("core.modes.operator:rebase", 'count the drawdown anew after a pause, at half size: --reason "..."'),
    "flatten": ("core.modes.operator:flatten", "sell all that can be sold"),
    "doctor": ("core.modes.doctor:doctor", "check settings, data, sources, journal and ledger"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one mode; 0, or one line that names the thing and the way out."""
    given = _parser().parse_args(arguments)
    arrange_memory()
    try:
        line, _ = MODES[given.mode]
        module, _, name = line.partition(":")
        code: int = getattr(import_module(module), name)(_settings(given), given)
        return code
    except HermesError as error:
        print(f"hermes: {error}", file=sys.stderr, flush=True)
        return REFUSED
    except KeyboardInterrupt:
        print("hermes: stopped", file=sys.stderr, flush=True)
        return 130


def _settings(given: argparse.Namespace) -> Settings:
    named: dict[str, Any] = {
        "data_dir": given.data, "seed": given.seed, "speed": given.speed, "stations": given.stations,
        "interval_seconds": given.interval,
    }  # fmt: skip
    world = given.world or ("demo" if given.mode in ("demo", "simulate") else None)
    mode = {"demo": "demo", "live": "live", "archive": "replay"}.get(world or "")
    named["mode"] = mode
    return load_settings(**{name: value for name, value in named.items() if value is not None})


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise argparse.ArgumentTypeError(f"{text!r} lies outside {FIRST_YEAR} to {LAST_YEAR}")
        return day
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; write YYYY-MM-DD") from None


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = math.nan
    if not 0 < days <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is no span; give days above 0 and up to {MOST_DAYS}")
    return days


def _folder(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("the folder has no name; leave the option out for the default")
    return text


def _parser() -> argparse.ArgumentParser:
    modes = "\n".join(f"  {name:14} {sentence}" for name, (_, sentence) in MODES.items())
    parser = argparse.ArgumentParser(
        prog="python -m core.orchestrator", description=f"Hermes, mode by mode:\n{modes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--mode", required=True, choices=MODES, metavar="NAME")
    parser.add_argument("--world", choices=("live", "demo", "archive"), help="which world the mode works on")
    parser.add_argument("--data", type=_folder, metavar="DIR", help="data folder")
    parser.add_argument("--stations", metavar="EGLC,KLGA", help="ICAO codes")
    parser.add_argument("--date", type=_day, metavar="YYYY-MM-DD", help="event day")
    parser.add_argument("--start", type=_day, metavar="YYYY-MM-DD", help="first day")
    parser.add_argument("--end", type=_day, metavar="YYYY-MM-DD", help="last day, included")
    parser.add_argument("--days", type=_days, default=2.0, metavar="N", help="simulate: simulated days; backfill: settled days")
    parser.add_argument("--seed", type=int, metavar="S", help="demo world")
    parser.add_argument("--speed", type=float, metavar="X", help="demo: simulated seconds in a second")
    parser.add_argument("--interval", type=int, metavar="SECONDS", help="time between two cycles")
    parser.add_argument("--real-data", type=Path, metavar="DIR", help="folder with real history")
    parser.add_argument("--set", dest="sets", default="A", metavar="A[,B,...]", help="sets of real history")
    parser.add_argument("--rules", action="store_true", help="verify: also what wrong readings of the rule would have settled")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result as JSON")
    parser.add_argument("--report", type=Path, metavar="FILE", help="verify: also write the tables as a page")
    parser.add_argument("--level", type=int, choices=(1, 2, 3, 4, 5), metavar="5..1", help="dial: how much of the size is left")
    parser.add_argument("--reason", metavar="TEXT", help="dial, rebase, flatten, kill, lift: why; the journal keeps it")
    parser.add_argument("--ledger", action="store_true", help="doctor: prove the money alone")
    parser.add_argument("--upgrade", action="store_true", help="doctor: bring the journal of an earlier Hermes forward")
    parser.add_argument("--copies", action="store_true", help="doctor: make the daily files of the trades again")
    parser.add_argument("--learned", action="store_true", help="doctor: make again what was learned, and compare")
    return parser


if __name__ == "__main__":
    sys.exit(main())
