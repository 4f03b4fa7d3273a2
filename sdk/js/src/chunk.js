import { fromLatin1, isAscii, latin1 } from './text.js';

const NONE = [];

/** The engine hands a whole number over as a double. One that it cannot hold must not pass for another. */
function exact(value, name, row) {
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError(`${name} of row ${row} is beyond 2^53, and JavaScript cannot count that far`);
}

/** Strings end to end, decoded when the first of them is asked for. */
class Strings {
  #strings;
  #text = null;
  #ascii = false;

  constructor(strings) {
    this.#strings = strings;
  }

  get length() {
    return Math.max(this.#strings.offsets.length - 1, 0);
  }

  get(i) {
    if (this.#text === null) {
      this.#text = latin1(this.#strings.bytes);
      this.#ascii = isAscii(this.#text);
    }
    const { offsets } = this.#strings;
    const text = this.#text.slice(offsets[i], offsets[i + 1]);
    return this.#ascii ? text : fromLatin1(text);
  }
}

/** One column: a value a row. A column that the batch does not have is unknown for every row, and so is one of
 * another type than what it is asked for. */
export class Column {
  #name;
  #firstRow;
  #rows;
  #validity;
  #u64s = NONE;
  #i64s = NONE;
  #bools = NONE;
  #codes = null;
  #strings = null;
  #texts = null;

  constructor(name, chunk, column) {
    this.#name = name;
    this.#firstRow = chunk.firstRow;
    this.#rows = chunk.rows;
    this.#validity = column?.validity ?? null;
    const { tag, val } = column?.values ?? {};
    if (tag === 'u64s') this.#u64s = val;
    else if (tag === 'i64s') this.#i64s = val;
    else if (tag === 'bools') this.#bools = val;
    else if (tag === 'strings') this.#strings = new Strings(val);
    else if (tag === 'codes') this.#codes = val;
  }

  /** Judges a column of codes with one test per distinct value instead of one per row: calls `each` with the row
   * number in the chunk and `test`'s answer for its value, or null where it is unknown. */
  judge(test, each) {
    const codes = this.#codes?.values ?? NONE;
    const verdicts = this.#dictionary().map((text) => test(text));
    const validity = this.#validity;
    for (let row = 0; row < this.#rows; row++) {
      const known = validity === null || (validity[row >> 3] >> (row & 7)) & 1;
      each(row, known ? verdicts[codes[row]] ?? null : null);
    }
  }

  /** The text of row `i`; null where it is unknown. */
  text(i) {
    if (!this.#knows(i)) return null;
    if (this.#strings !== null) return i < this.#strings.length ? this.#strings.get(i) : null;
    return this.#codes === null ? null : this.#dictionary()[this.#codes.values[i]] ?? null;
  }

  /** The count or size in row `i`; null where it is unknown. */
  u64(i) {
    const value = this.#u64s[i];
    if (value === undefined || !this.#knows(i)) return null;
    // What is beyond the largest s64 arrives as a negative number.
    return exact(value < 0 ? NaN : value, this.#name, this.#firstRow + i);
  }

  /** The time in row `i` in seconds since 1970-01-01T00:00:00Z; null where it is unknown. */
  i64(i) {
    const value = this.#i64s[i];
    return value === undefined || !this.#knows(i) ? null : exact(value, this.#name, this.#firstRow + i);
  }

  /** Yes or no in row `i`; null where it is unknown. */
  bool(i) {
    const byte = this.#bools[i >> 3];
    return byte === undefined || !this.#knows(i) ? null : ((byte >> (i & 7)) & 1) === 1;
  }

  #knows(i) {
    const validity = this.#validity;
    return validity === null || ((validity[i >> 3] >> (i & 7)) & 1) === 1;
  }

  #dictionary() {
    if (this.#texts === null) {
      const strings = this.#codes === null ? null : new Strings(this.#codes.dictionary);
      this.#texts = Array.from({ length: strings?.length ?? 0 }, (_, i) => strings.get(i));
    }
    return this.#texts;
  }
}

/** A run of consecutive targets. */
export class Chunk {
  #chunk;

  constructor(chunk) {
    this.#chunk = chunk;
    this.firstRow = chunk.firstRow;
    this.rows = chunk.rows;
  }

  /** The column of that name. */
  column(name) {
    return new Column(name, this.#chunk, this.#chunk.columns.find((column) => column.name === name));
  }

  /** The row's number in the whole batch. */
  row(i) {
    return this.firstRow + i;
  }
}
