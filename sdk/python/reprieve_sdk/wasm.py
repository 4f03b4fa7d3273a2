"""Strips a component and checks its imports. Reads just enough of the binary format to iterate over sections."""

from collections.abc import Iterator

CUSTOM, CORE_MODULE, IMPORTS = 0, 1, 10
"""Section ids of a component."""
CORE_IMPORTS, CORE_EXPORTS, CORE_CODE = 2, 7, 10
"""Section ids of a core module."""
HEADER = 8
"""The number of bytes before the first section."""

# This function relocates the pointers of a library when it is loaded. The snapshot already has them relocated, so it is
# never called again. It is the only function that is too large for the sandbox.
_UNUSED = b"__wasm_apply_data_relocs"
_TRAP = bytes([0, 0x00, 0x0B])  # No locals, `unreachable`, `end`.
_TYPE = b"\x03\x00"
_INSTANCE = b"\x05"
_TYPES_INTERFACE = b"reprieve:policy/types@"


class Malformed(Exception):
    """The component does not have the layout that this module expects."""


def strip(component: bytes) -> bytes:
    """Removes debug names and unused code. Raises `Malformed` if the component imports anything but types."""
    parts = [component[:HEADER]]
    for kind, body in sections(component):
        if kind == CUSTOM:
            continue
        if kind == CORE_MODULE:
            body = _strip_module(body)
        elif kind == IMPORTS:
            _check_imports(body)
        parts.append(_section(kind, body))
    return b"".join(parts)


def sections(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Iterates over the sections of a component or a module: their ids and bodies."""
    at = HEADER
    while at < len(data):
        size, start = decode_leb128(data, at + 1)
        if start + size > len(data):
            raise Malformed("a section is truncated")
        yield data[at], data[start : start + size]
        at = start + size


def decode_leb128(data: bytes, at: int) -> tuple[int, int]:
    """Decodes the LEB128 number at an offset. Returns the number and the offset after it."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def encode_leb128(value: int) -> bytes:
    """Encodes a number as LEB128."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _section(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + _prefixed(body)


def _prefixed(data: bytes) -> bytes:
    return encode_leb128(len(data)) + data


def _name(data: bytes, at: int) -> tuple[bytes, int]:
    size, start = decode_leb128(data, at)
    return data[start : start + size], start + size


def _offset_of_name(body: bytes) -> int:
    """The offset of the name in an import section. componentize-py writes one import per section."""
    count, at = decode_leb128(body, 0)
    if count != 1:
        raise Malformed(f"a section has {count} imports; expected 1")
    return at + 1


def _check_imports(body: bytes) -> None:
    name, at = _name(body, _offset_of_name(body))
    is_types = body.startswith(_INSTANCE, at) and name.startswith(_TYPES_INTERFACE)
    if not is_types and not body.startswith(_TYPE, at):
        raise Malformed(f"the component imports `{name.decode()}`; expected only types")


def _strip_module(module: bytes) -> bytes:
    """Removes the debug names and the unused function from a core module."""
    parts, imported, unused = [module[:HEADER]], 0, None
    for kind, body in sections(module):
        if kind == CUSTOM and _name(body, 0)[0] in (b"name", b"producers"):
            continue
        if kind == CORE_IMPORTS:
            imported = _imported_functions(body)
        elif kind == CORE_EXPORTS:
            unused = _exported_function(body, _UNUSED)
        elif kind == CORE_CODE and unused is not None:
            body = _replace_with_trap(body, unused - imported)
        parts.append(_section(kind, body))
    return b"".join(parts)


def _imported_functions(body: bytes) -> int:
    count, at = decode_leb128(body, 0)
    functions = 0
    for _ in range(count):
        at = _name(body, _name(body, at)[1])[1]
        kind, at = body[at], at + 1
        if kind == 0:  # A function: its type index.
            functions += 1
            at = decode_leb128(body, at)[1]
        elif kind == 3:  # A global: its type and its mutability.
            at += 2
        elif kind in (1, 2):  # A table (1) has an element type before its limits; a memory (2) does not.
            at += 2 - kind
            has_max, at = body[at] & 1, at + 1
            at = decode_leb128(body, at)[1]
            at = decode_leb128(body, at)[1] if has_max else at
        else:
            raise Malformed(f"a core module has an import of the unknown kind {kind}")
    return functions


def _exported_function(body: bytes, exported: bytes) -> int | None:
    count, at = decode_leb128(body, 0)
    for _ in range(count):
        name, at = _name(body, at)
        kind, (index, at) = body[at], decode_leb128(body, at + 1)
        if kind == 0 and name == exported:
            return index
    return None


def _replace_with_trap(body: bytes, function: int) -> bytes:
    """Replaces the body of one function in a code section with a trap."""
    count, at = decode_leb128(body, 0)
    for _ in range(function):
        size, start = decode_leb128(body, at)
        at = start + size
    size, start = decode_leb128(body, at)
    if not 0 <= function < count:
        raise Malformed("an export refers to a function that does not exist")
    return body[:at] + _prefixed(_TRAP) + body[start + size :]
