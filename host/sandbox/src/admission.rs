//! Admission: what is checked before anything is compiled. No limit of a running instance bounds the compiler, and a
//! module of 300 KB can make it abort the process. So sizes and counts are bounded first ([`admit`]). A module that
//! imports anything but types, or was built for another version of the contract, is refused by name.

use crate::limits::Limits;
use crate::measure::measure;
use crate::refusal::{AdmissionError, CONTRACT, Form, check_max, invalid};
use wasmparser::component_types::{ComponentAnyTypeId, ComponentEntityType, ComponentInstanceTypeId};
use wasmparser::{Parser, Payload, Validator, WasmFeatures, types::TypesRef};

/// What the name of every interface of the contract begins with, whatever its version.
const INTERFACE_PREFIX: &str = "reprieve:policy/";
/// The first contract. It had `open` instead of `begin`.
const FIRST_CONTRACT: &str = "reprieve:policy@0.1.0";

/// Checks size and shape of a module in one pass. Nothing else reads a module before this has.
pub(crate) fn admit(bytes: &[u8], limits: &Limits) -> Result<Form, AdmissionError> {
    check_max("the module's size in bytes", bytes.len() as u64, limits.module_bytes)?;
    let form = if Parser::is_component(bytes) {
        Form::Component
    } else if Parser::is_core_wasm(bytes) {
        Form::Module
    } else {
        return Err(AdmissionError::Invalid("it does not begin with a wasm header".to_owned()));
    };
    measure(bytes, limits, form)?;
    Ok(form)
}

/// Validates a module that was admitted, and checks what it imports.
pub(crate) fn validate(bytes: &[u8], form: Form) -> Result<(), AdmissionError> {
    let mut validator = Validator::new_with_features(features());
    let types = validator.validate_all(bytes).map_err(|error| invalid(&error))?;
    if form == Form::Component {
        check_component_imports(bytes, types.as_ref())?;
    }
    Ok(())
}

/// The features of wasm that the sandbox runs: no threads, no 64-bit memories, no relaxed SIMD, no garbage collection, no
/// async.
fn features() -> WasmFeatures {
    WasmFeatures::WASM2
        | WasmFeatures::COMPONENT_MODEL
        | WasmFeatures::TAIL_CALL
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::MULTI_MEMORY
}

/// The payloads of a component itself, without those of the modules and components inside it.
fn outer_payloads(component: &[u8]) -> impl Iterator<Item = Result<Payload<'_>, AdmissionError>> {
    let mut depth = 0_u32;
    Parser::new(0).parse_all(component).filter_map(move |payload| {
        let is_outer = depth == 0;
        match &payload {
            Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => depth += 1,
            Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
            _ => {}
        }
        is_outer.then(|| payload.map_err(|error| invalid(&error)))
    })
}

/// Checks that a component, or a core module that was wrapped as one, was built for this version of the contract.
pub(crate) fn check_contract(component: &[u8]) -> Result<(), AdmissionError> {
    let (mut has_open, mut has_begin) = (false, false);
    for payload in outer_payloads(component) {
        match payload? {
            Payload::ComponentImportSection(section) => {
                for import in section {
                    check_version(import.map_err(|error| invalid(&error))?.name.name)?;
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let name = export.map_err(|error| invalid(&error))?.name.name;
                    check_version(name)?;
                    has_open |= name == "open";
                    has_begin |= name == "begin";
                }
            }
            _ => {}
        }
    }
    if has_open && !has_begin {
        return Err(AdmissionError::Contract { found: FIRST_CONTRACT.to_owned() });
    }
    Ok(())
}

/// Checks the version in the name of an interface, such as `reprieve:policy/types@0.2.0`.
fn check_version(name: &str) -> Result<(), AdmissionError> {
    let Some(interface) = name.strip_prefix(INTERFACE_PREFIX) else { return Ok(()) };
    let package = INTERFACE_PREFIX.trim_end_matches('/');
    let found = match interface.split_once('@') {
        Some((_, version)) => format!("{package}@{version}"),
        None => package.to_owned(),
    };
    if found == CONTRACT { Ok(()) } else { Err(AdmissionError::Contract { found }) }
}

/// A component may import types, and instances that contain only types. Any other import grants access to something.
fn check_component_imports(bytes: &[u8], types: TypesRef<'_>) -> Result<(), AdmissionError> {
    for payload in outer_payloads(bytes) {
        if let Payload::ComponentImportSection(section) = payload? {
            for import in section {
                let name = import.map_err(|error| invalid(&error))?.name.name;
                check_import(name, types.component_item_for_import(name).map(|item| item.ty), types)?;
            }
        }
    }
    Ok(())
}

fn check_import(name: &str, ty: Option<ComponentEntityType>, types: TypesRef<'_>) -> Result<(), AdmissionError> {
    let refuse = |kind: &str| Err(AdmissionError::Import { kind: kind.to_owned(), name: name.to_owned() });
    match ty {
        Some(ComponentEntityType::Instance(instance)) => check_instance(name, instance, types),
        Some(ComponentEntityType::Type { referenced: ComponentAnyTypeId::Resource(_), .. }) => refuse("resource"),
        Some(ComponentEntityType::Type { .. }) => Ok(()),
        Some(ComponentEntityType::Func(_)) => refuse("function"),
        Some(ComponentEntityType::Module(_)) => refuse("module"),
        Some(ComponentEntityType::Component(_)) => refuse("component"),
        Some(ComponentEntityType::Value(_)) | None => refuse("value"),
    }
}

fn check_instance(name: &str, instance: ComponentInstanceTypeId, types: TypesRef<'_>) -> Result<(), AdmissionError> {
    for (export, item) in &types[instance].exports {
        check_import(&format!("{name}#{export}"), Some(item.ty), types)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component with an empty instance type, and one section with an entry of this name.
    fn component(section: u8, name: &str, entry: &[u8]) -> Vec<u8> {
        let entry = [&[1, 0, name.len() as u8], name.as_bytes(), entry].concat();
        let header: &[u8] = b"\0asm\x0d\0\x01\0";
        [header, &[7, 3, 1, 0x42, 0], &[section, entry.len() as u8], &entry].concat()
    }

    fn importing(name: &str) -> Vec<u8> {
        component(10, name, &[5, 0])
    }

    fn exporting(name: &str) -> Vec<u8> {
        component(11, name, &[3, 0, 0])
    }

    fn is_of(found: &str, component: &[u8]) {
        let error = check_contract(component).unwrap_err();
        assert_eq!(error, AdmissionError::Contract { found: found.to_owned() });
        assert_eq!(error.help(), Some("build it again with the SDK of this version"));
    }

    #[test]
    fn reads_the_contract_of_the_wit_file() {
        let wit = include_str!("../../../sdk/wit/policy.wit");
        let package = wit.lines().find_map(|line| line.strip_prefix("package ")?.strip_suffix(';'));
        assert_eq!(package, Some(CONTRACT));
    }

    #[test]
    fn admits_this_version_of_the_contract() {
        for name in ["reprieve:policy/types@0.2.0", "other:package/types@0.1.0"] {
            assert_eq!(admit(&importing(name), &Limits::default()), Ok(Form::Component));
            assert_eq!(validate(&importing(name), Form::Component), Ok(()));
            assert_eq!(check_contract(&importing(name)), Ok(()));
        }
        assert_eq!(check_contract(&exporting("begin")), Ok(()));
    }

    #[test]
    fn refuses_other_versions_of_the_contract() {
        is_of("reprieve:policy@0.1.0", &importing("reprieve:policy/types@0.1.0"));
        is_of("reprieve:policy@0.2.1", &importing("reprieve:policy/types@0.2.1"));
        is_of("reprieve:policy@1.0.0", &exporting("reprieve:policy/evaluate@1.0.0"));
        is_of("reprieve:policy", &importing("reprieve:policy/types"));
    }

    #[test]
    fn refuses_a_component_that_exports_open_but_not_begin() {
        is_of("reprieve:policy@0.1.0", &exporting("open"));
    }
}
