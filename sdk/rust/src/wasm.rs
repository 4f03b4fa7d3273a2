//! The guest side of the contract, and the guest's heap. Values of the generated types are moved into those of this
//! crate; nothing else sees the generated types.
#![allow(missing_docs, clippy::all)]

use crate::{Chunk, Column, Strings, Validity, Values};

pub mod exports;

pub use exports::Export;

pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "policies",
        pub_export_macro: true,
        default_bindings_module: "reprieve_sdk::wasm::bindings",
    });
}

pub use bindings::reprieve::policy::types;

/// The heap of a policy. Unlike the heap of `std`, it first uses the memory that an instance has from the start, which
/// the build makes large enough for most reviews. Growing a memory costs the host two system calls for each instance.
#[global_allocator]
static HEAP: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

impl From<types::Blob> for crate::Blob {
    fn from(blob: types::Blob) -> Self {
        Self { name: blob.name, bytes: blob.bytes }
    }
}

impl From<types::Strings> for Strings {
    fn from(strings: types::Strings) -> Self {
        // Validated once for the whole column, not for each string. Invalid UTF-8 is a trap, and so a fault.
        #[allow(clippy::expect_used)]
        Self { offsets: strings.offsets, text: String::from_utf8(strings.bytes).expect("UTF-8") }
    }
}

impl From<types::Column> for Column {
    fn from(column: types::Column) -> Self {
        let values = match column.values {
            types::Values::Strings(strings) => Values::Strings(strings.into()),
            types::Values::Codes(codes) => {
                Values::Codes(crate::Codes { dictionary: codes.dictionary.into(), values: codes.values })
            }
            types::Values::U64s(values) => Values::U64s(values),
            types::Values::I64s(values) => Values::I64s(values),
            types::Values::Bools(bits) => Values::Bools(bits),
        };
        Self { name: column.name, values, validity: Validity(column.validity) }
    }
}

impl From<types::Chunk> for Chunk {
    fn from(chunk: types::Chunk) -> Self {
        let columns = chunk.columns.into_iter().map(Into::into).collect();
        Self { first_row: chunk.first_row, rows: chunk.rows, columns, ..Self::default() }
    }
}

impl From<crate::Finding> for types::Finding {
    fn from(finding: crate::Finding) -> Self {
        Self {
            rule: finding.rule.to_owned(),
            severity: match finding.severity {
                crate::Severity::Deny => types::Severity::Deny,
                crate::Severity::Warn => types::Severity::Warn,
            },
            nature: finding.nature.into(),
            message: finding.message,
            help: finding.help,
            field: finding.field,
            setting: finding.setting.map(str::to_owned),
            rows: finding.rows,
            examples: finding.examples,
        }
    }
}

impl From<crate::Descriptor> for types::Descriptor {
    fn from(descriptor: crate::Descriptor) -> Self {
        Self {
            name: descriptor.name.to_owned(),
            version: descriptor.version.to_owned(),
            summary: descriptor.summary.to_owned(),
            rules: descriptor.rules.iter().map(Into::into).collect(),
            settings_schema: descriptor.settings_schema,
            columns: descriptor.columns.iter().map(|name| (*name).to_owned()).collect(),
            limits: descriptor.limits.iter().map(|limit| (*limit).into()).collect(),
        }
    }
}

impl From<crate::Nature> for types::Nature {
    fn from(nature: crate::Nature) -> Self {
        match nature {
            crate::Nature::Wrong => Self::Wrong,
            crate::Nature::Missing => Self::Missing,
        }
    }
}

impl From<crate::Subject> for types::Subject {
    fn from(subject: crate::Subject) -> Self {
        match subject {
            crate::Subject::Request => Self::Request,
            crate::Subject::Size => Self::Size,
            crate::Subject::Ids => Self::Ids,
            crate::Subject::Targets => Self::Targets,
        }
    }
}

impl From<crate::Limit> for types::Limit {
    fn from(limit: crate::Limit) -> Self {
        Self { measure: limit.measure.into(), setting: limit.setting.to_owned() }
    }
}

impl From<crate::Measure> for types::Measure {
    fn from(measure: crate::Measure) -> Self {
        match measure {
            crate::Measure::TenantsHard => Self::TenantsHard,
            crate::Measure::TenantsSoft => Self::TenantsSoft,
            crate::Measure::CanaryShare => Self::CanaryShare,
            crate::Measure::CanaryTenants => Self::CanaryTenants,
            crate::Measure::Growth => Self::Growth,
        }
    }
}

impl From<&crate::Rule> for types::Rule {
    fn from(rule: &crate::Rule) -> Self {
        Self {
            code: rule.code.to_owned(),
            summary: rule.summary(),
            explanation: rule.explanation(),
            settings: rule.settings.iter().map(|name| (*name).to_owned()).collect(),
            nature: rule.nature.into(),
            subject: rule.subject.into(),
            never_lifted: rule.never_lifted,
        }
    }
}
