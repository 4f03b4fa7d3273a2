"""What needs no gate."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from . import _convert, _native
from ._convert import Targets
from ._errors import ReprieveError, RequestError
from ._gate import Gate
from ._text import plain


class Explanation(NamedTuple):
    """What a code means. ``print`` it.

    Attributes:
        code: ``policy/rule``, ``gate/…``, or the cause of a fault.
        summary: one sentence.
        explanation: why the rule exists, or what to do about a fault.
        nature: ``wrong``, ``missing`` or ``fault``.
        never_lifted: whether no override lifts it.
        settings: the settings that control it, each with its JSON Schema: default, bounds and ``x-unit``.
    """

    code: str
    summary: str
    explanation: str
    nature: str
    never_lifted: bool
    settings: dict[str, Any]

    def __str__(self) -> str:
        lines = [self.code, f"  {self.summary}", f"  nature: {self.nature}"]
        lines += [f"  {part}" for part in self.explanation.split("\n\n") if part]
        for name, schema in self.settings.items():
            default = json.dumps(schema.get("default"), ensure_ascii=False)
            unit = f" {schema['x-unit']}" if schema.get("x-unit") else ""
            lines.append(f"  setting {name} = {default}{unit}: {schema.get('description', '')}")
        return "\n".join(plain(line) for line in lines)


def explain(code: str | None = None, *, gate: Gate | None = None) -> list[Explanation]:
    """Explains a code.

    Args:
        code: a rule (``identity/kind-mismatch``), all rules of a policy (``identity``), or the cause of a fault (``fuel``).
            Without it, every code.
        gate: the gate whose policies are explained; the built-in ones by default.

    Raises:
        ReprieveError: there is no such code.
    """
    text = _native.explain(code) if gate is None else gate._native.explain(code)
    explained = [Explanation(**entry) for entry in json.loads(text)]
    if not explained:
        raise ReprieveError(f"there is no code `{code}`", help="`reprieve.explain()` returns every code")
    return explained


class Reading(NamedTuple):
    """What a file of another tool deletes or lists.

    Attributes:
        items: the targets as dicts, in the order of the file: pass them to ``Gate.vet``.
        file: the name of the file.
        sha256: SHA-256 of the file, for ``provenance.source_sha256`` of the request.
        is_call: whether the file is the call itself, such as a plan, and not only a list.
        tool: the tool that wrote it, if the file says so.
        mode: ``soft`` or ``hard``, if the file says so.
        verb: the verb of the call, if the file says so.
        cascade: whether the call deletes dependents as well, if the file says so.
        actor: who makes the call, if the file says so.
        extracted_at: when the items were looked up, if the file says so.
        notes: what the file has beside deletions.
        unseen: what cannot be seen in such a file.
    """

    items: list[dict[str, Any]]
    file: str
    sha256: str
    is_call: bool
    tool: str | None
    mode: str | None
    verb: str | None
    cascade: bool | None
    actor: str | None
    extracted_at: str | None
    notes: list[str]
    unseen: list[str]


def read(
    format: str,
    path: str | os.PathLike[str],
    *,
    kind: str | None = None,
    id: str | list[str] | None = None,
    header: bool = True,
) -> Reading:
    """Reads a file of another tool: a plan, an export, a report. ``formats()`` lists the formats.

    A file is read whole or refused. One that may delete what it does not list is refused.

    Args:
        format: a format, for example ``terraform``.
        path: the file.
        kind: the kind of the items, if the file does not say.
        id: the columns or members that make up the id, if the format does not say.
        header: whether a file of lines has a header.

    Raises:
        RequestError: the file cannot be read, or there is no such format.
    """
    columns = [id] if isinstance(id, str) else list(id or [])
    return Reading(**json.loads(_native.read(format, Path(path), kind, columns, not header)))


def formats() -> dict[str, str]:
    """The formats that ``read`` knows, each with what such a file is."""
    return dict(_native.formats())


def draft(
    targets: Targets | Reading,
    *,
    mode: str | None = None,
    environment: str | None = None,
    kind: str | None = None,
    id: str | None = None,
    columns: Mapping[str, str | list[str]] | None = None,
    set: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Drafts a request for a list: the counts, the digest, the kinds, the environment of continuous integration and the author
    are filled in, and what only people know is None. It is the request of ``reprieve draft``, without the list: pass the same
    targets and columns to ``Gate.vet``.

    Args:
        targets: the list as for ``Gate.vet``, or what ``read`` returned.
        mode: ``soft``, ``hard`` or ``disable``, if the list does not say.
        environment: where the call will run, if the list does not say.
        kind: the kind of the targets, if the list does not say.
        id: a name for the request.
        columns: as for ``Gate.vet``.
        set: any other fields, by their names with dots: ``{"reason.ticket": "CHG-17"}``.

    Raises:
        RequestError: the targets cannot be read, or say too little.
    """
    if mode not in (None, "soft", "hard", "disable"):
        raise RequestError(f"there is no mode `{mode}`", help="the modes are `soft`, `hard` and `disable`")
    said: dict[str, Any] = {"mode": mode, "environment": environment, "kind": kind, "id": id, "set": dict(set or {})}
    rows: object = targets
    if isinstance(targets, Reading):
        rows = targets.items
        said["reading"] = targets._asdict() | {"items": None}
    text = _native.draft(_convert.targets(rows), _convert.columns(columns), _convert._encode(said, "<request>", ""))
    request: dict[str, Any] = json.loads(text)
    del request["targets"]
    return request


def targets_sha256(targets: Targets) -> str:
    """The digest of a list as it is vetted: SHA-256, lower-case hex. Dry runs, approvals and backups have to name it.

    The digest of a path is that of the file. That of a table depends on how it is cut into record batches: a table that was
    read, joined or sliced in another way may have another digest. That of a list depends on the order of the fields.

    Raises:
        RequestError: the targets cannot be read.
    """
    return _native.targets_sha256(_convert.targets(targets))


def create_ledger(name: str | os.PathLike[str]) -> None:
    """Creates a ledger: an SQLite file, or the tables in a database (``postgres://…``; PGPASSWORD has the password).

    Raises:
        LedgerError: there is one already, or it cannot be created.
    """
    _native.create_ledger(os.fspath(name))
