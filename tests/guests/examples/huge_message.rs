//! Returns a message that is longer than the limit allows.

use reprieve_guests::{Finding, Guest, finding, guest};

struct Policy;

impl Guest for Policy {
    fn findings() -> Vec<Finding> {
        vec![Finding { message: "x".repeat(100_000), ..finding() }]
    }
}

guest!(Policy);
