"""The batch as a policy sees it."""

from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

from .model import Approval, Claims, Facts, InventoryFacts, Whole
from .settings import TimeZone

S = TypeVar("S")
T = TypeVar("T")

MAX_CLOCK_SKEW = 300
"""How many seconds a time may lie in the future and still be valid. Clocks differ by minutes."""

# Unicode white space. `str.strip()` alone would also remove the separators U+001C to U+001F, which are not white space.
_WHITE_SPACE = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


class ApprovalIssue(Enum):
    """Why an approval does not count. `str()` returns the reason in words."""

    NOBODY = "it names nobody"
    OWN = "it is the submitter's own"
    NOT_HUMAN = "it does not come from a human"
    OTHER_LIST = "it is for another list"
    OTHER_MODE = "it is for another mode"
    OTHER_KINDS = "it is for other kinds or counts"
    OTHER_TENANTS = "it is for another number of tenants"

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
        return sorted({_fold_case(by): by for by in counting if by is not None}.values())

    def approval_issue(self, approval: Approval) -> ApprovalIssue | None:
        """Why an approval does not count, or `None` if it does. Does not check its age."""
        by, evidence, actor = non_blank(approval.by), self.evidence(), self.claims.actor
        if by is None:
            return ApprovalIssue.NOBODY
        submitters = [non_blank(actor.id), non_blank(actor.on_behalf_of)] if actor else []
        if any(submitter is not None and _fold_case(submitter) == _fold_case(by) for submitter in submitters):
            return ApprovalIssue.OWN
        if approval.type != "human":
            return ApprovalIssue.NOT_HUMAN
        if approval.targets_sha256 != evidence.targets_sha256:
            return ApprovalIssue.OTHER_LIST
        if approval.mode != self.claims.mode:
            return ApprovalIssue.OTHER_MODE
        tally = evidence.kinds
        if approval.kinds != tally.counts or tally.others + tally.unknown > 0:
            return ApprovalIssue.OTHER_KINDS
        if approval.tenants != evidence.tenants.at_most():
            return ApprovalIssue.OTHER_TENANTS
        return None


def non_blank(text: str | None) -> str | None:
    """The text without surrounding white space, or `None` if it is absent, empty or only white space."""
    return None if text is None else text.strip(_WHITE_SPACE) or None


def same_kind(a: str, b: str) -> bool:
    """Whether two kinds are equal, ignoring name space, case and plural: `AWS::S3::Buckets` equals `bucket`. Only ASCII
    letters are compared without case."""
    return _singular(a).lower() == _singular(b).lower()


def _fold_case(text: str) -> bytes:
    # `bytes.lower` changes ASCII letters only.
    return text.encode().lower()


def _singular(kind: str) -> bytes:
    name = kind.encode().strip(b" \t\n\f\r")
    name = name[max(name.rfind(separator) for separator in (b":", b"/", b".")) + 1 :]
    is_plural = len(name) > 2 and name[-1:] in (b"s", b"S") and name[-2:-1] not in (b"s", b"S")
    return name[:-1] if is_plural else name
