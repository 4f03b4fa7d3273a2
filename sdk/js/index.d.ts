import type { Approval, Claims, Timestamp } from './claims.js';
import type { Facts, InventoryFacts, Signature, Whole } from './facts.js';

export type * from './claims.js';
export type * from './facts.js';

/** The value of each scalar type. */
export interface Scalars {
  /** An integer, 0 or greater. */
  u64: number;
  f64: number;
  bool: boolean;
  string: string;
  /** The name of a time zone, such as `Europe/Berlin`. The host checks that the zone exists, and `local` returns its
   * local time. */
  'time-zone': string;
}

export type Scalar = keyof Scalars;

/** The type of a setting. A list is a set: the host rejects duplicate items. */
export type SettingType = Scalar | { readonly list: Scalar } | { readonly map: Scalar };

/** The value of a type. */
export type ValueOf<T> = T extends Scalar ? Scalars[T]
  : T extends { readonly list: infer Item extends Scalar } ? Scalars[Item][]
  : T extends { readonly map: infer Item extends Scalar } ? Record<string, Scalars[Item]>
  : never;

/** Bounds, both inclusive, and a unit: all three or none. */
export type Bounds =
  | { readonly min: number; readonly max: number; readonly unit: string }
  | { readonly min?: undefined; readonly max?: undefined; readonly unit?: undefined };

/** What an operator may change. */
export type Setting<T extends SettingType> = Bounds & {
  readonly type: T;
  readonly doc: string;
  readonly default: T extends { readonly list: infer Item extends Scalar } ? readonly Scalars[Item][] : ValueOf<T>;
};

export type Settings = Readonly<Record<string, { readonly type: SettingType }>>;

/** Settings as a policy reads them. A setting that the operator does not set has its default. */
export type SettingsOf<S extends Settings> = { [Name in keyof S]: ValueOf<S[Name]['type']> };

/** The nature of a finding. `wrong`: something contradicts. `missing`: something that the rule asks for was not shown.
 * A report shows `wrong` first and in full, and `missing` as a checklist. */
export type Nature = 'wrong' | 'missing';

/**
 * What a finding is about, and so what clears it.
 *
 * - `request`: the request as a whole: its evidence, its mode, its time. Correct the request.
 * - `size`: the size of the batch. A smaller batch may pass, and `reprieve split` makes one.
 * - `ids`: ids that are blank or duplicated. `reprieve split` excludes these rows.
 * - `targets`: single targets, whatever else is in the batch. `reprieve split` excludes the rows that are reported.
 */
export type Subject = 'request' | 'size' | 'ids' | 'targets';

/**
 * What a setting limits.
 *
 * - `tenants-hard`, `tenants-soft`: the number of tenants that a hard or a soft delete may reach.
 * - `canary-share`: the share of all tenants that the first batch of a campaign may reach, in percent.
 * - `canary-tenants`: the number of tenants that the first batch of a campaign may reach.
 * - `growth`: how many times as many tenants as the batch before a batch may reach.
 */
export type Measure = 'tenants-hard' | 'tenants-soft' | 'canary-share' | 'canary-tenants' | 'growth';

/** A setting that limits the size of a batch. `reprieve split` keeps to it. */
export interface Limit<Name extends PropertyKey = string> {
  /** What it limits. A policy declares at most one limit for each measure. */
  readonly measure: Measure;
  /** The name of the setting, which is a number. */
  readonly setting: Name;
}

/** One reason for which a policy may object. */
export interface Rule {
  /** Kebab-case, unique within the policy; the second half of the finding's code. */
  readonly code: string;
  /** One sentence: what is denied. */
  readonly summary: string;
  /** Why the rule exists and where its default comes from. A blank line separates paragraphs. */
  readonly explanation: string;
  /** The settings that control it. */
  readonly settings?: readonly string[];
  /** The nature of its findings, unless a finding has another. Default: `wrong`. */
  readonly nature?: Nature;
  /** What its findings are about. Default: `request`. */
  readonly subject?: Subject;
  /** Whether no override may lift its findings. Default: false. */
  readonly neverLifted?: boolean;
}

/** Returns the bytes of the reference data of that name; null if the operator did not name it under `data`. */
export type Data = (name: string) => Uint8Array | null;

/** The batch as a policy sees it. */
export interface Context<S = Record<string, unknown>> {
  /** What the request claims. */
  readonly claims: Claims;
  /** What the host computed or looked up. */
  readonly facts: Facts;
  /** The facts from the inventory; null if there is no inventory. */
  readonly inventory: InventoryFacts | null;
  /** What the operator set. */
  readonly settings: S;
  /** The reference data. */
  readonly data: Data;
  /** Whether this is a hard delete: the system itself cannot restore the targets. */
  isHard(): boolean;
  /** Whether this is a soft delete. What is unknown warns then; it denies a hard delete and a disabling. */
  isSoft(): boolean;
  /** Returns `soft` for a soft delete, and else `strict`. */
  byMode<T>(strict: T, soft: T): T;
  /** Whether evidence from `at` (a time, or seconds since 1970) is still valid: at most `maxAge` seconds old, and not
   * in the future. */
  isFresh(at: Timestamp | number, maxAge: number): boolean;
  /** Whether a time lies further in the future than clock skew explains. */
  isFuture(at: Timestamp | number): boolean;
  /** The local time in a zone, in seconds since 1970-01-01T00:00:00 there; null if the host did not supply it. */
  local(zone: string): number | null;
  /** The people whose approval counts: human, not the submitter, for exactly this list in this mode with these kinds
   * and tenants, and at most `maxAge` seconds old. Sorted, each once; ASCII case is ignored. */
  approvers(maxAge: number): Set<string>;
  /** Why an approval does not count; null if it does. Does not check its age. */
  approvalIssue(approval: Approval): ApprovalIssue | null;
  /** What the host found out about the token of what is at a place of the request, for example `/approvals/0`; null if it
   * has no token. */
  signature(field: string): Signature | null;
  /** Why the signature of the dry run or of a backup, or the lack of one, keeps it from counting; null if it counts. */
  attestationIssue(field: string, token?: string): string | null;
  /** The list that evidence must name: this list, or the whole list if this batch is a wave of it. */
  evidence(): Whole;
}

/** One column of a chunk. An unknown value is null. Every row is unknown if the batch does not have the column, or if
 * the column is of another type. */
export interface Column {
  /** For a column of codes (`kind`, `tenant`, `environment`, `state` and their `resolved_` counterparts): calls `test`
   * once per distinct text, and `each` once per row, with the row number in the chunk and the result of `test` for its
   * text, or null if the text is unknown. */
  mapDistinct<T>(test: (text: string) => T, each: (i: number, result: T | null) => void): void;
  /** The text in row `i`. */
  text(i: number): string | null;
  /** The count or size in row `i`. A number beyond 2^53 is an error, because it would not be exact. */
  u64(i: number): number | null;
  /** The time in row `i` in seconds since 1970-01-01T00:00:00Z. */
  i64(i: number): number | null;
  /** The truth value in row `i`. */
  bool(i: number): boolean | null;
  /** The texts of all rows. Indexing this array costs a fraction of one call per row. */
  texts(): readonly (string | null)[];
  /** The counts or sizes of all rows. */
  u64s(): readonly (number | null)[];
  /** The times of all rows. */
  i64s(): readonly (number | null)[];
}

/** A run of consecutive targets. */
export interface Chunk {
  /** The row number of the first target in the whole batch. */
  readonly firstRow: number;
  /** The number of targets: 1 to 65,536. */
  readonly rows: number;
  /** The column of that name, which must be in `columns`. Call this once per chunk, not once per row. */
  column(name: string): Column;
  /** The row number in the whole batch. */
  row(i: number): number;
}

/** Completes a finding. The finding counts from the moment it is started; the rest only explains it. */
export interface FindingBuilder<Name extends PropertyKey = string> {
  /** What to do about it. */
  help(help: string): this;
  /** JSON pointer of the request field that it is about. */
  field(pointer: string): this;
  /** The setting that it was compared with. */
  setting(name: Name): this;
  /** The offending targets. */
  rows(rows: Rows): this;
  /** Something contradicts, whatever the nature of the rule. */
  wrong(): this;
  /** Something is missing, whatever the nature of the rule. */
  missing(): this;
}

/** The findings of a policy. Each is started by `deny`, `warn` or `denyIf`, and completed in the same expression. */
export interface Findings<Name extends PropertyKey = string> {
  /** Denies: the batch must not run. */
  deny(rule: Rule, message: string): FindingBuilder<Name>;
  /** Warns: the finding is shown and does not change the decision. */
  warn(rule: Rule, message: string): FindingBuilder<Name>;
  /** Denies if `denies` holds, and warns otherwise. Use it for unknowns: deny a hard delete, warn of a soft one. */
  denyIf(denies: boolean, rule: Rule, message: string): FindingBuilder<Name>;
}

/** The definition of a policy. */
export interface Definition<S extends Settings, State> {
  /** Kebab-case, unique within a policy set. */
  name: string;
  /** A semantic version. */
  version: string;
  /** One sentence. */
  summary: string;
  /** What an operator may change. */
  settings?: S & { [Name in keyof S]: Setting<S[Name]['type']> };
  /** Every rule that it may report, by the name of its constant. */
  rules: Readonly<Record<string, Rule>>;
  /** The settings that limit the size of a batch, at most one for each measure. */
  limits?: readonly Limit<keyof S>[];
  /** The columns that `observe` reads. Without columns, `observe` is never called. */
  columns?: readonly string[];
  /** Returns an empty state: numbers, strings, arrays, plain objects, maps, sets and `Rows`. */
  state?: () => State;
  /** Checks what the schema of the settings cannot. Throws `Invalid`. Runs when the policy is loaded. */
  validate?(settings: SettingsOf<S>, data: Data): void;
  /** Folds a chunk into the state. The state must not depend on how the batch is cut into chunks. */
  observe?(context: Context<SettingsOf<S>>, state: State, chunk: Chunk): void;
  /** Adds the state of another part of the batch to `state`. */
  merge?(state: State, other: State): void;
  /** Reports the findings. Without a denial the policy passes the batch. */
  check(context: Context<SettingsOf<S>>, state: State, findings: Findings<keyof S>): void;
}

declare const brand: unique symbol;

/** A policy, created by `policy`. */
export interface Policy {
  readonly [brand]: true;
}

/** Creates a policy from its definition, to be the default export of `policy.js` or `policy.ts`. */
export function policy<const S extends Settings = {}, State = null>(definition: Definition<S, State>): Policy;

/** Invalid settings or reference data. The operator reads its message as written: name the setting or the data, and
 * what to do. Any other error is a mistake in the policy, and is shown with its type and its location. */
export class Invalid extends Error {}

/** The number of offending targets, and the first few of them. Merging parts is equal to counting in one pass. */
export class Rows {
  /** How many examples are kept. */
  static readonly MAX_EXAMPLES: number;
  /** The number of offending targets. */
  readonly count: number;
  /** The lowest row numbers, ascending. */
  readonly examples: readonly number[];
  /** Counts the row if `offends` holds. */
  addIf(offends: boolean, row: number): void;
  /** Counts the row. Within a part, add rows in ascending order. */
  add(row: number): void;
  /** Adds the rows of another part. */
  merge(other: Rows): void;
  /** Whether any row offends. */
  any(): boolean;
}

/** Why an approval does not count. */
export const ApprovalIssue: {
  readonly NOBODY: 'it names nobody';
  readonly OWN: "it is the submitter's own";
  readonly AUTHOR: 'it is by the author of the list';
  readonly BAD_TOKEN: 'its token does not show that the approver made it';
  readonly NOT_SIGNED: 'it is not signed, and only signed approvals count';
  readonly NOT_HUMAN: 'it does not come from a human';
  readonly OTHER_LIST: 'it is for another list';
  readonly OTHER_MODE: 'it is for another mode';
  readonly OTHER_KINDS: 'it is for other kinds or counts';
  readonly OTHER_TENANTS: 'it is for another number of tenants';
  readonly OTHER_PROGRAM: 'it is for another program';
};
export type ApprovalIssue = (typeof ApprovalIssue)[keyof typeof ApprovalIssue];

/** The text without surrounding white space; null if it is absent, blank, or a word for nothing such as `null` or `n/a`. */
export function nonBlank(text: string | null | undefined): string | null;

/** Whether a kind is one of those that `name` names: its last words are the words of `name`, whatever the case, and the
 * last word may be a plural. `aws_rds_cluster`, `AWS::RDS::DBCluster` and `Clusters` are each a `cluster`. Only ASCII
 * letters are compared without case. */
export function sameKind(name: string, kind: string): boolean;

/** Seconds since 1970-01-01T00:00:00Z of a time such as `2022-04-05T07:38:00Z`. */
export function seconds(time: Timestamp): number;

/** The time from seconds since 1970-01-01T00:00:00Z. */
export function timestamp(seconds: number): Timestamp;

/** Seconds of a duration such as `P5DT12H`. */
export function durationSeconds(duration: string): number;

/** Decodes UTF-8. Throws a `URIError` if the bytes are not UTF-8. The sandbox has no `TextDecoder`. */
export function utf8(bytes: Uint8Array): string;
