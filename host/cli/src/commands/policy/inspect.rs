//! `reprieve policy inspect`: what is in a module.

use super::{cases_beside, gate_of, random};
use crate::Status;
use crate::project::component;
use crate::report::wrap;
use crate::setup::cache;
use anyhow::Context;
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;
use wasmparser::{Parser, Payload};

/// Show what a module says of itself, what it imports and exports, how large its parts are, and what an instance costs
#[derive(Args, Debug)]
pub struct Arguments {
    /// A wasm module, or the folder of a policy, which is built first
    #[arg(default_value = ".")]
    policy: PathBuf,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let built = component(&arguments.policy)?;
    let start = Instant::now();
    let (policy, sha256) = reprieve::describe(&built.bytes, cache())?;
    let loaded = start.elapsed();
    let list = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    anstream::println!("{} {}: {}", policy.name, policy.version, policy.summary);
    anstream::println!("sha256   {sha256}\ncolumns  {}\n\nrules", list(&policy.columns));
    for rule in &policy.rules {
        anstream::println!("  {} [{}]\n{}", rule.code, rule.settings.join(", "), wrap(&rule.summary, "    "));
    }
    anstream::println!("\nsettings schema\n{}", serde_json::to_string_pretty(&policy.settings_schema)?);
    let parts = parts(&built.bytes).context("the module cannot be taken apart")?;
    for (title, lines) in [("imports", &parts.imports), ("exports", &parts.exports)] {
        anstream::println!("\n{title}");
        match lines.as_slice() {
            [] => anstream::println!("  none"),
            lines => lines.iter().for_each(|line| anstream::println!("  {line}")),
        }
    }
    anstream::println!("\nsize     {} bytes", built.bytes.len());
    parts.sections.iter().for_each(|(section, bytes)| anstream::println!("  {section:<12} {bytes:>10}"));

    anstream::println!("\nan instance, on a batch of 10 targets");
    anstream::println!("  loading  {loaded:?}; the first time it is compiled, later it is kept");
    let cases = cases_beside(&built)?;
    let batch = random::batch(&random::targets(10, 1), cases.first())?;
    let cost = gate_of(&built, cases.first(), random::inventory(10, 1)?)
        .and_then(|gate| gate.measure(&batch).map_err(anyhow::Error::msg));
    match cost {
        Ok(costs) => costs.iter().for_each(|cost| {
            let all = cost.instantiate + cost.open + cost.observe + cost.finish;
            anstream::println!("  memory   {} KiB\n  fuel     {}", cost.memory >> 10, cost.fuel);
            anstream::println!("  time     {:?} to make it, {all:?} in all", cost.instantiate);
        }),
        Err(error) => anstream::println!("  not measured: {error:#}"),
    }
    Ok(Status::Allow)
}

#[derive(Default)]
struct Parts {
    imports: Vec<String>,
    exports: Vec<String>,
    sections: BTreeMap<&'static str, u64>,
}

/// Walks over a component or a module and everything in it. Imports and exports are those of the outermost.
fn parts(bytes: &[u8]) -> wasmparser::Result<Parts> {
    let mut parts = Parts::default();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        if let Some((id, range)) = payload.as_section() {
            let name = match &payload {
                Payload::CodeSectionStart { .. } => "code",
                Payload::DataSection(_) => "data",
                Payload::TypeSection(_) | Payload::ComponentTypeSection(_) | Payload::CoreTypeSection(_) => "types",
                Payload::CustomSection(_) => "custom",
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => "",
                _ if id == 0 => "custom",
                _ => "other",
            };
            if !name.is_empty() {
                *parts.sections.entry(name).or_default() += (range.end - range.start) as u64;
            }
        }
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= i32::from(depth > 0),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let import = import?;
                    parts.imports.push(format!("{} ({})", import.name.name, kind(&import.ty)));
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    parts.exports.push(export?.name.name.to_owned());
                }
            }
            Payload::ImportSection(section) if depth == 0 => {
                for import in section.into_imports() {
                    let import = import?;
                    parts.imports.push(format!("{}.{}", import.module, import.name));
                }
            }
            Payload::ExportSection(section) if depth == 0 => {
                for export in section {
                    parts.exports.push(export?.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(parts)
}

const fn kind(ty: &wasmparser::ComponentTypeRef) -> &'static str {
    match ty {
        wasmparser::ComponentTypeRef::Instance(_) => "an instance; loading has seen that it holds types only",
        wasmparser::ComponentTypeRef::Type(_) => "a type",
        _ => "something else",
    }
}
