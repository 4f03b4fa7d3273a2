"""Finishing touches to a component: just enough of the binary format to walk through its sections."""

from collections.abc import Iterator

CUSTOM, CORE_MODULE, IMPORTS, EXPORTS = 0, 1, 10, 11
"""Sections of a component."""
CORE_IMPORTS, CORE_EXPORTS, CORE_CODE = 2, 7, 10
"""Sections of a core module."""
HEADER = 8
"""Bytes before the first section."""

# What the snapshot made superfluous: it moves pointers to where a library was loaded, and they have been moved. It is
# the one function that is too large for the sandbox.
_DEAD = b"__wasm_apply_data_relocs"
_TRAP = bytes([0, 0x00, 0x0B])  # No locals, `unreachable`, `end`.
_A_TYPE = b"\x03\x00"
_INSTANCE = b"\x05"
_TYPES = b"reprieve:policy/types@"


class Malformed(Exception):
    """The component is not built as this module knows it."""


def finish(component: bytes, old: bytes, new: bytes) -> bytes:
    """Renames the export `old` to `new`, drops names that only a debugger reads, and makes sure that nothing but
    types is imported."""
    parts, renamed = [component[:HEADER]], 0
    for kind, body in sections(component):
        if kind == CUSTOM:
            continue
        if kind == CORE_MODULE:
            body = _strip(body)
        elif kind == IMPORTS:
            _check_imports(body)
        elif kind == EXPORTS:
            at = _name_of_single(body)
            if body[at:].startswith(_named(old)):
                body = body[:at] + _named(new) + body[at + len(_named(old)) :]
                renamed += 1
        parts.append(_section(kind, body))
    if renamed != 1:
        raise Malformed(f"`{old.decode()}` is exported {renamed} times")
    return b"".join(parts)


def sections(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The sections of a component or a module, with their numbers."""
    at = HEADER
    while at < len(data):
        size, start = number(data, at + 1)
        if start + size > len(data):
            raise Malformed("a section is cut short")
        yield data[at], data[start : start + size]
        at = start + size


def number(data: bytes, at: int) -> tuple[int, int]:
    """The LEB128 number at a place, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def numbered(value: int) -> bytes:
    """A number as LEB128."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _section(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + numbered(len(body)) + body


def _named(name: bytes) -> bytes:
    return numbered(len(name)) + name


def _name(data: bytes, at: int) -> tuple[bytes, int]:
    size, start = number(data, at)
    return data[start : start + size], start + size


def _name_of_single(body: bytes) -> int:
    """Where the name of the one import or export in a section begins. Each comes in a section of its own."""
    count, at = number(body, 0)
    if count != 1:
        raise Malformed(f"{count} imports or exports stand in one section")
    return at + 1


def _check_imports(body: bytes) -> None:
    name, at = _name(body, _name_of_single(body))
    is_types = body.startswith(_INSTANCE, at) and name.startswith(_TYPES)
    if not is_types and not body.startswith(_A_TYPE, at):
        raise Malformed(f"it imports `{name.decode()}`")


def _strip(module: bytes) -> bytes:
    """A core module without its names and without the code that the snapshot made superfluous."""
    parts, imported, dead = [module[:HEADER]], 0, None
    for kind, body in sections(module):
        if kind == CUSTOM and _name(body, 0)[0] in (b"name", b"producers"):
            continue
        if kind == CORE_IMPORTS:
            imported = _imported_functions(body)
        elif kind == CORE_EXPORTS:
            dead = _exported_function(body, _DEAD)
        elif kind == CORE_CODE and dead is not None:
            body = _without(body, dead - imported)
        parts.append(_section(kind, body))
    return b"".join(parts)


def _imported_functions(body: bytes) -> int:
    count, at = number(body, 0)
    functions = 0
    for _ in range(count):
        at = _name(body, _name(body, at)[1])[1]
        kind, at = body[at], at + 1
        if kind == 0:  # A function: the number of its type.
            functions += 1
            at = number(body, at)[1]
        elif kind == 3:  # A global: its type, and whether it changes.
            at += 2
        elif kind in (1, 2):  # A table has the type of its elements before its limits, a memory nothing.
            at += 2 - kind
            has_most, at = body[at] & 1, at + 1
            at = number(body, at)[1]
            at = number(body, at)[1] if has_most else at
        else:
            raise Malformed(f"a core module imports something of kind {kind}")
    return functions


def _exported_function(body: bytes, wanted: bytes) -> int | None:
    count, at = number(body, 0)
    for _ in range(count):
        name, at = _name(body, at)
        kind, (index, at) = body[at], number(body, at + 1)
        if kind == 0 and name == wanted:
            return index
    return None


def _without(body: bytes, function: int) -> bytes:
    """Code with one function replaced by a trap."""
    count, at = number(body, 0)
    for _ in range(function):
        size, start = number(body, at)
        at = start + size
    size, start = number(body, at)
    if not 0 <= function < count:
        raise Malformed("an export names a function that is not there")
    return body[:at] + _named(_TRAP) + body[start + size :]
