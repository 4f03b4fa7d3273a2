"""Findings: what a policy objects to."""

import dataclasses
from enum import Enum

from .rows import Rows
from .rule import Nature, Rule


class Severity(Enum):
    """Whether a finding denies."""

    DENY = "deny"
    WARN = "warn"


@dataclasses.dataclass
class Finding:
    """One objection, as it is sent to the host."""

    rule: str
    """The code of the rule."""
    severity: Severity
    """Whether it denies."""
    nature: Nature
    """Whether something contradicts or something is missing."""
    message: str
    """What is wrong, with the numbers, in one sentence."""
    help: str = ""
    """What to do about it."""
    field: str | None = None
    """JSON pointer of the request field that it is about."""
    setting: str | None = None
    """The setting that it was compared with."""
    rows: int = 0
    """The number of offending targets."""
    examples: list[int] = dataclasses.field(default_factory=list)
    """A few of their row numbers."""


class Findings:
    """The findings of a policy. Start each with `deny`, `warn` or `deny_if`, and complete it in the same expression."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []

    def deny(self, rule: Rule, message: str) -> "FindingBuilder":
        """Denies: the batch must not run."""
        return self._add(rule, Severity.DENY, message)

    def warn(self, rule: Rule, message: str) -> "FindingBuilder":
        """Warns: the finding is shown and does not change the decision."""
        return self._add(rule, Severity.WARN, message)

    def deny_if(self, denies: bool, rule: Rule, message: str) -> "FindingBuilder":
        """Denies if `denies` is true, and warns otherwise. For unknowns: deny a hard delete, warn of a soft one."""
        return self._add(rule, Severity.DENY if denies else Severity.WARN, message)

    def as_list(self) -> list[Finding]:
        """The findings so far."""
        return list(self._findings)

    def _add(self, rule: Rule, severity: Severity, message: str) -> "FindingBuilder":
        finding = Finding(rule.code, severity, rule.nature, message)
        self._findings.append(finding)
        return FindingBuilder(finding)


class FindingBuilder:
    """Completes a finding. The finding counts from the moment it is started; the rest only explains it."""

    def __init__(self, finding: Finding) -> None:
        self._finding = finding

    def help(self, text: str) -> "FindingBuilder":
        """What to do about it."""
        self._finding.help = text
        return self

    def field(self, pointer: str) -> "FindingBuilder":
        """JSON pointer of the request field that it is about."""
        self._finding.field = pointer
        return self

    def setting(self, name: str) -> "FindingBuilder":
        """The setting that it was compared with."""
        self._finding.setting = name
        return self

    def rows(self, rows: Rows) -> "FindingBuilder":
        """The offending targets."""
        if not isinstance(rows, Rows):
            raise TypeError(f"rows() requires the Rows that `observe` counted, not {type(rows).__name__}")
        self._finding.rows = rows.count
        self._finding.examples = list(rows.examples)
        return self

    def wrong(self) -> "FindingBuilder":
        """Something contradicts, whatever the nature of the rule."""
        self._finding.nature = "wrong"
        return self

    def missing(self) -> "FindingBuilder":
        """Something is missing, whatever the nature of the rule."""
        self._finding.nature = "missing"
        return self
