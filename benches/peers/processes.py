"""What the scripts here share: environments with pinned packages, and processes that are measured."""

import os
import pathlib
import subprocess
import sys
import time
import venv

THREADS = 2
HERE = pathlib.Path(__file__).parent.resolve()


def reprieve():
    """The path of the `reprieve` command."""
    path = os.environ.get("REPRIEVE_BIN", HERE.parent.parent / "target/release/reprieve")
    if not os.path.exists(path):
        sys.exit(f"{path}: build it with `cargo build --release`, or set REPRIEVE_BIN")
    return os.path.abspath(path)


def environment(package, *others):
    """The interpreter of an environment with these packages (`name==version`), made if it is missing."""
    folder = HERE / ".venv" / package
    python = folder / "bin/python"
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", package, *others], check=True, stdout=sys.stderr)
        (folder / "complete").touch()
    return str(python)


def run(command, folder, statuses):
    """The seconds of a process, its peak memory in MiB, and its output. Another exit status than these ends the script.

    At first the kernel counts the memory of the process that starts another as that of the new one: this one is small.
    """
    start = time.monotonic()
    variables = {**os.environ, "XDG_CACHE_HOME": str(folder)}
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=folder, env=variables, **quiet)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in statuses:
        sys.exit(f"{command} ended with {process.returncode}")
    return seconds, usage.ru_maxrss >> 10, output
