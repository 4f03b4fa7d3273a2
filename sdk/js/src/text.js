/** Arguments that one call takes without growing the stack. */
const RUN = 1024;

/** One character a byte. */
export function latin1(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i += RUN) {
    text += String.fromCharCode.apply(null, bytes.subarray(i, i + RUN));
  }
  return text;
}

/** Whether there is anything but ASCII in what `latin1` made. */
export function isAscii(text) {
  return !/[\x80-\xff]/.test(text);
}

/** What `latin1` made, read as UTF-8. The engine has no `TextDecoder`; this is its one native decoder. */
export function fromLatin1(text) {
  return isAscii(text) ? text : decodeURIComponent(escape(text));
}

/** The text that these bytes are in UTF-8. Throws a `URIError` where they are none. */
export function utf8(bytes) {
  return fromLatin1(latin1(bytes));
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
