//! Requests a column that does not exist, because of a typing error.

use reprieve_guests::{Descriptor, Guest, descriptor, guest};

struct Policy;

impl Guest for Policy {
    fn describe() -> Descriptor {
        Descriptor { columns: vec!["id".to_owned(), "legal_hodl".to_owned()], ..descriptor() }
    }
}

guest!(Policy);
