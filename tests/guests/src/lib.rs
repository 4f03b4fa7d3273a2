//! The common part of the hostile guests: a policy that passes every batch. Each guest overrides one function of it.
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

pub use bindings::reprieve::policy::types::{Descriptor, Finding, Nature, Rule, Severity, Subject};

/// A policy that passes every batch, unless a function is overridden.
pub trait Guest {
    fn describe() -> Descriptor {
        descriptor()
    }

    fn begin() {}

    fn finish() -> Result<Vec<Finding>, String> {
        Ok(Self::findings())
    }

    fn findings() -> Vec<Finding> {
        Vec::new()
    }
}

/// A valid descriptor.
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
            nature: Nature::Wrong,
            subject: Subject::Request,
            never_lifted: false,
        }],
        settings_schema: r#"{"type":"object","properties":{},"additionalProperties":false}"#.to_owned(),
        columns: Vec::new(),
        limits: Vec::new(),
    }
}

/// A valid finding.
pub fn finding() -> Finding {
    Finding {
        rule: "rule".to_owned(),
        severity: Severity::Deny,
        nature: Nature::Wrong,
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

            fn begin(_: $crate::bindings::reprieve::policy::types::Input) -> Result<(), String> {
                <$guest as Guest>::begin();
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
                <$guest as Guest>::finish()
            }
        }

        $crate::bindings::export!(Exported with_types_in $crate::bindings);
    };
}

/// A component with several policies. Each passes every batch.
pub trait Several {
    fn policies() -> Vec<String>;

    fn select(_: u32) {}

    fn describe() -> Descriptor {
        descriptor()
    }
}

#[macro_export]
macro_rules! several {
    ($guest:ty) => {
        wit_bindgen::generate!({
            path: "../../sdk/wit",
            world: "policies",
            with: { "reprieve:policy/types@0.2.0": reprieve_guests::bindings::reprieve::policy::types },
        });

        struct Exported;

        impl Guest for Exported {
            fn policies() -> Vec<String> {
                <$guest as Several>::policies()
            }

            fn select(policy: u32) {
                <$guest as Several>::select(policy);
            }

            fn describe() -> Descriptor {
                <$guest as Several>::describe()
            }

            fn validate(_: String, _: Vec<Blob>) -> Result<(), String> {
                Ok(())
            }

            fn begin(_: Input) -> Result<(), String> {
                Ok(())
            }

            fn observe(_: Chunk) -> Result<(), String> {
                Ok(())
            }

            fn save() -> Vec<u8> {
                Vec::new()
            }

            fn merge(_: Vec<u8>) -> Result<(), String> {
                Ok(())
            }

            fn finish() -> Result<Vec<Finding>, String> {
                Ok(Vec::new())
            }
        }

        export!(Exported);
    };
}
