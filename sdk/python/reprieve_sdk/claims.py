"""What the request claims. The fields are those of the JSON, which `reprieve schema` describes. A field is `None` if the
request omits it."""

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
