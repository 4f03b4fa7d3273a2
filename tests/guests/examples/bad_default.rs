//! Has a setting whose default violates its own schema, in a part of the schema behind a `$ref`.

use reprieve_guests::{Descriptor, Guest, descriptor, guest};

struct Policy;

impl Guest for Policy {
    fn describe() -> Descriptor {
        let settings_schema = r##"{
            "type": "object",
            "properties": { "max": { "$ref": "#/$defs/count", "default": 200 }, "name": { "type": "string" } },
            "required": ["name"],
            "$defs": { "count": { "type": "integer", "maximum": 100 } }
        }"##;
        Descriptor { settings_schema: settings_schema.to_owned(), ..descriptor() }
    }
}

guest!(Policy);
