"""A demo desk with every fault switched on, and a diary of what was injected and what the page said of it.

`python -m tests.e2e.fault_run FOLDER DAYS` runs it alone; a folder that already holds a part goes on from there.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from core.model.cycle import Cycle
from core.settings import Settings
from core.units import iso, parse_iso
from core.wiring.desk import run_weather
from core.wiring.faces import build_services
from tests.e2e.desk_in_process import SEED, settings_for
from venues.demo.faults import FAULTS, Faults
from venues.demo.transport import DemoAdapter
from venues.demo.world import START, World

STATIONS = ("EGLC", "KLGA", "KNYC", "KMIA", "HKO")  # both venues, both units, highs and lows, one city by two rules
DIARY = "diary.jsonl"
SERVICE_OF = {
    "gamma": "polymarket_gamma", "clob": "polymarket_clob", "data": "polymarket_data", "kalshi": "kalshi", "awc": "metar",
    "nws": "nws", "iem": "iem", "zeus": "zeus", "open-meteo": "open_meteo", "open-meteo-ensemble": "open_meteo_ensemble",
}  # fmt: skip
"""What the page calls each service of the demo world that a running desk asks."""


@dataclass(frozen=True)
class Day:
    """One cycle of the diary: what was injected since the cycle before, and what the page says at its end."""

    at: datetime
    fired: dict[tuple[str, str], int]  # (fault, service) → answers it spoiled
    asked: dict[str, int]  # service → answers given
    health: dict[str, dict[str, Any]]  # service, as the page calls it → its row
    doubts: list[list[Any]]  # source, kind, subject, reason, whole: of this cycle

    def faults_of(self, service: str) -> set[str]:
        """Return the faults that spoiled an answer of a service in this cycle."""
        return {fault for (fault, name), number in self.fired.items() if name == service and number}


class Counted(DemoAdapter):
    """The demo world in this process, counting its answers by service."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.asked: Counter[str] = Counter()

    def send(self, request: Any, *options: Any, **named: Any) -> Any:
        self.asked[str(request.path_url).split("/")[1]] += 1
        return super().send(request, *options, **named)


class Diary:
    """Writes a line per cycle into the data folder."""

    def __init__(self, settings: Settings, adapter: Counted) -> None:
        self._adapter, self._path = adapter, settings.data_dir / DIARY
        self._services = build_services(settings)
        self._fired: Counter[tuple[str, str]] = Counter()
        self._asked: Counter[str] = Counter()

    def write(self, cycle: Cycle) -> None:
        """Note what was injected since the last line, and what the page says now."""
        fired = Counter({
            (fault, service): number for fault, of in self._adapter.world.faults.counts.items() for service, number in of.items()
        })  # fmt: skip
        asked = Counter(self._adapter.asked)
        shown = self._services.sources.health()
        line = {
            "at": iso(cycle.sealed_at), "number": cycle.number,
            "fired": [[*pair, number] for pair, number in sorted((fired - self._fired).items())],
            "asked": asked - self._asked,
            "health": {
                row.name: {"state": row.state, "error": row.last_error, "successes": row.successes, "failures": row.failures}
                for row in shown.sources
            },
            "doubts": [
                [each.source, each.kind, each.subject, each.reason, each.whole]
                for each in shown.doubts if each.last_at >= cycle.sealed_at
            ],
        }  # fmt: skip
        self._fired, self._asked = fired, asked
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")


@dataclass(frozen=True)
class FaultRun:
    """What a run left behind."""

    data: Path

    @cached_property
    def diary(self) -> list[Day]:
        """Return the cycles in their order; of one that was told twice, after a kill, the last."""
        lines = {}
        for text in (self.data / DIARY).read_text().splitlines():
            line = json.loads(text)
            lines[line["at"]] = Day(
                parse_iso(line["at"]), {(fault, service): number for fault, service, number in line["fired"]}, line["asked"],
                line["health"], line["doubts"],
            )  # fmt: skip
        return [lines[at] for at in sorted(lines)]

    @cached_property
    def fired(self) -> Counter[str]:
        """Return how often each fault fired."""
        counted: Counter[str] = Counter(dict.fromkeys(FAULTS, 0))
        for day in self.diary:
            for (fault, _), number in day.fired.items():
                counted[fault] += number
        return counted

    @cached_property
    def faults(self) -> Faults:
        """Return the schedule of what was switched on."""
        return Faults(SEED, "all")


def settings_of(data: Path, stations: tuple[str, ...] = STATIONS, interval_seconds: int = 900) -> Settings:
    """Return the settings of the run: an edge so small that a short session trades."""
    return settings_for(data, stations=stations, interval_seconds=interval_seconds, edge_min=0.02)


def run(settings: Settings, days: float, stopping: Callable[[], bool] = lambda: False) -> FaultRun:
    """Run the desk until so many days after the beginning of the world; what is there already is not run again."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    adapter = Counted(World(SEED, faults="all"))
    until = START + timedelta(days=days)
    diary = Diary(settings, adapter)
    run_weather(
        settings, settings.data_dir, f"demo:{SEED}", stopping=stopping, adapter=adapter, until=until, progress=diary.write,
    )  # fmt: skip
    return FaultRun(settings.data_dir)


def main(folder: str, days: str, interval: str = "900", stations: str = ",".join(STATIONS)) -> None:
    """Run it alone."""
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    found = run(settings_of(Path(folder), tuple(stations.split(",")), int(interval)), float(days), over.is_set)
    sys.stdout.write(f"{len(found.diary)} cycles {dict(found.fired)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
