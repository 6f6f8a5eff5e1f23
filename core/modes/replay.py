"""A recorded session again: the same decisions, orders, fills and money, or the first row that differs."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from core.errors import UnknownIdError
from core.journal.lines import CycleLine
from core.journal.reader import JournalReader
from core.model.cycle import Phase
from core.modes.where import journal_folder
from core.settings import Settings
from core.store.sessions import Recorded, recorded_settings, settings_of
from core.wiring.desk import active_stations, journal_address
from core.wiring.research import COMPARED, Difference, Stretch, differences, replay_cycles


def replay(settings: Settings, given: argparse.Namespace) -> int:
    """Replay the journal of a data folder; 0 when every row is identical."""
    data_dir = journal_folder(settings, given)
    address = journal_address(settings, data_dir)
    if not settings.database_url and not (data_dir / "hermes.db").exists():
        raise UnknownIdError(f"no recorded session in {data_dir}; run ./start_all.sh or --mode simulate first")
    recorded = JournalReader(address)
    cycles = [line for line in recorded.cycle_lines("weather") if line.phase == Phase.COMPLETE]
    if given.end is not None:
        cycles = [each for each in cycles if each.cycle.scheduled_at.date() <= given.end]
    if not cycles:
        raise UnknownIdError(f"the journal of {data_dir} holds no finished cycle yet")
    folder = _fresh(data_dir / "runs" / "replay")
    stretches = _stretches(cycles, recorded_settings(settings, data_dir), settings, recorded.world())
    for done, day in enumerate(replay_cycles(stretches, data_dir, folder, recorded.world()), 1):
        print(f"{day}  {done} of {len(stretches)} parts", flush=True)
    found = differences(recorded, JournalReader(f"sqlite:///{folder / 'hermes.db'}"), cycles[-1].cycle.scheduled_at)
    return _report(found, len(cycles), folder, given.json)


def _stretches(lines: Sequence[CycleLine], recorded: Sequence[Recorded], settings: Settings, world: str) -> tuple[Stretch, ...]:
    """Return cycles by the day and by the settings that held for them."""
    held = [settings_of(recorded, line.cycle.sealed_at, settings) for line in lines]
    groups = groupby(zip(lines, held, strict=True), key=lambda each: (each[0].cycle.scheduled_at.date(), id(each[1])))
    found = []
    for _, group in groups:
        mine, (own, *_) = zip(*group, strict=True)
        found.append(Stretch(own, tuple(active_stations(own, world).values()), mine))
    return tuple(found)


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _report(found: dict[str, Difference], n_cycles: int, folder: Path, target: Path | None) -> int:
    for table in COMPARED:
        difference = found[table]
        print(f"{'same' if difference.same else 'DIFF'} {table:12} {difference.sentence()}", flush=True)
    if target is not None:
        result = {"cycles": n_cycles, "tables": {name: {"rows": each.rows, "same": each.same} for name, each in found.items()}}
        target.write_text(json.dumps(result, indent=1))
    same = all(each.same for each in found.values())
    print(f"{n_cycles} cycles replayed in {folder}: {'identical' if same else 'NOT identical'}", flush=True)
    return 0 if same else 1
