/** How many arguments one call takes without growing the stack. */
export const MAX_ARGUMENTS = 1024;

// `latin1` and `isAscii` use neither a loop over single bytes nor a regular expression: both cost more in this engine.

/** One character per byte. */
function latin1(bytes) {
  if (bytes.length <= MAX_ARGUMENTS) return String.fromCharCode.apply(null, bytes);
  const runs = [];
  for (let i = 0; i < bytes.length; i += MAX_ARGUMENTS) runs.push(latin1(bytes.subarray(i, i + MAX_ARGUMENTS)));
  return runs.join('');
}

/** Whether every byte is an ASCII character. */
function isAscii(bytes) {
  if (bytes.length <= MAX_ARGUMENTS) return Math.max.apply(null, bytes) < 0x80;
  for (let i = 0; i < bytes.length; i += MAX_ARGUMENTS) {
    if (!isAscii(bytes.subarray(i, i + MAX_ARGUMENTS))) return false;
  }
  return true;
}

/** Decodes UTF-8 from a text with one character per byte. The engine has no `TextDecoder`; this is its only native
 * decoder. */
function decode(text) {
  return decodeURIComponent(escape(text));
}

/** Decodes UTF-8. Throws a `URIError` if the bytes are not UTF-8. */
export function utf8(bytes) {
  const text = latin1(bytes);
  return isAscii(bytes) ? text : decode(text);
}

/** String `i` of strings end to end; null if there is no such string. */
export function stringAt({ offsets, bytes }, i) {
  const to = offsets[i + 1];
  return to === undefined ? null : utf8(bytes.subarray(offsets[i], to));
}

/** All strings of strings end to end. */
export function allStrings({ offsets, bytes }) {
  const text = latin1(bytes);
  const texts = [];
  for (let i = 1; i < offsets.length; i++) texts.push(text.slice(offsets[i - 1], offsets[i]));
  return isAscii(bytes) ? texts : texts.map(decode);
}

/** Compares texts by their UTF-8 bytes, as the Rust SDK does. */
export function compareUtf8(a, b) {
  const [left, right] = [[...a], [...b]];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = left[i].codePointAt(0) - right[i].codePointAt(0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
