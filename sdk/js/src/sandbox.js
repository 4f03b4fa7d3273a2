// Runs in the sandbox only, before the policy. The build replaces the engine's clock with one that always
// returns 1970, so that a component is the same every time. A policy that reads the clock or asks for a random number
// has a mistake, and must not decide with a wrong date.

function unavailable(what, instead) {
  return () => {
    throw new Error(`a policy has no ${what}; ${instead}`);
  };
}

const clock = unavailable('clock', 'use `facts.evaluated_at`, the time for which the decision is made');

globalThis.Date = class Date extends globalThis.Date {
  constructor(...given) {
    if (given.length === 0) clock();
    super(...given);
  }

  static now() {
    clock();
  }
};

Math.random = unavailable('random numbers', 'every decision must be repeatable');
delete globalThis.performance;
