import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Failure, tool } from './failure.js';
import { placeIn } from '../src/places.js';
import { engineIn, withoutMachine } from './engine.js';

/** The package that puts a module beside a JavaScript engine and snapshots both, ready to run. */
const COMPONENTIZER = 'componentize-qjs';

/** What it says where the memory that it is to keep is larger than it can take, some 100 MiB. */
const TOO_MUCH = 'too much data is being copied between the host and the guest';

/** The component of a module that exports the contract, of which `places` tells where it comes from. */
export async function componentOf({ jsSource, places }) {
  const witPath = fileURLToPath(new URL('../../wit/policy.wit', import.meta.url));
  if (!existsSync(witPath)) throw new Failure(`the contract is not at ${witPath}`, 'keep sdk/js beside sdk/wit');
  const { componentize } = await tool(COMPONENTIZER);
  try {
    const { component } = await componentize({
      witPath,
      world: 'policy',
      jsSource,
      runtimeBytes: withoutMachine(engineIn(readFileSync(bindingPath()))),
      stubWasi: true,
    });
    return component;
  } catch (error) {
    if (error.message.includes(TOO_MUCH)) {
      throw new Failure('the policy keeps too much memory when it is loaded', 'make less of it at the top of its modules');
    }
    // The policy was evaluated in the engine; what comes before its error and the stack behind it say nothing more.
    const [, thrown] = /evaluation: \w*Error: ([^\n]*)/.exec(error.message) ?? [];
    if (thrown === undefined) throw new Failure(error.message);
    const place = placeIn(places, error.message);
    throw new Failure(`the policy cannot be evaluated: ${thrown}${place && ` (${place})`}`);
  }
}

/** The native library that was loaded, which holds the engine. */
function bindingPath() {
  const { cache } = createRequire(import.meta.url);
  const path = Object.keys(cache).find((file) => file.endsWith('.node') && file.includes(COMPONENTIZER));
  if (path === undefined) throw new Failure(`the native library of ${COMPONENTIZER} cannot be found`);
  return path;
}
