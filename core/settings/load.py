"""Where settings come from: arguments, environment, `.env`; one clear message when something is wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from pydantic_settings import SettingsError as WireSettingsError

from core.errors import SettingsError
from core.settings.schema import Settings, SourceSettings

# Addresses that older installations set by bare names, and the source each belongs to.
BASE_URL_NAMES: Mapping[str, tuple[str, str]] = {
    "POLY_GAMMA_BASE": ("polymarket_gamma", "base_url"),
    "POLY_CLOB_BASE": ("polymarket_clob", "base_url"),
    "METAR_API_BASE": ("metar", "base_url"),
    "OPEN_METEO_BASE": ("open_meteo", "base_url"),
    "ZEUS_API_BASE": ("zeus", "base_url"),
    "ZEUS_API_KEY": ("zeus", "key"),
}
# Bare names that hosts set for reasons of their own: read from `.env` only.
FILE_ONLY_NAMES: Mapping[str, str] = {"HOST": "api_host", "PORT": "api_port"}
_TRUE = ("1", "true", "yes", "on")
_SECRET = re.compile(r"key|url|password|token", re.IGNORECASE)
_LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)")


class _Loaded(Settings):
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, dotenv_settings


def load_settings(env_file: Path | None = Path(".env"), **given: Any) -> Settings:
    """Return the settings; `given` (command line) wins over environment, environment over `.env`, HERMES_ over bare names.

    Raises:
        SettingsError: a value is wrong, or `.env` cannot be read; the message names it and the way out.
    """
    text = _read_env_file(env_file)
    named = {name.upper(): value for name, value in {**text, **os.environ}.items() if value}
    values = {**_prefixed_first(text), **_file_only(text, named), **given}
    sources = _with_bare_sources(given.get("sources") or {}, named)
    if sources:
        values["sources"] = sources
    try:
        loaded = _Loaded(**values, _env_file=env_file if text else None)
    except ValidationError as error:
        raise SettingsError(_told(error)) from None
    except WireSettingsError as error:
        raise SettingsError(f"settings cannot be read: {error}; mend .env or the HERMES_ variables") from None
    return Settings.model_construct(**{name: getattr(loaded, name) for name in Settings.model_fields})


def _prefixed_first(text: Mapping[str, str]) -> dict[str, str]:
    """Return the fields whose HERMES_ name stands in `.env` while a bare alias in the environment would hide it."""
    found = {}
    for field, info in Settings.model_fields.items():
        if not isinstance(info.validation_alias, AliasChoices):
            continue
        aliases = [str(alias) for alias in info.validation_alias.choices]
        prefixed = next((alias for alias in aliases if alias.startswith("HERMES_") and text.get(alias)), None)
        in_environment = [alias for alias in aliases if os.environ.get(alias)]
        if prefixed and in_environment and not any(alias.startswith("HERMES_") for alias in in_environment):
            found[field] = text[prefixed]
    return found


def _file_only(text: Mapping[str, str], named: Mapping[str, str]) -> dict[str, str]:
    """Return what bare names of `.env` say where no better name says anything."""
    found = {}
    for name, field in FILE_ONLY_NAMES.items():
        if text.get(name) and f"HERMES_{field.upper()}" not in named:
            found[field] = text[name]
    if text.get("DEBUG", "").lower() in _TRUE and not {"HERMES_LOG_LEVEL", "LOG_LEVEL"} & named.keys():
        found["log_level"] = "DEBUG"
    return found


def _with_bare_sources(given: Mapping[str, Any], named: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the settings of sources with the bare names filled in where neither argument nor HERMES_ name stands."""
    sources = {
        source: parts.model_dump(exclude_unset=True) if isinstance(parts, SourceSettings) else dict(parts)
        for source, parts in given.items()
    }
    for name, (source, part) in BASE_URL_NAMES.items():
        if name in named and f"HERMES_SOURCES__{source}__{part}".upper() not in named:
            sources.setdefault(source, {}).setdefault(part, named[name])
    return sources


def _told(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    value = first.get("input")
    shown = "" if _SECRET.search(name) or isinstance(value, dict) else f" (got {value!r})"
    return f"setting {name}: {first['msg']}{shown}; see docs/settings.md for its range"


def _read_env_file(env_file: Path | None) -> dict[str, str]:
    if env_file is None or not env_file.exists():
        return {}
    try:
        lines = env_file.read_bytes().splitlines()
    except OSError as error:
        raise SettingsError(f"{env_file} cannot be read: {error}; mend it or move it away") from None
    found = [_pair(env_file, number, line) for number, line in enumerate(lines, 1)]
    return dict(pair for pair in found if pair)


def _pair(env_file: Path, number: int, line: bytes) -> tuple[str, str] | None:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
    except UnicodeDecodeError:
        raise SettingsError(f"{env_file} line {number} is not UTF-8 text; mend it or move the file away") from None
    if not text or text.startswith("#"):
        return None
    match = _LINE.fullmatch(text)
    if match is None or not text.isprintable():
        raise SettingsError(f"{env_file} line {number} is not NAME=value; mend it or move the file away")
    return match["name"], _unquoted(match["value"])


def _unquoted(value: str) -> str:
    quoted = re.match(r"""(['"])(.*?)\1\s*(?:#.*)?$""", value)
    return quoted[2] if quoted else re.sub(r"\s+#.*$", "", value).strip()
