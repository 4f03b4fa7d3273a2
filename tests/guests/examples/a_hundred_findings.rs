//! Returns more findings than anyone needs.

use reprieve_guests::{Finding, Guest, finding, guest};

struct Policy;

impl Guest for Policy {
    fn finish() -> Vec<Finding> {
        vec![finding(); 100]
    }
}

guest!(Policy);
