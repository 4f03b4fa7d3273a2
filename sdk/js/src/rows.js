/** How many targets offend, and the first few of them. Adding up parts gives the same as counting in one pass. */
export class Rows {
  /** Examples kept. */
  static EXAMPLES = 5;

  constructor(count = 0, examples = []) {
    this.count = count;
    this.examples = examples;
  }

  /** Counts the row where `offends` holds. */
  addIf(offends, row) {
    if (offends) this.add(row);
  }

  /** Counts the row. Rows come in ascending order within a part. */
  add(row) {
    this.count += 1;
    if (this.examples.length < Rows.EXAMPLES) this.examples.push(row);
  }

  /** Adds those of another part. */
  merge(other) {
    this.count += other.count;
    const examples = [...this.examples, ...other.examples];
    this.examples = examples.sort((a, b) => a - b).slice(0, Rows.EXAMPLES);
  }

  /** Whether any row offends. */
  any() {
    return this.count > 0;
  }
}
