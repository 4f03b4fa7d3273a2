import assert from 'node:assert/strict';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundle } from '../build/bundle.js';
import { describeError } from '../src/invalid.js';
import { LOCATIONS, locate } from '../src/locations.js';

const POLICY = `// The policy.
import { policy } from '@reprieve/sdk';
import { helper } from './lib/helper.js';

export default policy({
  name: 'located',

  check(context) {
    helper(context);
  },
});
`;
const HELPER = `export function helper(context) {
  const targets = context.facts.targets;

  if (targets === null) wanted(targets);
}
`;

/** The stack frame for the position of a text in the bundle. */
function frame(source, text) {
  const before = source.slice(0, source.indexOf(text)).split('\n');
  return `    at some (componentize-qjs:user.js:${before.length}:${before.at(-1).length + 1})\n`;
}

test("a position in the bundle maps to the author's file and line", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'locations-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'lib'));
  await writeFile(join(folder, 'policy.js'), POLICY);
  await writeFile(join(folder, 'lib', 'helper.js'), HELPER);
  const { jsSource, locations } = await bundle(folder);
  const at = (text) => frame(jsSource, text);

  assert.deepEqual(locations.files, ['lib/helper.js', 'policy.js']);
  assert.equal(locate(locations, at('wanted')), 'lib/helper.js, at or after line 4');
  assert.equal(locate(locations, at('name:"located"')), 'policy.js, at or after line 6');
  // The innermost frame of the author counts; frames of the SDK do not.
  const own = at('merge(');
  assert.equal(locate(locations, own), '');
  assert.equal(locate(locations, own + at('name:"located"') + at('wanted')), 'policy.js, at or after line 6');
  assert.equal(locate(locations, 'at native\n at eval (user.js:9999)\n'), '');
  assert.equal(locate(locations, undefined), '');

  // The bundle stores the same locations.
  const [, json] = /globalThis\[Symbol\.for\("reprieve\.locations"\)\] = (".*");\n$/.exec(jsSource);
  assert.deepEqual(JSON.parse(JSON.parse(json)), locations);
  t.after(() => delete globalThis[LOCATIONS]);
  const error = new TypeError('no');
  error.stack = at('wanted');
  assert.equal(describeError(error), 'TypeError: no');
  globalThis[LOCATIONS] = JSON.parse(json);
  assert.equal(describeError(error), 'TypeError: no (lib/helper.js, at or after line 4)');
});
