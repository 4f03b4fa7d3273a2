import { rejectUnknownKeys, requireOneOf } from './declaration.js';
import { paragraph } from './settings.js';

const NATURES = ['wrong', 'missing'];
const SUBJECTS = ['request', 'size', 'ids', 'targets'];
const MEASURES = ['tenants-hard', 'tenants-soft', 'canary-share', 'canary-tenants', 'growth'];

/** The nature of a rule that does not name one. */
export const DEFAULT_NATURE = 'wrong';

const RULE_KEYS = ['code', 'summary', 'explanation', 'settings', 'nature', 'subject', 'neverLifted'];
const LIMIT_KEYS = ['measure', 'setting'];

/** A rule as a record of the contract. */
export function describeRule(rule, settings) {
  const { code, summary, explanation, nature = DEFAULT_NATURE, subject = 'request', neverLifted = false } = rule;
  if (!code || !summary || !explanation) {
    throw new TypeError(`the rule \`${code}\` requires \`code\`, \`summary\` and \`explanation\``);
  }
  const where = `the rule \`${code}\``;
  rejectUnknownKeys(where, rule, RULE_KEYS);
  requireOneOf(`the nature of ${where}`, nature, NATURES);
  requireOneOf(`the subject of ${where}`, subject, SUBJECTS);
  if (typeof neverLifted !== 'boolean') throw new TypeError(`\`neverLifted\` of ${where} is not true or false`);
  const names = rule.settings ?? [];
  if (!Array.isArray(names)) throw new TypeError(`\`settings\` of ${where} is not a list`);
  requireSettings(where, names, settings);
  const paragraphs = explanation.split(/\n\s*\n/).map(paragraph).filter((text) => text !== '');
  return {
    code,
    summary: paragraph(summary),
    explanation: paragraphs.join('\n\n'),
    settings: [...names],
    nature,
    subject,
    neverLifted,
  };
}

/** The limits as records of the contract. */
export function describeLimits(limits, settings) {
  return limits.map((limit, i) => {
    const { measure, setting } = limit;
    const where = `the limit \`${measure}\``;
    rejectUnknownKeys(where, limit, LIMIT_KEYS);
    requireOneOf('the measure of a limit', measure, MEASURES);
    requireSettings(where, [setting], settings);
    if (!['u64', 'f64'].includes(settings[setting].type)) {
      throw new TypeError(`${where} names the setting \`${setting}\`, which is not a number`);
    }
    if (limits.findIndex((other) => other.measure === measure) < i) {
      throw new TypeError(`${where} is declared more than once`);
    }
    return { measure, setting };
  });
}

function requireSettings(where, names, settings) {
  const unknown = names.find((name) => !Object.hasOwn(settings, name));
  if (unknown !== undefined) throw new TypeError(`${where} names the setting \`${unknown}\`, which does not exist`);
}
