"""The floor plan: which room may import which, walked over the real imports, closures too."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS_ON_DISK = ("core", "agents", "venues", "api", "dashboard")
LONGEST_FILE = 400

# The ground, in order: a module imports only what stands before it, and its own family.
WORDS = ("core.errors", "core.units", "core.model", "core.clock", "core.days", "core.checkpoints", "core.settings", "core.log")
PURE = ("core.readings", "core.prices", "core.metrics", "core.events")
SHELVES = ("core.failpoints", "core.registry", "core.store", "core.journal", "core.control")
PORTS = ("core.ports",)
ORDER = WORDS + PURE + SHELVES + PORTS
GROUND = frozenset({"words", "pure", "shelves", "ports"})

ROOMS: Mapping[str, tuple[str, ...]] = {
    "words": WORDS,
    "pure": PURE,
    "shelves": SHELVES,
    "ports": PORTS,
    "services": ("core.services",),
    "venues": ("venues",),
    "agents": ("agents",),
    "faces": ("core.wiring.faces",),
    "research": ("core.wiring.research",),
    "wiring": ("core.wiring.desk", "core.wiring.heart", "core.wiring.sources"),
    "supervisor": ("core.supervisor",),
    "orchestrator": ("core.orchestrator", "core.modes"),
    "api": ("api",),
    "dashboard": ("dashboard",),
    "api entry": ("api.app", "api.__main__"),
    "dashboard entry": ("dashboard.app", "dashboard.__main__"),
}
MAY_IMPORT: Mapping[str, frozenset[str]] = {
    "words": frozenset({"words"}),
    "pure": frozenset({"words", "pure"}),
    "shelves": frozenset({"words", "pure", "shelves"}),
    "ports": frozenset({"words", "pure", "shelves", "ports"}),
    "services": GROUND | {"services"},
    "venues": GROUND | {"venues"},
    "agents": GROUND | {"agents"},
    "faces": GROUND | {"services", "agents", "faces"},
    "research": GROUND | {"agents", "research"},
    "wiring": GROUND | {"agents", "venues", "wiring"},
    "supervisor": GROUND | {"supervisor"},
    "orchestrator": GROUND | {"services", "faces", "research", "wiring", "supervisor", "orchestrator"},
    "api": frozenset({"words", "services", "api"}),
    "dashboard": frozenset({"words", "services", "dashboard"}),
    "api entry": frozenset({"words", "services", "api", "faces", "api entry"}),
    "dashboard entry": frozenset({"words", "services", "dashboard", "faces", "dashboard entry"}),
}
# Not within reach of a face: whatever trades, sends, or writes money.
OUT_OF_REACH = (
    "venues",
    "core.journal.durable",
    "core.journal.buffered",
    "core.journal.writer",
    "agents.engine",
    "agents.paper",
)
# Nor within reach of research: whatever talks to the outside.
OUT_OF_RESEARCH = ("venues",)
PACKAGE_ONLY = ("core", "core.wiring")  # folders whose own `__init__` holds nothing
SAYS_NOTHING = ("utils", "util", "helper", "helpers", "manager", "managers", "misc", "common")


@cache
def modules() -> Mapping[str, Path]:
    """Return every module of the house and its file."""
    found = {}
    for room in ROOMS_ON_DISK:
        for path in sorted((ROOT / room).rglob("*.py")):
            found[".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")] = path
    return found


def module_names(text: str, name: str, is_package: bool) -> Iterator[str]:
    """Yield the full name of everything that a text imports, inside functions too."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, name, is_package)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def absolute(node: ast.ImportFrom, name: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    base = parts[: len(parts) - node.level + is_package]
    return ".".join(base + ([node.module] if node.module else []))


@cache
def imports(name: str) -> frozenset[str]:
    """Return the modules of the house that a module names in its imports."""
    path = modules()[name]
    found = set()
    for wanted in module_names(path.read_text("utf-8"), name, path.name == "__init__.py"):
        owner = wanted if wanted in modules() else wanted.rpartition(".")[0]
        if owner in modules():
            found.add(owner)
    return frozenset(found - {name})


def loads(name: str) -> frozenset[str]:
    """Return what importing a module runs: what it names, and the packages around it and around those."""
    found = set()
    for wanted in {name, *imports(name)}:
        parts = wanted.split(".")
        found |= {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
    return frozenset((found & modules().keys()) - {name})


def closure(name: str) -> frozenset[str]:
    """Return everything that is reached from a module."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        fresh = loads(waiting.pop()) - seen
        seen |= fresh
        waiting += fresh
    return frozenset(seen)


def within(name: str, place: str) -> bool:
    return name == place or name.startswith(place + ".")


def room(name: str) -> str | None:
    """Return the room of a module: that of its longest matching name."""
    fits = [(len(place), title) for title, places in ROOMS.items() for place in places if within(name, place)]
    return max(fits)[1] if fits else None


def place_in_ground(name: str) -> int:
    return max((len(place), rank) for rank, place in enumerate(ORDER) if within(name, place))[1]


def is_blank(name: str) -> bool:
    """Return whether a module holds nothing but a docstring."""
    return all(isinstance(node, ast.Expr) for node in ast.parse(modules()[name].read_text("utf-8")).body)


def test_every_module_has_a_room() -> None:
    homeless = [name for name in modules() if room(name) is None and not (name in PACKAGE_ONLY and is_blank(name))]

    assert homeless == []


def test_every_room_of_the_table_says_what_it_may_import() -> None:
    assert MAY_IMPORT.keys() == ROOMS.keys()
    assert all(allowed <= ROOMS.keys() for allowed in MAY_IMPORT.values())


def test_no_room_imports_what_it_may_not() -> None:
    broken = [
        f"{name} ({room(name)}) imports {other} ({room(other)})"
        for name in modules()
        for other in sorted(imports(name))
        if room(name) and room(other) and room(other) not in MAY_IMPORT[str(room(name))]
    ]

    assert broken == []


def test_the_ground_imports_downward_only() -> None:
    broken = [
        f"{name} imports {other}, which stands above it"
        for name in modules()
        for other in sorted(imports(name))
        if room(name) in GROUND and room(other) in GROUND and place_in_ground(other) > place_in_ground(name)
    ]

    assert broken == []


def test_no_imports_run_in_a_circle() -> None:
    circles = [
        f"{name} <-> {other}" for name in modules() for other in sorted(imports(name)) if name in closure_of_names(other)
    ]

    assert circles == []


@cache
def closure_of_names(name: str) -> frozenset[str]:
    """Return what is reached by names alone: a package may re-export its own modules."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        fresh = imports(waiting.pop()) - seen
        seen |= fresh
        waiting += fresh
    return frozenset(seen)


@pytest.mark.parametrize("face", ["api.app", "dashboard.app", "core.wiring.faces"])
def test_a_face_cannot_reach_what_trades(face: str) -> None:
    reached = closure(face) if face in modules() else frozenset()

    assert sorted(name for name in reached if any(within(name, place) for place in OUT_OF_REACH)) == []


def test_research_cannot_reach_the_outside() -> None:
    reached = closure("core.wiring.research") if "core.wiring.research" in modules() else frozenset()

    assert sorted(name for name in reached if any(within(name, place) for place in OUT_OF_RESEARCH)) == []


def test_only_the_wiring_and_the_command_line_name_a_venue() -> None:
    namers = {name for name in modules() for other in imports(name) if within(other, "venues") and not within(name, "venues")}

    assert namers <= {"core.wiring.desk", "core.wiring.heart", "core.wiring.sources"}


def test_only_the_clock_asks_the_system_for_the_time() -> None:
    asking = ("datetime.now", "datetime.utcnow", "date.today", "time.time")
    offenders = [
        f"{name}:{node.lineno}"
        for name, path in modules().items()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in asking and room(name) in {*GROUND, "services", "agents"}
        if name != "core.clock"
    ]

    assert offenders == []


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in modules().values()}

    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_every_module_name_says_something() -> None:
    assert [name for name in modules() if set(name.split(".")) & set(SAYS_NOTHING)] == []


def test_every_module_that_holds_code_begins_with_what_it_is() -> None:
    silent = [
        name
        for name in modules()
        if not is_blank(name) and not ast.get_docstring(ast.parse(modules()[name].read_text("utf-8")))
    ]

    assert silent == []


def test_the_demo_world_shares_no_code_with_what_it_tests() -> None:
    own = [name for name in modules() if within(name, "venues.demo")]
    foreign = [
        f"{name} imports {other}"
        for name in own
        for other in sorted(imports(name))
        if not within(other, "venues.demo")
        and (
            within(other, "core.readings") or within(other, "core.prices") or within(other, "venues") or within(other, "agents")
        )
        and other != "venues"
    ]

    assert foreign == []


@pytest.mark.parametrize("table", ["SOURCES", "BROKERS"])
def test_every_line_of_a_venue_table_leads_to_a_class(table: str) -> None:
    lines = getattr(importlib.import_module("venues"), table, {})
    texts = lines.values() if isinstance(lines, Mapping) else lines

    for text in texts:
        module, _, name = text.partition(":")
        assert module in modules(), f"{text}: no such module"
        assert name in class_names(module), f"{text}: no such class"


def class_names(module: str) -> set[str]:
    """Return the classes that a module defines or passes on, without importing an optional library."""
    body = ast.parse(modules()[module].read_text("utf-8")).body
    defined = {node.name for node in body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    return defined | {alias.asname or alias.name for node in body if isinstance(node, ast.ImportFrom) for alias in node.names}


def test_listing_the_venues_imports_none_of_them() -> None:
    before = set(sys.modules)
    importlib.import_module("venues")

    assert not any(name.startswith("venues.") for name in set(sys.modules) - before)


def test_the_walk_sees_an_import_inside_a_function_and_a_relative_one() -> None:
    text = "def f():\n    from venues.http import get\n    import agents.engine\nfrom . import near\nfrom .deep import part\n"

    found = set(module_names(text, "core.wiring.faces", is_package=False))

    assert found == {"venues.http.get", "agents.engine", "core.wiring.near", "core.wiring.deep.part"}
