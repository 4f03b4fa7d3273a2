import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineIn, withoutMachine } from '../build/engine.js';
import { CODE, EXPORT, FUNCTION, IMPORT, PREAMBLE, count, u32, writeModule } from '../build/wasm.js';

const [TYPE, CUSTOM] = [1, 0];
const text = (name) => Buffer.concat([u32(name.length), Buffer.from(name)]);
const list = (...items) => Buffer.concat([u32(items.length), ...items.map((item) => Buffer.from(item))]);
const imported = (module, field, ...rest) => Buffer.concat([text(module), text(field), Buffer.from(rest)]);

/** A module that asks for what the engine asks for, and exports a function that asks for the time. */
function engine({ padding = 0, extra = [] } = {}) {
  const nops = new Array(padding).fill(0x01);
  const sections = [
    // () -> i64, and (i32) -> ()
    [TYPE, list([0x60, 0, 1, 0x7e], [0x60, 1, 0x7f, 0])],
    [IMPORT, list(
      imported('env', 'memory', 2, 0, 1),
      imported('wasi:random/insecure-seed@0.2.9', 'insecure-seed', 0, 1),
      imported('wasi:clocks/monotonic-clock@0.2.0', 'now', 0, 0),
      imported('env', '__indirect_function_table', 1, 0x70, 1, 1, 2),
      imported('wasi:clocks/wall-clock@0.2.0', 'now', 0, 1),
      ...extra,
    )],
    [FUNCTION, list(u32(0))],
    [EXPORT, list(Buffer.concat([text('ask'), Buffer.from([0, 3 + extra.length])]))],
    [CODE, list([4 + padding, 0, ...nops, 0x10, 1, 0x0b])],
    [CUSTOM, text('target_features')],
  ];
  return writeModule(sections.map(([id, content]) => ({ id, content })));
}

/** A library that holds these modules, and a preamble that begins none. */
function among(...modules) {
  return Buffer.concat([PREAMBLE, ...modules.flatMap((module) => [Buffer.from('.....'), module])]);
}

test('the engine is found among other bytes: the largest without async', () => {
  const [small, large] = [engine(), engine({ padding: 20 })];
  const async = engine({ padding: 40, extra: [imported('$root', '[waitable-set-new]', 0, 0)] });
  assert.deepEqual(writeModule(engineIn(among(small, large, async))), large);
  assert.throws(() => engineIn(among(async)), /no engine that this build knows/);
});

test('what the engine would ask of the machine is answered by itself, with zeros', () => {
  const module = new WebAssembly.Module(withoutMachine(engineIn(among(engine()))));
  const names = WebAssembly.Module.imports(module).map(({ module, name }) => `${module} ${name}`);
  assert.deepEqual(names, [
    'env memory', 'env reprieve-answer-0', 'env reprieve-answer-1', 'env __indirect_function_table',
    'env reprieve-answer-2',
  ]);
  // The componentizer's linker ties the imports to the exports of the same name; here that is done by hand.
  const memory = new WebAssembly.Memory({ initial: 1 });
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1, maximum: 2 });
  const env = { memory, __indirect_function_table: table };
  let exports;
  for (const i of [0, 1, 2]) env[`reprieve-answer-${i}`] = (...given) => exports[`reprieve-answer-${i}`](...given);
  ({ exports } = new WebAssembly.Instance(module, { env }));
  assert.equal(exports.ask(), 0n);
  new Uint8Array(memory.buffer).fill(7);
  exports['reprieve-answer-0'](64);
  assert.deepEqual([...new Uint8Array(memory.buffer, 60, 24)], [7, 7, 7, 7, ...new Array(16).fill(0), 7, 7, 7, 7]);
  assert.equal(exports['reprieve-answer-1'](), 0n);
});

test('numbers are written as they are read', () => {
  for (const number of [0, 1, 127, 128, 300, 65_536, 2 ** 31, 2 ** 32 - 1]) assert.equal(count(u32(number)), number);
});
