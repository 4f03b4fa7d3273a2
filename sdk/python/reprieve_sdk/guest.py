"""The exports of the contract. This module runs inside the component only: it speaks to the code that
componentize-py generates from the contract."""

import gc
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from . import fence
from .chunk import BoolColumn, Chunk, CodeColumn, Column, I64Column, StringColumn, U64Column, decode
from .findings import Finding
from .policy import Invalid, Policy, describe, validate
from .session import Session

if TYPE_CHECKING:
    types: Any

    class Err(Exception):
        """The `err` of a result."""
else:
    from componentize_py_types import Err
    from wit_world.imports import types

T = TypeVar("T")

fence.before_import()

# componentize-py makes an instance of the world for each export, so what is kept between calls is kept here.
_session: list[Session] = []


def world(module: ModuleType) -> type:
    """The world of the one policy in a module."""
    policies = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Policy) and value.__module__ == module.__name__
    ]
    if len(policies) != 1:
        raise TypeError(f"{module.__name__}.py has {len(policies)} classes derived from Policy; it needs one")
    policy = policies[0]
    descriptor = _descriptor(policy)

    class World:
        """The names are those of the contract, but for `open_pass`, which `build` turns into `open`."""

        def describe(self) -> Any:
            return descriptor

        def validate(self, settings: str, data: Sequence[Any]) -> None:
            _answered(lambda: validate(policy, settings, _data(data)))

        def open_pass(self, input: Any) -> None:
            _answered(lambda: _session.append(Session(policy, input.review, input.settings, _data(input.data))))

        def observe(self, chunk: Any) -> None:
            _answered(lambda: _opened().observe(_chunk(chunk)))

        def save(self) -> bytes:
            # The contract lets `save` fail only by trapping.
            return _opened().save()

        def merge(self, state: bytes) -> None:
            _answered(lambda: _opened().merge(state))

        def finish(self) -> Any:
            return _answered(lambda: [_finding(finding) for finding in _opened().finish()])

    _settle()
    return World


def _settle() -> None:
    """Prepares the interpreter for the snapshot that every decision begins with."""
    fence.after_import()
    # What is there now stays, so the collector need not look at it again.
    gc.collect()
    gc.freeze()


def _answered(call: Callable[[], T]) -> T:
    try:
        return call()
    except Invalid as error:
        raise Err(_sendable(str(error))) from None
    except BaseException as error:  # `sys.exit()` too must end in a text.
        raise Err(_sendable(f"{type(error).__name__}: {error}{_place(error.__traceback__)}")) from None


def _sendable(text: str) -> str:
    """A text without halves of characters, which would be a trap."""
    return text.encode(errors="replace").decode()


def _place(traceback: TracebackType | None) -> str:
    """The last line of the author's own code that was run."""
    place = ""
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_filename
        if "/reprieve_sdk/" not in name and not name.startswith("/python/"):
            place = f" ({name.rpartition('/')[2]}, line {traceback.tb_lineno})"
        traceback = traceback.tb_next
    return place


def _opened() -> Session:
    if not _session:
        raise Invalid("`open` was not called")
    return _session[0]


def _data(blobs: Sequence[Any]) -> Mapping[str, bytes]:
    return {blob.name: blob.bytes for blob in blobs}


def _descriptor(policy: type[Policy[Any, Any]]) -> Any:
    said = describe(policy)
    rules = [types.Rule(rule.code, rule.summary, rule.explanation, list(rule.settings)) for rule in said.rules]
    return types.Descriptor(said.name, said.version, said.summary, rules, said.settings_schema, said.columns)


def _finding(finding: Finding) -> Any:
    for text in (finding.message, finding.help, finding.field, finding.setting):
        if text is not None:
            # What is no text, or half a character, would be a trap.
            str.encode(text)
    return types.Finding(
        finding.rule,
        types.Severity[finding.severity.name],
        finding.message,
        finding.help,
        finding.field,
        finding.setting,
        finding.rows,
        finding.examples,
    )


def _chunk(chunk: Any) -> Chunk:
    return Chunk(chunk.first_row, chunk.rows, [_column(column, chunk.rows) for column in chunk.columns])


def _column(column: Any, rows: int) -> Column:
    values, name, validity = column.values.value, column.name, column.validity
    match column.values:
        case types.Values_Strings():
            return StringColumn(name, values.offsets, values.bytes, validity)
        case types.Values_Codes():
            dictionary = decode(values.dictionary.offsets, values.dictionary.bytes)
            return CodeColumn(name, dictionary, values.values, validity)
        case types.Values_U64s():
            return U64Column(name, values, validity)
        case types.Values_I64s():
            return I64Column(name, values, validity)
    return BoolColumn(name, rows, values, validity)
