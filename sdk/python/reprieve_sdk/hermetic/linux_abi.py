"""Constants and structures of Linux on x86-64, from `linux/seccomp.h`, `linux/filter.h` and `linux/stat.h`."""

import struct

SYSTEM = "Linux on x86_64"

GETRANDOM, CLOCK_GETTIME, STATX, GETDENTS = 318, 228, 332, 217
"""The numbers of the system calls that are intercepted."""

RECEIVE, SEND = 0xC0502100, 0xC0182101
"""The `ioctl` requests of a listener: receive the next call, and send its result."""
REQUEST = struct.Struct("=QIIiIQ6Q")
"""`struct seccomp_notif`: id, thread, flags, call, architecture, instruction pointer, six arguments."""
RESPONSE = struct.Struct("=QqiI")
"""`struct seccomp_notif_resp`: id, value, negative error number, flags."""
CONTINUE = 1
"""The flag that lets the kernel run the call."""

TIME = struct.Struct("=qq")
"""`struct timespec`: seconds and nanoseconds."""

AT_FDCWD = 0xFFFFFF9C
"""The descriptor that means the current folder, as 32 bits."""
NO_FOLLOW = 0x100
"""The flag of `statx` for the status of a symbolic link itself."""

_ARCHITECTURE = 0xC000003E
_LOAD, _EQUALS, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000


def filter_program() -> bytes:
    """The BPF program that intercepts these calls and allows all others."""
    calls = (GETRANDOM, CLOCK_GETTIME, STATX, GETDENTS)
    instructions = [(_LOAD, 0, 0, 4), (_EQUALS, 0, len(calls) + 1, _ARCHITECTURE), (_LOAD, 0, 0, 0)]
    instructions += [(_EQUALS, len(calls) - at, 0, call) for at, call in enumerate(calls)]
    instructions += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _NOTIFY)]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)


def file_status(mode: int, size: int, inode: int, seconds: int) -> bytes:
    """A `struct statx` of a file with one link and owner 0, with the same value for all four times."""
    all_fields, block = 0xFFF, 4096
    begin = struct.pack("=IIQIIIHHQQQQ", all_fields, block, 0, 1, 0, 0, mode, 0, inode, size, -(-size // 512), 0)
    return (begin + struct.pack("=qII", seconds, 0, 0) * 4).ljust(256, b"\0")


def folder_entry(name: bytes, kind: int, inode: int) -> bytes:
    """A `struct linux_dirent64`."""
    size = -(-(20 + len(name)) // 8) * 8
    return (struct.pack("=QqHB", inode, 1, size, kind) + name).ljust(size, b"\0")
