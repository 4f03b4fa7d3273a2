import { Case } from './case.js';
import { Chunk } from './chunk.js';
import { Findings } from './findings.js';
import { inWords } from './invalid.js';
import { readSettings } from './settings.js';
import { read, write } from './state.js';

/**
 * The exports of the contract, as the engine takes them: what is thrown here is the error of the result, and has to
 * be a string. The sandbox runs exactly these functions, and so do native unit tests.
 */
export function world(policy) {
  if (policy?.descriptor === undefined) throw new TypeError('the default export has to be what `policy` makes');
  let session = null;

  const opened = () => {
    if (session === null) throw new Error('`open` was not called');
    return session;
  };

  return {
    describe: () => policy.descriptor,

    validate: answering((settings, data) => {
      finished('validate', policy.validate(readSettings(policy.settings, settings), byName(data)));
    }),

    open: answering(({ review, settings, data }) => {
      const batch = new Case(readReview(review), readSettings(policy.settings, settings), byName(data));
      session = { batch, state: policy.state() };
    }),

    observe: answering((chunk) => {
      const { batch, state } = opened();
      finished('observe', policy.observe(batch, state, new Chunk(chunk, policy.descriptor.columns)));
    }),

    // The contract lets `save` fail only by trapping, which is what an error comes to here.
    save: () => write(opened().state),

    merge: answering((bytes) => {
      finished('merge', policy.merge?.(opened().state, read(bytes)));
    }),

    finish: answering(() => {
      const { batch, state } = opened();
      const findings = new Findings(policy.rules, Object.keys(policy.settings));
      finished('check', policy.check(batch, state, findings));
      return findings.list();
    }),
  };
}

function answering(answer) {
  return (...given) => {
    try {
      return answer(...given);
    } catch (error) {
      throw inWords(error);
    }
  };
}

/** An answer that comes later never comes: nothing runs once the call has returned. */
function finished(name, answer) {
  if (typeof answer?.then === 'function') throw new TypeError(`${name} is asynchronous, and a policy cannot wait`);
}

function byName(data) {
  return (name) => data.find((blob) => blob.name === name)?.bytes ?? null;
}

/** Reads the review. A whole number that a double cannot hold must not pass for its neighbour. Annotations are free
 * form, and their numbers the policy's own business. */
function readReview(text) {
  const review = JSON.parse(text);
  const check = (value, pointer) => {
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw new RangeError(`${pointer} is beyond 2^53, and JavaScript cannot count that far`);
    }
    if (value === null || typeof value !== 'object' || pointer === '/claims/annotations') return;
    for (const key of Object.keys(value)) check(value[key], `${pointer}/${key}`);
  };
  check(review, '');
  return review;
}
