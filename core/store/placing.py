"""How the file of a closed day takes its place: written whole, checked, then renamed; a damaged one is named."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.errors import StoreError
from core.model.record import Kind
from core.store.durable import sync_folder, writing
from core.store.heads import closed_end, heads_of, left_out, reading, subjects_in
from core.store.layout import INCOMING, closed_days, closed_path, day_of
from core.store.runs import HotRecord, Run, Runs, Thread

Table = Any  # a pyarrow table: the published stubs of pyarrow reject valid calls
ROW_GROUP = 16_384
# Arrow's own allocator keeps what a large day took; the system's gives it back.
pa.set_memory_pool(pa.system_memory_pool())


def read_closed(path: Path, **how: Any) -> Table:
    """Return the rows of a closed day; StoreError when the file is damaged or foreign."""
    subjects_in(path)
    with reading(path):
        return pq.read_table(path, memory_map=False, **how)


def replace_closed(
    path: Path, tables: Iterable[Table], incoming: Path, check: Callable[[Path], None] = lambda path: None
) -> None:
    """Write tables of different subjects one after the other into one file, check it, then rename it into place."""
    stem = f"{os.getpid()}-{path.parent.name}-{path.name}"
    try:
        with _storing(path):
            _assemble(incoming / stem, tables)
        check(incoming / stem)
        os.replace(incoming / stem, path)
    except BaseException:
        for left in incoming.glob(f"{stem}*"):
            left.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _storing(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, LookupError, TypeError, ValueError) as error:
        raise StoreError(f"closed day {path} cannot be written: {error}; what is there stays as it is") from error


def _assemble(target: Path, tables: Iterable[Table]) -> None:
    parts: list[Path] = []
    index: dict[str, list[int]] = {}
    schemas = []
    last: Table | None = None  # in memory: a file of one table needs no parts
    for table in tables:
        if last is not None:
            parts.append(target.with_name(f"{target.name}.{len(parts)}"))
            pq.write_table(last, parts[-1], compression="lz4")
        heads = table.filter(pc.is_valid(table["rows"]))
        for subject, received_at in zip(heads["subject"].to_pylist(), heads["received_at"].to_pylist(), strict=True):
            index.setdefault(subject, [received_at, received_at])[1] = received_at  # in order, within each subject
        last = table.replace_schema_metadata(None)
        schemas.append(last.schema)
    schema = pa.unify_schemas(schemas, promote_options="permissive").with_metadata({"subjects": orjson.dumps(index)})
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for part in parts:
            writer.write_table(_like(pq.read_table(part, memory_map=False), schema), row_group_size=ROW_GROUP)
            part.unlink()
        if last is not None:
            writer.write_table(_like(last, schema), row_group_size=ROW_GROUP)
    with target.open("rb") as written:
        os.fsync(written.fileno())


def _like(table: Table, schema: pa.Schema) -> Table:
    """Return a table with the columns of a schema; what it lacks is null."""
    columns = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def retell(
    data_dir: Path, kind: Kind, day: date, runs: Runs, since: Mapping[Thread, int], *, write: bool = True
) -> set[Thread]:  # fmt: skip
    """Go through the records of some threads on a closed day, each from an instant on, and write anew whose run began otherwise.

    Returns:
        The threads whose last record of the day was right: what follows on it is right, too.
    """
    path = closed_path(data_dir, kind, day)
    try:
        heads = heads_of(path, {subject for subject, _, _ in since})
    except StoreError as error:
        left_out(str(error))
        return set()
    changed: dict[int, int] = {}
    right: dict[Thread, bool] = {}
    for head in heads:
        if head.thread in since and head.received_at >= since[head.thread]:
            first_at = runs.go_on(head.thread, head.received_at, head.tie, head.content)
            right[head.thread] = first_at == head.first_at
            if first_at != head.first_at:
                changed[head.place] = first_at
    if changed and write:
        with writing(data_dir):
            table = read_closed(path)
            first = table["first_at"].to_pylist()
            for place, first_at in changed.items():
                first[place] = first_at
            (data_dir / INCOMING).mkdir(parents=True, exist_ok=True)
            replace_closed(path, [with_first(table, first)], data_dir / INCOMING)
            sync_folder(path.parent)
    return {thread for thread, is_right in right.items() if is_right}


def with_first(table: Table, first: Sequence[int | None]) -> Table:
    return table.set_column(table.schema.get_field_index("first_at"), "first_at", pa.array(first, pa.int64()))


def settle(
    data_dir: Path, kind: Kind, since: Mapping[Thread, int], hot_of: Callable[[Thread], Sequence[HotRecord]], *, write: bool
) -> list[tuple[int, int]]:  # fmt: skip
    """Go through the hot and closed records of some threads together, each from an instant on; mend the closed ones.

    Returns:
        Beginning and number of the hot records of which another beginning is noted.
    """
    hot: dict[Thread, list[HotRecord]] = {}
    ends: dict[Thread, Run | None] = {}
    starts: dict[Thread, int] = {}
    for thread, start in since.items():
        records = hot_of(thread)
        if records:  # closed records before all hot ones know of each other
            starts[thread] = max(start, records[0].received_at)
            hot[thread] = [record for record in records if record.received_at >= starts[thread]]
            before = [Run(*record[1:]) for record in records if record.received_at < starts[thread]][-1:]
            closed = closed_end(data_dir, kind, thread, starts[thread])
            ends[thread] = max([*before, *([closed] if closed else [])], default=None)
    runs = Runs(lambda thread, _: ends[thread], hot)
    for day in closed_days(data_dir, kind):
        if starts and day >= day_of(min(starts.values())):
            retell(data_dir, kind, day, runs, starts, write=write)
    runs.finish()
    return runs.changed


def give_back() -> None:
    """Return memory that large tables took to the system."""
    pa.default_memory_pool().release_unused()
