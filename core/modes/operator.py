"""A person's word to a running desk: stop all new risk, or end that."""

from __future__ import annotations

import argparse
from uuid import uuid4

from core.clock import wall_now
from core.control.commands import Commands
from core.errors import UnknownIdError
from core.model.command import Command, To, Verb
from core.model.ids import CommandId
from core.modes.where import journal_folder
from core.settings import Settings

BY = "the command line"


def kill(settings: Settings, given: argparse.Namespace) -> int:
    """Throw the kill switch: from the next cycle on exits only."""
    return _post(settings, given, Verb.KILL)


def lift(settings: Settings, given: argparse.Namespace) -> int:
    """Lift the kill switch."""
    return _post(settings, given, Verb.LIFT)


def _post(settings: Settings, given: argparse.Namespace, verb: Verb) -> int:
    folder = journal_folder(settings, given)
    if not folder.is_dir():
        raise UnknownIdError(f"{folder} is not there; give the --data of the desk that runs")
    command = Command(CommandId(uuid4().hex), To.ENGINE, verb, "{}", BY, wall_now())
    Commands(folder).post(command)
    print(
        f"{verb} left for the desk of {folder}; it is carried out at its next look (command {command.command_id})", flush=True
    )
    return 0
