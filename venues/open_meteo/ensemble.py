"""Open-Meteo ensembles: the control run and the members of several systems at the coordinates of a station."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from requests.adapters import BaseAdapter

from core.clock import Clock
from core.errors import SourceRefusedError, UnknownIdError, WireError
from core.model.record import Ask, Kind, Record
from core.registry import load_stations
from core.settings import Settings
from core.units import FloatArray, IntArray
from venues.http import Answer, Health, Http
from venues.open_meteo.places import asked, place_of
from venues.open_meteo.wire import OTHER, answer_of, celsius_values, grid_point, hours_of, timed_columns, zone_of
from venues.records import failed
from venues.sanity import believable, believable_part, quarantine
from venues.standing import Standing

SOURCE = "open_meteo_ensemble"
ENSEMBLE = "https://ensemble-api.open-meteo.com"
DECODER = 1
PER_MINUTE = 60  # 600 are allowed; a hundred members count as many requests
PLACES = 5  # of one request: a hundred members of each are long
DAYS_AHEAD = 3  # today, and beyond the desk's look-ahead
REFUSED_FOR = timedelta(hours=6)  # after which a model that was refused is tried again
_COLUMN = re.compile(r"temperature_2m(?:_member(?P<member>\d+))?(?:_(?P<model>.+))?")
Members = dict[str, list[tuple[int, str]]]  # model → (member, column)


def parse_ensemble(raw: bytes, station: str, received_at: datetime, *, model: str = "ensemble") -> Record:
    """Return the `ensemble` record of one place; `model` names the system whose columns carry no name.

    Columns are told apart by pattern: the service resolves names (`gfs_seamless` → `_ncep_gefs_seamless`). A system without
    any value is named under `facts["empty"]`, one with a column that cannot be read under `facts["quarantined"]`: it
    is left out as a whole, the others stand.

    Raises:
        WireError: an error body, no hours, or not one system that can be read where one spoke.
    """
    body = answer_of(raw)
    columns, units = timed_columns(body, "hourly")
    hours = np.array(hours_of(columns["time"], units.get("time"), zone_of(body)), np.int64)
    parts: list[tuple[str, IntArray, FloatArray]] = []
    empty, lies = [], []
    for name, members in _members(columns, model).items():
        try:
            values = _matrix(columns, units, members, len(hours))
        except WireError as error:
            lies.append(f"{station} {name}: {error}")
            continue
        present = np.isfinite(values) | np.isinf(values)
        if not present.any():
            empty.append(name)
            continue
        _, lie = believable_part(values[present], f"{station} {name}")
        lies += [lie] if lie else []
        parts.append((name, np.array([member for member, _ in members], np.int64), values))
    facts: dict[str, Any] = {**grid_point(body), **({"empty": sorted(empty)} if empty else {}), **quarantine(lies)}
    rows = _rows(parts, hours)
    if lies and not len(rows["celsius"]):
        raise WireError(f"{SOURCE}: {lies[0]}; nothing else is in the answer, the bytes are kept")
    return Record(
        source=SOURCE, kind=Kind.ENSEMBLE, subject=station, received_at=received_at, issued_at=None, raw=raw, rows=rows,
        facts=facts, decoder=DECODER,
    )  # fmt: skip


def _members(columns: Mapping[str, Any], unnamed: str) -> Members:
    found: Members = {}
    for key in columns:
        column = _COLUMN.fullmatch(key)
        if column is not None and not (column["model"] and OTHER.fullmatch(column["model"])):
            found.setdefault(column["model"] or unnamed, []).append((int(column["member"] or 0), key))
    return {model: sorted(members) for model, members in found.items()}


def _matrix(
    columns: Mapping[str, Any], units: Mapping[str, Any], members: Sequence[tuple[int, str]], length: int
) -> FloatArray:
    """Return the temperatures of a system, (members, hours); NaN where it has none."""
    return np.array([celsius_values(key, columns[key], units.get(key), length) for _, key in members])


def _rows(parts: Sequence[tuple[str, IntArray, FloatArray]], hours: IntArray) -> dict[str, Any]:
    kept = [believable(values) for _, _, values in parts]
    counts = [int(mask.sum()) for mask in kept]
    nothing = np.zeros(0, np.int64)
    return {
        "model": np.repeat(np.array([name for name, _, _ in parts], dtype=object), counts),
        "member": np.concatenate(
            [nothing, *(np.repeat(members, mask.sum(axis=1)) for (_, members, _), mask in zip(parts, kept, strict=True))]
        ),
        "valid_at": np.concatenate(
            [nothing, *(np.broadcast_to(hours, mask.shape)[mask] for mask in kept)]
        ),
        "celsius": np.concatenate(
            [np.zeros(0), *(values[mask] for (_, _, values), mask in zip(parts, kept, strict=True))]
        ),
    }  # fmt: skip


class OpenMeteoEnsemble:
    """Ensembles of stations, each at most once an hour: no system runs more often, and a hundred members weigh."""

    name = SOURCE
    gives = frozenset({Kind.ENSEMBLE})

    def __init__(
        self, settings: Settings, clock: Clock, adapter: BaseAdapter | None = None, *, simulated: bool = False
    ) -> None:
        self._http = Http.of(SOURCE, settings, clock, adapter, simulated=simulated, most_per_minute=PER_MINUTE)
        self._clock, self._url = clock, f"{settings.address(SOURCE, ENSEMBLE)}/v1/ensemble"
        self._models, self._days = settings.weather.ensemble_models.split(","), settings.lookahead_days + DAYS_AHEAD
        self._refused: dict[str, datetime] = {}  # model → when it is tried again
        self._stations = load_stations()
        self._standing = Standing()

    @property
    def health(self) -> Mapping[str, Health]:
        """Return what is known of the service."""
        return {SOURCE: self._http.health}

    def fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        """Yield one record per station whose last one no longer stands."""
        yield from self._http.judge(self._fetch(asks))

    def _fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        now = self._clock.now()
        codes = dict.fromkeys(ask.subject for ask in asks if ask.kind is Kind.ENSEMBLE)
        due = [code for code in codes if self._standing.is_due(code, now)]
        known = [code for code in due if code in self._stations]
        answers = dict(zip(known, self._answers(known, now), strict=True))
        for code in due:
            yield self._record(code, answers.get(code))

    def _answers(self, codes: Sequence[str], now: datetime) -> list[Answer]:
        """Ask for all models at once; where the service knows one of them no longer, find out which and go on without it."""
        answers = self._ask(codes, self._allowed(now))
        broken = next((i for i, answer in enumerate(answers) if _is_refused(answer)), None)
        if broken is None or len(self._allowed(now)) < 2:
            return answers
        alone = [self._ask([codes[broken]], [model])[0] for model in self._allowed(now)]
        refused = [model for model, answer in zip(self._allowed(now), alone, strict=True) if _is_refused(answer)]
        if not refused or len(refused) == len(alone):
            return answers
        self._refused |= dict.fromkeys(refused, now + REFUSED_FOR)
        return self._ask(codes, self._allowed(now))

    def _allowed(self, now: datetime) -> list[str]:
        return [model for model in self._models if model not in self._refused or now >= self._refused[model]]

    def _ask(self, codes: Sequence[str], models: Sequence[str]) -> list[Answer]:
        return asked(self._http, self._url, codes, lambda batch: self._query(batch, models), at_once=PLACES)

    def _query(self, codes: Sequence[str], models: Sequence[str]) -> dict[str, str]:
        return {
            **place_of([self._stations[code] for code in codes]), "hourly": "temperature_2m",
            "models": ",".join(models), "timeformat": "unixtime", "timezone": "GMT", "temperature_unit": "celsius",
            "past_days": "1", "forecast_days": str(self._days),
        }  # fmt: skip

    def _record(self, code: str, answer: Answer | None) -> Record:
        if answer is None:
            unknown = UnknownIdError(f"{SOURCE}: station {code} is not in stations.csv; its coordinates are unknown")
            return failed(SOURCE, Kind.ENSEMBLE, code, self._clock.now(), unknown)
        if answer.error is not None:
            return failed(SOURCE, Kind.ENSEMBLE, code, answer.received_at, answer.error, answer.content)
        models = self._allowed(answer.received_at)
        try:
            record = parse_ensemble(answer.content, code, answer.received_at, model=models[0])
        except WireError as error:
            return failed(SOURCE, Kind.ENSEMBLE, code, answer.received_at, error, answer.content)
        self._standing.stands(code, answer.received_at)
        return record


def _is_refused(answer: Answer) -> bool:
    return answer.status == 400 and isinstance(answer.error, SourceRefusedError)
