/**
 * The request without its targets, as a policy receives it. A field that the submitter left out is absent, never null.
 * Fields may be added.
 */

export type Mode = 'soft' | 'hard' | 'disable';
export type ActorType = 'human' | 'automation' | 'ai-agent' | 'system' | 'unknown';

/** A point in time, for example `2022-04-05T07:38:00Z`. */
export type Timestamp = string;
/** A span of time, for example `P5DT12H`. */
export type Duration = string;

/** The request without its targets, as submitted. */
export interface Claims {
  /** A name that the submitter chooses. */
  id: string;
  /** Whether the targets remain recoverable. */
  mode: Mode;
  /** The environment in which the call will run, for example `production`. */
  environment: string;
  /** The claimed kind of every target, for example `app`. */
  target_kind: string;
  /** The destructive call. */
  operation?: Operation;
  /** Why the batch is to be deleted. */
  reason?: Reason;
  /** Who submits the batch. */
  actor?: Actor;
  /** Where the list of targets came from. */
  provenance?: Provenance;
  /** The result of a dry run. */
  dry_run?: DryRun;
  /** How the deletion could be undone. */
  recovery?: Recovery;
  /** Who approved the batch, and what exactly was approved. */
  approvals?: Approval[];
  /** The verified copy, if data is deleted because it was moved. */
  migration?: Migration;
  /** When the batch may run. */
  schedule?: Schedule;
  /** Who was notified. */
  notice?: Notice;
  /** The series of batches to which this one belongs. */
  campaign?: string;
  /** Any JSON values, for an operator's own policies. */
  annotations?: Record<string, unknown>;
}

/** The destructive call. */
export interface Operation {
  /** The verb of the call, for example `delete`. */
  verb?: string;
  /** Whether the call deletes dependents as well. */
  cascade?: boolean;
  /** A filter, pattern or path that the call itself expands. Absent: the call deletes the listed ids and nothing
   * else. */
  selector?: string;
  by?: "ids" | "selector";
  /** SHA-256 of the program that makes the call, lower-case hex. */
  program_sha256?: string;
  /** Kinds of which the batch is meant to delete everything there is. */
  all_of?: string[];
}

/** Why the batch is to be deleted. */
export interface Reason {
  /** The legal basis, for example `gdpr-17`. */
  basis?: string;
  /** An explanation in words. */
  text?: string;
  /** The change request or ticket. */
  ticket?: string;
  /** What triggered the deletion. */
  trigger?: 'request' | 'expiry' | 'disuse' | 'retention' | 'migration';
  /** Whether the value behind the trigger was chosen or is a default. */
  trigger_source?: 'explicit' | 'default';
}

/** Who submits the batch. */
export interface Actor {
  /** An account name. */
  id?: string;
  /** The kind of actor. */
  type?: ActorType;
  /** The person for whom an automation or agent acts. */
  on_behalf_of?: string;
  /** The credential that the destructive call will use. */
  credential?: {
    /** The purpose for which it was issued, for example `deletion`. */
    purpose?: string;
    /** The environment in which it is valid. */
    environment?: string;
  };
}

/** Where the list of targets came from. */
export interface Provenance {
  /** The system that was queried, for example `cmdb`. */
  source?: string;
  /** The query. */
  query?: string;
  /** How the list was chosen. */
  selection?: 'explicit' | 'filter' | 'complement' | 'all';
  /** Whether the result was read to its end. */
  complete?: boolean;
  /** The kind that the ids identify, according to the source. */
  id_kind?: string;
  /** Number of rows in the list. */
  row_count?: number;
  /** Number of rows that the source has for the query. */
  source_total?: number;
  /** Number of rows in a page of the source. */
  page_size?: number;
  /** SHA-256 of the list, lower-case hex. */
  sha256?: string;
  /** SHA-256 of the file that the list was made from, lower-case hex: a plan, an export. Without such a file: of the list. */
  source_sha256?: string;
  /** When the list was extracted. */
  extracted_at?: Timestamp;
  /** Who extracted it. */
  extracted_by?: string;
  /** SHA-256 of the program that extracted it. */
  program_sha256?: string;
  /** The things to keep, if the list is everything else. */
  keep_set?: {
    /** Number of things to keep. */
    count?: number;
    /** Number of things to keep the time before. */
    previous_count?: number;
    /** When they were counted. */
    observed_at?: Timestamp;
  };
  /** The look-ups, if the list is what was not found. A look-up that failed is not an absence. */
  lookups?: {
    /** Number of things that were asked for. */
    asked?: number;
    /** Number of answers, whether the thing was found or not. */
    answered?: number;
    /** Number of look-ups without an answer. */
    failed?: number;
  };
}

/** A run of the same program over the same list that deleted nothing. */
export interface DryRun {
  /** When it ran. */
  at?: Timestamp;
  /** SHA-256 of the list over which it ran. */
  targets_sha256?: string;
  /** The environment in which it ran. */
  environment?: string;
  /** Number of targets that it would have deleted. */
  count?: number;
  /** The same number by kind. */
  by_kind?: Record<string, number>;
  /** A few ids. */
  sample?: string[];
  /** SHA-256 of the program that ran, lower-case hex. */
  program_sha256?: string;
  /** A JSON Web Token by which somebody signed the other fields (`reprieve attest dry-run --key`). */
  token?: string;
}

/** How the deletion could be undone. */
export interface Recovery {
  /** Days for which a soft-deleted target can be recovered. */
  soft_delete_days?: number;
  /** The backups. */
  checkpoints?: Checkpoint[];
  /** What a restore takes. */
  restore?: Restore;
}

/** A backup. */
export interface Checkpoint {
  /** Its name. */
  id?: string;
  /** When it was completed. */
  completed_at?: Timestamp;
  /** Whether it was read back and verified. */
  verified?: boolean;
  /** SHA-256 of the list of targets that it covers. */
  covers_sha256?: string;
  /** Where it is kept. */
  location?: string;
  /** The time until which it cannot be deleted. */
  immutable_until?: Timestamp;
  /** A JSON Web Token by which somebody signed the other fields (`reprieve attest backup --key`). */
  token?: string;
}

/** What a restore takes, as measured. */
export interface Restore {
  /** What one restore recovers, for example `tenant`. */
  granularity?: string;
  /** When it was last tested. */
  tested_at?: Timestamp;
  /** Number of tenants that the test restored. */
  tested_scale?: number;
  /** Number of tenants that one restore batch recovers. */
  tenants_per_batch?: number;
  /** How long a restore batch takes. */
  batch_duration?: Duration;
  /** Number of restore batches that run in parallel. */
  parallel_batches?: number;
}

/** One approval, bound to what was approved. */
export interface Approval {
  /** Who approved. */
  by?: string;
  /** The kind of approver. */
  type?: ActorType;
  /** When it was approved. */
  at?: Timestamp;
  /** SHA-256 of the list that was approved. */
  targets_sha256?: string;
  /** The mode that was approved. */
  mode?: Mode;
  /** Number of targets of each kind that were approved. */
  kinds?: Record<string, number>;
  /** Number of tenants that were approved. */
  tenants?: number;
  /** SHA-256 of the program that was approved, lower-case hex. */
  program_sha256?: string;
  /** A JSON Web Token by which the approver signed the other fields. */
  token?: string;
}

/** The verified copy, if data is deleted because it was moved. */
export interface Migration {
  /** Where the copy is. */
  copy?: string;
  /** The fraction of the data that was compared with its copy, 0 to 1. */
  verified_fraction?: number;
  /** When it was compared. */
  verified_at?: Timestamp;
  /** The time until which the source is kept. */
  source_hold_until?: Timestamp;
}

/** When the batch may run. */
export interface Schedule {
  /** Not after this time. */
  expires_at?: Timestamp;
  /** Not before this time. */
  not_before?: Timestamp;
  /** Whether a change freeze is in force. */
  freeze?: boolean;
}

/** Who was notified. */
export interface Notice {
  /** When the owners of the targets were notified. */
  owners_notified_at?: Timestamp;
  /** Number of owners who objected. */
  opt_outs?: number;
}
