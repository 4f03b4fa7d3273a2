import { Rows } from './rows.js';

/** A finding being written. It counts from the moment it is begun; the rest only explains it. */
class Draft {
  #finding;
  #settings;

  constructor(finding, settings) {
    this.#finding = finding;
    this.#settings = settings;
  }

  /** What to do about it. */
  help(help) {
    this.#finding.help = String(help);
    return this;
  }

  /** JSON pointer of the request field it is about. */
  field(pointer) {
    this.#finding.field = String(pointer);
    return this;
  }

  /** The setting it was compared with. */
  setting(name) {
    if (!this.#settings.includes(name)) throw new TypeError(`there is no setting ${name}`);
    this.#finding.setting = name;
    return this;
  }

  /** The targets that offend. */
  rows(rows) {
    if (!(rows instanceof Rows)) throw new TypeError('rows() takes the Rows that a fold has counted');
    this.#finding.rows = rows.count;
    this.#finding.examples = [...rows.examples];
    return this;
  }
}

/** The findings of a policy. Each begins with `deny` or `warn` and is completed in the same expression. */
export class Findings {
  #rules;
  #settings;
  #list = [];

  constructor(rules, settings) {
    this.#rules = rules;
    this.#settings = settings;
  }

  /** The batch must not run. */
  deny(rule, message) {
    return this.#add(rule, 'deny', message);
  }

  /** The operator should know. */
  warn(rule, message) {
    return this.#add(rule, 'warn', message);
  }

  /** Denies a hard delete and warns of a soft one: what an unknown does. */
  denyIf(denies, rule, message) {
    return this.#add(rule, denies ? 'deny' : 'warn', message);
  }

  /** The findings so far, as they go to the host. */
  list() {
    return this.#list;
  }

  #add(rule, severity, message) {
    if (!this.#rules.includes(rule)) throw new TypeError(`${rule?.code ?? rule} is not a rule of this policy`);
    const text = { rule: rule.code, severity, message: String(message), help: '' };
    const finding = { ...text, field: null, setting: null, rows: 0, examples: [] };
    this.#list.push(finding);
    return new Draft(finding, this.#settings);
  }
}
