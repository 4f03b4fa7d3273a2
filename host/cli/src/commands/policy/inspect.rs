//! `reprieve policy inspect`: shows the content of a module.

use super::{Subject, cases_beside, describe, gate_of, random};
use anyhow::Context;
use clap::Args;
use reprieve::model::Nature;
use reprieve_report::output::{Page, plain};
use reprieve_report::status::Status;
use std::collections::BTreeMap;
use std::time::Instant;
use wasmparser::{Parser, Payload};

/// Show the description of a module, its imports and exports, the size of its sections, and the cost of an instance
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let built = arguments.subject.component()?;
    let start = Instant::now();
    let (policy, sha256) = describe(&built)?;
    let loaded = start.elapsed();
    let list = |names: &[String]| match names {
        [] => "none".to_owned(),
        names => names.iter().map(|name| plain(name).into_owned()).collect::<Vec<_>>().join(", "),
    };
    let mut page = Page::default();
    line!(page, "{} {}: {}", plain(&policy.name), plain(&policy.version), plain(&policy.summary));
    line!(page, "sha256   {sha256}");
    line!(page, "columns  {}", list(&policy.columns));
    page.blank();
    line!(page, "rules");
    for rule in &policy.rules {
        let never_lifted = if rule.never_lifted { ", never lifted" } else { "" };
        let nature = if rule.nature == Nature::Missing { "missing" } else { "wrong" };
        let settings: Vec<_> = rule.settings.iter().map(|name| plain(name)).collect();
        line!(page, "  {} [{}] ({nature}{never_lifted})", plain(&rule.code), settings.join(", "));
        page.paragraph("    ", &rule.summary);
    }
    page.blank();
    line!(page, "settings schema");
    // The line breaks are those of the printed schema, and those in its texts are escaped as JSON.
    for schema_line in serde_json::to_string_pretty(&policy.settings_schema)?.lines() {
        line!(page, "{schema_line}");
    }
    let parts = parts(&built.bytes).context("the module cannot be parsed")?;
    for (title, lines) in [("imports", &parts.imports), ("exports", &parts.exports)] {
        page.blank();
        line!(page, "{title}");
        if lines.is_empty() {
            line!(page, "  none");
        }
        lines.iter().for_each(|name| line!(page, "  {}", plain(name)));
    }
    page.blank();
    line!(page, "size     {} bytes", built.bytes.len());
    parts.sections.iter().for_each(|(section, bytes)| line!(page, "  {section:<12} {bytes:>10}"));

    page.blank();
    line!(page, "an instance, with a batch of 10 targets");
    line!(page, "  loading  {loaded:?}; the first time compiles it, later loads use the cache");
    let cases = cases_beside(&built)?;
    let batch = random::batch(&random::targets(10, 1), cases.first())?;
    let cost = gate_of(&built, cases.first(), random::inventory(10, 1)?)
        .and_then(|gate| gate.measure(&batch).map_err(anyhow::Error::msg));
    match cost {
        Ok(costs) => {
            for cost in costs {
                let all = cost.instantiate + cost.begin + cost.observe + cost.finish;
                line!(page, "  memory   {} KiB", cost.memory >> 10);
                line!(page, "  fuel     {}", cost.fuel);
                line!(page, "  time     {:?} to instantiate, {all:?} in total", cost.instantiate);
            }
        }
        Err(error) => line!(page, "  not measured: {}", plain(&format!("{error:#}"))),
    }
    page.print()?;
    Ok(Status::Success)
}

#[derive(Default)]
struct Parts {
    imports: Vec<String>,
    exports: Vec<String>,
    sections: BTreeMap<&'static str, u64>,
}

/// Parses a component or a module with everything nested in it. Only the outermost imports and exports are returned.
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
        wasmparser::ComponentTypeRef::Instance(_) => "an instance that contains only types",
        wasmparser::ComponentTypeRef::Type(_) => "a type",
        _ => "something else",
    }
}
