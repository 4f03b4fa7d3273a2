//! What the hostile guests have in common: a policy that has no objection, of which each overrides a part.
#![allow(missing_docs, unsafe_code, clippy::all)]

pub mod bindings {
    wit_bindgen::generate!({
        path: "../../sdk/wit",
        world: "policy",
        pub_export_macro: true,
        default_bindings_module: "reprieve_guests::bindings",
        additional_derives: [Clone],
    });
}

pub use bindings::reprieve::policy::types::{Descriptor, Finding, Rule, Severity};

/// A policy; every part of it can be overridden.
pub trait Guest {
    fn describe() -> Descriptor {
        descriptor()
    }

    fn open() {}

    fn answer() -> Result<(), String> {
        Ok(())
    }

    fn finish() -> Vec<Finding> {
        Vec::new()
    }
}

/// A descriptor in order.
pub fn descriptor() -> Descriptor {
    Descriptor {
        name: "guest".to_owned(),
        version: "1.0.0".to_owned(),
        summary: "A guest.".to_owned(),
        rules: vec![Rule {
            code: "rule".to_owned(),
            summary: "A rule.".to_owned(),
            explanation: String::new(),
            settings: Vec::new(),
        }],
        settings_schema: r#"{"type":"object","properties":{},"additionalProperties":false}"#.to_owned(),
        columns: Vec::new(),
    }
}

/// A finding in order.
pub fn finding() -> Finding {
    Finding {
        rule: "rule".to_owned(),
        severity: Severity::Deny,
        message: "objection".to_owned(),
        help: String::new(),
        field: None,
        setting: None,
        rows: 0,
        examples: Vec::new(),
    }
}

#[macro_export]
macro_rules! guest {
    ($guest:ty) => {
        struct Exported;

        impl $crate::bindings::Guest for Exported {
            fn describe() -> $crate::Descriptor {
                <$guest as Guest>::describe()
            }

            fn validate(_: String, _: Vec<$crate::bindings::reprieve::policy::types::Blob>) -> Result<(), String> {
                Ok(())
            }

            fn open(_: $crate::bindings::reprieve::policy::types::Input) -> Result<(), String> {
                <$guest as Guest>::open();
                Ok(())
            }

            fn observe(_: $crate::bindings::reprieve::policy::types::Chunk) -> Result<(), String> {
                Ok(())
            }

            fn save() -> Vec<u8> {
                Vec::new()
            }

            fn merge(_: Vec<u8>) -> Result<(), String> {
                Ok(())
            }

            fn finish() -> Result<Vec<$crate::Finding>, String> {
                <$guest as Guest>::answer()?;
                Ok(<$guest as Guest>::finish())
            }
        }

        $crate::bindings::export!(Exported with_types_in $crate::bindings);
    };
}
