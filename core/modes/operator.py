"""A person's word to a running desk: stop all new risk, or end that."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from uuid import uuid4

from core.clock import wall_now
from core.control.beats import Beats
from core.control.commands import Commands
from core.control.lock import Lock
from core.errors import NotAllowedError, UnknownIdError
from core.model.command import KILL_FILE, Command, To, Verb
from core.model.ids import CommandId
from core.modes.where import journal_folder
from core.settings import Settings

BY = "the command line"
WORLDS = ("live", "demo", "archive")


def kill(settings: Settings, given: argparse.Namespace) -> int:
    """Throw the kill switch: from the next cycle on exits only. Never refused for want of an engine."""
    return _post(settings, _folder(settings, given), Verb.KILL)


def lift(settings: Settings, given: argparse.Namespace) -> int:
    """Lift the kill switch; NotAllowedError while the kill file is there."""
    folder = _folder(settings, given)
    file = folder / KILL_FILE
    if file.exists():
        raise NotAllowedError(
            f"{file} is there: the desk of {folder} stays paused until it is removed; remove it, then lift again"
        )
    return _post(settings, folder, Verb.LIFT)


def _folder(settings: Settings, given: argparse.Namespace) -> Path:
    folder = journal_folder(settings, given)
    if not folder.is_dir():
        raise UnknownIdError(f"{folder} is not there; give the --data of the desk that runs")
    return folder.resolve()


def _post(settings: Settings, folder: Path, verb: Verb) -> int:
    command = Command(CommandId(uuid4().hex), To.ENGINE, verb, "{}", BY, wall_now())
    Commands(folder).post(command)
    heard = engine_beats(folder)
    when = "carried out at its next look" if heard else "obeyed when an engine starts there"
    print(f"{verb} left for the desk of {folder}; it is {when} (command {command.command_id})", flush=True)
    if not heard:
        print(f"hermes: warning: {_unheard(settings, folder, verb)}", file=sys.stderr, flush=True)
    return 0


def engine_beats(folder: Path) -> bool:
    """Return whether the process that holds a folder is an engine that has not said goodbye; a backfill holds it, too."""
    if not (folder / "control.db").exists():
        return False
    beat, holder = Beats(folder).read("engine"), Lock(folder / "engine.lock").holder()
    return beat is not None and beat.state != "stopped" and holder > 0 and beat.pid == holder


def _unheard(settings: Settings, folder: Path, verb: Verb) -> str:
    beside = dict.fromkeys(settings.folder(world).resolve() for world in WORLDS)
    elsewhere = [f"--data {shlex.quote(str(other))}" for other in beside if other != folder and engine_beats(other)]
    hint = f"; the desk that runs is another one: {' or '.join(elsewhere)}" if elsewhere else ""
    return f"no engine beats in {folder}; nothing hears this {verb} now, it is left and will be obeyed at the next start{hint}"
