/**
 * What the host found out about a batch, as a policy is handed it. What could not be found out is absent, never 0.
 * Digests are SHA-256 in lower-case hex. Fields may be added.
 */

import type { Duration, Mode, Timestamp } from './claims.js';

/** What the host found out. None of it comes from the submitter's word. */
export interface Facts {
  /** The time the decision is made for. */
  evaluated_at: Timestamp;
  /** Digest of the request document. */
  request_sha256: string;
  /** Digest of the target list: what every piece of evidence must name. */
  targets_sha256: string;
  /** Rows in the list. */
  targets: number;
  /** Whether each row can be told from the others. */
  ids: IdFacts;
  /** Tenants as the list has them. */
  tenants: TenantFacts;
  /** The most tenants that the batch can reach. */
  tenants_at_most: number;
  /** Rows by the kind the list gives them. */
  kinds: Tally;
  /** Rows by the environment the list gives them. */
  environments: Tally;
  /** What the inventory says. Absent: there is no inventory. */
  inventory?: InventoryFacts;
  /** What was deleted before. Absent: nobody knows. */
  history?: HistoryFacts;
  /** How long undoing this would take. */
  restore: Estimate;
  /** The list that this batch is a wave of. Absent: the batch stands alone. */
  whole?: Whole;
  /** Seconds that a zone's clock is ahead of UTC at `evaluated_at`, for every zone that a setting of the type
   * `time-zone` names. */
  zones?: Record<string, number>;
}

/** A list that is deleted in waves. */
export interface Whole {
  /** Digest of the list: what every piece of evidence must name. */
  targets_sha256: string;
  /** Rows in it. */
  targets: number;
  /** Tenants as it has them. */
  tenants: TenantFacts;
  /** Rows by the kind it gives them. */
  kinds: Tally;
}

/** Rows that do not name one thing each. */
export interface IdFacts {
  /** Rows with no id. */
  null: number;
  /** Rows whose id is empty or white space. */
  empty: number;
  /** Rows whose id stood in an earlier row. */
  duplicate: number;
  /** Row numbers of the first few of these. */
  examples: number[];
}

/** Distinct tenants. */
export interface TenantFacts {
  /** Distinct tenants named. */
  distinct: number;
  /** Things with no known tenant. Each may belong to a tenant of its own. */
  unknown: number;
}

/** How often each name occurs. */
export interface Tally {
  /** Count by name: the 32 most frequent. */
  counts: Record<string, number>;
  /** How many have a name that is not among these. */
  others: number;
  /** How many have no known name. */
  unknown: number;
}

/** What the inventory says about the targets and what goes with them. */
export interface InventoryFacts {
  /** Digest of the inventory that answered. */
  sha256: string;
  /** Rows whose id the inventory knows. */
  resolved: number;
  /** Rows whose id it does not know. */
  unresolved: number;
  /** Tenants of the resolved rows. */
  tenants: TenantFacts;
  /** Resolved rows by kind. */
  kinds: Tally;
  /** Resolved rows by environment. */
  environments: Tally;
  /** Resolved rows by life-cycle state. */
  states: Tally;
  /** How many things of each kind the inventory holds in all, for the kinds that the batch touches. */
  population: Record<string, number>;
  /** How many tenants the inventory holds in all. */
  population_tenants: number;
  /** Capacity pools that the batch takes members from. */
  pools: Pool[];
  /** The targets and everything that goes with them. */
  closure: Closure;
}

/** A group of things that together provide a capacity. */
export interface Pool {
  name: string;
  /** Members now. */
  members: number;
  /** Members that the batch takes away, counted over the closure. */
  removed: number;
  /** Members it needs, where the inventory says so. */
  minimum?: number;
}

/** Everything that goes when the targets go: they themselves, their dependents, the dependents of those, and so on.
 */
export interface Closure {
  /** Things in all, the targets included. */
  things: number;
  /** Things that are not on the list. */
  undeclared: number;
  /** Undeclared things by kind. */
  undeclared_kinds: Tally;
  /** A few undeclared ids. */
  examples: string[];
  /** Tenants over all of it. */
  tenants: TenantFacts;
  /** All of it by kind. */
  kinds: Tally;
  /** Things whose dependents are not known. Above 0, every other figure here is a lower bound. */
  unknown: number;
  /** Names that the request's own evidence gives and that are among the things that go. */
  evidence: string[];
  /** Whether following the dependents was given up at its limit of depth. */
  truncated: boolean;
}

/** What was deleted before, as far as it bears on this batch. */
export interface HistoryFacts {
  /** Digest of the history that answered. */
  sha256: string;
  /** Batches of this mode in this environment. */
  same_mode: Spans;
  /** Batches of this kind in this environment. */
  same_kind: Spans;
  /** Batches by this actor. */
  same_actor: Spans;
  /** The last batch of this mode in this environment. */
  last?: PastBatch;
  /** Batches of this campaign so far. */
  campaign_batches: number;
  /** The last of them. */
  campaign_last?: PastBatch;
}

/** What was deleted within spans of time before the decision. */
export interface Spans {
  /** Within an hour. */
  hour: Deleted;
  /** Within 24 hours. */
  day: Deleted;
  /** Within 30 days. */
  month: Deleted;
}

export interface Deleted {
  batches: number;
  targets: number;
  /** Added up over the batches. */
  tenants: number;
}

/** A batch that ran. */
export interface PastBatch {
  at: Timestamp;
  mode: Mode;
  environment: string;
  /** The kind of its targets. */
  kind: string;
  targets: number;
  tenants: number;
  campaign?: string;
  actor?: string;
  /** Whether it went well. Absent: nobody knows. */
  succeeded?: boolean;
}

/** How long undoing a batch would take. */
export interface Estimate {
  /** Tenants to restore: the most that the batch can reach. */
  tenants: number;
  /** Restore batches, one after another. */
  batches: number;
  /** How long all of them take. */
  duration: Duration;
  /** Tenants a restore batch brings back. */
  tenants_per_batch: Figure<number>;
  /** How long one takes. */
  batch_duration: Figure<Duration>;
  /** How many run side by side. */
  parallel_batches: Figure<number>;
}

export interface Figure<T> {
  value: T;
  /** Whether the request states it as measured. If not, it is the one of the Atlassian outage of April 2022. */
  measured: boolean;
}
