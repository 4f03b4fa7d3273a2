"""Runs Python so that it sees the same in each run: one moment, no chance, and files without a past.

A build that takes a snapshot of a running interpreter takes along what that has asked the system for: random numbers,
the time, the times and numbers of files, folders in the order of the file system. Where the tool has no setting for
that, the questions have to be answered alike. On Linux they can be: the kernel hands them to this process (seccomp's
user notification), and it answers. The code itself is left as it is, and so is all that it does besides.
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

from . import kernel, vdso
from .answers import Answers

_CHILD = Path(__file__).with_name("child.py")


class Unavailable(Exception):
    """This system cannot do it, for the reason given."""


def run(
    code: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Runs code as a command with arguments, in a folder given by its real path. What lies below the folder are the
    files without a past. What the code says is one text. It must not wait for a time to come, for none passes."""
    system = f"{platform.system()} on {platform.machine()}"
    if system != kernel.SYSTEM:
        raise Unavailable(f"a hermetic build takes {kernel.SYSTEM}, and this is {system}")
    ours, theirs = socket.socketpair()
    with ours, tempfile.TemporaryFile("w+", errors="replace") as said:
        # -P: the folder of the script has modules of its own, which are not to be imported from there.
        program = [sys.executable, "-P", str(_CHILD), str(theirs.fileno()), kernel.filter_program().hex(), code]
        with theirs:
            child = subprocess.Popen(
                [*program, *arguments],
                cwd=folder,
                env=environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        try:
            _attend(child.pid, ours, folder)
            child.wait()
        finally:
            child.kill()
            child.wait()
        said.seek(0)
        return subprocess.CompletedProcess(program, child.returncode, said.read())


def _attend(process: int, channel: socket.socket, folder: Path) -> None:
    """Answers a child until it has ended."""
    message, descriptors, _, _ = socket.recv_fds(channel, 1024, 1)
    if not descriptors:
        raise Unavailable(message.decode() or "the process ended before it began")
    (listener,) = descriptors
    try:
        try:
            vdso.replace_clock(process)
        except OSError as error:
            raise Unavailable(f"the clock of a process cannot be replaced: {error.strerror}") from None
        channel.send(b"go")
        _serve(listener, Answers(folder))
    finally:
        os.close(listener)


def _serve(listener: int, answers: Answers) -> None:
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while True:
        ((_, events),) = poll.poll()
        # Once nobody is left who could ask, it hangs up.
        if not events & select.POLLIN:
            return
        asked = bytearray(kernel.REQUEST.size)
        try:
            fcntl.ioctl(listener, kernel.RECEIVE, asked)
            identity, thread, _, call, _, _, *arguments = kernel.REQUEST.unpack(asked)
            fcntl.ioctl(listener, kernel.SEND, kernel.ANSWER.pack(identity, *answers.to(call, thread, arguments)))
        except FileNotFoundError:
            continue  # Who asked has been killed.
