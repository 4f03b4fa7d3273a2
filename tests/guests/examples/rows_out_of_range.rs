//! Reports a row that does not exist.

use reprieve_guests::{Finding, Guest, finding, guest};

struct Policy;

impl Guest for Policy {
    fn findings() -> Vec<Finding> {
        vec![Finding { rows: 1, examples: vec![1_000_000], ..finding() }]
    }
}

guest!(Policy);
