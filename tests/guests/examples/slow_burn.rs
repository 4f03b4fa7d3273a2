//! Uses most of its fuel, then returns.

use reprieve_guests::{Guest, guest};

struct Policy;

impl Guest for Policy {
    fn begin() {
        let mut n = 0_u64;
        for i in 0..1_700_000_u64 {
            n = std::hint::black_box(n ^ i);
        }
    }
}

guest!(Policy);
