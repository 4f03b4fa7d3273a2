"""Clear errors for calls that the sandbox blocks: clocks, files, network, late imports. Without this module such a call
would end in a trap without a message. The sandbox blocks the calls; this module only explains."""

import random
import sys
import time
from datetime import datetime
from typing import Any, NoReturn

_CLOCKS = ("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "sleep", "time", "time_ns")
_EVENTS = {
    "import": "a policy can import only at the top of its modules; move the import there",
    "open": "a policy has no files; read reference data with `context.data(name)`",
    "os.listdir": "a policy has no files",
    "os.scandir": "a policy has no files",
    "socket.__new__": "a policy has no network",
    "socket.getaddrinfo": "a policy has no network",
    "subprocess.Popen": "a policy cannot start other programs",
}


class Unavailable(Exception):
    """A call to something that a policy does not have."""


class _Discard:
    """A stream that discards what is written to it."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        pass


def before_import() -> None:
    """Replaces the clocks. Call this before the policy's modules are imported, because they may bind the functions."""

    def no_clock(*_: object) -> NoReturn:
        raise Unavailable("a policy has no clock; the time of the decision is `context.facts.evaluated_at`")

    for name in _CLOCKS:
        setattr(time, name, no_clock)
    # Every decision starts with this state of the generator, so it must be the same in every build.
    random.seed(0)


def after_import() -> None:
    """Blocks files, network and imports. Call this when everything is imported."""
    datetime.strptime("2000", "%Y")  # The first call imports a module, which is blocked later.
    sys.stdout = sys.stderr = _Discard()
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    reason = _EVENTS.get(event)
    if reason is not None:
        raise Unavailable(f"cannot import `{arguments[0]}` now: {reason}" if event == "import" else reason)
