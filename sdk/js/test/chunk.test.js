import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chunk } from '../src/chunk.js';
import { column } from './fixture.js';

const requested = ['x_a', 'id', 'kind', 'created_at', 'size_bytes', 'legal_hold'];
const chunkOf = (rows, ...columns) => new Chunk({ firstRow: 1000, rows, columns }, requested);
const all = (rows, at) => Array.from({ length: rows }, (_, i) => at(i));

test('an unknown value is null in every type of column', () => {
  const types = { strings: ['ä', null, ''], codes: ['b', null, 'c'], u64s: [0, null, 7], i64s: [-5, null, 0] };
  for (const [tag, values] of Object.entries(types)) {
    const one = chunkOf(3, column('x_a', tag, [...values])).column('x_a');
    const read = { strings: 'text', codes: 'text', u64s: 'u64', i64s: 'i64' }[tag];
    assert.deepEqual(all(3, (i) => one[read](i)), values, tag);
    assert.deepEqual(one[`${read}s`](), values, tag);
  }
  const bools = [true, null, false, true, null, null, false, true, true, null];
  const held = chunkOf(10, column('legal_hold', 'bools', bools)).column('legal_hold');
  assert.deepEqual(all(10, (i) => held.bool(i)), bools);
});

test('strings of any length are decoded at their offsets', () => {
  const plain = all(3000, (i) => `app-${i}`);
  for (const texts of [plain, plain.map((text, i) => (i % 500 === 0 ? `ä\u{1f600}${text}` : text))]) {
    const ids = chunkOf(3000, column('id', 'strings', texts)).column('id');
    assert.deepEqual(ids.texts(), texts);
    assert.deepEqual(all(3000, (i) => ids.text(i)), texts);
    assert.equal(ids.text(3000), null);
  }
});

test('validity is read from every byte', () => {
  const values = all(1000, (i) => (i % 7 === 0 || (i > 300 && i < 340) ? null : i));
  const times = chunkOf(1000, column('created_at', 'i64s', [...values])).column('created_at');
  assert.deepEqual(times.i64s(), values);
  assert.deepEqual(all(1000, (i) => times.i64(i)), values);
});

test('every row of a column that is missing or of another type is unknown', () => {
  const chunk = chunkOf(2, column('size_bytes', 'u64s', [1, 2]));
  const absent = chunk.column('created_at');
  assert.deepEqual([absent.text(0), absent.u64(0), absent.i64(0), absent.bool(0)], [null, null, null, null]);
  assert.deepEqual([absent.i64s(), absent.u64s(), absent.texts()], new Array(3).fill([null, null]));
  const sizes = chunk.column('size_bytes');
  assert.deepEqual([sizes.text(0), sizes.i64(1), sizes.bool(0), sizes.u64(1)], [null, null, null, 2]);
  assert.deepEqual([sizes.i64s(), sizes.texts()], new Array(2).fill([null, null]));
  const seen = [];
  sizes.mapDistinct(() => true, (i, result) => seen.push([i, result]));
  assert.deepEqual(seen, [[0, null], [1, null]]);
});

test('reading a column that the policy does not request is an error', () => {
  const why = { name: 'TypeError', message: `the column \`knid\` is not in \`columns\`: ${requested.join(', ')}` };
  assert.throws(() => chunkOf(1).column('knid'), why);
});

test('mapDistinct calls its test once per distinct text', () => {
  const tested = [];
  const kinds = column('kind', 'codes', ['app', 'site']);
  kinds.values.val.values = [0, 1, 0, 0, 1];
  kinds.validity = Uint8Array.of(0b10111);
  const seen = [];
  const test = (text) => (tested.push(text), text === 'site');
  chunkOf(5, kinds).column('kind').mapDistinct(test, (i, result) => seen.push(result));
  assert.deepEqual(tested, ['app', 'site']);
  assert.deepEqual(seen, [false, true, false, null, true]);
});

test('a number that a double cannot represent is an error', () => {
  const exact = chunkOf(1, column('size_bytes', 'u64s', [Number.MAX_SAFE_INTEGER])).column('size_bytes');
  assert.equal(exact.u64(0), Number.MAX_SAFE_INTEGER);
  // 2^53 + 1 arrives as 2^53, and 2^64 - 1 as -1.
  for (const size of [2 ** 53, -1]) {
    const sizes = [...new Array(2000).fill(1), size];
    const chunk = chunkOf(2001, column('size_bytes', 'u64s', sizes));
    assert.throws(() => chunk.column('size_bytes'), /the column `size_bytes` has a number beyond 2\^53/);
  }
});

test('row numbers are those of the batch', () => {
  const chunk = chunkOf(3);
  assert.deepEqual([chunk.firstRow, chunk.rows, chunk.row(2)], [1000, 3, 1002]);
});
