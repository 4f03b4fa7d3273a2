import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationSeconds, seconds, timestamp, utf8 } from '../index.js';
import { compareUtf8 } from '../src/text.js';

test('seconds accepts only the form of the documents', () => {
  assert.equal(seconds('2022-04-05T07:38:00Z'), 1_649_144_280);
  for (const at of [-62_000_000_000, -1, 0, 951_782_400, 4_107_542_399]) assert.equal(seconds(timestamp(at)), at);
  const others = ['2022-02-29T00:00:00Z', '2022-04-05T24:00:00Z', '2022-04-05T07:38:00+00:00'];
  for (const wrong of ['', 'now', '2022-04-05', ...others]) {
    assert.throws(() => seconds(wrong), /is not a time like/, wrong);
  }
});

test('durationSeconds is exact to the second', () => {
  const known = { P5D: 432_000, PT12H: 43_200, PT0S: 0, P1DT1S: 86_401, PT90M: 5_400, P1DT2H3M4S: 93_784 };
  for (const [text, length] of Object.entries(known)) assert.equal(durationSeconds(text), length, text);
  for (const wrong of ['', 'P', 'PT', 'P1DT', 'P1M', '-P1D', 'PT1S1H']) {
    assert.throws(() => durationSeconds(wrong), /is not a duration like/, wrong);
  }
});

test('utf8 decodes texts of any length', () => {
  for (const text of ['', 'plain', 'ä€\u{1f600}', 'ä'.repeat(5_000)]) {
    assert.equal(utf8(Uint8Array.from(Buffer.from(text))), text);
  }
  assert.throws(() => utf8(Uint8Array.of(0xff)), URIError);
});

test('texts are compared by their UTF-8 bytes', () => {
  const sorted = ['', 'Z', 'a', 'ab', 'ä', '\uffff', '\u{1f600}'];
  assert.deepEqual([...sorted].reverse().sort(compareUtf8), sorted);
});
