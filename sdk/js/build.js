#!/usr/bin/env node
/**
 * Builds the policy in a folder into a component: `reprieve-build <folder> <output>`.
 *
 * It installs nothing and asks no network. The same source gives the same bytes.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { bundle } from './build/bundle.js';
import { componentOf } from './build/component.js';
import { Failure } from './build/failure.js';

async function main([folder, output, ...rest]) {
  if (folder === undefined || output === undefined || rest.length > 0) {
    throw new Failure('a folder and an output file are needed', 'reprieve-build . policy.wasm');
  }
  const component = await componentOf(await bundle(resolve(folder)));
  await mkdir(dirname(resolve(output)), { recursive: true });
  await writeFile(output, component);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`error: ${error.message}${error.help ? `\nhelp: ${error.help}` : ''}`);
  process.exitCode = 1;
}
