//! Denies every batch.

use reprieve_guests::{Finding, Guest, finding, guest};

struct Policy;

impl Guest for Policy {
    fn findings() -> Vec<Finding> {
        vec![finding()]
    }
}

guest!(Policy);
