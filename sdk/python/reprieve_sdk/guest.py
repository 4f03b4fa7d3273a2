"""The exports of the contract. This module runs only inside the component: it uses the code that componentize-py
generates from the contract."""

import gc
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from . import blocked_calls
from .chunk import BoolColumn, Chunk, CodeColumn, Column, I64Column, StringColumn, U64Column, decode
from .findings import Finding
from .policy import Invalid, Policy, describe, validate
from .rule import Limit, Rule
from .session import Session

if TYPE_CHECKING:
    types: Any

    class Err(Exception):
        """The `err` of a `result`."""
else:
    from componentize_py_types import Err
    from wit_world.imports import types

T = TypeVar("T")

blocked_calls.before_import()

# componentize-py creates an instance of the world for each call, so the session is kept here.
_session: list[Session] = []


def world(module: ModuleType) -> type:
    """Builds the world class for the one policy in a module."""
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
        """The exports, under their names in the contract."""

        def describe(self) -> Any:
            return descriptor

        def validate(self, settings: str, data: Sequence[Any]) -> None:
            _call(lambda: validate(policy, settings, _data(data)))

        def begin(self, input: Any) -> None:
            _call(lambda: _session.append(Session(policy, input.review, input.settings, _data(input.data))))

        def observe(self, chunk: Any) -> None:
            _call(lambda: _begun().observe(_chunk(chunk)))

        def save(self) -> bytes:
            # In the contract `save` returns no `result`, so an error here is a trap.
            return _begun().save()

        def merge(self, state: bytes) -> None:
            _call(lambda: _begun().merge(state))

        def finish(self) -> Any:
            return _call(lambda: [_finding(finding) for finding in _begun().finish()])

    _prepare_snapshot()
    return World


def _prepare_snapshot() -> None:
    """Prepares the interpreter for the snapshot from which every decision starts."""
    blocked_calls.after_import()
    # Objects that exist now are never freed, so the collector can skip them.
    gc.collect()
    gc.freeze()


def _call(export: Callable[[], T]) -> T:
    """Runs an export. Converts every exception to the `err` of its result."""
    try:
        return export()
    except Invalid as error:
        raise Err(_valid_utf8(str(error))) from None
    except BaseException as error:  # `sys.exit()` must become a message, too.
        raise Err(_valid_utf8(f"{type(error).__name__}: {error}{_place(error.__traceback__)}")) from None


def _valid_utf8(text: str) -> str:
    """Replaces lone surrogates, which would cause a trap."""
    return text.encode(errors="replace").decode()


def _place(traceback: TracebackType | None) -> str:
    """The innermost line of the policy's own code in a traceback."""
    place = ""
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_filename
        if "/reprieve_sdk/" not in name and not name.startswith("/python/"):
            place = f" ({name.rpartition('/')[2]}, line {traceback.tb_lineno})"
        traceback = traceback.tb_next
    return place


def _begun() -> Session:
    if not _session:
        raise Invalid("`begin` was not called")
    return _session[0]


def _data(blobs: Sequence[Any]) -> Mapping[str, bytes]:
    return {blob.name: blob.bytes for blob in blobs}


def _descriptor(policy: type[Policy[Any, Any]]) -> Any:
    descriptor = describe(policy)
    return types.Descriptor(
        descriptor.name,
        descriptor.version,
        descriptor.summary,
        [_rule(rule) for rule in descriptor.rules],
        descriptor.settings_schema,
        descriptor.columns,
        [_limit(limit) for limit in descriptor.limits],
    )


def _rule(rule: Rule) -> Any:
    return types.Rule(
        rule.code,
        rule.summary,
        rule.explanation,
        list(rule.settings),
        _member(types.Nature, rule.nature),
        _member(types.Subject, rule.subject),
        rule.never_lifted,
    )


def _limit(limit: Limit) -> Any:
    return types.Limit(_member(types.Measure, limit.measure), limit.setting)


def _member(enum: Any, name: str) -> Any:
    """The member of a generated enum that has this name in the contract."""
    return enum[name.replace("-", "_").upper()]


def _finding(finding: Finding) -> Any:
    for text in (finding.message, finding.help, finding.field, finding.setting):
        if text is not None:
            # Raises an error here for a value that is not a `str`, or has a lone surrogate: it would cause a trap.
            str.encode(text)
    return types.Finding(
        finding.rule,
        _member(types.Severity, finding.severity.value),
        _member(types.Nature, finding.nature),
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
