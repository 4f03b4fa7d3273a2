"""Records: JSON objects with typed fields. A field is parsed when it is first read, so a policy pays fuel only for the
fields that it reads."""

from collections.abc import Callable
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, ClassVar, Union, get_args, get_origin, get_type_hints

from .timestamps import Duration, Timestamp

type_of = type  # A record may have a field of that name.


class Record:
    """A JSON object with typed fields. An absent optional field is `None`."""

    _readers: ClassVar[dict[str, Callable[[Any], Any]]] = {}

    def __init__(self, json: dict[str, Any]) -> None:
        self._json = json

    def __init_subclass__(cls) -> None:
        # Types are resolved here, at build time, to save fuel in every decision.
        hints = get_type_hints(cls)
        cls._readers = {name: reader(hint) for name, hint in hints.items() if not name.startswith("_")}

    if not TYPE_CHECKING:  # Type checkers know the fields from the annotations and reject all others.

        def __getattr__(self, name: str) -> Any:
            read = type_of(self)._readers.get(name)
            if read is None:
                raise AttributeError(f"{type_of(self).__name__} has no field `{name}`")
            try:
                value = read(self._json.get(name))
            except (TypeError, ValueError, AttributeError) as error:
                # An unreadable field must not be mistaken for an absent one.
                raise ValueError(f"{type_of(self).__name__}.{name}: {error}") from None
            self.__dict__[name] = value
            return value

    def __repr__(self) -> str:
        return f"{type_of(self).__name__}({self._json!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and type_of(self) is type_of(other) and self._json == other._json

    __hash__ = None  # type: ignore[assignment]


def reader(hint: Any) -> Callable[[Any], Any]:
    """Returns the function that converts the JSON of a field to its type."""
    arguments = get_args(hint)
    if get_origin(hint) in (Union, UnionType) and NoneType in arguments:
        (inner,) = (reader(argument) for argument in arguments if argument is not NoneType)
        return lambda json: None if json is None else inner(json)
    return _required(_plain_reader(hint, arguments))


def _plain_reader(hint: Any, arguments: tuple[Any, ...]) -> Callable[[Any], Any]:
    if get_origin(hint) is list:
        element = reader(arguments[0])
        return lambda json: [element(value) for value in json]
    if get_origin(hint) is dict:
        entry = reader(arguments[1])
        return lambda json: {key: entry(value) for key, value in json.items()}
    if hint is Timestamp:
        return Timestamp.parse
    if hint is Duration:
        return Duration.parse
    if isinstance(hint, type_of) and issubclass(hint, Record):
        return hint
    return lambda json: json


def _required(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def required(json: Any) -> Any:
        if json is None:
            raise ValueError("the field is missing")
        return read(json)

    return required
