"""What a person asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.model.ids import CommandId

KILL_FILE = "KILL"
"""A file of this name in a data folder is a kill that cannot be lifted while it is there."""


class To(StrEnum):
    ENGINE = "engine"
    SUPERVISOR = "supervisor"


class Verb(StrEnum):
    KILL = "kill"
    LIFT = "lift"  # end a kill
    DIAL = "dial"  # {"level": 5..1}
    REBASE = "rebase"  # {"reason": ...}: count the drawdown from here, at half size
    FLATTEN = "flatten"  # sell all that can be sold
    CYCLE = "cycle"  # look now
    START = "start"
    STOP = "stop"
    RESTART = "restart"


class Scope(StrEnum):
    READ = "read"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Caller:
    name: str
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True)
class Command:
    command_id: CommandId
    to: To
    verb: Verb
    arguments: str  # JSON
    by: str
    at: datetime
