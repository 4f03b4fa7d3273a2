//! Objects to targets that do not exist.

use reprieve_guests::{Finding, Guest, finding, guest};

struct Policy;

impl Guest for Policy {
    fn finish() -> Vec<Finding> {
        vec![Finding { rows: 1, examples: vec![1_000_000], ..finding() }]
    }
}

guest!(Policy);
