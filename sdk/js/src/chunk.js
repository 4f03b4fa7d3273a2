import { MAX_ARGUMENTS, allStrings, stringAt } from './text.js';

const EMPTY = [];

/** Replaces unknown values with null, in place: the array came with the call and has no other owner. */
function withNulls(values, validity, rows) {
  if (validity === null) return values;
  for (let at = 0; at < validity.length; at++) {
    // Most bytes are eight known rows, so the inner loop rarely runs.
    for (let unknown = validity[at] ^ 0xff; unknown !== 0; unknown &= unknown - 1) {
      const i = at * 8 + 31 - Math.clz32(unknown & -unknown);
      if (i < rows) values[i] = null;
    }
  }
  return values;
}

/** Rejects numbers that are not exact. The engine passes 64-bit integers as doubles, so a number beyond 2^53 may have
 * been rounded, and one beyond the largest s64 arrives as a negative number. */
function requireExact(values, name) {
  for (let i = 0; i < values.length; i += MAX_ARGUMENTS) {
    const run = values.slice(i, i + MAX_ARGUMENTS);
    if (Math.min.apply(null, run) < 0 || Math.max.apply(null, run) > Number.MAX_SAFE_INTEGER) {
      throw new RangeError(`the column \`${name}\` has a number beyond 2^53, which is not exact in JavaScript`);
    }
  }
  return values;
}

/** One column: one value per row. Every row is unknown if the batch does not have the column, or if the column is of
 * another type than the method reads. */
export class Column {
  #rows;
  #validity;
  #u64s = EMPTY;
  #i64s = EMPTY;
  #bools = EMPTY;
  #strings = null;
  #dictionary = EMPTY;
  #codes = EMPTY;

  constructor(name, rows, column) {
    this.#rows = rows;
    this.#validity = column?.validity ?? null;
    const { tag, val } = column?.values ?? {};
    if (tag === 'u64s') this.#u64s = withNulls(requireExact(val, name), this.#validity, rows);
    if (tag === 'i64s') this.#i64s = withNulls(val, this.#validity, rows);
    if (tag === 'bools') this.#bools = val;
    if (tag === 'strings') this.#strings = val;
    if (tag === 'codes') {
      this.#dictionary = allStrings(val.dictionary);
      this.#codes = withNulls(val.values, this.#validity, rows);
    }
  }

  /** For a column of codes: calls `test` once per distinct text, and `each` once per row, with the row number in the
   * chunk and the result of `test` for its text, or null if the text is unknown. */
  mapDistinct(test, each) {
    const [codes, results, rows] = [this.#codes, this.#dictionary.map((text) => test(text)), this.#rows];
    for (let i = 0; i < rows; i++) each(i, results[codes[i]] ?? null);
  }

  /** The text in row `i`; null if it is unknown. */
  text(i) {
    if (this.#strings === null) return this.#dictionary[this.#codes[i]] ?? null;
    return this.#isKnown(i) ? stringAt(this.#strings, i) : null;
  }

  /** The count or size in row `i`; null if it is unknown. */
  u64(i) {
    return this.#u64s[i] ?? null;
  }

  /** The time in row `i` in seconds since 1970-01-01T00:00:00Z; null if it is unknown. */
  i64(i) {
    return this.#i64s[i] ?? null;
  }

  /** The truth value in row `i`; null if it is unknown. */
  bool(i) {
    const byte = this.#bools[i >> 3];
    return byte === undefined || !this.#isKnown(i) ? null : ((byte >> (i & 7)) & 1) === 1;
  }

  /** The texts of all rows. Indexing this array costs a fraction of one call per row. */
  texts() {
    if (this.#strings !== null) return withNulls(allStrings(this.#strings), this.#validity, this.#rows);
    const [codes, dictionary] = [this.#all(this.#codes), this.#dictionary];
    return codes.map((code) => dictionary[code] ?? null);
  }

  /** The counts or sizes of all rows. */
  u64s() {
    return this.#all(this.#u64s);
  }

  /** The times of all rows. */
  i64s() {
    return this.#all(this.#i64s);
  }

  #all(values) {
    return values === EMPTY ? new Array(this.#rows).fill(null) : values;
  }

  #isKnown(i) {
    const validity = this.#validity;
    return validity === null || ((validity[i >> 3] >> (i & 7)) & 1) === 1;
  }
}

/** A run of consecutive targets. */
export class Chunk {
  #columns = new Map();
  #requested;

  /** `requested` names all columns that the policy requests; `columns` has those of them that this batch has. */
  constructor({ firstRow, rows, columns }, requested) {
    this.#requested = requested;
    this.firstRow = firstRow;
    this.rows = rows;
    for (const column of columns) this.#columns.set(column.name, column);
  }

  /** The column of that name. Call this once per chunk, not once per row. */
  column(name) {
    const column = this.#columns.get(name);
    if (column instanceof Column) return column;
    // A column that was not requested would be unknown in every batch, which is never what the author meant.
    if (!this.#requested.includes(name)) {
      throw new TypeError(`the column \`${name}\` is not in \`columns\`: ${this.#requested.join(', ')}`);
    }
    const decoded = new Column(name, this.rows, column);
    this.#columns.set(name, decoded);
    return decoded;
  }

  /** The row number in the whole batch. */
  row(i) {
    return this.firstRow + i;
  }
}
