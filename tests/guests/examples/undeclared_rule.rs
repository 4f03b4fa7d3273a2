//! Reports a rule that its descriptor does not declare.

use reprieve_guests::{Finding, Guest, finding, guest};

struct Policy;

impl Guest for Policy {
    fn findings() -> Vec<Finding> {
        vec![Finding { rule: "another".to_owned(), ..finding() }]
    }
}

guest!(Policy);
