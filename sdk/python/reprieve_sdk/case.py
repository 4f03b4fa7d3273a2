"""The batch as a policy sees it."""

from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

from .model import Approval, Claims, Facts, InventoryFacts, Whole
from .settings import TimeZone

S = TypeVar("S")
T = TypeVar("T")

CLOCK_SKEW = 300
"""How many seconds a time may lie in the future before it cannot be true: clocks differ by minutes."""

# Unicode's white space. `str.strip` alone would also take the separators U+001C to U+001F, which are none.
_WHITE_SPACE = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


class Objection(Enum):
    """Why an approval does not count. As text it is the reason in words."""

    NOBODY = "it names nobody"
    OWN = "it is the submitter's own"
    NOT_HUMAN = "it does not come from a human"
    OTHER_LIST = "it is for another list"
    OTHER_MODE = "it is for another mode"
    OTHER_KINDS = "it is for other kinds or counts"
    OTHER_TENANTS = "it is for another number of tenants"

    def __str__(self) -> str:
        return self.value


class Case(Generic[S]):
    """Everything a policy knows: what the request claims, what the host found out, and what the operator set."""

    def __init__(self, claims: Claims, facts: Facts, settings: S, data: Mapping[str, bytes]) -> None:
        self.claims = claims
        """What the request says about itself."""
        self.facts = facts
        """What the host found out."""
        self.settings = settings
        """What the operator set."""
        self._data = data

    @property
    def inventory(self) -> InventoryFacts | None:
        """What the inventory says; `None` where there is no inventory."""
        return self.facts.inventory

    def data(self, name: str) -> bytes | None:
        """The reference data of that name: a file that the operator named under `data`."""
        return self._data.get(name)

    def is_hard(self) -> bool:
        """Whether the targets cannot be brought back by the system itself."""
        return self.claims.mode == "hard"

    def by_mode(self, hard: T, soft: T) -> T:
        """Picks the limit for this batch's mode."""
        return hard if self.is_hard() else soft

    def is_fresh(self, at: int, seconds: int) -> bool:
        """Whether something that was true at `at` may be relied on: at most `seconds` old, and not in the future."""
        return -CLOCK_SKEW <= self.facts.evaluated_at - at <= seconds

    def is_future(self, at: int) -> bool:
        """Whether a time lies so far ahead that no clock explains it."""
        return self.facts.evaluated_at - at < -CLOCK_SKEW

    def local(self, zone: TimeZone) -> int | None:
        """What the clock in a zone shows: seconds since 1970-01-01T00:00:00 there. `None` where the host does not say."""
        ahead = (self.facts.zones or {}).get(zone)
        return None if ahead is None else self.facts.evaluated_at + ahead

    def evidence(self) -> Facts | Whole:
        """The list that evidence has to name: this one, or the whole of which this is a wave."""
        return self.facts.whole or self.facts

    def approvers(self, max_age: int) -> list[str]:
        """The people whose approval counts: human, not the submitter, for exactly this list in this mode with these
        kinds and tenants, and at most `max_age` seconds old. Nobody counts twice, however the name is written. In the
        order of their names."""
        counting = (
            said(approval.by)
            for approval in self.claims.approvals or ()
            if self.objection(approval) is None and approval.at is not None and self.is_fresh(approval.at, max_age)
        )
        return sorted({_folded(by): by for by in counting if by is not None}.values())

    def objection(self, approval: Approval) -> Objection | None:
        """Why an approval does not count, if it does not. How old it may be is for the asker to say."""
        by, evidence, actor = said(approval.by), self.evidence(), self.claims.actor
        if by is None:
            return Objection.NOBODY
        submitters = [said(actor.id), said(actor.on_behalf_of)] if actor else []
        if any(submitter is not None and _folded(submitter) == _folded(by) for submitter in submitters):
            return Objection.OWN
        if approval.type != "human":
            return Objection.NOT_HUMAN
        if approval.targets_sha256 != evidence.targets_sha256:
            return Objection.OTHER_LIST
        if approval.mode != self.claims.mode:
            return Objection.OTHER_MODE
        tally = evidence.kinds
        if approval.kinds != tally.counts or tally.others + tally.unknown > 0:
            return Objection.OTHER_KINDS
        if approval.tenants != evidence.tenants.at_most():
            return Objection.OTHER_TENANTS
        return None


def said(text: str | None) -> str | None:
    """What a text field says: nothing where it is absent, empty or white space."""
    return None if text is None else text.strip(_WHITE_SPACE) or None


def same_kind(a: str, b: str) -> bool:
    """Whether two kinds are the same but for their name space, their case and their plural: `AWS::S3::Buckets` is
    `bucket`. A name with anything but ASCII in it is only the same as itself."""
    return _plain(a).lower() == _plain(b).lower()


def _folded(text: str) -> bytes:
    # Only ASCII letters have another case here, which is what `bytes.lower` does.
    return text.encode().lower()


def _plain(kind: str) -> bytes:
    name = kind.encode().strip(b" \t\n\f\r")
    name = name[max(name.rfind(separator) for separator in (b":", b"/", b".")) + 1 :]
    is_plural = len(name) > 2 and name[-1:] in (b"s", b"S") and name[-2:-1] not in (b"s", b"S")
    return name[:-1] if is_plural else name

