"""The review as types: what the request claims and what the host found out. The fields are those of the JSON, which
`reprieve schema` describes. What a request leaves out is `None`, and so is what nobody knows."""

from typing import Any, Literal

from .record import Record
from .timestamps import Duration, Timestamp

Mode = Literal["soft", "hard"]
"""`soft`: marked for deletion, recoverable for a while. `hard`: permanent."""
Trigger = Literal["request", "expiry", "disuse", "retention", "migration"]
"""What sets a deletion off."""
TriggerSource = Literal["explicit", "default"]
"""Whether somebody chose the value that set it off."""
ActorType = Literal["human", "automation", "ai-agent", "system", "unknown"]
"""Kinds of actors."""
Selection = Literal["explicit", "filter", "complement", "all"]
"""How a list was chosen."""


class Operation(Record):
    """The destructive call."""

    verb: str | None
    cascade: bool | None
    selector: str | None


class Reason(Record):
    """Why the batch is to be deleted."""

    basis: str | None
    text: str | None
    ticket: str | None
    trigger: Trigger | None
    trigger_source: TriggerSource | None


class Credential(Record):
    """A credential, described and never included."""

    purpose: str | None
    environment: str | None


class Actor(Record):
    """Who submits the batch."""

    id: str | None
    type: ActorType | None
    on_behalf_of: str | None
    credential: Credential | None


class KeepSet(Record):
    """The set of things to keep."""

    count: int | None
    previous_count: int | None
    observed_at: Timestamp | None


class Provenance(Record):
    """Where the list of targets came from."""

    source: str | None
    query: str | None
    selection: Selection | None
    complete: bool | None
    id_kind: str | None
    row_count: int | None
    source_total: int | None
    page_size: int | None
    sha256: str | None
    extracted_at: Timestamp | None
    extracted_by: str | None
    program_sha256: str | None
    keep_set: KeepSet | None


class DryRun(Record):
    """A run of the same program over the same list without effect."""

    at: Timestamp | None
    targets_sha256: str | None
    environment: str | None
    count: int | None
    by_kind: dict[str, int] | None
    sample: list[str] | None


class Checkpoint(Record):
    """A backup."""

    id: str | None
    completed_at: Timestamp | None
    verified: bool | None
    covers_sha256: str | None
    location: str | None
    immutable_until: Timestamp | None


class Restore(Record):
    """What restoring takes, as measured."""

    granularity: str | None
    tested_at: Timestamp | None
    tested_scale: int | None
    tenants_per_batch: int | None
    batch_duration: Duration | None
    parallel_batches: int | None


class Recovery(Record):
    """How the deletion could be undone."""

    soft_delete_days: int | None
    checkpoints: list[Checkpoint] | None
    restore: Restore | None


class Approval(Record):
    """One approval, bound to what was approved."""

    by: str | None
    type: ActorType | None
    at: Timestamp | None
    targets_sha256: str | None
    mode: Mode | None
    kinds: dict[str, int] | None
    tenants: int | None


class Migration(Record):
    """The copy of data that was moved."""

    copy: str | None
    verified_fraction: float | None
    verified_at: Timestamp | None
    source_hold_until: Timestamp | None


class Schedule(Record):
    """When the batch may run."""

    expires_at: Timestamp | None
    not_before: Timestamp | None
    freeze: bool | None


class Notice(Record):
    """Who was told."""

    owners_notified_at: Timestamp | None
    opt_outs: int | None


class Claims(Record):
    """What the request says about itself."""

    id: str
    mode: Mode
    environment: str
    target_kind: str
    operation: Operation | None
    reason: Reason | None
    actor: Actor | None
    provenance: Provenance | None
    dry_run: DryRun | None
    recovery: Recovery | None
    approvals: list[Approval] | None
    migration: Migration | None
    schedule: Schedule | None
    notice: Notice | None
    campaign: str | None
    annotations: dict[str, Any] | None


class IdFacts(Record):
    """Rows that do not name one thing each."""

    null: int
    empty: int
    duplicate: int
    examples: list[int]


class TenantFacts(Record):
    """Distinct tenants."""

    distinct: int
    unknown: int

    def at_most(self) -> int:
        """The most tenants that these things can belong to."""
        return self.distinct + self.unknown


class Tally(Record):
    """How often each name occurs: the 32 most frequent by name, the others, and those without a known name."""

    counts: dict[str, int]
    others: int
    unknown: int


class Pool(Record):
    """A group of things that together provide a capacity."""

    name: str
    members: int
    removed: int
    minimum: int | None


class Closure(Record):
    """Everything that goes when the targets go. With `unknown` above 0 or `truncated`, figures are lower bounds."""

    things: int
    undeclared: int
    undeclared_kinds: Tally
    examples: list[str]
    tenants: TenantFacts
    kinds: Tally
    unknown: int
    evidence: list[str]
    truncated: bool


class InventoryFacts(Record):
    """What the inventory says about the targets and what goes with them."""

    sha256: str
    resolved: int
    unresolved: int
    tenants: TenantFacts
    kinds: Tally
    environments: Tally
    states: Tally
    population: dict[str, int]
    population_tenants: int
    pools: list[Pool]
    closure: Closure


class Figure(Record):
    """A figure, and whether the request states it as measured."""

    value: int
    measured: bool


class DurationFigure(Record):
    """The same for a span of time."""

    value: Duration
    measured: bool


class Estimate(Record):
    """How long undoing a batch would take."""

    tenants: int
    batches: int
    duration: Duration
    tenants_per_batch: Figure
    batch_duration: DurationFigure
    parallel_batches: Figure


class Deleted(Record):
    """How much was deleted; tenants are added up over the batches."""

    batches: int
    targets: int
    tenants: int


class Spans(Record):
    """What was deleted within an hour, 24 hours and 30 days before the decision."""

    hour: Deleted
    day: Deleted
    month: Deleted


class PastBatch(Record):
    """A batch that ran."""

    at: Timestamp
    mode: Mode
    environment: str
    kind: str
    targets: int
    tenants: int
    campaign: str | None
    actor: str | None
    succeeded: bool | None


class HistoryFacts(Record):
    """What was deleted before, as far as it bears on this batch."""

    sha256: str
    same_mode: Spans
    same_kind: Spans
    same_actor: Spans
    last: PastBatch | None
    campaign_batches: int
    campaign_last: PastBatch | None


class Whole(Record):
    """A list that is deleted in waves."""

    targets_sha256: str
    targets: int
    tenants: TenantFacts
    kinds: Tally


class Facts(Record):
    """What the host found out. None of it comes from the submitter's word."""

    evaluated_at: Timestamp
    request_sha256: str
    targets_sha256: str
    targets: int
    ids: IdFacts
    tenants: TenantFacts
    tenants_at_most: int
    kinds: Tally
    environments: Tally
    inventory: InventoryFacts | None
    history: HistoryFacts | None
    restore: Estimate
    whole: Whole | None
    zones: dict[str, int] | None
