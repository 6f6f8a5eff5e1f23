"""The schema in words: `python -m core.settings.describe > docs/settings.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

from core.settings.schema import GuardSettings, RiskSettings, RuleSettings, Settings, SourceSettings, WeatherSettings

SECTIONS: dict[str, type[BaseModel]] = {
    "risk": RiskSettings, "weather": WeatherSettings, "rules": RuleSettings, "guard": GuardSettings,
}  # fmt: skip
HEAD = """# Settings

No setting is needed. Each can come from the environment or from `.env` (environment wins; command line wins over both).
Names in the last column are older names that still work. `HOST`, `PORT` and `DEBUG` are read from `.env` only.
"""


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as a table shows it."""

    name: str
    default: str
    bounds: str
    sentence: str
    aliases: tuple[str, ...]


def setting_rows() -> Iterator[SettingRow]:
    """Yield every setting, sections last."""
    for name, field in Settings.model_fields.items():
        if name not in SECTIONS and name != "sources":
            yield _row(f"HERMES_{name.upper()}", field)
    for section, model in SECTIONS.items():
        yield from _section_rows(f"HERMES_{section.upper()}__", model)
    yield from _section_rows("HERMES_SOURCES__<name>__", SourceSettings)


def _section_rows(prefix: str, model: type[BaseModel]) -> Iterator[SettingRow]:
    for name, field in model.model_fields.items():
        yield _row(prefix + name.upper(), field)


def _row(name: str, field: FieldInfo) -> SettingRow:
    choices = field.validation_alias.choices if isinstance(field.validation_alias, AliasChoices) else []
    aliases = tuple(str(choice) for choice in choices if str(choice) != name)
    return SettingRow(name, _text(field.default), _bounds(field), field.description or "", aliases)


def _text(value: Any) -> str:
    if value in ("", ()):
        return "empty"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _bounds(field: FieldInfo) -> str:
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    found = [
        f"{sign} {getattr(rule, name):g}" for rule in field.metadata for name, sign in signs.items() if hasattr(rule, name)
    ]
    return ", ".join(found)


def markdown() -> str:
    """Return `docs/settings.md`."""
    lines = [HEAD, "| setting | default | range | meaning | also |", "|---|---|---|---|---|"]
    lines += [
        f"| `{row.name}` | {row.default} | {row.bounds} | {row.sentence} | {', '.join(f'`{a}`' for a in row.aliases)} |"
        for row in setting_rows()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
