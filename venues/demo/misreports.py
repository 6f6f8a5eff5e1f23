"""Faults of weather reports, in the three forms in which services hand them out."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from venues.demo.answers import Answer
from venues.demo.reports import half_up, tenths_of
from venues.demo.scene import Scene

_TENTHS = re.compile(r"\bT([01])(\d{3})(?=[01]\d{3}\b)")
_WHOLE = re.compile(r"(?<= )(M?)(\d\d)/(?=M?\d\d\b|/)")
_TIME = re.compile(r"\b\d{6}Z\b")
_LOST = re.compile(r" M?\d\d/M?\d\d(?= )| T[01]\d{3}[01]\d{3}\b")
_CORRECTED = 0.02  # share of the routine reports that go out wrong first
_WRONG_SECONDS = 1200  # until the correction
Rebuild = Callable[[], Answer]


class Row(ABC):
    """One report in an answer that may be changed in place."""

    code: str
    valid: int  # second of the observation
    raw: str

    @property
    def tenths(self) -> int | None:
        """Return the temperature of the text [tenths of °C]."""
        if exact := _TENTHS.search(self.raw):
            return int(exact[2]) * (-1 if exact[1] == "1" else 1)
        whole = _WHOLE.search(self.raw)
        return None if whole is None else int(whole[2]) * (-10 if whole[1] else 10)

    @property
    def exact(self) -> bool:
        """Say whether the text knows tenths."""
        return _TENTHS.search(self.raw) is not None

    def warm(self, tenths: int | None) -> None:
        """Give it another temperature, or none."""
        if tenths is None:
            self._set(_LOST.sub("", self.raw), self.valid, None)
            return
        whole = f"{'M' if tenths < 0 else ''}{abs(half_up(tenths, 10)):02d}/"
        text = _TENTHS.sub(f"T{1 if tenths < 0 else 0}{abs(tenths):03d}", _WHOLE.sub(whole, self.raw, count=1))
        self._set(text, self.valid, tenths)

    def move(self, seconds: int) -> None:
        """Give it another time."""
        at = self.valid + seconds
        self._set(_TIME.sub(f"{datetime.fromtimestamp(at, UTC):%d%H%M}Z", self.raw, count=1), at, self.tenths)

    def correct(self, public: int) -> None:
        """Mark it as a correction that came at `public`."""
        if self.exact:
            text = _TIME.sub(lambda found: f"{found[0]} COR", self.raw, count=1)
        else:
            text = re.sub(rf"\b{self.code}\b", f"COR {self.code}", self.raw, count=1)
        self._set(text, self.valid, self.tenths, public)

    def _set(self, raw: str, valid: int, tenths: int | None, public: int | None = None) -> None:
        moved = valid - self.valid
        self.raw, self.valid = raw, valid
        self._write(moved, tenths, public)

    @abstractmethod
    def _write(self, moved: int, tenths: int | None, public: int | None) -> None:
        """Put the changed report back into the answer."""


class _Awc(Row):
    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields
        self.code, self.valid, self.raw = fields["icaoId"], fields["obsTime"], fields["rawOb"]

    def _write(self, moved: int, tenths: int | None, public: int | None) -> None:
        fields = self._fields
        fields["rawOb"], fields["obsTime"] = self.raw, self.valid
        for name in ("receiptTime", "reportTime"):
            fields[name] = later(fields[name], moved)
        if public is not None:
            fields["receiptTime"] = f"{datetime.fromtimestamp(public, UTC):%Y-%m-%dT%H:%M:%S}.000Z"
        if tenths is None:
            fields.pop("temp", None)
            fields.pop("dewp", None)
        else:
            fields["temp"] = tenths / 10.0 if self.exact else half_up(tenths, 10)


class _Nws(Row):
    def __init__(self, feature: dict[str, Any]) -> None:
        self._fields = feature["properties"]
        self.code = self._fields["station"].rpartition("/")[2]
        self.valid = int(datetime.fromisoformat(self._fields["timestamp"]).timestamp())
        self.raw = self._fields["rawMessage"]

    def _write(self, moved: int, tenths: int | None, public: int | None) -> None:
        fields = self._fields
        fields["rawMessage"], fields["timestamp"] = self.raw, later(fields["timestamp"], moved)
        if not self.raw and tenths is None and moved:  # a five-minute value has no text to read its temperature from
            return
        control = "V" if tenths is not None else "Z"
        fields["temperature"] |= {"value": None if tenths is None else tenths / 10.0, "qualityControl": control}


class _Iem(Row):
    def __init__(self, names: list[str], cells: list[str]) -> None:
        self._names, self.cells = names, cells
        self.code = cells[0] if len(cells[0]) != 3 or cells[0] == "HKO" else f"K{cells[0]}"
        self.valid = int(datetime.fromisoformat(cells[1]).replace(tzinfo=UTC).timestamp())
        self.raw = cells[names.index("metar")] if "metar" in names else ""

    def _write(self, moved: int, tenths: int | None, public: int | None) -> None:
        cells = self.cells
        cells[1] = f"{_moved(cells[1], moved):%Y-%m-%d %H:%M}"
        for place, name in enumerate(self._names):
            if name == "metar" and self.raw:
                cells[place] = self.raw
            elif name in ("tmpf", "tmpc") and (self.raw or not moved):
                celsius = None if tenths is None else tenths / 10.0
                cells[place] = "M" if celsius is None else f"{celsius * 1.8 + 32.0 if name == 'tmpf' else celsius:.2f}"


def has_reports(scene: Scene) -> bool:
    """Say whether what was asked for are reports."""
    path = scene.ask.path
    return scene.service == "awc" or "/observations" in path or path.endswith("asos.py")


def stale(scene: Scene, answer: Answer) -> Answer:
    """Say what was known two to eight hours ago."""
    return scene.earlier(int((2 + 6 * scene.luck()) * 3_600_000)) if has_reports(scene) and answer.status == 200 else answer


def old(scene: Scene, answer: Answer) -> Answer:
    """Date every report thirty days back."""
    return _changed(scene, answer, lambda row: row.move(-30 * 86_400))


def lose(scene: Scene, answer: Answer) -> Answer:
    """Leave the temperature out of the newest report of each station."""
    return _changed(scene, answer, lambda row: row.warm(None), newest=True)


def burn(scene: Scene, answer: Answer) -> Answer:
    """Report 71 °C, once for each station."""
    return _changed(scene, answer, lambda row: row.warm(710), newest=True)


def run_ahead(scene: Scene, answer: Answer) -> Answer:
    """Date the newest report of each station hours ahead."""
    seconds = int(2 + 4 * scene.luck()) * 3600
    return _changed(scene, answer, lambda row: row.move(seconds), newest=True)


def skew(scene: Scene, answer: Answer) -> Answer:
    """Date all reports as a clock would that is fast."""
    seconds = (12 + int(28 * scene.luck())) * 60
    return _changed(scene, answer, lambda row: row.move(seconds))


def correct(scene: Scene, answer: Answer) -> Answer:
    """Give some reports a wrong temperature at first, and a correction twenty minutes later."""

    def change(row: Row) -> None:
        tenths = row.tenths
        if tenths is None or "SPECI" in row.raw or " COR" in f" {row.raw}" or scene.fate(row.code, row.valid) >= _CORRECTED:
            return
        if scene.ask.second >= row.valid + _WRONG_SECONDS:
            row.correct(row.valid + _WRONG_SECONDS)
        else:
            row.warm(_off(tenths, 1 if scene.fate(row.code, row.valid, "sign") < 0.5 else -1, exact=row.exact))

    return _changed(scene, answer, change)


def _off(tenths: int, step: int, *, exact: bool) -> int:
    # a degree of the unit in which the sensor chain rounds
    return tenths_of(half_up(tenths * 9, 50) + 32 + step) if exact else tenths + 10 * step


def _changed(scene: Scene, answer: Answer, change: Callable[[Row], None], *, newest: bool = False) -> Answer:
    if answer.status != 200 or not answer.body or not has_reports(scene):
        return answer
    rows, rebuild = _opened(scene.service, answer)
    for row in _newest(rows) if newest else rows:
        change(row)
    return rebuild()


def _opened(service: str, answer: Answer) -> tuple[list[Row], Rebuild]:
    if service == "iem":
        return _opened_text(answer)
    if "json" not in answer.kind:
        return [], lambda: answer
    body = orjson.loads(answer.body)
    rows: list[Row] = []
    if service == "awc":
        rows = [_Awc(fields) for fields in body]
    elif "features" in body or "timestamp" in body["properties"]:
        rows = [_Nws(feature) for feature in body.get("features", [body])]
    before = orjson.dumps(body)

    def rebuild() -> Answer:
        after = orjson.dumps(body)
        return answer if after == before else replace(answer, body=after)

    return rows, rebuild


def _opened_text(answer: Answer) -> tuple[list[Row], Rebuild]:
    lines = answer.body.decode().splitlines()
    head = next((place for place, line in enumerate(lines) if line.startswith("station")), len(lines))
    if head == len(lines):
        return [], lambda: answer
    mark = "\t" if "\t" in lines[head] else ","
    names = lines[head].split(mark)
    rows = [_Iem(names, line.split(mark)) for line in lines[head + 1 :]]

    def rebuild() -> Answer:
        return replace(answer, body=("\n".join([*lines[: head + 1], *(mark.join(row.cells) for row in rows)]) + "\n").encode())

    return list(rows), rebuild


def _newest(rows: list[Row]) -> list[Row]:
    # of each station; a value without a text stands back where there are texts
    best: dict[str, Row] = {}
    for row in [row for row in rows if row.raw] or rows:
        if row.code not in best or row.valid > best[row.code].valid:
            best[row.code] = row
    return list(best.values())


def later(text: str, seconds: int) -> str:
    """Return a time that many seconds later, in the form in which it was written."""
    if not seconds:
        return text
    at = datetime.fromtimestamp(datetime.fromisoformat(text).timestamp() + seconds, UTC)
    return at.isoformat() if text.endswith("+00:00") else f"{at:%Y-%m-%dT%H:%M:%S}{text[19:]}"


def _moved(text: str, seconds: int) -> datetime:
    return datetime.fromtimestamp(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() + seconds, UTC)
