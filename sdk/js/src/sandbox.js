// Runs before a policy does, in the sandbox only. The build gives the engine a clock that stands at 1970 and no
// randomness at all, so that a component is the same every time; an author who asks for either has made a mistake,
// and a wrong date must not decide.

function none(what, instead) {
  return () => {
    throw new Error(`a policy has no ${what}; ${instead}`);
  };
}

const clock = none('clock', 'the time of the decision is facts.evaluated_at');

globalThis.Date = class Date extends globalThis.Date {
  constructor(...given) {
    if (given.length === 0) clock();
    super(...given);
  }

  static now() {
    clock();
  }
};

Math.random = none('random numbers', 'every decision can be replayed');
delete globalThis.performance;
