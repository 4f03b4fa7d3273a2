"""Past deletions that the program knows."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from . import _convert
from ._errors import GateError, RequestError

PastBatches: TypeAlias = "Sequence[Mapping[str, Any]]"
"""Batches that ran, each a dict: ``at``, ``mode``, ``environment``, ``kind``, ``targets``, ``tenants``, and if they are known
``bytes``, ``campaign``, ``actor``, ``succeeded``, ``source``."""

History: TypeAlias = "str | os.PathLike[str] | PastBatches | Callable[[dict[str, Any]], PastBatches]"
"""A path, batches, or a function. A function is asked once a decision, with ``since`` and ``until``, and ``mode``,
``environment``, ``kind``, ``actor`` and ``campaign`` of the batch. It returns everything since then, and the last batch of the
environment and the campaign if they are older; the gate itself looks which of them count."""


def known(value: History | None) -> Any:
    """A path as a ``Path``, batches as JSON, and a function as one that takes and returns JSON."""
    if value is None:
        return None
    if isinstance(value, str | os.PathLike):
        return Path(value)
    if callable(value):
        ask = value
        return lambda question: _encoded(ask(json.loads(question)))
    try:
        return _encoded(value)
    except RequestError as error:
        raise GateError(error.message, file=error.file, place=error.place, help=error.help) from None


def _encoded(batches: object) -> str:
    if not isinstance(batches, list | tuple):
        raise RequestError(f"a history is not a {type(batches).__name__}", file="<history>", help="return a list of dicts")
    return f"[{','.join(_convert._encode(batch, '<history>', f'/{number}') for number, batch in enumerate(batches))}]"
