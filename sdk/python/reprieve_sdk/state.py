"""Serializes the state of a policy. Equal states have equal bytes."""

import dataclasses
import json
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


def write(state: Any) -> bytes:
    """Serializes a state as JSON with sorted keys."""
    return json.dumps(_plain(state), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read(hint: Any, text: bytes) -> Any:
    """Deserializes a state of the type `hint`."""
    return _typed(hint, json.loads(text))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(element) for element in value]
    if isinstance(value, (set, frozenset)):
        # The order of a set differs between builds; the bytes must not.
        return sorted(_plain(element) for element in value)
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("a dict in a state must have strings as keys")
        return {key: _plain(entry) for key, entry in value.items()}
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"a state cannot hold a `{type(value).__name__}`")


def _typed(hint: Any, value: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        (inner,) = (argument for argument in arguments if argument is not NoneType)
        return None if value is None else _typed(inner, value)
    if origin in (list, set, frozenset):
        return origin(_typed(arguments[0], element) for element in value)
    if origin is tuple:
        return tuple(_typed(argument, element) for argument, element in zip(arguments, value, strict=True))
    if origin is dict:
        return {key: _typed(arguments[1], entry) for key, entry in value.items()}
    if dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint)
        return hint(**{name: _typed(hints[name], entry) for name, entry in value.items()})  # type: ignore[operator]
    return value
