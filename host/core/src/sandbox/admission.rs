//! Admission: what is looked at before anything is compiled. Nothing in a store bounds the compiler, and a module of
//! 300 KB can make it abort the process, so sizes and counts are bounded here, and a module that imports anything
//! but types is refused by name.

use super::Limits;
use wasmparser::component_types::{ComponentEntityType, ComponentInstanceTypeId};
use wasmparser::{FunctionBody, Operator, Parser, Payload, TypeRef, Validator, WasmFeatures, types::TypesRef};

/// Why a module is not admitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not wasm, or not valid.
    #[error("not a valid wasm module or component: {0}")]
    Invalid(String),
    /// It imports something.
    #[error("it imports the {kind} `{name}`; a policy may import nothing but types")]
    Import {
        /// What kind of thing.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// It is too large or too costly to compile.
    #[error("{what} is {is}, and {most} is allowed")]
    TooLarge {
        /// What was measured, with its unit.
        what: String,
        /// How much it is.
        is: u64,
        /// How much may be.
        most: u64,
    },
    /// It does not export the contract.
    #[error("it is not a policy: {0}")]
    World(String),
}

/// What a module turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A component.
    Component,
    /// A core module, which has to be wrapped.
    Module,
}

/// Looks at a module without compiling it.
pub(super) fn admit(bytes: &[u8], limits: &Limits) -> Result<Form, Refusal> {
    at_most("the module's size in bytes", bytes.len() as u64, limits.module_bytes)?;
    let form = if Parser::is_component(bytes) {
        Form::Component
    } else if Parser::is_core_wasm(bytes) {
        Form::Module
    } else {
        return Err(Refusal::Invalid("it does not begin as wasm does".to_owned()));
    };
    measure(bytes, limits, form)?;
    let mut validator = Validator::new_with_features(features());
    let types = validator.validate_all(bytes).map_err(|error| invalid(&error))?;
    if form == Form::Component {
        check_component_imports(bytes, types.as_ref())?;
    }
    Ok(form)
}

/// What the sandbox runs: no threads, no 64-bit memories, no relaxed SIMD, no garbage collection, nothing async.
fn features() -> WasmFeatures {
    WasmFeatures::WASM2
        | WasmFeatures::COMPONENT_MODEL
        | WasmFeatures::TAIL_CALL
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::MULTI_MEMORY
}

fn invalid(error: &wasmparser::BinaryReaderError) -> Refusal {
    Refusal::Invalid(error.to_string())
}

fn at_most(what: impl Into<String>, is: u64, most: u64) -> Result<(), Refusal> {
    if is > most { Err(Refusal::TooLarge { what: what.into(), is, most }) } else { Ok(()) }
}

/// Bounds sizes and counts, through all modules that a component holds.
fn measure(bytes: &[u8], limits: &Limits, form: Form) -> Result<(), Refusal> {
    let (mut functions, mut modules, mut memories, mut tables) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut complexity = 0_u64;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| invalid(&error))? {
            Payload::ModuleSection { .. } => {
                modules += 1;
                at_most("the number of core modules", modules, u64::from(limits.core_instances))?;
            }
            Payload::MemorySection(section) => {
                memories += u64::from(section.count());
                at_most("the number of memories", memories, u64::from(limits.memories))?;
                for memory in section {
                    let pages = memory.map_err(|error| invalid(&error))?.initial;
                    at_most("the initial memory in bytes", pages.saturating_mul(65_536), limits.memory_bytes)?;
                }
            }
            Payload::TableSection(section) => {
                tables += u64::from(section.count());
                at_most("the number of tables", tables, u64::from(limits.tables))?;
                for table in section {
                    let elements = table.map_err(|error| invalid(&error))?.ty.initial;
                    at_most("the initial table in elements", elements, limits.table_elements)?;
                }
            }
            Payload::ImportSection(section) if form == Form::Module => {
                if let Some(import) = section.into_imports().next() {
                    let import = import.map_err(|error| invalid(&error))?;
                    let kind = match import.ty {
                        TypeRef::Func(_) | TypeRef::FuncExact(_) => "function",
                        TypeRef::Table(_) => "table",
                        TypeRef::Memory(_) => "memory",
                        TypeRef::Global(_) => "global",
                        TypeRef::Tag(_) => "tag",
                    };
                    return Err(Refusal::Import { kind, name: format!("{}::{}", import.module, import.name) });
                }
            }
            Payload::CodeSectionEntry(body) => {
                functions += 1;
                at_most("the number of functions", functions, limits.functions)?;
                complexity += measure_function(&body, functions, limits)?;
                at_most("the sum of locals times blocks over all functions", complexity, limits.module_complexity)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Measures a function; gives its share of what compiling the module may cost.
fn measure_function(body: &FunctionBody<'_>, number: u64, limits: &Limits) -> Result<u64, Refusal> {
    let range = body.range();
    at_most(format!("function {number}'s size in bytes"), (range.end - range.start) as u64, limits.function_bytes)?;
    let mut locals = 0_u64;
    for group in body.get_locals_reader().map_err(|error| invalid(&error))? {
        locals += u64::from(group.map_err(|error| invalid(&error))?.0);
    }
    let (mut blocks, mut loops, mut deepest) = (1_u64, 0_u64, 0_u64);
    let mut open: Vec<bool> = Vec::new();
    for operator in body.get_operators_reader().map_err(|error| invalid(&error))? {
        match operator.map_err(|error| invalid(&error))? {
            Operator::Block { .. } | Operator::If { .. } => {
                blocks += 1;
                open.push(false);
            }
            Operator::Loop { .. } => {
                blocks += 1;
                loops += 1;
                deepest = deepest.max(loops);
                open.push(true);
            }
            Operator::End => loops -= u64::from(open.pop() == Some(true)),
            Operator::Else | Operator::BrIf { .. } => blocks += 1,
            Operator::BrTable { targets } => blocks += u64::from(targets.len()) + 1,
            _ => {}
        }
    }
    at_most(format!("function {number}'s depth of loops"), deepest, limits.loop_depth)?;
    let complexity = locals.saturating_mul(blocks);
    at_most(format!("function {number}'s locals times blocks"), complexity, limits.function_complexity)?;
    Ok(complexity)
}

/// A component may import instances that hold types, and types. Everything else grants something.
fn check_component_imports(bytes: &[u8], types: TypesRef<'_>) -> Result<(), Refusal> {
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| invalid(&error))? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let name = import.map_err(|error| invalid(&error))?.name.name;
                    check_import(name, types.component_item_for_import(name).map(|item| item.ty), types)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_import(name: &str, ty: Option<ComponentEntityType>, types: TypesRef<'_>) -> Result<(), Refusal> {
    let refuse = |kind| Err(Refusal::Import { kind, name: name.to_owned() });
    match ty {
        Some(ComponentEntityType::Instance(instance)) => check_instance(name, instance, types),
        Some(ComponentEntityType::Type { referenced, .. }) => {
            if is_resource(&referenced) {
                refuse("resource")
            } else {
                Ok(())
            }
        }
        Some(ComponentEntityType::Func(_)) => refuse("function"),
        Some(ComponentEntityType::Module(_)) => refuse("module"),
        Some(ComponentEntityType::Component(_)) => refuse("component"),
        Some(ComponentEntityType::Value(_)) | None => refuse("value"),
    }
}

fn check_instance(name: &str, instance: ComponentInstanceTypeId, types: TypesRef<'_>) -> Result<(), Refusal> {
    for (export, item) in &types[instance].exports {
        check_import(&format!("{name}#{export}"), Some(item.ty), types)?;
    }
    Ok(())
}

fn is_resource(ty: &wasmparser::component_types::ComponentAnyTypeId) -> bool {
    matches!(ty, wasmparser::component_types::ComponentAnyTypeId::Resource(_))
}
