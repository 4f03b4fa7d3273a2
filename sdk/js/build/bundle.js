import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LOCATIONS } from '../src/locations.js';
import { BuildError, importTool } from './error.js';
import { locationsOf } from './locations.js';

const ENTRIES = ['policy.js', 'policy.ts'];

const EXPORTS = ['describe', 'validate', 'begin', 'observe', 'save', 'merge', 'finish'];

const sdk = (file) => fileURLToPath(new URL(`../${file}`, import.meta.url));

/** Bundles the policy in a folder, the SDK and the exports of the contract into one module. Returns the module and its
 * source locations. */
export async function bundle(folder) {
  const found = ENTRIES.filter((entry) => existsSync(join(folder, entry)));
  if (found.length === 0) throw new BuildError(`there is no \`policy.js\` or \`policy.ts\` in \`${folder}\``);
  if (found.length > 1) {
    throw new BuildError(`there are both \`policy.js\` and \`policy.ts\` in \`${folder}\``, 'remove one of them');
  }
  const { build } = await importTool('esbuild');
  // The sandbox must be prepared before the policy's own modules are evaluated, so it is imported first.
  const entry = `
    import ${JSON.stringify(sdk('src/sandbox.js'))};
    import policy from './${found[0]}';
    import { world } from ${JSON.stringify(sdk('src/world.js'))};
    export const { ${EXPORTS.join(', ')} } = world(policy);
  `;
  try {
    const { outputFiles } = await build({
      stdin: { contents: entry, resolveDir: folder, sourcefile: sdk('world.js') },
      // No file is written. The names of the sources are relative to this path.
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
      // White space and comments would reveal where the files are. Names are kept, because they appear in errors.
      minifyWhitespace: true,
      minifySyntax: true,
      legalComments: 'none',
      logLevel: 'silent',
    });
    const [map, { text }] = outputFiles;
    const locations = locationsOf(text, JSON.parse(map.text), folder, sdk(''));
    const json = JSON.stringify(JSON.stringify(locations));
    const symbol = `Symbol.for(${JSON.stringify(LOCATIONS.description)})`;
    return { locations, jsSource: `${text}\nglobalThis[${symbol}] = ${json};\n` };
  } catch (error) {
    throw new BuildError(error.errors?.map(describe).join('\n') ?? error.message);
  }
}

function describe({ text, location }) {
  return location === null ? text : `${location.file}:${location.line}:${location.column}: ${text}`;
}
