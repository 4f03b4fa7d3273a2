"""The permit: what an allow returns."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from ._errors import PermitError
from ._ids import check_size, each_id, id_batches

if TYPE_CHECKING:
    from ._decision import Decision
    from ._native import Vetted


class Permit:
    """Proof that a batch may run, and the ids in it. Only a gate makes one.

    Use it as a context manager. The end of the block records the outcome in the ledger. An exception leaves the batch open: it
    counts in every limit, in full, until its outcome is recorded with ``commit`` or ``reprieve commit ENTRY --deleted N``. The
    same holds for a permit that is forgotten: only ``abort`` releases the batch.

    Without a ledger there is nothing to record, and the permit only hands out the ids.
    """

    def __init__(self, decision: Decision, vetted: Vetted) -> None:
        if vetted.verdict() != "allow":
            raise PermitError("the batch was not allowed, so it has no permit")
        self.decision = decision
        self._vetted = vetted
        self._lock = threading.Lock()
        self._deleted: int | None = None
        self._state: Literal["open", "committed", "aborted"] = "open"
        self._entered = False

    @property
    def state(self) -> str:
        """``open``, ``committed`` or ``aborted``."""
        return self._state

    @property
    def deleted_so_far(self) -> int | None:
        """The number of targets that were counted as deleted; None if none was counted, which means unknown."""
        return self._deleted

    def __len__(self) -> int:
        """The number of targets."""
        return self.decision.targets

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        """The ids in the order of the list, exactly as they were vetted. Each iteration begins at the first one.

        Raises:
            PermitError: the permit is closed.
        """
        self._check_open()
        return each_id(self._vetted, self._check_open)

    def batches(self, size: int = 1000) -> Iterator[list[str]]:
        """The ids in lists of at most ``size`` ids, in the order of the list. Each call begins at the first one.

        Raises:
            PermitError: the permit is closed.
            ValueError: ``size`` is less than 1.
        """
        check_size(size)
        self._check_open()
        return id_batches(self._vetted, size, self._check_open)

    def section_tokens(self) -> list[str]:
        """Issues a token for each section of the list, so that other processes can delete it; see ``PlannedBatch.redeem``.

        Each token is bound to the files of its section, and used once. Record the outcome here, after all of them.

        Raises:
            PermitError: there is no ledger, or the list is not in files.
            GateError: the policy set names no key that signs permits.
        """
        self._check_open()
        return self._vetted.section_tokens()

    def deleted(self, count: int = 1) -> None:
        """Counts targets that were deleted. Threads may call it at the same time.

        If it is never called, the number of deleted targets is unknown, and all of them count.

        Raises:
            PermitError: more were deleted than vetted, or the permit is closed.
            ValueError: ``count`` is not a whole number of at least 0.
        """
        _check_count(count)
        with self._lock:
            self._check_open()
            total = (self._deleted or 0) + count
            # The count stays what was said, so that the batch is not committed with less.
            self._deleted = total
            if total > len(self):
                raise PermitError(
                    f"{total} targets were deleted, but only {len(self)} were vetted",
                    help="stop, and find out what deleted more than the list",
                )

    def commit(self, deleted: int | None = None, *, succeeded: bool = True, note: str | None = None) -> None:
        """Records that the batch ran. The end of a ``with`` block does this.

        Args:
            deleted: the number of deleted targets; by default what was counted with ``deleted()``. If nothing was counted it
                is unknown, and all targets count.
            succeeded: whether the batch succeeded.
            note: a note for the ledger.

        Raises:
            LedgerError: it cannot be recorded. The batch stays open, and the call may be repeated.
            PermitError: the permit is closed, or more were deleted than vetted.
        """
        with self._lock:
            self._check_open()
            deleted = self._deleted if deleted is None else deleted
            if deleted is not None:
                _check_count(deleted)
                if deleted > len(self):
                    raise PermitError(f"{deleted} targets were deleted, but only {len(self)} were vetted")
            self._vetted.commit(succeeded, deleted, note)
            self._state = "committed"

    def abort(self, reason: str) -> None:
        """Records that the batch did not run and that nothing was deleted. It no longer counts in any limit.

        Raises:
            LedgerError: it cannot be recorded. The batch stays open.
            PermitError: the permit is closed, or targets were counted as deleted.
        """
        with self._lock:
            self._check_open()
            if self._deleted:
                raise PermitError(
                    f"{self._deleted} targets were deleted, so the batch cannot be aborted",
                    help="commit it with the number of deleted targets and `succeeded=False`",
                )
            self._vetted.abort(reason)
            self._state = "aborted"

    def __enter__(self) -> Permit:
        self._check_open()
        if self._entered:
            raise PermitError("a permit is used once", help="vet what is left as a batch of its own")
        self._entered = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._state != "open":
            return
        if error is None:
            self.commit()
        elif hasattr(error, "add_note"):  # Python 3.11
            error.add_note(self._left_open())

    def _left_open(self) -> str:
        so_far = "an unknown number" if self._deleted is None else str(self._deleted)
        text = f"reprieve: {so_far} of {len(self)} targets were deleted so far"
        entry = self.decision.entry
        if entry is None:
            return text
        return f"{text}; the batch stays open, record its outcome with `reprieve commit {entry} --deleted N`"

    def _check_open(self) -> None:
        if self._state != "open":
            raise PermitError(f"the batch is already {self._state}")

    def __repr__(self) -> str:
        return f"<reprieve.Permit {self._state}, {len(self)} targets>"

    def __reduce__(self) -> str:
        raise TypeError("a permit stays in the process that vetted the batch")

    def __del__(self) -> None:
        if getattr(self, "_state", "") == "open" and self.decision.entry is not None:
            warnings.warn(f"a permit was forgotten: {self._left_open()}", ResourceWarning, source=self, stacklevel=2)


def _check_count(count: int) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise ValueError(f"expected a whole number of at least 0, not {count!r}")
