"""The decision as objects."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ._text import html, plain

if TYPE_CHECKING:
    from ._native import Vetted
    from ._permit import Permit

_SHOWN = 20
"""How many findings a message lists."""


class Finding(NamedTuple):
    """One objection of a policy.

    Attributes:
        policy: the policy.
        rule: its rule.
        code: ``policy/rule``; ``reprieve.explain`` explains it.
        severity: ``deny`` or ``warn``.
        nature: ``wrong`` if something contradicts, ``missing`` if something was not shown.
        message: what is wrong.
        help: what to do about it.
        field: the JSON pointer of the field of the request that it is about.
        setting: the setting that it was compared with.
        rows: the number of offending targets.
        examples: a few of their ids.
        enforced: whether it counts towards the decision.
        lifted: whether an override lifted it.
    """

    policy: str
    rule: str
    code: str
    severity: str
    nature: str
    message: str
    help: str
    field: str | None
    setting: str | None
    rows: int
    examples: tuple[str, ...]
    enforced: bool
    lifted: bool

    @property
    def denies(self) -> bool:
        """Whether the batch must not run because of it."""
        return self.enforced and not self.lifted and self.severity == "deny"

    def __str__(self) -> str:
        return f"{self.severity} {plain(self.code)}: {plain(self.message)}"


class Fault(NamedTuple):
    """What kept a policy, or the gate itself, from answering.

    Attributes:
        policy: the policy, or ``gate``.
        cause: a word that ``reprieve.explain`` explains.
        message: what happened, and what to do about it.
        enforced: whether it counts towards the decision.
    """

    policy: str
    cause: str
    message: str
    enforced: bool

    def __str__(self) -> str:
        return f"fault {plain(self.policy)}/{plain(self.cause)}: {plain(self.message)}"


class Decision:
    """A decision with everything that led to it.

    It has no truth value, so that ``if gate.decide(…):`` is an error and not an allow: test ``decision.allowed``.

    Attributes:
        document: the decision as ``reprieve check --format json`` prints it, without the breakdown: a dict.
        verdict: ``allow``, ``deny`` or ``undecided``.
        allowed: whether the batch may run.
        findings: every finding, the denials first.
        faults: every fault.
        targets: the number of targets.
        tenants: the number of tenants that the batch can reach.
        targets_sha256: SHA-256 of the list, lower-case hex.
        entry: the number of the entry of the ledger that records the decision; None without a ledger.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.verdict: str = document["decision"]
        self.allowed: bool = self.verdict == "allow"
        self._vetted: Vetted | None = None
        self._permit: Permit | None = None

    @classmethod
    def _from_native(cls, vetted: Vetted) -> Decision:
        """The decision of the native half. Its document is read when something of it is asked for: often only the verdict is."""
        decision = cls.__new__(cls)
        decision.verdict = vetted.verdict()
        decision.allowed = decision.verdict == "allow"
        decision._vetted = vetted
        decision._permit = None
        return decision

    @cached_property
    def document(self) -> dict[str, Any]:
        assert self._vetted is not None  # else it was set
        document: dict[str, Any] = json.loads(self._vetted.document())
        return document

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        findings = ({**finding, "examples": tuple(finding["examples"])} for finding in self.document["findings"])
        return tuple(_of(Finding, finding) for finding in findings)

    @cached_property
    def faults(self) -> tuple[Fault, ...]:
        return tuple(_of(Fault, fault) for fault in self.document["faults"])

    @property
    def targets(self) -> int:
        targets: int = self.document["targets"]
        return targets

    @property
    def tenants(self) -> int:
        tenants: int = self.document["tenants"]
        return tenants

    @property
    def targets_sha256(self) -> str:
        digest: str = self.document["targets_sha256"]
        return digest

    @property
    def entry(self) -> int | None:
        recorded = self.document["ledger"]
        return recorded["entry"] if recorded else None

    def permit(self) -> Permit:
        """The permit of an allow: the same one each time.

        Raises:
            Denied: a policy objects.
            Undecided: there is no answer.
            PermitError: the decision was copied to another process, which has no permit.
        """
        from ._errors import Denied, PermitError, Undecided

        if self.verdict == "deny":
            raise Denied(self)
        if not self.allowed:
            raise Undecided(self)
        if self._vetted is None:
            raise PermitError("this is a copy of a decision, and only the original has the permit")
        if self._permit is None:
            self._permit = self._new_permit(self._vetted)
        return self._permit

    def _new_permit(self, vetted: Vetted) -> Permit:
        from ._permit import Permit

        return Permit(self, vetted)

    def breakdown(self) -> dict[str, Any]:
        """Counts the targets by kind, by tenant and by age. This reads the list again.

        Raises:
            ReprieveError: the list cannot be read, or the decision is a copy.
        """
        from ._errors import ReprieveError

        if self._vetted is None:
            raise ReprieveError("this is a copy of a decision, which does not have the list")
        breakdown: dict[str, Any] = json.loads(self._vetted.report())["breakdown"]
        return breakdown

    def summary(self) -> str:
        """The decision for people: one line, and a line for each fault and each finding that counts."""
        shown = [str(fault) for fault in self.faults if fault.enforced]
        for finding in (finding for finding in self.findings if finding.denies):
            shown.append(str(finding))
            if finding.help:
                shown.append(f"  help: {plain(finding.help)}")
        left = len(shown) - 2 * _SHOWN
        more = [f"… and {left} more lines; `.findings` has them all"] if left > 0 else []
        recorded = f", entry {self.entry}" if self.entry is not None else ""
        head = (
            f"{self.verdict} {plain(str(self.document['request']))}: "
            f"{self.targets} targets of {self.tenants} tenants{recorded}"
        )
        return "\n".join([head, *shown[: 2 * _SHOWN], *more])

    def __bool__(self) -> NoReturn:
        raise TypeError("a decision is neither true nor false: test `decision.allowed`, or use `gate.vet`")

    def __repr__(self) -> str:
        return f"<reprieve.Decision {self.summary().splitlines()[0]}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Decision, (self.document,)

    def _repr_html_(self) -> str:
        """The decision in a notebook."""
        colour = {"allow": "#1a7f37", "deny": "#b42318"}.get(self.verdict, "#9a6700")
        recorded = f", entry {self.entry}" if self.entry is not None else ""
        parts = [
            "<div>",
            f'<p><strong style="color: {colour}">{html(self.verdict)}</strong> {html(self.document["request"])}: ',
            f"{self.targets} targets of {self.tenants} tenants{recorded}</p>",
        ]
        if self.faults:
            items = "".join(f"<li><code>{html(f.policy)}/{html(f.cause)}</code> {html(f.message)}</li>" for f in self.faults)
            parts.append(f"<p>Faults</p><ul>{items}</ul>")
        if self.findings:
            heads = "".join(f"<th>{head}</th>" for head in ("", "code", "finding", "targets", "for example"))
            rows = "".join(_row(finding) for finding in self.findings)
            parts.append(f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>")
        parts.append("</div>")
        return "".join(parts)


def _row(finding: Finding) -> str:
    severity = finding.severity if finding.enforced else f"{finding.severity}, not enforced"
    severity += ", lifted" if finding.lifted else ""
    message = html(finding.message) + (f"<br><small>{html(finding.help)}</small>" if finding.help else "")
    examples = ", ".join(html(example) for example in finding.examples)
    cells = (html(severity), f"<code>{html(finding.code)}</code>", message, str(finding.rows), examples)
    return "<tr>" + "".join(f'<td style="text-align: left">{cell}</td>' for cell in cells) + "</tr>"


def _of(kind: type[Any], values: dict[str, Any]) -> Any:
    """Makes an object of the fields that this version knows. Later versions may add some."""
    return kind(**{name: values[name] for name in kind._fields})
