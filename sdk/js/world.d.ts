import type { Policy } from './index.js';

/** Reference data as the host hands it over. */
export interface Blob {
  name: string;
  bytes: Uint8Array;
}

/** Strings end to end: string `i` is `bytes[offsets[i]..offsets[i + 1]]`. */
export interface Strings {
  offsets: number[];
  bytes: Uint8Array;
}

/** A column as the host hands it over; `validity` and `bools` are bitmaps. */
export interface RawColumn {
  name: string;
  values:
    | { tag: 'strings'; val: Strings }
    | { tag: 'codes'; val: { dictionary: Strings; values: number[] } }
    | { tag: 'u64s' | 'i64s'; val: number[] }
    | { tag: 'bools'; val: Uint8Array };
  validity: Uint8Array | null;
}

/** One objection as it goes to the host. */
export interface Finding {
  rule: string;
  severity: 'deny' | 'warn';
  message: string;
  help: string;
  field: string | null;
  setting: string | null;
  rows: number;
  examples: number[];
}

/** What a policy says of itself. */
export interface Descriptor {
  name: string;
  version: string;
  summary: string;
  rules: { code: string; summary: string; explanation: string; settings: string[] }[];
  settingsSchema: string;
  columns: string[];
}

/** The exports of the contract, for native unit tests. What fails throws a string: the text that the host gets. */
export interface World {
  describe(): Descriptor;
  validate(settings: string, data: Blob[]): void;
  open(input: { review: string; settings: string; data: Blob[] }): void;
  observe(chunk: { firstRow: number; rows: number; columns: RawColumn[] }): void;
  save(): Uint8Array;
  merge(state: Uint8Array): void;
  finish(): Finding[];
}

export function world(policy: Policy): World;
