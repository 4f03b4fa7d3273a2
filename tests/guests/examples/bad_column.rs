//! Asks for a column that there is not, by a slip of the pen.

use reprieve_guests::{Descriptor, Guest, descriptor, guest};

struct Policy;

impl Guest for Policy {
    fn describe() -> Descriptor {
        Descriptor { columns: vec!["id".to_owned(), "legal_hodl".to_owned()], ..descriptor() }
    }
}

guest!(Policy);
