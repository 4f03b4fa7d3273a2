"""Helpers for unit tests of a policy: a valid batch that a test changes in one place."""

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

from .chunk import BoolColumn, Chunk, CodeColumn, Column, I64Column, StringColumn, U64Column
from .policy import Policy
from .session import Session

DIGEST = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
"""The digest of the list in `review`."""

_TALLY = {"counts": {"app": 2}, "others": 0, "unknown": 0}
_EMPTY_TALLY = {"counts": {}, "others": 0, "unknown": 0}
_TENANTS = {"distinct": 2, "unknown": 0}

_REVIEW: dict[str, Any] = {
    "claims": {
        "id": "retire/1",
        "mode": "soft",
        "environment": "production",
        "target_kind": "app",
        "operation": {"verb": "delete", "cascade": False},
        "reason": {"ticket": "CHG-1", "text": "retired", "trigger": "request", "trigger_source": "explicit"},
        "actor": {
            "id": "svc-cleanup",
            "type": "automation",
            "on_behalf_of": "carol",
            "credential": {"purpose": "deletion", "environment": "production"},
        },
        "provenance": {
            "source": "cmdb",
            "query": "select id from apps where retired",
            "selection": "explicit",
            "complete": True,
            "id_kind": "app",
            "row_count": 2,
            "source_total": 2,
            "sha256": DIGEST,
            "extracted_at": "2026-03-02T11:30:00Z",
            "extracted_by": "carol",
        },
        "dry_run": {
            "at": "2026-03-02T11:40:00Z",
            "targets_sha256": DIGEST,
            "environment": "production",
            "count": 2,
            "by_kind": {"app": 2},
            "sample": ["a-1"],
        },
        "recovery": {"soft_delete_days": 30},
        "approvals": [
            {
                "by": "alice",
                "type": "human",
                "at": "2026-03-02T11:50:00Z",
                "targets_sha256": DIGEST,
                "mode": "soft",
                "kinds": {"app": 2},
                "tenants": 2,
            }
        ],
    },
    "facts": {
        "evaluated_at": "2026-03-02T12:00:00Z",
        "request_sha256": DIGEST,
        "targets_sha256": DIGEST,
        "targets": 2,
        "ids": {"null": 0, "empty": 0, "duplicate": 0, "examples": []},
        "tenants": _TENANTS,
        "tenants_at_most": 2,
        "production": True,
        "not_production": ["staging", "test"],
        "kinds": _TALLY,
        "environments": {"counts": {}, "others": 0, "unknown": 2},
        "inventory": {
            "sha256": DIGEST,
            "resolved": 2,
            "unresolved": 0,
            "tenants": _TENANTS,
            "kinds": _TALLY,
            "environments": {"counts": {"production": 2}, "others": 0, "unknown": 0},
            "states": {"counts": {"soft-deleted": 2}, "others": 0, "unknown": 0},
            "population": {"app": 1000},
            "population_tenants": 900,
            "pools": [],
            "closure": {
                "things": 2,
                "undeclared": 0,
                "undeclared_kinds": _EMPTY_TALLY,
                "examples": [],
                "tenants": _TENANTS,
                "kinds": _TALLY,
                "unknown": 0,
                "evidence": [],
                "truncated": False,
            },
        },
        "restore": {
            "tenants": 2,
            "batches": 1,
            "duration": "P5D",
            "tenants_per_batch": {"value": 60, "measured": False},
            "batch_duration": {"value": "P5D", "measured": False},
            "parallel_batches": {"value": 1, "measured": False},
        },
    },
}


def review(claims: Mapping[str, Any] | None = None, facts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A review in which nothing is wrong: two retired `app` records of two tenants, soft-deleted, resolved, rehearsed,
    approved and recoverable. `claims` and `facts` are JSON merge patches (RFC 7396) that are applied to it."""
    whole: dict[str, Any] = merge_patch(copy.deepcopy(_REVIEW), {"claims": claims or {}, "facts": facts or {}})
    return whole


def merge_patch(document: Any, patch: Any) -> Any:
    """Applies a JSON merge patch (RFC 7396): objects are merged, `None` removes, anything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(document) if isinstance(document, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def check(
    policy: type[Policy[Any, Any]],
    review: Mapping[str, Any],
    settings: Mapping[str, Any] | None = None,
    chunks: Sequence[Chunk] = (),
    data: Mapping[str, bytes] | None = None,
) -> list[str]:
    """Runs a policy over a review. Returns one string per finding, such as `deny too-many` or `warn page-sized`."""
    session = Session(policy, json.dumps(review), json.dumps(dict(settings or {})), data or {})
    for chunk in chunks:
        session.observe(chunk)
    return [f"{finding.severity.value} {finding.rule}" for finding in session.finish()]


def codes(name: str, rows: Sequence[str | None]) -> Column:
    """A column of codes; `None` is unknown."""
    dictionary = sorted({row for row in rows if row is not None})
    return CodeColumn(name, dictionary, [0 if row is None else dictionary.index(row) for row in rows], _known(rows))


def strings(name: str, rows: Sequence[str | None]) -> Column:
    """A column of strings; `None` is unknown."""
    offsets, data = [0], b""
    for row in rows:
        data += (row or "").encode()
        offsets.append(len(data))
    return StringColumn(name, offsets, data, _known(rows))


def times(name: str, rows: Sequence[int | None]) -> Column:
    """A column of times in seconds since 1970; `None` is unknown."""
    return I64Column(name, [row or 0 for row in rows], _known(rows))


def counts(name: str, rows: Sequence[int | None]) -> Column:
    """A column of counts or sizes; `None` is unknown."""
    return U64Column(name, [row or 0 for row in rows], _known(rows))


def flags(name: str, rows: Sequence[bool | None]) -> Column:
    """A column of truth values; `None` is unknown."""
    return BoolColumn(name, len(rows), _bitmap([bool(row) for row in rows]), _known(rows))


def chunk(rows: int, columns: Sequence[Column], first_row: int = 0) -> Chunk:
    """A chunk of these columns."""
    return Chunk(first_row, rows, columns)


def _known(rows: Sequence[object]) -> bytes:
    return _bitmap([row is not None for row in rows])


def _bitmap(bits: Sequence[bool]) -> bytes:
    whole = sum(1 << i for i, bit in enumerate(bits) if bit)
    return whole.to_bytes((len(bits) + 7) // 8, "little")
