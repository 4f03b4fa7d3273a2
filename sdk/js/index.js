/**
 * Write a Reprieve policy in JavaScript.
 *
 * A policy is a folder with a `policy.js` or `policy.ts`. Its default export is the value that `policy` returns for its
 * settings, its rules and one function.
 */

export { ApprovalIssue } from './src/context.js';
export { Invalid } from './src/invalid.js';
export { policy } from './src/policy.js';
export { Rows } from './src/rows.js';
export { utf8 } from './src/text.js';
export { durationSeconds, seconds, timestamp } from './src/time.js';
export { nonBlank, sameKind } from './src/words.js';
