import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findEngine, stubWasi } from '../build/engine.js';
import { CODE, EXPORT, FUNCTION, IMPORT, PREAMBLE, count, u32, writeModule } from '../build/wasm.js';

const [TYPE, CUSTOM] = [1, 0];
const text = (name) => Buffer.concat([u32(name.length), Buffer.from(name)]);
const list = (...items) => Buffer.concat([u32(items.length), ...items.map((item) => Buffer.from(item))]);
const imported = (module, field, ...rest) => Buffer.concat([text(module), text(field), Buffer.from(rest)]);

/** A module with the imports of the engine. It exports a function that reads the clock. */
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
    [EXPORT, list(Buffer.concat([text('read_clock'), Buffer.from([0, 3 + extra.length])]))],
    [CODE, list([4 + padding, 0, ...nops, 0x10, 1, 0x0b])],
    [CUSTOM, text('target_features')],
  ];
  return writeModule(sections.map(([id, content]) => ({ id, content })));
}

/** A library that contains these modules, and a preamble that starts no module. */
function libraryOf(...modules) {
  return Buffer.concat([PREAMBLE, ...modules.flatMap((module) => [Buffer.from('.....'), module])]);
}

test('finds the largest engine without async', () => {
  const [small, large] = [engine(), engine({ padding: 20 })];
  const async = engine({ padding: 40, extra: [imported('$root', '[waitable-set-new]', 0, 0)] });
  assert.deepEqual(writeModule(findEngine(libraryOf(small, large, async))), large);
  assert.throws(() => findEngine(libraryOf(async)), /no engine that this build supports/);
});

test('replaces the clocks and the seed with stubs that return zero', () => {
  const module = new WebAssembly.Module(stubWasi(findEngine(libraryOf(engine()))));
  const names = WebAssembly.Module.imports(module).map(({ module, name }) => `${module} ${name}`);
  assert.deepEqual(names, [
    'env memory', 'env reprieve-stub-0', 'env reprieve-stub-1', 'env __indirect_function_table',
    'env reprieve-stub-2',
  ]);
  // The componentizer's linker connects imports to exports of the same name. Here the test does it.
  const memory = new WebAssembly.Memory({ initial: 1 });
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1, maximum: 2 });
  const env = { memory, __indirect_function_table: table };
  let exports;
  for (const i of [0, 1, 2]) env[`reprieve-stub-${i}`] = (...given) => exports[`reprieve-stub-${i}`](...given);
  ({ exports } = new WebAssembly.Instance(module, { env }));
  assert.equal(exports.read_clock(), 0n);
  new Uint8Array(memory.buffer).fill(7);
  exports['reprieve-stub-0'](64);
  assert.deepEqual([...new Uint8Array(memory.buffer, 60, 24)], [7, 7, 7, 7, ...new Array(16).fill(0), 7, 7, 7, 7]);
  assert.equal(exports['reprieve-stub-1'](), 0n);
});

test('unsigned LEB128 numbers round-trip', () => {
  for (const number of [0, 1, 127, 128, 300, 65_536, 2 ** 31, 2 ** 32 - 1]) assert.equal(count(u32(number)), number);
});
