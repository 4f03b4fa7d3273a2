import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Failure, tool } from './failure.js';
import { runtimeIn, withoutClocks } from './runtime.js';

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
      runtimeBytes: withoutClocks(runtimeIn(readFileSync(bindingPath()))),
      stubWasi: true,
    });
    return component;
  } catch (error) {
    throw new Failure(String(error.message).replace(/^: /, ''));
  }
}

/** The native library that was loaded, which holds the engine. */
function bindingPath() {
  const { cache } = createRequire(import.meta.url);
  const path = Object.keys(cache).find((file) => file.endsWith('.node') && file.includes(COMPONENTIZER));
  if (path === undefined) throw new Failure(`the native library of ${COMPONENTIZER} cannot be found`);
  return path;
}
