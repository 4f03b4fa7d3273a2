//! Has a settings schema with a type that does not exist.

use reprieve_guests::{Descriptor, Guest, descriptor, guest};

struct Policy;

impl Guest for Policy {
    fn describe() -> Descriptor {
        let settings_schema = r#"{"type":"object","properties":{"max":{"type":"number of targets"}}}"#.to_owned();
        Descriptor { settings_schema, ..descriptor() }
    }
}

guest!(Policy);
