import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paragraph, readSettings, schemaOf } from '../src/settings.js';

const settings = {
  max_targets: {
    type: 'u64', doc: 'Targets that one\n    batch may hold.', default: 100, min: 0, max: 1_000_000, unit: 'targets',
  },
  share: { type: 'f64', doc: 'A share.', default: 0.5 },
  strict: { type: 'bool', doc: 'Strict.', default: false },
  name: { type: 'string', doc: 'A "name".', default: 'x' },
  zone: { type: 'time-zone', doc: 'A zone.', default: 'UTC' },
  days: { type: { list: 'u64' }, doc: 'Days.', default: [1, 2] },
  weights: { type: { map: 'f64' }, doc: 'Weights.', default: { app: 2 } },
};

test('the schema equals the one that the Rust SDK generates', () => {
  const expected =
    '{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false,' +
    '"properties":{"max_targets":{"type":"integer","description":"Targets that one batch may hold.","default":100,' +
    '"minimum":0,"maximum":1000000,"x-unit":"targets"},"share":{"type":"number","description":"A share.",' +
    '"default":0.5},"strict":{"type":"boolean","description":"Strict.","default":false},"name":{"type":"string",' +
    '"description":"A \\"name\\".","default":"x"},"zone":{"type":"string","format":"time-zone",' +
    '"description":"A zone.","default":"UTC"},"days":{"type":"array","uniqueItems":true,"items":' +
    '{"type":"integer"},"description":"Days.","default":[1,2]},"weights":{"type":"object","additionalProperties":' +
    '{"type":"number"},"description":"Weights.","default":{"app":2}}}}';
  assert.equal(JSON.stringify(schemaOf(settings)), expected);
  assert.deepEqual(schemaOf({}).properties, {});
});

test('a setting that is not given has its own copy of the default', () => {
  const read = readSettings(settings, '{"max_targets":7,"strict":true}');
  const defaults = { share: 0.5, name: 'x', zone: 'UTC', days: [1, 2], weights: { app: 2 } };
  assert.deepEqual(read, { max_targets: 7, strict: true, ...defaults });
  read.days.push(3);
  assert.deepEqual(readSettings(settings, '{}').days, [1, 2]);
});

test('a value of another type is an error that names the setting', () => {
  const wrong = [['max_targets', -1], ['max_targets', 1.5], ['share', '1'], ['days', {}], ['weights', []]];
  for (const [name, value] of wrong) {
    assert.throws(() => readSettings(settings, JSON.stringify({ [name]: value })), new RegExp(`settings: \`${name}\``));
  }
});

test('an invalid declaration of a setting is an error', () => {
  const rejects = (setting, why) => assert.throws(() => schemaOf({ max_bytes: { doc: 'd', ...setting } }), why);
  rejects({ type: 'int', default: 1 }, /`int` is not a type of setting/);
  rejects({ type: { list: 'int' }, default: [] }, /`{"list":"int"}` is not a type of setting/);
  rejects({ type: 'u64', default: -1 }, /the default of the setting `max_bytes` is not of type `u64`/);
  rejects({ type: 'u64', default: 1, doc: ' ' }, /`max_bytes` has no `doc`/);
  rejects({ type: 'u64', default: 1, min: 0, max: 9 }, /some of `min`, `max` and `unit`/);
  const bounds = { min: 0, max: 9, unit: 'rows' };
  rejects({ type: 'u64', default: 10, ...bounds }, /the default of the setting `max_bytes` is out of bounds/);
  rejects({ type: 'u64', default: 1, ...bounds, max: 2 ** 60 }, /`max` of the setting `max_bytes` is beyond 2\^53/);
  rejects({ type: 'u64', default: 1, minimum: 0 }, /has the unknown key `minimum`/);
});

test('paragraph joins lines', () => {
  assert.equal(paragraph('\n    one\n    two  \n'), 'one two');
});
