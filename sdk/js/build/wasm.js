/** As much of the binary format of WebAssembly as the build needs: sections, imports, and adding functions. */

export const PREAMBLE = Buffer.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);

export const CUSTOM = 0;
export const IMPORT = 2;
export const FUNCTION = 3;
export const EXPORT = 7;
export const CODE = 10;

const [KIND_FUNCTION, KIND_TABLE, KIND_MEMORY, KIND_GLOBAL] = [0, 1, 2, 3];

/** Reads an unsigned LEB128 and says where it ends. */
export function readU32(bytes, at) {
  let [value, factor, byte] = [0, 1, 0x80];
  for (; byte >= 0x80; factor *= 0x80) {
    byte = bytes[at++];
    value += (byte & 0x7f) * factor;
  }
  return [value, at];
}

/** An unsigned LEB128. */
export function u32(value) {
  const bytes = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return Buffer.from([...bytes, value]);
}

function readName(bytes, at) {
  const [length, start] = readU32(bytes, at);
  return [bytes.toString('utf8', start, start + length), start + length];
}

/** A name with its length in front. */
function name(text) {
  return Buffer.concat([u32(Buffer.byteLength(text)), Buffer.from(text)]);
}

/** The sections from `at` up to the custom section `last`: all that tells where a module ends which lies among other
 * bytes. Null where there is no such section. */
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

/** A module of these sections. */
export function writeModule(sections) {
  const parts = sections.flatMap(({ id, content }) => [Buffer.from([id]), u32(content.length), content]);
  return Buffer.concat([PREAMBLE, ...parts]);
}

/** Whether an import is a function. */
export function isFunction({ type }) {
  return type !== null;
}

/** The imports of a module. `descriptor` is the bytes behind the two names; a function has a `type`. */
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
    else throw new RangeError(`an import of the kind ${kind}`);
    imports.push({ module, field, type, descriptor: content.subarray(start, at) });
  }
  return imports;
}

function endOfLimits(content, at) {
  const hasMaximum = content[at] & 1;
  [, at] = readU32(content, at + 1);
  return hasMaximum ? readU32(content, at)[1] : at;
}

/** The content of an import section. */
export function writeImports(imports) {
  const parts = imports.flatMap(({ module, field, descriptor }) => [name(module), name(field), descriptor]);
  return Buffer.concat([u32(imports.length), ...parts]);
}

/** How many items the list has that is the content of a section. */
export function count(content) {
  return readU32(content, 0)[0];
}

/** The content of a section that is a list, with more items at its end. */
export function append(content, items) {
  const [count, at] = readU32(content, 0);
  return Buffer.concat([u32(count + items.length), content.subarray(at), ...items]);
}

/** An item of an export section. */
export function functionExport(text, index) {
  return Buffer.concat([name(text), Buffer.from([KIND_FUNCTION]), u32(index)]);
}

/** An item of a code section: a function without locals. */
export function body(instructions) {
  const bytes = Buffer.from([0, ...instructions]);
  return Buffer.concat([u32(bytes.length), bytes]);
}
