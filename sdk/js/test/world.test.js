import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Invalid, Rows, policy } from '../index.js';
import { world } from '../src/world.js';
import { column, review } from './fixture.js';

const TOO_BIG = {
  code: 'too-big',
  summary: 'A target is\n too big.',
  explanation: `
    One line
    and its rest.

    Another paragraph.`,
  settings: ['max_bytes'],
};

const definition = {
  name: 'sizes',
  version: '0.1.0',
  summary: 'Limits sizes.',
  settings: {
    max_bytes: { type: 'u64', doc: 'Bytes.', default: 10, min: 0, max: 100, unit: 'bytes' },
    strict: { type: 'bool', doc: 'Strict.', default: false },
  },
  rules: { TOO_BIG },
  columns: ['size_bytes'],
  state: () => ({ big: new Rows() }),
  observe(context, state, chunk) {
    const sizes = chunk.column('size_bytes');
    for (let i = 0; i < chunk.rows; i++) state.big.addIf(sizes.u64(i) > context.settings.max_bytes, chunk.row(i));
  },
  merge(state, other) {
    state.big.merge(other.big);
  },
  check(context, { big }, findings) {
    if (big.any()) {
      findings
        .denyIf(context.isHard(), TOO_BIG, `${big.count} of ${context.facts.targets}`)
        .field('/targets').setting('max_bytes').rows(big).help('leave them out');
    }
  },
};

const changed = (change) => world(policy({ ...definition, ...change }));

const withRule = (change) => {
  const rule = { ...TOO_BIG, ...change };
  return { rules: { rule }, check: (context, state, findings) => void findings.deny(rule, 'm') };
};

function begun(run = changed({}), settings = '{}', text = JSON.stringify(review())) {
  run.begin({ review: text, settings, data: [{ name: 'list', bytes: Uint8Array.of(104, 105) }] });
  return run;
}

const chunk = (firstRow, sizes) => ({ firstRow, rows: sizes.length, columns: [column('size_bytes', 'u64s', sizes)] });

/** Asserts that a call throws exactly this string, which is what the engine turns into the error of a result. */
function fails(call, text) {
  assert.throws(call, (thrown) => {
    assert.equal(thrown, text);
    return true;
  });
}

test('describe returns the descriptor of the contract', () => {
  const { settingsSchema, ...rest } = changed({}).describe();
  assert.deepEqual(rest, {
    name: 'sizes', version: '0.1.0', summary: 'Limits sizes.', columns: ['size_bytes'], limits: [],
    rules: [{
      code: 'too-big', summary: 'A target is too big.', settings: ['max_bytes'],
      explanation: 'One line and its rest.\n\nAnother paragraph.',
      nature: 'wrong', subject: 'request', neverLifted: false,
    }],
  });
  assert.equal(JSON.parse(settingsSchema).properties.max_bytes.default, 10);
});

test('describe returns the declared nature, subject, neverLifted and limits', () => {
  const limits = [{ measure: 'tenants-hard', setting: 'max_bytes' }, { measure: 'growth', setting: 'max_bytes' }];
  const declared = { nature: 'missing', subject: 'targets', neverLifted: true };
  const descriptor = changed({ ...withRule(declared), limits }).describe();
  const { nature, subject, neverLifted } = descriptor.rules[0];
  assert.deepEqual({ nature, subject, neverLifted }, declared);
  assert.deepEqual(descriptor.limits, limits);
});

test('merged parts have the findings of one pass', () => {
  const expected = [{
    rule: 'too-big', severity: 'warn', nature: 'wrong', message: '3 of 2', help: 'leave them out', field: '/targets',
    setting: 'max_bytes', rows: 3, examples: [1, 3, 5],
  }];
  const whole = begun();
  for (const [row, sizes] of [[0, [1, 11]], [2, [null, 12]], [4, [10, 99]]]) whole.observe(chunk(row, sizes));
  assert.deepEqual(whole.finish(), expected);
  const [first, second, third] = [begun(), begun(), begun()];
  first.observe(chunk(0, [1, 11, null, 12]));
  second.observe(chunk(4, [10, 99]));
  third.merge(second.save());
  third.merge(first.save());
  assert.deepEqual(third.finish(), expected);
});

test('a finding has the nature of its rule unless it has its own', () => {
  const natures = (rule, complete) => {
    const check = (context, state, findings) => void complete(findings.deny(rule, 'm'));
    return begun(changed({ rules: { rule }, check })).finish().map(({ nature }) => nature);
  };
  const missing = { ...TOO_BIG, nature: 'missing' };
  assert.deepEqual(natures(TOO_BIG, (finding) => finding), ['wrong']);
  assert.deepEqual(natures(TOO_BIG, (finding) => finding.missing().help('h')), ['missing']);
  assert.deepEqual(natures(missing, (finding) => finding), ['missing']);
  assert.deepEqual(natures(missing, (finding) => finding.wrong().help('h')), ['wrong']);
});

test('settings and mode reach the policy', () => {
  const run = begun(changed({}), '{"max_bytes":50}', JSON.stringify(review({ mode: 'hard' })));
  run.observe(chunk(0, [49, 51]));
  assert.deepEqual(run.finish().map(({ severity, rows }) => [severity, rows]), [['deny', 1]]);
});

test('an error is reported with its type, unless it is Invalid', () => {
  const validating = (validate) => () => changed({ validate }).validate('{}', []);
  const invalid = ({ max_bytes: max }, data) => {
    throw new Invalid(`no list: ${data('list')}, ${max}`);
  };
  fails(validating(invalid), 'no list: null, 10');
  fails(validating(() => { throw new RangeError('five'); }), 'RangeError: five');
  fails(validating(() => { throw 'text'; }), 'text');
  const why = 'TypeError: settings: `max_bytes` is not of type `u64`';
  fails(() => changed({}).validate('{"max_bytes":"x"}', []), why);
  fails(() => changed({}).finish(), 'Error: `begin` was not called');
  const waiting = begun(changed({ check: async () => {} }));
  const asynchronous = '`check` is asynchronous, but nothing runs after a call has returned; make it synchronous';
  fails(() => waiting.finish(), `TypeError: ${asynchronous}`);
});

test('observe can read only the columns that the policy requests', () => {
  const run = begun(changed({ observe: (context, state, chunk) => { chunk.column('size'); } }));
  fails(() => run.observe(chunk(0, [1])), 'TypeError: the column `size` is not in `columns`: size_bytes');
});

test('data returns reference data by name', () => {
  let seen;
  begun(changed({ check: (context) => (seen = [context.data('list'), context.data('other')]) && undefined })).finish();
  assert.deepEqual(seen, [Uint8Array.of(104, 105), null]);
});

test('a finding names rules and settings of its policy', () => {
  const finding = (find) => () => begun(changed({ check: (context, state, findings) => find(findings) })).finish();
  const copy = { ...TOO_BIG };
  fails(finding((findings) => findings.deny(copy, 'm')), 'TypeError: `too-big` is not a rule of this policy');
  const why = 'TypeError: this policy has no setting `min_bytes`';
  fails(finding((findings) => findings.warn(TOO_BIG, 'm').setting('min_bytes')), why);
});

test('a count in the review that a double cannot represent is an error', () => {
  const text = (claims) => JSON.stringify(review(claims)).replace('"more"', '9007199254740993');
  const counted = text({ dry_run: { count: 'more' } });
  const why = 'RangeError: `/claims/dry_run/count` is beyond 2^53, which is not exact in JavaScript';
  fails(() => begun(changed({}), '{}', counted), why);
  begun(changed({}), '{}', text({ annotations: { any: 'more' } }));
});

test('an invalid definition of a policy is an error', () => {
  const rejects = (change, why) => assert.throws(() => policy({ ...definition, ...change }), why);
  rejects({ obsreve() {} }, /the policy has the unknown key `obsreve`; expected one of `name`/);
  rejects({ check: undefined }, /the policy has no function `check`/);
  rejects({ name: '' }, /the policy has no `name`/);
  rejects({ columns: [] }, /a policy with `observe` or `merge` requires `columns`/);
  rejects({ merge: undefined }, /a policy with `columns` requires `state`, `observe` and `merge`/);
  assert.throws(() => world({ check() {} }), /the default export/);
});

test('an invalid rule is an error', () => {
  const rejects = (change, why) => assert.throws(() => policy({ ...definition, ...withRule(change) }), why);
  rejects({ explanation: '' }, /the rule `too-big` requires `code`, `summary` and `explanation`/);
  rejects({ never_lifted: true }, /the rule `too-big` has the unknown key `never_lifted`/);
  rejects({ neverLifted: 1 }, /`neverLifted` of the rule `too-big` is not true or false/);
  rejects({ nature: 'absent' }, /the nature of the rule `too-big` is `absent`; expected one of `wrong`, `missing`/);
  rejects({ subject: 'target' }, /the subject of the rule `too-big` is `target`; expected one of `request`, `size`/);
  rejects({ settings: 'max_bytes' }, /`settings` of the rule `too-big` is not a list/);
  rejects({ settings: ['bytes'] }, /the rule `too-big` names the setting `bytes`, which does not exist/);
});

test('an invalid limit is an error', () => {
  const limit = { measure: 'growth', setting: 'max_bytes' };
  const rejects = (limits, why) => assert.throws(() => policy({ ...definition, limits }), why);
  rejects([{ ...limit, measure: 'tenants' }], /the measure of a limit is `tenants`; expected one of `tenants-hard`/);
  rejects([{ ...limit, setting: 'bytes' }], /the limit `growth` names the setting `bytes`, which does not exist/);
  rejects([{ ...limit, setting: 'strict' }], /the limit `growth` names the setting `strict`, which is not a number/);
  rejects([limit, limit], /the limit `growth` is declared more than once/);
  rejects([{ ...limit, max: 1 }], /the limit `growth` has the unknown key `max`/);
});
