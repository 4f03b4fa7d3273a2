import { Chunk } from './chunk.js';
import { Context } from './context.js';
import { Findings } from './findings.js';
import { describeError } from './invalid.js';
import { readSettings } from './settings.js';
import { read, write } from './state.js';

/**
 * The exports of the contract, as the engine calls them. A value thrown here becomes the error of the result, so it
 * must be a string. The sandbox runs exactly these functions, and so do native unit tests.
 */
export function world(policy) {
  if (policy?.descriptor === undefined) throw new TypeError('the default export is not a value that `policy` returned');
  let session = null;

  const begun = () => {
    if (session === null) throw new Error('`begin` was not called');
    return session;
  };

  return {
    describe: () => policy.descriptor,

    validate: throwingStrings((settings, data) => {
      rejectPromise('validate', policy.validate(readSettings(policy.settings, settings), byName(data)));
    }),

    begin: throwingStrings(({ review, settings, data }) => {
      const context = new Context(readReview(review), readSettings(policy.settings, settings), byName(data));
      session = { context, state: policy.state() };
    }),

    observe: throwingStrings((chunk) => {
      const { context, state } = begun();
      rejectPromise('observe', policy.observe(context, state, new Chunk(chunk, policy.descriptor.columns)));
    }),

    // In the contract `save` has no error, so what it throws is a trap.
    save: () => write(begun().state),

    merge: throwingStrings((bytes) => {
      rejectPromise('merge', policy.merge?.(begun().state, read(bytes)));
    }),

    finish: throwingStrings(() => {
      const { context, state } = begun();
      const findings = new Findings(policy.rules, Object.keys(policy.settings));
      rejectPromise('check', policy.check(context, state, findings));
      return findings.list();
    }),
  };
}

function throwingStrings(call) {
  return (...given) => {
    try {
      return call(...given);
    } catch (error) {
      throw describeError(error);
    }
  };
}

/** Rejects a promise: nothing runs after the call has returned, so it would never be settled. */
function rejectPromise(name, value) {
  if (typeof value?.then === 'function') {
    throw new TypeError(`\`${name}\` is asynchronous, but nothing runs after a call has returned; make it synchronous`);
  }
}

function byName(data) {
  return (name) => data.find((blob) => blob.name === name)?.bytes ?? null;
}

/** Reads the review. An integer that a double cannot represent is an error, because it has been rounded. Annotations
 * are exempt: they are free-form, and only the policy knows what their numbers mean. */
function readReview(text) {
  const review = JSON.parse(text);
  const check = (value, pointer) => {
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw new RangeError(`\`${pointer}\` is beyond 2^53, which is not exact in JavaScript`);
    }
    if (value === null || typeof value !== 'object' || pointer === '/claims/annotations') return;
    for (const key of Object.keys(value)) check(value[key], `${pointer}/${key}`);
  };
  check(review, '');
  return review;
}
