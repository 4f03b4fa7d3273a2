"""The child of a hermetic run: `child.py CHANNEL FILTER CODE ARGUMENTS…`. It installs the seccomp filter, sends the
listener to the parent, waits until the parent is ready, and runs the code."""

import ctypes
import os
import socket
import sys

_SET_NO_NEW_PRIVILEGES = 38
_SECCOMP, _SET_FILTER, _NEW_LISTENER = 317, 1, 8


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def _listen(filter_program: bytes) -> int:
    """Installs the filter. Returns the descriptor on which the kernel reports the intercepted calls."""
    system = ctypes.CDLL(None, use_errno=True)
    instructions = ctypes.create_string_buffer(filter_program, len(filter_program))
    program = _Program(len(filter_program) // 8, ctypes.addressof(instructions))
    # A process that has given up new privileges may install a filter without being privileged.
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
        channel.send(f"the kernel refused the seccomp filter: {error.strerror}".encode())
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
