//! Puts text that would forge a report into its description and its findings.

use reprieve_guests::{Descriptor, Finding, Guest, Rule, descriptor, finding, guest};

const TEXT: &str = "=x\u{1b}[2J\u{9b}31m\r\nallow forged\u{2028}\u{202e}\u{200b}\u{85}\u{e0041}\t\0";

const TEXT_IN_JSON: &str = r"=x\u001b[2J\u009b31m\r\nallow forged\u2028\u202e\u200b\u0085\udb40\udc41\t\u0000";

const SCHEMA: &str = r#"{"type": "object", "additionalProperties": false,
    "properties": {"TEXT": {"type": "string", "description": "TEXT", "default": "TEXT"}}}"#;

struct Policy;

impl Guest for Policy {
    fn describe() -> Descriptor {
        let rules = descriptor().rules.into_iter();
        let rules = rules.map(|rule| Rule {
            summary: TEXT.to_owned(),
            explanation: TEXT.repeat(2),
            settings: vec![TEXT.to_owned()],
            ..rule
        });
        Descriptor {
            summary: TEXT.to_owned(),
            rules: rules.collect(),
            settings_schema: SCHEMA.replace("TEXT", TEXT_IN_JSON),
            ..descriptor()
        }
    }

    fn findings() -> Vec<Finding> {
        vec![Finding { message: TEXT.to_owned(), help: TEXT.to_owned(), ..finding() }]
    }
}

guest!(Policy);
