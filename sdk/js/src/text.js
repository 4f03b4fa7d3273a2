/** Arguments that one call takes without growing the stack. */
const RUN = 1024;

// Both of these do without a turn of a loop a byte, and without a regular expression: either costs this engine more.

/** One character a byte. */
function latin1(bytes) {
  if (bytes.length <= RUN) return String.fromCharCode.apply(null, bytes);
  const runs = [];
  for (let i = 0; i < bytes.length; i += RUN) runs.push(latin1(bytes.subarray(i, i + RUN)));
  return runs.join('');
}

/** Whether no byte is part of a longer character. */
function isAscii(bytes) {
  if (bytes.length <= RUN) return Math.max.apply(null, bytes) < 0x80;
  for (let i = 0; i < bytes.length; i += RUN) {
    if (!isAscii(bytes.subarray(i, i + RUN))) return false;
  }
  return true;
}

/** Text with one character a byte, read as UTF-8. The engine has no `TextDecoder`; this is its one native decoder. */
function decode(text) {
  return decodeURIComponent(escape(text));
}

/** The text that these bytes are in UTF-8. Throws a `URIError` where they are none. */
export function utf8(bytes) {
  const text = latin1(bytes);
  return isAscii(bytes) ? text : decode(text);
}

/** String `i` of strings end to end; null where there is none. */
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

/** Ascending as UTF-8 bytes are, which is how the Rust SDK sorts. */
export function byBytes(a, b) {
  const [left, right] = [[...a], [...b]];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = left[i].codePointAt(0) - right[i].codePointAt(0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
