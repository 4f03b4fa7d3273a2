#!/usr/bin/env node
/**
 * Builds the policy in a folder into a component: `reprieve-build <folder> -o <file>`.
 *
 * It installs nothing and uses no network. The same source produces the same bytes.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from './build/bundle.js';
import { buildComponent } from './build/component.js';
import { BuildError } from './build/error.js';

/** The folder and the output file. */
function parse(args) {
  const usage = 'reprieve-build . -o policy.wasm';
  try {
    const options = { output: { type: 'string', short: 'o' } };
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    if (positionals.length === 1 && values.output) return [positionals[0], values.output];
  } catch (error) {
    throw new BuildError(error.message, usage);
  }
  throw new BuildError('expected one folder and an output file', usage);
}

async function main(args) {
  const [folder, output] = parse(args);
  const component = await buildComponent(await bundle(resolve(folder)));
  await mkdir(dirname(resolve(output)), { recursive: true });
  await writeFile(output, component);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`error: ${error.message}${error.help ? `\nhelp: ${error.help}` : ''}`);
  process.exitCode = 1;
}
