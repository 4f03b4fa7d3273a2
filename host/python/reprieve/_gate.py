"""The gate."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from . import _convert, _history, _inventory
from ._convert import Request, Targets
from ._decision import Decision
from ._errors import GateError, RequestError
from ._history import History
from ._inventory import Inventory
from ._native import Gate as NativeGate
from ._permit import Permit
from ._planned import PlannedBatch
from ._split import Part, Split

Progress = Callable[[int, int, int], object]
"""Is called with the rows and the bytes that were read, and the bytes of the files (0 if unknown)."""


class Gate:
    """A set of policies with the sources of their facts, ready to vet batches. Threads may share it; processes may not.

    Args:
        policies: names of built-in policies, or dicts with the keys of ``[[policy]]`` in ``reprieve.toml``
            (``{"use": "builtin:identity", "settings": {…}}``); or one dict with all keys of ``reprieve.toml``. Files that it
            names are opened below the current folder. By default every built-in policy with its default settings.
        inventory: what each id is: a path (``.csv``, ``.ndjson``, ``.parquet``, ``.arrow``, SQLite), a table, a list of
            dicts, or an object that is asked (``Inventory``). A table is read once, now.
        ledger: where decisions are recorded: the path of an SQLite file, or ``postgres://…``. Without one, nothing is
            recorded, and nothing is known of earlier batches.
        history: what was deleted before, without a ledger: a path, a list of dicts, or a function that is asked
            (``reprieve.History``).
        record: False ignores the ledger: the gate only inspects.
        memory: bytes that a check may use; what does not fit is spilled to temporary files.
        threads: how many threads one decision may use; one per core by default.

    Raises:
        GateError: a policy, the inventory or the configuration is wrong.
        LedgerError: the ledger does not exist, or cannot be opened.
    """

    def __init__(
        self,
        policies: Sequence[str | Mapping[str, Any]] | Mapping[str, Any] | None = None,
        inventory: Targets | Inventory | None = None,
        ledger: str | os.PathLike[str] | None = None,
        *,
        history: History | None = None,
        record: bool = True,
        memory: int = 1 << 30,
        threads: int | None = None,
    ) -> None:
        self._native = _native_gate(
            None, _policy_set(policies), inventory, history, ledger, record, memory, threads
        )

    @classmethod
    def from_config(
        cls,
        path: str | os.PathLike[str],
        *,
        inventory: Targets | Inventory | None = None,
        history: History | None = None,
        ledger: str | os.PathLike[str] | None = None,
        record: bool = True,
        memory: int = 1 << 30,
        threads: int | None = None,
    ) -> Gate:
        """Makes a gate from a ``reprieve.toml``. ``inventory`` and ``ledger`` take the place of those that it names;
        ``history`` is as in ``Gate``.

        A policy module that is neither built in nor pinned by its digest is compiled by a process of its own, which is
        started with this Python (``sys.executable``).

        Raises:
            GateError: the file, a policy or the inventory is wrong.
            LedgerError: the ledger does not exist, or cannot be opened.
        """
        gate = cls.__new__(cls)
        gate._native = _native_gate(Path(path), None, inventory, history, ledger, record, memory, threads)
        return gate

    def vet(
        self,
        request: Request,
        targets: Targets | None = None,
        *,
        columns: Mapping[str, str | list[str]] | None = None,
        at: datetime | str | None = None,
        override: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> Permit:
        """Vets a batch. Returns the permit of an allow, and raises otherwise.

        The GIL is released. Ctrl-C raises KeyboardInterrupt at once; what was begun ends in the background, and an allow
        that comes too late is aborted in the ledger.

        Args:
            request: the path of a request, JSON text, or a dict. The files that a path names are below its folder; those of
                text or a dict below the current folder.
            targets: the list, in place of that of the request: a path, a table (pyarrow, polars, pandas, anything with
                ``__arrow_c_stream__``), a list of dicts, or a list of ids. A table is read once, as it is in Arrow's stream
                format, and a stream is consumed. A list is written to a private temporary file, as lines of JSON.
            columns: the columns of fields that have other names: ``{"id": "app_id"}``; an id may be joined from several.
            at: the time to decide for, instead of now. Not with a ledger, whose clock decides.
            override: the file of an override that two people signed (``reprieve override new``). Only with a ledger.
            progress: is called with (rows, bytes, total bytes) about 20 times a second while the list is read.

        Raises:
            Denied: a policy objects.
            Undecided: there is no answer.
            RequestError: the request or the targets cannot be read.
            GateError: the gate was made before a fork.
        """
        return self.decide(request, targets, columns=columns, at=at, override=override, progress=progress).permit()

    def decide(
        self,
        request: Request,
        targets: Targets | None = None,
        *,
        columns: Mapping[str, str | list[str]] | None = None,
        at: datetime | str | None = None,
        override: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> Decision:
        """Vets a batch as ``vet`` does, and returns the decision, whatever it is.

        With a ledger, an allow is recorded and counts until its outcome is recorded, even if it is only looked at.
        ``Gate(…, record=False)`` looks without recording.

        Raises:
            RequestError: the request or the targets cannot be read.
            GateError: the gate was made before a fork.
        """
        text = _convert.request(request)
        lifted = None if override is None else Path(override)
        native = self._native.vet(
            text, _convert.targets(targets), _convert.columns(columns), _convert.at(at), lifted, progress
        )
        return Decision._from_native(native)

    def split(
        self,
        request: Request,
        targets: Targets | None = None,
        *,
        columns: Mapping[str, str | list[str]] | None = None,
        at: datetime | str | None = None,
        tenants: int | None = None,
    ) -> Split:
        """Splits a batch that reaches too many tenants into parts that do not, a canary first. Nothing is decided or recorded:
        each part is a batch of its own, to be vetted with evidence of its own.

        Args:
            request: as for ``vet``.
            targets: as for ``vet``.
            columns: as for ``vet``.
            at: as for ``vet``.
            tenants: the maximum number of tenants of a part, if that is fewer than the policies allow.

        Raises:
            RequestError: the batch cannot be read or split.
        """
        text = _convert.request(request)
        split = json.loads(
            self._native.split(text, _convert.targets(targets), _convert.columns(columns), _convert.at(at), tenants)
        )
        parts = [Part(**part) for part in split["parts"]]
        return Split(parts, {target["row"]: target["codes"] for target in split["excluded"]})

    def plan(
        self,
        request: Request,
        targets: str | os.PathLike[str] | None = None,
        *,
        columns: Mapping[str, str | list[str]] | None = None,
        at: datetime | str | None = None,
    ) -> str:
        """Plans a batch whose list is too large for one machine, so that several processes can read it. ``reprieve.spark`` does
        this with the tasks of a cluster.

        Returns the plan as JSON. It has the key that authenticates what the processes send each other, so keep it from others.

        Args:
            request: as for ``vet``. Its list has to be in files, best in several: a section is a run of files, and ends with the
                file in which it reaches 4 MiB.
            targets: the path of the list, in place of that of the request.
            columns: as for ``vet``.
            at: as for ``vet``.

        Raises:
            RequestError: the request cannot be read, or its list cannot be divided.
            GateError: the inventory is an object or in SQLite, so several processes cannot see the same one.
        """
        path = None if targets is None else Path(targets)
        return self._native.plan(_convert.request(request), path, _convert.columns(columns), _convert.at(at))

    def planned(self, plan: str, *, folder: str | os.PathLike[str] | None = None) -> PlannedBatch:
        """Takes part in a planned batch.

        Args:
            plan: what ``plan`` returned, in this process or in another.
            folder: where this process finds the files of the list, if it is not where the plan was made.

        Raises:
            GateError: this gate is not like the one that made the plan: of another version, policy set or inventory.
        """
        return PlannedBatch(self._native.planned(plan, None if folder is None else Path(folder)))

    @property
    def policies(self) -> list[dict[str, Any]]:
        """The policies: name, version, summary, digest, and whether each is enforced."""
        policies: list[dict[str, Any]] = json.loads(self._native.policies())
        return policies

    @property
    def policy_set_sha256(self) -> str:
        """SHA-256 of the policy set, as decisions name it."""
        return self._native.set_sha256()

    @property
    def records(self) -> bool:
        """Whether decisions are recorded in a ledger."""
        return self._native.records()

    def __repr__(self) -> str:
        names = ", ".join(policy["name"] for policy in self.policies)
        return f"<reprieve.Gate {names}{', with a ledger' if self.records else ''}>"

    def __reduce__(self) -> str:
        raise TypeError("a gate is not copied to other processes: make one in each")


def _policy_set(policies: Sequence[str | Mapping[str, Any]] | Mapping[str, Any] | None) -> str | None:
    """The policy set as JSON."""
    if policies is None:
        return None
    if isinstance(policies, str):
        raise GateError("`policies` is text", help="pass a list, or use `Gate.from_config` for a file")
    if isinstance(policies, Mapping):
        document = dict(policies)
    else:
        document = {"policy": [{"use": f"builtin:{entry}"} if isinstance(entry, str) else entry for entry in policies]}
    try:
        return _convert._encode(document, "policies", "")
    except RequestError as error:
        raise GateError(error.message, file=error.file, place=error.place, help=error.help) from None


def _native_gate(
    config: Path | None,
    policies: str | None,
    inventory: Targets | Inventory | None,
    history: History | None,
    ledger: str | os.PathLike[str] | None,
    record: bool,
    memory: int,
    threads: int | None,
) -> NativeGate:
    # The worker is this file of this package, whatever the environment and the current folder have.
    worker = (Path(sys.executable), [str(Path(__file__).with_name("_worker.py"))])
    name = None if ledger is None else os.fspath(ledger)
    try:
        found = _inventory.asked(inventory) or _convert.targets(inventory, "<inventory>")
    except RequestError as error:
        raise GateError(error.message, file=error.file, place=error.place, help=error.help) from None
    return NativeGate(config, policies, found, _history.known(history), name, record, memory, threads, worker)
