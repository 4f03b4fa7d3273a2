"""What a hermetic run is told: the same in each."""

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from . import kernel

MOMENT = 315_532_800
"""The time of everything, in seconds: the first of January 1980, the earliest that a zip archive can say."""

_PAGE = 4096
_FOLDER, _FILE, _LINK = 4, 8, 10  # The kinds of what is in a folder.


class _Elsewhere(Exception):
    """The question is about nothing below the folder, so the kernel may answer it."""


class Answers:
    """Answers the questions of a process and of those that it starts. Theirs is the memory that is read and written."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._numbers: dict[str, int] = {}
        # What is still to be told of a folder that is being read.
        self._unread: dict[tuple[int, str], list[bytes]] = {}

    def to(self, call: int, thread: int, arguments: Sequence[int]) -> tuple[int, int, int]:
        """The answer to a system call: its value, an error below zero, flags."""
        try:
            return self._value(call, thread, arguments), 0, 0
        except _Elsewhere:
            return 0, 0, kernel.CONTINUE
        except OSError as error:
            return 0, -(error.errno or errno.EIO), 0

    def _value(self, call: int, thread: int, arguments: Sequence[int]) -> int:
        first, second, third, _, fifth, _ = arguments
        if call == kernel.GETRANDOM:
            _write(thread, first, bytes(second))
            return second
        if call == kernel.CLOCK_GETTIME:
            _write(thread, second, kernel.TIME.pack(MOMENT, 0))
            return 0
        if call == kernel.STATX:
            _write(thread, fifth, self._status(thread, first, _read_name(thread, second), third))
            return 0
        listed = self._next_entries(thread, first, third)
        _write(thread, second, listed)
        return len(listed)

    def _status(self, thread: int, descriptor: int, name: str, flags: int) -> bytes:
        if name:
            # Where the name is a whole path, that is what comes out.
            path = real = os.path.join(_opened(thread, descriptor), name)
        else:
            path, real = _opened(thread, descriptor), _entry(thread, descriptor)
        number = self._number(path)
        status = os.stat(real, follow_symlinks=not name or not flags & kernel.NO_FOLLOW)
        # How large a folder is depends on the file system.
        size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
        return kernel.file_status(status.st_mode, size, number, MOMENT)

    def _next_entries(self, thread: int, descriptor: int, room: int) -> bytes:
        path = _opened(thread, descriptor)
        # Begun before: the rest of it, and in the end nothing, once.
        left = self._unread.pop((descriptor, path), None)
        if left is None:
            left = self._entries(path)
        told = b""
        while left and len(told) + len(left[0]) <= room:
            told += left.pop(0)
        if left and not told:
            raise OSError(errno.EINVAL, "no room for a name")
        if told:
            self._unread[descriptor, path] = left
        return told

    def _entries(self, path: str) -> list[bytes]:
        """All that is in a folder, by name."""
        above = path if path == self._folder else os.path.dirname(path)
        entries = [(b".", _FOLDER, path), (b"..", _FOLDER, above)]
        for entry in os.scandir(path):
            kind = _LINK if entry.is_symlink() else _FOLDER if entry.is_dir() else _FILE
            entries.append((os.fsencode(entry.name), kind, entry.path))
        return [kernel.folder_entry(name, kind, self._number(path)) for name, kind, path in sorted(entries)]

    def _number(self, path: str) -> int:
        """The number of a file below the folder. They are numbered as they are asked for, because folders for
        temporary files have names by chance."""
        path = os.path.normpath(path)
        if path != self._folder and not path.startswith(self._folder + "/"):
            raise _Elsewhere
        return self._numbers.setdefault(path, len(self._numbers) + 1)


def _write(thread: int, address: int, data: bytes) -> None:
    with open(f"/proc/{thread}/mem", "r+b", buffering=0) as memory:
        memory.seek(address)
        memory.write(data)


def _read_name(thread: int, address: int) -> str:
    """The text at an address, up to its zero. The page after may not be there, so a page is read at most."""
    text = b""
    with open(f"/proc/{thread}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        while b"\0" not in text:
            text += memory.read(_PAGE - (address + len(text)) % _PAGE)
    return os.fsdecode(text[: text.index(b"\0")])


def _entry(thread: int, descriptor: int) -> str:
    """Where the kernel shows what a thread has opened."""
    descriptor &= 0xFFFF_FFFF
    return f"/proc/{thread}/cwd" if descriptor == kernel.HERE else f"/proc/{thread}/fd/{descriptor}"


def _opened(thread: int, descriptor: int) -> str:
    return os.readlink(_entry(thread, descriptor))
