"""Copies of a module with exactly one sign flipped: an oracle that does not notice is no oracle."""

from __future__ import annotations

import ast
import copy
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import ModuleType

import pytest

FLIPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
}

Check = Callable[[ModuleType], None]


def flips(path: Path) -> list[str]:
    """Return what can be flipped in a file, as `function: before -> after`, in the order of the text."""
    return [name for name, _ in _flipped_trees(path)]


def flipped(path: Path) -> Iterator[tuple[str, ModuleType]]:
    """Yield each flip with its copy executed as a module; a copy that does not even load is left out.

    The copy imports the unflipped rest. It is known to `sys.modules` until the next one is asked for.
    """
    for rank, (name, tree) in enumerate(_flipped_trees(path)):
        module = ModuleType(f"flipped_{path.stem}_{rank}")
        sys.modules[module.__name__] = module
        try:
            if _loads(tree, path, module):
                yield name, module
        finally:
            del sys.modules[module.__name__]


def unnoticed(path: Path, checks: Collection[Check]) -> list[str]:
    """Return the flips under which every check still passes; a check fails by raising anything."""
    return [name for name, module in flipped(path) if not any(_fails(check, module) for check in checks)]


def _fails(check: Check, module: ModuleType) -> bool:
    try:
        check(module)
    except (Exception, pytest.fail.Exception):  # the latter where something is no longer refused
        return True
    return False


def _loads(tree: ast.Module, path: Path, module: ModuleType) -> bool:
    try:
        exec(compile(tree, str(path), "exec"), module.__dict__)
    except Exception:
        return False
    return True


def _flipped_trees(path: Path) -> Iterator[tuple[str, ast.Module]]:
    """Yield each flip with a tree of its own."""
    original = ast.parse(path.read_text(encoding="utf-8"))
    for rank, (owner, node) in enumerate(_sites(original)):
        for part in range(len(node.ops) if isinstance(node, ast.Compare) else 1):
            if isinstance(node, ast.Compare) and type(node.ops[part]) not in FLIPS:
                continue
            tree = copy.deepcopy(original)
            twin = _sites(tree)[rank][1]
            yield f"{owner}: {ast.unparse(node)} -> {_flip(twin, part)}", ast.fix_missing_locations(tree)


def _sites(tree: ast.Module) -> list[tuple[str, ast.AST]]:
    """Return the nodes that can be flipped, each with the name of the outermost function or class around it."""
    found: list[tuple[str, ast.AST]] = []
    for statement in tree.body:
        owner = getattr(statement, "name", "module")
        found += [(owner, node) for node in ast.walk(statement) if _can_flip(node)]
    return found


def _can_flip(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp | ast.AugAssign):
        return type(node.op) in FLIPS
    if isinstance(node, ast.Compare):
        return any(type(each) in FLIPS for each in node.ops)
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def _flip(node: ast.AST, part: int) -> str:
    """Flip a node in its tree and return how it reads now."""
    if isinstance(node, ast.Compare):
        node.ops[part] = FLIPS[type(node.ops[part])]()  # type: ignore[call-overload]
    elif isinstance(node, ast.UnaryOp):
        node.op = ast.UAdd()
    elif isinstance(node, ast.BinOp | ast.AugAssign):
        node.op = FLIPS[type(node.op)]()  # type: ignore[assignment]
    return ast.unparse(node)
