//! Panics.

use reprieve_guests::{Guest, guest};

struct Policy;

impl Guest for Policy {
    fn open() {
        panic!("on purpose");
    }
}

guest!(Policy);
