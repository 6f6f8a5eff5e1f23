"""Rows of a gzip CSV with their line numbers; what cannot be read is told once and kept aside."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import StoreError
from core.model.record import Record
from core.store.parquet import ClosedRecords

_TOLD = 20  # bad rows of one file that get a message of their own


class UnreadableError(StoreError):
    """A file of the real history is missing, or is not what its name says."""


@dataclass(slots=True)
class History:
    """The folder of real history, read row by row; what went wrong is told, and bad rows are kept aside."""

    real_dir: Path
    quarantine: Path
    messages: list[str] = field(default_factory=list)
    _bad: dict[str, set[int]] = field(default_factory=dict)

    @property
    def bad_rows(self) -> int:
        return sum(map(len, self._bad.values()))

    def bad_row(self, file: str, line: int, row: str, reason: str) -> None:
        """Keep a row that cannot be read, once."""
        lines = self._bad.setdefault(file, set())
        if line in lines:
            return
        lines.add(line)
        if len(lines) <= _TOLD:
            self.tell(f"{file} line {line}: {reason}")
        elif len(lines) == _TOLD + 1:
            self.tell(f"{file}: more bad rows, all of them are in {self.quarantine}")
        self.quarantine.mkdir(parents=True, exist_ok=True)
        with (self.quarantine / f"{file.replace('/', '__')}.txt").open("a", encoding="utf-8") as kept:
            kept.write(f"{line}\t{reason}\t{row}\n")

    def tell(self, message: str) -> None:
        """Say something about a row, a file or an event, once."""
        if message not in self.messages:
            self.messages.append(message)

    def digests(self, files: Sequence[str]) -> dict[str, str]:
        """Return the SHA-256 of each file; UnreadableError when one is missing."""
        try:
            return {file: _digest(self.real_dir / file) for file in files}
        except OSError as error:
            raise UnreadableError(f"{error.filename} cannot be read ({error.strerror}); copy it there") from None

    def text(self, file: str) -> str:
        """Return the text of a gzip file, up to its damage if it is damaged."""
        pieces: list[bytes] = []
        try:
            with gzip.open(self.real_dir / file, "rb") as stream:
                while piece := stream.read(1 << 20):
                    pieces.append(piece)
        except FileNotFoundError:
            raise UnreadableError(f"{self.real_dir / file} is missing; copy it there") from None
        except (OSError, EOFError, zlib.error) as error:
            text = b"".join(pieces).decode("utf-8", "replace")
            self.tell(f"{file} line {text.count(chr(10)) + 1}: the file is damaged from here on ({error}); fetch it again")
            return text[: text.rfind("\n") + 1]
        return b"".join(pieces).decode("utf-8", "replace")

    def rows(self, file: str, columns: Sequence[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
        """Give line number and row; UnreadableError when a column is missing, thus the file is another one."""
        reader = csv.reader(io.StringIO(self.text(file), newline=""))
        header = next(reader, [])
        absent = [name for name in columns if name not in header]
        if absent:
            raise UnreadableError(f"{file} line 1: no column {', '.join(absent)}; this is not the file that is meant")
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self.bad_row(file, line, "", f"no CSV ({error})")
                continue
            if len(cells) != len(header):
                self.bad_row(file, line, ",".join(cells), f"{len(cells)} cells instead of {len(header)}")
                continue
            yield line, dict(zip(header, cells, strict=True))


@dataclass(frozen=True, slots=True)
class Found:
    """What one part gives: records, or a table of single-row records."""

    records: Sequence[Record] = ()
    table: ClosedRecords | None = None

    def __len__(self) -> int:
        return len(self.records) + (len(self.table.received_at) if self.table else 0)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
