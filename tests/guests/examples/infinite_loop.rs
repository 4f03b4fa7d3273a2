//! Never returns from `begin`.

use reprieve_guests::{Guest, guest};

struct Policy;

impl Guest for Policy {
    fn begin() {
        let mut n = 0_u64;
        loop {
            n = std::hint::black_box(n.wrapping_add(1));
        }
    }
}

guest!(Policy);
