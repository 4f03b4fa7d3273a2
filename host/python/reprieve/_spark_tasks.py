"""What runs in the tasks of Spark, and how its results are sent."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, TypeAlias

import pyarrow as pa

from ._errors import GateError, ReprieveError, RequestError
from ._gate import Gate
from ._planned import PlannedBatch

_PIECE = 4 << 20
"""A value has at most this many bytes: larger ones exhaust the memory of an executor."""

COLUMNS = "key int, section int, piece int, data binary, refused string"
_SCHEMA = pa.schema(
    [
        ("key", pa.int32()),
        ("section", pa.int32()),
        ("piece", pa.int32()),
        ("data", pa.binary()),
        ("refused", pa.string()),
    ]
)

DELETED = "section int, deleted long, failure string"
_DELETED_SCHEMA = pa.schema([("section", pa.int32()), ("deleted", pa.int64()), ("failure", pa.string())])

_SLOTS = threading.BoundedSemaphore(os.cpu_count() or 1)
"""Sail runs every task at once in one process, whatever the number of cores."""


Made: TypeAlias = "str | Callable[[bool], Gate]"


def make_gate(made: Made, record: bool) -> Gate:
    return made(record) if callable(made) else Gate.from_config(made, record=record)


@lru_cache(maxsize=2)
def _planned(made: Made, plan: str, process: int, record: bool = False) -> PlannedBatch:
    """A process keeps its gate for the next task, unless it crossed a fork."""
    return make_gate(made, record).planned(plan)


_Rows: TypeAlias = "Iterator[pa.RecordBatch]"


def count(made: Made, plan: str, batches: _Rows) -> _Rows:
    """Counts sections. The key of a bucket is its number; the counts of a section come after the buckets."""
    for section in _sections(batches):
        try:
            with _SLOTS:
                found = _planned(made, plan, os.getpid()).count(section)
        except (GateError, RequestError) as error:
            yield from _pieces(PlannedBatch.BUCKETS + section, section, b"", _refusal(error))
            continue
        yield from _pieces(PlannedBatch.BUCKETS + section, section, found.counts)
        for bucket, ids in enumerate(found.ids):
            yield from _pieces(bucket, section, ids)


def merge_bucket(made: Made, plan: str, table: pa.Table) -> pa.Table:
    """Finds the duplicates in one bucket. The counts of a section are passed on."""
    bucket = table.column("key")[0].as_py()
    if bucket >= PlannedBatch.BUCKETS:
        return table
    parts: dict[int, list[tuple[int, bytes]]] = {}
    for row in table.to_pylist():
        parts.setdefault(row["section"], []).append((row["piece"], row["data"]))
    batch = _planned(made, plan, os.getpid())
    # A section that was refused has no ids, and its refusal is what is raised.
    if len(parts) < batch.sections:
        return pa.Table.from_batches([], schema=_SCHEMA)
    with _SLOTS:
        found = batch.duplicates(bucket, [_joined(pieces) for pieces in parts.values()])
    return pa.Table.from_batches(list(_pieces(bucket, -1, found)))


def observe(made: Made, plan: str, facts: bytes, batches: _Rows) -> _Rows:
    """Passes sections to the policies."""
    for section in _sections(batches):
        try:
            with _SLOTS:
                states, refused = _planned(made, plan, os.getpid()).observe(facts, section), None
        except (GateError, RequestError) as error:
            states, refused = b"", _refusal(error)
        yield from _pieces(section, section, states, refused)


def delete_sections(
    made: Made, plan: str, tokens: list[str], delete: Callable[[list[str]], int | None], size: int, batches: _Rows
) -> _Rows:
    """Deletes sections. What fails is a result, so that Spark does not try again."""
    for section in _sections(batches):
        deleted: int | None = None
        failure = None
        try:
            with _SLOTS:
                permit = _planned(made, plan, os.getpid(), True).redeem(tokens[section])
                deleted = 0
                for ids in permit.batches(size):
                    done = delete(ids)
                    deleted += len(ids) if done is None else done
        except Exception as error:
            failure = f"{type(error).__name__}: {error}"
        row = {"section": section, "deleted": deleted, "failure": failure}
        yield pa.RecordBatch.from_pylist([row], schema=_DELETED_SCHEMA)


def failure_of(result: dict[str, Any]) -> str:
    so_far = "not begun by this task" if result["deleted"] is None else f"after {result['deleted']} targets"
    return f"section {result['section']}, {so_far}: {result['failure']}"


def singly(batches: _Rows) -> _Rows:
    """Each row on its own, because Sail joins small batches into messages that are too large for it."""
    for batch in batches:
        for row in range(batch.num_rows):
            yield batch.slice(row, 1)


def _sections(batches: _Rows) -> Iterator[int]:
    for batch in batches:
        yield from batch.column("id").to_pylist()


def _pieces(key: int, section: int, data: bytes, refused: str | None = None) -> _Rows:
    for piece, start in enumerate(range(0, max(len(data), 1), _PIECE)):
        row = {"key": key, "section": section, "piece": piece, "data": data[start : start + _PIECE], "refused": refused}
        yield pa.RecordBatch.from_pylist([row], schema=_SCHEMA)


def _joined(pieces: list[tuple[int, bytes]]) -> bytes:
    return b"".join(data for _, data in sorted(pieces))


def gather(table: pa.Table) -> dict[int, bytes]:
    """The results by their keys. Raises what a task refused."""
    pieces: dict[int, list[tuple[int, bytes]]] = {}
    rows: list[dict[str, Any]] = table.to_pylist()
    for row in rows:
        if row["refused"] is not None:
            raise _refused(row["refused"])
        pieces.setdefault(row["key"], []).append((row["piece"], row["data"]))
    return {key: _joined(of_key) for key, of_key in pieces.items()}


def _refusal(error: ReprieveError) -> str:
    """An error as text that crosses processes: its class, and its parts."""
    return json.dumps([type(error).__name__, error.message, error.help, error.file, error.place])


def _refused(text: str) -> ReprieveError:
    name, message, help, file, place = json.loads(text)
    error = GateError if name == GateError.__name__ else RequestError
    return error(message, help=help, file=file, place=place)
