/**
 * The request without its targets, as a policy is handed it. What the submitter left out is absent, never null.
 * Fields may be added.
 */

export type Mode = 'soft' | 'hard';
export type ActorType = 'human' | 'automation' | 'ai-agent' | 'system' | 'unknown';

/** A point in time, for example `2022-04-05T07:38:00Z`. */
export type Timestamp = string;
/** A span of time, for example `P5DT12H`. */
export type Duration = string;

/** What the request says about itself. */
export interface Claims {
  /** A name of the submitter's choosing. */
  id: string;
  /** Whether the targets stay recoverable. */
  mode: Mode;
  /** Where the call will run, for example `production`. */
  environment: string;
  /** What every target is said to be, for example `app`. */
  target_kind: string;
  /** The destructive call. */
  operation?: Operation;
  /** Why. */
  reason?: Reason;
  /** Who. */
  actor?: Actor;
  /** Where the list of targets came from. */
  provenance?: Provenance;
  /** What a run without effect showed. */
  dry_run?: DryRun;
  /** How this could be undone. */
  recovery?: Recovery;
  /** Who agreed, and to what. */
  approvals?: Approval[];
  /** The verified copy, where data is deleted because it was moved. */
  migration?: Migration;
  /** When. */
  schedule?: Schedule;
  /** Who was told. */
  notice?: Notice;
  /** The series of batches this one belongs to. */
  campaign?: string;
  /** Free form. */
  annotations?: Record<string, unknown>;
}

export interface Operation {
  /** The verb of the call, for example `delete`. */
  verb?: string;
  /** Whether the call takes dependents along. */
  cascade?: boolean;
  /** A filter, pattern or path that the call itself expands. Absent: it takes the listed ids and nothing else. */
  selector?: string;
}

export interface Reason {
  /** The legal basis, for example `gdpr-17`. */
  basis?: string;
  /** In words. */
  text?: string;
  /** The change or ticket. */
  ticket?: string;
  /** What set the deletion off. */
  trigger?: 'request' | 'expiry' | 'disuse' | 'retention' | 'migration';
  /** Whether somebody chose the value that set it off. */
  trigger_source?: 'explicit' | 'default';
}

export interface Actor {
  /** An account name. */
  id?: string;
  type?: ActorType;
  /** The person an automation or agent acts for. */
  on_behalf_of?: string;
  /** The credential the destructive call will use. */
  credential?: {
    /** What it was issued for, for example `deletion`. */
    purpose?: string;
    /** Where it is valid. */
    environment?: string;
  };
}

export interface Provenance {
  /** The system asked, for example `cmdb`. */
  source?: string;
  /** The question put to it. */
  query?: string;
  /** How the list was chosen. */
  selection?: 'explicit' | 'filter' | 'complement' | 'all';
  /** Whether the answer was read to its end. */
  complete?: boolean;
  /** What the ids identify, as the source has it. */
  id_kind?: string;
  /** Rows in the list. */
  row_count?: number;
  /** Rows the source holds for the question. */
  source_total?: number;
  /** Rows a page of the source holds. */
  page_size?: number;
  /** Digest of the list. */
  sha256?: string;
  /** When the list was read. */
  extracted_at?: Timestamp;
  /** By whom. */
  extracted_by?: string;
  /** Digest of the program that read it. */
  program_sha256?: string;
  /** What is to stay, where the list is everything else. */
  keep_set?: {
    /** How many there are. */
    count?: number;
    /** How many there were the last time. */
    previous_count?: number;
    /** When they were counted. */
    observed_at?: Timestamp;
  };
}

export interface DryRun {
  /** When it ran. */
  at?: Timestamp;
  /** The list it ran over. */
  targets_sha256?: string;
  /** Where it ran. */
  environment?: string;
  /** How many targets it would have deleted. */
  count?: number;
  /** The same by kind. */
  by_kind?: Record<string, number>;
  /** A few ids. */
  sample?: string[];
}

export interface Recovery {
  /** Days for which a soft-deleted target can be brought back. */
  soft_delete_days?: number;
  /** Backups. */
  checkpoints?: Checkpoint[];
  /** What restoring takes. */
  restore?: Restore;
}

export interface Checkpoint {
  /** Its name. */
  id?: string;
  /** When it was finished. */
  completed_at?: Timestamp;
  /** Whether it was read back. */
  verified?: boolean;
  /** The list of targets it covers. */
  covers_sha256?: string;
  /** Where it is kept. */
  location?: string;
  /** Until when nobody can delete it. */
  immutable_until?: Timestamp;
}

export interface Restore {
  /** What one restore brings back, for example `tenant`. */
  granularity?: string;
  /** When it was last tried. */
  tested_at?: Timestamp;
  /** How many tenants that trial brought back. */
  tested_scale?: number;
  /** Tenants that one restore batch brings back. */
  tenants_per_batch?: number;
  /** How long a restore batch takes. */
  batch_duration?: Duration;
  /** How many run side by side. */
  parallel_batches?: number;
}

/** One approval, bound to what was approved. */
export interface Approval {
  /** Who. */
  by?: string;
  type?: ActorType;
  /** When. */
  at?: Timestamp;
  /** The list that was approved. */
  targets_sha256?: string;
  /** The mode that was approved. */
  mode?: Mode;
  /** How many targets of which kind were approved. */
  kinds?: Record<string, number>;
  /** How many tenants were approved. */
  tenants?: number;
}

export interface Migration {
  /** Where the copy is. */
  copy?: string;
  /** The share of the data that was compared with its copy, 0 to 1. */
  verified_fraction?: number;
  /** When it was compared. */
  verified_at?: Timestamp;
  /** Until when the source is kept. */
  source_hold_until?: Timestamp;
}

export interface Schedule {
  /** Not after this time. */
  expires_at?: Timestamp;
  /** Not before this time. */
  not_before?: Timestamp;
  /** Whether a change freeze is on. */
  freeze?: boolean;
}

export interface Notice {
  /** When the owners of the targets were told. */
  owners_notified_at?: Timestamp;
  /** How many of them objected. */
  opt_outs?: number;
}
