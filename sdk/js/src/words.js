// How names that people write are compared, as in the Rust SDK. `sdk/words.json` has the cases that all SDKs agree on.

const isDigit = (c) => c >= 0x30 && c <= 0x39;
const isUpper = (c) => c >= 0x41 && c <= 0x5a;
const isLower = (c) => c >= 0x61 && c <= 0x7a;
const isSeparator = (c) => c < 0x80 && !isDigit(c) && !isUpper(c) && !isLower(c);

/** Changes ASCII letters only. */
export function lower(text) {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Whether a word begins at an index after the first. */
function beginsWord(text, at) {
  const char = (i) => (i < text.length ? text.charCodeAt(i) : 0x20);
  const [before, here, next] = [char(at - 1), char(at), char(at + 1)];
  if (isSeparator(before) || isSeparator(here) || isDigit(before) !== isDigit(here)) return true;
  // In `DBCluster` the last capital begins a word; in `DBs` it does not.
  const isPluralOfCapitals = next === 0x73 && !isLower(char(at + 2));
  const endsCapitals = isUpper(before) && isLower(next) && !isPluralOfCapitals;
  return isUpper(here) && (endsCapitals || !isUpper(before));
}

/** Splits the last word from a text. The word is empty if the text has no word. */
function lastWord(text) {
  let end = text.length;
  while (end > 0 && isSeparator(text.charCodeAt(end - 1))) end -= 1;
  const words = text.slice(0, end);
  let start = Math.max(end - 1, 0);
  while (start > 0 && !beginsWord(words, start)) start -= 1;
  return [words.slice(0, start), lower(words.slice(start))];
}

/** Removes `2`, `v2` or `_v2_1` from the end of a kind. */
function withoutVersion(text) {
  for (;;) {
    const [rest, word] = lastWord(text);
    if (word === '' || !isDigit(word.charCodeAt(0))) return text;
    const [before, letter] = lastWord(rest);
    text = letter === 'v' ? before : rest;
  }
}

const PLURALS = [['', 's'], ['', 'es'], ['y', 'ies'], ['ex', 'ices'], ['ix', 'ices']];

function isPlural(plural, word) {
  const stem = (text, ending) => (text.endsWith(ending) ? text.slice(0, text.length - ending.length) : null);
  return word !== '' && PLURALS.some(([one, many]) => stem(word, one) !== null && stem(word, one) === stem(plural, many));
}

/** Whether a kind is one of those that `name` names: its last words are the words of `name`, whatever the case, and the
 * last word may be a plural. */
export function sameKind(name, kind) {
  [name, kind] = [withoutVersion(name), withoutVersion(kind)];
  for (let isLast = true; ; isLast = false) {
    const [rest, word] = lastWord(name);
    if (word === '') return !isLast;
    const [otherRest, other] = lastWord(kind);
    if (word !== other && !(isLast && (isPlural(word, other) || isPlural(other, word)))) return false;
    [name, kind] = [rest, otherRest];
  }
}

// Unicode white space. `trim` would also remove U+FEFF, which is not white space, and would leave U+0085, which is.
const WHITE_SPACE = '\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const MARGIN = new RegExp(`^[${WHITE_SPACE}]+|[${WHITE_SPACE}]+$`, 'g');
const FRAME = new RegExp(`^[${WHITE_SPACE}<>()[\\]"'\`]+|[${WHITE_SPACE}<>()[\\]"'\`]+$`, 'g');
const NOTHING = [
  'null', '\\n', 'none', 'nil', 'nan', 'n/a', 'undefined', 'unknown', 'unset', 'not set', 'unspecified', 'tbd', 'todo',
  'no value',
];

/** The text without surrounding white space; null if it is absent, blank, or a word for nothing such as `null` or `n/a`. */
export function nonBlank(text) {
  const trimmed = (text ?? '').replace(MARGIN, '');
  const word = lower(trimmed.replace(FRAME, ''));
  return /^[-?._]*$/.test(word) || NOTHING.includes(word) ? null : trimmed;
}
