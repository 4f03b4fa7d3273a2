"""What Linux on x86-64 calls things, and how it lays them out: `linux/seccomp.h`, `linux/filter.h`, `linux/stat.h`."""

import struct

SYSTEM = "Linux on x86_64"

GETRANDOM, CLOCK_GETTIME, STATX, GETDENTS = 318, 228, 332, 217
"""Numbers of the system calls that are answered here."""

RECEIVE, SEND = 0xC0502100, 0xC0182101
"""What a listener is asked for: the next question, and to pass the answer on."""
REQUEST = struct.Struct("=QIIiIQ6Q")
"""A question: its number, the thread, flags, the call, the architecture, where it was asked, six arguments."""
ANSWER = struct.Struct("=QqiI")
"""An answer: the number of its question, a value, an error below zero, flags."""
CONTINUE = 1
"""The flag that lets the kernel answer."""

TIME = struct.Struct("=qq")
"""A time as `clock_gettime` gives it: seconds and nanoseconds."""

HERE = 0xFFFFFF9C
"""The descriptor that stands for the current folder, as 32 bits."""
NO_FOLLOW = 0x100
"""The flag of `statx` that asks for a link itself."""

_ARCHITECTURE = 0xC000003E
_LOAD, _EQUALS, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ASK = 0x7FFF0000, 0x7FC00000


def filter_program() -> bytes:
    """The filter that lets every call through but those that are answered here."""
    calls = (GETRANDOM, CLOCK_GETTIME, STATX, GETDENTS)
    steps = [(_LOAD, 0, 0, 4), (_EQUALS, 0, len(calls) + 1, _ARCHITECTURE), (_LOAD, 0, 0, 0)]
    steps += [(_EQUALS, len(calls) - at, 0, call) for at, call in enumerate(calls)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ASK)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def file_status(mode: int, size: int, number: int, seconds: int) -> bytes:
    """A `struct statx` of a file with one link, nobody's, with that time for all four."""
    everything, block = 0xFFF, 4096
    begin = struct.pack("=IIQIIIHHQQQQ", everything, block, 0, 1, 0, 0, mode, 0, number, size, -(-size // 512), 0)
    return (begin + struct.pack("=qII", seconds, 0, 0) * 4).ljust(256, b"\0")


def folder_entry(name: bytes, kind: int, number: int) -> bytes:
    """A `struct linux_dirent64`."""
    size = -(-(20 + len(name)) // 8) * 8
    return (struct.pack("=QqHB", number, 1, size, kind) + name).ljust(size, b"\0")
