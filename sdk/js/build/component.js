import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Failure, tool } from './failure.js';
import { engineIn, withoutMachine } from './engine.js';

/** The package that puts a module beside a JavaScript engine and snapshots both, ready to run. */
const COMPONENTIZER = 'componentize-qjs';

/** The component of a module that exports the contract. */
export async function componentOf(jsSource) {
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
    // The policy was evaluated in the engine; what comes before its error and the stack behind it say nothing more.
    const [, thrown] = /evaluation: \w*Error: ([^\n]*)/.exec(error.message) ?? [];
    throw new Failure(thrown === undefined ? error.message : `the policy cannot be evaluated: ${thrown}`);
  }
}

/** The native library that was loaded, which holds the engine. */
function bindingPath() {
  const { cache } = createRequire(import.meta.url);
  const path = Object.keys(cache).find((file) => file.endsWith('.node') && file.includes(COMPONENTIZER));
  if (path === undefined) throw new Failure(`the native library of ${COMPONENTIZER} cannot be found`);
  return path;
}
