"""Settings: what an operator may change. Meaning, unit, bounds and default of each are declared in one place."""

import json
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform, get_args, get_origin, get_type_hints

from .rule import paragraph

T = TypeVar("T")

_SCALARS = {int: "integer", float: "number", bool: "boolean", str: "string"}
_U64_END = 1 << 64


class TimeZone(str):
    """The name of a time zone, such as `Europe/Berlin`. The host checks that the zone exists. `Context.local` returns
    its local time."""


class _Declaration:
    """What `setting` declares, apart from the setting's name and type."""

    def __init__(self, default: Any, doc: str, min: float | None, max: float | None, unit: str) -> None:
        self.default, self.doc, self.min, self.max, self.unit = default, paragraph(doc), min, max, unit


def setting(*, default: T, doc: str, min: float | None = None, max: float | None = None, unit: str = "") -> T:
    """Declares a setting: its default, its meaning, and for a number its bounds (both inclusive) and its unit."""
    return _Declaration(default, doc, min, max, unit)  # type: ignore[return-value]


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(setting,))
class Settings:
    """The settings of a policy: a class with one `name: type = setting(…)` for each. A type is `int` (0 to 2**64 - 1),
    `float`, `bool`, `str`, `TimeZone`, a `list` of these, or a `dict` from `str` to these. A setting that the operator
    does not set has its default."""

    _declared: ClassVar[dict[str, tuple[Any, _Declaration]]] = {}

    def __init_subclass__(cls) -> None:
        declared = {}
        for name, hint in get_type_hints(cls).items():
            if name.startswith("_"):
                continue
            what, given = f"the setting `{name}` of {cls.__name__}", getattr(cls, name, None)
            if not isinstance(given, _Declaration):
                raise TypeError(f"{what} has no `setting(…)`")
            if not given.doc:
                raise TypeError(f"{what} has no doc")
            bounds = (given.min, given.max)
            if (None in bounds) != (not given.unit) or (None in bounds and bounds != (None, None)):
                raise TypeError(f"{what} has some of `min`, `max` and `unit`; give all three or none")
            if given.unit and hint not in (int, float):
                raise TypeError(f"{what} has bounds but is not a number")
            is_number = isinstance(given.default, (int, float))
            if given.min is not None and given.max is not None and is_number:
                if not given.min <= given.default <= given.max:
                    raise TypeError(f"{what} has a default outside its bounds")
            try:
                read(name, hint, given.default)
            except ValueError:
                raise TypeError(f"{what} has a default that is not of its type") from None
            declared[name] = (hint, given)
        cls._declared = declared

    def __init__(self, **given: Any) -> None:
        unknown = given.keys() - self._declared.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no setting `{min(unknown)}`")
        for name, (_, declared) in self._declared.items():
            # A mutable default is copied, so that changing it in one instance does not affect the next.
            value = given[name] if name in given else declared.default
            self.__dict__[name] = value.copy() if isinstance(value, (list, dict)) else value

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"settings are read-only: cannot set `{name}`")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def read(cls, text: str) -> Self:
        """Reads settings from JSON. The host has already validated them against the schema."""
        given = json.loads(text)
        if not isinstance(given, dict):
            raise ValueError("settings: expected a JSON object")
        for name in given.keys() & cls._declared.keys():
            given[name] = read(name, cls._declared[name][0], given[name])
        try:
            return cls(**given)
        except TypeError as error:
            raise ValueError(f"settings: {error}") from None

    @classmethod
    def names(cls) -> list[str]:
        """The names of the settings, in the order of declaration."""
        return list(cls._declared)

    @classmethod
    def is_number(cls, name: str) -> bool:
        """Whether the setting of that name is a number."""
        return cls._declared[name][0] in (int, float)

    @classmethod
    def schema(cls) -> str:
        """The JSON Schema of these settings."""
        properties = {}
        for name, (hint, declared) in cls._declared.items():
            schema = {**keywords(hint), "description": declared.doc, "default": _sorted(declared.default)}
            if declared.unit:
                schema |= {"minimum": declared.min, "maximum": declared.max, "x-unit": declared.unit}
            properties[name] = schema
        whole = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "additionalProperties": False,
            "properties": properties,
        }
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def keywords(hint: Any) -> dict[str, Any]:
    """The JSON Schema keywords for a type."""
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    if hint is TimeZone:
        return {"type": "string", "format": "time-zone"}
    if get_origin(hint) is list:
        return {"type": "array", "uniqueItems": True, "items": keywords(get_args(hint)[0])}
    if get_origin(hint) is dict and get_args(hint)[0] is str:
        return {"type": "object", "additionalProperties": keywords(get_args(hint)[1])}
    raise TypeError(f"a setting cannot be of type `{hint}`")


def read(name: str, hint: Any, value: Any) -> Any:
    """Converts a JSON value to the type."""
    schema = keywords(hint)
    if hint is int and type(value) is int and 0 <= value < _U64_END:
        return value
    if hint is float and type(value) in (int, float):
        return float(value)
    if hint in (bool, str) and type(value) is hint:
        return value
    if hint is TimeZone and isinstance(value, str):
        return TimeZone(value)
    if get_origin(hint) is list and isinstance(value, list):
        return [read(name, get_args(hint)[0], element) for element in value]
    if get_origin(hint) is dict and isinstance(value, dict):
        return {key: read(name, get_args(hint)[1], entry) for key, entry in value.items()}
    raise ValueError(f"settings: `{name}` is not of type {schema['type']}")


def _sorted(value: Any) -> Any:
    return dict(sorted(value.items())) if isinstance(value, dict) else value
