"""`start_all.sh` runs this: settings, world, processes."""

from __future__ import annotations

import os
import signal
from types import FrameType


def _leave(number: int, _frame: FrameType | None) -> None:
    """Go quietly when the signal comes before there is anything to stop."""
    os._exit(128 + number)


if __name__ == "__main__":  # before the first slow import: until now there is nothing to stop
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _leave)

import argparse
import sys

from core.errors import HermesError
from core.settings import MODES, load_settings
from core.supervisor.prepare import prepare
from core.supervisor.processes import REFUSED
from core.supervisor.watch import Supervisor
from core.supervisor.world import choose_world


def main(arguments: list[str] | None = None) -> int:
    """Start everything; return 0 after a clean stop, 2 with one line when it could not be done."""
    given = _parser().parse_args(arguments)
    named = {
        "mode": given.mode, "api_port": given.api_port, "dashboard_port": given.dashboard_port, "speed": given.speed,
        "seed": given.seed, "data_dir": given.data,
    }  # fmt: skip
    try:
        settings = load_settings(**{name: value for name, value in named.items() if value is not None})
        mode, why = choose_world(settings)
        print(why, flush=True)
        data_dir = prepare(settings, mode)
        return Supervisor(settings, data_dir, mode, dashboard=not given.no_dashboard).run()
    except HermesError as error:
        print(f"hermes: {error}", file=sys.stderr, flush=True)
        return REFUSED


def _folder(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("the folder has no name; leave the option out for the default")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="start_all.sh", description="Start Hermes: engine, sidecar and dashboard.")
    parser.add_argument("--mode", choices=MODES, help="auto (default): live if the public services answer, else demo")
    parser.add_argument(
        "--data", type=_folder, metavar="DIR", help="data folder (default data, or data/demo in the demo world)"
    )
    parser.add_argument("--api-port", type=int, metavar="N", help="port of the sidecar (default 8000)")
    parser.add_argument("--dashboard-port", type=int, metavar="N", help="port of the dashboard (default 8501)")
    parser.add_argument("--speed", type=float, metavar="X", help="demo: simulated seconds in a second (default 300)")
    parser.add_argument("--seed", type=int, metavar="N", help="demo: which world (default 7)")
    parser.add_argument("--no-dashboard", action="store_true", help="engine and sidecar only")
    return parser


if __name__ == "__main__":
    sys.exit(main())
