/**
 * The facts of a batch, as a policy receives them. An unknown fact is absent, never 0. Fields may be added.
 */

import type { Duration, Mode, Timestamp } from './claims.js';

/** What the host computed or looked up. None of it is a claim of the submitter. */
export interface Facts {
  /** The time for which the decision is made. */
  evaluated_at: Timestamp;
  /** SHA-256 of the request document, lower-case hex. */
  request_sha256: string;
  /** SHA-256 of the target list, lower-case hex. All evidence must name it. */
  targets_sha256: string;
  /** Number of rows in the list. */
  targets: number;
  /** Size in bytes of all targets whose size is known, according to the list or, if that is more, to the inventory. Absent:
   * no size is known. */
  bytes?: number;
  /** Rows with blank or duplicate ids, or ids with control characters. */
  ids: IdFacts;
  /** Tenants according to the list. */
  tenants: TenantFacts;
  /** Upper bound of the tenants that the batch can reach: according to the list or over the closure, whichever is
   * more. */
  tenants_at_most: number;
  /** Number of rows by kind, according to the list. */
  kinds: Tally;
  /** Number of rows by environment, according to the list. */
  environments: Tally;
  /** Whether any target may be in production: an environment that the policy set does not name as another, or one that
   * the inventory does not know. */
  production: boolean;
  /** The environments that are not production, as the policy set names them: trimmed and in lower case. */
  not_production: string[];
  /** Facts from the inventory. Absent: there is no inventory. */
  inventory?: InventoryFacts;
  /** What was deleted before. Absent: unknown. */
  history?: HistoryFacts;
  /** How long undoing the batch would take. */
  restore: Estimate;
  /** The list of which this batch is a wave, cut from it by the host. Evidence for the whole list is evidence for
   * each wave. Absent: the batch is not a wave. */
  whole?: Whole;
  /** The signatures of evidence. Absent: nothing has a token, and nothing has to. */
  signatures?: Signatures;
  /** Offset from UTC in seconds at `evaluated_at`, for every time zone that a setting of the type `time-zone` names. */
  zones?: Record<string, number>;
}

/** What the host found out about signed evidence. */
export interface Signatures {
  /** Whether only signed approvals count. */
  approvals_required: boolean;
  /** Whether only a signed dry run and signed backups count. */
  attestations_required: boolean;
  /** The evidence that has a token, in the order of the request. */
  tokens: Signature[];
}

/** The token of an approval, a dry run or a backup. */
export interface Signature {
  /** JSON pointer to what it signs, for example `/approvals/0`. */
  field: string;
  /** The name of the key that signed it. Absent: it is not verified. */
  by?: string;
  /** Why it does not count. Absent: it does. */
  issue?: string;
}

/** A list that is deleted in waves. */
export interface Whole {
  /** SHA-256 of the list, lower-case hex. All evidence must name it. */
  targets_sha256: string;
  /** Number of rows in it. */
  targets: number;
  /** Tenants according to it. */
  tenants: TenantFacts;
  /** Number of rows by kind, according to it, and to the request for rows without a kind. */
  kinds: Tally;
  /** Kinds of which it has everything there was, two or more, when it was cut into waves. Absent: unknown. */
  all_of?: string[];
}

/** Rows with blank or duplicate ids, or ids with control characters. */
export interface IdFacts {
  /** Number of rows without an id. */
  null: number;
  /** Number of rows whose id is empty or white space. */
  empty: number;
  /** Number of rows whose id occurs in an earlier row. */
  duplicate: number;
  /** Number of rows whose id contains a control character. Absent: none. */
  control?: number;
  /** Row numbers of the first few of these rows. */
  examples: number[];
}

/** A count of distinct tenants. */
export interface TenantFacts {
  /** Number of distinct tenants that are named. */
  distinct: number;
  /** Number of things without a known tenant. Each may belong to another tenant. */
  unknown: number;
}

/** How often each name occurs. */
export interface Tally {
  /** Count by name, for the 32 most frequent names. */
  counts: Record<string, number>;
  /** Number of things with another name. */
  others: number;
  /** Number of things without a known name. */
  unknown: number;
}

/** Facts from the inventory about the targets and their dependents. */
export interface InventoryFacts {
  /** SHA-256 of the inventory that was queried, lower-case hex. */
  sha256: string;
  /** The file that the inventory was made from. Absent: unknown. */
  source?: InventorySource;
  /** Number of rows whose id is in the inventory. */
  resolved: number;
  /** Number of rows whose id is not in the inventory. */
  unresolved: number;
  /** Size in bytes of all resolved rows whose size is known. Absent: no size is known. */
  bytes?: number;
  /** Tenants of the targets according to the inventory, and to the list where the inventory names none. */
  tenants: TenantFacts;
  /** Number of resolved rows by kind. */
  kinds: Tally;
  /** Number of resolved rows by environment. */
  environments: Tally;
  /** Number of resolved rows by life-cycle state. */
  states: Tally;
  /** Total number of things of each kind in the inventory, for the kinds in the batch. */
  population: Record<string, number>;
  /** Total number of tenants in the inventory. */
  population_tenants: number;
  /** Number of tenants in the closure of which nothing would be left. Absent: unknown. */
  tenants_gone?: number;
  /** Targets that the inventory does not know, but for another spelling. Absent: unknown. */
  near_misses?: NearMisses;
  /** Capacity pools from which the batch removes members. */
  pools: Pool[];
  /** The targets and everything that is deleted with them. */
  closure: Closure;
  /** The backups and copies that the request's evidence names. Absent: unknown. */
  evidence?: EvidenceFacts[];
}

/** The file of another tool that an inventory was made from. */
export interface InventorySource {
  /** The format of the file, for example `kubernetes`. */
  format: string;
  /** SHA-256 of the file, lower-case hex. */
  sha256: string;
  /** When the file was made, or else read. */
  taken_at?: Timestamp;
}

/** What is known of a place that the request's evidence names: a backup, its location, or a copy. */
export interface EvidenceFacts {
  /** Its name in the request. */
  name: string;
  /** Whether the inventory has a thing of that name. */
  known: boolean;
  /** Its state in the inventory. */
  state?: string;
  /** Whether something that is deleted is in the same bucket, account or host. */
  beside: boolean;
}

/** Targets whose id is not in the inventory, but is that of a thing in it in another spelling. */
export interface NearMisses {
  /** Number of these targets. */
  count: number;
  /** The first few of them. */
  examples: NearMiss[];
  /** Number of unresolved targets that were not compared, because there are too many. */
  unchecked: number;
}

/** A target whose id is nearly that of a thing in the inventory. */
export interface NearMiss {
  /** Its row. */
  row: number;
  /** Its id. */
  id: string;
  /** The id in the inventory. */
  known: string;
}

/** A group of things that together provide a capacity. */
export interface Pool {
  /** Its name. */
  name: string;
  /** Number of members now. */
  members: number;
  /** Number of members that the batch removes, counted over the closure. */
  removed: number;
  /** Number of members that it requires. Absent: the inventory does not state it. */
  minimum?: number;
}

/** Everything that is deleted with the targets: the targets, their dependents, the dependents of those, and so on. */
export interface Closure {
  /** Number of things, including the targets. */
  things: number;
  /** Number of things that are not on the list. */
  undeclared: number;
  /** Number of undeclared things by kind. */
  undeclared_kinds: Tally;
  /** A few undeclared ids. */
  examples: string[];
  /** Tenants of all things. */
  tenants: TenantFacts;
  /** Number of things by kind. */
  kinds: Tally;
  /** Number of things whose dependents are unknown. If it is not 0, every other figure here is a lower bound. */
  unknown: number;
  /** Names in the request's own evidence (backups, copies) that are in the closure, or lie inside something in it. */
  evidence: string[];
  /** Whether the search for dependents stopped at its depth limit. If so, every figure is a lower bound. */
  truncated: boolean;
}

/** Earlier deletions that are relevant to this batch. */
export interface HistoryFacts {
  /** SHA-256 of the history that was queried, lower-case hex. */
  sha256: string;
  /** Batches of this mode in this environment. */
  same_mode: Spans;
  /** Batches of this kind in this environment. */
  same_kind: Spans;
  /** Batches by this actor. */
  same_actor: Spans;
  /** The last batch of this mode in this environment. */
  last?: PastBatch;
  /** The last batch of this kind in this environment that ended. */
  kind_last?: PastBatch;
  /** Number of batches of this campaign so far. */
  campaign_batches: number;
  /** The last batch of this campaign. */
  campaign_last?: PastBatch;
}

/** What was deleted in the time before the decision. */
export interface Spans {
  /** Within an hour. */
  hour: Deleted;
  /** Within 24 hours. */
  day: Deleted;
  /** Within 30 days. */
  month: Deleted;
}

/** What was deleted within one span of time. */
export interface Deleted {
  /** Number of batches. */
  batches: number;
  /** Number of targets. */
  targets: number;
  /** Number of tenants, summed over the batches. */
  tenants: number;
  /** Size in bytes of all targets whose size is known. Absent: no size is known. */
  bytes?: number;
}

/** A batch that ran. */
export interface PastBatch {
  /** When it ended. While the batch is open: the time of the decision being made. */
  at: Timestamp;
  /** The mode in which it ran. */
  mode: Mode;
  /** Where it ran. */
  environment: string;
  /** The kind of its targets. */
  kind: string;
  /** Number of targets. */
  targets: number;
  /** Number of tenants. */
  tenants: number;
  /** Size in bytes of the targets whose size is known. Absent: no size is known. */
  bytes?: number;
  /** The campaign to which it belonged. */
  campaign?: string;
  /** Who submitted it. */
  actor?: string;
  /** Whether it succeeded. Absent: unknown. */
  succeeded?: boolean;
  /** The source of its list (`provenance.source`). */
  source?: string;
  /** The number of resources in its keep-set, if it deleted everything outside of one. */
  keep_set?: number;
}

/** How long undoing a batch would take. */
export interface Estimate {
  /** Number of tenants to restore: the upper bound that the batch can reach. */
  tenants: number;
  /** Number of restore batches, run one after another. */
  batches: number;
  /** How long all restore batches take. */
  duration: Duration;
  /** Number of tenants that a restore batch recovers. */
  tenants_per_batch: Figure<number>;
  /** How long one restore batch takes. */
  batch_duration: Figure<Duration>;
  /** Number of restore batches that run in parallel. */
  parallel_batches: Figure<number>;
}

/** A figure, and whether the request states it. */
export interface Figure<T> {
  /** The figure. */
  value: T;
  /** Whether the request states it as measured. If not, it is the figure of the Atlassian outage of April 2022. */
  measured: boolean;
}
