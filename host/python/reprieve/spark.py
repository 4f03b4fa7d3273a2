"""The gate in Spark: a list that does not fit one machine is read by the tasks of a cluster.

Only this module needs Spark. It works with classic PySpark 4, Spark Connect and Sail::

    import reprieve.spark

    with reprieve.spark.vet(spark, "/data/request.json", gate="/data/reprieve.toml") as permit:
        permit.delete(delete_ids)                 # calls it in the tasks, with lists of at most 1000 ids

The decision is the one that one machine makes. Retries and speculation change nothing, because every result is made from its
section and the plan alone, and each has to come once.

``permit.delete`` needs a ledger that every machine reaches, and a policy set with the keys of permits. Without them, the driver
deletes: ``for ids in permit.batches(1000)``.

Every machine has to have this package, pyarrow, the policy set, the inventory and the list, by the same paths. Spark retries a
task that fails; what no retry can cure (another version, set or inventory; a file that cannot be read) is raised at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

import pyarrow as pa

from ._convert import Request
from ._decision import Decision
from ._errors import PermitError
from ._gate import Gate
from ._ids import check_size
from ._permit import Permit
from ._planned import PlannedBatch
from ._spark_tasks import COLUMNS, DELETED, Made, count, delete_sections, failure_of, gather, make_gate, merge_bucket, observe, singly

if TYPE_CHECKING:
    from ._native import Vetted

__all__ = ["MakeGate", "SparkDecision", "SparkPermit", "SparkSession", "decide", "vet"]


class SparkSession(Protocol):
    """A session of PySpark, Spark Connect or Sail."""

    conf: Any

    def range(self, start: int, end: int, step: int, numPartitions: int, /) -> Any: ...


MakeGate: TypeAlias = "str | os.PathLike[str] | Callable[[bool], Gate]"
"""The path of a ``reprieve.toml``, or a function that makes a gate. The function is called with whether the gate opens its
ledger: on the driver and where sections are deleted it does, and in tasks that vet it must not (``Gate(…, record=False)``)."""

_SHOWN = 5
"""How many failures a message lists."""


def vet(
    spark: SparkSession,
    request: Request,
    targets: str | os.PathLike[str] | None = None,
    *,
    gate: MakeGate,
    columns: Mapping[str, str | list[str]] | None = None,
    at: datetime | str | None = None,
    override: str | os.PathLike[str] | None = None,
) -> SparkPermit:
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
) -> SparkDecision:
    """Vets a batch as ``vet`` does, and returns the decision, whatever it is.

    Raises:
        RequestError: the request or the list cannot be read.
        GateError: the gate cannot be made, or a task made another one.
    """
    made = gate if callable(gate) else os.path.abspath(gate)
    driver = make_gate(made, True)
    plan = driver.plan(request, targets, columns=columns, at=at)
    batch = driver.planned(plan)

    # One section is one row of one partition.
    sections = spark.range(0, batch.sections, 1, batch.sections)
    counted = sections.mapInArrow(partial(count, made, plan), COLUMNS)

    def merge(table: pa.Table) -> pa.Table:  # Spark looks at the types, which a `partial` has not
        return merge_bucket(made, plan, table)

    merged = counted.groupBy("key").applyInArrow(merge, COLUMNS)
    found = gather(merged.mapInArrow(singly, COLUMNS).toArrow())
    counts = [data for key, data in found.items() if key >= PlannedBatch.BUCKETS]
    duplicates = [data for key, data in found.items() if key < PlannedBatch.BUCKETS]
    facts = batch.facts(counts, duplicates)

    observed = sections.mapInArrow(partial(observe, made, plan, facts), COLUMNS)
    states = list(gather(observed.mapInArrow(singly, COLUMNS).toArrow()).values())
    decision = batch.decide(counts, duplicates, facts, states, override=override)
    return SparkDecision(decision, _Job(spark, made, plan, batch.sections))


class _Job(NamedTuple):
    """What it takes to run tasks for a planned batch."""

    spark: SparkSession
    made: Made
    plan: str
    sections: int


class SparkDecision(Decision):
    """A decision about a batch that a Spark session vetted. Its permit can delete in the tasks of the session."""

    def __init__(self, decision: Decision, job: _Job) -> None:
        super().__init__(decision.document)
        self._vetted = decision._vetted
        self._job = job

    def permit(self) -> SparkPermit:
        permit = super().permit()
        assert isinstance(permit, SparkPermit)
        return permit

    def _new_permit(self, vetted: Vetted) -> SparkPermit:
        return SparkPermit(self, vetted, self._job)


class SparkPermit(Permit):
    """The permit of a batch that a Spark session vetted. It hands out the ids on the driver, or deletes in tasks."""

    def __init__(self, decision: Decision, vetted: Vetted, job: _Job) -> None:
        super().__init__(decision, vetted)
        self._job = job

    def delete(self, delete: Callable[[list[str]], int | None], *, size: int = 1000) -> int:
        """Deletes the targets in tasks, and counts them as ``deleted`` does. Returns their number.

        Each section is deleted by one task. It reads the section again, and uses a token of its own, which the ledger accepts
        once. A task that Spark retries is refused: nobody knows how far the first one came.

        Args:
            delete: called with lists of ids, exactly as they were vetted. Returns the number of targets that it deleted, or
                None if it deleted all of them.
            size: the maximum number of ids of a list.

        Raises:
            PermitError: a section was not deleted, or not all of it. The message says how far each one came. Nothing is counted
                then, because a call that failed may have deleted some of its ids.
            GateError: the policy set names no keys for permits.
            ValueError: ``size`` is less than 1.
        """
        check_size(size)
        spark, made, plan, sections = self._job
        if str(spark.conf.get("spark.speculation", "false")).lower() == "true":
            raise PermitError(
                "Spark may run a task twice at the same time (`spark.speculation`), and a section is deleted once",
                help="switch it off for this session, or delete on the driver with `permit.batches()`",
            )
        tokens = self.section_tokens()
        rows = spark.range(0, sections, 1, sections).mapInArrow(partial(delete_sections, made, plan, tokens, delete, size), DELETED)
        results: list[dict[str, Any]] = rows.toArrow().to_pylist()
        if sorted(result["section"] for result in results) != list(range(sections)):
            raise PermitError(f"Spark returned results of {len(results)} sections, and the list has {sections}")
        known = sum(result["deleted"] or 0 for result in results)
        failed = [failure_of(result) for result in results if result["failure"] is not None]
        if failed:
            more = [f"and {len(failed) - _SHOWN} more"] if len(failed) > _SHOWN else []
            raise PermitError(
                f"{len(failed)} of {sections} sections failed; at least {known} targets were deleted: "
                + "; ".join(failed[:_SHOWN] + more),
                help="find out what was deleted, record it with `reprieve commit`, and vet what is left as a batch of its own",
            )
        self.deleted(known)
        return known
