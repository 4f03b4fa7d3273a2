import { paragraph, schemaOf } from './settings.js';

/** What a definition may say. */
const KEYS = [
  'name', 'version', 'summary', 'settings', 'rules', 'columns', 'state', 'validate', 'observe', 'merge', 'check',
];

/**
 * Makes a policy of its definition, to be the default export of `policy.js`. What the host checks itself (names,
 * columns, codes that stand there twice) is left to it; what it could only take for silence is refused here.
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
