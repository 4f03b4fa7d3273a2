//! Objects by a rule that it does not have.

use reprieve_guests::{Finding, Guest, finding, guest};

struct Policy;

impl Guest for Policy {
    fn finish() -> Vec<Finding> {
        vec![Finding { rule: "another".to_owned(), ..finding() }]
    }
}

guest!(Policy);
