"""Replaces the functions of the vDSO, which no seccomp filter can intercept.

Linux maps a small library into each process, the vDSO. The C library calls its functions instead of system calls. This
module replaces two of them: the clock returns a fixed time, and random numbers are requested by a system call again.
"""

import errno
import struct

from . import linux_abi
from .syscalls import FIXED_TIME

_DYNAMIC = 2  # The program header type `PT_DYNAMIC`.
_STRING_TABLE, _SYMBOL_TABLE = 5, 6  # The tags `DT_STRTAB` and `DT_SYMTAB`.

_CLOCK = b"__vdso_clock_gettime"
_REPLACEMENTS = {
    # mov qword [rsi], FIXED_TIME; mov qword [rsi + 8], 0; xor eax, eax; ret
    _CLOCK: struct.pack("<3sI4sI2sc", b"\x48\xc7\x06", FIXED_TIME, b"\x48\xc7\x46\x08", 0, b"\x31\xc0", b"\xc3"),
    # mov eax, GETRANDOM; syscall; ret
    b"__vdso_getrandom": struct.pack("<cI2sc", b"\xb8", linux_abi.GETRANDOM, b"\x0f\x05", b"\xc3"),
}


def replace_clock(process: int) -> None:
    """Replaces the functions in a process, which must not be running them. If the kernel maps no vDSO, there is nothing
    to replace: the C library uses system calls. Raises `OSError` if the replacement fails."""
    with open(f"/proc/{process}/maps") as maps, open(f"/proc/{process}/mem", "r+b", buffering=0) as memory:
        for line in maps:
            if line.rstrip().endswith("[vdso]"):
                begin, end = (int(address, 16) for address in line.split()[0].split("-"))
                memory.seek(begin)
                functions = _functions(memory.read(end - begin))
                if _CLOCK not in functions:
                    raise OSError(errno.ENOENT, "the vDSO has no clock function")
                for name in _REPLACEMENTS.keys() & functions.keys():
                    memory.seek(begin + functions[name])
                    memory.write(_REPLACEMENTS[name])


def _functions(library: bytes) -> dict[bytes, int]:
    """The functions of a library and their offsets. In the vDSO, file offsets are equal to addresses."""
    (headers,) = struct.unpack_from("<Q", library, 32)
    (count,) = struct.unpack_from("<H", library, 56)
    tables: dict[int, int] = {}
    for header in range(headers, headers + 56 * count, 56):
        kind, _, at = struct.unpack_from("<IIQ", library, header)
        while kind == _DYNAMIC:
            tag, value = struct.unpack_from("<qQ", library, at)
            if tag == 0:
                break
            tables[tag], at = value, at + 16
    functions = {}
    # Symbols have 24 bytes each, and the string table follows the last one.
    for at in range(tables[_SYMBOL_TABLE], tables[_STRING_TABLE], 24):
        name, _, _, _, offset = struct.unpack_from("<IBBHQ", library, at)
        begin = tables[_STRING_TABLE] + name
        functions[library[begin : library.index(b"\0", begin)]] = offset
    return functions
