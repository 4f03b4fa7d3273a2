"""One pass of a policy over a batch."""

import json
from collections.abc import Mapping
from typing import Any

from . import state
from .case import Case
from .chunk import Chunk
from .findings import Finding, Findings
from .model import Claims, Facts
from .policy import Policy


class Session:
    """The exports of the contract as a value. The sandbox runs exactly this, and so do native unit tests."""

    def __init__(self, policy: type[Policy[Any, Any]], review: str, settings: str, data: Mapping[str, bytes]) -> None:
        """Begins a pass."""
        whole = json.loads(review)
        if not isinstance(whole, dict) or not {"claims", "facts"} <= whole.keys():
            raise ValueError("the review has no claims or no facts")
        self._policy = policy()
        self._case = Case(Claims(whole["claims"]), Facts(whole["facts"]), policy.settings_type.read(settings), data)
        self._state = policy.state_type()

    def observe(self, chunk: Chunk) -> None:
        """Looks at the next chunk."""
        chunk.asked = self._policy.COLUMNS
        self._policy.observe(self._case, self._state, chunk)

    def save(self) -> bytes:
        """The state so far."""
        return state.write(self._state)

    def merge(self, saved: bytes) -> None:
        """Adds the state of another pass over other targets of the same batch."""
        other = state.read(self._policy.state_type, saved)
        if other is not None:
            self._policy.merge(self._state, other)

    def finish(self) -> list[Finding]:
        """The answer."""
        findings = Findings()
        self._policy.check(self._case, self._state, findings)
        return findings.as_list()
