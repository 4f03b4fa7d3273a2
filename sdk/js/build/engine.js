/**
 * The JavaScript engine, and what is done to it so that a component comes out the same every time.
 *
 * The componentizer starts the engine, evaluates the policy and keeps the memory as it is then. In that memory stand
 * what the engine asked of the machine at its start: two clocks and a seed. Here the engine is given functions of its
 * own in their place, which answer 0, before it is started.
 */

import { Failure } from './failure.js';
import * as wasm from './wasm.js';

/** The section that rustc writes last. */
const LAST = 'target_features';

// Stores 0 as the 64-bit number at the address it is given and as the one behind it.
const TWO_ZEROS = [0x20, 0, 0x42, 0, 0x37, 3, 0, 0x20, 0, 0x42, 0, 0x37, 3, 8, 0x0b];
const ZERO = [0x42, 0, 0x0b];

/** What the engine would ask of the machine, without the versions, and the body that answers instead. */
const ANSWERS = new Map([
  ['wasi:random/insecure-seed insecure-seed', TWO_ZEROS],
  ['wasi:clocks/wall-clock now', TWO_ZEROS],
  ['wasi:clocks/monotonic-clock now', ZERO],
]);

const answerTo = ({ module, field }) => ANSWERS.get(`${module.split('@')[0]} ${field}`);

const contentOf = (sections, id) => sections.find((section) => section.id === id).content;

/** The engine among the bytes of the componentizer's native library: of those without async the one that was built
 * for speed, which is the largest. */
export function engineIn(library) {
  const engines = modulesIn(library).filter((sections) => {
    const imports = wasm.readImports(contentOf(sections, wasm.IMPORT));
    const isAsync = imports.some(({ field }) => field.startsWith('[waitable'));
    return imports.filter(answerTo).length === ANSWERS.size && !isAsync;
  });
  if (engines.length === 0) throw new Failure('the componentizer holds no engine that this build knows');
  const size = (sections) => contentOf(sections, wasm.CODE).length;
  return engines.reduce((a, b) => (size(b) > size(a) ? b : a));
}

/** The modules that import something and end as those of rustc do. */
function modulesIn(library) {
  const modules = [];
  for (let at = library.indexOf(wasm.PREAMBLE); at >= 0; at = library.indexOf(wasm.PREAMBLE, at + 1)) {
    const sections = wasm.readSections(library, at + wasm.PREAMBLE.length, LAST);
    if (sections?.some(({ id }) => id === wasm.IMPORT)) modules.push(sections);
  }
  return modules;
}

/** The engine as a module that asks nothing of the machine at its start. An import keeps its place, for its number
 * is in the code; it becomes one of the module's own functions, which stands behind all others. */
export function withoutMachine(sections) {
  const imports = wasm.readImports(contentOf(sections, wasm.IMPORT));
  const asked = imports.filter(answerTo);
  const nameOf = (one) => `reprieve-answer-${asked.indexOf(one)}`;
  const renamed = imports.map((one) => (answerTo(one) ? { ...one, module: 'env', field: nameOf(one) } : one));
  const before = imports.filter(wasm.isFunction).length + wasm.count(contentOf(sections, wasm.FUNCTION));
  const added = new Map([
    [wasm.FUNCTION, asked.map(({ type }) => wasm.u32(type))],
    [wasm.EXPORT, asked.map((one, i) => wasm.functionExport(nameOf(one), before + i))],
    [wasm.CODE, asked.map((one) => wasm.body(answerTo(one)))],
  ]);
  return wasm.writeModule(
    sections.map(({ id, content }) => {
      if (id === wasm.IMPORT) return { id, content: wasm.writeImports(renamed) };
      return { id, content: added.has(id) ? wasm.append(content, added.get(id)) : content };
    }),
  );
}
