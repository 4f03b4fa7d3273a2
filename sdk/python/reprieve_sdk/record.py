"""Records: JSON objects with typed fields, each read where it is first looked at, for a policy pays fuel for what it
reads."""

from collections.abc import Callable
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, ClassVar, Union, get_args, get_origin, get_type_hints

from .timestamps import Duration, Timestamp

type_of = type  # A record may have a field of that name.


class Record:
    """A JSON object. A field that may be absent is `None` where it is."""

    _readers: ClassVar[dict[str, Callable[[Any], Any]]] = {}

    def __init__(self, json: dict[str, Any]) -> None:
        self._json = json

    def __init_subclass__(cls) -> None:
        # Types are looked up now, while the component is built, and not in every decision.
        hints = get_type_hints(cls)
        cls._readers = {name: reader(hint) for name, hint in hints.items() if not name.startswith("_")}

    if not TYPE_CHECKING:  # The checkers know the fields from the annotations, and nothing else is to pass.

        def __getattr__(self, name: str) -> Any:
            read = type_of(self)._readers.get(name)
            if read is None:
                raise AttributeError(f"{type_of(self).__name__} has no field `{name}`")
            try:
                value = read(self._json.get(name))
            except (TypeError, ValueError, AttributeError) as error:
                # What cannot be read must not pass for something that is not there.
                raise ValueError(f"{type_of(self).__name__}.{name}: {error}") from None
            self.__dict__[name] = value
            return value

    def __repr__(self) -> str:
        return f"{type_of(self).__name__}({self._json!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and type_of(self) is type_of(other) and self._json == other._json

    __hash__ = None  # type: ignore[assignment]


def reader(hint: Any) -> Callable[[Any], Any]:
    """What turns the JSON of a field into a value of its type."""
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
            raise ValueError("it is missing")
        return read(json)

    return required
