//! The bounds on the shape of a module, checked in one pass over its bytes, in time linear in them and without recursion.
//! What follows (validation, wrapping, compilation) takes more than linear time for some shapes, and a module of a few
//! kilobytes can have such a shape: values that many blocks pass on, signatures of a thousand values that a call names in
//! two bytes, components in each other. So each of these is counted here, and products where the cost is a product.

use crate::limits::Limits;
use crate::refusal::{AdmissionError, Form, check_max, invalid};
use wasmparser::{
    BlockType, ComponentAlias, ComponentExternalKind, ComponentTypeRef, Encoding, FunctionBody, Operator, Parser,
    Payload, TypeRef,
};

/// Bytes of a page of wasm memory.
const PAGE_BYTES: u64 = 65_536;
/// How many pairs of loops, or of blocks that pass a value on, cost as much as a slot in a block.
const CHAINED_SHARE: u64 = 4;

/// Bounds sizes and counts over all modules that a component contains.
pub(crate) fn measure(bytes: &[u8], limits: &Limits, form: Form) -> Result<(), AdmissionError> {
    let mut totals = Totals::new(limits);
    for payload in Parser::new(0).parse_all(bytes) {
        totals.add(&payload.map_err(|error| invalid(&error))?, bytes, form)?;
    }
    Ok(())
}

/// The counts of a whole file.
struct Totals<'a> {
    limits: &'a Limits,
    modules: u64,
    components: u64,
    /// What is open around the payload: of a component, how many instances one instance of it consists of.
    open: Vec<Option<u64>>,
    /// The largest such number of the components that have ended.
    largest: u64,
    memories: u64,
    tables: u64,
    functions: u64,
    complexity: u64,
    items: u64,
    custom_bytes: u64,
    module: Module,
}

/// The signatures of the core module that is being read.
#[derive(Default)]
struct Module {
    types: Vec<Signature>,
    /// The type of each function: imported ones first.
    functions: Vec<u32>,
    /// The number of bodies that were read, and of imported functions.
    bodies: usize,
}

/// The size of a type of functions or blocks.
#[derive(Clone, Copy, Default)]
struct Signature {
    /// Its parameters and results.
    values: u64,
    results: u64,
}

impl Module {
    /// The size of a type. A type that does not exist has no values; validation refuses it.
    fn signature(&self, ty: u32) -> Signature {
        self.types.get(ty as usize).copied().unwrap_or_default()
    }

    fn signature_of_function(&self, function: u32) -> Signature {
        self.functions.get(function as usize).map_or(Signature::default(), |ty| self.signature(*ty))
    }

    fn arity_of_block(&self, ty: BlockType) -> u64 {
        match ty {
            BlockType::Empty => 0,
            BlockType::Type(_) => 1,
            BlockType::FuncType(ty) => self.signature(ty).values,
        }
    }
}

impl<'a> Totals<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            modules: 0,
            components: 0,
            open: Vec::new(),
            largest: 0,
            memories: 0,
            tables: 0,
            functions: 0,
            complexity: 0,
            items: 0,
            custom_bytes: 0,
            module: Module::default(),
        }
    }

    fn add(&mut self, payload: &Payload<'_>, bytes: &[u8], form: Form) -> Result<(), AdmissionError> {
        let limits = self.limits;
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } => {
                self.module = Module::default();
                self.open.push(None);
            }
            Payload::Version { encoding: Encoding::Component, .. } => self.open.push(Some(1)),
            Payload::End(_) => self.largest = self.largest.max(self.open.pop().flatten().unwrap_or(0)),
            Payload::ModuleSection { .. } => {
                self.modules += 1;
                check_max("the number of core modules", self.modules, u64::from(limits.core_instances))?;
            }
            Payload::ComponentSection { .. } => {
                self.components += 1;
                check_max("the number of nested components", self.components, limits.nested_components)?;
            }
            Payload::InstanceSection(section) => self.add_instances(section.count(), 1)?,
            // A component can instantiate only components that have ended, because none is imported.
            Payload::ComponentInstanceSection(section) => self.add_instances(section.count(), self.largest.max(1))?,
            Payload::TypeSection(section) => {
                self.add_items(section.count())?;
                for ty in section.clone().into_iter_err_on_gc_types() {
                    let ty = ty.map_err(|error| invalid(&error))?;
                    let values = (ty.params().len() + ty.results().len()) as u64;
                    check_max("the parameters and results of a type", values, limits.signature_values)?;
                    self.module.types.push(Signature { values, results: ty.results().len() as u64 });
                }
            }
            Payload::ImportSection(section) => {
                self.add_items(section.count())?;
                for import in section.clone().into_imports() {
                    let import = import.map_err(|error| invalid(&error))?;
                    if form == Form::Module {
                        let name = format!("{}::{}", import.module, import.name);
                        return Err(AdmissionError::Import { kind: kind(import.ty).to_owned(), name });
                    }
                    if let TypeRef::Func(ty) | TypeRef::FuncExact(ty) = import.ty {
                        self.module.functions.push(ty);
                        self.module.bodies += 1;
                    }
                }
            }
            Payload::FunctionSection(section) => {
                let declared = self.functions.saturating_add(u64::from(section.count()));
                check_max("the number of functions", declared, limits.functions)?;
                for ty in section.clone() {
                    self.module.functions.push(ty.map_err(|error| invalid(&error))?);
                }
            }
            Payload::MemorySection(section) => {
                self.memories += u64::from(section.count());
                check_max("the number of memories", self.memories, u64::from(limits.memories))?;
                for memory in section.clone() {
                    let pages = memory.map_err(|error| invalid(&error))?.initial;
                    check_max("the initial memory in bytes", pages.saturating_mul(PAGE_BYTES), limits.memory_bytes)?;
                }
            }
            Payload::TableSection(section) => {
                self.tables += u64::from(section.count());
                check_max("the number of tables", self.tables, u64::from(limits.tables))?;
                for table in section.clone() {
                    let elements = table.map_err(|error| invalid(&error))?.ty.initial;
                    check_max("the initial table in elements", elements, limits.table_elements)?;
                }
            }
            Payload::CodeSectionEntry(body) => {
                self.functions += 1;
                check_max("the number of functions", self.functions, limits.functions)?;
                self.complexity += self.measure_function(body)?;
                let what = "the complexity of all functions";
                check_max(what, self.complexity, limits.module_complexity)?;
            }
            Payload::ComponentTypeSection(section) => {
                self.add_items(section.count())?;
                self.check_type_nesting(bytes.get(section.range()).unwrap_or_default())?;
            }
            Payload::CoreTypeSection(section) => self.add_items(section.count())?,
            Payload::ComponentAliasSection(section) => {
                self.add_items(section.count())?;
                for alias in section.clone() {
                    let alias = alias.map_err(|error| invalid(&error))?;
                    if let ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, name, .. } = alias
                    {
                        return Err(import_of_component(name));
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                self.add_items(section.count())?;
                for import in section.clone() {
                    let import = import.map_err(|error| invalid(&error))?;
                    if let ComponentTypeRef::Component(_) = import.ty {
                        return Err(import_of_component(import.name.name));
                    }
                }
            }
            Payload::ComponentCanonicalSection(section) => self.add_items(section.count())?,
            Payload::ComponentExportSection(section) => self.add_items(section.count())?,
            Payload::TagSection(section) => self.add_items(section.count())?,
            Payload::GlobalSection(section) => self.add_items(section.count())?,
            Payload::ExportSection(section) => self.add_items(section.count())?,
            Payload::ElementSection(section) => self.add_items(section.count())?,
            Payload::DataSection(section) => self.add_items(section.count())?,
            Payload::CustomSection(section) => {
                self.custom_bytes += section.data().len() as u64;
                check_max("the bytes of custom sections", self.custom_bytes, limits.custom_bytes)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn add_items(&mut self, count: u32) -> Result<(), AdmissionError> {
        self.items += u64::from(count);
        check_max("the number of types, imports, exports and segments", self.items, self.limits.items)
    }

    /// Adds instances to the component that is open, each of which consists of this many. Each component may instantiate
    /// the one before it twice, so this number can double with every component.
    fn add_instances(&mut self, count: u32, each: u64) -> Result<(), AdmissionError> {
        let Some(Some(open)) = self.open.last_mut() else { return Ok(()) };
        *open = open.saturating_add(u64::from(count).saturating_mul(each));
        check_max("the number of instances", *open, self.limits.instances)
    }

    /// Bounds how deep the types of a section are nested, without reading them: readers of types call themselves for
    /// each level. Every level begins with one of two bytes, so there are at most as many levels as such bytes.
    fn check_type_nesting(&self, section: &[u8]) -> Result<(), AdmissionError> {
        const COMPONENT_TYPE: u8 = 0x41;
        const INSTANCE_TYPE: u8 = 0x42;
        let levels = section.iter().filter(|byte| matches!(**byte, COMPONENT_TYPE | INSTANCE_TYPE)).count();
        check_max("the number of nested types", levels as u64, self.limits.nested_types)
    }

    /// Measures a function and returns its complexity.
    fn measure_function(&mut self, body: &FunctionBody<'_>) -> Result<u64, AdmissionError> {
        let (limits, number, module) = (self.limits, self.functions, &mut self.module);
        let range = body.range();
        check_max(
            format!("function {number}'s size in bytes"),
            (range.end - range.start) as u64,
            limits.function_bytes,
        )?;
        let mut slots = module.functions.get(module.bodies).map_or(0, |ty| module.signature(*ty).values);
        module.bodies += 1;
        for group in body.get_locals_reader().map_err(|error| invalid(&error))? {
            slots += u64::from(group.map_err(|error| invalid(&error))?.0);
        }
        // The blocks that pass on values, how many they pass on together, and how many the widest one.
        let (mut passing, mut passed, mut widest) = (0_u64, 0_u64, 0_u64);
        let mut called: Vec<Signature> = Vec::new();
        let (mut blocks, mut loops, mut nested_loops, mut deepest_loop, mut deepest) =
            (1_u64, 0_u64, 0_u64, 0_u64, 0);
        let mut open: Vec<bool> = Vec::new();
        for operator in body.get_operators_reader().map_err(|error| invalid(&error))? {
            match operator.map_err(|error| invalid(&error))? {
                ref operator @ (Operator::Block { blockty }
                | Operator::If { blockty }
                | Operator::Loop { blockty }) => {
                    blocks += 1;
                    let values = module.arity_of_block(blockty);
                    passing += u64::from(values > 0);
                    passed += values;
                    widest = widest.max(values);
                    let is_loop = matches!(operator, Operator::Loop { .. });
                    loops += u64::from(is_loop);
                    nested_loops += u64::from(is_loop);
                    deepest_loop = deepest_loop.max(nested_loops);
                    open.push(is_loop);
                }
                Operator::End => nested_loops -= u64::from(open.pop() == Some(true)),
                Operator::Else | Operator::Br { .. } | Operator::BrIf { .. } | Operator::Return => blocks += 1,
                Operator::BrTable { targets } => blocks += u64::from(targets.len()) + 1,
                Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                    called.push(module.signature_of_function(function_index));
                }
                Operator::CallIndirect { type_index, .. } | Operator::ReturnCallIndirect { type_index, .. } => {
                    called.push(module.signature(type_index));
                }
                _ => {}
            }
            deepest = deepest.max(open.len());
        }
        check_max(format!("function {number}'s depth of loops"), deepest_loop, limits.loop_depth)?;
        check_max(format!("function {number}'s depth of blocks"), deepest as u64, limits.block_depth)?;
        let (calls, arguments) = (called.len() as u64, called.iter().map(|signature| signature.values).sum::<u64>());
        // A call with several results passes them on as a block does.
        for signature in called.iter().filter(|signature| signature.results > 1) {
            passing += 1;
            passed += signature.values;
        }
        // A slot is also spilled and reloaded around every call. What a register allocator keeps grows with the square of the blocks that pass values on to each other, and its
        // time with the square of the loops.
        let chained = (passing.saturating_mul(passed) + loops * loops) / CHAINED_SHARE;
        let complexity = (slots + widest).saturating_mul(blocks + calls).saturating_add(arguments + chained);
        check_max(format!("function {number}'s complexity"), complexity, limits.function_complexity)?;
        Ok(complexity)
    }
}

/// A component that is not defined where it is instantiated. How much it instantiates itself would be unknown.
fn import_of_component(name: &str) -> AdmissionError {
    AdmissionError::Import { kind: "component".to_owned(), name: name.to_owned() }
}

fn kind(ty: TypeRef) -> &'static str {
    match ty {
        TypeRef::Func(_) | TypeRef::FuncExact(_) => "function",
        TypeRef::Table(_) => "table",
        TypeRef::Memory(_) => "memory",
        TypeRef::Global(_) => "global",
        TypeRef::Tag(_) => "tag",
    }
}
