//! Returns more findings than the limit allows.

use reprieve_guests::{Finding, Guest, finding, guest};

struct Policy;

impl Guest for Policy {
    fn findings() -> Vec<Finding> {
        vec![finding(); 100]
    }
}

guest!(Policy);
