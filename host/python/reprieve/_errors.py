"""The exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._text import plain

if TYPE_CHECKING:
    from ._decision import Decision, Fault, Finding


class ReprieveError(Exception):
    """Every exception of this package.

    Attributes:
        message: what is wrong, one line.
        help: what to do about it, or None.
        file: the file that is wrong, ``<request>`` or ``<targets>``; None if the error is not about a document.
        place: the line, counted from 1, or the line and the JSON pointer; empty for a whole document.
    """

    def __init__(
        self, message: str, *, help: str | None = None, file: str | None = None, place: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.file = file
        self.place = place

    def __str__(self) -> str:
        where = ":".join(part for part in (self.file, self.place) if part)
        text = f"{where}: {self.message}" if where else self.message
        return plain(text) + (f"\nhelp: {plain(self.help)}" if self.help else "")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.message, self.help, self.file, self.place)


def _rebuilt(
    kind: type[ReprieveError], message: str, help: str | None, file: str | None, place: str | None
) -> ReprieveError:
    return kind(message, help=help, file=file, place=place)


class RequestError(ReprieveError, ValueError):
    """The request or its targets cannot be read. Nothing was decided."""


class GateError(ReprieveError, ValueError):
    """A gate cannot be made: its configuration, a policy or its inventory is wrong."""


class LedgerError(ReprieveError):
    """The ledger cannot be opened, or does not record an outcome. A batch whose outcome is not recorded counts in full."""


class PermitError(ReprieveError, RuntimeError):
    """A permit is used in a way that its batch does not allow: closed twice, or more deleted than was vetted."""


class NotAllowed(ReprieveError):
    """The batch must not run. Nothing may be deleted.

    Attributes:
        decision: the whole decision, a ``Decision``.
        findings: its findings, the denials first.
        faults: why policies, or the gate itself, could not answer.
    """

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision.summary())
        self.decision = decision

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.decision.findings

    @property
    def faults(self) -> tuple[Fault, ...]:
        return self.decision.faults

    def __str__(self) -> str:
        return self.decision.summary()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.decision,)

    def _repr_html_(self) -> str:
        return self.decision._repr_html_()


class Denied(NotAllowed):
    """A policy objects. The same batch is denied again, so a retry is pointless."""


class Undecided(NotAllowed):
    """There is no answer: a policy or a source of facts failed. A retry may succeed."""
