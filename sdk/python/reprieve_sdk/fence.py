"""What a policy reaches for in vain. It has no clock, files or network: the calls for them are cut off and would end
in a trap without a word. Here the common ones are given words first. The cut is the sandbox, not this module."""

import random
import sys
import time
from datetime import datetime
from typing import Any, NoReturn

_CLOCKS = ("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "sleep", "time", "time_ns")
_EVENTS = {
    "import": "a policy imports at the top of its modules, and this was not imported there",
    "open": "a policy has no files; reference data is in `case.data(name)`",
    "os.listdir": "a policy has no files",
    "os.scandir": "a policy has no files",
    "socket.__new__": "a policy has no network",
    "socket.getaddrinfo": "a policy has no network",
    "subprocess.Popen": "a policy starts no other programs",
}


class Unavailable(Exception):
    """Something that a policy does not have."""


class _Nowhere:
    """Takes what is printed."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        pass


def before_import() -> None:
    """To be called before the author's modules take functions for their own."""

    def no_clock(*_: object) -> NoReturn:
        raise Unavailable("a policy has no clock; the time of the decision is `case.facts.evaluated_at`")

    for name in _CLOCKS:
        setattr(time, name, no_clock)
    # Every decision begins with the generator as it is now; at least let that be the same in every build.
    random.seed(0)


def after_import() -> None:
    """To be called when everything is imported."""
    datetime.strptime("2000", "%Y")  # Imports a module at its first call, which later would be too late.
    sys.stdout = sys.stderr = _Nowhere()
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    reason = _EVENTS.get(event)
    if reason is not None:
        raise Unavailable(f"{reason}: {event} {arguments[0]!r}" if event == "import" else reason)
