import type { Limit, Nature, Policy, Subject } from './index.js';

/** Reference data, as the host passes it. */
export interface Blob {
  name: string;
  bytes: Uint8Array;
}

/** Strings end to end: string `i` is `bytes[offsets[i]..offsets[i + 1]]`. */
export interface Strings {
  offsets: number[];
  bytes: Uint8Array;
}

/** A column, as the host passes it. `validity` and `bools` are bitmaps. */
export interface RawColumn {
  name: string;
  values:
    | { tag: 'strings'; val: Strings }
    | { tag: 'codes'; val: { dictionary: Strings; values: number[] } }
    | { tag: 'u64s' | 'i64s'; val: number[] }
    | { tag: 'bools'; val: Uint8Array };
  validity: Uint8Array | null;
}

/** One finding, as a record of the contract. */
export interface Finding {
  rule: string;
  severity: 'deny' | 'warn';
  nature: Nature;
  message: string;
  help: string;
  field: string | null;
  setting: string | null;
  rows: number;
  examples: number[];
}

/** One rule, as a record of the contract. */
export interface RuleRecord {
  code: string;
  summary: string;
  explanation: string;
  settings: string[];
  nature: Nature;
  subject: Subject;
  neverLifted: boolean;
}

/** The descriptor of a policy. */
export interface Descriptor {
  name: string;
  version: string;
  summary: string;
  rules: RuleRecord[];
  settingsSchema: string;
  columns: string[];
  limits: Limit[];
}

/** The exports of the contract, for native unit tests. A call that fails throws a string: the text that the host
 * receives. */
export interface World {
  describe(): Descriptor;
  validate(settings: string, data: Blob[]): void;
  begin(input: { review: string; settings: string; data: Blob[] }): void;
  observe(chunk: { firstRow: number; rows: number; columns: RawColumn[] }): void;
  save(): Uint8Array;
  merge(state: Uint8Array): void;
  finish(): Finding[];
}

export function world(policy: Policy): World;
