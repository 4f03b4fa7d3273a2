//! Uses up its fuel by building a million findings.

use reprieve_guests::{Finding, Guest, finding, guest};

struct Policy;

impl Guest for Policy {
    fn findings() -> Vec<Finding> {
        vec![Finding { message: String::new(), ..finding() }; 1_000_000]
    }
}

guest!(Policy);
