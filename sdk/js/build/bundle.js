import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PLACES } from '../src/places.js';
import { Failure, tool } from './failure.js';
import { placesOf } from './places.js';

const ENTRIES = ['policy.js', 'policy.ts'];

const EXPORTS = ['describe', 'validate', 'open', 'observe', 'save', 'merge', 'finish'];

const sdk = (file) => fileURLToPath(new URL(`../${file}`, import.meta.url));

/** The policy in that folder, the SDK and the exports of the contract as one module, and the places it comes from. */
export async function bundle(folder) {
  const found = ENTRIES.filter((entry) => existsSync(join(folder, entry)));
  if (found.length !== 1) {
    throw new Failure(`there has to be one of ${ENTRIES.join(' and ')} in ${folder}, and there is ${found.length}`);
  }
  const { build } = await tool('esbuild');
  // What the sandbox lacks has to be gone before the policy's own modules are evaluated.
  const entry = `
    import ${JSON.stringify(sdk('src/sandbox.js'))};
    import policy from './${found[0]}';
    import { world } from ${JSON.stringify(sdk('src/world.js'))};
    export const { ${EXPORTS.join(', ')} } = world(policy);
  `;
  try {
    const { outputFiles } = await build({
      stdin: { contents: entry, resolveDir: folder, sourcefile: sdk('world.js') },
      // Nothing is written; sources are named relative to it.
      outfile: join(folder, 'bundle.js'),
      sourcemap: 'external',
      absWorkingDir: folder,
      // The policy gets the SDK that builds it, whatever else is installed.
      alias: { '@reprieve/sdk': sdk('index.js') },
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      conditions: ['import'],
      target: 'es2023',
      charset: 'utf8',
      // White space and comments tell where the files lie, and names show up in the text of errors.
      minifyWhitespace: true,
      minifySyntax: true,
      legalComments: 'none',
      logLevel: 'silent',
    });
    const [map, { text }] = outputFiles;
    const places = placesOf(text, JSON.parse(map.text), folder, sdk(''));
    const kept = JSON.stringify(JSON.stringify(places));
    return { places, jsSource: `${text}\nglobalThis[Symbol.for(${JSON.stringify(PLACES.description)})] = ${kept};\n` };
  } catch (error) {
    throw new Failure(error.errors?.map(inWords).join('\n') ?? error.message);
  }
}

function inWords({ text, location }) {
  return location === null ? text : `${location.file}:${location.line}:${location.column}: ${text}`;
}
