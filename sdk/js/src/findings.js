import { Rows } from './rows.js';
import { DEFAULT_NATURE } from './rule.js';

/** Completes a finding. The finding counts from the moment it is started; the rest only explains it. */
class FindingBuilder {
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

  /** JSON pointer of the request field that it is about. */
  field(pointer) {
    this.#finding.field = String(pointer);
    return this;
  }

  /** The setting that it was compared with. */
  setting(name) {
    if (!this.#settings.includes(name)) throw new TypeError(`this policy has no setting \`${name}\``);
    this.#finding.setting = name;
    return this;
  }

  /** The offending targets. */
  rows(rows) {
    if (!(rows instanceof Rows)) throw new TypeError('rows() requires the `Rows` that `observe` counted');
    this.#finding.rows = rows.count;
    this.#finding.examples = [...rows.examples];
    return this;
  }

  /** Something contradicts, whatever the nature of the rule. */
  wrong() {
    this.#finding.nature = 'wrong';
    return this;
  }

  /** Something is missing, whatever the nature of the rule. */
  missing() {
    this.#finding.nature = 'missing';
    return this;
  }
}

/** The findings of a policy. Each is started by `deny`, `warn` or `denyIf`, and completed in the same expression. */
export class Findings {
  #rules;
  #settings;
  #list = [];

  constructor(rules, settings) {
    this.#rules = rules;
    this.#settings = settings;
  }

  /** Denies: the batch must not run. */
  deny(rule, message) {
    return this.#add(rule, 'deny', message);
  }

  /** Warns: the finding is shown and does not change the decision. */
  warn(rule, message) {
    return this.#add(rule, 'warn', message);
  }

  /** Denies if `denies` holds, and warns otherwise. Use it for unknowns: `denyIf(!context.isSoft(), …)`. */
  denyIf(denies, rule, message) {
    return this.#add(rule, denies ? 'deny' : 'warn', message);
  }

  /** The findings so far, as records of the contract. */
  list() {
    return this.#list;
  }

  #add(rule, severity, message) {
    if (!this.#rules.includes(rule)) throw new TypeError(`\`${rule?.code ?? rule}\` is not a rule of this policy`);
    const finding = {
      rule: rule.code,
      severity,
      nature: rule.nature ?? DEFAULT_NATURE,
      message: String(message),
      help: '',
      field: null,
      setting: null,
      rows: 0,
      examples: [],
    };
    this.#list.push(finding);
    return new FindingBuilder(finding, this.#settings);
  }
}
