/** The part of WebAssembly's binary format that the build uses: reads sections and imports, and adds functions. */

export const PREAMBLE = Buffer.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);

export const CUSTOM = 0;
export const IMPORT = 2;
export const FUNCTION = 3;
export const EXPORT = 7;
export const CODE = 10;

const [KIND_FUNCTION, KIND_TABLE, KIND_MEMORY, KIND_GLOBAL] = [0, 1, 2, 3];

/** Reads an unsigned LEB128 number. Returns the number and the position after it. */
export function readU32(bytes, at) {
  let [value, factor, byte] = [0, 1, 0x80];
  for (; byte >= 0x80; factor *= 0x80) {
    byte = bytes[at++];
    value += (byte & 0x7f) * factor;
  }
  return [value, at];
}

/** Encodes a number as unsigned LEB128. */
export function u32(value) {
  const bytes = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return Buffer.from([...bytes, value]);
}

function readName(bytes, at) {
  const [length, start] = readU32(bytes, at);
  return [bytes.toString('utf8', start, start + length), start + length];
}

/** Encodes a name: its length, then its bytes. */
function name(text) {
  return Buffer.concat([u32(Buffer.byteLength(text)), Buffer.from(text)]);
}

/** Reads the sections from `at` up to the custom section `last`. Only that section marks the end of a module inside
 * other bytes. Returns null if it is not found. */
export function readSections(bytes, at, last) {
  const sections = [];
  for (;;) {
    const id = bytes[at];
    const [length, start] = readU32(bytes, at + 1);
    at = start + length;
    if (!(id <= 13 && at <= bytes.length)) return null;
    sections.push({ id, content: bytes.subarray(start, at) });
    if (id === CUSTOM && readName(bytes, start)[0] === last) return sections;
  }
}

/** Encodes a module from its sections. */
export function writeModule(sections) {
  const parts = sections.flatMap(({ id, content }) => [Buffer.from([id]), u32(content.length), content]);
  return Buffer.concat([PREAMBLE, ...parts]);
}

/** Whether an import is a function. */
export function isFunction({ type }) {
  return type !== null;
}

/** Reads an import section. `descriptor` is the bytes after the two names. `type` is the type index of a function, and
 * null for any other import. */
export function readImports(content) {
  let [count, at] = readU32(content, 0);
  const imports = [];
  for (; count > 0; count--) {
    let module, field;
    [module, at] = readName(content, at);
    [field, at] = readName(content, at);
    const start = at;
    const kind = content[at++];
    const type = kind === KIND_FUNCTION ? readU32(content, at)[0] : null;
    if (kind === KIND_FUNCTION) [, at] = readU32(content, at);
    else if (kind === KIND_GLOBAL) at += 2;
    else if (kind === KIND_TABLE) at = endOfLimits(content, at + 1);
    else if (kind === KIND_MEMORY) at = endOfLimits(content, at);
    else throw new RangeError(`unknown import kind ${kind}`);
    imports.push({ module, field, type, descriptor: content.subarray(start, at) });
  }
  return imports;
}

function endOfLimits(content, at) {
  const hasMaximum = content[at] & 1;
  [, at] = readU32(content, at + 1);
  return hasMaximum ? readU32(content, at)[1] : at;
}

/** Encodes the content of an import section. */
export function writeImports(imports) {
  const parts = imports.flatMap(({ module, field, descriptor }) => [name(module), name(field), descriptor]);
  return Buffer.concat([u32(imports.length), ...parts]);
}

/** The number of items in a section whose content is a list. */
export function count(content) {
  return readU32(content, 0)[0];
}

/** Appends items to the content of a section that is a list. */
export function append(content, items) {
  const [count, at] = readU32(content, 0);
  return Buffer.concat([u32(count + items.length), content.subarray(at), ...items]);
}

/** Encodes an item of an export section. */
export function functionExport(text, index) {
  return Buffer.concat([name(text), Buffer.from([KIND_FUNCTION]), u32(index)]);
}

/** Encodes an item of a code section: a function without locals. */
export function body(instructions) {
  const bytes = Buffer.from([0, ...instructions]);
  return Buffer.concat([u32(bytes.length), bytes]);
}
