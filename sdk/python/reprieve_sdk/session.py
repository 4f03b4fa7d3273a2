"""One pass of a policy over a batch."""

import json
from collections.abc import Mapping
from typing import Any

from . import state
from .chunk import Chunk
from .claims import Claims
from .context import Context
from .facts import Facts
from .findings import Finding, Findings
from .policy import Policy


class Session:
    """One pass: the exports of the contract as methods. The sandbox and native unit tests run the same code."""

    def __init__(self, policy: type[Policy[Any, Any]], review: str, settings: str, data: Mapping[str, bytes]) -> None:
        """Begins a pass."""
        whole = json.loads(review)
        if not isinstance(whole, dict) or not {"claims", "facts"} <= whole.keys():
            raise ValueError("the review has no `claims` or no `facts`")
        self._policy = policy()
        self._context = Context(
            Claims(whole["claims"]), Facts(whole["facts"]), policy.settings_type.read(settings), data
        )
        self._state = policy.state_type()

    def observe(self, chunk: Chunk) -> None:
        """Reads the next chunk."""
        chunk.requested = self._policy.COLUMNS
        self._policy.observe(self._context, self._state, chunk)

    def save(self) -> bytes:
        """Returns the state so far."""
        return state.write(self._state)

    def merge(self, saved: bytes) -> None:
        """Adds the state of another pass over other targets of the same batch."""
        other = state.read(self._policy.state_type, saved)
        if other is not None:
            self._policy.merge(self._state, other)

    def finish(self) -> list[Finding]:
        """Returns the findings."""
        findings = Findings()
        self._policy.check(self._context, self._state, findings)
        return findings.as_list()
