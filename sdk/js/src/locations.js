/** The symbol under which the build stores the source locations of the bundle, as JSON. */
export const LOCATIONS = Symbol.for('reprieve.locations');

/**
 * The innermost location in the author's files that a stack trace names, as `policy.js, at or after line 7`; an empty
 * text if there is none. The engine records the positions of calls only, so it is the position of the last call before
 * the error, or of the start of the function.
 *
 * The bundle is one file. `segments` is a flat list of four numbers for each segment: the line and the column where it
 * starts in the bundle, the number of its source file, counted from 1, and its line there. The last two are 0 if the
 * segment is not the author's.
 */
export function locate({ files, segments }, stack) {
  for (const [, line, column] of String(stack).matchAll(/user\.js:(\d+):(\d+)/g)) {
    let [file, sourceLine] = [0, 0];
    for (let at = 0; at < segments.length && isBefore(segments, at, Number(line), Number(column)); at += 4) {
      [file, sourceLine] = [segments[at + 2], segments[at + 3]];
    }
    if (file > 0) return `${files[file - 1]}, at or after line ${sourceLine}`;
  }
  return '';
}

/** Whether the segment at an index starts at or before a line and column. */
function isBefore(segments, at, line, column) {
  return segments[at] < line || (segments[at] === line && segments[at + 1] <= column);
}
