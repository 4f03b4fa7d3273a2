"""Findings: what a policy objects to."""

import dataclasses
from enum import Enum

from .rows import Rows
from .rule import Rule


class Severity(Enum):
    """Whether a finding denies."""

    DENY = "deny"
    WARN = "warn"


@dataclasses.dataclass
class Finding:
    """One objection, as it goes to the host."""

    rule: str
    """The code of the rule."""
    severity: Severity
    """Whether it denies."""
    message: str
    """What is wrong, with the numbers, in one sentence."""
    help: str = ""
    """What to do about it."""
    field: str | None = None
    """JSON pointer of the request field it is about."""
    setting: str | None = None
    """The setting it was compared with."""
    rows: int = 0
    """How many targets offend."""
    examples: list[int] = dataclasses.field(default_factory=list)
    """A few of their row numbers."""


class Findings:
    """The findings of a policy. Each begins with `deny` or `warn` and is completed in the same expression."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []

    def deny(self, rule: Rule, message: str) -> "Draft":
        """The batch must not run."""
        return self._add(rule, Severity.DENY, message)

    def warn(self, rule: Rule, message: str) -> "Draft":
        """The operator should know."""
        return self._add(rule, Severity.WARN, message)

    def deny_if(self, denies: bool, rule: Rule, message: str) -> "Draft":
        """Denies a hard delete and warns of a soft one: what an unknown does."""
        return self._add(rule, Severity.DENY if denies else Severity.WARN, message)

    def as_list(self) -> list[Finding]:
        """The findings so far."""
        return list(self._findings)

    def _add(self, rule: Rule, severity: Severity, message: str) -> "Draft":
        finding = Finding(rule.code, severity, message)
        self._findings.append(finding)
        return Draft(finding)


class Draft:
    """A finding being written. It counts from the moment it is begun; the rest only explains it."""

    def __init__(self, finding: Finding) -> None:
        self._finding = finding

    def help(self, text: str) -> "Draft":
        """What to do about it."""
        self._finding.help = text
        return self

    def field(self, pointer: str) -> "Draft":
        """JSON pointer of the request field it is about."""
        self._finding.field = pointer
        return self

    def setting(self, name: str) -> "Draft":
        """The setting it was compared with."""
        self._finding.setting = name
        return self

    def rows(self, rows: Rows) -> "Draft":
        """The targets that offend."""
        if not isinstance(rows, Rows):
            raise TypeError(f"rows() takes the Rows that a fold has counted, not {type(rows).__name__}")
        self._finding.rows = rows.count
        self._finding.examples = list(rows.examples)
        return self
