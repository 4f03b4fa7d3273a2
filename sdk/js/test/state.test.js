import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rows } from '../src/rows.js';
import { read, write } from '../src/state.js';

test('a saved state is read back', () => {
  const rows = new Rows();
  rows.add(3);
  const state = {
    rows, list: [1, 2.5, null, true, 'ä\u{1f600}'], big: 2n ** 64n, empty: {},
    map: new Map([['b', rows], ['a', new Set(['x'])]]),
  };
  const restored = read(write(state));
  assert.deepEqual(restored, state);
  assert.ok(restored.rows instanceof Rows);
});

test('equal states are equal bytes, in any order of insertion', () => {
  const one = { a: 1, b: new Map([['x', 1], ['y', 2]]), c: new Set([1, 2]) };
  const other = { c: new Set([2, 1]), b: new Map([['y', 2], ['x', 1]]), a: 1 };
  assert.deepEqual(write(one), write(other));
  assert.ok(write(one).every((byte) => byte < 0x80));
});

test('a value that cannot be restored is an error that names it', () => {
  const rejected = [
    [{ a: undefined }, /the state\.a cannot be saved: its type is undefined/],
    [[NaN], /the state\[0\] cannot be saved: its type is NaN/],
    [{ at: new Date(0) }, /the state\.at cannot be saved: its type is Date/],
    [{ $rows: 1 }, /a key must not begin with \$/],
    [() => 1, /its type is function/],
  ];
  for (const [state, why] of rejected) assert.throws(() => write(state), why);
});

test('merged rows equal those of one pass', () => {
  const [whole, first, second] = [new Rows(), new Rows(), new Rows()];
  for (let row = 0; row < 20; row++) {
    whole.addIf(row % 2 === 0, row);
    (row < 7 ? first : second).addIf(row % 2 === 0, row);
  }
  second.merge(first);
  assert.deepEqual(second, whole);
  assert.deepEqual([whole.count, whole.examples, whole.any(), new Rows().any()], [10, [0, 2, 4, 6, 8], true, false]);
});
