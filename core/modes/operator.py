"""A person's word to a running desk: stop all new risk or end that, scale its size, rebase its drawdown, sell everything."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

import orjson

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
    return _post(settings, _folder(settings, given), Verb.KILL, _reason(given))


def lift(settings: Settings, given: argparse.Namespace) -> int:
    """Lift the kill switch and what else a person ends; NotAllowedError while the kill file is there."""
    folder = _folder(settings, given)
    file = folder / KILL_FILE
    if file.exists():
        raise NotAllowedError(
            f"{file} is there: the desk of {folder} stays paused until it is removed; remove it, then lift again"
        )
    return _post(settings, folder, Verb.LIFT, _reason(given))


def dial(settings: Settings, given: argparse.Namespace) -> int:
    """Set the operator dial, 5 (full size) to 1 (a quarter, and exits only)."""
    if given.level is None:
        raise NotAllowedError("a dial needs a level: --level 5 (full size) to 1 (exits only)")
    return _post(settings, _folder(settings, given), Verb.DIAL, {"level": given.level, **_reason(given)})


def rebase(settings: Settings, given: argparse.Namespace) -> int:
    """Count the drawdown anew from where the desk stands, at half size; NotAllowedError without a reason."""
    reason = _reason(given)
    if not reason:
        raise NotAllowedError('a rebase needs a reason in words: --reason "..."')
    return _post(settings, _folder(settings, given), Verb.REBASE, reason)


def flatten(settings: Settings, given: argparse.Namespace) -> int:
    """Sell all that can be sold, and buy nothing until that is done."""
    return _post(settings, _folder(settings, given), Verb.FLATTEN, _reason(given))


def _reason(given: argparse.Namespace) -> dict[str, object]:
    words = " ".join((getattr(given, "reason", None) or "").split())
    return {"reason": words} if words else {}


def _folder(settings: Settings, given: argparse.Namespace) -> Path:
    folder = journal_folder(settings, given)
    if not folder.is_dir():
        raise UnknownIdError(f"{folder} is not there; give the --data of the desk that runs")
    return folder.resolve()


def _post(settings: Settings, folder: Path, verb: Verb, arguments: Mapping[str, object] = MappingProxyType({})) -> int:
    text = orjson.dumps(dict(arguments), option=orjson.OPT_SORT_KEYS).decode()
    command = Command(CommandId(uuid4().hex), To.ENGINE, verb, text, BY, wall_now())
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
