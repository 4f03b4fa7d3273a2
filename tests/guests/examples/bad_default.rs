//! Has a setting whose default its own schema refuses, in a part of the schema that stands elsewhere.

use reprieve_guests::{Descriptor, Guest, descriptor, guest};

struct Policy;

impl Guest for Policy {
    fn describe() -> Descriptor {
        let settings_schema = r##"{
            "type": "object",
            "properties": { "most": { "$ref": "#/$defs/count", "default": 200 }, "name": { "type": "string" } },
            "required": ["name"],
            "$defs": { "count": { "type": "integer", "maximum": 100 } }
        }"##;
        Descriptor { settings_schema: settings_schema.to_owned(), ..descriptor() }
    }
}

guest!(Policy);
