"""The types of a review: what the request claims and what the host found out. The fields are those of the JSON, which
`reprieve schema` describes. A field is `None` if the request omits it or its value is unknown."""

from typing import Any, Literal

from .record import Record
from .timestamps import Duration, Timestamp

Mode = Literal["soft", "hard", "disable"]
"""`soft`: marked for deletion and recoverable for a while. `hard`: permanent."""
Trigger = Literal["request", "expiry", "disuse", "retention", "migration"]
"""What triggers a deletion."""
TriggerSource = Literal["explicit", "default"]
"""Whether the value that triggered it was set explicitly or is a default."""
ActorType = Literal["human", "automation", "ai-agent", "system", "unknown"]
"""Kinds of actors."""
Selection = Literal["explicit", "filter", "complement", "all"]
"""How the targets in a list were selected."""


class Operation(Record):
    """The destructive call."""

    verb: str | None
    cascade: bool | None
    selector: str | None
    by: Literal["ids", "selector"] | None
    program_sha256: str | None
    all_of: list[str] | None


class Reason(Record):
    """Why the batch is to be deleted."""

    basis: str | None
    text: str | None
    ticket: str | None
    trigger: Trigger | None
    trigger_source: TriggerSource | None


class Credential(Record):
    """The description of a credential; the credential itself is never included."""

    purpose: str | None
    environment: str | None


class Actor(Record):
    """Who submits the batch."""

    id: str | None
    type: ActorType | None
    on_behalf_of: str | None
    credential: Credential | None


class KeepSet(Record):
    """The things to keep, where the list contains everything else."""

    count: int | None
    previous_count: int | None
    observed_at: Timestamp | None


class Lookups(Record):
    """How often a source was asked whether it has a thing. A look-up that failed is not an absence."""

    asked: int | None
    answered: int | None
    failed: int | None


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
    source_sha256: str | None
    extracted_at: Timestamp | None
    extracted_by: str | None
    program_sha256: str | None
    keep_set: KeepSet | None
    lookups: Lookups | None


class DryRun(Record):
    """A dry run of the same program over the same list."""

    at: Timestamp | None
    targets_sha256: str | None
    environment: str | None
    count: int | None
    by_kind: dict[str, int] | None
    sample: list[str] | None
    program_sha256: str | None
    token: str | None


class Checkpoint(Record):
    """A backup."""

    id: str | None
    completed_at: Timestamp | None
    verified: bool | None
    covers_sha256: str | None
    location: str | None
    immutable_until: Timestamp | None
    token: str | None


class Restore(Record):
    """Measured figures of a restore."""

    granularity: str | None
    tested_at: Timestamp | None
    tested_scale: int | None
    tenants_per_batch: int | None
    batch_duration: Duration | None
    parallel_batches: int | None


class Recovery(Record):
    """How the deletion can be undone."""

    soft_delete_days: int | None
    checkpoints: list[Checkpoint] | None
    restore: Restore | None


class Approval(Record):
    """One approval, and what exactly it approves."""

    by: str | None
    type: ActorType | None
    at: Timestamp | None
    targets_sha256: str | None
    mode: Mode | None
    kinds: dict[str, int] | None
    tenants: int | None
    program_sha256: str | None
    token: str | None


class Migration(Record):
    """The copy of migrated data."""

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
    """Which notices were sent."""

    owners_notified_at: Timestamp | None
    opt_outs: int | None


class Claims(Record):
    """The claims of the request: the request without its targets."""

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
    """Rows whose id is missing, empty or a duplicate, or has a control character."""

    null: int
    empty: int
    duplicate: int
    control: int | None
    examples: list[int]


class TenantFacts(Record):
    """The number of distinct tenants."""

    distinct: int
    unknown: int

    def at_most(self) -> int:
        """The maximum number of tenants: each unknown one counts as another tenant."""
        return self.distinct + self.unknown


class Tally(Record):
    """How often each name occurs: the 32 most frequent names, all other names, and unknown names."""

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
    """The targets and everything that is deleted with them. If `unknown` is above 0 or `truncated` is true, all figures
    are lower bounds."""

    things: int
    undeclared: int
    undeclared_kinds: Tally
    examples: list[str]
    tenants: TenantFacts
    kinds: Tally
    unknown: int
    evidence: list[str]
    truncated: bool


class EvidenceFacts(Record):
    """What is known of a place that the request's evidence names: a backup, its location, or a copy."""

    name: str
    known: bool
    state: str | None
    beside: bool


class NearMiss(Record):
    """A target whose id is nearly that of a thing in the inventory."""

    row: int
    id: str
    known: str


class NearMisses(Record):
    """Targets whose id is not in the inventory, but is that of a thing in it in another spelling."""

    count: int
    examples: list[NearMiss]
    unchecked: int


class InventorySource(Record):
    """The file of another tool that an inventory was made from."""

    format: str
    sha256: str
    taken_at: Timestamp | None


class InventoryFacts(Record):
    """What the inventory knows about the targets and about everything that is deleted with them."""

    sha256: str
    source: InventorySource | None
    resolved: int
    unresolved: int
    bytes: int | None
    tenants: TenantFacts
    kinds: Tally
    environments: Tally
    states: Tally
    population: dict[str, int]
    population_tenants: int
    tenants_gone: int | None
    near_misses: NearMisses | None
    pools: list[Pool]
    closure: Closure
    evidence: list[EvidenceFacts] | None


class Figure(Record):
    """A figure, and whether the request states that it was measured."""

    value: int
    measured: bool


class DurationFigure(Record):
    """A duration, and whether the request states that it was measured."""

    value: Duration
    measured: bool


class Estimate(Record):
    """The estimated time to restore a batch."""

    tenants: int
    batches: int
    duration: Duration
    tenants_per_batch: Figure
    batch_duration: DurationFigure
    parallel_batches: Figure


class Deleted(Record):
    """How much was deleted. `tenants` is the sum over the batches."""

    batches: int
    targets: int
    tenants: int
    bytes: int | None


class Spans(Record):
    """What was deleted in the hour, the 24 hours and the 30 days before the decision."""

    hour: Deleted
    day: Deleted
    month: Deleted


class PastBatch(Record):
    """A batch that was run."""

    at: Timestamp
    mode: Mode
    environment: str
    kind: str
    targets: int
    tenants: int
    bytes: int | None
    campaign: str | None
    actor: str | None
    succeeded: bool | None
    source: str | None
    keep_set: int | None


class HistoryFacts(Record):
    """Earlier deletions that matter for this batch."""

    sha256: str
    same_mode: Spans
    same_kind: Spans
    same_actor: Spans
    last: PastBatch | None
    kind_last: PastBatch | None
    campaign_batches: int
    campaign_last: PastBatch | None


class Whole(Record):
    """The whole list, where this batch is a wave of it."""

    targets_sha256: str
    targets: int
    tenants: TenantFacts
    kinds: Tally
    all_of: list[str] | None


class Signature(Record):
    """The token of what `field` points to: whose key signed it, or why it does not count."""

    field: str
    by: str | None
    issue: str | None


class Signatures(Record):
    """What the host found out about signed evidence."""

    approvals_required: bool
    attestations_required: bool
    tokens: list[Signature]


class Facts(Record):
    """What the host computed or looked up. Nothing is taken from the claims."""

    evaluated_at: Timestamp
    request_sha256: str
    targets_sha256: str
    targets: int
    bytes: int | None
    ids: IdFacts
    tenants: TenantFacts
    tenants_at_most: int
    kinds: Tally
    environments: Tally
    production: bool
    not_production: list[str]
    inventory: InventoryFacts | None
    history: HistoryFacts | None
    restore: Estimate
    whole: Whole | None
    signatures: Signatures | None
    zones: dict[str, int] | None
