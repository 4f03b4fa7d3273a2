import { paragraph, schemaOf } from './settings.js';

/** What a definition may say. */
const KEYS = [
  'name', 'version', 'summary', 'settings', 'rules', 'columns', 'state', 'validate', 'observe', 'merge', 'check',
];

const COLUMNS = [
  'id', 'kind', 'tenant', 'environment', 'state', 'created_at', 'last_used_at', 'size_bytes', 'resolved_kind',
  'resolved_tenant', 'resolved_environment', 'resolved_state', 'resolved_state_since', 'resolved_created_at',
  'resolved_last_used_at', 'resolved_size_bytes', 'dependents', 'legal_hold', 'retain_until',
];

/**
 * Makes a policy of its definition, to be the default export of `policy.js`. What the host checks itself (names,
 * codes that stand there twice) is left to it; what it could only take for silence is refused here.
 */
export function policy(definition) {
  const strange = Object.keys(definition).find((key) => !KEYS.includes(key));
  if (strange !== undefined) throw new TypeError(`a policy has no ${strange}; it has ${KEYS.join(', ')}`);
  const missing = ['name', 'version', 'summary', 'rules'].find((key) => !definition[key]);
  if (missing !== undefined) throw new TypeError(`a policy needs a ${missing}`);
  const { settings = {}, rules, columns = [], observe, merge, check } = definition;
  if (typeof check !== 'function') throw new TypeError('a policy needs a function `check`');
  if (columns.length > 0 && !(observe && merge && definition.state)) {
    throw new TypeError('a policy with columns needs `state`, `observe` and `merge`');
  }
  if (columns.length === 0 && (observe || merge)) throw new TypeError('`observe` is only called for columns');
  const misspelt = columns.find((column) => !COLUMNS.includes(column) && !column.startsWith('x_'));
  if (misspelt !== undefined) throw new TypeError(`there is no column ${misspelt}`);
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
      rules: list.map(describeRule),
      settingsSchema: JSON.stringify(schemaOf(settings)),
      columns,
    },
  });
}

function describeRule({ code, summary, explanation, settings = [] }) {
  if (!code || !summary || !explanation) throw new TypeError(`the rule ${code} needs code, summary and explanation`);
  const paragraphs = explanation.split(/\n\s*\n/).map(paragraph).filter((text) => text !== '');
  return { code, summary: paragraph(summary), explanation: paragraphs.join('\n\n'), settings };
}
