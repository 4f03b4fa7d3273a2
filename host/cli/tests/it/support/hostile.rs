//! Generators of modules that cost a compiler, a validator or a schema checker far more than their size suggests.

pub use reprieve_tests::leb;
use serde_json::{Map, Value, json};
use wasmparser::{ExternalKind, Parser, Payload};

fn sized(content: &[u8]) -> Vec<u8> {
    [leb(content.len()), content.to_vec()].concat()
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [vec![id], sized(content)].concat()
}

/// A section with a vector of entries.
fn entries(id: u8, entries: &[Vec<u8>]) -> Vec<u8> {
    section(id, &[leb(entries.len()), entries.concat()].concat())
}

fn core(sections: &[Vec<u8>]) -> Vec<u8> {
    [b"\0asm\x01\0\0\0".to_vec(), sections.concat()].concat()
}

fn component(sections: &[Vec<u8>]) -> Vec<u8> {
    [b"\0asm\x0d\0\x01\0".to_vec(), sections.concat()].concat()
}

const I32: u8 = 0x7f;
const LOCAL_GET_0: [u8; 2] = [0x20, 0];
const DROP: u8 = 0x1a;
const END: u8 = 0x0b;

fn signature(parameters: usize, results: usize) -> Vec<u8> {
    [vec![0x60], sized(&vec![I32; parameters]), sized(&vec![I32; results])].concat()
}

/// A module with functions of the first type, each with this body.
fn functions(types: &[Vec<u8>], count: usize, body: &[u8]) -> Vec<u8> {
    let body = [&[0][..], body, &[END]].concat(); // no locals
    core(&[
        entries(1, types),
        section(3, &[leb(count), vec![0; count]].concat()),
        entries(10, &vec![sized(&body); count]),
    ])
}

/// Loops one after another, each of which takes and returns every value.
pub fn block_parameters(values: usize, loops: usize) -> Vec<u8> {
    let values_on_stack = LOCAL_GET_0.repeat(values);
    let one = [&[0x03, 1][..], &LOCAL_GET_0, &[0x0d, 0, END]].concat(); // loop, br_if 0, end
    let body = [values_on_stack, one.repeat(loops), vec![DROP; values]].concat();
    functions(&[signature(1, 0), signature(values, values)], 1, &body)
}

/// Blocks one after another, each of which returns the value that the next one takes from a local.
pub fn block_results(blocks: usize) -> Vec<u8> {
    // if (result i32) local.get 0 else i32.const 1 end, local.set 0
    let one = [&LOCAL_GET_0[..], &[0x04, I32], &LOCAL_GET_0, &[0x05, 0x41, 1, END, 0x21, 0]].concat();
    functions(&[signature(1, 0)], 1, &one.repeat(blocks))
}

/// Loops in a function with many parameters.
pub fn parameters_and_loops(parameters: usize, loops: usize) -> Vec<u8> {
    let one = [&[0x03, 0x40][..], &LOCAL_GET_0, &[0x0d, 0, END]].concat();
    functions(&[signature(parameters, 0)], 1, &one.repeat(loops))
}

/// Calls of two bytes, each of which passes on many values.
pub fn wide_calls(values: usize, calls: usize, count: usize) -> Vec<u8> {
    let body = [LOCAL_GET_0.repeat(values), [0x10, 0].repeat(calls)].concat(); // call 0
    functions(&[signature(values, values)], count, &body)
}

/// Branch tables with many targets.
pub fn branch_tables(targets: usize, tables: usize, depth: usize) -> Vec<u8> {
    let one = [&[0x02, 0x40][..], &LOCAL_GET_0, &[0x0e], &sized(&vec![0; targets]), &[0, END]].concat();
    let blocks = [[0x02, 0x40].repeat(depth), one.repeat(tables), vec![END; depth]].concat();
    functions(&[signature(1, 0)], 1, &blocks)
}

/// Blocks in each other.
pub fn deep_blocks(depth: usize, count: usize) -> Vec<u8> {
    functions(&[signature(0, 0)], count, &[[0x02, 0x40].repeat(depth), vec![END; depth]].concat())
}

/// Functions with a few calls each.
pub fn many_functions(count: usize, calls: usize) -> Vec<u8> {
    functions(&[signature(0, 0)], count, &[0x10, 0].repeat(calls))
}

/// Long functions without any block.
pub fn long_functions(count: usize, bytes: usize) -> Vec<u8> {
    let step = [0x28, 2, 0]; // i32.load: an address for an address
    let body = [&LOCAL_GET_0[..], &step.repeat(bytes / step.len()), &[DROP, END]].concat();
    let body = [&[0][..], &body].concat();
    core(&[
        entries(1, &[signature(1, 0)]),
        section(3, &[leb(count), vec![0; count]].concat()),
        entries(5, &[vec![0, 1]]),
        entries(10, &vec![sized(&body); count]),
    ])
}

/// Components in each other.
pub fn nested_components(depth: usize) -> Vec<u8> {
    (0..depth).fold(component(&[]), |inner, _| component(&[section(4, &inner)]))
}

/// Components each of which instantiates the one before it twice.
pub fn doubled_instances(levels: usize) -> Vec<u8> {
    let outer_alias = |index: usize| entries(6, &[[vec![0x04, 0x02, 1], leb(index)].concat()]);
    let twice = entries(5, &vec![vec![0x00, 0, 0]; 2]);
    let level = |level: usize| section(4, &component(&[outer_alias(level), twice.clone()]));
    let levels_after_first: Vec<u8> = (0..levels).flat_map(level).collect();
    component(&[
        section(4, &component(&[])),
        levels_after_first,
        entries(5, &[[vec![0x00], leb(levels), vec![0]].concat()]),
    ])
}

/// A component that instantiates a component that it imports.
pub fn imported_component() -> Vec<u8> {
    let import = [&[0x00, 1, b'a'][..], &[0x04, 0]].concat();
    component(&[entries(7, &[vec![0x41, 0]]), entries(10, &[import]), entries(5, &[vec![0x00, 0, 0]])])
}

/// Types of instances in each other.
pub fn nested_types(depth: usize) -> Vec<u8> {
    let ty = [[0x42, 1, 0x01].repeat(depth), vec![0x42, 0]].concat();
    component(&[entries(7, &[ty])])
}

/// Tuples of twice the tuple before.
pub fn doubled_types(levels: usize) -> Vec<u8> {
    let first = vec![0x6f, 2, 0x79, 0x79]; // a tuple of two numbers
    let twice = |i: usize| [vec![0x6f, 2], leb(i), leb(i)].concat();
    // Indices from 64 on would be negative numbers of one byte.
    let types: Vec<Vec<u8>> = std::iter::once(first).chain((0..levels.min(63)).map(twice)).collect();
    component(&[entries(7, &types)])
}

/// Exports with long names.
pub fn exports(count: usize, bytes: usize) -> Vec<u8> {
    let name = |i: usize| format!("{i}{}", "n".repeat(bytes)).into_bytes();
    let export = |i: usize| [sized(&name(i)), vec![0x00, 0]].concat();
    core(&[
        entries(1, &[signature(0, 0)]),
        section(3, &[1, 0]),
        entries(7, &(0..count).map(export).collect::<Vec<_>>()),
        entries(10, &[vec![2, 0, END]]),
    ])
}

/// A name section with names of this many functions, which do not exist.
pub fn names(count: usize, bytes: usize) -> Vec<u8> {
    let name = |i: usize| [leb(i), sized(&vec![b'n'; bytes])].concat();
    let functions: Vec<u8> = (0..count).flat_map(name).collect();
    let subsection = section(1, &[leb(count), functions].concat());
    core(&[section(0, &[sized(b"name"), subsection].concat())])
}

/// Data segments of no bytes.
pub fn segments(count: usize) -> Vec<u8> {
    core(&[entries(5, &[vec![0, 1]]), entries(11, &vec![vec![0x00, 0x41, 0, END, 0]; count])])
}

/// A policy with this settings schema that accepts everything. `guest` is the core module of any policy; the types of its
/// exports and the description of its world are used.
pub fn policy_with_schema(guest: &[u8], schema: &str) -> Vec<u8> {
    const ZEROS: usize = 1_024;
    const DESCRIPTOR: usize = 2_048;
    const TEXT: usize = 4_096;
    const SCRATCH: usize = 1 << 20;
    let (mut types, mut of_functions, mut exports, mut worlds) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(guest) {
        match payload.unwrap() {
            Payload::TypeSection(section) => {
                let arity = |ty: wasmparser::FuncType| (ty.params().to_vec(), ty.results().to_vec());
                types = section.into_iter_err_on_gc_types().map(|ty| arity(ty.unwrap())).collect();
            }
            Payload::FunctionSection(section) => of_functions = section.into_iter().map(Result::unwrap).collect(),
            Payload::ExportSection(section) => {
                let functions =
                    section.into_iter().map(Result::unwrap).filter(|export| export.kind == ExternalKind::Func);
                exports = functions.map(|export| (export.name.to_owned(), export.index)).collect();
            }
            Payload::CustomSection(section) if section.name().starts_with("component-type") => {
                worlds.push(self::section(0, &[sized(section.name().as_bytes()), section.data().to_vec()].concat()));
            }
            _ => {}
        }
    }
    let byte = |ty: &wasmparser::ValType| match ty {
        wasmparser::ValType::I32 => I32,
        wasmparser::ValType::I64 => 0x7e,
        other => panic!("{other}"),
    };
    let of_export = |index: u32| &types[of_functions[index as usize] as usize];
    let signature = |(_, index): &(String, u32)| {
        let (parameters, results) = of_export(*index);
        let bytes = |values: &[wasmparser::ValType]| sized(&values.iter().map(byte).collect::<Vec<u8>>());
        [vec![0x60], bytes(parameters), bytes(results)].concat()
    };
    let body = |(name, index): &(String, u32)| {
        let place = match name.as_str() {
            "describe" => DESCRIPTOR,
            "cabi_realloc" => SCRATCH,
            _ => ZEROS,
        };
        let returned = if of_export(*index).1.is_empty() { Vec::new() } else { [vec![0x41], signed(place)].concat() };
        sized(&[vec![0], returned, vec![END]].concat())
    };
    let words = |words: &[usize]| words.iter().flat_map(|word| (*word as u32).to_le_bytes()).collect::<Vec<u8>>();
    let (name, version) = ("hostile", "1.0.0");
    let text = [name, version, schema].concat();
    // Pointer and length of: name, version, summary, rules, settings schema, columns, limits.
    let descriptor = words(&[
        TEXT,
        name.len(),
        TEXT + name.len(),
        version.len(),
        TEXT,
        0,
        TEXT,
        0,
        TEXT + name.len() + version.len(),
        schema.len(),
        TEXT,
        0,
        TEXT,
        0,
    ]);
    let segment = |place: usize, bytes: &[u8]| [vec![0x00, 0x41], signed(place), vec![END], sized(bytes)].concat();
    let indices = (0..exports.len()).map(leb);
    let export = |(i, (name, _)): (usize, &(String, u32))| [sized(name.as_bytes()), vec![0x00], leb(i)].concat();
    let memory = [sized(b"memory"), vec![0x02, 0]].concat();
    core(&[
        entries(1, &exports.iter().map(signature).collect::<Vec<_>>()),
        entries(3, &indices.collect::<Vec<_>>()),
        entries(5, &[vec![0, 64]]), // pages
        entries(7, &exports.iter().enumerate().map(export).chain([memory]).collect::<Vec<_>>()),
        entries(10, &exports.iter().map(body).collect::<Vec<_>>()),
        entries(11, &[segment(DESCRIPTOR, &descriptor), segment(TEXT, text.as_bytes())]),
        worlds.concat(),
    ])
}

/// A positive number in signed LEB128.
fn signed(value: usize) -> Vec<u8> {
    let mut bytes = leb(value);
    if bytes.last().is_some_and(|last| last & 0x40 != 0) {
        *bytes.last_mut().unwrap() |= 0x80;
        bytes.push(0);
    }
    bytes
}

/// A schema with a chain of definitions, each of which is `part(a reference to the next)`.
pub fn chain(levels: usize, part: impl Fn(Value) -> Value) -> String {
    let definition = |i| (format!("d{i}"), part(json!({"$ref": format!("#/$defs/d{}", i + 1)})));
    let mut definitions: Map<String, Value> = (0..levels).map(definition).collect();
    definitions.insert(format!("d{levels}"), json!({"type": "integer"}));
    let a = json!({"description": "A", "default": 1, "$ref": "#/$defs/d0"});
    json!({"properties": {"a": a}, "$defs": definitions}).to_string()
}

/// A schema with a pattern, and a default that it is matched with.
pub fn pattern(pattern: &str, default: &str) -> String {
    let a = json!({"description": "A", "type": "string", "pattern": pattern, "default": default});
    json!({"properties": {"a": a}}).to_string()
}
