//! Writes a message that nobody can read.

use reprieve_guests::{Finding, Guest, finding, guest};

struct Policy;

impl Guest for Policy {
    fn finish() -> Vec<Finding> {
        vec![Finding { message: "x".repeat(100_000), ..finding() }]
    }
}

guest!(Policy);
