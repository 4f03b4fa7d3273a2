"""What the host found out about a batch. The fields are those of the JSON, which `reprieve schema` describes. A field is
`None` if its value is unknown."""

from .claims import Mode
from .record import Record
from .timestamps import Duration, Timestamp


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
