"""The ensemble service: a control run and its members, spread as far as forecasts of that lead err."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from venues.demo.open_meteo import VARIABLE, Column, OpenMeteo, Span
from venues.demo.stations import Station


@dataclass(frozen=True, slots=True)
class _System:
    """An ensemble under the name it is computed by, the name its columns carry, and its members besides the control."""

    computed: str
    resolved: str
    members: int


_SYSTEMS = {
    "gfs_seamless": _System("gfs_seamless", "ncep_gefs_seamless", 30),
    "ncep_gefs_seamless": _System("gfs_seamless", "ncep_gefs_seamless", 30),
    "gfs025": _System("gfs_seamless", "ncep_gefs025", 30),
    "ecmwf_ifs025": _System("ecmwf_ifs025", "ecmwf_ifs025_ensemble", 50),
    "icon_seamless": _System("icon_seamless", "icon_seamless_eps", 39),
    "icon_seamless_eps": _System("icon_seamless", "icon_seamless_eps", 39),
}
_MEMBERS = {system.computed: system.members for system in _SYSTEMS.values()}


class Ensembles(OpenMeteo):
    """Answers under /open-meteo-ensemble."""

    _path = "/v1/ensemble"
    _most_ahead = 35
    _models: ClassVar = {**{name: system.computed for name, system in _SYSTEMS.items()}, "best_match": "gfs_seamless"}
    _says_how_long = False

    def _resolved(self, model: str) -> str:
        return _SYSTEMS[model].resolved if model in _SYSTEMS else model

    def _columns(
        self, station: Station | None, span: Span, name: str, model: str, length: int
    ) -> Iterator[tuple[str, Column | None]]:
        labels = [name, *(f"{name}_member{number:02d}" for number in range(1, _MEMBERS[model] + 1))]
        known = name == VARIABLE and length == span.count
        columns: list[Column] = [[None] * length for _ in labels]
        if known and station is not None:
            columns = self._forecasts.members(station, model, span.first, span.count, span.second, len(labels) - 1)
        for label, values in zip(labels, columns, strict=True):
            yield label, values if known else None
