"""Runs Python code so that the clock, random numbers and file metadata are the same in every run.

A snapshot of a running interpreter contains what the interpreter read from the system: random numbers, the time, the
times and inode numbers of files, and the order of directory entries. componentize-py has no setting for these, so this
module fixes the results of the system calls. On Linux the kernel can forward them to another process (seccomp user
notification), which is this one. All other system calls run as usual.
"""

import fcntl
import os
import platform
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import linux_abi, vdso
from .syscalls import SyscallHandler

_CHILD = Path(__file__).with_name("child.py")


class Unavailable(Exception):
    """This system cannot run code hermetically. The text gives the reason."""


def run(
    code: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Runs code as a command with arguments, in a folder given by its real path. Files below the folder have fixed
    metadata. The result has stdout and stderr as one text. The code must not wait for a time: the clock is fixed."""
    system = f"{platform.system()} on {platform.machine()}"
    if system != linux_abi.SYSTEM:
        raise Unavailable(f"a hermetic build requires {linux_abi.SYSTEM}; this is {system}")
    ours, theirs = socket.socketpair()
    with ours, tempfile.TemporaryFile("w+", errors="replace") as output:
        # -P: do not import from the folder of the script, which has modules of its own.
        program = [sys.executable, "-P", str(_CHILD), str(theirs.fileno()), linux_abi.filter_program().hex(), code]
        with theirs:
            child = subprocess.Popen(
                [*program, *arguments],
                cwd=folder,
                env=environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _handle_syscalls(child.pid, ours, folder)
            child.wait()
        finally:
            child.kill()
            child.wait()
        output.seek(0)
        return subprocess.CompletedProcess(program, child.returncode, output.read())


def _handle_syscalls(process: int, channel: socket.socket, folder: Path) -> None:
    """Handles the system calls of a child until it has ended."""
    message, descriptors, _, _ = socket.recv_fds(channel, 1024, 1)
    if not descriptors:
        raise Unavailable(message.decode() or "the process ended before it started the code")
    (listener,) = descriptors
    try:
        try:
            vdso.replace_clock(process)
        except OSError as error:
            raise Unavailable(f"cannot replace the clock of a process: {error.strerror}") from None
        channel.send(b"go")
        _serve(listener, SyscallHandler(folder))
    finally:
        os.close(listener)


def _serve(listener: int, handler: SyscallHandler) -> None:
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while True:
        ((_, events),) = poll.poll()
        # The listener hangs up when the last process with the filter has ended.
        if not events & select.POLLIN:
            return
        request = bytearray(linux_abi.REQUEST.size)
        try:
            fcntl.ioctl(listener, linux_abi.RECEIVE, request)
            identity, thread, _, call, _, _, *arguments = linux_abi.REQUEST.unpack(request)
            response = linux_abi.RESPONSE.pack(identity, *handler.handle(call, thread, arguments))
            fcntl.ioctl(listener, linux_abi.SEND, response)
        except FileNotFoundError:
            continue  # The caller was killed.
