"""Every constant that the weather desk believes with, as its source says it, and one hash of them all.

`python -m agents.research.constants > docs/constants.txt` before a score is made: what was chosen can then be told from what
was seen. Chosen on days before 2024-08-16 alone.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

BELIEFS = Path(__file__).resolve().parents[1] / "weather"
NOT_BELIEFS = frozenset({"asks.py", "columns.py", "listing_asks.py", "quotes.py", "reasons.py"})


def constants() -> Iterator[str]:
    """Yield `module.NAME = value` for every constant that holds a number, by module and in their order."""
    for path in sorted(BELIEFS.rglob("*.py")):
        if path.name in NOT_BELIEFS or "sizing" in path.parts:
            continue
        module = ".".join(path.relative_to(BELIEFS).with_suffix("").parts)
        for node in ast.parse(path.read_text("utf-8")).body:
            yield from _of_node(module, node)


def _of_node(module: str, node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Assign):
        names, value = list(node.targets), node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        names, value = [node.target], node.value
    else:
        return
    if not any(isinstance(each, ast.Constant) and isinstance(each.value, int | float) for each in ast.walk(value)):
        return
    for name in names:
        words = [each.id for each in ast.walk(name) if isinstance(each, ast.Name)]
        if all(word.isupper() and not word.startswith("_") and word != "MODELS" for word in words):
            yield f"{module}.{', '.join(words)} = {ast.unparse(value)}"


def told() -> str:
    """Return all constants and their hash."""
    lines = "\n".join(constants())
    return f"{lines}\nsha256 {constants_hash()}\n"


def constants_hash() -> str:
    """Return the hash of all constants."""
    return sha256("\n".join(constants()).encode()).hexdigest()


if __name__ == "__main__":
    sys.stdout.write(told())
