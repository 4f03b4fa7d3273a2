import { allStrings, stringAt } from './text.js';

const NONE = [];

/** Arguments that one call takes without growing the stack. */
const RUN = 1024;

/** Puts null in place of what is unknown. The array came with the call and belongs to nobody else. */
function withNulls(values, validity, rows) {
  if (validity === null) return values;
  for (let at = 0; at < validity.length; at++) {
    // Most bytes are eight known rows, and have no bit to take.
    for (let unknown = validity[at] ^ 0xff; unknown !== 0; unknown &= unknown - 1) {
      const i = at * 8 + 31 - Math.clz32(unknown & -unknown);
      if (i < rows) values[i] = null;
    }
  }
  return values;
}

/** The engine hands a whole number over as a double. One that a double cannot hold must not pass for its neighbour;
 * what is beyond the largest s64 arrives as a negative number. */
function exact(values, name) {
  for (let i = 0; i < values.length; i += RUN) {
    const run = values.slice(i, i + RUN);
    if (Math.min.apply(null, run) < 0 || Math.max.apply(null, run) > Number.MAX_SAFE_INTEGER) {
      throw new RangeError(`${name} holds a number beyond 2^53, and JavaScript cannot count that far`);
    }
  }
  return values;
}

/** One column: a value a row. A column that the batch does not have is unknown for every row, and so is one of
 * another type than what it is asked for. */
export class Column {
  #rows;
  #validity;
  #u64s = NONE;
  #i64s = NONE;
  #bools = NONE;
  #strings = null;
  #dictionary = NONE;
  #codes = NONE;

  constructor(name, rows, column) {
    this.#rows = rows;
    this.#validity = column?.validity ?? null;
    const { tag, val } = column?.values ?? {};
    if (tag === 'u64s') this.#u64s = withNulls(exact(val, name), this.#validity, rows);
    if (tag === 'i64s') this.#i64s = withNulls(val, this.#validity, rows);
    if (tag === 'bools') this.#bools = val;
    if (tag === 'strings') this.#strings = val;
    if (tag === 'codes') {
      this.#dictionary = allStrings(val.dictionary);
      this.#codes = withNulls(val.values, this.#validity, rows);
    }
  }

  /** Judges a column of codes with one test per distinct value instead of one per row: calls `each` with the row
   * number in the chunk and `test`'s answer for its value, or null where it is unknown. */
  judge(test, each) {
    const [codes, verdicts, rows] = [this.#codes, this.#dictionary.map((text) => test(text)), this.#rows];
    for (let i = 0; i < rows; i++) each(i, verdicts[codes[i]] ?? null);
  }

  /** The text of row `i`; null where it is unknown. */
  text(i) {
    if (this.#strings === null) return this.#dictionary[this.#codes[i]] ?? null;
    return this.#knows(i) ? stringAt(this.#strings, i) : null;
  }

  /** The count or size in row `i`; null where it is unknown. */
  u64(i) {
    return this.#u64s[i] ?? null;
  }

  /** The time in row `i` in seconds since 1970-01-01T00:00:00Z; null where it is unknown. */
  i64(i) {
    return this.#i64s[i] ?? null;
  }

  /** Yes or no in row `i`; null where it is unknown. */
  bool(i) {
    const byte = this.#bools[i >> 3];
    return byte === undefined || !this.#knows(i) ? null : ((byte >> (i & 7)) & 1) === 1;
  }

  /** `text` of every row. To index what these three give is a fraction of the work of a call a row. */
  texts() {
    if (this.#strings !== null) return withNulls(allStrings(this.#strings), this.#validity, this.#rows);
    const [codes, dictionary] = [this.#all(this.#codes), this.#dictionary];
    return codes.map((code) => dictionary[code] ?? null);
  }

  /** `u64` of every row. */
  u64s() {
    return this.#all(this.#u64s);
  }

  /** `i64` of every row. */
  i64s() {
    return this.#all(this.#i64s);
  }

  #all(values) {
    return values === NONE ? new Array(this.#rows).fill(null) : values;
  }

  #knows(i) {
    const validity = this.#validity;
    return validity === null || ((validity[i >> 3] >> (i & 7)) & 1) === 1;
  }
}

/** A run of consecutive targets. */
export class Chunk {
  #columns = new Map();
  #asked;

  /** `asked` names all columns that the policy wants, of which `columns` has those that this batch has. */
  constructor({ firstRow, rows, columns }, asked) {
    this.#asked = asked;
    this.firstRow = firstRow;
    this.rows = rows;
    for (const column of columns) this.#columns.set(column.name, column);
  }

  /** The column of that name. Ask once a chunk, not once a row. */
  column(name) {
    const column = this.#columns.get(name);
    if (column instanceof Column) return column;
    // It would be unknown in every batch.
    if (!this.#asked.includes(name)) throw new TypeError(`${name} is not among columns: ${this.#asked.join(', ')}`);
    const made = new Column(name, this.rows, column);
    this.#columns.set(name, made);
    return made;
  }

  /** The row's number in the whole batch. */
  row(i) {
    return this.firstRow + i;
  }
}
