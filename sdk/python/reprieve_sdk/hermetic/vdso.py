"""The clock that a process reads without asking the kernel, and so without asking anybody.

Linux maps a small library into each process, the vDSO. The C library calls its functions instead of the kernel's. Two
of them are replaced: the clock tells one moment, and random numbers are asked of the kernel again.
"""

import errno
import struct

from . import kernel
from .answers import MOMENT

_DYNAMIC = 2  # The part of a library that says where its names are.
_NAMES, _SYMBOLS = 5, 6

_CLOCK = b"__vdso_clock_gettime"
_INSTEAD = {
    # mov qword [rsi], MOMENT; mov qword [rsi + 8], 0; xor eax, eax; ret
    _CLOCK: struct.pack("<3sI4sI2sc", b"\x48\xc7\x06", MOMENT, b"\x48\xc7\x46\x08", 0, b"\x31\xc0", b"\xc3"),
    # mov eax, GETRANDOM; syscall; ret
    b"__vdso_getrandom": struct.pack("<cI2sc", b"\xb8", kernel.GETRANDOM, b"\x0f\x05", b"\xc3"),
}


def replace_clock(process: int) -> None:
    """Replaces the functions in a process that is not running them. A kernel that maps no such library is fine: then
    everybody asks. `OSError` if it cannot be done."""
    with open(f"/proc/{process}/maps") as maps, open(f"/proc/{process}/mem", "r+b", buffering=0) as memory:
        for line in maps:
            if line.rstrip().endswith("[vdso]"):
                begin, end = (int(address, 16) for address in line.split()[0].split("-"))
                memory.seek(begin)
                functions = _functions(memory.read(end - begin))
                if _CLOCK not in functions:
                    raise OSError(errno.ENOENT, "its vDSO has no clock")
                for name in _INSTEAD.keys() & functions.keys():
                    memory.seek(begin + functions[name])
                    memory.write(_INSTEAD[name])


def _functions(library: bytes) -> dict[bytes, int]:
    """The names of a library, and where each begins. Offsets and addresses are the same in this one."""
    (headers,) = struct.unpack_from("<Q", library, 32)
    (count,) = struct.unpack_from("<H", library, 56)
    places: dict[int, int] = {}
    for header in range(headers, headers + 56 * count, 56):
        kind, _, at = struct.unpack_from("<IIQ", library, header)
        while kind == _DYNAMIC:
            tag, value = struct.unpack_from("<qQ", library, at)
            if tag == 0:
                break
            places[tag], at = value, at + 16
    functions = {}
    # The names follow the symbols, 24 bytes each.
    for at in range(places[_SYMBOLS], places[_NAMES], 24):
        name, _, _, _, offset = struct.unpack_from("<IBBHQ", library, at)
        begin = places[_NAMES] + name
        functions[library[begin : library.index(b"\0", begin)]] = offset
    return functions
