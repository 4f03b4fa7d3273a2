/** The number of offending targets, and the first few of them. Merging parts is equal to counting in one pass. */
export class Rows {
  /** How many examples are kept. */
  static MAX_EXAMPLES = 5;

  constructor(count = 0, examples = []) {
    this.count = count;
    this.examples = examples;
  }

  /** Counts the row if `offends` holds. */
  addIf(offends, row) {
    if (offends) this.add(row);
  }

  /** Counts the row. Within a part, add rows in ascending order. */
  add(row) {
    this.count += 1;
    if (this.examples.length < Rows.MAX_EXAMPLES) this.examples.push(row);
  }

  /** Adds the rows of another part. */
  merge(other) {
    this.count += other.count;
    const examples = [...this.examples, ...other.examples];
    this.examples = examples.sort((a, b) => a - b).slice(0, Rows.MAX_EXAMPLES);
  }

  /** Whether any row offends. */
  any() {
    return this.count > 0;
  }
}
