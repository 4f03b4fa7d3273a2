"""The child of a hermetic run: `child.py CHANNEL FILTER CODE ARGUMENTS…`. It has the kernel hold back what the filter
names, gives the parent the listener through which to answer, and runs the code once the parent says so."""

import ctypes
import os
import socket
import sys

_SET_NO_NEW_PRIVILEGES = 38
_SECCOMP, _SET_FILTER, _NEW_LISTENER = 317, 1, 8


class _Program(ctypes.Structure):
    _fields_ = [("steps", ctypes.c_ushort), ("first", ctypes.c_void_p)]


def _listen(filter_program: bytes) -> int:
    """The descriptor on which the questions come."""
    system = ctypes.CDLL(None, use_errno=True)
    steps = ctypes.create_string_buffer(filter_program, len(filter_program))
    program = _Program(len(filter_program) // 8, ctypes.addressof(steps))
    # Who may not gain privileges any more may set a filter without any.
    listener = -1
    if system.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0:
        listener = system.syscall(_SECCOMP, _SET_FILTER, _NEW_LISTENER, ctypes.byref(program))
    if listener < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return listener


def _main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    try:
        listener = _listen(bytes.fromhex(sys.argv[2]))
    except OSError as error:
        channel.send(f"the kernel sets no filter: {error.strerror}".encode())
        return
    socket.send_fds(channel, [b"ready"], [listener])
    os.close(listener)
    channel.recv(2)
    channel.close()
    code = sys.argv[3]
    del sys.argv[1:4]
    exec(compile(code, "<hermetic>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    _main()
