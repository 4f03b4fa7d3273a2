"""The gate in Spark: a list that does not fit one machine is read by the tasks of a cluster.

Only this module needs Spark. It works with classic PySpark 4, Spark Connect and Sail::

    import reprieve.spark

    with reprieve.spark.vet(spark, "/data/request.json", gate="/data/reprieve.toml") as permit:
        for ids in permit.batches(1000):          # read again on the driver, exactly as they were vetted
            permit.deleted(delete(ids))

The decision is the one that one machine makes. Retries and speculation change nothing, because every result is made from its
section and the plan alone, and each has to come once.

Every machine has to have this package, pyarrow, the policy set, the inventory and the list, by the same paths. Spark retries a
task that fails; what no retry can cure (another version, set or inventory; a file that cannot be read) is raised at once.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Protocol, TypeAlias

import pyarrow as pa

from ._convert import Request
from ._decision import Decision
from ._errors import GateError, ReprieveError, RequestError
from ._gate import Gate
from ._permit import Permit
from ._planned import PlannedBatch

__all__ = ["MakeGate", "SparkSession", "decide", "vet"]


class SparkSession(Protocol):
    """A session of PySpark, Spark Connect or Sail."""

    def range(self, start: int, end: int, step: int, numPartitions: int, /) -> Any: ...


MakeGate: TypeAlias = "str | os.PathLike[str] | Callable[[bool], Gate]"
"""The path of a ``reprieve.toml``, or a function that makes a gate. The function is called with whether the gate records: on the
driver it does, and in tasks it must not (``Gate(…, record=False)``)."""

_PIECE = 4 << 20
"""A value has at most this many bytes: larger ones exhaust the memory of an executor."""

_COLUMNS = "key int, section int, piece int, data binary, refused string"
_SCHEMA = pa.schema(
    [
        ("key", pa.int32()),
        ("section", pa.int32()),
        ("piece", pa.int32()),
        ("data", pa.binary()),
        ("refused", pa.string()),
    ]
)

_SLOTS = threading.BoundedSemaphore(os.cpu_count() or 1)
"""Sail runs every task at once in one process, whatever the number of cores."""


def vet(
    spark: SparkSession,
    request: Request,
    targets: str | os.PathLike[str] | None = None,
    *,
    gate: MakeGate,
    columns: Mapping[str, str | list[str]] | None = None,
    at: datetime | str | None = None,
    override: str | os.PathLike[str] | None = None,
) -> Permit:
    """Vets a batch as ``Gate.vet`` does, with the tasks of a Spark session. Returns the permit of an allow, and raises otherwise.

    Args:
        spark: the session.
        request: as for ``Gate.plan``.
        targets: the path of the list, in place of that of the request.
        gate: how every process makes the gate.
        columns: as for ``Gate.vet``.
        at: as for ``Gate.vet``.
        override: as for ``Gate.vet``.

    Raises:
        Denied: a policy objects.
        Undecided: there is no answer; or the history changed while the tasks ran, so that a retry may decide.
        RequestError: the request or the list cannot be read.
        GateError: the gate cannot be made, or a task made another one.
    """
    return decide(spark, request, targets, gate=gate, columns=columns, at=at, override=override).permit()


def decide(
    spark: SparkSession,
    request: Request,
    targets: str | os.PathLike[str] | None = None,
    *,
    gate: MakeGate,
    columns: Mapping[str, str | list[str]] | None = None,
    at: datetime | str | None = None,
    override: str | os.PathLike[str] | None = None,
) -> Decision:
    """Vets a batch as ``vet`` does, and returns the decision, whatever it is.

    Raises:
        RequestError: the request or the list cannot be read.
        GateError: the gate cannot be made, or a task made another one.
    """
    made = gate if callable(gate) else os.path.abspath(gate)
    driver = _make(made, True)
    plan = driver.plan(request, targets, columns=columns, at=at)
    batch = driver.planned(plan)

    # One section is one row of one partition.
    sections = spark.range(0, batch.sections, 1, batch.sections)
    counted = sections.mapInArrow(partial(_count, made, plan), _COLUMNS)

    def merge(table: pa.Table) -> pa.Table:  # Spark looks at the types, which a `partial` has not
        return _merge(made, plan, table)

    merged = counted.groupBy("key").applyInArrow(merge, _COLUMNS)
    found = _gather(merged.mapInArrow(_singly, _COLUMNS).toArrow())
    counts = [data for key, data in found.items() if key >= PlannedBatch.BUCKETS]
    duplicates = [data for key, data in found.items() if key < PlannedBatch.BUCKETS]
    facts = batch.facts(counts, duplicates)

    observed = sections.mapInArrow(partial(_observe, made, plan, facts), _COLUMNS)
    states = list(_gather(observed.mapInArrow(_singly, _COLUMNS).toArrow()).values())
    return batch.decide(counts, duplicates, facts, states, override=override)


_Made: TypeAlias = "str | Callable[[bool], Gate]"


def _make(made: _Made, record: bool) -> Gate:
    return made(record) if callable(made) else Gate.from_config(made, record=record)


@lru_cache(maxsize=2)
def _planned(made: _Made, plan: str, process: int) -> PlannedBatch:
    """A process keeps its gate for the next task, unless it crossed a fork."""
    return _make(made, False).planned(plan)


_Rows: TypeAlias = "Iterator[pa.RecordBatch]"


def _count(made: _Made, plan: str, batches: _Rows) -> _Rows:
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


def _merge(made: _Made, plan: str, table: pa.Table) -> pa.Table:
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


def _observe(made: _Made, plan: str, facts: bytes, batches: _Rows) -> _Rows:
    """Passes sections to the policies."""
    for section in _sections(batches):
        try:
            with _SLOTS:
                states, refused = _planned(made, plan, os.getpid()).observe(facts, section), None
        except (GateError, RequestError) as error:
            states, refused = b"", _refusal(error)
        yield from _pieces(section, section, states, refused)


def _singly(batches: _Rows) -> _Rows:
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


def _gather(table: pa.Table) -> dict[int, bytes]:
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
