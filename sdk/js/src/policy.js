import { rejectUnknownKeys } from './declaration.js';
import { describeLimits, describeRule } from './rule.js';
import { paragraph, schemaOf } from './settings.js';

const KEYS = [
  'name', 'version', 'summary', 'settings', 'rules', 'limits', 'columns', 'state', 'validate', 'observe', 'merge',
  'check',
];

/**
 * Creates a policy from its definition, to be the default export of `policy.js`. The host checks the names, the columns
 * and that codes are unique. This function checks what the host cannot see: a misspelt key, or a function that would
 * never be called.
 */
export function policy(definition) {
  rejectUnknownKeys('the policy', definition, KEYS);
  const missing = ['name', 'version', 'summary', 'rules'].find((key) => !definition[key]);
  if (missing !== undefined) throw new TypeError(`the policy has no \`${missing}\``);
  const { settings = {}, rules, limits = [], columns = [], observe, merge, check } = definition;
  if (typeof check !== 'function') throw new TypeError('the policy has no function `check`');
  if (columns.length > 0 && !(observe && merge && definition.state)) {
    throw new TypeError('a policy with `columns` requires `state`, `observe` and `merge`');
  }
  if (columns.length === 0 && (observe || merge)) {
    throw new TypeError('a policy with `observe` or `merge` requires `columns`: without columns, neither is called');
  }
  const settingsSchema = JSON.stringify(schemaOf(settings));
  const list = Object.values(rules);
  return Object.freeze({
    settings,
    rules: list,
    state: definition.state ?? (() => null),
    validate: definition.validate ?? (() => {}),
    observe,
    merge,
    check,
    descriptor: {
      name: definition.name,
      version: definition.version,
      summary: paragraph(definition.summary),
      rules: list.map((rule) => describeRule(rule, settings)),
      settingsSchema,
      columns,
      limits: describeLimits(limits, settings),
    },
  });
}
