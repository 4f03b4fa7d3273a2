//! Panics in `begin`.

use reprieve_guests::{Guest, guest};

struct Policy;

impl Guest for Policy {
    fn begin() {
        panic!("on purpose");
    }
}

guest!(Policy);
