//! Returns more bytes than one call may.

use reprieve_guests::{Finding, Guest, finding, guest};

struct Policy;

impl Guest for Policy {
    fn findings() -> Vec<Finding> {
        vec![Finding { message: "x".repeat(8 << 20), ..finding() }]
    }
}

guest!(Policy);
