/**
 * Makes the JavaScript engine deterministic, so that the same source produces the same component.
 *
 * The componentizer starts the engine, evaluates the policy and snapshots the memory. The snapshot would contain what
 * the engine reads at its start: two clocks and a seed. Before the engine is started, those imports are replaced by
 * functions that return 0.
 */

import { BuildError } from './error.js';
import * as wasm from './wasm.js';

/** The section that rustc writes last. */
const LAST_SECTION = 'target_features';

// Stores two 64-bit zeros at the address in the first parameter.
const STORE_TWO_ZEROS = [0x20, 0, 0x42, 0, 0x37, 3, 0, 0x20, 0, 0x42, 0, 0x37, 3, 8, 0x0b];
const RETURN_ZERO = [0x42, 0, 0x0b];

/** The imports to replace, without their versions, and the body of each replacement. */
const STUBS = new Map([
  ['wasi:random/insecure-seed insecure-seed', STORE_TWO_ZEROS],
  ['wasi:clocks/wall-clock now', STORE_TWO_ZEROS],
  ['wasi:clocks/monotonic-clock now', RETURN_ZERO],
]);

const stubFor = ({ module, field }) => STUBS.get(`${module.split('@')[0]} ${field}`);

const contentOf = (sections, id) => sections.find((section) => section.id === id).content;

/** Finds the engine in the bytes of the componentizer's native library. The library contains several: this is the one
 * without async that was built for speed, which is the largest. */
export function findEngine(library) {
  const engines = modulesIn(library).filter((sections) => {
    const imports = wasm.readImports(contentOf(sections, wasm.IMPORT));
    const isAsync = imports.some(({ field }) => field.startsWith('[waitable'));
    return imports.filter(stubFor).length === STUBS.size && !isAsync;
  });
  if (engines.length === 0) throw new BuildError('the componentizer contains no engine that this build supports');
  const size = (sections) => contentOf(sections, wasm.CODE).length;
  return engines.reduce((a, b) => (size(b) > size(a) ? b : a));
}

/** The modules that have imports and end with the section that rustc writes last. */
function modulesIn(library) {
  const modules = [];
  for (let at = library.indexOf(wasm.PREAMBLE); at >= 0; at = library.indexOf(wasm.PREAMBLE, at + 1)) {
    const sections = wasm.readSections(library, at + wasm.PREAMBLE.length, LAST_SECTION);
    if (sections?.some(({ id }) => id === wasm.IMPORT)) modules.push(sections);
  }
  return modules;
}

/** Returns the engine as a module whose clocks and seed are stubs. An import keeps its place, because the code refers
 * to it by index: it is renamed to one of the module's own functions, which are added after all others. */
export function stubWasi(sections) {
  const imports = wasm.readImports(contentOf(sections, wasm.IMPORT));
  const stubbed = imports.filter(stubFor);
  const nameOf = (one) => `reprieve-stub-${stubbed.indexOf(one)}`;
  const renamed = imports.map((one) => (stubFor(one) ? { ...one, module: 'env', field: nameOf(one) } : one));
  const before = imports.filter(wasm.isFunction).length + wasm.count(contentOf(sections, wasm.FUNCTION));
  const added = new Map([
    [wasm.FUNCTION, stubbed.map(({ type }) => wasm.u32(type))],
    [wasm.EXPORT, stubbed.map((one, i) => wasm.functionExport(nameOf(one), before + i))],
    [wasm.CODE, stubbed.map((one) => wasm.body(stubFor(one)))],
  ]);
  return wasm.writeModule(
    sections.map(({ id, content }) => {
      if (id === wasm.IMPORT) return { id, content: wasm.writeImports(renamed) };
      return { id, content: added.has(id) ? wasm.append(content, added.get(id)) : content };
    }),
  );
}
