//! Objects to everything.

use reprieve_guests::{Finding, Guest, finding, guest};

struct Policy;

impl Guest for Policy {
    fn finish() -> Vec<Finding> {
        vec![finding()]
    }
}

guest!(Policy);
