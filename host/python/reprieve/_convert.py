"""What people pass, as the native half takes it. What is not understood is refused: nothing is guessed or left out."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from ._errors import RequestError


class ArrowStream(Protocol):
    """A table in memory: pyarrow, polars, pandas from 2.2 on, DuckDB, and everything else with Arrow's C stream interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


Request: TypeAlias = "str | os.PathLike[str] | bytes | Mapping[str, Any]"
"""A path, JSON text (it begins with ``{``), or a dict."""

Targets: TypeAlias = "str | os.PathLike[str] | ArrowStream | Sequence[Mapping[str, Any]] | Sequence[str]"
"""A path, a table, a list of dicts, or a list of ids."""


def request(value: Request) -> str | Path:
    """A path as a ``Path``, and everything else as JSON text."""
    if isinstance(value, os.PathLike):
        return Path(value)
    if isinstance(value, bytes | bytearray):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise RequestError(f"byte {error.start} is not UTF-8", file="<request>") from None
    if isinstance(value, str):
        if not value.strip():
            raise RequestError("the request is empty", file="<request>", help="pass a path, JSON text or a dict")
        return value if value.lstrip()[0] in "{[" else Path(value)
    if isinstance(value, Mapping):
        return _encode(value, "<request>", "")
    raise RequestError(
        f"a request is not a {type(value).__name__}", file="<request>", help="pass a path, JSON text or a dict"
    )


def targets(value: object, file: str = "<targets>") -> Any:
    """A path as a ``Path``, a table as it is, and a list as lines of JSON."""
    if value is None:
        return None
    if isinstance(value, str | os.PathLike):
        return Path(value)
    if hasattr(value, "__arrow_c_stream__"):
        return value
    if isinstance(value, list | tuple):
        return "".join(_line(row, number, file) for number, row in enumerate(value)).encode()
    hint = "pass a path, an Arrow table, a polars or pandas frame, or a list of dicts"
    if type(value).__module__.startswith("pandas"):
        hint = "pandas has Arrow's C stream interface from 2.2 on, with pyarrow installed"
    raise RequestError(f"a list of targets is not a {type(value).__name__}", file=file, help=hint)


def _line(row: object, number: int, file: str) -> str:
    if isinstance(row, str):
        row = {"id": row}
    elif not isinstance(row, Mapping):
        raise RequestError(
            f"a target is not a {type(row).__name__}",
            file=file,
            place=f"`/{number}`",
            help="pass a dict with the fields of a target, or its id as text",
        )
    return _encode(row, file, f"/{number}") + "\n"


def _encode(value: Mapping[str, Any], file: str, pointer: str) -> str:
    try:
        text = _ENCODER.encode(dict(value))
        text.encode()
        return text
    except (TypeError, ValueError, RecursionError) as error:
        place, message = _fault(value, pointer) or (pointer, str(error))
        raise RequestError(
            message,
            file=file,
            place=f"`{place}`" if place else None,
            help="pass text, whole numbers, booleans, lists, dicts, dates, times with a zone, or UUIDs",
        ) from None


def _default(value: object) -> object:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError("the time has no zone")
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if type(value).__module__ == "uuid":  # slow to import
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} has no form in JSON")


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_default)


def _fault(value: object, pointer: str, depth: int = 0) -> tuple[str, str] | None:
    """Finds the first value that has no form in JSON: its pointer, and what is wrong with it."""
    if depth > 100:
        return pointer, "the value is nested too deep"
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                return pointer, f"the name of a field is a {type(key).__name__}, not text"
            escaped = key.replace("~", "~0").replace("/", "~1")
            if found := _fault(key, pointer, depth + 1) or _fault(inner, f"{pointer}/{escaped}", depth + 1):
                return found
        return None
    if isinstance(value, list | tuple):
        inner_faults = (_fault(inner, f"{pointer}/{number}", depth + 1) for number, inner in enumerate(value))
        return next((found for found in inner_faults if found), None)
    try:
        _ENCODER.encode(value).encode()
    except UnicodeEncodeError:
        return pointer, "the text has half of a surrogate pair, which is not a character"
    except (TypeError, ValueError) as error:
        return pointer, str(error)
    return None


def at(value: datetime | str | None) -> str | None:
    """A time as RFC 3339."""
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise RequestError("`at` has no zone", help="pass a datetime with a zone: `datetime.now(timezone.utc)`")
    return value.isoformat()


def columns(value: Mapping[str, str | list[str]] | None) -> list[tuple[str, list[str]]]:
    """The columns of the fields of targets."""
    return [(field, [names] if isinstance(names, str) else list(names)) for field, names in (value or {}).items()]
