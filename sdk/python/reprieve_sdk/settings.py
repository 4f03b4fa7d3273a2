"""Settings: what an operator may change, each with its meaning, unit, bounds and default in one place."""

import json
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform, get_args, get_origin, get_type_hints

from .rule import paragraph

T = TypeVar("T")

_SCALARS = {int: "integer", float: "number", bool: "boolean", str: "string"}
_U64_END = 1 << 64


class TimeZone(str):
    """The name of a time zone, as in `Europe/Berlin`. The host checks that there is one of this name, and `Case.local`
    has its clock."""


class _Declared:
    """What stands beside a setting's name and type."""

    def __init__(self, default: Any, doc: str, least: float | None, most: float | None, unit: str) -> None:
        self.default, self.doc, self.least, self.most, self.unit = default, paragraph(doc), least, most, unit


def setting(
    *, default: T, doc: str, least: float | None = None, most: float | None = None, unit: str = ""
) -> T:
    """Declares a setting: its default, what it means, and for a number its bounds and its unit."""
    return _Declared(default, doc, least, most, unit)  # type: ignore[return-value]


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(setting,))
class Settings:
    """The settings of a policy: a class with one `name: type = setting(…)` for each. A type is `int` (from 0 to
    2**64 - 1), `float`, `bool`, `str`, `TimeZone`, a `list` of these, or a `dict` from `str` to these. A setting that is not
    given has its default."""

    _declared: ClassVar[dict[str, tuple[Any, _Declared]]] = {}

    def __init_subclass__(cls) -> None:
        declared = {}
        for name, hint in get_type_hints(cls).items():
            if name.startswith("_"):
                continue
            what, given = f"the setting `{name}` of {cls.__name__}", getattr(cls, name, None)
            if not isinstance(given, _Declared):
                raise TypeError(f"{what} has no `setting(…)`")
            if not given.doc:
                raise TypeError(f"{what} has no doc")
            bounds = (given.least, given.most)
            if (None in bounds) != (not given.unit) or (None in bounds and bounds != (None, None)):
                raise TypeError(f"{what} has some of least, most and unit; give all three or none")
            if given.unit and hint not in (int, float):
                raise TypeError(f"{what} has bounds and is no number")
            is_number = isinstance(given.default, (int, float))
            if given.least is not None and given.most is not None and is_number:
                if not given.least <= given.default <= given.most:
                    raise TypeError(f"{what} has a default outside its bounds")
            try:
                read(name, hint, given.default)
            except ValueError:
                raise TypeError(f"{what} has a default of another type") from None
            declared[name] = (hint, given)
        cls._declared = declared

    def __init__(self, **given: Any) -> None:
        unknown = given.keys() - self._declared.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no setting `{min(unknown)}`")
        for name, (_, declared) in self._declared.items():
            # A default that can be changed is copied, or one reader would change it for the next.
            value = given[name] if name in given else declared.default
            self.__dict__[name] = value.copy() if isinstance(value, (list, dict)) else value

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"settings do not change: `{name}`")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def read(cls, text: str) -> Self:
        """Reads them from JSON. The host has checked them against the schema before."""
        given = json.loads(text)
        if not isinstance(given, dict):
            raise ValueError("settings: not an object")
        for name in given.keys() & cls._declared.keys():
            given[name] = read(name, cls._declared[name][0], given[name])
        try:
            return cls(**given)
        except TypeError as error:
            raise ValueError(f"settings: {error}") from None

    @classmethod
    def names(cls) -> list[str]:
        """Their names, in the order in which they are declared."""
        return list(cls._declared)

    @classmethod
    def schema(cls) -> str:
        """A JSON Schema of these settings."""
        properties = {}
        for name, (hint, declared) in cls._declared.items():
            schema = {**keywords(hint), "description": declared.doc, "default": _sorted(declared.default)}
            if declared.unit:
                schema |= {"minimum": declared.least, "maximum": declared.most, "x-unit": declared.unit}
            properties[name] = schema
        whole = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "additionalProperties": False,
            "properties": properties,
        }
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def keywords(hint: Any) -> dict[str, Any]:
    """The keywords of JSON Schema for a type alone."""
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    if hint is TimeZone:
        return {"type": "string", "format": "time-zone"}
    if get_origin(hint) is list:
        return {"type": "array", "uniqueItems": True, "items": keywords(get_args(hint)[0])}
    if get_origin(hint) is dict and get_args(hint)[0] is str:
        return {"type": "object", "additionalProperties": keywords(get_args(hint)[1])}
    raise TypeError(f"a setting cannot be a `{hint}`")


def read(name: str, hint: Any, value: Any) -> Any:
    """A JSON value as a value of the type."""
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
