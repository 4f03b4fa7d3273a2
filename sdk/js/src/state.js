import { Rows } from './rows.js';
import { utf8 } from './text.js';

/** Encodes a policy's state as JSON in ASCII with sorted keys, so that equal states are equal bytes. A value that JSON
 * does not have becomes an object with a single key that begins with `$`. */
export function write(state) {
  const ascii = JSON.stringify(pack(state, 'the state')).replace(/[^\x20-\x7e]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return Uint8Array.from(ascii, (character) => character.charCodeAt(0));
}

/** Decodes the state that `write` encoded. */
export function read(bytes) {
  return unpack(JSON.parse(utf8(bytes)));
}

function pack(value, where) {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (Number.isFinite(value)) return value;
  if (typeof value === 'bigint') return { $bigint: String(value) };
  if (Array.isArray(value)) return value.map((item, i) => pack(item, `${where}[${i}]`));
  if (value instanceof Rows) return { $rows: [value.count, ...value.examples] };
  if (value instanceof Set) return { $set: sorted([...value].map((item) => pack(item, where))) };
  if (value instanceof Map) return { $map: sorted([...value].map((entry) => pack(entry, where))) };
  if (typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) {
    throw new TypeError(`${where} cannot be saved: its type is ${Number.isNaN(value) ? 'NaN' : typeName(value)}`);
  }
  const packed = {};
  for (const key of Object.keys(value).sort()) {
    if (key.startsWith('$')) throw new TypeError(`${where}.${key} cannot be saved: a key must not begin with $`);
    packed[key] = pack(value[key], `${where}.${key}`);
  }
  return packed;
}

function typeName(value) {
  return typeof value === 'object' ? value.constructor?.name ?? 'an object without a class' : typeof value;
}

function sorted(items) {
  const keyed = items.map((item) => [JSON.stringify(item), item]);
  return keyed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}

function unpack(value) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(unpack);
  if ('$bigint' in value) return BigInt(value.$bigint);
  if ('$rows' in value) return new Rows(value.$rows[0], value.$rows.slice(1));
  if ('$set' in value) return new Set(value.$set.map(unpack));
  if ('$map' in value) return new Map(value.$map.map(unpack));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpack(item)]));
}
