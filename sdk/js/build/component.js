import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { locate } from '../src/locations.js';
import { findEngine, stubWasi } from './engine.js';
import { BuildError, importTool } from './error.js';

/** The package that evaluates a module in a JavaScript engine and snapshots the memory into a component. */
const COMPONENTIZER = 'componentize-qjs';

/** Its error if the memory to snapshot is larger than it can copy, some 100 MiB. */
const MEMORY_TOO_LARGE = 'too much data is being copied between the host and the guest';

/** Builds a component from a module that exports the contract. `locations` are the module's source locations. */
export async function buildComponent({ jsSource, locations }) {
  // In the package, or beside it in a checkout.
  const places = ['../policy.wit', '../../wit/policy.wit'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  const witPath = places.find((path) => existsSync(path));
  if (witPath === undefined) throw new BuildError(`no contract at \`${places[0]}\``, 'install the package again');
  const { componentize } = await importTool(COMPONENTIZER);
  try {
    const { component } = await componentize({
      witPath,
      world: 'policy',
      jsSource,
      runtimeBytes: stubWasi(findEngine(readFileSync(libraryPath()))),
      stubWasi: true,
    });
    return component;
  } catch (error) {
    if (error.message.includes(MEMORY_TOO_LARGE)) {
      const help = 'allocate less at the top level of its modules';
      throw new BuildError('the policy uses too much memory when it is loaded', help);
    }
    // The policy was evaluated and threw. The rest of the message is the componentizer's own context and stack.
    const [, thrown] = /evaluation: \w*Error: ([^\n]*)/.exec(error.message) ?? [];
    if (thrown === undefined) throw new BuildError(error.message);
    const location = locate(locations, error.message);
    throw new BuildError(`cannot evaluate the policy: ${thrown}${location && ` (${location})`}`);
  }
}

/** The path of the loaded native library, which contains the engine. */
function libraryPath() {
  const { cache } = createRequire(import.meta.url);
  const path = Object.keys(cache).find((file) => file.endsWith('.node') && file.includes(COMPONENTIZER));
  if (path === undefined) throw new BuildError(`cannot find the native library of \`${COMPONENTIZER}\``);
  return path;
}
