//! Has the name that is reserved for the gate.

use reprieve_guests::{Descriptor, Guest, descriptor, guest};

struct Policy;

impl Guest for Policy {
    fn describe() -> Descriptor {
        Descriptor { name: "gate".to_owned(), ..descriptor() }
    }
}

guest!(Policy);
