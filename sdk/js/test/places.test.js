import assert from 'node:assert/strict';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundle } from '../build/bundle.js';
import { inWords } from '../src/invalid.js';
import { PLACES, placeIn } from '../src/places.js';

const POLICY = `// The policy.
import { policy } from '@reprieve/sdk';
import { helper } from './lib/helper.js';

export default policy({
  name: 'placed',

  check(batch) {
    helper(batch);
  },
});
`;
const HELPER = `export function helper(batch) {
  const targets = batch.facts.targets;

  if (targets === null) lookedFor(targets);
}
`;

/** The frame of a stack trace for the place where a text stands in the bundle. */
function frame(source, text) {
  const before = source.slice(0, source.indexOf(text)).split('\n');
  return `    at some (componentize-qjs:user.js:${before.length}:${before.at(-1).length + 1})\n`;
}

test('a place in the bundle is told as the place in the file it comes from', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'places-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'lib'));
  await writeFile(join(folder, 'policy.js'), POLICY);
  await writeFile(join(folder, 'lib', 'helper.js'), HELPER);
  const { jsSource, places } = await bundle(folder);
  const at = (text) => frame(jsSource, text);

  assert.deepEqual(places.files, ['lib/helper.js', 'policy.js']);
  assert.equal(placeIn(places, at('lookedFor')), 'lib/helper.js, from line 4');
  assert.equal(placeIn(places, at('name:"placed"')), 'policy.js, from line 6');
  // The innermost counts, and the SDK's own do not.
  const own = at('merge(');
  assert.equal(placeIn(places, own), '');
  assert.equal(placeIn(places, own + at('name:"placed"') + at('lookedFor')), 'policy.js, from line 6');
  assert.equal(placeIn(places, 'at native\n at eval (user.js:9999)\n'), '');
  assert.equal(placeIn(places, undefined), '');

  // What the module leaves behind is the same.
  const [, kept] = /globalThis\[Symbol\.for\("reprieve\.places"\)\] = (".*");\n$/.exec(jsSource);
  assert.deepEqual(JSON.parse(JSON.parse(kept)), places);
  t.after(() => delete globalThis[PLACES]);
  const error = new TypeError('no');
  error.stack = at('lookedFor');
  assert.equal(inWords(error), 'TypeError: no');
  globalThis[PLACES] = JSON.parse(kept);
  assert.equal(inWords(error), 'TypeError: no (lib/helper.js, from line 4)');
});
