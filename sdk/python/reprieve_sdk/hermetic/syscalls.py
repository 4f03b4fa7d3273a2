"""The results of the system calls that a hermetic run intercepts. They are the same in every run."""

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from . import linux_abi

FIXED_TIME = 315_532_800
"""The time of the clock and of all files: 1980-01-01T00:00:00Z, the earliest that a zip archive can store."""

_PAGE = 4096
_FOLDER, _FILE, _LINK = 4, 8, 10  # Types of directory entries.


class _OutsideFolder(Exception):
    """The path is not below the folder, so the kernel handles the call."""


class SyscallHandler:
    """Handles the system calls of a process and of its children. Reads and writes their memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._inodes: dict[str, int] = {}
        # The remaining entries of directories that are being read.
        self._remaining: dict[tuple[int, str], list[bytes]] = {}

    def handle(self, call: int, thread: int, arguments: Sequence[int]) -> tuple[int, int, int]:
        """Handles a system call. Returns its value, a negative error number, and flags."""
        try:
            return self._result(call, thread, arguments), 0, 0
        except _OutsideFolder:
            return 0, 0, linux_abi.CONTINUE
        except OSError as error:
            return 0, -(error.errno or errno.EIO), 0

    def _result(self, call: int, thread: int, arguments: Sequence[int]) -> int:
        first, second, third, _, fifth, _ = arguments
        if call == linux_abi.GETRANDOM:
            _write(thread, first, bytes(second))
            return second
        if call == linux_abi.CLOCK_GETTIME:
            _write(thread, second, linux_abi.TIME.pack(FIXED_TIME, 0))
            return 0
        if call == linux_abi.STATX:
            _write(thread, fifth, self._file_status(thread, first, _read_name(thread, second), third))
            return 0
        entries = self._next_entries(thread, first, third)
        _write(thread, second, entries)
        return len(entries)

    def _file_status(self, thread: int, descriptor: int, name: str, flags: int) -> bytes:
        if name:
            # If the name is an absolute path, `join` returns it unchanged.
            path = real = os.path.join(_path_of(thread, descriptor), name)
        else:
            path, real = _path_of(thread, descriptor), _proc_entry(thread, descriptor)
        inode = self._inode(path)
        status = os.stat(real, follow_symlinks=not name or not flags & linux_abi.NO_FOLLOW)
        # The size of a folder depends on the file system.
        size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
        return linux_abi.file_status(status.st_mode, size, inode, FIXED_TIME)

    def _next_entries(self, thread: int, descriptor: int, max_bytes: int) -> bytes:
        path = _path_of(thread, descriptor)
        # After the last entry, one call must return nothing; then the directory can be read again.
        remaining = self._remaining.pop((descriptor, path), None)
        if remaining is None:
            remaining = self._entries(path)
        entries = b""
        while remaining and len(entries) + len(remaining[0]) <= max_bytes:
            entries += remaining.pop(0)
        if remaining and not entries:
            raise OSError(errno.EINVAL, "the buffer is too small for an entry")
        if entries:
            self._remaining[descriptor, path] = remaining
        return entries

    def _entries(self, path: str) -> list[bytes]:
        """All entries of a folder, sorted by name."""
        above = path if path == self._folder else os.path.dirname(path)
        entries = [(b".", _FOLDER, path), (b"..", _FOLDER, above)]
        for entry in os.scandir(path):
            kind = _LINK if entry.is_symlink() else _FOLDER if entry.is_dir() else _FILE
            entries.append((os.fsencode(entry.name), kind, entry.path))
        return [linux_abi.folder_entry(name, kind, self._inode(path)) for name, kind, path in sorted(entries)]

    def _inode(self, path: str) -> int:
        """The inode number of a file below the folder, assigned on first use. It is not derived from the path because
        temporary folders have random names."""
        path = os.path.normpath(path)
        if path != self._folder and not path.startswith(self._folder + "/"):
            raise _OutsideFolder
        return self._inodes.setdefault(path, len(self._inodes) + 1)


def _write(thread: int, address: int, data: bytes) -> None:
    with open(f"/proc/{thread}/mem", "r+b", buffering=0) as memory:
        memory.seek(address)
        memory.write(data)


def _read_name(thread: int, address: int) -> str:
    """Reads the null-terminated string at an address. Reads page by page, because the page after the string may not be
    mapped."""
    text = b""
    with open(f"/proc/{thread}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        while b"\0" not in text:
            text += memory.read(_PAGE - (address + len(text)) % _PAGE)
    return os.fsdecode(text[: text.index(b"\0")])


def _proc_entry(thread: int, descriptor: int) -> str:
    """The entry under `/proc` for an open descriptor of a thread."""
    descriptor &= 0xFFFF_FFFF
    return f"/proc/{thread}/cwd" if descriptor == linux_abi.AT_FDCWD else f"/proc/{thread}/fd/{descriptor}"


def _path_of(thread: int, descriptor: int) -> str:
    return os.readlink(_proc_entry(thread, descriptor))
