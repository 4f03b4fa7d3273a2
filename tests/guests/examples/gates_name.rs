//! Calls itself by the name under which the gate speaks.

use reprieve_guests::{Descriptor, Guest, descriptor, guest};

struct Policy;

impl Guest for Policy {
    fn describe() -> Descriptor {
        Descriptor { name: "gate".to_owned(), ..descriptor() }
    }
}

guest!(Policy);
