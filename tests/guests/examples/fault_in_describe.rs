//! Panics in `describe`.

use reprieve_guests::{Descriptor, Guest, guest};

struct Policy;

impl Guest for Policy {
    fn describe() -> Descriptor {
        panic!("on purpose");
    }
}

guest!(Policy);
