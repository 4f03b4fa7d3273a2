import { rejectUnknownKeys } from './declaration.js';

/** The JSON Schema keywords for each scalar type. */
const SCALARS = {
  u64: { type: 'integer' },
  f64: { type: 'number' },
  bool: { type: 'boolean' },
  string: { type: 'string' },
  'time-zone': { type: 'string', format: 'time-zone' },
};

const KEYS = ['type', 'doc', 'default', 'min', 'max', 'unit'];

/** Lines of source text as one paragraph. */
export function paragraph(text) {
  return text.split('\n').map((line) => line.trim()).join(' ').trim();
}

function keywords(type) {
  if (Object.hasOwn(SCALARS, type)) return SCALARS[type];
  if (Object.hasOwn(SCALARS, type?.list)) return { type: 'array', uniqueItems: true, items: SCALARS[type.list] };
  if (Object.hasOwn(SCALARS, type?.map)) return { type: 'object', additionalProperties: SCALARS[type.map] };
  throw new TypeError(`${typeName(type)} is not a type of setting`);
}

function typeName(type) {
  return typeof type === 'string' ? `\`${type}\`` : `\`${JSON.stringify(type)}\``;
}

function isOfType(type, value) {
  switch (type) {
    case 'u64':
      return Number.isSafeInteger(value) && value >= 0;
    case 'f64':
      return Number.isFinite(value);
    case 'bool':
      return typeof value === 'boolean';
    case 'string':
    case 'time-zone':
      return typeof value === 'string';
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value) !== (type.list !== undefined)) return false;
  return Object.values(value).every((item) => isOfType(type.list ?? type.map, item));
}

function property(name, setting) {
  const where = `the setting \`${name}\``;
  rejectUnknownKeys(where, setting, KEYS);
  const { type, doc, min, max, unit } = setting;
  const schema = { ...keywords(type), description: paragraph(doc ?? ''), default: setting.default };
  if (schema.description === '') throw new TypeError(`${where} has no \`doc\``);
  if (!isOfType(type, setting.default)) throw new TypeError(`the default of ${where} is not of type ${typeName(type)}`);
  const given = [min, max, unit].filter((bound) => bound !== undefined).length;
  if (given === 0) return schema;
  if (given < 3) throw new TypeError(`${where} has some of \`min\`, \`max\` and \`unit\`; give all three or none`);
  if (setting.default < min || setting.default > max) throw new TypeError(`the default of ${where} is out of bounds`);
  // Beyond 2^53 a double cannot represent every integer.
  if (type === 'u64' && !Number.isSafeInteger(max)) throw new TypeError(`\`max\` of ${where} is beyond 2^53 - 1`);
  return { ...schema, minimum: min, maximum: max, 'x-unit': unit };
}

/** The JSON Schema of settings, equal to the one that the Rust SDK generates. */
export function schemaOf(settings) {
  const properties = Object.entries(settings).map(([name, setting]) => [name, property(name, setting)]);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(properties),
  };
}

/** Reads settings from JSON text. A setting that is not given has its default. The host has already validated them
 * against the schema. */
export function readSettings(settings, text) {
  const given = JSON.parse(text);
  const read = {};
  for (const [name, setting] of Object.entries(settings)) {
    // A default is copied, so that a policy that changes it does not change it for the next reader.
    read[name] = Object.hasOwn(given, name) ? given[name] : JSON.parse(JSON.stringify(setting.default));
    if (!isOfType(setting.type, read[name])) {
      throw new TypeError(`settings: \`${name}\` is not of type ${typeName(setting.type)}`);
    }
  }
  return read;
}
