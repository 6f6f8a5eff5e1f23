"""Where a record lies: its file, and the hash of the bytes that the source sent."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path

from core.errors import StoreError
from core.store.archive import View
from core.store.catalogue import Catalogue
from core.store.encoding import tie_of
from core.store.layout import closed_path, day_of
from core.store.stack import END_OF_TIME, Stack


@dataclass(frozen=True, slots=True)
class Origin:
    path: str  # relative to the data folder; "" where the file is gone
    sha256: str  # of the raw bytes


def origin_of(view: View, catalogue: Catalogue | None, data_dir: Path, stack: Stack, index: int) -> Origin | None:
    """Return where record `index` of a stack lies, a snapshot of its own or the file of its closed day."""
    if stack.digest is None:
        return None
    received, digest = int(stack.received_at[index]), int(stack.digest[index])
    for entry in catalogue.entries(stack.kind, stack.subject, received, received + 1, END_OF_TIME) if catalogue else ():
        if tie_of(entry.sha256) == digest:
            return Origin(entry.path, entry.sha256)
    with contextlib.suppress(StoreError, OSError):
        path = closed_path(data_dir, stack.kind, day_of(received))
        return Origin(str(path.relative_to(data_dir)), hashlib.sha256(view.raw(stack, index)).hexdigest())
    return None
