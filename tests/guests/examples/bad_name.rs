//! Has a name that is not kebab-case.

use reprieve_guests::{Descriptor, Guest, descriptor, guest};

struct Policy;

impl Guest for Policy {
    fn describe() -> Descriptor {
        Descriptor { name: "Not A Name".to_owned(), ..descriptor() }
    }
}

guest!(Policy);
