import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Invalid, Rows, policy } from '../index.js';
import { world } from '../src/world.js';
import { column, review } from './batch.js';

const TOO_BIG = {
  code: 'too-big',
  summary: 'A target is\n too big.',
  explanation: `
    One line
    and its rest.

    Another paragraph.`,
  settings: ['most'],
};

const definition = {
  name: 'sizes',
  version: '0.1.0',
  summary: 'Looks at sizes.',
  settings: { most: { type: 'u64', doc: 'Bytes.', default: 10, min: 0, max: 100, unit: 'bytes' } },
  rules: { TOO_BIG },
  columns: ['size_bytes'],
  state: () => ({ big: new Rows() }),
  observe(batch, state, chunk) {
    const sizes = chunk.column('size_bytes');
    for (let i = 0; i < chunk.rows; i++) state.big.addIf(sizes.u64(i) > batch.settings.most, chunk.row(i));
  },
  merge(state, other) {
    state.big.merge(other.big);
  },
  check(batch, { big }, findings) {
    if (big.any()) {
      findings
        .denyIf(batch.isHard(), TOO_BIG, `${big.count} of ${batch.facts.targets}`)
        .field('/targets').setting('most').rows(big).help('leave them out');
    }
  },
};

const changed = (change) => world(policy({ ...definition, ...change }));

function opened(run = changed({}), settings = '{}', text = JSON.stringify(review())) {
  run.open({ review: text, settings, data: [{ name: 'list', bytes: Uint8Array.of(104, 105) }] });
  return run;
}

const chunk = (firstRow, sizes) => ({ firstRow, rows: sizes.length, columns: [column('size_bytes', 'u64s', sizes)] });

/** What the host is told: a string is thrown, for that is what the engine makes the error of a result of. */
function fails(call, text) {
  assert.throws(call, (thrown) => {
    assert.equal(thrown, text);
    return true;
  });
}

test('a policy says what it is', () => {
  const { settingsSchema, ...rest } = changed({}).describe();
  assert.deepEqual(rest, {
    name: 'sizes', version: '0.1.0', summary: 'Looks at sizes.', columns: ['size_bytes'],
    rules: [{
      code: 'too-big', summary: 'A target is too big.', settings: ['most'],
      explanation: 'One line and its rest.\n\nAnother paragraph.',
    }],
  });
  assert.equal(JSON.parse(settingsSchema).properties.most.default, 10);
});

test('a pass over chunks and a merge of parts find the same', () => {
  const expected = [{
    rule: 'too-big', severity: 'warn', message: '3 of 2', help: 'leave them out', field: '/targets', setting: 'most',
    rows: 3, examples: [1, 3, 5],
  }];
  const whole = opened();
  for (const [row, sizes] of [[0, [1, 11]], [2, [null, 12]], [4, [10, 99]]]) whole.observe(chunk(row, sizes));
  assert.deepEqual(whole.finish(), expected);
  const [first, second, third] = [opened(), opened(), opened()];
  first.observe(chunk(0, [1, 11, null, 12]));
  second.observe(chunk(4, [10, 99]));
  third.merge(second.save());
  third.merge(first.save());
  assert.deepEqual(third.finish(), expected);
});

test('settings and mode reach the policy', () => {
  const run = opened(changed({}), '{"most":50}', JSON.stringify(review({ mode: 'hard' })));
  run.observe(chunk(0, [49, 51]));
  assert.deepEqual(run.finish().map(({ severity, rows }) => [severity, rows]), [['deny', 1]]);
});

test('an error is told with its type, and one of the operator without', () => {
  const validating = (validate) => () => changed({ validate }).validate('{}', []);
  const invalid = ({ most }, data) => {
    throw new Invalid(`no list: ${data('list')}, ${most}`);
  };
  fails(validating(invalid), 'no list: null, 10');
  fails(validating(() => { throw new RangeError('five'); }), 'RangeError: five');
  fails(validating(() => { throw 'text'; }), 'text');
  fails(() => changed({}).validate('{"most":"x"}', []), 'TypeError: settings: most is not a "u64"');
  fails(() => changed({}).finish(), 'Error: `open` was not called');
  const waiting = opened(changed({ check: async () => {} }));
  fails(() => waiting.finish(), 'TypeError: check is asynchronous, and a policy cannot wait');
});

test('a column is one of the columns', () => {
  const waiting = opened(changed({ observe: (batch, state, chunk) => { chunk.column('size'); } }));
  fails(() => waiting.observe(chunk(0, [1])), 'TypeError: size is not among columns: size_bytes');
});

test('reference data is bytes by name', () => {
  let seen;
  opened(changed({ check: (batch) => (seen = [batch.data('list'), batch.data('other')]) && undefined })).finish();
  assert.deepEqual(seen, [Uint8Array.of(104, 105), null]);
});

test('a finding names rules and settings of its policy', () => {
  const finding = (find) => () => opened(changed({ check: (batch, state, findings) => find(findings) })).finish();
  const copy = { ...TOO_BIG };
  fails(finding((findings) => findings.deny(copy, 'm')), 'TypeError: too-big is not a rule of this policy');
  fails(finding((findings) => findings.warn(TOO_BIG, 'm').setting('least')), 'TypeError: there is no setting least');
});

test('a count that a double cannot hold does not pass for another', () => {
  const text = (claims) => JSON.stringify(review(claims)).replace('"more"', '9007199254740993');
  const counted = text({ dry_run: { count: 'more' } });
  const why = 'RangeError: /claims/dry_run/count is beyond 2^53, and JavaScript cannot count that far';
  fails(() => opened(changed({}), '{}', counted), why);
  opened(changed({}), '{}', text({ annotations: { any: 'more' } }));
});

test('a definition that would be taken for silence is refused', () => {
  const refused = (change, why) => assert.throws(() => policy({ ...definition, ...change }), why);
  refused({ obsreve() {} }, /a policy has no obsreve/);
  refused({ check: undefined }, /needs a function `check`/);
  refused({ name: '' }, /needs a name/);
  refused({ columns: [] }, /only called for columns/);
  refused({ merge: undefined }, /needs `state`, `observe` and `merge`/);
  refused({ rules: { TOO_BIG: { ...TOO_BIG, explanation: '' } } }, /too-big needs code, summary and explanation/);
  assert.throws(() => world({ check() {} }), /the default export/);
});
