"""The batch as a policy sees it."""

from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

from .claims import Approval, Claims
from .facts import Facts, InventoryFacts, Signature, Whole
from .settings import TimeZone
from .words import fold_case, non_blank

S = TypeVar("S")
T = TypeVar("T")

MAX_CLOCK_SKEW = 300
"""How many seconds a time may lie in the future and still be valid. Clocks differ by minutes."""


class ApprovalIssue(Enum):
    """Why an approval does not count. `str()` returns the reason in words."""

    NOBODY = "it names nobody"
    OWN = "it is the submitter's own"
    AUTHOR = "it is by the author of the list"
    BAD_TOKEN = "its token does not show that the approver made it"
    NOT_SIGNED = "it is not signed, and only signed approvals count"
    NOT_HUMAN = "it does not come from a human"
    OTHER_LIST = "it is for another list"
    OTHER_MODE = "it is for another mode"
    OTHER_KINDS = "it is for other kinds or counts"
    OTHER_TENANTS = "it is for another number of tenants"
    OTHER_PROGRAM = "it is for another program"

    def __str__(self) -> str:
        return self.value


class Context(Generic[S]):
    """Everything a policy knows: what the request claims, what the host found out, and what the operator set."""

    def __init__(self, claims: Claims, facts: Facts, settings: S, data: Mapping[str, bytes]) -> None:
        self.claims = claims
        """What the request claims."""
        self.facts = facts
        """What the host computed or looked up."""
        self.settings = settings
        """What the operator set."""
        self._data = data

    @property
    def inventory(self) -> InventoryFacts | None:
        """The facts from the inventory. `None`: there is no inventory."""
        return self.facts.inventory

    def data(self, name: str) -> bytes | None:
        """The reference data of that name: a file that the operator named under `data`."""
        return self._data.get(name)

    def is_hard(self) -> bool:
        """Whether this is a hard delete: the system itself cannot restore the targets."""
        return self.claims.mode == "hard"

    def is_soft(self) -> bool:
        """Whether this is a soft delete. What is unknown warns then; it denies a hard delete and a disabling."""
        return self.claims.mode == "soft"

    def by_mode(self, strict: T, soft: T) -> T:
        """Returns `soft` for a soft delete, and else `strict`."""
        return soft if self.is_soft() else strict

    def is_fresh(self, at: int, seconds: int) -> bool:
        """Whether evidence from the time `at` is still valid: at most `seconds` old, and not in the future."""
        return -MAX_CLOCK_SKEW <= self.facts.evaluated_at - at <= seconds

    def is_future(self, at: int) -> bool:
        """Whether a time lies further in the future than clock skew explains."""
        return self.facts.evaluated_at - at < -MAX_CLOCK_SKEW

    def local(self, zone: TimeZone) -> int | None:
        """The local time in a zone, in seconds since 1970-01-01T00:00:00 there. `None`: the host did not supply it."""
        offset = (self.facts.zones or {}).get(zone)
        return None if offset is None else self.facts.evaluated_at + offset

    def evidence(self) -> Facts | Whole:
        """The list that evidence must refer to: this list, or the whole list if this batch is a wave of it."""
        return self.facts.whole or self.facts

    def approvers(self, max_age: int) -> list[str]:
        """The people whose approval counts: human, not the submitter, for exactly this list in this mode with these
        kinds and tenants, and at most `max_age` seconds old. Sorted by name, each once; ASCII case is ignored."""
        counting = (
            non_blank(approval.by)
            for approval in self.claims.approvals or ()
            if self.approval_issue(approval) is None and approval.at is not None and self.is_fresh(approval.at, max_age)
        )
        return sorted({fold_case(by): by for by in counting if by is not None}.values())

    def approval_issue(self, approval: Approval) -> ApprovalIssue | None:
        """Why an approval does not count, or `None` if it does. Does not check its age."""
        by, evidence, actor = non_blank(approval.by), self.evidence(), self.claims.actor
        if by is None:
            return ApprovalIssue.NOBODY
        submitters = [non_blank(actor.id), non_blank(actor.on_behalf_of)] if actor else []
        if any(submitter is not None and fold_case(submitter) == fold_case(by) for submitter in submitters):
            return ApprovalIssue.OWN
        author = non_blank(self.claims.provenance.extracted_by) if self.claims.provenance else None
        if author is not None and fold_case(author) == fold_case(by):
            return ApprovalIssue.AUTHOR
        signature = self._signature_issue(approval)
        if signature is not None:
            return signature
        if approval.type != "human":
            return ApprovalIssue.NOT_HUMAN
        if approval.targets_sha256 != evidence.targets_sha256:
            return ApprovalIssue.OTHER_LIST
        if approval.mode != self.claims.mode:
            return ApprovalIssue.OTHER_MODE
        tally = evidence.kinds
        if approval.kinds != tally.counts or tally.others + tally.unknown > 0:
            return ApprovalIssue.OTHER_KINDS
        # What the batch reaches beyond its list was not approved with the list. A wave reaches a part of the whole.
        reached = 0 if self.facts.whole else self.facts.tenants_at_most
        if approval.tenants != max(evidence.tenants.at_most(), reached):
            return ApprovalIssue.OTHER_TENANTS
        program = non_blank(self.claims.operation.program_sha256) if self.claims.operation else None
        if program != non_blank(approval.program_sha256):
            return ApprovalIssue.OTHER_PROGRAM
        return None

    def signature(self, field: str) -> Signature | None:
        """What the host found out about the token of what is at a place of the request, for example `/approvals/0`."""
        tokens = self.facts.signatures.tokens if self.facts.signatures else ()
        return next((signature for signature in tokens if signature.field == field), None)

    def attestation_issue(self, field: str, token: str | None) -> str | None:
        """Why the signature of the dry run or of a backup, or the lack of one, keeps it from counting.

        `field` is its place, and `token` what it states. None: it counts.
        """
        signature, signatures = self.signature(field), self.facts.signatures
        if signature is not None:
            return None if signature.issue is None else f"its token is not valid: {signature.issue}"
        if token is not None:
            return "its token is not valid: it was not verified"
        if signatures and signatures.attestations_required:
            return "it is not signed, and only signed evidence counts"
        return None

    def _signature_issue(self, approval: Approval) -> ApprovalIssue | None:
        """Why the signature of an approval, or the lack of one, keeps it from counting."""
        listed = [position for position, other in enumerate(self.claims.approvals or ()) if other is approval]
        signature = self.signature(f"/approvals/{listed[0]}") if listed else None
        if signature is not None:
            return None if signature.issue is None else ApprovalIssue.BAD_TOKEN
        if approval.token is not None:
            return ApprovalIssue.BAD_TOKEN
        signatures = self.facts.signatures
        return ApprovalIssue.NOT_SIGNED if signatures and signatures.approvals_required else None
