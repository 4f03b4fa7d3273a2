"""A batch in parts."""

from __future__ import annotations

from typing import Any, NamedTuple


class Part(NamedTuple):
    """A part of a batch: ``gate.vet(part.request, targets=part.targets)`` vets it.

    Attributes:
        request: the request of the batch, without the evidence for the whole list. Its campaign is the whole batch.
        targets: the targets as dicts.
        rows: their rows in the whole list, counted from 0.
        tenants: the number of tenants that it can reach.
        denied: the codes that it is still denied for, which are evidence that it needs for itself.
        canary: whether it should run first, to see whether all is well.
    """

    request: dict[str, Any]
    targets: list[dict[str, Any]]
    rows: list[int]
    tenants: int
    denied: list[str]
    canary: bool


class Split(NamedTuple):
    """A batch in parts. Every target is in one of them, or excluded.

    Attributes:
        parts: the parts, in the order in which they should run.
        excluded: the targets that offend by themselves: the row of each, with its codes.
    """

    parts: list[Part]
    excluded: dict[int, list[str]]
