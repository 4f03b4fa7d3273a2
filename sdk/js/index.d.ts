import type { Approval, Claims, Timestamp } from './claims.js';
import type { Facts, InventoryFacts, Whole } from './facts.js';

export type * from './claims.js';
export type * from './facts.js';

/** The values of each scalar type. */
export interface Scalars {
  /** A whole number from 0 on. */
  u64: number;
  f64: number;
  bool: boolean;
  string: string;
  /** The name of a time zone, as in `Europe/Berlin`. The host checks that there is one, and `local` has its clock. */
  'time-zone': string;
}

export type Scalar = keyof Scalars;

/** The type of a setting. A list is a set: the same item twice is refused. */
export type Type = Scalar | { readonly list: Scalar } | { readonly map: Scalar };

/** The values of a type. */
export type Of<T> = T extends Scalar ? Scalars[T]
  : T extends { readonly list: infer Item extends Scalar } ? Scalars[Item][]
  : T extends { readonly map: infer Item extends Scalar } ? Record<string, Scalars[Item]>
  : never;

/** Bounds and a unit: all three of them, or none. */
export type Bounds =
  | { readonly min: number; readonly max: number; readonly unit: string }
  | { readonly min?: undefined; readonly max?: undefined; readonly unit?: undefined };

/** What an operator may change. */
export type Setting<T extends Type> = Bounds & {
  readonly type: T;
  readonly doc: string;
  readonly default: T extends { readonly list: infer Item extends Scalar } ? readonly Scalars[Item][] : Of<T>;
};

export type Settings = Readonly<Record<string, { readonly type: Type }>>;

/** Settings as a policy reads them: each given, or its default. */
export type SettingsOf<S extends Settings> = { [Name in keyof S]: Of<S[Name]['type']> };

/** One reason for which a policy may object. */
export interface Rule {
  /** Kebab-case, unique within the policy; the second half of the finding's code. */
  readonly code: string;
  /** One sentence: what is denied. */
  readonly summary: string;
  /** Why the rule exists and where its default comes from. An empty line parts paragraphs. */
  readonly explanation: string;
  /** The settings that steer it. */
  readonly settings?: readonly string[];
}

/** The bytes of the reference data of that name; null where the operator named none. */
export type Data = (name: string) => Uint8Array | null;

/** The batch as a policy sees it. */
export interface Case<S = Record<string, unknown>> {
  /** What the request says about itself. */
  readonly claims: Claims;
  /** What the host found out. */
  readonly facts: Facts;
  /** What the inventory says; null where there is no inventory. */
  readonly inventory: InventoryFacts | null;
  /** What the operator set. */
  readonly settings: S;
  readonly data: Data;
  /** Whether the targets cannot be brought back by the system itself. */
  isHard(): boolean;
  /** Picks the limit for this batch's mode. */
  byMode<T>(hard: T, soft: T): T;
  /** Whether something that was true at `at` (a time, or seconds since 1970) may be relied on: at most `most`
   * seconds old, and not in the future. */
  isFresh(at: Timestamp | number, most: number): boolean;
  /** Whether a time lies so far ahead that no clock explains it. */
  isFuture(at: Timestamp | number): boolean;
  /** What the clock in a zone shows: seconds since 1970-01-01T00:00:00 there; null where the host does not say. */
  local(zone: string): number | null;
  /** The people whose approval counts: human, not the submitter, for exactly this list in this mode with these kinds
   * and tenants, and at most `maxAge` seconds old. Nobody counts twice. */
  approvers(maxAge: number): Set<string>;
  /** Why an approval does not count; null where it does. How old it may be is for the asker to say. */
  objection(approval: Approval): Objection | null;
  /** The list that evidence has to name: this one, or the whole of which this is a wave. */
  evidence(): Whole;
}

/** One column of a chunk. What is unknown is null; so is every row of a column that the batch does not have. */
export interface Column {
  /** Judges a column of codes (`kind`, `tenant`, `environment`, `state` and their `resolved_` twins) with one test
   * per distinct value: calls `each` with the row number in the chunk and the answer for its value. */
  judge<T>(test: (text: string) => T, each: (i: number, verdict: T | null) => void): void;
  /** The text of row `i`. */
  text(i: number): string | null;
  /** The count or size in row `i`. A number beyond 2^53 is an error, for it would not be exact. */
  u64(i: number): number | null;
  /** The time in row `i` in seconds since 1970-01-01T00:00:00Z. */
  i64(i: number): number | null;
  /** Yes or no in row `i`. */
  bool(i: number): boolean | null;
  /** `text` of every row. To index what these three give is a fraction of the work of a call a row. */
  texts(): readonly (string | null)[];
  /** `u64` of every row. */
  u64s(): readonly (number | null)[];
  /** `i64` of every row. */
  i64s(): readonly (number | null)[];
}

/** A run of consecutive targets. */
export interface Chunk {
  /** Row number of the first target in the whole batch. */
  readonly firstRow: number;
  /** How many targets: 1 to 65,536. */
  readonly rows: number;
  /** The column of that name, which has to be among `columns`. Ask once a chunk, not once a row. */
  column(name: string): Column;
  /** The row's number in the whole batch. */
  row(i: number): number;
}

/** A finding being written. It counts from the moment it is begun; the rest only explains it. */
export interface Draft<Name extends PropertyKey = string> {
  /** What to do about it. */
  help(help: string): this;
  /** JSON pointer of the request field it is about. */
  field(pointer: string): this;
  /** The setting it was compared with. */
  setting(name: Name): this;
  /** The targets that offend. */
  rows(rows: Rows): this;
}

/** The findings of a policy. Each begins with `deny` or `warn` and is completed in the same expression. */
export interface Findings<Name extends PropertyKey = string> {
  /** The batch must not run. */
  deny(rule: Rule, message: string): Draft<Name>;
  /** The operator should know. */
  warn(rule: Rule, message: string): Draft<Name>;
  /** Denies a hard delete and warns of a soft one: what an unknown does. */
  denyIf(denies: boolean, rule: Rule, message: string): Draft<Name>;
}

/** A policy as its author writes it. */
export interface Definition<S extends Settings, State> {
  /** Kebab-case, unique within a policy set. */
  name: string;
  /** A semantic version. */
  version: string;
  /** One sentence. */
  summary: string;
  /** What an operator may change. */
  settings?: S & { [Name in keyof S]: Setting<S[Name]['type']> };
  /** Every rule it may report, by the name of its constant. */
  rules: Readonly<Record<string, Rule>>;
  /** The columns that `observe` wants. */
  columns?: readonly string[];
  /** Makes an empty state: numbers, strings, arrays, plain objects, maps, sets and `Rows`. */
  state?: () => State;
  /** Says what the schema of the settings cannot, by throwing `Invalid`. Runs when the policy is loaded. */
  validate?(settings: SettingsOf<S>, data: Data): void;
  /** Folds a chunk into the state. The state must come out the same however the batch is cut into chunks. */
  observe?(batch: Case<SettingsOf<S>>, state: State, chunk: Chunk): void;
  /** Adds the state of another part of the batch to `state`. */
  merge?(state: State, other: State): void;
  /** The answer: no denial means that the policy is content. */
  check(batch: Case<SettingsOf<S>>, state: State, findings: Findings<keyof S>): void;
}

declare const made: unique symbol;

/** What `policy` makes. */
export interface Policy {
  readonly [made]: true;
}

/** Makes a policy of its definition, to be the default export of `policy.js` or `policy.ts`. */
export function policy<const S extends Settings = {}, State = null>(definition: Definition<S, State>): Policy;

/** What is wrong with settings or reference data. Its text is shown as it stands; any other error is shown with its
 * type in front, for it is a mistake of the policy. */
export class Invalid extends Error {}

/** How many targets offend, and the first few of them. Adding up parts gives the same as counting in one pass. */
export class Rows {
  /** Examples kept. */
  static readonly EXAMPLES: number;
  /** How many. */
  readonly count: number;
  /** The lowest row numbers, ascending. */
  readonly examples: readonly number[];
  /** Counts the row where `offends` holds. */
  addIf(offends: boolean, row: number): void;
  /** Counts the row. Rows come in ascending order within a part. */
  add(row: number): void;
  /** Adds those of another part. */
  merge(other: Rows): void;
  /** Whether any row offends. */
  any(): boolean;
}

/** Why an approval does not count. */
export const Objection: {
  readonly NOBODY: 'it names nobody';
  readonly OWN: "it is the submitter's own";
  readonly NOT_HUMAN: 'it does not come from a human';
  readonly OTHER_LIST: 'it is for another list';
  readonly OTHER_MODE: 'it is for another mode';
  readonly OTHER_KINDS: 'it is for other kinds or counts';
  readonly OTHER_TENANTS: 'it is for another number of tenants';
};
export type Objection = (typeof Objection)[keyof typeof Objection];

/** What a text field says: null where it is absent, empty or white space. */
export function said(text: string | null | undefined): string | null;

/** Whether two kinds are the same but for their name space, their case and their plural: `AWS::S3::Buckets` is
 * `bucket`. */
export function sameKind(a: string, b: string): boolean;

/** Seconds since 1970-01-01T00:00:00Z of a time such as `2022-04-05T07:38:00Z`. */
export function seconds(time: Timestamp): number;

/** The time that many seconds after 1970-01-01T00:00:00Z. */
export function timestamp(seconds: number): Timestamp;

/** Seconds of a duration such as `P5DT12H`. */
export function durationSeconds(duration: string): number;

/** The text that these bytes are in UTF-8. The sandbox has no `TextDecoder`. */
export function utf8(bytes: Uint8Array): string;
