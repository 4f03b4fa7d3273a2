"""An inventory that is an object of the program: a service, a warehouse, a database."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias, cast

from . import _convert
from ._convert import ArrowStream
from ._errors import GateError

Rows: TypeAlias = "ArrowStream | Sequence[Mapping[str, Any]]"
"""A table, or a list of dicts."""


class Inventory(Protocol):
    """What an object needs to be the inventory of a gate.

    It is asked in bulk, up to 65,536 ids at a time, from a thread of the decision. An exception is a fault: the batch is
    undecided. What it answers is checked like the rows of a file, and its digest is in the decision.

    Further methods are optional:

    - ``pools(names)`` returns what is known of capacity pools, by name: the number of members in use, or that and the number
      of members that the pool requires. It is needed if rows have a ``pool``.
    - ``things(tenants)`` returns the number of things of each tenant, by name; without it, no tenant is known to be gone.
    - ``snapshot()`` returns an object with these methods that answers as of one moment. Each decision calls it once.
    """

    def records(self, ids: list[str], /) -> Rows:
        """The rows of these ids, as a table or a list of dicts, with the columns of an inventory. An id that is not known has
        no row."""
        ...

    def population(self, kinds: list[str], /) -> Mapping[str, int]:
        """The number of things of each of these kinds."""
        ...

    def tenants(self) -> int:
        """The number of tenants."""
        ...


class Asked:
    """An inventory as the native half asks it."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def snapshot(self) -> Asked:
        snapshot = getattr(self._inventory, "snapshot", None)
        return Asked(snapshot()) if snapshot else self

    def records(self, ids: list[str]) -> Any:
        rows: object = self._inventory.records(ids)
        if rows is None or isinstance(rows, str | os.PathLike):
            raise TypeError(f"`records` returned a {type(rows).__name__}, not a table or a list of dicts")
        return _convert.targets(rows, "<inventory>")

    def population(self, kinds: list[str]) -> dict[str, int]:
        return dict(zip(kinds, _of_each("population", self._inventory.population(kinds), kinds), strict=True))

    def tenants(self) -> int:
        return self._inventory.tenants()

    def pools(self, names: list[str]) -> list[tuple[int, int | None]]:
        pools = getattr(self._inventory, "pools", None)
        if pools is None:
            raise TypeError("rows have a `pool`, but the inventory has no method `pools`")
        return [pool if isinstance(pool, tuple) else (pool, None) for pool in _of_each("pools", pools(names), names)]

    def things(self, tenants: list[str]) -> list[int] | None:
        things = getattr(self._inventory, "things", None)
        return things and _of_each("things", things(tenants), tenants)


def _of_each(method: str, answer: Mapping[str, Any], names: list[str]) -> list[Any]:
    """The answer for each name, in their order. A name without an answer is not one of which there is nothing."""
    for name in names:
        if name not in answer:
            raise LookupError(f"`{method}` returned nothing for `{name}`")
    return [answer[name] for name in names]


def asked(value: object) -> Asked | None:
    """The inventory, if it is an object to ask."""
    if not hasattr(value, "records") or hasattr(value, "__arrow_c_stream__"):
        return None
    missing = [name for name in ("population", "tenants") if not hasattr(value, name)]
    if missing:
        raise GateError(
            f"the inventory has no method `{missing[0]}`", help="`help(reprieve.Inventory)` has the methods it needs"
        )
    return Asked(cast(Inventory, value))
