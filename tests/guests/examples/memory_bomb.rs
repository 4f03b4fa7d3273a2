//! Allocates memory until it is refused.

use reprieve_guests::{Guest, guest};

struct Policy;

impl Guest for Policy {
    fn begin() {
        let mut kept = Vec::new();
        loop {
            kept.push(Vec::<u8>::with_capacity(1 << 20));
            std::hint::black_box(&kept);
        }
    }
}

guest!(Policy);
