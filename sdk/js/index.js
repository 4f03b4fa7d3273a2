/**
 * Write a Reprieve policy in JavaScript.
 *
 * A policy is a folder with a `policy.js` (or `policy.ts`) that exports one value: what `policy` makes of its
 * settings, its rules and one function.
 */

export { Invalid } from './src/invalid.js';
export { Objection, said, sameKind } from './src/case.js';
export { policy } from './src/policy.js';
export { Rows } from './src/rows.js';
export { durationSeconds, seconds, timestamp } from './src/time.js';
export { utf8 } from './src/text.js';
