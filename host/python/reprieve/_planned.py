"""A batch whose list several processes read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ._decision import Decision
from ._ids import check_size, each_id, id_batches
from ._native import Planned as NativePlanned
from ._native import Section as NativeSection


@dataclass(frozen=True)
class SectionCounts:
    """What was counted in a section: bytes that only the same plan can read.

    Attributes:
        counts: the counts, for ``PlannedBatch.facts`` and ``PlannedBatch.decide``.
        ids: digests of the ids in ``PlannedBatch.BUCKETS`` buckets: about 24 bytes for each id. ``PlannedBatch.duplicates``
            compares one bucket of all sections.
    """

    counts: bytes
    ids: list[bytes]


class SectionPermit:
    """Proof that a section may be deleted, and the ids in it. Only ``PlannedBatch.redeem`` makes one, once for each token.

    Its outcome is not recorded here: tell the process that vetted the batch how many targets were deleted.

    Attributes:
        section: the number of the section, counted from 0.
        entry: the entry of the ledger that allowed the batch.
    """

    def __init__(self, native: NativeSection) -> None:
        self._native = native
        self.section: int = native.section()
        self.entry: int = native.entry()

    def __len__(self) -> int:
        """The number of targets."""
        return self._native.targets()

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        """The ids in the order of the list, exactly as they were vetted."""
        return each_id(self._native)

    def batches(self, size: int = 1000) -> Iterator[list[str]]:
        """The ids in lists of at most ``size`` ids, in the order of the list.

        Raises:
            ValueError: ``size`` is less than 1.
        """
        check_size(size)
        return id_batches(self._native, size)

    def __repr__(self) -> str:
        return f"<reprieve.SectionPermit {self.section}, {len(self)} targets>"

    def __reduce__(self) -> str:
        raise TypeError("a permit stays in the process that used its token")


class PlannedBatch:
    """A planned batch that a gate takes part in; ``Gate.planned`` makes one in each process.

    Every section is counted, every bucket of ids is compared, the facts are computed, every section is observed, and the
    decision is made: the one that ``Gate.decide`` makes of the whole list. The results are bytes, which may be sent and kept
    in any way. They are authenticated with a key in the plan: what another plan, set or version made is refused, and so is
    what was altered, is missing, or comes twice.
    """

    BUCKETS: ClassVar[int] = NativePlanned.BUCKETS
    """The number of buckets for digests of ids."""

    def __init__(self, native: NativePlanned) -> None:
        self._native = native

    @property
    def sections(self) -> int:
        """The number of sections, which are counted from 0."""
        return self._native.sections()

    def count(self, section: int) -> SectionCounts:
        """Reads a section and counts it.

        Raises:
            RequestError: a file of the section cannot be read.
        """
        counts, ids = self._native.count(section)
        return SectionCounts(counts, ids)

    def duplicates(self, bucket: int, ids: Sequence[bytes]) -> bytes:
        """Finds the duplicate ids in a bucket. ``ids`` are those of every section in this bucket, in any order.

        Raises:
            RequestError: one is missing, comes twice, or is of another plan.
        """
        return self._native.duplicates(bucket, list(ids))

    def facts(self, counts: Sequence[bytes], duplicates: Sequence[bytes]) -> bytes:
        """Computes the facts of the batch from the counts of every section and the duplicates of every bucket, in any order.

        Raises:
            RequestError: one is missing, comes twice, or is of another plan; or the history has no answer.
        """
        return self._native.facts(list(counts), list(duplicates))

    def observe(self, facts: bytes, section: int) -> bytes:
        """Reads a section again, and passes it to the policies. Returns their states.

        Raises:
            RequestError: a file of the section cannot be read, or has changed since it was counted.
        """
        return self._native.observe(facts, section)

    def decide(
        self,
        counts: Sequence[bytes],
        duplicates: Sequence[bytes],
        facts: bytes,
        states: Sequence[bytes],
        *,
        override: str | os.PathLike[str] | None = None,
    ) -> Decision:
        """Decides about the batch, and records the decision if the gate has a ledger. ``counts`` and ``duplicates`` are those
        that the facts were computed from, and ``states`` those of every section, in any order.

        The batch is undecided if its history changed after the facts were computed.

        Raises:
            RequestError: a result is missing, comes twice, or does not belong to the others. Nothing is recorded then.
        """
        lifted = None if override is None else Path(override)
        native = self._native.decide(list(counts), list(duplicates), facts, list(states), lifted)
        return Decision._from_native(native)

    def redeem(self, token: str) -> SectionPermit:
        """Reads the section that a token of ``Permit.section_tokens`` names, verifies the token and uses it. The targets are
        those that were vetted. The gate needs the ledger.

        Raises:
            PermitError: the token is for another list, is signed by another key, was used before, or has expired; or everything
                is halted.
            RequestError: a file of the section cannot be read.
            LedgerError: the ledger has no answer.
        """
        return SectionPermit(self._native.redeem(token))

    def __reduce__(self) -> str:
        raise TypeError("a planned batch is not copied to other processes: send the plan, and call `Gate.planned` there")
