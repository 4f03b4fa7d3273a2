/** The keywords of JSON Schema for each scalar type. */
const SCALARS = {
  u64: { type: 'integer' },
  f64: { type: 'number' },
  bool: { type: 'boolean' },
  string: { type: 'string' },
  'time-zone': { type: 'string', format: 'time-zone' },
};

/** What a setting may say beside its type. */
const KEYS = ['type', 'doc', 'default', 'min', 'max', 'unit'];

const hasOwn = (object, key) => Object.prototype.hasOwnProperty.call(object, key);

/** Lines of source text as one paragraph. */
export function paragraph(text) {
  return text.split('\n').map((line) => line.trim()).join(' ').trim();
}

function keywords(type) {
  if (hasOwn(SCALARS, type)) return SCALARS[type];
  if (hasOwn(SCALARS, type?.list)) return { type: 'array', uniqueItems: true, items: SCALARS[type.list] };
  if (hasOwn(SCALARS, type?.map)) return { type: 'object', additionalProperties: SCALARS[type.map] };
  throw new TypeError(`${JSON.stringify(type)} is not a type of settings`);
}

function fits(type, value) {
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
  return Object.values(value).every((item) => fits(type.list ?? type.map, item));
}

function property(name, setting) {
  const strange = Object.keys(setting).find((key) => !KEYS.includes(key));
  if (strange !== undefined) throw new TypeError(`the setting ${name} has no ${strange}; it has ${KEYS.join(', ')}`);
  const { type, doc, min, max, unit } = setting;
  const schema = { ...keywords(type), description: paragraph(doc ?? ''), default: setting.default };
  if (schema.description === '') throw new TypeError(`the setting ${name} needs a doc`);
  if (!fits(type, setting.default)) throw new TypeError(`the default of ${name} is not a ${JSON.stringify(type)}`);
  const bounds = [min, max, unit].filter((bound) => bound !== undefined).length;
  if (bounds === 0) return schema;
  if (bounds < 3) throw new TypeError(`the setting ${name} needs min, max and unit, or none of them`);
  if (setting.default < min || setting.default > max) throw new TypeError(`the default of ${name} is out of bounds`);
  // Beyond this number not every integer exists.
  if (type === 'u64' && !Number.isSafeInteger(max)) throw new TypeError(`the max of ${name} is too large`);
  return { ...schema, minimum: min, maximum: max, 'x-unit': unit };
}

/** The JSON Schema of settings, as the Rust SDK makes it. */
export function schemaOf(settings) {
  const properties = Object.entries(settings).map(([name, setting]) => [name, property(name, setting)]);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(properties),
  };
}

/** Settings from JSON text; what is not given has its default. The host has checked them against the schema. */
export function readSettings(settings, text) {
  const given = JSON.parse(text);
  const read = {};
  for (const [name, setting] of Object.entries(settings)) {
    read[name] = hasOwn(given, name) ? given[name] : structured(setting.default);
    if (!fits(setting.type, read[name])) {
      throw new TypeError(`settings: ${name} is not a ${JSON.stringify(setting.type)}`);
    }
  }
  return read;
}

/** A default of one's own, which a policy may change without changing the next one's. */
function structured(value) {
  return JSON.parse(JSON.stringify(value));
}
