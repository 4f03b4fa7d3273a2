/** Under this name the build leaves the places, as JSON, for an error to be looked up in. */
export const PLACES = Symbol.for('reprieve.places');

/**
 * The innermost place in the author's files that a stack trace names, as `policy.js, from line 7`; an empty text where
 * there is none. The engine notes where calls are, so it is the last call before, or where the function begins.
 *
 * The bundle is one file, and its places are a list of where a piece begins (line and column) and what it was (the
 * file, counted from 1, and its line; two zeros where it is not the author's).
 */
export function placeIn({ files, pieces }, stack) {
  for (const [, line, column] of String(stack).matchAll(/user\.js:(\d+):(\d+)/g)) {
    let [file, origin] = [0, 0];
    for (let at = 0; at < pieces.length && begins(pieces, at, Number(line), Number(column)); at += 4) {
      [file, origin] = [pieces[at + 2], pieces[at + 3]];
    }
    if (file > 0) return `${files[file - 1]}, from line ${origin}`;
  }
  return '';
}

/** Whether the piece at that index has begun at a line and column. */
function begins(pieces, at, line, column) {
  return pieces[at] < line || (pieces[at] === line && pieces[at + 1] <= column);
}
